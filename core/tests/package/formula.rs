//! What a release is finished with: its checksums, its install script and the Homebrew formula.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::release::{done, folder, script};

const RELEASES: &str = "https://example.org/caproni/releases";

const TARGETS: [&str; 4] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-unknown-linux-musl",
];

/// A folder with an archive for each of these; what is in them is of no interest here.
fn with_archives(name: &str, targets: &[&str]) -> PathBuf {
    let folder = folder(name);
    for target in targets {
        std::fs::write(folder.join(format!("caproni-1.2.3-{target}.tar.gz")), target).unwrap();
    }
    folder
}

fn finish(folder: &Path) -> Output {
    Command::new(script("finish")).arg(folder).args(["1.2.3", RELEASES]).output().unwrap()
}

#[test]
fn the_formula_holds_the_checksum_of_every_platform() {
    let folder = with_archives("finished", &TARGETS);
    let output = finish(&folder);
    assert!(output.status.success(), "{output:?}");
    done(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&folder));
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let formula = std::fs::read_to_string(folder.join("caproni.rb")).unwrap();
    for target in TARGETS {
        let archive = format!("caproni-1.2.3-{target}.tar.gz");
        let sum = sums.lines().find_map(|line| line.strip_suffix(&format!("  {archive}"))).unwrap();
        let entry = format!("url \"{RELEASES}/download/v1.2.3/{archive}\"\n      sha256 \"{sum}\"");
        assert!(formula.contains(&entry), "{entry}: {formula}");
    }
    assert!(!formula.contains('@'), "{formula}");
    done(Command::new("ruby").args(["-c", "caproni.rb"]).current_dir(&folder));
}

#[test]
fn the_install_script_of_a_release_knows_where_that_is() {
    let folder = with_archives("addressed", &TARGETS);
    assert!(finish(&folder).status.success());
    let installer = std::fs::read_to_string(folder.join("install.sh")).unwrap();
    assert!(installer.contains(&format!("RELEASES=${{CAPRONI_RELEASES:-{RELEASES}}}\n")));
    let in_checkout = Command::new(script("install.sh")).env_remove("CAPRONI_RELEASES").output();
    let said = String::from_utf8(in_checkout.unwrap().stderr).unwrap();
    assert!(said.starts_with("error: this copy of install.sh belongs to no release\n"), "{said}");
}

#[test]
fn a_release_without_a_platform_gets_no_formula() {
    let folder = with_archives("unfinished", &TARGETS[1..]);
    let output = finish(&folder);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("no checksum of caproni-1.2.3-aarch64-apple-darwin.tar.gz"), "{said}");
    assert!(!folder.join("caproni.rb").exists());
}
