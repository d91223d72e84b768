//! The Docker engine: what of its API this driver uses, with deadlines and our errors.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, ContainerSummary, Network};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
    RenameContainerOptionsBuilder, StopContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, Docker, body_full};
use caproni_driver::{Error, ErrorKind, Request};
use futures_util::{Stream, StreamExt, TryStreamExt, future};

use crate::cluster::{CLUSTER_LABEL, Cluster, Container};
use crate::document::CONFIG_LABEL;
use crate::endpoint::{Endpoint, Transport};
use crate::mend::{self, Platform, Silence};

/// How long the engine may take for a question.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the engine may take to remove or start something.
const WORK: Duration = Duration::from_secs(60);

/// bollard's own limit in seconds; each call has a shorter one of ours.
const LIMIT: u64 = 120;

/// The file in each server that says that the cluster's creation was finished.
///
/// It is in the container's own layer, so that it lives as long as the cluster, and
/// whoever looks from wherever sees it.
const MARK: &str = "/var/lib/caproni/created";

/// How much of a file in a container is read at most, in bytes.
const LONGEST_FILE: usize = 1024 * 1024;

/// A Docker engine, for the time of one request.
#[derive(Clone)]
pub(crate) struct Engine {
    docker: Docker,
    endpoint: Endpoint,
    request: Request,
}

/// A failure of one call, before it is known what it means.
#[derive(Debug)]
enum Failure {
    Engine(bollard::errors::Error),
    Slow,
    Ended(Error),
}

impl Engine {
    /// Connects to the engine that k3d would use.
    ///
    /// # Errors
    /// `BackendUnavailable`, `BackendMissing` or `PermissionDenied` with what mends it,
    /// `Unsupported` for an address of an unknown kind.
    pub(crate) async fn connect(request: &Request) -> Result<Self, Error> {
        let endpoint = Endpoint::of_environment()?;
        let docker = match open(&endpoint.transport) {
            Ok(docker) => docker,
            Err(error) => return Err(silent(&endpoint, silence(&error), &error)),
        };
        let mut engine = Self { docker, endpoint, request: request.clone() };
        // Engines refuse an API version newer than theirs, and newer ones those of old.
        let asked = engine.docker.clone().negotiate_version();
        engine.docker = match engine.within(ANSWER, asked).await {
            Ok(docker) => docker,
            Err(Failure::Engine(error)) if status_code(&error).is_some() => {
                return Err(silent(&engine.endpoint, Silence::NotThere, &error));
            }
            Err(failure) => return Err(engine.error(failure)),
        };
        Ok(engine)
    }

    /// The same engine for the work of another request, such as a rollback.
    #[must_use]
    pub(crate) fn for_request(&self, request: &Request) -> Self {
        Self { request: request.clone(), ..self.clone() }
    }

    /// Where the engine is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for the engine's version.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn version(&self) -> Result<Option<String>, Error> {
        Ok(self.answer(self.docker.version()).await?.version)
    }

    /// Looks at all there is of a cluster; changes nothing.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn cluster(&self, name: &str) -> Result<Cluster, Error> {
        let listed = self.list(&[&format!("{CLUSTER_LABEL}={name}")]).await?;
        let containers = listed.iter().map(|summary| self.container(summary));
        let finished = self.is_finished(&listed);
        let (containers, finished) = future::join(future::try_join_all(containers), finished).await;
        let containers: Vec<_> = containers?.into_iter().flatten().collect();
        let mut cluster =
            Cluster { name: name.into(), containers, finished: finished?, leftovers: false };
        if cluster.nodes().is_empty() {
            let (volumes, networks) =
                future::try_join(self.volumes(name), self.networks(&[own_network(name)])).await?;
            cluster.leftovers = !volumes.is_empty() || !networks.is_empty();
        }
        Ok(cluster)
    }

    /// Inspects one container; `None` when it is gone since it was listed.
    async fn container(&self, listed: &ContainerSummary) -> Result<Option<Container>, Error> {
        let id = listed.id.clone().unwrap_or_default();
        let inspected = self.answer_or_gone(self.docker.inspect_container(&id, None)).await?;
        Ok(inspected.map(|inspected: ContainerInspectResponse| Container {
            created: listed.created,
            ..Container::read(inspected)
        }))
    }

    /// Lists containers, stopped ones too, that have all of the labels.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn list(&self, labels: &[&str]) -> Result<Vec<ContainerSummary>, Error> {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let filters = HashMap::from([("label".to_owned(), labels)]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        self.answer(self.docker.list_containers(Some(options))).await
    }

    /// Lists all containers that run.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn running(&self) -> Result<Vec<ContainerSummary>, Error> {
        self.answer(self.docker.list_containers(None)).await
    }

    /// Tells whether any container, stopped ones too, is in a network.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn is_used(&self, network: &str) -> Result<bool, Error> {
        let filters = HashMap::from([("network".to_owned(), vec![network.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        Ok(!self.answer(self.docker.list_containers(Some(options))).await?.is_empty())
    }

    /// Looks for the mark on the servers that this driver made; others count as finished.
    ///
    /// One server that has it is enough: another may have been added or replaced since.
    async fn is_finished(&self, listed: &[ContainerSummary]) -> Result<bool, Error> {
        let ours = listed.iter().filter(|summary| {
            let labels = summary.labels.as_ref();
            labels.is_some_and(|labels| labels.contains_key(CONFIG_LABEL))
        });
        let marks = ours.map(|server| self.has_mark(server.id.as_deref().unwrap_or_default()));
        let marks = future::try_join_all(marks).await?;
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

    /// The end of what a container printed, by lines.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn log(&self, container: &str, lines: usize) -> Result<Vec<String>, Error> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let chunks = self.docker.logs(container, Some(options));
        let chunks: Vec<_> = self.answer(chunks.try_collect()).await?;
        let text: String = chunks.iter().map(ToString::to_string).collect();
        Ok(text.lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn unpause(&self, container: &str) -> Result<(), Error> {
        self.answer(self.docker.unpause_container(container)).await
    }

    /// Starts a container.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn start(&self, container: &str) -> Result<(), Error> {
        self.work(self.docker.start_container(container, None)).await
    }

    /// Asks a container to end, and ends it when it does not within `grace`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn stop(&self, container: &str, grace: Duration) -> Result<(), Error> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let stopped = self.docker.stop_container(container, Some(options));
        self.unless_gone(WORK + grace, stopped).await
    }

    /// Gives a container another name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn rename(&self, container: &str, name: &str) -> Result<(), Error> {
        let options = RenameContainerOptionsBuilder::default().name(name).build();
        self.answer(self.docker.rename_container(container, options)).await
    }

    /// Removes a container, running or not, with its anonymous volumes; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn remove(&self, container: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removed = self.docker.remove_container(container, Some(options));
        self.unless_gone(WORK, removed).await
    }

    /// Names the volumes that k3d made for a cluster.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn volumes(&self, cluster: &str) -> Result<Vec<String>, Error> {
        let label = format!("{CLUSTER_LABEL}={cluster}");
        let filters = HashMap::from([("label".to_owned(), vec![label])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let answer = self.answer(self.docker.list_volumes(Some(options))).await?;
        let volumes = answer.volumes.unwrap_or_default();
        Ok(volumes.into_iter().map(|volume| volume.name).collect())
    }

    /// Removes a volume; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        self.unless_gone(WORK, self.docker.remove_volume(name, Some(options))).await
    }

    /// Finds the networks of these names that k3d made. There may be two of one name.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn networks(&self, names: &[String]) -> Result<Vec<Network>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec!["app=k3d".to_owned()])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let networks = self.answer(self.docker.list_networks(Some(options))).await?;
        let named = |network: &Network| network.name.as_ref().is_some_and(|n| names.contains(n));
        Ok(networks.into_iter().filter(named).collect())
    }

    /// Takes a container out of a network, by force; gone is fine.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn disconnect(&self, network: &str, container: &str) -> Result<(), Error> {
        let request = bollard::models::NetworkDisconnectRequest {
            container: container.into(),
            force: Some(true),
        };
        let done = self.docker.disconnect_network(network, request);
        self.unless_gone(WORK, done).await
    }

    /// Removes a network by its id; false when containers are still in it.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn remove_network(&self, id: &str) -> Result<bool, Error> {
        match self.within(WORK, self.docker.remove_network(id)).await {
            Ok(()) => Ok(true),
            Err(Failure::Engine(error)) if status_code(&error) == Some(404) => Ok(true),
            Err(Failure::Engine(error)) if status_code(&error) == Some(403) => Ok(false),
            Err(failure) => Err(self.error(failure)),
        }
    }

    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Error> {
        self.within(ANSWER, call).await.map_err(|failure| self.error(failure))
    }

    async fn work<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Error> {
        self.within(WORK, call).await.map_err(|failure| self.error(failure))
    }

    /// As `answer`, with `None` for "no such thing".
    async fn answer_or_gone<T>(
        &self,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<Option<T>, Error> {
        match self.within(ANSWER, call).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Engine(error)) if status_code(&error) == Some(404) => Ok(None),
            Err(failure) => Err(self.error(failure)),
        }
    }

    /// Work on a thing that may be gone, or going, already.
    async fn unless_gone(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<(), bollard::errors::Error>>,
    ) -> Result<(), Error> {
        match self.within(limit, call).await {
            // 409: "removal of container … is already in progress".
            Err(Failure::Engine(error)) if matches!(status_code(&error), Some(404 | 409)) => Ok(()),
            other => other.map_err(|failure| self.error(failure)),
        }
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, Failure> {
        let call = self.request.or_ended(tokio::time::timeout(limit, call));
        match call.await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(Failure::Engine(error)),
            Ok(Err(_)) => Err(Failure::Slow),
            Err(ended) => Err(Failure::Ended(ended)),
        }
    }

    fn error(&self, failure: Failure) -> Error {
        match failure {
            Failure::Ended(error) => error,
            Failure::Slow => {
                mend::engine_silent(&Platform::detect(), &self.endpoint, Silence::Hangs)
            }
            Failure::Engine(error) => match status_code(&error) {
                Some(_) => unexpected(&error),
                None => silent(&self.endpoint, silence(&error), &error),
            },
        }
    }
}

/// The network that k3d makes for a cluster.
pub(crate) fn own_network(cluster: &str) -> String {
    format!("k3d-{cluster}")
}

fn open(transport: &Transport) -> Result<Docker, bollard::errors::Error> {
    match transport {
        Transport::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), LIMIT, API_DEFAULT_VERSION)
        }
        Transport::Tcp(address) => Docker::connect_with_http(address, LIMIT, API_DEFAULT_VERSION),
        Transport::Tls(address, folder) => Docker::connect_with_ssl(
            address,
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            LIMIT,
            API_DEFAULT_VERSION,
        ),
    }
}

fn silent(endpoint: &Endpoint, silence: Silence, cause: &bollard::errors::Error) -> Error {
    mend::engine_silent(&Platform::detect(), endpoint, silence).with_cause(whole(cause))
}

/// Looks for the reason in the causes of an error: the libraries between wrap it.
fn silence(error: &bollard::errors::Error) -> Silence {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match error {
        // It passes its own source on as if it were that source.
        bollard::errors::Error::IOError { err } => Some(err),
        error => Some(error),
    };
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => return Silence::Forbidden,
            Some(io::ErrorKind::TimedOut) => return Silence::Hangs,
            // An I/O error that holds another does not name it as its source.
            Some(_) => cause = io.and_then(io::Error::get_ref).map(|inner| inner as _),
            None => cause = error.source(),
        }
    }
    match error {
        bollard::errors::Error::RequestTimeoutError => Silence::Hangs,
        _ => Silence::NotThere,
    }
}

/// An error with all its causes in one line.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// A failure the engine itself told, or a thing it should not have said.
fn unexpected(error: &dyn std::error::Error) -> Error {
    let message = format!("the Docker engine refused: {}", whole(error));
    Error::new(ErrorKind::BackendFailed, message)
}

fn status_code(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
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

    #[test]
    fn a_forbidden_socket_is_known_however_deep_the_cause_is() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(silence(&io::Error::other(error).into()), Silence::Forbidden);
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(silence(&error.into()), Silence::NotThere);
    }
}
