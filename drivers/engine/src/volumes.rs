//! Volumes.

use std::collections::HashMap;

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

impl Engine {
    /// Names the volumes that have the label.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn volumes(&self, label: &str) -> Result<Vec<String>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed: Volumes = self.answer(ask(self.docker.clone(), "/volumes", options)).await?;
        Ok(listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
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
