//! `exec` and `logs`: commands for the host to run.

use caproni_driver::{Error, ErrorKind, Plan};

use crate::lima::Lima;
use crate::look::Look;
use crate::machine::Machine;
use crate::status::node_name;

/// The command that runs another one in the machine: limactl's, since colima's own loses the exit
/// code.
///
/// # Errors
/// `ClusterNotRunning`, `NotFound`.
pub(crate) fn exec(
    lima: &Lima<'_>,
    machine: &Machine,
    look: &Look,
    node: Option<&str>,
    argv: &[String],
) -> Result<Plan, Error> {
    check_node(machine, look, node)?;
    if !look.is_running() {
        let message = format!("cluster `{}` is not running", machine.profile);
        return Err(
            Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
        );
    }
    Ok(inside(lima, machine, argv))
}

/// The command that prints k3s' log; of a machine that is down, lima's log of it.
///
/// # Errors
/// `ClusterNotRunning` when there is no machine, `NotFound`.
pub(crate) fn logs(
    lima: &Lima<'_>,
    machine: &Machine,
    look: &Look,
    node: Option<&str>,
    follow: bool,
    tail: Option<u64>,
) -> Result<Plan, Error> {
    check_node(machine, look, node)?;
    if look.is_running() {
        let lines = tail.map_or("all".into(), |tail| tail.to_string());
        let mut argv = vec!["sudo", "journalctl", "--unit=k3s", "--no-pager", "--lines", &lines];
        if follow {
            argv.push("--follow");
        }
        return Ok(inside(lima, machine, &argv.into_iter().map(Into::into).collect::<Vec<_>>()));
    }
    let lines = tail.map_or("+1".into(), |tail| tail.to_string());
    let file = machine.folder().join("ha.stderr.log").display().to_string();
    let mut argv = vec!["tail".to_owned(), "-n".into(), lines];
    if follow {
        argv.push("-f".into());
    }
    argv.push(file);
    Ok(Plan::new(argv))
}

fn inside(lima: &Lima<'_>, machine: &Machine, argv: &[String]) -> Plan {
    let program = lima.program().display().to_string();
    // Not where the user stands: the folder may not be there, and lima complains.
    let fixed = [&program, "shell", "--workdir", "/", &machine.id].map(str::to_owned);
    let rest = if argv.is_empty() { None } else { Some("--".to_owned()) };
    let argv = fixed.into_iter().chain(rest).chain(argv.iter().cloned());
    Plan::new(argv).with_env("LIMA_HOME", machine.home.lima.display().to_string())
}

fn check_node(machine: &Machine, look: &Look, node: Option<&str>) -> Result<(), Error> {
    if !look.exists() || look.instance.is_none() {
        let message = format!("there is no cluster `{}`", machine.profile);
        return Err(
            Error::new(ErrorKind::ClusterNotRunning, message).with_hint("run `caproni start`")
        );
    }
    let only = node_name(machine, look);
    let Some(node) = node.filter(|node| *node != only) else { return Ok(()) };
    let message = format!("cluster `{}` has no node `{node}`", machine.profile);
    let mut error = Error::new(ErrorKind::NotFound, message)
        .with_hint(format!("pass `--node {only}`, its only node"));
    error.data.resource = Some(node.into());
    Err(error)
}
