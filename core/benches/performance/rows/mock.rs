//! One `status` with the driver that has no backend, beside the same two programs bare.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::programs::Programs;
use crate::sandbox::Sandbox;
use crate::table::{Row, Table, Verdict};
use crate::time::{Pairs, median, output, to_end};

pub(crate) fn measure(table: &mut Table, programs: &Programs, args: &Args) {
    let sandbox = Sandbox::new(programs, &[("mock", "caproni-driver-mock")]);
    output(sandbox.caproni("--driver mock start"));
    let status = || to_end(sandbox.caproni("--driver mock status"), &[0]);
    let pairs = Pairs::of(args.pairs.max(40), status, || bare(&sandbox));
    let what = "`caproni --driver mock status`";
    table.compare_within(what, "the same two programs, bare", 2.0, 5.0, &pairs);
    let pairs = Pairs::of(args.pairs.max(40), status, || bare_at_once(&sandbox));
    table.add(Row {
        what: format!("{what} / the same two programs, bare and both at once"),
        target: "none".into(),
        measured: format!("{:.2} ms", median(&pairs.ours)),
        beside: format!("{:.2} ms", median(&pairs.theirs)),
        ratio: Some(pairs.ratio()),
        verdict: Verdict::Told,
        far_off: false,
    });
}

/// The least that a host and its driver can cost: both executables are loaded, say their
/// version and end, the output of the one being the input of the other. The driver comes when
/// the host has ended, since no host can start a driver before it runs itself.
fn bare(sandbox: &Sandbox) -> Duration {
    in_turn(sandbox, true)
}

/// The same when one does not wait for the other, as a shell starts a pipe.
fn bare_at_once(sandbox: &Sandbox) -> Duration {
    in_turn(sandbox, false)
}

fn in_turn(sandbox: &Sandbox, one_by_one: bool) -> Duration {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut host = sandbox.caproni("--version");
    host.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    let mut driver = sandbox.program(&sandbox.path("drivers/caproni-driver-mock"));
    driver.arg("--version").stdin(reader).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut host = host.spawn().expect("the host runs");
    if one_by_one {
        assert!(host.wait().expect("our child").success());
    }
    let mut driver = driver.spawn().expect("the driver runs");
    assert!(driver.wait().expect("our child").success());
    assert!(host.wait().expect("our child").success());
    begun.elapsed()
}
