//! Any bytes from a driver's stdout.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jsonrpsee::types::{Id, Response};
use serde_json::value::RawValue;

use super::*;

/// What the driver says in the end, whatever came before.
const REPLY: &str = r#"{"jsonrpc":"2.0","id":3,"result":{"a":[null]}}"#;

/// The longest excerpt, when none of its bytes is UTF-8.
const LONGEST_EXCERPT: usize = 3 * 200;

/// Whatever a driver writes before its reply, the client gets that reply or one that it can
/// read in its place, or a fault is told.
pub fn transport(stdout: &[u8]) {
    let mut input = stdout.to_vec();
    input.extend_from_slice(format!("\n{REPLY}\n").as_bytes());
    let (_, mut receiver, connection) =
        connect(tokio::io::sink(), std::io::Cursor::new(input), Arc::new(|event| check(&event)));
    connection.lock().pending = Some(3.into());
    connection.lock().answered = vec![2.into()];
    // All input is there, so that nothing is waited for.
    let received = pin!(receiver.receive()).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(received) = received else { panic!("it waits for more") };
    match received {
        Ok(ReceivedMessage::Bytes(reply)) => check_reply(&reply),
        Ok(_) => panic!("a reply is bytes"),
        Err(Ended) => assert!(connection.fault().is_some(), "it ended without a fault"),
    }
}

/// What jsonrpsee's client does with it, which ends for good where it cannot.
fn check_reply(reply: &[u8]) {
    let read: Response<'_, &RawValue> =
        serde_json::from_slice(reply).expect("the client can read the reply");
    assert_eq!(read.id, Id::Number(3));
}

fn check(event: &Event) {
    if let Event::Noise(excerpt) = event {
        assert!(excerpt.len() <= LONGEST_EXCERPT, "{} bytes of noise", excerpt.len());
    }
}
