//! What a program printed and how it ended.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde_json::Value;
use snapbox::{Data, IntoData};

/// Both streams and the exit status; as a snapshot they are one text.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
    /// The most memory that the program needed, in KiB; 0 where the system does not tell.
    pub(crate) peak: u64,
}

impl Output {
    /// The exit code; that of a shell for a program that a signal ended.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap())
    }

    /// The one JSON value that is all of stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|wrong| panic!("{wrong}: {self:#?}"))
    }

    /// The error that is told as JSON at the end of stderr, when nothing is on stdout.
    pub(crate) fn json_error(&self) -> Value {
        assert_eq!(self.stdout, "", "{self:#?}");
        let begin = if self.stderr.starts_with('{') { 0 } else { self.stderr.find("\n{").unwrap() };
        let told: Value = serde_json::from_str(&self.stderr[begin..])
            .unwrap_or_else(|wrong| panic!("{wrong}: {self:#?}"));
        assert_eq!(told["error"]["exitCode"], self.code(), "{self:#?}");
        told["error"].clone()
    }
}

impl IntoData for Output {
    fn into_data(self) -> Data {
        let Self { stdout, stderr, status, .. } = self;
        let stderr =
            if stderr.is_empty() { stderr } else { format!("------- stderr -------\n{stderr}") };
        Data::text(format!(
            "{}{}[{status}]\n",
            redact_all_numbers(&stdout),
            redact_all_numbers(&stderr)
        ))
    }
}

/// Puts placeholders where no two runs are alike.
fn redact_all_numbers(text: &str) -> String {
    let places = ["[", "ed in ", "\"seconds\": ", "\"waitedMs\": ", "process "];
    let text = places.iter().fold(text.to_owned(), |text, place| redact_numbers(&text, place));
    text.replace("[[N]s]", "[TIME]")
}

fn redact_numbers(text: &str, before: &str) -> String {
    let mut parts = text.split(before);
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.trim_start_matches(' ');
        let rest = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        redacted += before;
        redacted +=
            if rest.len() < number.len() { "[N]" } else { &part[..part.len() - rest.len()] };
        redacted += rest;
    }
    redacted
}
