//! `caproni image`

use std::path::Path;
use std::time::Duration;

use caproni_driver::Change;
use clap::{Args, Subcommand};

use super::App;
use crate::error::Error;
use crate::exit;
use crate::output::LoadedImages;

/// How long loading may take when the user says nothing.
const LIMIT: Duration = Duration::from_secs(600);

/// What the name of an archive ends with.
const ARCHIVES: [&str; 3] = [".tar", ".tar.gz", ".tgz"];

/// Work with container images on the cluster's nodes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Image {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Load(Load),
}

/// Put images onto every node, so that the cluster runs them without a registry
///
/// An image is one of this machine's engine, or an archive as `docker save` and OCI write it: a path
/// that begins with `/`, `./` or `../`, or ends with `.tar`, `.tar.gz` or `.tgz`. With one of them
/// missing none is loaded.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Load {
    /// The images, or archives of images
    #[arg(required = true, value_name = "IMAGE|ARCHIVE")]
    images: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  caproni image load app:1 web:1
  docker save -o app.tar app:1 && caproni image load app.tar";

impl Image {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let Command::Load(load) = self.command;
        load.run(app).await
    }
}

impl Load {
    async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let images = self.images.iter().map(|image| named(image)).collect::<Result<Vec<_>, _>>()?;
        let session = app.open(&target).await?;
        let config = app.config_if_valid(&target, &session);
        let loaded = match super::need(&session, "loadImage", "put images onto its nodes") {
            Ok(()) => session.load_image(app.call(&target, LIMIT), config, images.clone()).await,
            Err(error) => Err(error),
        };
        let driver = session.driver.name.clone();
        session.close().await;
        let outcome = match loaded {
            Ok(outcome) => outcome,
            Err(error) => return Err(app.look_back(&target, error).await),
        };
        let names: Vec<_> = images.iter().map(|image| format!("`{image}`")).collect();
        let did = match outcome.change {
            Change::None => "has them already:",
            _ => "has now",
        };
        let mut text = format!("cluster `{}` {did} {}", target.profile, names.join(", "));
        if let Some(message) = &outcome.message {
            text += &format!("\n{message}");
        }
        let loaded = LoadedImages {
            profile: target.profile,
            driver,
            change: outcome.change,
            message: outcome.message,
            images,
        };
        app.ui.done_result(&crate::ui::clean(&text), &loaded)?;
        Ok(exit::OK)
    }
}

/// The image as the driver is to be told of it: an archive by its absolute path.
fn named(image: &str) -> Result<String, Error> {
    let is_path = ["/", "./", "../"].iter().any(|begin| image.starts_with(begin));
    if !is_path && !ARCHIVES.iter().any(|end| image.ends_with(end)) {
        return Ok(image.to_owned());
    }
    let path = std::path::absolute(Path::new(image))
        .map_err(|error| Error::internal(&format!("cannot find `{image}`"), error))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_told_by_its_name_and_named_by_its_path() {
        for image in ["app:1", "localhost:5000/app:1", "app.tar:1", "me/app"] {
            assert_eq!(named(image).unwrap(), image);
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(named("app.tar").unwrap(), here.join("app.tar").display().to_string());
        assert_eq!(named("./app").unwrap(), here.join("app").display().to_string());
        assert_eq!(named("/tmp/app.tgz").unwrap(), "/tmp/app.tgz");
    }
}
