//! A larger config.

use std::fmt::Write;

use crate::growth::curve::{Cost, curve};
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::time::output;

pub(crate) fn measure(programs: &Programs, cost: Cost) {
    let drivers = [("mock", "caproni-driver-mock"), ("k3d", "caproni-driver-k3d")];
    let sandbox = Sandbox::new(programs, &drivers);
    let labels = |size: usize| {
        let mut text = "cluster:\n  driver: mock\n  mock:\n    labels:\n".to_owned();
        (0..size).for_each(|n| writeln!(text, "      label-{n}: value-{n}").expect("memory"));
        sandbox.write("project/caproni.yaml", &text);
    };
    for words in ["config validate", "status", "start"] {
        curve(&format!("config: `{words}` with labels of a mock cluster"), cost, |size| {
            labels(size);
            output(sandbox.caproni("start"));
            || sandbox.caproni(words)
        });
    }
    for (what, first, line) in [
        ("ports", "port_mappings", "\"{}:80\""),
        ("volumes", "volumes", "/a{}:/b{}"),
        ("variables", "env", "A{}=b"),
    ] {
        curve(&format!("config: `config validate` with {what} of a k3d cluster"), cost, |size| {
            let mut text = format!("cluster:\n  driver: k3d\n  k3d:\n    {first}:\n");
            for number in 1..=size {
                let line = line.replace("{}", &(10_000 + number).to_string());
                writeln!(text, "      - {line}").expect("memory");
            }
            sandbox.write("project/caproni.yaml", &text);
            || sandbox.caproni("config validate")
        });
    }
}
