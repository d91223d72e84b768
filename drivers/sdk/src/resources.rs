//! What a program cannot do without and a machine can run out of: file descriptors, threads,
//! memory, disk space.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::mpsc::channel;
use std::thread::Builder;

use rustix::io::Errno;

/// How many file descriptors tokio opens before anything else: for its events, its wake-ups
/// and its signals.
const FILES: usize = 8;

/// Checks that tokio can begin to work with this many threads of its own.
///
/// It does not give an error where it gets no file descriptor for its signals, or no thread: it
/// panics, and may do so in a thread whose end nobody hears of.
///
/// # Errors
/// The system's own, of which [`way_out`] says what to do about it.
pub fn check(threads: usize) -> io::Result<()> {
    let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    files.map(drop)?;
    self::threads(threads)
}

/// Checks that this many threads more can run at once: a library that starts one of its own
/// panics where it gets none.
///
/// # Errors
/// The system's own, as for [`check`].
pub fn threads(count: usize) -> io::Result<()> {
    let at_once: io::Result<Vec<_>> = (0..count)
        .map(|_| {
            let (sender, waits) = channel::<()>();
            let thread = Builder::new().spawn(move || waits.recv())?;
            Ok((sender, thread))
        })
        .collect();
    for (sender, thread) in at_once? {
        drop(sender);
        let _ = thread.join();
    }
    Ok(())
}

/// Says in one imperative line what to do about an error of the system that means that
/// something has run out; `None` for any other.
pub fn way_out(error: &io::Error) -> Option<&'static str> {
    // By the kind, where a library may have wrapped the error.
    match (error.kind(), Errno::from_io_error(error)) {
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded, _) => Some("make room on the disk"),
        (ErrorKind::FileTooLarge, _) => {
            Some("raise the limit of the size of files, see `ulimit -f`")
        }
        (ErrorKind::OutOfMemory, _) => Some("end other programs: there is not enough memory"),
        (_, Some(Errno::MFILE)) => Some("raise the limit of open files, see `ulimit -n`"),
        (_, Some(Errno::NFILE)) => {
            Some("end other programs: the system has no file descriptor left")
        }
        (_, Some(Errno::AGAIN)) => {
            Some("end other programs, or raise the limits of processes and memory, see `ulimit -a`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_out_is_told_from_what_is_forbidden() {
        let of = |errno: Errno| way_out(&io::Error::from(errno));
        assert!(of(Errno::NOSPC).is_some_and(|way_out| way_out.contains("disk")));
        assert!(of(Errno::MFILE).is_some_and(|way_out| way_out.contains("ulimit -n")));
        assert_eq!(of(Errno::ACCESS), None);
        assert_eq!(way_out(&io::Error::other("no errno")), None);
    }

    #[test]
    fn a_machine_that_can_run_tests_has_enough() {
        check(3).unwrap();
    }
}
