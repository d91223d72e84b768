//! The host for tests of a driver never lets a test hang, nor pass by mistake.

use std::time::Duration;

use caproni_driver::DriverClient;
use caproni_driver::testing::{Host, failure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// A host, and a driver that writes these lines after the first line it reads.
fn scripted(lines: &'static str) -> Host {
    let (input, their_input) = tokio::io::duplex(4096);
    let (mut their_output, output) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        let mut their_input = BufReader::new(their_input).lines();
        their_input.next_line().await.expect("a line");
        their_output.write_all(lines.as_bytes()).await.expect("the host reads");
        their_input.next_line().await.expect("the end of input")
    });
    Host::over(output, input)
}

#[tokio::test]
#[should_panic(expected = "waited 1ms for the reply to request 0")]
async fn an_answer_that_never_comes_ends_the_test() {
    scripted("").with_patience(Duration::from_millis(1)).ask("status", json!({})).await;
}

#[tokio::test]
#[should_panic(expected = "the driver's output has ended")]
async fn a_driver_that_is_gone_ends_the_test_at_once() {
    Host::over(tokio::io::empty(), tokio::io::sink()).receive().await;
}

#[tokio::test]
#[should_panic(expected = "no JSON")]
async fn a_line_that_is_no_message_ends_the_test() {
    scripted("Checking for updates\n").ask("status", json!({})).await;
}

#[tokio::test]
#[should_panic(expected = "a failure was expected")]
async fn a_success_is_no_failure() {
    let host = scripted("{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"change\":\"none\"}}\n");
    failure(host.stop("demo".into(), None, None).await);
}

#[tokio::test]
#[should_panic(expected = "with a kind")]
async fn an_error_without_a_kind_is_no_failure() {
    let host = scripted(
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}\n",
    );
    failure(host.stop("demo".into(), None, None).await);
}

#[tokio::test]
async fn what_was_not_asked_for_stays_to_be_looked_at() {
    let host = scripted(
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\
         {\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"step\":\"a\",\"message\":\"b\"}}\n\
         {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}\n",
    );
    assert_eq!(host.ask("status", json!({})).await["id"], 0);
    assert_eq!(host.progress()[0].step, "a");
    let rest = host.end().await;
    assert_eq!(rest.iter().map(|left| &left["id"]).collect::<Vec<&Value>>(), [7, 0]);
}
