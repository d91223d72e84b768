//! Images.

use std::path::Path;

use caproni_driver::Error;

use crate::engine::Engine;
use crate::plan::not_found;

/// Tells whether what `loadImage` names is an archive, and not an image of the engine.
pub fn is_archive(image: &str) -> bool {
    image.starts_with('/')
}

impl Engine {
    /// Tells whether the engine has an image, by its name or id.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_image(&self, name: &str) -> Result<bool, Error> {
        // It says less of the image than to inspect it, of which all would have to be read.
        Ok(self.answer_or_gone(self.docker.image_history(name)).await?.is_some())
    }

    /// Refuses images and archives of which one is not there, before any is loaded.
    ///
    /// # Errors
    /// `NotFound` with the first that is missing, and as [`Engine::connect`].
    pub async fn check_images(&self, images: &[String]) -> Result<(), Error> {
        for image in images {
            self.check_image(image).await?;
        }
        Ok(())
    }

    async fn check_image(&self, image: &str) -> Result<(), Error> {
        if is_archive(image) {
            return check_archive(image);
        }
        // An empty name, or one that looks like a flag, would be something else to a backend.
        let odd = image.is_empty() || image.starts_with('-');
        if !odd && self.has_image(image).await? {
            return Ok(());
        }
        let message = format!("there is no image `{}`", image.escape_debug());
        Err(not_found(image, message).with_hint("build it, or pull it with `docker pull IMAGE`"))
    }
}

/// Refuses an archive that is not there.
///
/// # Errors
/// `NotFound`.
pub fn check_archive(path: &str) -> Result<(), Error> {
    if Path::new(path).is_file() {
        return Ok(());
    }
    let message = format!("there is no archive `{}`", path.escape_debug());
    Err(not_found(path, message).with_hint("write it with `docker save -o ARCHIVE IMAGE`"))
}
