//! `caproni --driver kind`: what kind has, and what it does not have and the driver adds.

mod config;
mod failures;
mod interrupts;
mod life;
mod nodes;
mod several;
mod states;
mod table;

use crate::support::{Backend, Place, docker_lines};

fn place(profile: &str) -> Place {
    Place::of(Backend::Kind, profile)
}

/// The containers of a cluster, by their ids.
fn ids(place: &Place) -> Vec<String> {
    let filter = format!("label=io.x-k8s.kind.cluster={}", place.profile);
    let mut ids = docker_lines(&["ps", "-a", "--no-trunc", "-q", "--filter", &filter]);
    ids.sort();
    ids
}
