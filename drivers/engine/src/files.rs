//! Files in containers, be these running or not.

use std::io;

use bollard::body_full;
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use caproni_driver::Error;
use futures_util::{Stream, StreamExt};

use crate::engine::Engine;
use crate::silence::unexpected;

/// How much of a file in a container is read at most, in bytes.
const LONGEST_FILE: usize = 1024 * 1024;

impl Engine {
    /// Tells whether a file is there in a container.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn has_file(&self, container: &str, path: &str) -> Result<bool, Error> {
        let options = ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        let asked = self.docker.get_container_archive_info(container, Some(options));
        Ok(self.answer_or_gone(asked).await?.is_some())
    }

    /// Writes a file into a container; its folders are made.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn write(&self, container: &str, path: &str, content: &[u8]) -> Result<(), Error> {
        let archive = archive_of(path, content).map_err(|error| unexpected(&error))?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let body = body_full(archive.into());
        self.answer(self.docker.upload_to_container(container, Some(options), body)).await
    }

    /// Reads a file in a container, be it running or not; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn read(&self, container: &str, path: &str) -> Result<Option<String>, Error> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let stream = self.docker.download_from_container(container, Some(options));
        let Some(archive) = self.answer_or_gone(collect(stream)).await? else { return Ok(None) };
        first_file(&archive).map(Some).map_err(|error| unexpected(&error))
    }
}

async fn collect(
    stream: impl Stream<Item = Result<impl AsRef<[u8]>, bollard::errors::Error>>,
) -> Result<Vec<u8>, bollard::errors::Error> {
    let mut stream = std::pin::pin!(stream);
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(chunk?.as_ref());
        if bytes.len() > LONGEST_FILE {
            return Err(io::Error::other("the file is too long").into());
        }
    }
    Ok(bytes)
}

/// A tar archive that holds one file.
pub(crate) fn archive_of(path: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, path.trim_start_matches('/'), content)?;
    archive.into_inner()
}

/// The text of the first file in a tar archive.
fn first_file(archive: &[u8]) -> io::Result<String> {
    let mut archive = tar::Archive::new(archive);
    let mut entry = archive.entries()?.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut text = String::new();
    io::Read::read_to_string(&mut entry, &mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_out_of_an_archive_as_it_went_in() {
        let archive = archive_of("/var/lib/thing", b"text\n").unwrap();
        assert_eq!(first_file(&archive).unwrap(), "text\n");
        assert!(first_file(b"").is_err());
    }
}
