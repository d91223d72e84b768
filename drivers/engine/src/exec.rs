//! Commands in running containers.

use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use caproni_driver::{Error, ErrorKind};
use futures_util::TryStreamExt;

use crate::engine::Engine;

impl Engine {
    /// Runs a command in a container to its end; what it prints goes into the error.
    ///
    /// # Errors
    /// As [`Engine::connect`], and `BackendFailed` when it does not exit with 0.
    pub async fn exec(&self, container: &str, argv: &[&str]) -> Result<(), Error> {
        match self.output_of(container, argv).await? {
            (Some(0), _) => Ok(()),
            (code, said) => Err(failure(argv, code, said)),
        }
    }

    /// Runs a command in a container to its end, and gives its exit code and what it printed.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn output_of(
        &self,
        container: &str,
        argv: &[&str],
    ) -> Result<(Option<i64>, String), Error> {
        let options = CreateExecOptions {
            cmd: Some(argv.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let created = self.answer(self.docker.create_exec(container, options)).await?;
        let started = self.docker.start_exec(&created.id, None::<StartExecOptions>);
        let said = match self.answer(started).await? {
            StartExecResults::Attached { output, .. } => {
                let chunks: Vec<_> = self.work(output.try_collect()).await?;
                chunks.iter().map(ToString::to_string).collect()
            }
            StartExecResults::Detached => String::new(),
        };
        let ended = self.answer(self.docker.inspect_exec(&created.id)).await?;
        Ok((ended.exit_code, said))
    }
}

fn failure(argv: &[&str], code: Option<i64>, output: String) -> Error {
    let name = argv.first().copied().unwrap_or_default();
    let code = code.and_then(|code| i32::try_from(code).ok());
    let how = code.map_or("did not end".into(), |code| format!("exited with {code}"));
    let mut error = Error::new(ErrorKind::BackendFailed, format!("`{name}` in a node {how}"));
    error.data.command = Some(caproni_driver::command_line(argv));
    error.data.exit_code = code;
    error.data.output = Some(output);
    error
}
