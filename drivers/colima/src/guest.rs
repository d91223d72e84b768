//! One look into a running machine.

use std::time::Duration;

use caproni_driver::{Error, ErrorKind, Request};

use crate::lima::{Lima, within};
use crate::machine::Machine;

/// How long a machine may take to answer: one that hangs never does (abiosoft/colima#1158, #1521).
const LIMIT: Duration = Duration::from_secs(10);

/// What is asked, the way colima asks: is k3s active, which version, which address, which kubeconfig.
const SCRIPT: &str = "\
echo '[k3s]'; sudo service k3s status >/dev/null 2>&1 && echo active
echo '[version]'; k3s --version 2>/dev/null
echo '[address]'; ip -4 addr show col0 2>/dev/null
echo '[kubeconfig]'; sudo cat /etc/rancher/k3s/k3s.yaml 2>/dev/null
true";

/// What a running machine tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Guest {
    /// It does not answer, for this reason.
    Silent(String),
    /// It answers.
    Seen(Seen),
}

/// What was seen in a machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// Whether k3s runs.
    pub(crate) k3s_runs: bool,
    /// k3s' version, such as `v1.35.0+k3s1`.
    pub(crate) version: Option<String>,
    /// The address of its own that this machine can reach.
    pub(crate) address: Option<String>,
    /// The kubeconfig, as k3s wrote it.
    pub(crate) kubeconfig: Option<String>,
}

impl Seen {
    /// The address at which the cluster is reached.
    pub(crate) fn host(&self) -> &str {
        // lima forwards the machine's ports to here.
        self.address.as_deref().unwrap_or("127.0.0.1")
    }

    /// The port of the cluster's API, which is the same in the machine and outside.
    pub(crate) fn api_port(&self) -> Option<u16> {
        let (_, rest) = self.kubeconfig.as_deref()?.split_once("server: https://127.0.0.1:")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    }
}

/// Looks into a machine that runs.
///
/// # Errors
/// `Cancelled`, `TimedOut`. That the machine does not answer is an answer.
pub(crate) async fn look(
    request: &Request,
    lima: &Lima<'_>,
    machine: &Machine,
) -> Result<Guest, Error> {
    // Not where the user stands: the folder may not be there, and lima complains.
    let command = lima.command(["shell", "--workdir", "/", &machine.id, "sh", "-c", SCRIPT]);
    match within(request, LIMIT, &command).await {
        Ok(output) if output.status.success() => Ok(Guest::Seen(parse(&output.stdout))),
        Ok(output) => Ok(Guest::Silent(last_line(&output.stderr))),
        Err(error) if error.kind() == &ErrorKind::TimedOut && !is_over(request) => {
            Ok(Guest::Silent(format!("no answer within {} s", LIMIT.as_secs())))
        }
        Err(error) => Err(error),
    }
}

fn is_over(request: &Request) -> bool {
    request.remaining().is_some_and(|left| left.is_zero())
}

pub(crate) fn last_line(text: &str) -> String {
    let text = caproni_driver::strip_ansi(text);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no answer").to_owned()
}

pub(crate) fn parse(text: &str) -> Seen {
    let section = |name: &str| {
        let (_, rest) = text.split_once(&format!("[{name}]\n"))?;
        let end = rest.find("\n[").map_or(rest.len(), |at| at + 1);
        let end = if rest.starts_with('[') { 0 } else { end };
        Some(rest[..end].to_owned()).filter(|text| !text.trim().is_empty())
    };
    Seen {
        k3s_runs: section("k3s").is_some_and(|text| text.trim() == "active"),
        version: section("version").and_then(|text| version(&text)),
        address: section("address").and_then(|text| address(&text)),
        kubeconfig: section("kubeconfig"),
    }
}

/// The version in `k3s version v1.35.0+k3s1 (…)`.
fn version(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with('v') && word.contains('.')).map(Into::into)
}

/// The address in a line such as `inet 192.168.106.2/24 …`.
fn address(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "inet").skip(1);
    words.next()?.split('/').next().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_in_which_k3s_runs_tells_all() {
        let seen = parse(include_str!("../tests/recorded/v0.10.3/guest-running.txt"));
        assert!(seen.k3s_runs);
        assert_eq!(seen.version.as_deref(), Some("v1.35.0+k3s1"));
        assert_eq!(seen.host(), "127.0.0.1");
        assert!(seen.kubeconfig.as_ref().unwrap().starts_with("apiVersion: v1\n"));
        assert!(seen.api_port().unwrap() > 1024);
    }

    #[test]
    fn a_machine_without_k3s_tells_so() {
        let seen = parse("[k3s]\n[version]\n[address]\n[kubeconfig]\n");
        assert_eq!(seen, Seen::default());
        assert_eq!(seen.api_port(), None);
    }

    #[test]
    fn an_address_of_its_own_is_the_host() {
        let seen = parse(
            "[k3s]\nactive\n[version]\n[address]\n4: col0: <UP> mtu 1500\n    inet 192.168.106.2/24 metric 300 \
             scope global col0\n[kubeconfig]\n",
        );
        assert!(seen.k3s_runs);
        assert_eq!(seen.host(), "192.168.106.2");
    }

    #[test]
    fn the_reason_of_a_silent_machine_is_its_last_line() {
        assert_eq!(
            last_line("a\n\u{1b}[31mkex_exchange: reset\u{1b}[0m\n\n"),
            "kex_exchange: reset"
        );
        assert_eq!(last_line(""), "no answer");
    }
}
