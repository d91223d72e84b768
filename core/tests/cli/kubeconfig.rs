//! `caproni kubeconfig`, `env`, `kubectl` and `use`: the cluster's own kubeconfig, and the user's.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::readiness::boaster;
use crate::sandbox::{MOCK, Sandbox};

/// The user's own, whose current context is another cluster's.
const OWN: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster: {server: https://prod}\nusers:\n- name: me\n  user: {token: secret}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\ncurrent-context: prod\n";

fn with_own() -> Sandbox {
    let sandbox = boaster();
    sandbox.write("home/.kube/config", OWN);
    sandbox.write("project/cluster", "");
    sandbox
}

fn own(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("home/.kube/config")).unwrap()
}

#[test]
fn a_standalone_kubeconfig_is_printed_and_nothing_is_changed() {
    let sandbox = with_own();
    assert_data_eq!(
        sandbox.run("--driver odd kubeconfig"),
        str![[r#"
apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: odd
  cluster:
    server: http://127.0.0.1:1
users:
- name: odd
  user: {}
contexts:
- name: odd
  context:
    cluster: odd
    user: odd
current-context: odd
[exit status: 0]

"#]]
    );
    let as_json = sandbox.run("--driver odd -o json kubeconfig").json();
    assert_eq!(as_json["current-context"], "odd");
    assert_eq!(own(&sandbox), OWN);
}

#[test]
fn it_is_merged_without_a_switch() {
    let sandbox = with_own();
    let merged = sandbox.run("--driver odd -o json kubeconfig --merge").json();
    assert_eq!((&merged["context"], &merged["changed"]), (&json!("odd"), &json!(true)));
    let text = own(&sandbox);
    assert!(text.contains("name: odd") && text.contains("current-context: prod"), "{text}");
    let again = sandbox.run("--driver odd -o json kubeconfig --merge").json();
    assert_eq!(again["changed"], false);
    assert_eq!(own(&sandbox), text);
}

#[test]
fn a_file_of_it_is_for_its_owner_only() {
    let sandbox = with_own();
    assert_data_eq!(
        sandbox.run("--driver odd kubeconfig --file here.yaml"),
        str![[r#"
kubeconfig of cluster `caproni` is in `here.yaml`
[exit status: 0]

"#]]
    );
    let file = sandbox.path("project/here.yaml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(file).unwrap().contains("current-context: odd"));
    assert_data_eq!(
        sandbox.run("--driver odd kubeconfig --file none/here.yaml"),
        str![[r#"
------- stderr -------
error: cannot write `none/here.yaml`: No such file or directory (os error 2) at path "[ROOT]/project/none/[..]"
hint: name a file in a folder that is there and that you may write to
[exit status: 6]

"#]]
    );
}

#[test]
fn a_driver_without_an_api_has_none() {
    let sandbox = Sandbox::with_config(MOCK);
    sandbox.run("start");
    assert_data_eq!(
        sandbox.run("kubeconfig"),
        str![[r#"
------- stderr -------
error: driver `mock` cannot give a kubeconfig
hint: run `caproni drivers describe mock` to see what it can do
[exit status: 2]

"#]]
    );
}

#[test]
fn env_names_a_file_with_the_cluster_alone() {
    let sandbox = with_own();
    let run = |shell: &str| sandbox.caproni("--driver odd env").env("SHELL", shell).run();
    assert_data_eq!(
        run("/bin/bash"),
        str![[r#"
export KUBECONFIG=[ROOT]/state/clusters/odd-caproni/kubeconfig
[exit status: 0]

"#]]
    );
    let file = sandbox.path("state/clusters/odd-caproni/kubeconfig");
    assert!(std::fs::read_to_string(&file).unwrap().contains("current-context: odd"));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run("/usr/bin/fish").stdout.starts_with("set -gx KUBECONFIG '"));
    let told = sandbox.run("--driver odd env --shell powershell");
    assert!(told.stdout.starts_with("$Env:KUBECONFIG = '"), "{told:#?}");
    let as_json = sandbox.run("--driver odd -o json env").json();
    assert_eq!(
        as_json["env"]["KUBECONFIG"],
        Value::from("[ROOT]/state/clusters/odd-caproni/kubeconfig")
    );
    assert_eq!(own(&sandbox), OWN);
}

#[test]
fn kubectl_gets_the_cluster_and_every_word_and_keeps_its_exit_code() {
    let sandbox = with_own();
    let script = "#!/bin/sh\nprintf '%s|' \"$@\"; grep current-context \"$KUBECONFIG\"; exit 3\n";
    sandbox.executable("bin/kubectl", script);
    let output = sandbox.caproni("--driver odd kubectl -- get pods -o json").arg("a b").run();
    assert_data_eq!(
        output,
        str![[r#"
get|pods|-o|json|a b|current-context: odd
[exit status: 3]

"#]]
    );
    let without_dashes = sandbox.run("--driver odd kubectl get pods -o json --profile x");
    assert!(without_dashes.stdout.starts_with("get|pods|-o|json|--profile|x|"));
    assert_eq!(own(&sandbox), OWN);
}

#[test]
fn a_kubectl_that_is_missing_is_named() {
    let sandbox = with_own();
    assert_data_eq!(
        sandbox.caproni("--driver odd kubectl get pods").env("PATH", sandbox.path("bin")).run(),
        str![[r#"
------- stderr -------
error: kubectl is not installed
hint: install kubectl as https://kubernetes.io/docs/tasks/tools says
[exit status: 7]

"#]]
    );
}

#[test]
fn use_switches_and_says_from_what_to_what() {
    let sandbox = with_own();
    assert_data_eq!(
        sandbox.run("--driver odd use"),
        str![[r#"
switched from context `prod` to `odd`
back with `kubectl config use-context prod`
[exit status: 0]

"#]]
    );
    assert!(own(&sandbox).contains("current-context: odd"));
    let again = sandbox.run("--driver odd -o json use").json();
    assert_eq!((&again["from"], &again["to"]), (&json!("odd"), &json!("odd")));
    std::fs::remove_file(sandbox.path("home/.kube/config")).unwrap();
    assert_data_eq!(
        sandbox.run("--driver odd use"),
        str![[r#"
switched to context `odd`; there was none before
[exit status: 0]

"#]]
    );
}

#[test]
fn use_touches_nothing_when_the_kubeconfig_is_broken() {
    let sandbox = with_own();
    sandbox.write("home/.kube/config", "clusters: [\n");
    for verb in ["use", "kubeconfig --merge"] {
        let output = sandbox.run(&format!("--driver odd -o json {verb}"));
        assert_eq!((&output.json_error()["kind"], output.code()), (&json!("InvalidKubeconfig"), 6));
        assert_eq!(own(&sandbox), "clusters: [\n");
    }
}
