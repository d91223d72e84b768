//! The programs of other languages, wherever they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

/// Where every sandbox looks besides its own folder.
const SYSTEM: [&str; 2] = ["/usr/bin", "/bin"];

/// A program, and the Debian package that has it.
pub(crate) type Tool = (&'static str, &'static str);

pub(crate) const BASH: [Tool; 3] = [("bash", "bash"), ("jq", "jq"), ("flock", "util-linux")];
pub(crate) const GO: Tool = ("go", "golang");
pub(crate) const NODE: Tool = ("node", "nodejs");
pub(crate) const PERL: Tool = ("perl", "perl");
pub(crate) const PYTHON: Tool = ("python3", "python3");

/// Finds a program among the system's own, then on `PATH`.
pub(crate) fn find((program, package): Tool) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = SYSTEM.map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("`{program}` is not installed: install the Debian package `{package}`")
    })
}

/// Debian's `perl-base`, which every Debian has, is a perl without the modules of Perl.
pub(crate) fn assert_perl_is_whole() {
    let modules = ["-MJSON::PP", "-MDigest::SHA", "-e", "1"];
    let output = Command::new(find(PERL)).args(modules).output().unwrap();
    assert!(output.status.success(), "install the Debian package `perl`: {output:?}");
}

/// A sandbox in which these programs are found.
pub(crate) fn sandbox_with(tools: &[Tool]) -> Sandbox {
    let sandbox = Sandbox::new();
    for tool in tools {
        let found = find(*tool);
        if !SYSTEM.iter().any(|folder| found.starts_with(folder)) {
            sandbox.link(&found, &format!("bin/{}", tool.0));
        }
    }
    sandbox
}

/// A folder that is kept from one run to the next, for what compilers have built.
pub(crate) fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("languages").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The variables that Go needs to build a program from the standard library alone.
pub(crate) fn go_env() -> [(&'static str, String); 3] {
    let cache = kept("go-cache").display().to_string();
    [("GOCACHE", cache), ("GOTOOLCHAIN", "local".into()), ("GOPROXY", "off".into())]
}

/// Builds the Go program of a folder.
pub(crate) fn go_build(folder: &Path, program: &Path) {
    let mut go = Command::new(find(GO));
    go.args(["build", "-o"]).arg(program).current_dir(folder).envs(go_env());
    let output = go.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The variables by which a `cargo` finds its compiler and the crates that it has fetched,
/// whatever `HOME` and `PATH` are.
pub(crate) fn cargo_env(cargo: &Path) -> Vec<(&'static str, String)> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap();
    let compiler = cargo.with_file_name("rustc");
    let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
    vec![
        ("CARGO_HOME", text(home)),
        ("RUSTC", text(compiler)),
        ("CARGO_NET_OFFLINE", "true".into()),
    ]
}

#[test]
#[should_panic(expected = "`cobol-85` is not installed: install the Debian package `cobol`")]
fn a_language_that_is_not_there_is_a_failure() {
    find(("cobol-85", "cobol"));
}
