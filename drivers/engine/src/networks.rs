//! Networks.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::NetworkDisconnectRequest;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use caproni_driver::Error;
use serde::Deserialize;

use crate::ask::ask;
use crate::containers::CONTAINERS;
use crate::engine::{Engine, Failure, WORK};
use crate::listed::Listed;
use crate::silence::status_code;

/// A network, as far as it is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    /// The engine's id.
    pub id: String,
    /// Its name, which another one may have too.
    pub name: String,
}

/// Asks for the networks that have a label.
pub(crate) async fn networks(docker: Docker, label: &str) -> Result<Vec<Network>, EngineError> {
    let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    ask(docker, "/networks", options).await
}

impl Engine {
    /// Tells whether any container, stopped ones too, is in a network.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn is_used(&self, network: &str) -> Result<bool, Error> {
        let filters = HashMap::from([("network".to_owned(), vec![network.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed: Vec<Listed> =
            self.answer(ask(self.docker.clone(), CONTAINERS, options)).await?;
        Ok(!listed.is_empty())
    }

    /// Finds the networks of these names that have the label. There may be two of one name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn networks(&self, label: &str, names: &[String]) -> Result<Vec<Network>, Error> {
        let networks = self.networks_with(label).await?;
        Ok(networks.into_iter().filter(|network| names.contains(&network.name)).collect())
    }

    /// Finds all networks that have the label.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn networks_with(&self, label: &str) -> Result<Vec<Network>, Error> {
        self.answer(networks(self.docker.clone(), label)).await
    }

    /// Takes a container out of a network, by force; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn disconnect(&self, network: &str, container: &str) -> Result<(), Error> {
        let request = NetworkDisconnectRequest { container: container.into(), force: Some(true) };
        let done = self.docker.disconnect_network(network, request);
        self.unless_gone(WORK, done).await
    }

    /// Removes a network by its id; false when containers are still in it.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn remove_network(&self, id: &str) -> Result<bool, Error> {
        match self.within(WORK, self.docker.remove_network(id)).await {
            Ok(()) => Ok(true),
            Err(Failure::Engine(error)) if status_code(&error) == Some(404) => Ok(true),
            Err(Failure::Engine(error)) if status_code(&error) == Some(403) => Ok(false),
            Err(failure) => Err(failure.explain(&self.endpoint)),
        }
    }
}
