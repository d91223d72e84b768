//! Folders that are not there, or in which nothing can be written.
//!
//! `/dev/null/home` is a place where not even root can make a folder.

use super::assert_told;
use crate::output::Output;
use crate::sandbox::{CommandLine, MOCK, Sandbox};

/// Has a place for its state in the home or the temporary folder, and nowhere else.
fn without_state_dir<'a>(sandbox: &'a Sandbox, words: &str) -> CommandLine<'a> {
    sandbox.caproni(words).without_env("CAPRONI_STATE_DIR")
}

/// Runs a cluster's life, with every command line changed in the same way.
fn whole_life(sandbox: &Sandbox, changed: impl Fn(CommandLine<'_>) -> CommandLine<'_>) {
    for (words, code) in
        [("status", 3), ("start", 0), ("status", 0), ("list", 0), ("stop", 0), ("destroy", 0)]
    {
        let output = changed(without_state_dir(sandbox, words)).run();
        assert_eq!(output.code(), code, "{words}: {output:#?}");
        assert!(!output.stderr.contains("warning"), "{words}: {output:#?}");
    }
}

#[test]
fn a_cluster_lives_without_a_home() {
    let sandbox = Sandbox::with_config(MOCK);
    let temporary = sandbox.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    whole_life(&sandbox, |line| line.without_env("HOME").env("TMPDIR", &temporary));
    whole_life(&sandbox, |line| line.env("HOME", "").env("TMPDIR", &temporary));
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 1);
}

#[test]
fn a_cluster_lives_without_a_temporary_folder() {
    let sandbox = Sandbox::with_config(MOCK);
    whole_life(&sandbox, |line| line.env("TMPDIR", "/dev/null/temporary"));
    whole_life(&sandbox, |line| line.env("TMPDIR", sandbox.path("not-there")));
    assert!(!sandbox.path("not-there").exists());
}

#[test]
fn a_temporary_folder_that_is_not_there_yet_will_do_for_a_user_without_a_home() {
    let sandbox = Sandbox::with_config(MOCK);
    let missing = sandbox.path("not-there");
    whole_life(&sandbox, |line| line.without_env("HOME").env("TMPDIR", &missing));
}

#[test]
fn a_home_that_cannot_be_written_does_no_harm_where_state_has_another_place() {
    let sandbox = Sandbox::with_config(MOCK);
    let state = sandbox.path("state");
    whole_life(&sandbox, |line| {
        line.env("HOME", "/dev/null/home").env("CAPRONI_STATE_DIR", &state)
    });
}

#[test]
fn a_home_that_cannot_be_written_is_named_before_anything_is_made() {
    let sandbox = Sandbox::with_config(MOCK);
    let run = |words| -> Output {
        without_state_dir(&sandbox, words).env("HOME", "/dev/null/home").run()
    };
    let said = "cannot lock `/dev/null/home/.local/state/caproni/locks/mock-caproni.lock`";
    assert_told(&run("destroy"), 8, said, "name another one in CAPRONI_STATE_DIR");
    // The mock driver keeps its clusters there.
    let said = "cannot read `/dev/null/home/.local/state/caproni/mock/caproni.json`";
    for words in ["status", "start"] {
        assert_told(&run(words), 1, said, "name another one in CAPRONI_MOCK_STATE_DIR");
    }
}

#[test]
fn a_folder_that_only_others_can_write_is_told_from_one_that_is_full() {
    let sandbox = Sandbox::with_config(MOCK);
    // A file where a folder belongs.
    sandbox.write("state/locks", "");
    let output = sandbox.run("start");
    assert_told(&output, 8, "cannot lock `[ROOT]/state/locks/", "make the folder writable");
}
