//! How large the programs are that are released, in millions of bytes.

use crate::programs::Programs;
use crate::table::Table;

pub(crate) fn measure(table: &mut Table, programs: &Programs) {
    for (name, path) in programs.released() {
        let bytes = std::fs::metadata(path).expect("it was built").len();
        #[expect(clippy::cast_precision_loss, reason = "less than 2^52")]
        let megabytes = bytes as f64 / 1e6;
        let limit = if name == "caproni" { 9.0 } else { 5.0 };
        table.limit(&format!("size of `{name}`"), limit, "MB", megabytes);
    }
}
