//! `loadImage`: images of the machine's engine, or archives, onto every node.

use std::path::Path;

use caproni_driver::{Change, Error, ErrorKind, Outcome, Request, State};

use crate::around::status;
use crate::minikube::Minikube;

/// Loads images; with one of them missing none is loaded.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`, and minikube's.
pub(crate) async fn load(
    request: &Request,
    profile: &str,
    images: &[String],
) -> Result<Outcome, Error> {
    if status(request, profile, None).await?.state != State::Ready {
        let message = format!("cluster `{profile}` does not run, or not well");
        return Err(
            Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
        );
    }
    let minikube = Minikube::find()?;
    for image in images {
        find(request, image).await?;
    }
    for image in images {
        minikube.load_image(request, profile, image).await?;
    }
    Ok(Outcome::new(Change::Loaded))
}

/// Refuses an image that is neither an archive nor known to the engine: minikube would look
/// for it in a registry, and exits with 0 when it is in none.
async fn find(request: &Request, image: &str) -> Result<(), Error> {
    let there = match image.starts_with('/') {
        true => Path::new(image).is_file(),
        false => {
            let engine = caproni_engine::Engine::connect(request).await?;
            engine.has_image(image).await?
        }
    };
    if there {
        return Ok(());
    }
    let mut error = Error::new(ErrorKind::NotFound, format!("there is no image `{image}`"))
        .with_hint("build it, or pull it with `docker pull`");
    error.data.resource = Some(image.into());
    Err(error)
}
