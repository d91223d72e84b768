//! Volumes.

use std::collections::HashMap;

use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use caproni_driver::Error;
use futures_util::future::try_join;

use super::{Engine, WORK};
use crate::cluster::CLUSTER_LABEL;

impl Engine {
    /// Names the volumes that k3d made for a cluster.
    ///
    /// The image volume counts without its label too: the engine makes it anew, for a
    /// container that it was still about to create when the volume was removed.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn volumes(&self, cluster: &str) -> Result<Vec<String>, Error> {
        let label = format!("{CLUSTER_LABEL}={cluster}");
        let filters = HashMap::from([("label".to_owned(), vec![label])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let images = format!("k3d-{cluster}-images");
        let (listed, found) = try_join(
            self.answer(self.docker.list_volumes(Some(options))),
            self.answer_or_gone(self.docker.inspect_volume(&images)),
        )
        .await?;
        let listed = listed.volumes.unwrap_or_default().into_iter();
        let mut names: Vec<_> = listed.map(|volume| volume.name).collect();
        if found.is_some() && !names.contains(&images) {
            names.push(images);
        }
        Ok(names)
    }

    /// Removes a volume; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        self.unless_gone(WORK, self.docker.remove_volume(name, Some(options))).await
    }
}
