//! What the commands print with `-o json` and `-o yaml`, as types: the code that prints and the
//! schemas that promise it are made of the same.
//!
//! Scripts rely on them: a field keeps its name and its meaning, and others are only added.

mod cluster;
mod config;
mod context;
mod drivers;
#[cfg(test)]
mod failure;
mod program;
pub(crate) mod schema;

pub(crate) use cluster::{
    BroughtUp, Changed, ClusterList, ClusterUsage, Diff, ListedCluster, LoadedImages, SilentDriver,
    StatusReport, WatchEvent,
};
pub(crate) use config::{
    ConfigSource, EffectiveConfig, UncheckedSection, ValidConfig, WrittenConfig,
};
pub(crate) use context::{ClusterContext, Environment, KeptContext, SwitchedContext};
pub(crate) use drivers::{
    AnswerDifference, DescribedDriver, DriverList, ListedDriver, ListedRule, Replayed,
    ReplayedAnswer, RuleList, WrittenDriver,
};
pub(crate) use program::{
    Checked, Checkup, CompletionScript, DriverVersions, HelpText, ManualPages, Versions,
};
