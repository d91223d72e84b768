//! The install script, with a real archive from a server.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::release::{VERSION, archive, done, folder, script};
use crate::server::Server;

/// A release as it is published, and the name of its archive for this machine.
static RELEASE: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let releases = folder("releases");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let packed = archive(&target, &releases.join(format!("v{VERSION}")));
    sums(packed.parent().unwrap());
    (releases, packed.file_name().unwrap().to_str().unwrap().to_owned())
});

fn sums(release: &Path) {
    done(Command::new("sh").args(["-c", "sha256sum *.tar.gz >SHA256SUMS"]).current_dir(release));
}

/// A home folder, and which programs there are for someone who installs.
struct Home {
    folder: PathBuf,
    server: Server,
}

struct Said {
    code: i32,
    text: String,
}

impl Home {
    fn new(name: &str, releases: &Path, tools: &[&str]) -> Self {
        let folder = folder(name);
        std::fs::create_dir_all(folder.join("tools")).unwrap();
        let home = Self { folder, server: Server::of(releases.to_owned(), VERSION) };
        let always = "awk cat cp cut find grep gzip mkdir mktemp mv rm rmdir sed sha256sum sort tail tar uname";
        for tool in always.split(' ').chain(tools.iter().copied()) {
            let (name, program) = tool.split_once('=').unwrap_or((tool, tool));
            symlink(find(program), home.folder.join("tools").join(name)).unwrap();
        }
        home
    }

    /// Runs the script with dash, the plainest shell that is in use.
    fn install(&self, words: &str) -> Said {
        let mut command = Command::new(find("dash"));
        command.arg(script("install.sh")).args(words.split_whitespace()).env_clear();
        command.env("HOME", &self.folder).env("PATH", self.folder.join("tools"));
        command.env("TMPDIR", &self.folder).env("CAPRONI_RELEASES", self.server.address());
        let output = command.current_dir(&self.folder).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text
            .replace(self.folder.to_str().unwrap(), "~")
            .replace(self.server.address(), "[SERVER]");
        assert_eq!(output.stdout, b"", "it talks on stderr");
        Said { code: output.status.code().unwrap(), text }
    }

    /// Whatever is in the home folder.
    fn files(&self) -> Vec<PathBuf> {
        let find =
            Command::new("find").args([".", "!", "-type", "d"]).current_dir(&self.folder).output();
        let found = String::from_utf8(find.unwrap().stdout).unwrap();
        let mut files: Vec<_> = found.lines().map(PathBuf::from).collect();
        files.retain(|file| !file.starts_with("./tools"));
        files.sort();
        files
    }
}

fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file()).unwrap_or_else(|| panic!("install `{program}`, see .ci/run"))
}

#[test]
fn a_release_is_installed_used_and_removed() {
    let home = Home::new("good", &RELEASE.0, &["curl"]);
    let said = home.install("");
    let expected = format!(
        "caproni {VERSION} is installed in ~/.local\n~/.local/bin is not in PATH yet: add the line  \
         export PATH=\"~/.local/bin:$PATH\"  to the file that your shell reads first\n"
    );
    assert_eq!((said.code, said.text), (0, expected));
    let caproni = home.folder.join(".local/bin/kubectl-caproni");
    let state = home.folder.join("state");
    let mut start = Command::new(caproni);
    done(start.args(["--driver", "mock", "start"]).env("CAPRONI_STATE_DIR", &state));
    for file in ["man/man1/caproni-start.1.gz", "bash-completion/completions/caproni"] {
        assert!(home.folder.join(".local/share").join(file).is_file(), "{file}");
    }
    std::fs::remove_dir_all(state).unwrap();
    // Again, over itself: nothing changes.
    let before = home.files();
    assert_eq!(home.install("").code, 0);
    assert_eq!(home.files(), before);
    let said = home.install("--uninstall");
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(home.files(), Vec::<PathBuf>::new());
    assert_eq!(home.install("--uninstall").code, 1);
}

#[test]
fn wget_and_the_one_of_busybox_serve_where_there_is_no_curl() {
    for (name, wget) in [("wget", "wget"), ("busybox", "wget=busybox")] {
        let home = Home::new(name, &RELEASE.0, &[wget]);
        let said = home.install("--prefix opt");
        assert_eq!(said.code, 0, "{name}: {}", said.text);
        let program = home.folder.join("opt/bin/caproni");
        let version = done(Command::new(program).arg("--version")).stdout;
        assert_eq!(version, format!("caproni {VERSION}\n").as_bytes());
    }
}

#[test]
fn an_archive_that_was_tampered_with_is_refused() {
    let releases = folder("tampered-releases");
    let release = releases.join(format!("v{VERSION}"));
    let archive = &RELEASE.1;
    std::fs::create_dir_all(&release).unwrap();
    for file in [archive.as_str(), "SHA256SUMS"] {
        std::fs::copy(RELEASE.0.join(format!("v{VERSION}")).join(file), release.join(file))
            .unwrap();
    }
    let mut bytes = std::fs::read(release.join(archive)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(release.join(archive), bytes).unwrap();
    let home = Home::new("tampered", &releases, &["curl"]);
    let said = home.install(&format!("--version {VERSION}"));
    let start = format!("error: {archive} is not what the release says: its SHA-256 is ");
    assert!(said.code == 1 && said.text.starts_with(&start), "{}", said.text);
    assert_eq!(home.files(), Vec::<PathBuf>::new());
}

#[test]
fn a_release_that_is_not_there_installs_nothing() {
    for (tool, version) in [("curl", "9.9.9"), ("wget", "9.9.9"), ("wget=busybox", "9.9.9")] {
        let home = Home::new("missing", &RELEASE.0, &[tool]);
        let said = home.install(&format!("--version {version}"));
        let start = format!("error: cannot fetch [SERVER]/download/v{version}/caproni-{version}-");
        let told = said.text.lines().any(|line| line.starts_with(&start));
        assert!(said.code == 1 && told, "{tool}: {}", said.text);
        assert_eq!(home.files(), Vec::<PathBuf>::new());
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_fetched() {
    let home = Home::new("refused", &RELEASE.0, &[]);
    for (words, error) in [
        ("--version ../../x", "error: ../../x is no version\nhint: pass one such as 0.1.0\n"),
        ("--version", "error: --version needs a value\n"),
        ("--version 1.0", "error: neither curl nor wget is installed\nhint: install one of them\n"),
        (
            "--uninstall",
            "error: nothing is installed in ~/.local\nhint: pass the --prefix that it was installed with\n",
        ),
    ] {
        let said = home.install(words);
        assert_eq!((said.code, said.text.as_str()), (1, error), "{words}");
    }
    assert_eq!(home.files(), Vec::<PathBuf>::new());
}
