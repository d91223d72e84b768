//! Runs fuzz targets over their corpora, as ordinary tests do that need no fuzzer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A fuzz target: its name, and the function that takes any bytes.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Gives each target every file of its corpus, and names those at which one panics.
pub(crate) fn replay(targets: &[Target]) {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("core/fuzz"));
    let corpora = corpora.map(|fuzz| fuzz.join("corpus")).find(|corpus| corpus.is_dir());
    let corpora = corpora.expect("the corpora are in the repository");
    let mut broken = Vec::new();
    for (name, target) in targets {
        let files = corpora.join(name).read_dir().expect("each target has a corpus");
        let files: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
        assert!(!files.is_empty(), "the corpus of `{name}` is empty");
        for file in files {
            let bytes = std::fs::read(&file).expect("it can be read");
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}
