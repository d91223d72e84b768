//! Any text as the user's kubeconfig, and any from a driver.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

/// What stands between the two in an input; without it the driver's is [`DRIVERS`].
const BETWEEN: &str = "\n%%%\n";

/// What a driver gives when all is well.
const DRIVERS: &str = "apiVersion: v1\nkind: Config\ncurrent-context: k3d-demo\n\
    clusters: [{name: k3d-demo, cluster: {server: https://127.0.0.1:6550}}]\n\
    users: [{name: admin@k3d-demo, user: {client-key-data: REVG}}]\n\
    contexts: [{name: k3d-demo, context: {cluster: k3d-demo, user: admin@k3d-demo}}]\n";

/// What is put in is there and can be read again, and all else stays; a file that cannot be
/// read stays to the letter.
pub fn kubeconfig(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (users, drivers) = input.split_once(BETWEEN).unwrap_or((input, DRIVERS));
    let Some(entry) = Entry::current(drivers) else { return };
    let folder = tempfile::tempdir().expect("there is room for a file");
    let file = UserKubeconfig::at(folder.path().join("config"));
    std::fs::write(&file.path, users).expect("there is room for a file");
    let Ok(before) = file.read() else {
        let put = at_once(file.put(&entry, CurrentContext::Keep));
        assert_eq!(put.expect_err("it cannot be read").kind, Kind::InvalidKubeconfig);
        let text = std::fs::read_to_string(&file.path).expect("it is there");
        return assert_eq!(text, users);
    };
    at_once(file.put(&entry, CurrentContext::Keep)).expect("it is put in");
    assert!(file.has(&entry).expect("what was put in can be read"), "it is not there");
    check_others(&before, &file.read().expect("it can be read"), &entry);
    at_once(file.remove(&entry)).expect("it is taken out");
    let after = file.read().expect("it can be read");
    let is_there = |(list, name, _): &(&str, String, Value)| find(&after, list, name).is_some();
    assert!(!entry.items.iter().any(is_there), "it is still there");
    let mut but_for_current = (*after).clone();
    if before.get("current-context").and_then(Value::as_str) == Some(&entry.context) {
        but_for_current["current-context"] = before["current-context"].clone();
    }
    check_others(&before, &but_for_current, &entry);
}

/// All but the entry's items is the same, and in the same order.
fn check_others(before: &Value, after: &Value, entry: &Entry) {
    let others = |document: &Value| {
        let mut document = document.clone();
        for (list, name, _) in &entry.items {
            let Some(items) = document.get_mut(*list) else {
                document[*list] = json!([]);
                continue;
            };
            match items.as_array_mut() {
                Some(items) => items.retain(|item| !has_name(item, name)),
                None => *items = json!([]),
            }
        }
        document
    };
    assert_eq!(others(before), others(after));
}

/// No one else has the file, so that nothing is waited for.
fn at_once<T>(done: impl Future<Output = T>) -> T {
    match pin!(done).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for a lock"),
    }
}
