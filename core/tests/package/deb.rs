//! The Debian package in a bare Debian.

use crate::bare::Bare;
use crate::release::{DEB, VERSION};

fn installed() -> Bare {
    let bare = Bare::new();
    bare.copy(&DEB, "/tmp/caproni.deb");
    let output = bare.bash("dpkg --install /tmp/caproni.deb");
    assert!(output.status.success(), "{output:?}");
    bare
}

#[test]
fn the_package_is_installed_used_and_removed() {
    let bare = installed();
    a_cluster_lives(&bare);
    the_manual_opens(&bare);
    tab_completes(&bare);
    bare.said("dpkg --remove caproni");
    // What is left is the user's, and what man keeps.
    let ours = "find / -xdev -name '*caproni*' -not -path '/root/*' -not -path '/tmp/*' -not -path '/var/cache/man/*'";
    assert_eq!(bare.said(ours), "");
}

fn a_cluster_lives(bare: &Bare) {
    assert_eq!(bare.said("caproni --version"), format!("caproni {VERSION}\n"));
    let started = bare.said("caproni --driver mock start");
    assert!(started.contains("cluster `caproni` is up"), "{started}");
    assert!(bare.said("kubectl-caproni --driver mock status").contains("state       ready"));
    let drivers = bare.said("caproni drivers list");
    for driver in ["auto", "colima", "k3d", "kind", "minikube", "mock"] {
        assert!(drivers.contains(&format!("{driver} ")), "{drivers}");
    }
}

fn the_manual_opens(bare: &Bare) {
    let page = bare.said("MANWIDTH=80 man caproni");
    assert!(page.contains("caproni - Manage local Kubernetes clusters through drivers"), "{page}");
    assert!(bare.said("man caproni-drivers-check").contains("--destructive"));
    assert!(bare.said("man caproni-driver-k3d").contains("caproni-drivers - Find drivers"));
    let pages = bare.said("ls /usr/share/man/man1/caproni*.1.gz");
    assert!(pages.lines().count() > 15, "{pages}");
    for page in pages.lines() {
        let show = format!("MANWIDTH=80 man --warnings --local-file {page} 2>&1 >/dev/null");
        assert_eq!(bare.said(&show), "", "{page}");
    }
}

/// With bash's own loader of completions, which finds the script by the program's name.
fn tab_completes(bare: &Bare) {
    const TAB: &str = r#"
        . /usr/share/bash-completion/bash_completion
        if declare -F _comp_load >/dev/null; then _comp_load caproni; else _completion_loader caproni; fi
        COMP_WORDS=(caproni --driver mo) COMP_CWORD=2 COMP_TYPE=9
        $(complete -p caproni | sed 's/.*-F \([^ ]*\).*/\1/') caproni mo --driver
        echo "${COMPREPLY[@]}""#;
    assert_eq!(bare.said(TAB), "mock\n");
}
