//! `drivers list` with 100 drivers in 20 folders with 5,000 files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::args::Args;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::Table;
use crate::time::{to_end, typical};

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    let sandbox = Sandbox::new(programs, &[]);
    let path = many(&sandbox.path("many"), 20, 5, 245);
    let list = |words: &str| to_end(among(&sandbox, &path, words), &[0]);
    let cold = typical(args.pairs, || list("drivers list --no-cache"));
    let what = "`drivers list`, 100 drivers in 20 folders with 5,000 files";
    table.limit(&format!("{what}, cold"), 250.0, "ms", cold);
    let warm = typical(args.pairs, || list("drivers list"));
    table.limit(&format!("{what}, warm"), 25.0, "ms", warm);
}

/// Makes folders with drivers, which are scripts of shell, and with files that are none; gives
/// the search path.
pub(crate) fn many(root: &Path, folders: usize, drivers: usize, files: usize) -> String {
    let rules = include_str!("../../../tests/cli/rules.sh");
    let mut path = Vec::new();
    for number in 0..folders {
        let folder = root.join(format!("path-{number}"));
        std::fs::create_dir_all(&folder).expect("a new folder");
        for file in 0..files {
            std::fs::write(folder.join(format!("program-{file}")), "").expect("a new file");
        }
        for driver in 0..drivers {
            let name = format!("d{number}-{driver}");
            let file = folder.join(format!("caproni-driver-{name}"));
            std::fs::write(&file, rules.replace("odd", &name)).expect("a new file");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("our file");
        }
        path.push(folder.display().to_string());
    }
    path.join(":") + ":/usr/bin:/bin"
}

/// A command line of `caproni` on that search path.
pub(crate) fn among(sandbox: &Sandbox, path: &str, words: &str) -> Command {
    let mut command = sandbox.caproni(words);
    command.env("PATH", path);
    command
}
