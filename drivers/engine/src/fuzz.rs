//! The fuzz target: files of the docker command, and what the engine and its programs say.
//!
//! `core/fuzz` calls it from libFuzzer, and the test here with what libFuzzer found.

use crate::{Binding, Container, Endpoint, Environment, Inspected, Listed, Refusal};

/// What stands between docker's config file and the one of a context, in an input.
const BETWEEN: &str = "\n%%%\n";

/// Whatever it is, it is read or refused.
pub fn docker(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(refusal) = Refusal::read(&text) {
        assert!(!refusal.into_error("k3d", "`port_mappings`").message.is_empty());
    }
    address(&text);
    binding(&text);
    if let Ok(inspected) = serde_json::from_str::<Inspected>(&text) {
        Container::read(inspected).bindings.iter().for_each(written_and_read);
    }
    if let Ok(listed) = serde_json::from_str::<Listed>(&text) {
        listed.bindings().iter().for_each(written_and_read);
        assert_eq!(listed.name().to_owned(), listed.into_container().name);
    }
    if let Some((config, context)) = text.split_once(BETWEEN) {
        files(config, context);
    }
}

/// An address that is taken means the same when it is written down and read again.
fn address(host: &str) {
    let resolve = |host: &str| {
        let variable = |name: &str| (name == "DOCKER_HOST").then(|| host.to_owned());
        Endpoint::resolve(&Environment { variable: &variable, home: "/nowhere".into() })
    };
    if let (false, Ok(endpoint)) = (host.is_empty(), resolve(host)) {
        let _ = endpoint.host();
        assert_eq!(resolve(&endpoint.to_string()), Ok(endpoint));
    }
}

fn binding(text: &str) {
    if let Ok(bindings) = Binding::parse(text, text, "a port") {
        assert!(!bindings.is_empty(), "{text}");
        bindings.iter().for_each(written_and_read);
    }
}

/// A binding that a config can hold is read as what it was written from.
fn written_and_read(binding: &Binding) {
    let text = binding.to_string();
    if let Ok(read) = Binding::parse(&text, &text, "a port") {
        let [read] = &read[..] else { panic!("`{text}` is {read:?}") };
        assert!(read.satisfies(binding) && binding.satisfies(read), "`{text}` is {read:?}");
    }
}

fn files(config: &str, context: &str) {
    let home = tempfile::tempdir().expect("there is room for files");
    let meta = home.path().join(".docker/contexts/meta/abc");
    std::fs::create_dir_all(&meta).expect("there is room for files");
    std::fs::write(home.path().join(".docker/config.json"), config).expect("there is room");
    std::fs::write(meta.join("meta.json"), context).expect("there is room");
    let environment = Environment { variable: &|_| None, home: home.path().to_owned() };
    if let Err(error) = Endpoint::resolve(&environment) {
        assert!(error.data.hint.is_some(), "{error}");
    }
}

#[cfg(test)]
#[path = "../../../core/fuzz/replay.rs"]
mod replay;

#[test]
fn the_target_takes_every_file_of_its_corpus() {
    replay::replay(&[("docker", docker)]);
}
