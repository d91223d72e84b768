//! `caproni kubeconfig`, and what the other commands around kubeconfigs share.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{App, LIMIT_TO_ASK, Target};
use crate::error::{Error, Kind};
use crate::exit;
use crate::kubeconfig::{CurrentContext, Entry, UserKubeconfig};
use crate::state::{ClusterState, write_secret};

/// Print a kubeconfig of the cluster, or put it somewhere
///
/// It holds the cluster's context alone, as the current one, with the address at which its API is
/// reached from here, and its credentials. With `-o json` it is printed as JSON, which kubectl reads as
/// well.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Kubeconfig {
    /// Put the context into your kubeconfig instead; the current context stays
    #[arg(long)]
    merge: bool,

    /// Write it to this file instead, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with = "merge")]
    file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  kubectl --kubeconfig <(caproni kubeconfig) get nodes
  caproni kubeconfig --file kubeconfig.yaml
  caproni kubeconfig --merge";

impl Kubeconfig {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let given = Given::ask(app, &target).await?;
        let entry = &given.entry;
        let (text, json) = match (self.merge, &self.file) {
            (true, _) => merge(&given).await?,
            (false, Some(file)) => write(&given, file)?,
            (false, None) => (entry.standalone_text()?, entry.standalone()),
        };
        app.ui.result(&text, &json)?;
        Ok(exit::OK)
    }
}

async fn merge(given: &Given) -> Result<(String, Value), Error> {
    let user = UserKubeconfig::locate()?;
    let changed = !user.has(&given.entry)?;
    user.put(&given.entry, CurrentContext::Keep).await?;
    let (context, path) = (&given.entry.context, user.path().display().to_string());
    let text = match changed {
        true => format!("context `{context}` is in `{path}`\nuse it with `caproni use`"),
        false => format!("context `{context}` is in `{path}` already"),
    };
    let json = given.to_json(json!({"file": path, "changed": changed}));
    Ok((text, json))
}

fn write(given: &Given, file: &Path) -> Result<(String, Value), Error> {
    let shown = file.display().to_string();
    write_secret(file, &given.entry.standalone_text()?).map_err(|error| {
        Error::new(Kind::InvalidKubeconfig, format!("cannot write `{shown}`: {error}"))
            .with_hint("name a file in a folder that is there and that you may write to")
    })?;
    let text = format!("kubeconfig of cluster `{}` is in `{shown}`", given.profile);
    Ok((text, given.to_json(json!({"file": shown, "changed": true}))))
}

/// A cluster's kubeconfig as its driver gives it now.
pub(super) struct Given {
    /// The cluster's name.
    pub(super) profile: String,
    /// The driver that gave it.
    pub(super) driver: String,
    /// Its one context.
    pub(super) entry: Entry,
}

impl Given {
    /// Asks the driver.
    ///
    /// # Errors
    /// `Unsupported` for a driver that has none, `ClusterNotRunning`, and the driver's.
    pub(super) async fn ask(app: &App, target: &Target) -> Result<Self, Error> {
        let session = app.open(target).await?;
        let driver = session.driver.name.clone();
        let config = app.config_if_valid(target, &session);
        let given = match super::need(&session, "kubeconfig", "give a kubeconfig") {
            Ok(()) => session.kubeconfig(app.call(target, LIMIT_TO_ASK), config).await,
            Err(error) => Err(error),
        };
        session.close().await;
        let given = given?.ok_or_else(|| {
            let what = format!("driver `{driver}` cannot give a kubeconfig");
            Error::internal(&what, "it answered without one")
        })?;
        let entry = Entry::parse(&given.kubeconfig, &given.context)?;
        Ok(Self { profile: target.profile.clone(), driver, entry })
    }

    /// Keeps it as the cluster's private kubeconfig, and tells where that is.
    ///
    /// # Errors
    /// The state folder cannot be written.
    pub(super) fn keep(&self) -> Result<PathBuf, Error> {
        let state = ClusterState::of(&self.driver, &self.profile);
        state.keep_kubeconfig(&self.entry.standalone_text()?)?;
        Ok(state.kubeconfig_file())
    }

    /// What every command tells of it, and `more`.
    pub(super) fn to_json(&self, more: Value) -> Value {
        let mut json = json!({
            "profile": self.profile,
            "driver": self.driver,
            "context": self.entry.context,
            "server": self.entry.server(),
        });
        if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
        }
        json
    }
}
