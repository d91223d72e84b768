//! More drivers, each a script of shell.

use crate::growth::curve::{Cost, curve};
use crate::programs::Programs;
use crate::rows::drivers::{among, many};
use crate::sandbox::Sandbox;

pub(crate) fn measure(programs: &Programs, cost: Cost) {
    // A thousand of them, asked anew, take a second and more.
    let few = cost.at_most(5);
    for (what, words, cost) in [
        ("drivers: `drivers list`, cold", "drivers list --no-cache", few),
        ("drivers: `drivers list`, warm", "drivers list", cost),
        ("drivers: `list`", "--timeout 5m list", few),
    ] {
        curve(what, cost, |size| {
            let sandbox = Sandbox::new(programs, &[]);
            let path = many(&sandbox.path("many"), 1, size, 0);
            move || among(&sandbox, &path, words)
        });
    }
}
