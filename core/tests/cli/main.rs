//! The `caproni` program from outside: what it prints, what it leaves, and how it exits.
//!
//! Each test runs the built program in a [`sandbox`], from an empty environment, and looks
//! at stdout, stderr and exit status together. The drivers are the mock driver, shell
//! scripts that break one rule each, and the rogue, a program that breaks any of them.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod auto;
#[path = "../build/cargo.rs"]
mod cargo;
#[cfg(target_os = "linux")]
mod chaos;
mod check;
mod colours;
mod completion;
mod config;
mod config_files;
#[cfg(target_os = "linux")]
mod config_remote;
mod config_show;
mod diff;
mod discovery;
mod doctor;
mod drivers_call;
mod drivers_describe;
mod drivers_list;
mod drivers_new;
mod drivers_record;
mod drivers_schema;
mod exec;
mod faults;
mod handmade;
mod help;
mod interrupts;
mod kubeconfig;
mod life;
mod list;
mod mending;
mod next_step;
mod nodes;
mod observability;
mod output;
mod quiet;
mod readiness;
mod resources;
mod rogue;
#[cfg(target_os = "linux")]
#[path = "../chaos/rounds.rs"]
mod rounds;
mod running;
mod sandbox;
mod schemas;
mod screen;
mod security;
mod seen;
mod steps;
mod summary;
mod terminal;
mod together;
mod watch;
mod width;
