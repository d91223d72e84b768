//! Drivers in other languages: the examples, one in a language that has no example, and what
//! `caproni drivers new` writes.
//!
//! Each is held against every rule, with a cluster that is really made, and lives a cluster's
//! life under `caproni`. The suite needs bash, jq, Python, Node, Go and Perl; where one of them
//! is missing the test fails and names the package. The example in bash drives k3d: here it
//! meets an engine with no clusters, and the suite `engine` lets it make some.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

#[path = "../build/cargo.rs"]
mod cargo;
mod examples;
mod new;
mod tools;
mod trial;

// What the suite `cli` works with, of which less is needed here.
#[path = "../cli/output.rs"]
#[expect(dead_code)]
mod output;
#[path = "../cli/running.rs"]
#[expect(dead_code)]
mod running;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code)]
mod sandbox;
