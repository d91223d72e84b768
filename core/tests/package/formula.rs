//! The Homebrew formula.

use std::process::Command;

use crate::release::{folder, script};

const TARGETS: [&str; 4] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-unknown-linux-musl",
];

fn formula(sums: &str, name: &str) -> std::process::Output {
    let file = folder(name).join("SHA256SUMS");
    std::fs::write(&file, sums).unwrap();
    let mut command = Command::new(script("formula"));
    command.args(["1.2.3", "https://example.org/caproni/releases"]).arg(file).output().unwrap()
}

#[test]
fn the_formula_holds_the_checksum_of_every_platform() {
    let sum = |target: &str| format!("{:064x}", target.len() * 7 + target.matches('a').count());
    let sums: String =
        TARGETS.map(|target| format!("{}  caproni-1.2.3-{target}.tar.gz\n", sum(target))).concat();
    let output = formula(&sums, "formula");
    let text = String::from_utf8(output.stdout).unwrap();
    for target in TARGETS {
        let address = format!(
            "url \"https://example.org/caproni/releases/download/v1.2.3/caproni-1.2.3-{target}.tar.gz\"\n      sha256 \"{}\"",
            sum(target)
        );
        assert!(text.contains(&address), "{target}: {text}");
    }
    assert!(!text.contains('@'), "{text}");
    let mut ruby = Command::new("ruby");
    let file = folder("formula-ruby").join("caproni.rb");
    std::fs::write(&file, &text).unwrap();
    let checked = ruby.arg("-c").arg(&file).output().expect("install the Debian package `ruby`");
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn without_a_checksum_there_is_no_formula() {
    let output = formula("", "formula-empty");
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no checksum of caproni-1.2.3-aarch64-apple-darwin.tar.gz"), "{said}");
}
