//! Every message of the protocol as a type, with no I/O.
//!
//! `protocol.md` is the text these types follow. Wire keys are camelCase without
//! exception. Enums are open: a value this version does not know survives as
//! `Other` and is shown to the user as it came.

mod change;
mod config_schema;
mod hello;
mod optional;
mod status;

use serde::Deserialize;

pub use change::{Action, Change, ChangeCost, Difference, Outcome, Progress, Violation};
pub use config_schema::ConfigSchema;
pub use hello::{Capabilities, Description, Peer};
pub use optional::{
    Cluster, Clusters, Diagnosis, HealthCheck, Kubeconfig, NodeUsage, Plan, Program, Usage,
    Verdict, Versions,
};
pub use status::{Condition, Node, NodeRole, NodeState, State, Status, identity};

/// The protocol version this crate speaks.
///
/// A whole number, raised only when something breaks, and never tied to a
/// product's version. Nushell's plugins show the alternative: "compiled for
/// 0.98.0, not compatible with 0.100.0" at each release
/// (<https://github.com/nushell/nushell/pull/18079>).
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest line either end sends or accepts, in bytes: 4 MiB.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// How many levels deep a message may be nested.
pub const MAX_DEPTH: usize = 100;

/// Takes a field that is `null` for one that is absent, as the protocol's FRAME-5 has it.
pub(crate) fn null_is_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn unknown_enum_values_survive_a_round_trip() {
        let status: Status =
            serde_json::from_value(json!({"state": "hibernating", "exists": true}))
                .expect("an unknown state is no error");
        assert_eq!(status.state, State::Other("hibernating".into()));
        assert_eq!(serde_json::to_value(&status).expect("serializes")["state"], "hibernating");
    }

    #[test]
    fn a_field_that_is_null_says_the_same_as_one_that_is_absent() {
        fn both<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
            with_nulls: Value,
            without: Value,
        ) {
            let read = |value| serde_json::from_value::<T>(value).expect("it is read");
            assert_eq!(read(with_nulls), read(without));
        }
        both::<Status>(
            json!({"state": "ready", "exists": true, "nodes": null, "conditions": null,
                "driver": null, "config": null}),
            json!({"state": "ready", "exists": true}),
        );
        both::<Capabilities>(json!({"methods": null, "features": null}), json!({}));
        both::<Plan>(json!({"argv": ["a"], "env": null}), json!({"argv": ["a"]}));
        both::<Action>(
            json!({"title": "a", "reason": "b", "argv": ["c"], "privileged": null}),
            json!({"title": "a", "reason": "b", "argv": ["c"]}),
        );
        both::<Difference>(
            json!({"path": "a", "running": null, "requested": 1, "change": "live"}),
            json!({"path": "a", "requested": 1, "change": "live"}),
        );
        both::<crate::ErrorData>(
            json!({"kind": "Busy", "causes": null, "diff": null, "violations": null,
                "conditions": null, "actions": null, "supported": null, "holder": null}),
            json!({"kind": "Busy"}),
        );
    }

    #[test]
    fn states_are_spelled_as_in_the_protocol() {
        for (state, name) in [
            (State::Stopped, "stopped"),
            (State::Starting, "starting"),
            (State::NotReady, "not-ready"),
            (State::Ready, "ready"),
        ] {
            assert_eq!(serde_json::to_value(&state).expect("serializes"), name);
            assert_eq!(state.to_string(), name);
        }
    }

    #[test]
    fn every_wire_key_is_camel_case() {
        fn walk(name: &str, schema: &Value) {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                for (key, property) in properties {
                    let camel = key.chars().all(|c| c.is_ascii_alphanumeric())
                        && key.starts_with(|c: char| c.is_ascii_lowercase());
                    assert!(camel, "{name}: `{key}` is not camelCase");
                    walk(name, property);
                }
            }
            if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
                // A config schema's keywords are JSON Schema's.
                let own = definitions.iter().filter(|(name, _)| *name != "ConfigField");
                own.for_each(|(_, definition)| walk(name, definition));
            }
        }
        macro_rules! walk_types { ($($t:ty),* $(,)?) => { $(
            walk(stringify!($t), &serde_json::to_value(schemars::schema_for!($t)).expect("a schema"));
        )* } }
        walk_types!(
            Peer,
            Description,
            Capabilities,
            Status,
            Node,
            Condition,
            Outcome,
            Kubeconfig,
            Versions,
            Program,
            Clusters,
            Plan,
            Usage,
            Diagnosis,
            Progress,
            Action,
            Difference,
            Violation,
            crate::ErrorData,
        );
    }
}
