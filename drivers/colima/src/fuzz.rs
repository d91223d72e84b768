//! The fuzz target: whatever colima, lima or a machine of theirs says, or a file of its holds.
//!
//! `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

use caproni_driver::{Error, ErrorKind};

use crate::config::Platform;
use crate::guest::Guest;
use crate::look::Look;
use crate::machine::{Home, Machine};
use crate::saved::Saved;
use crate::{failure, guest, kubeconfig, lima, status, usage};

/// Whatever it is, it is read or refused.
pub fn colima(output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    let _ = (lima::last_word(&text), guest::last_line(&text));
    let failed = Error::new(ErrorKind::BackendFailed, "`colima` exited with 1");
    assert!(!failure::of(failed, &text, &text).message.is_empty());
    let used = usage::parse(&text, "demo".into());
    assert!(used.cpu_cores.is_none_or(|cores| cores.is_finite()), "{used:?}");
    if let Some(rewritten) = kubeconfig::rewrite(&text, "colima-demo", "192.168.106.2") {
        let again = kubeconfig::rewrite(&rewritten, "colima-demo", "192.168.106.2");
        assert_eq!(again.as_ref(), Some(&rewritten), "of `{text}`");
    }
    let seen = Some(Guest::Seen(guest::parse(&text)));
    let saved = Saved::parse(&text).ok();
    for instance in lima::parse(&text, &text).unwrap_or_default().into_iter().map(Some) {
        tell(Look { instance, ..Look::default() });
    }
    let instance = lima::parse(r#"{"name":"colima-demo","status":"Running"}"#, "");
    let instance = instance.ok().and_then(|mut all| all.pop());
    tell(Look { instance, saved, guest: seen, folder: true, ..Look::default() });
}

fn tell(look: Look) {
    let status = status::of(&machine(), &look);
    assert!(status.nodes.len() <= 1);
    if let Some(Guest::Seen(seen)) = &look.guest {
        let _ = (seen.host(), seen.api_port());
    }
}

fn machine() -> Machine {
    let home = Home::of(&|_| Some("/home/me".into()), &|_| true, Platform::THIS);
    home.and_then(|home| home.machine("demo").ok()).expect("it is a machine of the usual kind")
}

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn the_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("colima", colima)]);
}
