//! Containers: finding, stopping, starting and removing them.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{
    ListContainersOptions, ListContainersOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use caproni_driver::Error;
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::ask::ask;
use crate::container::Container;
use crate::engine::{Engine, WORK};
use crate::inspected::Inspected;
use crate::listed::Listed;

/// Where an engine lists its containers.
pub(crate) const CONTAINERS: &str = "/containers/json";

/// All containers that have all of the labels.
pub(crate) fn with_labels(labels: &[&str]) -> ListContainersOptions {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    let filters = HashMap::from([("label".to_owned(), labels)]);
    ListContainersOptionsBuilder::default().all(true).filters(&filters).build()
}

impl Engine {
    /// Inspects one container; `None` when it is gone since it was listed.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn container(&self, listed: &Listed) -> Result<Option<Container>, Error> {
        let inspected = self.inspect(&listed.id, ()).await?;
        Ok(inspected
            .map(|inspected| Container { created: listed.created, ..Container::read(inspected) }))
    }

    /// Inspects a container by its id or its name; `None` when there is none.
    pub(crate) async fn inspect(
        &self,
        container: &str,
        query: impl Serialize + Send,
    ) -> Result<Option<Inspected>, Error> {
        let path = format!("/containers/{container}/json");
        self.answer_or_gone(ask(self.docker.clone(), &path, query)).await
    }

    /// Lists containers, stopped ones too, that have all of the labels.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn list(&self, labels: &[&str]) -> Result<Vec<Listed>, Error> {
        self.answer(ask(self.docker.clone(), CONTAINERS, with_labels(labels))).await
    }

    /// Lists all containers that run.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn running(&self) -> Result<Vec<Listed>, Error> {
        let running = ListContainersOptions::default();
        self.answer(ask(self.docker.clone(), CONTAINERS, running)).await
    }

    /// The end of what a container printed, by lines.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn log(&self, container: &str, lines: usize) -> Result<Vec<String>, Error> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let chunks = self.docker.logs(container, Some(options));
        let chunks: Vec<_> = self.answer(chunks.try_collect()).await?;
        let text: String = chunks.iter().map(ToString::to_string).collect();
        Ok(text.lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn unpause(&self, container: &str) -> Result<(), Error> {
        self.answer(self.docker.unpause_container(container)).await
    }

    /// Starts a container.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn start(&self, container: &str) -> Result<(), Error> {
        self.work(self.docker.start_container(container, None)).await
    }

    /// Asks a container to end, and ends it when it does not within `grace`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn stop(&self, container: &str, grace: Duration) -> Result<(), Error> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let stopped = self.docker.stop_container(container, Some(options));
        self.unless_gone(WORK + grace, stopped).await
    }

    /// Gives a container another name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn rename(&self, container: &str, name: &str) -> Result<(), Error> {
        let options = RenameContainerOptionsBuilder::default().name(name).build();
        self.answer(self.docker.rename_container(container, options)).await
    }

    /// Removes a container, running or not, with its anonymous volumes; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn remove(&self, container: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removed = self.docker.remove_container(container, Some(options));
        self.unless_gone(WORK, removed).await
    }
}
