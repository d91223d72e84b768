//! The table of all modes: what is expected of the host, and what was observed.

use std::path::Path;

use super::Mode;
use super::observed::{Observed, limit};

/// Writes the table as Markdown to `faults.md` in cargo's folder for tests, which is
/// `target/tmp`.
pub(super) fn write(all: &[(&'static Mode, Result<Observed, String>)]) {
    let mut rows: Vec<_> =
        all.iter().map(|(mode, came)| (mode.case(), mode.name(), row(mode, came))).collect();
    rows.sort();
    let lines: String = rows.into_iter().map(|(_, _, row)| row).collect();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.md");
    std::fs::write(file, format!("{HEAD}{lines}")).unwrap();
}

const HEAD: &str = "\
| case | mode | expected: exit | kind | says | within s | observed: exit | kind | message | s | peak KiB |
|---|---|---|---|---|---|---|---|---|---|---|
";

fn row(mode: &Mode, came: &Result<Observed, String>) -> String {
    let host = |field| mode.host(field).as_str().unwrap_or("-").to_owned();
    let expected = [
        mode.case().to_string(),
        mode.name().to_owned(),
        mode.host("exitCode").to_string(),
        host("kind"),
        host("says"),
        limit(mode).as_secs().to_string(),
    ];
    let observed = match came {
        Err(why) => vec!["-".into(), "-".into(), why.clone(), "-".into(), "-".into()],
        Ok(observed) => vec![
            observed.output.code().to_string(),
            observed.kind().unwrap_or("-").to_owned(),
            observed.message(),
            format!("{:.1}", observed.took.as_secs_f64()),
            observed.output.peak.to_string(),
        ],
    };
    let cells: Vec<String> =
        expected.into_iter().chain(observed).map(|cell| plain(&cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text as it can stand in a cell.
fn plain(text: &str) -> String {
    text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'").replace('|', "\\|")
}
