//! Files in containers, and the one that says that a cluster's creation was finished.

use std::io;

use bollard::body_full;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use caproni_driver::Error;
use futures_util::{Stream, StreamExt, future::try_join_all};

use super::Engine;
use super::silence::unexpected;
use crate::cluster::Cluster;
use crate::document::CONFIG_LABEL;

/// The file in each server that says that the cluster's creation was finished.
///
/// It is in the container's own layer, so that it lives as long as the cluster, and
/// whoever looks from wherever sees it.
const MARK: &str = "/var/lib/caproni/created";

/// How much of a file in a container is read at most, in bytes.
const LONGEST_FILE: usize = 1024 * 1024;

impl Engine {
    /// Looks for the mark on the servers that this driver made; others count as finished.
    ///
    /// One server that has it is enough: another may have been added or replaced since.
    pub(super) async fn is_finished(&self, listed: &[ContainerSummary]) -> Result<bool, Error> {
        let ours = listed.iter().filter(|summary| {
            let labels = summary.labels.as_ref();
            labels.is_some_and(|labels| labels.contains_key(CONFIG_LABEL))
        });
        let marks = ours.map(|server| self.has_mark(server.id.as_deref().unwrap_or_default()));
        let marks = try_join_all(marks).await?;
        Ok(marks.is_empty() || marks.contains(&true))
    }

    async fn has_mark(&self, container: &str) -> Result<bool, Error> {
        let options = ContainerArchiveInfoOptionsBuilder::default().path(MARK).build();
        let asked = self.docker.get_container_archive_info(container, Some(options));
        Ok(self.answer_or_gone(asked).await?.is_some())
    }

    /// Says on each server that the cluster's creation was finished.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn mark_finished(&self, cluster: &Cluster) -> Result<(), Error> {
        let archive = archive_of(MARK, b"").map_err(|error| unexpected(&error))?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        for server in cluster.servers() {
            let body = body_full(archive.clone().into());
            let upload = self.docker.upload_to_container(&server.id, Some(options.clone()), body);
            self.answer(upload).await?;
        }
        Ok(())
    }

    /// Reads a file in a container, be it running or not; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn read(&self, container: &str, path: &str) -> Result<Option<String>, Error> {
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
fn archive_of(path: &str, content: &[u8]) -> io::Result<Vec<u8>> {
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
