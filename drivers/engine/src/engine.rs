//! One engine for the time of one request, and how each of its calls fails.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use caproni_driver::backend::{Backend, Platform};
use caproni_driver::{Error, ErrorKind, Program, Request};
use tokio::sync::Semaphore;

use crate::ask::ask;
use crate::containers::{CONTAINERS, with_labels};
use crate::endpoint::{Endpoint, Transport};
use crate::listed::Listed;
use crate::mend::{self, Silence};
use crate::opening;
use crate::silence::{silence, silent, status_code, unexpected};

/// How many questions are open at once. Each has a connection of its own, and of a process's files
/// 256 are open at most where nobody says otherwise (macOS).
pub(crate) const AT_ONCE: usize = 32;

/// The same where each connection is a login: beyond ten that are under way sshd refuses some.
const AT_ONCE_FROM_AFAR: usize = 8;

/// How long the engine may take for a question, from when it is asked.
const ANSWER: Duration = Duration::from_secs(5);

/// The same where each connection is a login on another machine first.
const ANSWER_FROM_AFAR: Duration = Duration::from_secs(20);

/// How long the engine may take to remove or start something.
pub(crate) const WORK: Duration = Duration::from_secs(60);

/// A Docker engine, for the time of one request.
#[derive(Clone)]
pub struct Engine {
    pub(crate) docker: Docker,
    pub(crate) endpoint: Endpoint,
    request: Request,
    /// Whose question is open.
    turns: Arc<Semaphore>,
}

/// A failure of one call, before it is known what it means.
#[derive(Debug)]
pub(crate) enum Failure {
    Engine(bollard::errors::Error),
    Slow,
    Ended(Error),
}

impl Engine {
    /// Connects to the engine that the docker command would use.
    ///
    /// # Errors
    /// `BackendUnavailable`, `BackendMissing` or `PermissionDenied` with what mends it,
    /// `Unsupported` for an address of an unknown kind.
    pub async fn connect(request: &Request) -> Result<Self, Error> {
        let endpoint = Endpoint::of_environment()?;
        let opened =
            within(request, answer(&endpoint), Box::pin(opening::open(&endpoint.transport))).await;
        match opened {
            Ok(docker) => Ok(Self::over(docker, endpoint, request)),
            // Something answers there, and it is no engine.
            Err(Failure::Engine(error)) if status_code(&error).is_some() => {
                Err(silent(&endpoint, Silence::NotThere, &error))
            }
            Err(failure) => Err(failure.explain(&endpoint)),
        }
    }

    /// Connects to the engine for a backend that works on it; where its program is missing as
    /// well, the failure names all that it takes to mend both.
    ///
    /// # Errors
    /// As [`Engine::connect`], and `BackendMissing`.
    pub async fn connect_for(request: &Request, backend: &Backend) -> Result<Self, Error> {
        Self::connect(request).await.map_err(|error| Self::failed_for(backend, error))
    }

    /// As [`Engine::connect_for`], and lists the containers, stopped ones too, that have the label:
    /// as the first question of all, which needs no other before it.
    ///
    /// # Errors
    /// As [`Engine::connect_for`].
    pub async fn connect_and_list(
        request: &Request,
        backend: &Backend,
        label: &str,
    ) -> Result<(Self, Vec<Listed>), Error> {
        let list = |docker| ask(docker, CONTAINERS, with_labels(&[label]));
        Self::connect_and_ask(request, backend, list).await
    }

    /// As [`Engine::connect_for`], with these as the first questions of all.
    pub(crate) async fn connect_and_ask<T: Send, C: Call<T>>(
        request: &Request,
        backend: &Backend,
        questions: impl Fn(Docker) -> C + Send + Sync,
    ) -> Result<(Self, T), Error> {
        let opened = Self::open_and_ask(request, questions).await;
        opened.map_err(|error| Self::failed_for(backend, error))
    }

    async fn open_and_ask<T: Send, C: Call<T>>(
        request: &Request,
        questions: impl Fn(Docker) -> C + Send + Sync,
    ) -> Result<(Self, T), Error> {
        let endpoint = Endpoint::of_environment()?;
        let opened = opening::open_and_ask(&endpoint.transport, &questions);
        match within(request, answer(&endpoint), Box::pin(opened)).await {
            Ok((docker, answer)) => Ok((Self::over(docker, endpoint, request), answer)),
            // Something refuses, which is an engine if it can be connected to.
            Err(Failure::Engine(error)) if status_code(&error).is_some() => {
                let engine = Self::connect(request).await?;
                let answer = engine.answer(questions(engine.docker.clone())).await?;
                Ok((engine, answer))
            }
            Err(failure) => Err(failure.explain(&endpoint)),
        }
    }

    pub(crate) fn over(docker: Docker, endpoint: Endpoint, request: &Request) -> Self {
        let turns = match endpoint.transport {
            Transport::Ssh(_) => AT_ONCE_FROM_AFAR,
            _ => AT_ONCE,
        };
        let turns = Arc::new(Semaphore::new(turns));
        Self { docker, endpoint, request: request.clone(), turns }
    }

    fn failed_for(backend: &Backend, error: Error) -> Error {
        let silent =
            matches!(error.kind(), ErrorKind::BackendUnavailable | ErrorKind::BackendMissing);
        if !silent || backend.path().is_some() {
            return error;
        }
        let both = backend.missing(&Platform::detect()).with_cause(&error);
        let hint = match (&both.data.hint, &error.data.hint) {
            (Some(first), Some(second)) => format!("{first}; then {second}"),
            (first, second) => first.clone().or_else(|| second.clone()).unwrap_or_default(),
        };
        both.with_hint(hint).with_actions(error.data.actions)
    }

    /// Tells where the engine is and its version, as far as either is to be had.
    pub async fn program(request: &Request) -> Program {
        let program = Program::new("docker");
        let Ok(endpoint) = Endpoint::of_environment() else { return program };
        let (program, limit) = (program.with_location(endpoint.to_string()), answer(&endpoint));
        let version = async { Self::connect(request).await.ok()?.version().await.ok()? };
        match tokio::time::timeout(limit, version).await {
            Ok(Some(version)) => program.with_version(version),
            _ => program,
        }
    }

    /// The same engine for the work of another request, such as a rollback.
    #[must_use]
    pub fn for_request(&self, request: &Request) -> Self {
        Self { request: request.clone(), ..self.clone() }
    }

    /// Where the engine is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for the engine's version.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn version(&self) -> Result<Option<String>, Error> {
        Ok(self.answer(self.docker.version()).await?.version)
    }

    pub(crate) fn answer<'a, T: 'a>(
        &'a self,
        call: impl Call<T> + 'a,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'a {
        let asked = self.in_turn(Box::pin(call));
        async { asked.await.map_err(|failure| failure.explain(&self.endpoint)) }
    }

    pub(crate) fn work<'a, T: 'a>(
        &'a self,
        call: impl Call<T> + 'a,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'a {
        let worked = self.within(WORK, call);
        async { worked.await.map_err(|failure| failure.explain(&self.endpoint)) }
    }

    /// As `answer`, with `None` for "no such thing".
    pub(crate) fn answer_or_gone<'a, T: 'a>(
        &'a self,
        call: impl Call<T> + 'a,
    ) -> impl Future<Output = Result<Option<T>, Error>> + Send + 'a {
        let asked = self.in_turn(Box::pin(call));
        async {
            match asked.await {
                Ok(answer) => Ok(Some(answer)),
                Err(Failure::Engine(error)) if status_code(&error) == Some(404) => Ok(None),
                Err(failure) => Err(failure.explain(&self.endpoint)),
            }
        }
    }

    /// Work on a thing that may be gone, or going, already.
    pub(crate) fn unless_gone<'a>(
        &'a self,
        limit: Duration,
        call: impl Call<()> + 'a,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a {
        let worked = self.within(limit, call);
        async {
            match worked.await {
                // 409: "removal of container … is already in progress".
                Err(Failure::Engine(error)) if matches!(status_code(&error), Some(404 | 409)) => {
                    Ok(())
                }
                other => other.map_err(|failure| failure.explain(&self.endpoint)),
            }
        }
    }

    /// Asks when fewer than [`AT_ONCE`] questions are open, unless the request ends before.
    async fn in_turn<T>(&self, call: Boxed<'_, T>) -> Result<T, Failure> {
        let _turn = self.request.or_ended(self.turns.acquire()).await.map_err(Failure::Ended)?;
        within(&self.request, answer(&self.endpoint), call).await
    }

    pub(crate) fn within<'a, T: 'a>(
        &'a self,
        limit: Duration,
        call: impl Call<T> + 'a,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'a {
        within(&self.request, limit, Box::pin(call))
    }
}

/// How long this engine may take for a question.
fn answer(endpoint: &Endpoint) -> Duration {
    match endpoint.transport {
        Transport::Ssh(_) => ANSWER_FROM_AFAR,
        _ => ANSWER,
    }
}

/// One of bollard's calls. Its future is many kilobytes long, and each that it becomes part of would have
/// room for it twice: it is never held but in a box of its own.
pub(crate) trait Call<T>: Future<Output = Result<T, bollard::errors::Error>> + Send {}

impl<T, F: Future<Output = Result<T, bollard::errors::Error>> + Send> Call<T> for F {}

type Boxed<'a, T> = Pin<Box<dyn Call<T> + 'a>>;

async fn within<T>(request: &Request, limit: Duration, call: Boxed<'_, T>) -> Result<T, Failure> {
    match request.or_ended(tokio::time::timeout(limit, call)).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(Failure::Engine(error)),
        Ok(Err(_)) => Err(Failure::Slow),
        Err(ended) => Err(Failure::Ended(ended)),
    }
}

impl Failure {
    pub(crate) fn explain(self, endpoint: &Endpoint) -> Error {
        match self {
            Self::Ended(error) => error,
            Self::Slow => mend::engine_silent(&Platform::detect(), endpoint, Silence::Hangs),
            Self::Engine(error) => match status_code(&error) {
                Some(_) => unexpected(&error),
                None => silent(endpoint, silence(&error), &error),
            },
        }
    }
}

#[cfg(test)]
mod tests;
