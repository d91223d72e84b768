//! Any bytes to a driver's stdin.

use super::*;

/// Each line is a notification, a request that can be answered, or is answered by what is
/// wrong with it; and each answer is one line that a host can read.
pub fn request(stdin: &[u8]) {
    for line in stdin.split(|byte| *byte == b'\n') {
        match Line::read(line) {
            Line::Request(asked) => check_request(&asked),
            Line::Notification(_) => {}
            Line::Refused(reply) => {
                let code = check_reply(&reply)["error"]["code"].as_i64();
                assert!(matches!(code, Some(-32700 | -32600 | -32602)), "{reply}");
            }
        }
    }
}

fn check_request(asked: &Asked) {
    let params: Value = serde_json::from_str(&asked.params).expect("params are JSON");
    assert!(params.is_object(), "{params}");
    let id: Value = serde_json::from_str(asked.id.get()).expect("an id is JSON");
    assert!(id.is_number() || id.is_string(), "{id}");
    for answer in [
        r#"{"jsonrpc":"2.0","id":0,"result":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":""}}"#,
        "{}",
        "",
    ] {
        assert_eq!(check_reply(&asked.reply(answer))["id"], id);
    }
    let error = Error::new(crate::error::ErrorKind::Cancelled, &asked.method);
    assert_eq!(check_reply(&asked.reply_error(error))["id"], id);
}

fn check_reply(reply: &str) -> Value {
    assert!(!reply.contains('\n'), "{reply}");
    let read: Value = serde_json::from_str(reply).expect("a reply is JSON");
    assert!(read.get("result").is_some() != read.get("error").is_some(), "{reply}");
    assert_eq!(
        (read["jsonrpc"].as_str(), read.get("id").is_some()),
        (Some("2.0"), true),
        "{reply}"
    );
    read
}
