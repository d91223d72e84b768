//! `start`: makes the cluster, or starts it, or finds that nothing is to be done.

use std::time::Duration;

use caproni_driver::backend::PrivateFolder;
use caproni_driver::{Change, Error, ErrorKind, Outcome, Request, State};

use crate::NAME;
use crate::colima::{Colima, Disk, needed, private};
use crate::compare::compare;
use crate::config::{ColimaConfig, Platform};
use crate::guest::Guest;
use crate::lima::Lima;
use crate::look::{Look, look};
use crate::machine::Machine;
use crate::record::Record;
use crate::status;
use crate::stop::{self, End};

/// How long undoing a failed start may take.
const ROLLBACK: Duration = Duration::from_secs(120);

/// Makes or starts a cluster.
///
/// # Errors
/// `ConfigMismatch` with nothing touched; what colima's words mean; `Cancelled`, `TimedOut`.
pub(crate) async fn start(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
    config: &ColimaConfig,
) -> Result<Outcome, Error> {
    let start = Start::new(request, lima, machine, config).await?;
    let seen = look(request, lima, machine).await?;
    if seen.is_foreign() {
        return Err(taken(machine));
    }
    if !seen.exists() {
        return start.create(Disk::Delete).await;
    }
    if seen.is_half() {
        return start.make_anew(&seen).await;
    }
    refuse_mismatch(machine, &seen, config)?;
    start.bring_up(&seen).await
}

/// Refuses another config than a cluster has.
///
/// # Errors
/// `ConfigMismatch`.
pub(crate) fn refuse_mismatch(
    machine: &Machine,
    look: &Look,
    config: &ColimaConfig,
) -> Result<(), Error> {
    if let Some(error) = &look.unreadable {
        return Err(error.clone());
    }
    let found = differences(look, config);
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::config_mismatch(&machine.profile, found))
}

/// The fields in which a cluster differs from a config.
pub(crate) fn differences(look: &Look, config: &ColimaConfig) -> Vec<caproni_driver::Difference> {
    let running = look.saved.as_ref().map(|saved| saved.config(look.record.as_ref()));
    running.map(|running| compare(&running, config)).unwrap_or_default()
}

fn taken(machine: &Machine) -> Error {
    let message = format!("machine `{}` is there, and has no Kubernetes", machine.id);
    let hint = format!(
        "choose another name with `--profile`, or give it Kubernetes with `colima kubernetes start \
         --profile {}`",
        machine.profile
    );
    let mut error = Error::new(ErrorKind::ResourceConflict, message).with_hint(hint);
    error.data.resource = Some(format!("machine {}", machine.id));
    error
}

/// One `start` and all it works with.
pub(crate) struct Start<'a> {
    request: &'a Request,
    lima: &'a Lima<'a>,
    colima: Colima<'a>,
    machine: &'a Machine,
    config: &'a ColimaConfig,
}

impl<'a> Start<'a> {
    /// # Errors
    /// `BackendMissing` when a program is not there that colima would miss in the middle.
    pub(crate) async fn new(
        request: &'a Request,
        lima: &'a Lima<'a>,
        machine: &'a Machine,
        config: &'a ColimaConfig,
    ) -> Result<Self, Error> {
        for program in needed(config, Platform::THIS) {
            program.find()?;
        }
        let colima = Colima::find(machine, lima)?;
        Ok(Self { request, lima, colima, machine, config })
    }

    /// Completes half a cluster, or makes it anew.
    ///
    /// Of a creation by this driver that was killed nobody was ever told that it exists. What plain
    /// colima has left, or is about to make, is not removed: there may be a disk with data.
    async fn make_anew(&self, seen: &Look) -> Result<Outcome, Error> {
        let disk = if seen.broken_off { Disk::Delete } else { Disk::Keep };
        let is_only_disk = !seen.folder && !seen.broken_off;
        match &seen.instance {
            Some(_) if !seen.broken_off => return self.complete(seen).await,
            _ if is_only_disk => {}
            _ => {
                let message = "removing what is left of a creation that was not finished";
                self.request.progress("sweep", message);
                stop::remove(self.request, self.lima, self.machine, disk).await?;
            }
        }
        self.create(disk).await
    }

    /// Goes on with a machine that colima never started with success, unless it may be just at it.
    async fn complete(&self, seen: &Look) -> Result<Outcome, Error> {
        if seen.is_running() {
            let profile = &self.machine.profile;
            let message = format!("colima has not finished to make the machine of `{profile}`");
            let mut error = Error::new(ErrorKind::ClusterNotReady, message)
                .with_hint("wait for it, or run `caproni destroy`");
            error.data.conditions = status::of(self.machine, seen).conditions;
            return Err(error);
        }
        self.colima.check_version(self.request).await?;
        let private = private(&self.machine.profile, "start")?;
        self.run_colima(&private).await?;
        Ok(Outcome::new(Change::Created))
    }

    async fn create(&self, disk: Disk) -> Result<Outcome, Error> {
        self.colima.check_version(self.request).await?;
        let message = format!("creating cluster `{}`", self.machine.profile);
        self.request.progress("create", message);
        let private = PrivateFolder::of(NAME, &self.machine.profile)?;
        match self.run_colima(&private).await {
            Ok(()) => Ok(Outcome::new(Change::Created)),
            Err(error) => Err(self.roll_back(error, disk).await),
        }
    }

    /// Removes what a failed or cancelled creation left: colima does not.
    async fn roll_back(&self, error: Error, disk: Disk) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        cleanup.progress("rollback", "removing what was made");
        match stop::remove(&cleanup, self.lima, self.machine, disk).await {
            Ok(_) => error.with_state(State::Stopped),
            Err(second) => error
                .with_cause(format!("the rollback failed: {second}"))
                .with_state(State::NotReady),
        }
    }

    /// Starts what is there and not up.
    ///
    /// # Errors
    /// As [`start`].
    pub(crate) async fn bring_up(&self, seen: &Look) -> Result<Outcome, Error> {
        if seen.is_up() {
            return Ok(Outcome::new(Change::None));
        }
        self.colima.check_version(self.request).await?;
        let message = format!("starting cluster `{}`", self.machine.profile);
        self.request.progress("start", message);
        match self.start_existing(seen).await {
            Ok(()) => Ok(Outcome::new(Change::Started)),
            Err(error) if error.kind() == &ErrorKind::Cancelled && !seen.is_running() => {
                Err(self.go_back(error).await)
            }
            Err(error) => Err(error),
        }
    }

    async fn start_existing(&self, seen: &Look) -> Result<(), Error> {
        let private = private(&self.machine.profile, "start")?;
        if let Some(Guest::Seen(guest)) = &seen.guest
            && !guest.k3s_runs
        {
            // `colima start` does nothing with a machine that runs.
            self.colima.start_kubernetes(self.request, &private).await?;
            return self.verify().await;
        }
        let stopped = seen.instance.as_ref().is_some_and(|one| one.status == "Stopped");
        if !stopped {
            // It hangs, or its network is gone, or lima does not know what it is.
            stop::end(self.request, self.lima, self.machine, seen, End::ByForce).await?;
        }
        self.run_colima(&private).await
    }

    async fn run_colima(&self, private: &PrivateFolder) -> Result<(), Error> {
        let started = self.colima.start(self.request, self.config, private).await;
        // It holds the cluster's credentials, readable for everybody.
        let _ = std::fs::remove_dir_all(self.machine.kube_folder());
        started?;
        self.verify().await?;
        Record::of(self.config).write(self.machine)
    }

    /// colima exits with 0 also where it found nothing to do.
    async fn verify(&self) -> Result<(), Error> {
        let seen = look(self.request, self.lima, self.machine).await?;
        if seen.is_up() {
            return Ok(());
        }
        let profile = &self.machine.profile;
        let message = format!("cluster `{profile}` was started, and does not run as it should");
        let mut error = Error::new(ErrorKind::ClusterNotReady, message);
        // Whoever starts it is this driver, and it is done.
        let seen = Look { holder: None, broken_off: false, ..seen };
        error.data.conditions = status::of(self.machine, &seen).conditions;
        Err(error)
    }

    /// Stops the machine that a cancelled start has started.
    async fn go_back(&self, error: Error) -> Error {
        let cleanup = self.request.for_cleanup(ROLLBACK);
        cleanup.progress("rollback", "stopping the machine again");
        let stopped = async {
            let seen = look(&cleanup, self.lima, self.machine).await?;
            stop::end(&cleanup, self.lima, self.machine, &seen, End::ByForce).await
        };
        match stopped.await {
            Ok(_) => error.with_state(State::Stopped),
            Err(second) => error.with_cause(format!("stopping it again failed: {second}")),
        }
    }
}
