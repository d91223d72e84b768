//! Networks.

use std::collections::HashMap;

use bollard::models::{Network, NetworkDisconnectRequest};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use caproni_driver::Error;

use crate::engine::{Engine, Failure, WORK};
use crate::silence::status_code;

impl Engine {
    /// Tells whether any container, stopped ones too, is in a network.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn is_used(&self, network: &str) -> Result<bool, Error> {
        let filters = HashMap::from([("network".to_owned(), vec![network.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        Ok(!self.answer(self.docker.list_containers(Some(options))).await?.is_empty())
    }

    /// Finds the networks of these names that have the label. There may be two of one name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn networks(&self, label: &str, names: &[String]) -> Result<Vec<Network>, Error> {
        let networks = self.networks_with(label).await?;
        let named = |network: &Network| network.name.as_ref().is_some_and(|n| names.contains(n));
        Ok(networks.into_iter().filter(named).collect())
    }

    /// Finds all networks that have the label.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn networks_with(&self, label: &str) -> Result<Vec<Network>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        self.answer(self.docker.list_networks(Some(options))).await
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
