//! The drivers in `drivers/examples`, and the one in Perl beside this file.

use std::path::Path;

use crate::sandbox::Sandbox;
use crate::tools::{self, sandbox_with};
use crate::trial::{breaks_no_rule, lives};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Puts the driver of a language into the sandbox.
fn install(sandbox: &Sandbox, language: &str, folder: &str) {
    let file = format!("caproni-driver-{language}");
    let program = Path::new(HERE).join(folder).join(&file);
    sandbox.link(&program.canonicalize().unwrap(), &format!("bin/{file}"));
}

#[test]
fn the_python_example_breaks_no_rule_and_lives() {
    let sandbox = sandbox_with(&[tools::PYTHON]);
    install(&sandbox, "python", "../drivers/examples/python");
    breaks_no_rule(&sandbox, "python", "destructive");
    lives(&sandbox, "python");
}

#[test]
fn the_node_example_breaks_no_rule_and_lives() {
    let sandbox = sandbox_with(&[tools::NODE]);
    install(&sandbox, "node", "../drivers/examples/node");
    breaks_no_rule(&sandbox, "node", "destructive");
    lives(&sandbox, "node");
}

#[test]
fn the_go_example_breaks_no_rule_and_lives() {
    let sandbox = sandbox_with(&[tools::GO]);
    let source = Path::new(HERE).join("../drivers/examples/go");
    tools::go_build(&source, &sandbox.path("bin/caproni-driver-go"));
    breaks_no_rule(&sandbox, "go", "destructive");
    lives(&sandbox, "go");
}

#[test]
fn a_perl_driver_written_from_the_page_alone_breaks_no_rule_and_lives() {
    let sandbox = sandbox_with(&[tools::PERL]);
    tools::assert_perl_is_whole();
    install(&sandbox, "perl", "tests/languages");
    breaks_no_rule(&sandbox, "perl", "destructive");
    lives(&sandbox, "perl");
}

/// What k3d 5.9 and docker print where there is no cluster. What changes one is the suite
/// `engine`'s to try.
fn without_clusters(sandbox: &Sandbox) {
    let k3d = "#!/bin/sh\n[ \"$*\" = 'cluster list -o json' ] && echo '[]'\n";
    sandbox.executable("bin/k3d", k3d);
    let docker = "#!/bin/sh\n[ \"$*\" = 'volume ls -q --filter label=caproni.half' ]\n";
    sandbox.executable("bin/docker", docker);
}

#[test]
fn the_bash_example_breaks_no_rule_where_there_are_no_clusters() {
    let sandbox = sandbox_with(&tools::BASH);
    without_clusters(&sandbox);
    install(&sandbox, "bash", "../drivers/examples/bash");
    breaks_no_rule(&sandbox, "bash", "meaning");
    let status = sandbox.run("-o json --driver bash status");
    assert_eq!((status.code(), &status.json()["exists"]), (3, &false.into()), "{status:#?}");
}

#[test]
fn the_bash_example_is_at_most_sixty_lines() {
    let file = Path::new(HERE).join("../drivers/examples/bash/caproni-driver-bash");
    assert!(std::fs::read_to_string(file).unwrap().lines().count() <= 60);
}
