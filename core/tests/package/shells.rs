//! Tab in the shells that not every machine has.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::release::{folder, staged};

/// A prefix with everything in it.
fn prefix(name: &str) -> PathBuf {
    let prefix = folder(name);
    staged(&prefix);
    prefix
}

fn shell(name: &str, script: &str, prefix: &Path) -> String {
    let bin = prefix.join("bin");
    let mut command = Command::new(name);
    command.args(if name == "zsh" { ["-fc", script] } else { ["-Nc", script] }).env_clear();
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command.env("HOME", prefix).env("CAPRONI_STATE_DIR", prefix.join("state")).env("TERM", "xterm");
    let output = command.output().unwrap_or_else(|_| panic!("install the Debian package `{name}`"));
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tab_in_fish_completes_drivers_and_tells_what_commands_do() {
    let prefix = prefix("fish");
    let script = prefix.join("share/fish/vendor_completions.d/caproni.fish");
    let script = format!(
        "source {}; complete --do-complete 'caproni --driver mo'; complete --do-complete 'caproni destr'",
        script.display()
    );
    let said = shell("fish", &script, &prefix);
    assert_eq!(said, "mock\ndestroy\tRemove the cluster and all its data, half-created ones too\n");
}

/// zsh completes for a terminal only, so it is given one (zsh's module zpty), and the keys of a person.
#[test]
fn the_first_tab_in_zsh_completes() {
    const SCRIPT: &str = r#"
        zmodload zsh/zpty
        zpty shell "zsh -fi"
        zpty -w shell "PS1=; fpath=(FOLDER \$fpath); autoload -Uz compinit; compinit -u -D; echo is' 'ready"
        zpty -r shell said '*is ready*'
        zpty -w -n shell $'caproni --driver moc\t'
        zpty -r shell said '*caproni --driver mock*' && echo completed
        zpty -d shell"#;
    let prefix = prefix("zsh");
    let folder = prefix.join("share/zsh/site-functions");
    let said = shell("zsh", &SCRIPT.replace("FOLDER", folder.to_str().unwrap()), &prefix);
    assert_eq!(said, "completed\n");
}
