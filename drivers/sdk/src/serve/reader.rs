//! Reading lines while a request is answered: that is when `cancel` comes.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::mpsc;

use super::current::CurrentRequest;
use super::line::Line;
use crate::messages::MAX_LINE;

pub(super) async fn read_lines(
    mut input: impl AsyncBufRead + Unpin,
    inbox: mpsc::Sender<Line>,
    current: CurrentRequest,
) {
    while let Ok(Some(line)) = next_line(&mut input).await {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match Line::read(&line) {
            Line::Notification(method) if method == "cancel" => current.cancel(),
            line => {
                if inbox.send(line).await.is_err() {
                    break;
                }
            }
        }
    }
    current.end_of_input();
}

/// Reads to the next LF. A line that is too long comes out cut, one byte longer than is
/// allowed: it is refused, and memory stays bounded.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    // One more for the CR that may come before the LF.
    const LONGEST: usize = MAX_LINE + 2;
    let mut line = Vec::new();
    loop {
        let chunk = input.fill_buf().await?;
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        line.extend_from_slice(&part[..part.len().min(LONGEST - line.len())]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}
