//! Volumes.

use std::collections::HashMap;

use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use caproni_driver::Error;

use crate::engine::{Engine, WORK};

impl Engine {
    /// Names the volumes that have the label.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn volumes(&self, label: &str) -> Result<Vec<String>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed = self.answer(self.docker.list_volumes(Some(options))).await?;
        Ok(listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }

    /// Tells whether there is a volume of this name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_volume(&self, name: &str) -> Result<bool, Error> {
        Ok(self.answer_or_gone(self.docker.inspect_volume(name)).await?.is_some())
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
