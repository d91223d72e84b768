//! `caproni drivers new`: what is told, what is refused, and what a driver in Rust depends on.
//! That what it writes works is the suite `languages`'s to try.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use snapbox::{assert_data_eq, str};

use crate::sandbox::Sandbox;

#[test]
fn what_is_written_is_told_with_what_comes_next() {
    let sandbox = Sandbox::new();
    assert_data_eq!(
        sandbox.run("drivers new --lang go demo"),
        str![[r#"
driver `demo` is written into `demo`: main.go, go.mod, main_test.go, README.md

next:
  cd demo
  go test
  go build -o caproni-driver-demo
  export CAPRONI_DRIVER_PATH="$PWD"
  caproni drivers check --destructive demo
  caproni --driver demo start
[exit status: 0]

"#]]
    );
    let module = std::fs::read_to_string(sandbox.path("project/demo/go.mod")).unwrap();
    assert!(module.starts_with("module caproni-driver-demo\n"), "{module}");
}

#[test]
fn as_json_it_is_told_where_everything_is() {
    let sandbox = Sandbox::new();
    let output = sandbox.run("-o json drivers new --lang python --into some/where demo");
    let told = output.json();
    assert_eq!((output.code(), &*output.stderr), (0, ""));
    assert_eq!((&told["name"], &told["language"]), (&json!("demo"), &json!("python")));
    assert_eq!(told["folder"], "[ROOT]/project/some/where");
    assert_eq!(told["next"][0], "cd some/where");
    assert_eq!(told["files"], json!(["caproni-driver-demo", "test_driver.py", "README.md"]));
    for file in told["files"].as_array().unwrap() {
        let path = sandbox.path("project/some/where").join(file.as_str().unwrap());
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111 != 0, file == "caproni-driver-demo", "{file}: {mode:o}");
    }
}

#[test]
fn a_folder_that_is_there_is_not_touched() {
    let sandbox = Sandbox::new();
    sandbox.write("project/demo/mine", "of the user");
    assert_data_eq!(
        sandbox.run("drivers new --lang bash demo"),
        str![[r#"
------- stderr -------
error: `[ROOT]/project/demo` is there already, and is not touched
hint: name another folder with `--into`
[exit status: 2]

"#]]
    );
    let files = sandbox.path("project/demo").read_dir().unwrap();
    assert_eq!(files.count(), 1);
    sandbox.write("project/file", "of the user");
    let refused = sandbox.run("drivers new --lang bash --into file/below demo");
    assert_eq!(refused.code(), 2, "{refused:#?}");
    assert!(refused.stderr.contains("cannot be written: "), "{refused:#?}");
}

#[test]
fn names_that_cannot_be_a_driver_s_are_refused() {
    let sandbox = Sandbox::new();
    for (words, message) in [
        ("--lang python a/b", "`a/b` is not a driver's name"),
        ("--lang python -- -a", "`-a` is not a driver's name"),
        ("--lang rust a.b", "`caproni-driver-a.b` cannot be a package's name in Rust"),
    ] {
        let refused = sandbox.run(&format!("-o json drivers new {words}"));
        assert_eq!(refused.code(), 2, "{words}");
        assert_eq!(refused.json_error()["message"], message);
    }
    assert_eq!(sandbox.path("project").read_dir().unwrap().count(), 0);
}

#[test]
fn a_language_without_a_template_is_refused_with_those_that_have_one() {
    let sandbox = Sandbox::new();
    let refused = sandbox.run("-o json drivers new --lang cobol demo").json_error();
    assert_eq!(refused["hint"], "use one of rust, bash, python, node, go");
    assert_data_eq!(
        sandbox.run("drivers new --lang cobol demo"),
        str![[r#"
------- stderr -------
error: invalid value 'cobol' for '--lang <LANGUAGE>'
  [possible values: rust, bash, python, node, go]

For more information, try '--help'.
[exit status: 2]

"#]]
    );
}

/// A sandbox whose project folder is a checkout of caproni, as far as that is looked at.
fn in_checkout() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/drivers/sdk/Cargo.toml", "[package]\nname = \"caproni-driver\"\n");
    sandbox
}

/// What the manifest of a driver in Rust says of the SDK, and whether it is a workspace.
fn manifest(sandbox: &Sandbox, folder: &str) -> (String, bool) {
    let file = sandbox.path("project").join(folder).join("Cargo.toml");
    let text = sandbox.redact(&std::fs::read_to_string(file).unwrap());
    let line = text.lines().find_map(|line| line.strip_prefix("caproni-driver = ")).unwrap();
    (line.to_owned(), text.contains("[workspace]"))
}

#[test]
fn in_a_checkout_a_driver_in_rust_depends_on_its_sdk() {
    let sandbox = in_checkout();
    let told = sandbox.run("-o json drivers new --lang rust --into drivers/demo demo").json();
    assert_eq!(told["warning"], json!(null));
    assert_eq!(told["next"][3], "export CAPRONI_DRIVER_PATH=\"$PWD/../../target/debug\"");
    assert_eq!(manifest(&sandbox, "drivers/demo"), ("{ path = \"../sdk\" }".into(), false));
    sandbox.run("drivers new --lang rust demo");
    let path = "{ path = \"[ROOT]/project/drivers/sdk\" }";
    assert_eq!(manifest(&sandbox, "demo"), (path.into(), true));
}

#[test]
fn elsewhere_the_sdk_is_named_or_the_user_is_warned() {
    let sandbox = in_checkout();
    let new = |words: &str| {
        let words = format!("-o json drivers new --lang rust {words}");
        sandbox.caproni(&words).within("elsewhere").run()
    };
    let told = new("--sdk ../project/drivers/sdk one");
    assert_eq!(told.json()["warning"], json!(null));
    let path = "{ path = \"[ROOT]/project/drivers/sdk\" }";
    assert_eq!(manifest(&sandbox, "../elsewhere/one"), (path.into(), true));

    let warning = new("two").json()["warning"].as_str().unwrap().to_owned();
    assert!(warning.contains("write the driver with `--sdk DIR`"), "{warning}");
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest(&sandbox, "../elsewhere/two"), (version, true));

    let refused = new("--sdk ../project three").json_error();
    assert_eq!(refused["message"], "`../project` is not the folder of the crate `caproni-driver`");
    let refused = sandbox.run("-o json drivers new --lang go --sdk . four").json_error();
    assert_eq!(refused["message"], "`--sdk` is for drivers in Rust only");
}

#[test]
fn in_the_workspace_s_folder_only_rust_is_written() {
    let sandbox = in_checkout();
    let refused = sandbox.run("-o json drivers new --lang go --into drivers/demo demo");
    let message = "`[ROOT]/project/drivers` of a checkout of caproni holds packages in Rust only";
    assert_eq!(refused.json_error()["message"], message);
    let written = sandbox.run("drivers new --lang go --into drivers/examples/demo demo");
    assert_eq!(written.code(), 0, "{written:#?}");
}
