//! Any bytes from a driver's stdout.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::value::RawValue;

use super::*;

/// What the driver says in the end, whatever came before.
const REPLY: &str = r#"{"jsonrpc":"2.0","id":3,"result":{"a":[null]}}"#;

/// The longest excerpt, when none of its bytes is UTF-8.
const LONGEST_EXCERPT: usize = 3 * 200;

/// Whatever a driver writes before its reply, the host gets that reply or one that it can
/// read in its place, or a fault is told.
pub fn transport(stdout: &[u8]) {
    let mut input = stdout.to_vec();
    input.extend_from_slice(format!("\n{REPLY}\n").as_bytes());
    let input = std::io::Cursor::new(input);
    let client = Client::new(tokio::io::sink(), input, Arc::new(|event| check(&event)));
    client.exchange().pending = Some(3);
    // All input is there, so that nothing is waited for but one's turn.
    let mut context = Context::from_waker(Waker::noop());
    let answer = loop {
        if let Poll::Ready(answer) = client.exchange().poll_answer(&mut context) {
            break answer;
        }
    };
    match answer {
        Ok(answer) if !stdout.contains(&b'3') => assert_eq!(answer, Ok(r#"{"a":[null]}"#.into())),
        Ok(answer) => check_answer(answer),
        Err(Ended) => assert!(client.fault().is_some(), "it ended without a fault"),
    }
}

/// What the types of the protocol are read from.
fn check_answer(answer: Answer) {
    if let Ok(result) = answer {
        assert!(serde_json::from_str::<&RawValue>(&result).is_ok(), "{result}");
    }
}

fn check(event: &Event) {
    if let Event::Noise(excerpt) = event {
        assert!(excerpt.len() <= LONGEST_EXCERPT, "{} bytes of noise", excerpt.len());
    }
}
