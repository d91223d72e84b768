//! From what is seen of a machine to its status: no I/O, so that every state is tested.

use caproni_driver::{Condition, Node, NodeRole, NodeState, State, Status};

use crate::NAME;
use crate::compare::told;
use crate::guest::Guest;
use crate::look::Look;
use crate::machine::Machine;

/// Tells a cluster's status.
pub(crate) fn of(machine: &Machine, look: &Look) -> Status {
    let mut status = Status::new(state(look));
    status.driver = Some(NAME.into());
    status.exists = look.exists();
    status.kube_context = Some(machine.id.clone());
    status.conditions = conditions(machine, look, &status.state);
    if !look.exists() || look.instance.is_none() {
        return status;
    }
    status.nodes = vec![Node::new(node_name(machine, look), NodeRole::Server, node_state(look))];
    if look.is_half() {
        return status;
    }
    let saved = look.saved.as_ref();
    // What nobody can read is to be compared with nothing.
    let known = saved.filter(|_| look.unreadable.is_none());
    status.config = known.map(|saved| told(&saved.config(look.record.as_ref())));
    status.kubernetes_version = version(look);
    if let Some(Guest::Seen(seen)) = &look.guest {
        status.ip_address = Some(seen.host().into());
    }
    status
}

/// The name of the cluster's only node: that of the machine.
pub(crate) fn node_name(machine: &Machine, look: &Look) -> String {
    let named = look.saved.as_ref().and_then(|saved| saved.hostname());
    named.unwrap_or(&machine.id).to_owned()
}

fn version(look: &Look) -> Option<String> {
    match &look.guest {
        Some(Guest::Seen(seen)) if seen.version.is_some() => seen.version.clone(),
        _ => look.saved.as_ref()?.version().map(Into::into),
    }
}

fn lima_s_word(look: &Look) -> &str {
    look.instance.as_ref().map_or("", |instance| instance.status.as_str())
}

fn state(look: &Look) -> State {
    if look.is_foreign() {
        return State::Stopped;
    }
    let is_whole = !look.is_half();
    if is_whole && look.is_up() {
        return State::Ready;
    }
    if starter(look).is_some() || lima_s_word(look) == "Installing" {
        return State::Starting;
    }
    match lima_s_word(look) {
        "" | "Stopped" | "Uninitialized" => State::Stopped,
        _ => State::NotReady,
    }
}

fn starter(look: &Look) -> Option<&str> {
    let holder = look.holder.as_deref()?;
    (holder.starts_with("start ") || holder.starts_with("restart ")).then_some(holder)
}

fn node_state(look: &Look) -> NodeState {
    match lima_s_word(look) {
        "Running" => NodeState::Running,
        "Stopped" | "" => NodeState::Stopped,
        "Uninitialized" => NodeState::Created,
        "Installing" => NodeState::Restarting,
        other => NodeState::Other(other.to_lowercase()),
    }
}

fn conditions(machine: &Machine, look: &Look, state: &State) -> Vec<Condition> {
    if look.is_foreign() {
        let what =
            format!("machine `{}` is there, and has no Kubernetes: it is no cluster", machine.id);
        return vec![Condition::failed("machine", what)];
    }
    if *state == State::Starting {
        let who = starter(look).unwrap_or("an installation by lima");
        return vec![Condition::failed("start", format!("{who} is under way"))];
    }
    if look.is_half() {
        return vec![half(machine, look)];
    }
    let mut found = match (lima_s_word(look), &look.guest) {
        ("Running", Some(guest)) => running(look, guest),
        ("Running" | "Stopped" | "Uninitialized" | "", _) => Vec::new(),
        (word, _) => vec![broken(machine, look, word)],
    };
    if let Some(error) = &look.unreadable {
        let hint = error.data.hint.clone().unwrap_or_default();
        found.push(Condition::failed("kept", &error.message).with_hint(hint));
    }
    found
}

fn half(machine: &Machine, look: &Look) -> Condition {
    let what = match (look.folder || look.broken_off, look.disk) {
        (false, true) => {
            format!("only the data disk `{}` of a deleted cluster is left", machine.id)
        }
        _ => "was not finished".into(),
    };
    Condition::failed("creation", what)
        .with_hint("run `caproni start` to make it anew or `caproni destroy` to remove it")
}

/// lima itself does not know how the machine is, as after a crash of this one.
fn broken(machine: &Machine, look: &Look, word: &str) -> Condition {
    let problem = look.instance.as_ref().and_then(|instance| instance.problem.as_ref());
    let why = problem.map(|problem| format!(": {problem}")).unwrap_or_default();
    let what = format!("lima says that `{}` is {}{why}", machine.id, word.to_lowercase());
    Condition::failed("machine", what).with_hint("run `caproni start`, which ends and starts it")
}

fn running(look: &Look, guest: &Guest) -> Vec<Condition> {
    let failed = match guest {
        Guest::Silent(why) => {
            let what = format!("the machine runs and does not answer: {why}");
            Condition::failed("machine", what)
                .with_hint("run `caproni restart`, which ends it by force")
        }
        Guest::Seen(seen) if !seen.k3s_runs => {
            Condition::failed("kubernetes", "the machine runs, and k3s in it does not")
                .with_hint("run `caproni start`")
        }
        Guest::Seen(seen) if look.reachable == Some(false) => {
            let port = seen.api_port().unwrap_or_default();
            let what = format!("k3s runs, and nothing answers at {}:{port}", seen.host());
            Condition::failed("network", what)
                .with_hint("run `caproni restart`: the machine's network is gone")
        }
        Guest::Seen(_) => return Vec::new(),
    };
    vec![failed]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Seen;
    use crate::lima::tests::instance;
    use crate::machine::tests::usual;
    use crate::record::Record;
    use crate::saved::tests::recorded;

    fn machine() -> Machine {
        usual().machine("demo").unwrap()
    }

    /// A machine that lima says is in this state.
    fn whole(status: &str) -> Look {
        let mut found =
            instance(include_str!("../tests/recorded/v0.10.3/limactl-list-running.json"));
        found.status = status.into();
        Look {
            instance: Some(found),
            saved: Some(recorded()),
            record: Some(Record::default()),
            disk: true,
            folder: true,
            ..Look::default()
        }
    }

    fn running(seen: Seen, reachable: Option<bool>) -> Look {
        Look { guest: Some(Guest::Seen(seen)), reachable, ..whole("Running") }
    }

    fn up() -> Seen {
        Seen { k3s_runs: true, version: Some("v1.35.0+k3s1".into()), ..Seen::default() }
    }

    fn told(look: &Look) -> (State, bool, Vec<String>) {
        let status = of(&machine(), look);
        let failed =
            status.conditions.into_iter().map(|one| format!("{}: {}", one.name, one.message));
        (status.state, status.exists, failed.collect())
    }

    #[test]
    fn a_machine_in_which_k3s_runs_and_answers_is_ready() {
        let status = of(&machine(), &running(up(), Some(true)));
        assert_eq!((&status.state, status.exists), (&State::Ready, true));
        assert_eq!(status.kube_context.as_deref(), Some("colima-demo"));
        assert_eq!(status.kubernetes_version.as_deref(), Some("v1.35.0+k3s1"));
        assert_eq!(status.ip_address.as_deref(), Some("127.0.0.1"));
        assert_eq!(status.nodes, [Node::new("colima-demo", NodeRole::Server, NodeState::Running)]);
        assert_eq!(status.config.unwrap()["memory"], "2GiB");
        assert_eq!(status.conditions, []);
    }

    #[test]
    fn what_runs_and_takes_no_workloads_says_why() {
        let silent =
            Look { guest: Some(Guest::Silent("no answer within 10 s".into())), ..whole("Running") };
        for (look, why) in [
            (silent, "machine: the machine runs and does not answer: no answer within 10 s"),
            (
                running(Seen::default(), None),
                "kubernetes: the machine runs, and k3s in it does not",
            ),
            (running(up(), Some(false)), "network: k3s runs, and nothing answers at 127.0.0.1:0"),
            (whole("Broken"), "machine: lima says that `colima-demo` is broken"),
        ] {
            assert_eq!(told(&look), (State::NotReady, true, vec![why.into()]));
            assert!(of(&machine(), &look).conditions[0].hint.is_some());
        }
    }

    #[test]
    fn a_stopped_machine_has_nothing_wrong_with_it() {
        for word in ["Stopped", "Uninitialized", ""] {
            assert_eq!(told(&whole(word)), (State::Stopped, true, vec![]));
        }
        assert!(of(&machine(), &whole("Stopped")).config.is_some());
    }

    #[test]
    fn nothing_is_absent() {
        assert_eq!(told(&Look::default()), (State::Stopped, false, vec![]));
    }

    #[test]
    fn half_a_cluster_is_told_as_such_and_without_config() {
        let broken_off = Look { broken_off: true, ..running(up(), Some(true)) };
        let never_started = Look { saved: None, ..whole("Stopped") };
        let only_disk = Look { disk: true, ..Look::default() };
        let only_folder = Look { folder: true, ..Look::default() };
        for (look, state, why) in [
            (broken_off, State::NotReady, "creation: was not finished"),
            (never_started, State::Stopped, "creation: was not finished"),
            (only_folder, State::Stopped, "creation: was not finished"),
            (
                only_disk,
                State::Stopped,
                "creation: only the data disk `colima-demo` of a deleted cluster is left",
            ),
        ] {
            assert_eq!(told(&look), (state, true, vec![why.into()]));
            assert_eq!(of(&machine(), &look).config, None);
        }
    }

    #[test]
    fn a_start_under_way_is_starting_until_the_cluster_is_up() {
        let holder = Some("start (process 1)".into());
        let begun = Look { holder: holder.clone(), broken_off: true, ..Look::default() };
        assert_eq!(told(&begun).0, State::Starting);
        let half = Look { holder: holder.clone(), ..running(Seen::default(), None) };
        assert_eq!(told(&half).0, State::Starting);
        assert_eq!(told(&Look { holder, ..running(up(), Some(true)) }).0, State::Ready);
        assert_eq!(told(&whole("Installing")).0, State::Starting);
    }

    #[test]
    fn a_machine_for_containers_only_is_no_cluster() {
        let text = include_str!("../tests/recorded/v0.10.3/state-no-kubernetes.yaml");
        let saved = serde_saphyr::from_str(text).unwrap();
        let look = Look { saved: Some(saved), ..whole("Running") };
        let (state, exists, why) = told(&look);
        assert_eq!((state, exists), (State::Stopped, false));
        assert!(why[0].contains("has no Kubernetes"), "{why:?}");
    }
}
