//! One module for each verb, and what they have in common.

mod bring_up;
mod comparison;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod destroy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod drivers;
pub(crate) mod env;
pub(crate) mod exec;
mod glance;
pub(crate) mod help;
pub(crate) mod image;
mod known;
pub(crate) mod kubeconfig;
pub(crate) mod kubectl;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod man;
mod mend;
pub(crate) mod restart;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod usage;
pub(crate) mod use_context;
pub(crate) mod version;
pub(crate) mod wait;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use caproni_driver::{Change, ErrorKind, Outcome};
use serde_json::Value;
use tokio::task::AbortHandle;

use crate::config::{self as file_config, Checked, ConfigFile, DEFAULT_PROFILE};
use crate::discovery::{Driver, SearchPath};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::options::Global;
use crate::output::Changed;
use crate::recording::Recorder;
use crate::session::{Call, Session};
use crate::transport::Listener;
use crate::ui::Ui;

/// How long `stop` and `destroy` may take when the user says nothing.
const LIMIT_TO_END: Duration = Duration::from_secs(300);

/// How long a question that changes nothing may take when the user says nothing.
const LIMIT_TO_ASK: Duration = Duration::from_secs(30);

/// How long a fresh driver may take to say what a forced end has left.
const LIMIT_TO_LOOK_BACK: Duration = Duration::from_secs(10);

/// The driver that is asked when neither command line, environment nor config file names one:
/// it becomes the usual one of the platform.
const DEFAULT_DRIVER: &str = "auto";

/// What is said when no driver is named and the default one is not installed.
const NO_DRIVER: &str = "no driver was named";

/// What a command works with.
pub(crate) struct App {
    pub(crate) global: Global,
    pub(crate) ui: Ui,
    pub(crate) interrupt: Interrupt,
    pub(crate) search: SearchPath,
    recorder: Option<Arc<Recorder>>,
    teller: AbortHandle,
}

/// Which cluster is meant, and what the user's file says.
pub(crate) struct Target {
    pub(crate) driver: Driver,
    pub(crate) profile: String,
    pub(crate) file: Option<ConfigFile>,
    /// Whether nobody has named the driver.
    pub(crate) by_default: bool,
}

impl Target {
    /// The driver's config, as the user's file says it.
    ///
    /// # Errors
    /// The section is missing where the driver needs one, or it is wrong.
    fn config(&self, session: &Session) -> Result<Value, Error> {
        let driver = &session.driver.name;
        let section = self.file.as_ref().map(|file| file.section(driver)).transpose()?;
        let schema = &session.description.config_schema;
        let kubeconfig = crate::state::ClusterState::of(driver, &self.profile).kubeconfig_file();
        let checked = Checked::in_folder(kubeconfig.parent().unwrap_or(Path::new("")));
        file_config::validate_with(section.as_ref(), schema, driver, &checked)
    }
}

impl App {
    pub(crate) fn new(global: Global, ui: Ui) -> Result<Self, Error> {
        let interrupt = Interrupt::listen()?;
        let teller = tell_of(interrupt.clone(), ui.clone());
        let complain = ui.clone();
        let record = |path: &PathBuf| {
            let made = Recorder::new(path, ui.secrets(), move |what| complain.warn(what));
            made.map_err(|error| {
                Error::usage(format!("the trace `{}` cannot be written: {error}", path.display()))
            })
        };
        let recorder = global.trace.as_ref().map(record).transpose()?;
        Ok(Self { global, ui, interrupt, search: SearchPath::from_env(), recorder, teller })
    }

    /// Where Ctrl-C is the usual end of a command, and not its cancelling.
    pub(crate) fn expect_interrupt(&self) {
        self.teller.abort();
    }

    /// Hands the terminal over to another program, which takes this one's place: nothing of the
    /// display is left on it, and a user who has cancelled gets no program any more.
    pub(crate) fn hand_over(&self, takeover: impl FnOnce() -> Error) -> Error {
        self.ui.done();
        if self.interrupt.is_raised() {
            return Error::driver(ErrorKind::Cancelled, "cancelled");
        }
        takeover()
    }

    /// The cluster that command line, environment and config file name together.
    pub(crate) fn target(&self) -> Result<Target, Error> {
        self.global.profile.as_deref().map(check_profile).transpose()?;
        let file = self.config_file()?;
        let profile = self.profile(file.as_ref())?;
        let said = self.global.driver.as_deref().filter(|driver| !driver.is_empty());
        let in_file = file.as_ref().map(ConfigFile::driver).transpose()?.flatten();
        let by_default = said.is_none() && in_file.is_none();
        let driver = match (said, in_file) {
            (Some(said), _) => self.search.find(said)?,
            (None, Some(named)) => self.search.find_name(&named)?,
            (None, None) => self.default_driver()?,
        };
        for shadowed in &driver.shadowed {
            if self.global.verbose() {
                self.ui.note(&format!(
                    "`{}` is shadowed by `{}`",
                    shadowed.display(),
                    driver.path.display()
                ));
            }
        }
        Ok(Target { driver, profile, file, by_default })
    }

    /// The profile that the command line or the environment names, or else the config file.
    pub(crate) fn profile(&self, file: Option<&ConfigFile>) -> Result<String, Error> {
        match (&self.global.profile, file) {
            (Some(said), _) => Ok(said.clone()),
            (None, Some(file)) => file.profile(),
            (None, None) => Ok(DEFAULT_PROFILE.to_owned()),
        }
    }

    pub(crate) fn default_driver(&self) -> Result<Driver, Error> {
        self.search.find_name(DEFAULT_DRIVER).map_err(|error| {
            if error.is(&ErrorKind::DriverNotFound) { self.no_driver() } else { error }
        })
    }

    pub(crate) fn config_file(&self) -> Result<Option<ConfigFile>, Error> {
        let path = match self.named_config_file() {
            Some(path) => Some(path.to_path_buf()),
            None => file_config::find(&self.folder()?),
        };
        path.map(|path| ConfigFile::read(&path)).transpose()
    }

    /// The config file that the command line or the environment names.
    pub(crate) fn named_config_file(&self) -> Option<&Path> {
        self.global.config_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// The folder that the program was started in.
    pub(crate) fn folder(&self) -> Result<PathBuf, Error> {
        std::env::current_dir().map_err(|error| {
            Error::internal("the current folder is gone", error)
                .with_hint("change to a folder that is there, or pass `--config-file`")
        })
    }

    fn no_driver(&self) -> Error {
        let names: Vec<String> = self.search.names().into_iter().collect();
        let hint = match names.first() {
            Some(first) => format!(
                "pass `--driver {first}`, or set `cluster.driver` in `caproni.yaml`; found: {}",
                names.join(", ")
            ),
            None => {
                "pass `--driver NAME`, and put an executable `caproni-driver-NAME` on PATH".into()
            }
        };
        Error::usage(NO_DRIVER).with_hint(hint)
    }

    /// Starts the target's driver. Its name is from here on that of the driver it has become
    /// (rule INIT-6): config and state are that one's.
    pub(crate) async fn open(&self, target: &Target) -> Result<Session, Error> {
        let driver = &target.driver;
        let mut session =
            Session::open(driver, self.global.timeout, &self.interrupt, self.listener()).await?;
        if let Some(other) = self.search.become_by(driver, &session.description.name) {
            session.driver.name = other.name;
        }
        Ok(session)
    }

    /// Who is told of what a driver does besides answering: the user, and the recording.
    pub(crate) fn listener(&self) -> Listener {
        self.listening(self.ui.listener())
    }

    /// This listener, and the recording if one is made.
    pub(crate) fn listening(&self, listener: Listener) -> Listener {
        match &self.recorder {
            Some(recorder) => recorder.listener(listener),
            None => listener,
        }
    }

    pub(crate) fn call<'a>(&'a self, target: &'a Target, limit: Duration) -> Call<'a> {
        let timeout = Some(self.global.timeout.unwrap_or(limit));
        Call { profile: &target.profile, timeout, interrupt: &self.interrupt }
    }

    /// The driver's config for requests that can do without: a section that is wrong
    /// must not keep anyone from stopping a cluster or looking at it.
    pub(crate) fn config_if_valid(&self, target: &Target, session: &Session) -> Option<Value> {
        match target.config(session) {
            Ok(config) => Some(config),
            Err(error) if error.is(&ErrorKind::MissingDriverConfig) => None,
            Err(error) => {
                self.ui.warn(&format!("the config is not used: {}", error.message));
                None
            }
        }
    }

    /// After a driver was ended by force: asks a fresh one what is left.
    pub(crate) async fn look_back(&self, target: &Target, error: Error) -> Error {
        if !error.forced {
            return error;
        }
        let interrupt = self.interrupt.for_cleanup();
        let call = Call {
            profile: &target.profile,
            timeout: Some(LIMIT_TO_LOOK_BACK),
            interrupt: &interrupt,
        };
        let asked = async {
            let session = Session::open(&target.driver, call.timeout, &interrupt, self.listener())
                .await
                .ok()?;
            let status = session.status(call, None).await.ok();
            session.close().await;
            status
        };
        let left = tokio::time::timeout(LIMIT_TO_LOOK_BACK, asked).await.ok().flatten();
        match left {
            Some(status) if status.exists => {
                let profile = &target.profile;
                let hint = format!(
                    "run `caproni start` to go on with what is left of `{profile}`, or `caproni destroy` to remove it"
                );
                error.with_state(status.state).with_hint(hint)
            }
            Some(status) => {
                let hint = format!("run it again: nothing of `{}` is left", target.profile);
                error.with_state(status.state).with_hint(hint)
            }
            None => error.with_hint("run `caproni status` to see what is left"),
        }
    }
}

/// Tells a user who interrupts that this was heard, and what would be quicker.
fn tell_of(interrupt: Interrupt, ui: Ui) -> AbortHandle {
    let told = tokio::spawn(async move {
        interrupt.first().await;
        ui.note("cancelling; a second Ctrl-C ends at once, and may leave things half done");
    });
    told.abort_handle()
}

fn check_profile(profile: &str) -> Result<(), Error> {
    caproni_driver::check_profile(profile).map_err(|error| {
        Error::usage(error.message.clone()).with_hint(error.data.hint.clone().unwrap_or_default())
    })
}

/// The driver ends and the answer is told: what `stop` and `destroy` have in common.
fn tell_outcome(app: &App, target: &Target, driver: &str, outcome: &Outcome) -> Result<(), Error> {
    let profile = &target.profile;
    let mut text = match &outcome.change {
        Change::None => format!("cluster `{profile}`: nothing to do"),
        Change::Stopped => format!("cluster `{profile}` is stopped"),
        Change::Destroyed => format!("cluster `{profile}` is destroyed"),
        other => format!("cluster `{profile}`: {}", change_name(other)),
    };
    if let Some(message) = &outcome.message {
        text += &format!("\n{}", crate::ui::clean(message));
    }
    let changed = Changed {
        profile: profile.clone(),
        driver: driver.to_owned(),
        change: outcome.change.clone(),
        message: outcome.message.clone(),
    };
    app.ui.done_result(&text, &changed)
}

fn change_name(change: &Change) -> String {
    let name = serde_json::to_value(change).ok();
    name.as_ref().and_then(Value::as_str).unwrap_or("changed").to_owned()
}

/// A driver that has no such method is as good as one that says it cannot.
fn is_unsupported(error: &Error) -> bool {
    error.is(&ErrorKind::Unsupported)
}

/// Refuses a driver without an optional method, before it is asked for it.
fn need(session: &Session, method: &str, what: &str) -> Result<(), Error> {
    if session.has_method(method) {
        return Ok(());
    }
    let message = format!("driver `{}` cannot {what}", session.driver.name);
    let hint =
        format!("run `caproni drivers describe {}` to see what it can do", session.driver.name);
    Err(Error::driver(ErrorKind::Unsupported, message).with_hint(hint))
}
