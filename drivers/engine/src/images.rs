//! Images.

use caproni_driver::Error;

use crate::engine::Engine;

impl Engine {
    /// Tells whether the engine has an image, by its name or id.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_image(&self, name: &str) -> Result<bool, Error> {
        Ok(self.answer_or_gone(self.docker.inspect_image(name)).await?.is_some())
    }
}
