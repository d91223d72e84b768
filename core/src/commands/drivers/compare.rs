//! In what an answer differs from the one that was recorded.

use serde_json::{Value, json};

use crate::output::AnswerDifference as Difference;
use crate::recording::HIDDEN;

/// Fields that say the same in other words, or that time and place decide: a difference in
/// them is told and is none.
const VOLATILE: [&str; 22] = [
    "message",
    "hint",
    "causes",
    "description",
    "title",
    "command",
    "output",
    "holder",
    "location",
    "waitedMs",
    "version",
    "kubernetesVersion",
    "ipAddress",
    "kubeconfig",
    "argv",
    "env",
    "cpuCores",
    "cpuCoresLimit",
    "memoryBytes",
    "memoryBytesLimit",
    "diskBytes",
    "diskBytesLimit",
];

impl Difference {
    pub(super) fn new(path: &str, recorded: impl Into<Value>, came: impl Into<Value>) -> Self {
        let (recorded, came) = (recorded.into(), came.into());
        Self { path: path.into(), recorded, came, volatile: false }
    }
}

/// Compares two replies: their ids, whether they are results or errors, and what is in them.
pub(super) fn compare(recorded: &Value, came: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("id", Kind::Plain, &recorded["id"], &came["id"], &mut found);
    for part in ["result", "error"] {
        match (recorded.get(part), came.get(part)) {
            (Some(recorded), Some(came)) => walk(part, Kind::Plain, recorded, came, &mut found),
            (Some(recorded), None) => {
                let other = if part == "result" { "error" } else { "result" };
                let came = came.get(other).cloned().unwrap_or_default();
                found.push(Difference::new(
                    "answer",
                    json!({ part: recorded }),
                    json!({ other: came }),
                ));
            }
            (None, _) => {}
        }
    }
    found
}

/// Whether a value lies in a field that may differ.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Volatile,
}

impl Kind {
    fn below(self, key: &str) -> Self {
        if VOLATILE.contains(&key) { Self::Volatile } else { self }
    }
}

fn walk(path: &str, kind: Kind, recorded: &Value, came: &Value, found: &mut Vec<Difference>) {
    match (recorded, came) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                // Absent says the same as null (rule FRAME-5).
                let side = |all: &serde_json::Map<String, Value>| all.get(key).cloned();
                let (old, new) = (side(old).unwrap_or_default(), side(new).unwrap_or_default());
                walk(&format!("{path}.{key}"), kind.below(key), &old, &new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                walk(&format!("{path}.{index}"), kind, old, new, found);
            }
        }
        _ if same(recorded, came) => {}
        _ => {
            let same_type = std::mem::discriminant(recorded) == std::mem::discriminant(came);
            let volatile = kind == Kind::Volatile && same_type;
            found.push(Difference {
                volatile,
                ..Difference::new(path, recorded.clone(), came.clone())
            });
        }
    }
}

fn same(recorded: &Value, came: &Value) -> bool {
    match (recorded, came) {
        // What was masked cannot be compared, only that there is something.
        (Value::String(text), Value::String(_)) if text.starts_with(HIDDEN) => true,
        (recorded, came) => recorded == came,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(recorded: &Value, came: &Value) -> Vec<String> {
        let told = compare(recorded, came).into_iter().map(|one| {
            let mark = if one.volatile { "~" } else { "" };
            format!("{mark}{}: {} {}", one.path, one.recorded, one.came)
        });
        told.collect()
    }

    #[test]
    fn values_that_mean_something_are_differences_and_words_may_differ() {
        let recorded = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1010, "message": "no",
            "data": {"kind": "BackendFailed", "causes": ["a"], "state": "stopped"}}});
        let came = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1009, "message": "not",
            "data": {"kind": "BackendUnavailable", "causes": ["a", "b"], "hint": null}}});
        assert_eq!(
            differences(&recorded, &came),
            [
                "error.code: 1010 1009",
                "~error.message: \"no\" \"not\"",
                "error.data.kind: \"BackendFailed\" \"BackendUnavailable\"",
                "~error.data.causes: [\"a\"] [\"a\",\"b\"]",
                "error.data.state: \"stopped\" null",
            ]
        );
    }

    #[test]
    fn an_error_for_a_result_another_id_and_another_type_are_differences() {
        let recorded = json!({"id": 1, "result": {"version": "1", "nodes": [{"name": "a"}]}});
        let error = json!({"id": "1", "error": {"code": 1, "message": "x"}});
        assert_eq!(
            differences(&recorded, &error),
            [
                "id: 1 \"1\"",
                "answer: {\"result\":{\"version\":\"1\",\"nodes\":[{\"name\":\"a\"}]}} \
                 {\"error\":{\"code\":1,\"message\":\"x\"}}",
            ]
        );
        let other = json!({"id": 1, "result": {"version": 1, "nodes": [{"name": "b"}]}});
        assert_eq!(
            differences(&recorded, &other),
            ["result.version: \"1\" 1", "result.nodes.0.name: \"a\" \"b\""]
        );
    }

    #[test]
    fn what_was_masked_is_not_compared() {
        let recorded = json!({"id": 1, "result": {"config": {"token": "(hidden 1)"}}});
        let came = json!({"id": 1, "result": {"config": {"token": "sha256:12"}}});
        assert_eq!(compare(&recorded, &came), []);
        let none = json!({"id": 1, "result": {"config": {"token": null}}});
        assert_eq!(compare(&recorded, &none).len(), 1);
    }
}
