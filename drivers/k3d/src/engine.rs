//! The Docker engine: what of its API this driver uses, with deadlines and our errors.

use std::future::Future;
use std::time::Duration;

use bollard::Docker;
use caproni_driver::{Error, Request};
use futures_util::future::{join, try_join, try_join_all};

use crate::cluster::{CLUSTER_LABEL, Cluster};
use crate::endpoint::Endpoint;
use crate::mend::{self, Platform, Silence};
use silence::{silence, silent, status_code, unexpected};

mod containers;
mod files;
mod networks;
mod opening;
mod silence;
mod volumes;

/// How long the engine may take for a question.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the engine may take to remove or start something.
const WORK: Duration = Duration::from_secs(60);

/// A Docker engine, for the time of one request.
#[derive(Clone)]
pub(crate) struct Engine {
    docker: Docker,
    endpoint: Endpoint,
    request: Request,
}

/// A failure of one call, before it is known what it means.
#[derive(Debug)]
enum Failure {
    Engine(bollard::errors::Error),
    Slow,
    Ended(Error),
}

impl Engine {
    /// Connects to the engine that k3d would use.
    ///
    /// # Errors
    /// `BackendUnavailable`, `BackendMissing` or `PermissionDenied` with what mends it,
    /// `Unsupported` for an address of an unknown kind.
    pub(crate) async fn connect(request: &Request) -> Result<Self, Error> {
        let endpoint = Endpoint::of_environment()?;
        let opened = within(request, ANSWER, opening::open(&endpoint.transport)).await;
        match opened {
            Ok(docker) => Ok(Self { docker, endpoint, request: request.clone() }),
            // Something answers there, and it is no engine.
            Err(Failure::Engine(error)) if status_code(&error).is_some() => {
                Err(silent(&endpoint, Silence::NotThere, &error))
            }
            Err(failure) => Err(failure.explain(&endpoint)),
        }
    }

    /// The same engine for the work of another request, such as a rollback.
    #[must_use]
    pub(crate) fn for_request(&self, request: &Request) -> Self {
        Self { request: request.clone(), ..self.clone() }
    }

    /// Where the engine is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for the engine's version.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn version(&self) -> Result<Option<String>, Error> {
        Ok(self.answer(self.docker.version()).await?.version)
    }

    /// Looks at all there is of a cluster; changes nothing.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn cluster(&self, name: &str) -> Result<Cluster, Error> {
        let listed = self.list(&[&format!("{CLUSTER_LABEL}={name}")]).await?;
        let containers = listed.iter().map(|summary| self.container(summary));
        let finished = self.is_finished(&listed);
        let (containers, finished) = join(try_join_all(containers), finished).await;
        let containers: Vec<_> = containers?.into_iter().flatten().collect();
        let mut cluster =
            Cluster { name: name.into(), containers, finished: finished?, leftovers: false };
        if cluster.nodes().is_empty() {
            let (volumes, networks) =
                try_join(self.volumes(name), self.networks(&[own_network(name)])).await?;
            cluster.leftovers = !volumes.is_empty() || !networks.is_empty();
        }
        Ok(cluster)
    }

    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Error> {
        self.within(ANSWER, call).await.map_err(|failure| failure.explain(&self.endpoint))
    }

    async fn work<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Error> {
        self.within(WORK, call).await.map_err(|failure| failure.explain(&self.endpoint))
    }

    /// As `answer`, with `None` for "no such thing".
    async fn answer_or_gone<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<Option<T>, Error> {
        match self.within(ANSWER, call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Engine(error)) if status_code(&error) == Some(404) => Ok(None),
            Err(failure) => Err(failure.explain(&self.endpoint)),
        }
    }

    /// Work on a thing that may be gone, or going, already.
    async fn unless_gone(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<(), bollard::errors::Error>>,
    ) -> Result<(), Error> {
        match self.within(limit, call).await {
            // 409: "removal of container … is already in progress".
            Err(Failure::Engine(error)) if matches!(status_code(&error), Some(404 | 409)) => Ok(()),
            other => other.map_err(|failure| failure.explain(&self.endpoint)),
        }
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Failure> {
        within(&self.request, limit, call).await
    }
}

async fn within<T>(
    request: &Request,
    limit: Duration,
    call: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, Failure> {
    match request.or_ended(tokio::time::timeout(limit, call)).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(Failure::Engine(error)),
        Ok(Err(_)) => Err(Failure::Slow),
        Err(ended) => Err(Failure::Ended(ended)),
    }
}

impl Failure {
    fn explain(self, endpoint: &Endpoint) -> Error {
        match self {
            Self::Ended(error) => error,
            Self::Slow => mend::engine_silent(&Platform::detect(), endpoint, Silence::Hangs),
            Self::Engine(error) => match status_code(&error) {
                Some(_) => unexpected(&error),
                None => silent(endpoint, silence(&error), &error),
            },
        }
    }
}

/// The network that k3d makes for a cluster.
pub(crate) fn own_network(cluster: &str) -> String {
    format!("k3d-{cluster}")
}
