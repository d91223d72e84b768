//! Whether what is ours in a config file is as it should be.

use std::collections::BTreeSet;

use super::ConfigFile;
use super::file::is_ours;
use super::nearest::{misspelt, nearest};
use super::network;
use super::yaml::{Data, Node};
use crate::error::Error;

/// The sections of a file that are ours.
const SECTIONS: [&str; 4] = ["version", "variables", "extends", "cluster"];

/// What stands for all sections together.
const SECTIONS_THEMSELVES: &str = "sections";

impl ConfigFile {
    /// Refuses what `start` would do something else with than its author meant.
    pub(super) fn check_cluster(&self) -> Result<(), Error> {
        let Some(cluster) = self.cluster().filter(|cluster| !cluster.is_null()) else {
            return Ok(());
        };
        if !matches!(cluster.data, Data::Fields(_)) {
            let what = "`cluster` must hold fields, such as `driver: k3d`";
            return Err(self.wrong(cluster.place, what));
        }
        // A driver's section can have any name, so only what looks like one of ours, and holds
        // what ours hold, is taken for one.
        for (name, node) in cluster.fields().iter().filter(|(name, _)| !is_ours(name)) {
            let meant = match &node.data {
                Data::Scalar(value) if value.is_string() => misspelt(name, ["driver"]),
                Data::Fields(_) if node.get("strategy").is_some() => misspelt(name, ["name"]),
                _ => None,
            };
            if let Some(meant) = meant {
                let what = format!("unknown field `{name}`, did you mean `{meant}`?");
                return Err(self.wrong(node.place, &what).with_hint("mend the section `cluster`"));
            }
        }
        Ok(())
    }

    /// Checks each part of the file that is no driver's: what is wrong with it, by its name.
    pub fn check_ours(&self) -> Vec<(String, Vec<Error>)> {
        let has = |name: &str| self.cluster().is_some_and(|cluster| cluster.get(name).is_some());
        let mut checked = vec![(SECTIONS_THEMSELVES.to_owned(), self.misspelt_sections())];
        checked.push(("cluster.driver".into(), self.driver().err().into_iter().collect()));
        checked.push(("cluster.name".into(), self.strategy().err().into_iter().collect()));
        checked.push(("cluster.network".into(), network::mistakes(self)));
        checked.retain(|(name, mistakes)| {
            !mistakes.is_empty() || name.strip_prefix("cluster.").is_some_and(has)
        });
        checked
    }

    /// Tells whether the file may well have a `cluster` that is called otherwise.
    pub fn has_misspelt_sections(&self) -> bool {
        !self.misspelt_sections().is_empty()
    }

    /// A section of another tool is none of our business, one of ours that is misspelt is.
    fn misspelt_sections(&self) -> Vec<Error> {
        let missing = SECTIONS.iter().filter(|section| self.document.get(section).is_none());
        let missing: Vec<&str> = missing.copied().collect();
        let others = self.document.fields().iter();
        let others = others.filter(|(name, _)| !SECTIONS.contains(&name.as_str()));
        let mistake = |(name, node): &(String, Node)| {
            let meant = misspelt(name, missing.iter().copied())?;
            let what = format!("unknown section `{name}`, did you mean `{meant}`?");
            Some(self.wrong(node.place, &what).with_hint("mend the section's name"))
        };
        others.filter_map(mistake).collect()
    }

    /// The mistake where the file names a driver that is not installed, and is like one that is.
    pub fn misspelt_driver(&self, driver: &str, installed: &BTreeSet<String>) -> Option<Error> {
        let near = nearest(driver, installed.iter().map(String::as_str))?;
        let node = self.cluster()?.get("driver")?;
        self.cluster()?.get(driver).is_none().then(|| {
            let what = format!("there is no driver `{driver}`, did you mean `{near}`?");
            self.wrong(node.place, &what).with_hint("mend `cluster.driver`, or install the driver")
        })
    }
}
