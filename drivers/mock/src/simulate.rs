//! What the driver can be told to do wrong.
//!
//! Every method calls [`Simulate::act`] in the middle of its work: after what it writes
//! first and before what it writes last, where a real backend would be slow, fail or die.

use std::path::PathBuf;
use std::time::Duration;

use caproni_driver::{
    Condition, Error, ErrorData, ErrorKind, NodeState, Progress, Request, State, Status, Violation,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::usage::Said;

/// A word and a sentence for what happens now.
pub(crate) type Step = (&'static str, &'static str);

/// In how many parts each step's delay is reported.
const PARTS: u64 = 5;

/// How the driver misbehaves
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Simulate {
    /// How long each change of a cluster that has work to do takes, in milliseconds
    pub(crate) delay_ms: u64,

    /// How long each status and each other look at clusters takes, in milliseconds
    pub(crate) status_delay_ms: u64,

    /// The operation that fails, and how
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fail: Option<Fail>,

    /// The state that `status` reports, any word; what the cluster does stays as it is
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) state: Option<State>,

    /// How many nodes, from the last one on, `status` reports as stopped
    pub(crate) nodes_not_ready: usize,

    /// What `usage` says of each node that runs, besides the bytes of its files
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Said>,

    /// The operation in whose middle the process dies
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crash: Option<Operation>,

    /// The operation that is never answered, not even when it is cancelled
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hang: Option<Operation>,

    /// Whether each operation prints noise to stdout
    pub(crate) chatter: bool,

    /// Whether a creation that fails leaves half a cluster behind
    pub(crate) leave_half: bool,
}

/// A failure to answer with
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fail {
    /// The operation that fails
    pub(crate) operation: Operation,

    /// The failure's stable name, known or not
    #[schemars(with = "String")]
    pub(crate) kind: ErrorKind,

    /// What the failure says
    #[serde(default = "message")]
    pub(crate) message: String,

    /// What the failure advises
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,

    /// The kind's own fields, as on the wire, such as `actions`
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) data: Map<String, Value>,

    /// A file that ends the failure once it exists, such as one that an action makes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until_exists: Option<PathBuf>,
}

/// What a host can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Operation {
    Initialize,
    Start,
    Stop,
    Destroy,
    Status,
    Restart,
    Version,
    List,
    Exec,
    Logs,
    Usage,
    Diagnose,
    LoadImage,
}

impl Operation {
    /// Tells whether it looks at clusters and changes nothing.
    fn looks(self) -> bool {
        use Operation::{Diagnose, Exec, List, Logs, Status, Usage};
        matches!(self, Status | List | Exec | Logs | Usage | Diagnose)
    }
}

fn message() -> String {
    "this failure is simulated".into()
}

impl Simulate {
    /// Reads a section from JSON that stands in `source`.
    pub(crate) fn from_json(source: &str, json: &str) -> Result<Self, Error> {
        serde_json::from_str(json)
            .map_err(|wrong| invalid(format!("{source} is no `simulate` section: {wrong}")))
    }

    /// Does what it is told to do in the middle of an operation: its steps, then the worst.
    pub(crate) async fn act(
        &self,
        request: &Request,
        operation: Operation,
        steps: &[Step],
    ) -> Result<(), Error> {
        if self.chatter {
            chatter();
        }
        if operation.looks() {
            request.or_ended(sleep(self.status_delay_ms)).await?;
        }
        for step in steps {
            self.work(request, step, self.delay_ms / steps.len() as u64).await?;
        }
        if self.hang == Some(operation) {
            std::future::pending::<()>().await;
        }
        if self.crash == Some(operation) {
            std::process::abort();
        }
        match &self.fail {
            Some(fail) if fail.applies(operation) => Err(fail.error()),
            _ => Ok(()),
        }
    }

    /// Reports a step part by part, and lets each take its time.
    async fn work(
        &self,
        request: &Request,
        (step, message): &Step,
        delay_ms: u64,
    ) -> Result<(), Error> {
        if delay_ms == 0 {
            request.progress(step, *message);
            return request.or_ended(std::future::ready(())).await;
        }
        for part in 0..PARTS {
            let mut progress = Progress::new(*step, *message);
            progress.current = Some(part);
            progress.total = Some(PARTS);
            request.report(&progress);
            request.or_ended(sleep(delay_ms / PARTS)).await?;
        }
        Ok(())
    }

    /// Changes what `status` found to what it is told to say.
    pub(crate) fn alter(&self, status: &mut Status) {
        for node in status.nodes.iter_mut().rev().take(self.nodes_not_ready) {
            node.state = NodeState::Stopped;
            status.conditions.push(Condition::failed(&node.name, "stopped, as simulated"));
            if status.state == State::Ready {
                status.state = State::NotReady;
            }
        }
        if let Some(state) = &self.state {
            status.state = state.clone();
            status.exists |= state != &State::Stopped;
            status.conditions.push(Condition::failed("simulate", "the state is simulated"));
        }
    }
}

impl Fail {
    fn applies(&self, operation: Operation) -> bool {
        let mended = self.until_exists.as_ref().is_some_and(|file| file.exists());
        self.operation == operation && !mended
    }

    fn error(&self) -> Error {
        let mut data = self.data.clone();
        data.insert("kind".into(), json!(self.kind));
        if let Some(hint) = &self.hint {
            data.insert("hint".into(), json!(hint));
        }
        let mut error = Error::new(self.kind.clone(), &self.message);
        match serde_json::from_value::<ErrorData>(Value::Object(data)) {
            Ok(data) => *error.data = data,
            Err(wrong) => return invalid(format!("`simulate.fail.data`: {wrong}")),
        }
        error
    }
}

fn invalid(message: String) -> Error {
    Error::invalid_config(vec![Violation::new("", message)])
}

/// Of no time too the runtime's clock would make a millisecond.
async fn sleep(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

#[expect(clippy::print_stdout, reason = "the noise is the point")]
fn chatter() {
    println!("Checking for updates ... \u{1b}[32mdone\u{1b}[0m");
    println!("{{\"jsonrpc\": \"2.0\", \"id\": 0, \"result\": \"no reply\"}}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use caproni_driver::Node;
    use caproni_driver::NodeRole::Server;

    fn simulate(section: Value) -> Simulate {
        Simulate::from_json("a test", &section.to_string()).unwrap()
    }

    #[tokio::test]
    async fn any_kind_of_failure_comes_with_its_own_fields() {
        let told = simulate(json!({"fail": {
            "operation": "start", "kind": "BackendMissing", "hint": "install it",
            "data": {"program": "k3d"},
        }}));
        let request = Request::detached();
        assert_eq!(told.act(&request, Operation::Stop, &[]).await, Ok(()));
        let error = told.act(&request, Operation::Start, &[]).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::BackendMissing);
        assert_eq!(error.data.hint.as_deref(), Some("install it"));
        assert_eq!(error.data.program.as_deref(), Some("k3d"));
    }

    #[test]
    fn without_a_delay_nothing_is_waited_for() {
        let (told, request) = (simulate(json!({})), Request::detached());
        for operation in [Operation::Status, Operation::List, Operation::Version] {
            let acted = std::pin::pin!(told.act(&request, operation, &[]));
            let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
            assert!(acted.poll(context).is_ready(), "{operation:?}");
        }
    }

    #[tokio::test]
    async fn a_failure_ends_when_its_file_exists() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fail = json!({"operation": "status", "kind": "Odd", "until_exists": file.path()});
        let told = simulate(json!({ "fail": fail }));
        assert_eq!(told.act(&Request::detached(), Operation::Status, &[]).await, Ok(()));
        drop(file);
        let error = told.act(&Request::detached(), Operation::Status, &[]).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Other("Odd".into()));
    }

    #[test]
    fn a_section_that_is_none_says_where_it_stands() {
        let error = Simulate::from_json("MY_VARIABLE", "{\"delay\": 3}").unwrap_err();
        assert!(error.message.starts_with("MY_VARIABLE is no `simulate` section"), "{error}");
    }

    #[test]
    fn the_last_nodes_are_the_ones_that_are_not_ready() {
        let mut status = Status::new(State::Ready);
        status.nodes = vec![
            Node::new("a", Server, NodeState::Running),
            Node::new("b", Server, NodeState::Running),
        ];
        simulate(json!({"nodes_not_ready": 1})).alter(&mut status);
        assert_eq!(status.state, State::NotReady);
        assert_eq!(status.nodes[0].state, NodeState::Running);
        assert_eq!(status.nodes[1].state, NodeState::Stopped);
        assert_eq!(status.conditions[0].name, "b");
    }

    #[test]
    fn any_word_can_be_the_state() {
        let mut status = Status::absent();
        simulate(json!({"state": "hibernating"})).alter(&mut status);
        assert_eq!((status.state.to_string().as_str(), status.exists), ("hibernating", true));
    }
}
