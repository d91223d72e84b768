//! The driver as a process, on a machine that has neither minikube nor a Docker engine, and with
//! a program in minikube's place that says what the real one said.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use caproni_driver::testing::Host;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const VERBS: [&str; 6] = ["status", "start", "stop", "destroy", "restart", "kubeconfig"];

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("recorded/v1.38/", $name))
    };
}

/// The driver's process, in an environment that holds nothing of this machine.
struct Driver {
    host: Host,
    process: Child,
}

impl Driver {
    fn start(home: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_caproni-driver-minikube"))
            .env_clear()
            .env("HOME", home)
            .env("PATH", home.join("bin"))
            .env("CAPRONI_STATE_DIR", home.join("state"))
            .env("DOCKER_HOST", format!("unix://{}", home.join("docker.sock").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdout, stdin) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        Self { host: Host::over(stdout, stdin), process }
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        self.host.ask(method, params).await
    }

    async fn fail(&self, method: &str, params: Value) -> Value {
        self.ask(method, params).await["error"]["data"].take()
    }

    /// Closes stdin, which is the word to end, and waits for it.
    async fn end(mut self) -> Option<i32> {
        self.host.end().await;
        self.process.wait().await.unwrap().code()
    }
}

/// A program in minikube's place, whose every command is kept in `calls`. `cases` are branches of
/// a shell's `case` on the command.
fn install(home: &Path, cases: &str) {
    let folder = home.join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$* KUBECONFIG=$KUBECONFIG MEMORY=$MINIKUBE_MEMORY\" >>'{calls}'\n\
         case \"$*\" in\n{cases}\n*) exit 0 ;;\nesac\n",
        calls = home.join("calls").display(),
    );
    let file = folder.join("minikube");
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A branch that prints a recorded output and exits.
fn says(home: &Path, command: &str, output: &str, code: i32) -> String {
    let name = command.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let file = home.join(format!("{name}.out"));
    std::fs::write(&file, output).unwrap();
    format!(
        "{command}) while IFS= read -r line || [ -n \"$line\" ]; do echo \"$line\"; done <'{}'; exit {code} ;;",
        file.display()
    )
}

/// A profile of the recorded list, of a virtual machine so that no engine is needed.
fn keep_profile(home: &Path) {
    keep_profile_named(home, "mk-demo");
}

fn keep_profile_named(home: &Path, name: &str) {
    let list: Value = serde_json::from_str(recorded!("profile-list.json")).unwrap();
    let mut config = list["valid"][0]["Config"].clone();
    config["Driver"] = json!("kvm2");
    config["Name"] = json!(name);
    let folder = home.join(".minikube/profiles").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

fn calls(home: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(home.join("calls")).unwrap_or_default();
    text.lines().map(Into::into).collect()
}

fn is_where_installers_put_it() -> bool {
    ["/usr/local/bin/minikube", "/opt/homebrew/bin/minikube"].iter().any(|p| Path::new(p).exists())
}

fn demo() -> Value {
    json!({"profile": "mk-demo", "config": {}})
}

#[tokio::test]
async fn it_describes_itself_without_minikube_and_engine_and_ends_with_its_input() {
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    let params = json!({"protocolVersions": [1], "host": {"name": "test", "version": "0"}});
    let description = driver.ask("initialize", params).await["result"].take();
    assert_eq!(description["name"], "minikube");
    assert_eq!(description["configSchema"]["additionalProperties"], false);
    let methods = description["capabilities"]["methods"].as_array().unwrap();
    assert!(methods.contains(&json!("loadImage")) && methods.contains(&json!("usage")));
    assert!(!home.path().join(".minikube").exists());
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn without_minikube_every_verb_says_so_and_a_diagnosis_too() {
    if is_where_installers_put_it() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    for method in VERBS {
        let failure = driver.fail(method, demo()).await;
        assert_eq!(failure["kind"], "BackendMissing", "{method}: {failure}");
        assert_eq!(failure["program"], "minikube");
        assert!(failure["hint"].is_string());
    }
    let checks = driver.ask("diagnose", json!({})).await["result"]["checks"].take();
    assert_eq!((&checks[0]["name"], &checks[0]["verdict"]), (&json!("program"), &json!("failed")));
    assert_eq!((&checks[1]["name"], &checks[1]["verdict"]), (&json!("engine"), &json!("warning")));
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_config_or_profile_that_cannot_work_is_refused_before_anything_is_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let driver = Driver::start(home.path());
    let config = json!({"extra_args": ["--memory=4g"]});
    let failure = driver.fail("start", json!({"profile": "demo", "config": config})).await;
    assert_eq!(failure["kind"], "InvalidDriverConfig");
    assert_eq!(failure["violations"][0]["path"], "extra_args");
    let failure = driver.fail("start", json!({"profile": "a", "config": {}})).await;
    assert_eq!(failure["kind"], "InvalidDriverConfig");
    // What cannot exist is not there.
    let status = driver.ask("status", json!({"profile": "a"})).await["result"].take();
    assert_eq!(status["exists"], false);
    let gone = driver.ask("destroy", json!({"profile": "a"})).await["result"].take();
    assert_eq!(gone["change"], "none");
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_minikube_that_is_too_old_is_refused_before_it_makes_anything() {
    let home = tempfile::tempdir().unwrap();
    let old = "{\"commit\":\"x\",\"minikubeVersion\":\"v1.9.2\"}";
    let cases = [
        says(home.path(), "version*", old, 0),
        says(home.path(), "status*", recorded!("status-missing.out"), 85),
    ];
    install(home.path(), &cases.join("\n"));
    let driver = Driver::start(home.path());
    let failure = driver.fail("start", demo()).await;
    assert_eq!((&failure["kind"], &failure["found"]), (&json!("BackendMissing"), &json!("v1.9.2")));
    assert!(!calls(home.path()).iter().any(|call| call.starts_with("start")));
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn each_answer_of_minikube_is_the_state_it_means() {
    for (output, code, state, exists) in [
        (recorded!("status-running.out"), 0, "ready", true),
        // The user's kubeconfig does not have it: that is none of the cluster's business.
        (recorded!("status-running.out"), 4, "ready", true),
        (recorded!("status-stopped.out"), 7, "stopped", true),
        (recorded!("status-paused.out"), 7, "not-ready", true),
        (recorded!("status-kubelet-down.out"), 2, "not-ready", true),
        (recorded!("status-api-down.out"), 2, "not-ready", true),
    ] {
        let home = tempfile::tempdir().unwrap();
        keep_profile(home.path());
        install(home.path(), &says(home.path(), "status*", output, code));
        let driver = Driver::start(home.path());
        let status = driver.ask("status", demo()).await["result"].take();
        assert_eq!(
            (&status["state"], &status["exists"]),
            (&json!(state), &json!(exists)),
            "{output}"
        );
        assert_eq!(driver.end().await, Some(0));
    }
}

#[tokio::test]
async fn what_minikube_cannot_tell_is_an_error_and_never_stopped() {
    let home = tempfile::tempdir().unwrap();
    keep_profile(home.path());
    install(
        home.path(),
        "status*) echo 'E1125 1 status.go:1] status error: host: virsh hangs' >&2; echo null; exit 7 ;;",
    );
    let driver = Driver::start(home.path());
    let answer = driver.ask("status", demo()).await["error"].take();
    assert_eq!(answer["data"]["kind"], "BackendUnavailable", "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("virsh hangs"), "{answer}");
    install(home.path(), "status*) echo 'panic: runtime error' >&2; exit 2 ;;");
    let failure = driver.fail("status", demo()).await;
    assert_eq!(failure["kind"], "BackendFailed", "{failure}");
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_failed_creation_is_told_by_its_kind_and_deleted() {
    for (output, code, kind) in [
        (recorded!("start-as-root.out"), 57, "PermissionDenied"),
        (recorded!("start-too-much-memory.out"), 14, "InvalidDriverConfig"),
        (recorded!("start-no-engine.out"), 14, "BackendUnavailable"),
        (recorded!("start-no-docker.out"), 65, "BackendMissing"),
        (recorded!("start-runtime-fails.out"), 90, "BackendFailed"),
        (recorded!("start-guest-fails.out"), 80, "BackendFailed"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let cases = [
            says(home.path(), "version*", recorded!("version.json"), 0),
            says(home.path(), "status*", recorded!("status-missing.out"), 85),
            says(home.path(), "start*", output, code),
        ];
        install(home.path(), &cases.join("\n"));
        let driver = Driver::start(home.path());
        let failure = driver.fail("start", demo()).await;
        assert_eq!(
            (&failure["kind"], &failure["state"]),
            (&json!(kind), &json!("stopped")),
            "{failure}"
        );
        assert_eq!(failure["exitCode"], code);
        assert!(failure["command"].as_str().unwrap().contains(" start -p mk-demo "));
        let deleted = calls(home.path()).iter().any(|call| call.starts_with("delete -p mk-demo"));
        assert!(deleted && !home.path().join(".minikube/profiles/mk-demo").exists());
        assert_eq!(driver.end().await, Some(0));
    }
}

#[tokio::test]
async fn minikube_gets_a_kubeconfig_of_its_own_and_no_options_of_the_users() {
    let home = tempfile::tempdir().unwrap();
    keep_profile(home.path());
    let cases = [
        says(home.path(), "version*", recorded!("version.json"), 0),
        says(home.path(), "status*", recorded!("status-running.out"), 0),
        says(home.path(), "stop*", recorded!("stop.out"), 0),
    ];
    install(home.path(), &cases.join("\n"));
    let driver = Driver::start(home.path());
    let stopped = driver.ask("stop", demo()).await["result"].take();
    assert_eq!(stopped["change"], "stopped");
    let destroyed = driver.ask("destroy", demo()).await["result"].take();
    assert_eq!(destroyed["change"], "destroyed");
    let calls = calls(home.path());
    let stop = calls.iter().find(|call| call.starts_with("stop")).unwrap();
    assert!(stop.contains("--keep-context-active"), "{stop}");
    for call in &calls {
        let file = call.split("KUBECONFIG=").nth(1).unwrap();
        assert!(
            !file.starts_with(&*home.path().to_string_lossy()) && !file.starts_with(' '),
            "{call}"
        );
        assert!(call.ends_with("MEMORY="), "{call}");
    }
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_machine_that_minikube_cannot_remove_is_not_forgotten() {
    let home = tempfile::tempdir().unwrap();
    keep_profile(home.path());
    let cases = [
        says(home.path(), "status*", recorded!("status-stopped.out"), 7),
        says(home.path(), "delete*", recorded!("start-guest-fails.out"), 80),
    ];
    install(home.path(), &cases.join("\n"));
    let driver = Driver::start(home.path());
    let failure = driver.fail("destroy", demo()).await;
    assert_eq!((&failure["kind"], &failure["state"]), (&json!("BackendFailed"), &json!("stopped")));
    assert!(home.path().join(".minikube/profiles/mk-demo/config.json").exists());
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_minikube_that_hangs_is_ended_when_the_time_is_up() {
    let home = tempfile::tempdir().unwrap();
    keep_profile(home.path());
    install(home.path(), "status*) exec /bin/sleep 600 ;;");
    let driver = Driver::start(home.path());
    let begun = Instant::now();
    let params = json!({"profile": "mk-demo", "timeoutMs": 300});
    let failure = driver.fail("status", params).await;
    assert_eq!(failure["kind"], "TimedOut", "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_list_tells_each_profile_with_its_state() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &says(home.path(), "profile*", recorded!("profile-list-stopped.json"), 0));
    let driver = Driver::start(home.path());
    let list = driver.ask("list", json!({})).await["result"].take();
    assert_eq!(
        list["clusters"],
        json!([{"profile": "mk-demo", "state": "stopped", "kubernetesVersion": "v1.35.1", "kubeContext": "mk-demo"}])
    );
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn profiles_that_the_list_does_not_tell_are_looked_at_side_by_side() {
    let home = tempfile::tempdir().unwrap();
    let names = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"];
    names.iter().for_each(|name| keep_profile_named(home.path(), name));
    let rows: Vec<_> = names.iter().map(|name| json!({"Name": name, "Status": ""})).collect();
    let list = json!({"invalid": [], "valid": rows}).to_string();
    let begun = home.path().join("begun");
    std::fs::create_dir(&begun).unwrap();
    // Each says nothing until others have begun as well.
    let waits = format!(
        "status*) name=$3; : >'{begun}'/$$; until set -- '{begun}'/* && [ $# -ge 4 ]; do :; done; \
         echo '{stopped}'; exit 7 ;;",
        begun = begun.display(),
        stopped = recorded!("status-stopped.out").trim().replace("mk-demo", "'$name'"),
    );
    install(home.path(), &[says(home.path(), "profile*", &list, 0), waits].join("\n"));
    let driver = Driver::start(home.path());
    let told = driver.ask("list", json!({"timeoutMs": 20_000})).await;
    let clusters = told["result"]["clusters"].as_array().unwrap_or_else(|| panic!("{told}"));
    let told: Vec<_> = clusters.iter().map(|it| (&it["profile"], &it["state"])).collect();
    let all = names.map(|name| (json!(name), json!("stopped")));
    assert_eq!(told, all.iter().map(|(name, state)| (name, state)).collect::<Vec<_>>());
    assert_eq!(driver.end().await, Some(0));
}

#[tokio::test]
async fn a_changed_memory_or_core_count_is_a_mismatch_and_nothing_is_started() {
    let home = tempfile::tempdir().unwrap();
    keep_profile(home.path());
    let cases = [
        says(home.path(), "version*", recorded!("version.json"), 0),
        says(home.path(), "status*", recorded!("status-stopped.out"), 7),
    ];
    install(home.path(), &cases.join("\n"));
    let driver = Driver::start(home.path());
    let config = json!({"memory": "8g", "cpus": 4, "vm_driver": "docker"});
    let failure = driver.fail("start", json!({"profile": "mk-demo", "config": config})).await;
    let paths: Vec<_> =
        failure["diff"].as_array().unwrap().iter().map(|row| &row["path"]).collect();
    assert_eq!(paths, ["cpus", "memory", "vm_driver"]);
    assert!(!calls(home.path()).iter().any(|call| call.starts_with("start")));
    assert_eq!(driver.end().await, Some(0));
}
