//! Whether a program that the driver runs has the driver's stdin or stdout ([LIFE-10]).
//!
//! A child that reads the driver's stdin eats the next request, one that writes to its stdout
//! breaks into the messages; both only sometimes. So it is looked for itself, on Linux.

use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// The names of the two pipes, such as `pipe:[4711]`.
pub(super) type Wire = [Option<PathBuf>; 2];

/// The wire's pipes, by the ends that this process has.
pub(super) fn wire(stdin: &impl AsRawFd, stdout: &impl AsRawFd) -> Wire {
    [stdin.as_raw_fd(), stdout.as_raw_fd()].map(|end| pipe("self", end))
}

/// Watches the children of one driver.
pub(super) struct Watch {
    driver: i32,
    /// The pipes that are the wire: the driver's stdin and stdout, as the host has made them.
    wire: Wire,
    /// A child that was seen with one of the pipes, and must be seen again: between its start
    /// and its program every child has them for a moment.
    suspect: Option<(i32, i32)>,
}

impl Watch {
    pub(super) fn new(driver: i32, wire: Wire) -> Self {
        Self { driver, wire, suspect: None }
    }

    /// Looks once; says which program has what.
    #[cfg(target_os = "linux")]
    pub(super) fn look(&mut self) -> Option<String> {
        let children = children(self.driver);
        let found = children.into_iter().find_map(|child| {
            // A shell that has split itself is still the driver.
            (program(child) != program(self.driver)).then_some(())?;
            let has = |(descriptor, own): (i32, &Option<PathBuf>)| {
                own.is_some() && pipe(&child.to_string(), descriptor) == *own
            };
            (0..).zip(&self.wire).find(|&one| has(one)).map(|(descriptor, _)| (child, descriptor))
        });
        let again = found.is_some() && found == self.suspect;
        self.suspect = found;
        let (child, descriptor) = found.filter(|_| again)?;
        let command = super::spy::commands_of(&[child]).pop()?;
        let name = ["stdin", "stdout"][usize::try_from(descriptor).ok()?];
        Some(format!("the program `{command}` has the driver's own {name}"))
    }

    /// Nothing of the kind can be seen here.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn look(&mut self) -> Option<String> {
        let _ = (self.driver, &self.wire, self.suspect.take());
        None
    }
}

#[cfg(target_os = "linux")]
fn children(process: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|id| id.parse().ok())
        .collect()
}

fn pipe(process: &str, descriptor: i32) -> Option<PathBuf> {
    let link = std::fs::read_link(format!("/proc/{process}/fd/{descriptor}")).ok()?;
    link.to_string_lossy().starts_with("pipe:").then_some(link)
}

#[cfg(target_os = "linux")]
fn program(process: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}
