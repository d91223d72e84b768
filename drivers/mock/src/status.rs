//! What a cluster's file says of it.

use caproni_driver::{Condition, Node, NodeRole, NodeState, State, Status};

use crate::store::{Phase, Record};

/// What a record says of its cluster, while someone changes it or nobody does: who does is asked only
/// where that makes a difference.
pub(crate) fn of(
    profile: &str,
    record: Record,
    changed_by: impl FnOnce() -> Option<String>,
) -> Status {
    let starts = |holder: &String| holder.starts_with("start") || holder.starts_with("restart");
    // A start of what runs already changes no state: it does not make a cluster less ready.
    let starting = if record.phase == Phase::Running { None } else { changed_by().filter(starts) };
    let state = if starting.is_some() { State::Starting } else { record.phase.state() };
    let mut status = Status::new(state);
    status.nodes = nodes(profile, &record);
    if record.is_whole() {
        status.kubernetes_version = record.kubernetes_version();
        status.config = Some(record.config);
        status.conditions.push(own_word());
    } else if let Some(holder) = starting {
        status.conditions.push(Condition::failed("creation", format!("under way: {holder}")));
    } else {
        let broken_off = Condition::failed("creation", "it was broken off, half a cluster is left");
        status
            .conditions
            .push(broken_off.with_hint(
                "run `caproni start` to make it anew or `caproni destroy` to remove it",
            ));
    }
    status
}

/// The nodes that there should be.
pub(crate) fn nodes(profile: &str, record: &Record) -> Vec<Node> {
    let state = match record.phase {
        Phase::Creating => NodeState::Created,
        Phase::Running => NodeState::Running,
        Phase::Stopped => NodeState::Stopped,
    };
    let named = |word: &'static str, role: NodeRole, count: u64| {
        let state = state.clone();
        (0..count).map(move |index| {
            Node::new(format!("mock-{profile}-{word}-{index}"), role.clone(), state.clone())
        })
    };
    let servers = named("server", NodeRole::Server, record.count("servers"));
    servers.chain(named("agent", NodeRole::Agent, record.count("agents"))).collect()
}

/// What everyone who reads this driver's status must know.
fn own_word() -> Condition {
    Condition::passed(
        "mock",
        "nothing runs and nothing serves an API: the state is the driver's word",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use serde_json::json;

    fn record(phase: Phase) -> Record {
        Record::new(phase, &Config::parse(&json!({"agents": 1})).unwrap())
    }

    #[test]
    fn a_running_cluster_is_ready_by_the_drivers_word() {
        let status = of("demo", record(Phase::Running), || None);
        assert_eq!(status.state, State::Ready);
        let names: Vec<_> = status.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["mock-demo-server-0", "mock-demo-agent-0"]);
        assert_eq!(status.config.unwrap()["agents"], 1);
        assert!(status.conditions[0].message.contains("driver's word"));
    }

    #[test]
    fn a_creation_is_starting_while_someone_is_at_it_and_broken_off_after() {
        let holder = Some("start (process 4711)".into());
        assert_eq!(of("demo", record(Phase::Creating), || holder).state, State::Starting);
        let status = of("demo", record(Phase::Creating), || None);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(status.conditions[0].name, "creation");
        assert_eq!(status.config, None, "half a cluster is compared with nothing");
    }

    #[test]
    fn a_running_cluster_stays_ready_while_someone_finds_that_it_is() {
        let holder = Some("start (process 4711)".into());
        assert_eq!(of("demo", record(Phase::Running), || holder.clone()).state, State::Ready);
        assert_eq!(of("demo", record(Phase::Stopped), || holder).state, State::Starting);
    }

    #[test]
    fn a_stop_that_is_under_way_is_no_start() {
        let holder = Some("stop (process 4711)".into());
        assert_eq!(of("demo", record(Phase::Running), || holder).state, State::Ready);
    }
}
