//! Taking stdin and stdout for the protocol alone.
//!
//! The commonest fault of programs that speak JSON over stdio is a stray print
//! (a `println!`, a library's banner, a child that inherits stdout), the next one a
//! child that reads the protocol's stdin. Both are ruled out here: the protocol gets
//! private copies of the two descriptors, then descriptor 0 becomes `/dev/null` and
//! descriptor 1 becomes stderr, for this process and all its children.

use std::fs::File;
use std::io;

use rustix::io::fcntl_dupfd_cloexec;

/// The protocol's two ends, which nothing else in the process can reach.
pub(crate) struct Wire {
    pub(crate) input: File,
    pub(crate) output: File,
}

impl Wire {
    /// Takes the process's stdin and stdout away from everything else in it.
    pub(crate) fn take() -> io::Result<Self> {
        // Above 2, so that a closed stderr does not become the wire.
        let input = fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let output = fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self { input: input.into(), output: output.into() })
    }
}
