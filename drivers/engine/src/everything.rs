//! All that a backend has on an engine, asked for at once.

use bollard::Docker;
use caproni_driver::backend::Backend;
use caproni_driver::{Error, Request};
use futures_util::future::try_join3;

use crate::ask::ask;
use crate::containers::{CONTAINERS, with_labels};
use crate::engine::Engine;
use crate::listed::Listed;
use crate::networks::{Network, networks};
use crate::volumes::volumes;

/// What a backend has on an engine.
#[derive(Debug)]
pub struct Everything {
    /// Its containers, stopped ones too.
    pub containers: Vec<Listed>,
    /// The names of its volumes.
    pub volumes: Vec<String>,
    /// Its networks.
    pub networks: Vec<Network>,
}

impl Engine {
    /// As [`Engine::connect_and_list`], and lists the volumes and the networks that have another label.
    ///
    /// # Errors
    /// As [`Engine::connect_for`].
    pub async fn connect_and_list_all(
        request: &Request,
        backend: &Backend,
        of_containers: &str,
        of_others: &str,
    ) -> Result<(Self, Everything), Error> {
        let questions = |docker: Docker| async move {
            let containers = ask(docker.clone(), CONTAINERS, with_labels(&[of_containers]));
            let (volumes, networks) =
                (volumes(docker.clone(), of_others), networks(docker, of_others));
            let (containers, volumes, networks) = try_join3(containers, volumes, networks).await?;
            Ok(Everything { containers, volumes, networks })
        };
        Self::connect_and_ask(request, backend, questions).await
    }
}
