//! More drivers, each a script of shell.

use crate::growth::curve::curve;
use crate::programs::Programs;
use crate::rows::drivers::{among, many};
use crate::sandbox::Sandbox;
use crate::time::to_end;

pub(crate) fn measure(programs: &Programs, runs: usize) {
    // A thousand of them, asked anew, take a second and more.
    let few = runs.min(5);
    for (what, words, runs) in [
        ("drivers: `drivers list`, cold", "drivers list --no-cache", few),
        ("drivers: `drivers list`, warm", "drivers list", runs),
        ("drivers: `list`", "--timeout 5m list", few),
    ] {
        curve(what, runs, |size| {
            let sandbox = Sandbox::new(programs, &[]);
            let path = many(&sandbox.path("many"), 1, size, 0);
            move || to_end(among(&sandbox, &path, words), &[0])
        });
    }
}
