//! A release build of this checkout, and what is made of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::cargo;

/// The version that is released.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of a release build of all programs.
static BINARIES: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let build = cargo::build().manifest_path(workspace).release().target_dir(target);
    let messages = build.args(["--workspace", "--bins"]).exec().unwrap();
    messages.for_each(|message| drop(message.unwrap()));
    target.join("release")
});

/// The Debian package.
pub(crate) static DEB: LazyLock<PathBuf> =
    LazyLock::new(|| made_by("deb", &[BINARIES.to_str().unwrap()], &folder("deb")));

/// The folder of one test, emptied.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The archive for a platform. It holds the programs of this machine whatever the platform is: no
/// other build can be run here.
pub(crate) fn archive(target: &str, into: &Path) -> PathBuf {
    made_by("archive", &[BINARIES.to_str().unwrap(), target], into)
}

/// Lays out a prefix with everything that is installed.
pub(crate) fn staged(into: &Path) {
    done(Command::new(script("stage")).arg(&*BINARIES).arg(into));
}

/// A script of `core/dist`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist").join(name)
}

fn made_by(name: &str, arguments: &[&str], into: &Path) -> PathBuf {
    let made = done(Command::new(script(name)).args(arguments).arg(into));
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim_end())
}

/// Runs a command that has to work.
#[track_caller]
pub(crate) fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    output
}
