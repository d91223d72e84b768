//! `caproni kubectl`

use caproni_driver::ErrorKind;
use clap::Args;

use super::App;
use super::kubeconfig::Given;
use crate::error::Error;
use crate::takeover::{become_program, find};

/// Run kubectl on the cluster, whatever the current context is
///
/// kubectl gets a kubeconfig that holds this cluster alone; your own is neither read nor changed. It
/// has this terminal and its signals, and its exit code is that of caproni. Options of caproni
/// stand before the first word for kubectl, or before `--`. With `-o json` or `-o yaml` there stdout is
/// kubectl's all the same; only caproni's own errors are JSON or YAML.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Kubectl {
    /// What kubectl is told
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    args: Vec<std::ffi::OsString>,
}

const EXAMPLES: &str = "\
Examples:
  caproni kubectl -- get nodes -o wide
  caproni --profile other kubectl apply -f app.yaml";

impl Kubectl {
    /// Becomes kubectl. Comes back only when that fails.
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let kubectl = find("kubectl").ok_or_else(missing)?;
        let file = Given::ask(app, &target).await?.keep()?;
        let kubeconfig = [("KUBECONFIG".into(), file.into_os_string())];
        Err(app.hand_over(|| become_program(&kubectl, &self.args, kubeconfig)))
    }
}

fn missing() -> Error {
    let mut error = Error::driver(ErrorKind::BackendMissing, "kubectl is not installed")
        .with_hint("install kubectl as https://kubernetes.io/docs/tasks/tools says");
    error.data.program = Some("kubectl".into());
    error
}
