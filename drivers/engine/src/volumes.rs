//! Volumes.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use caproni_driver::Error;
use serde::Deserialize;

use crate::ask::ask;
use crate::engine::{Engine, WORK};

/// What the engine answers when it is asked for volumes, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
}

/// Asks for the names of the volumes that have a label.
pub(crate) async fn volumes(docker: Docker, label: &str) -> Result<Vec<String>, EngineError> {
    let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
    let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
    let listed: Volumes = ask(docker, "/volumes", options).await?;
    Ok(listed.volumes.into_iter().flatten().map(|volume| volume.name).collect())
}

impl Engine {
    /// Names the volumes that have the label.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn volumes(&self, label: &str) -> Result<Vec<String>, Error> {
        self.answer(volumes(self.docker.clone(), label)).await
    }

    /// Tells whether there is a volume of this name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_volume(&self, name: &str) -> Result<bool, Error> {
        let path = format!("/volumes/{name}");
        let asked = ask::<Volume>(self.docker.clone(), &path, ());
        Ok(self.answer_or_gone(asked).await?.is_some())
    }

    /// Removes a volume; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        self.unless_gone(WORK, self.docker.remove_volume(name, Some(options))).await
    }
}
