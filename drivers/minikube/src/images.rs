//! `loadImage`: images of the machine's engine, or archives, onto every node.

use caproni_driver::{Change, Error, ErrorKind, Outcome, Request, State};

use caproni_engine::{Engine, check_archive, is_archive};

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
    check(request, images).await?;
    for image in images {
        minikube.load_image(request, profile, image).await?;
    }
    // minikube exits with 0, and without a word, when a node did not take an image.
    let listed = minikube.images(request, profile).await?;
    let named = images.iter().filter(|image| !image.starts_with('/'));
    match named.into_iter().find(|image| !is_listed(&listed, image)) {
        None => Ok(Outcome::new(Change::Loaded)),
        Some(image) => {
            let message = format!("the nodes did not take the image `{image}`");
            let hint = format!("run `minikube image load -p {profile} {image} --alsologtostderr`");
            Err(Error::new(ErrorKind::BackendFailed, message).with_hint(hint))
        }
    }
}

/// Tells whether an image is among those that nodes have, which call it by its whole name.
pub(crate) fn is_listed(listed: &str, image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    let tagged = if last.contains(':') { image.to_owned() } else { format!("{image}:latest") };
    let is_it = |line: &str| {
        let short = line.strip_prefix("docker.io/").unwrap_or(line);
        line == tagged || short == tagged || short.strip_prefix("library/") == Some(&tagged)
    };
    listed.lines().map(str::trim).any(is_it)
}

/// Refuses what is neither an archive nor known to the engine: minikube would look for it in a
/// registry, and exits with 0 when it is in none.
async fn check(request: &Request, images: &[String]) -> Result<(), Error> {
    let (archives, names): (Vec<_>, Vec<_>) =
        images.iter().cloned().partition(|one| is_archive(one));
    for archive in &archives {
        check_archive(archive)?;
    }
    match names.as_slice() {
        [] => Ok(()),
        names => Engine::connect(request).await?.check_images(names).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_its_short_name() {
        let listed =
            "registry.k8s.io/pause:3.10\ndocker.io/library/app:1\ndocker.io/me/web:latest\n";
        for image in
            ["app:1", "library/app:1", "docker.io/library/app:1", "me/web", "me/web:latest"]
        {
            assert!(is_listed(listed, image), "{image}");
        }
        for image in ["app", "app:2", "web", "pause:3.10"] {
            assert!(!is_listed(listed, image), "{image}");
        }
    }
}
