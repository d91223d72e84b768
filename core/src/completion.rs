//! What a shell is told when a user presses Tab: commands, options, and the drivers and profiles
//! that there are at this moment.
//!
//! It reads folders and starts no driver: a Tab must not wait for an engine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Result, Write};
use std::path::Path;

use clap_complete::CompleteEnv;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter, complete};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use crate::discovery::SearchPath;
use crate::state::ClusterState;

/// The variable by which the scripts of `caproni completion` ask.
pub(crate) const VARIABLE: &str = "CAPRONI_COMPLETE";

/// Answers a shell that asks how a command line may go on, and tells whether one has asked.
///
/// A failure is no answer: an error among the user's words on the command line would help nobody.
pub(crate) fn completed(grammar: fn() -> clap::Command) -> bool {
    let here = std::env::current_dir().ok();
    let shells = Shells(&[&BashWords, &Zsh, &Fish, &Powershell, &Elvish]);
    let completion = CompleteEnv::with_factory(grammar).var(VARIABLE).shells(shells);
    completion.try_complete(std::env::args_os(), here.as_deref()).unwrap_or(true)
}

/// Bash, to which the `=` of `--driver=k3d` is a word of its own: without it the grammar
/// understands what is left.
struct BashWords;

impl EnvCompleter for BashWords {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> Result<()> {
        Bash.write_registration(var, name, bin, completer, script)
    }

    fn write_complete(
        &self,
        grammar: &mut clap::Command,
        mut words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn Write,
    ) -> Result<()> {
        let set = |name: &str| std::env::var(name).ok();
        let index = set("_CLAP_COMPLETE_INDEX").and_then(|index| index.parse().ok()).unwrap_or(0);
        words.truncate(index + 1);
        words.retain(|word| word != "=");
        let last = words.len().saturating_sub(1);
        let separator = set("_CLAP_IFS").unwrap_or_else(|| "\n".into());
        let candidates = complete(grammar, words, last, here)?;
        let values: Vec<_> =
            candidates.iter().map(|candidate| candidate.get_value().to_string_lossy()).collect();
        answer.write_all(values.join(&separator).as_bytes())
    }
}

/// The drivers whose name begins so, or the files where a path was begun.
pub(crate) fn drivers(begun: &OsStr) -> Vec<CompletionCandidate> {
    if begun.to_string_lossy().contains('/') {
        return PathCompleter::file().complete(begun);
    }
    let names = SearchPath::from_env().names();
    beginning_with(begun, names.into_iter().map(|name| (name, None)))
}

/// The profiles whose name begins so: of the clusters that were started here, each with its drivers.
pub(crate) fn profiles(begun: &OsStr) -> Vec<CompletionCandidate> {
    let mut drivers_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for driver in SearchPath::from_env().names() {
        for profile in ClusterState::profiles(&driver) {
            drivers_of.entry(profile).or_default().push(driver.clone());
        }
    }
    let named =
        drivers_of.into_iter().map(|(profile, drivers)| (profile, Some(drivers.join(", "))));
    beginning_with(begun, named)
}

fn beginning_with(
    begun: &OsStr,
    all: impl Iterator<Item = (String, Option<String>)>,
) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let those = all.filter(|(name, _)| name.starts_with(&*begun));
    those.map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into))).collect()
}
