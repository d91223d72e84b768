//! `caproni destroy`

use caproni_driver::ErrorKind;
use clap::Args;
use serde_json::Value;

use super::{App, LIMIT_TO_ASK, LIMIT_TO_END, Target, tell_outcome};
use crate::error::Error;
use crate::exit;
use crate::kubeconfig::{Entry, UserKubeconfig};
use crate::session::Session;
use crate::state::ClusterState;

/// Remove the cluster and all its data, half-created ones too
///
/// Asks first on a terminal, unless `--yes` is given. The cluster's context is taken
/// out of the kubeconfig.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni destroy                 asks first, where there is a terminal
  caproni --driver k3d --profile demo destroy --yes")]
pub(crate) struct Destroy {}

impl Destroy {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        confirm(app, &format!("Destroy cluster `{}` and all its data?", target.profile)).await?;
        let session = app.open(&target).await?;
        let config = app.config_if_valid(&target, &session);
        let context = context(app, &target, &session, config.as_ref()).await;
        let destroyed = session.destroy(app.call(&target, LIMIT_TO_END), config).await;
        let driver = session.driver.name.clone();
        session.close().await;
        match destroyed {
            Ok(outcome) => {
                forget_context(context).await?;
                ClusterState::of(&driver, &target.profile).forget();
                tell_outcome(app, &target, &driver, &outcome)?;
                Ok(exit::OK)
            }
            Err(error) => Err(app.look_back(&target, error).await),
        }
    }
}

/// Asks before anything is destroyed, where there is somebody to ask.
pub(super) async fn confirm(app: &App, question: &str) -> Result<(), Error> {
    if !app.global.yes && app.ui.can_ask() && !app.ui.ask(question, &app.interrupt).await {
        return Err(Error::driver(ErrorKind::Cancelled, "cancelled: nothing was destroyed"));
    }
    Ok(())
}

/// Takes the context out of the user's kubeconfig. Where that fails it is tried again
/// by the next `destroy`, which finds nothing else to do.
pub(super) async fn forget_context(context: Option<Entry>) -> Result<(), Error> {
    let Some(context) = context else { return Ok(()) };
    let removed = match UserKubeconfig::locate() {
        Ok(user) => user.remove(&context).await,
        Err(error) => Err(error),
    };
    removed.map_err(|error| {
        error.with_cause(format!(
            "the cluster is destroyed, its context `{}` is still in the file",
            context.context
        ))
    })
}

/// The context to be taken out: as `start` kept it, or as the driver tells it of a
/// cluster that was started elsewhere.
pub(super) async fn context(
    app: &App,
    target: &Target,
    session: &Session,
    config: Option<&Value>,
) -> Option<Entry> {
    let kept = ClusterState::of(&session.driver.name, &target.profile).kubeconfig();
    if let Some(entry) = kept.as_deref().and_then(Entry::current) {
        return Some(entry);
    }
    let call = app.call(target, LIMIT_TO_ASK);
    let given = session.kubeconfig(call, config.cloned()).await.ok().flatten()?;
    Entry::parse(&given.kubeconfig, &given.context).ok()
}
