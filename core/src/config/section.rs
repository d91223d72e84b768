//! A driver's section of a config file.

use std::sync::Arc;

use caproni_driver::Violation;

use super::origin::Origin;
use super::sources::Sources;
use super::variables::Unexpanded;
use super::yaml::{Node, Place};
use crate::excerpt::Excerpt;

/// A driver's section of a config file.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name, such as `cluster.k3d`.
    pub name: String,
    pub(super) node: Node,
    pub(super) sources: Arc<Sources>,
    /// What in it could not be replaced, which is as it was written.
    pub(super) unexpanded: Vec<Unexpanded>,
}

impl Section {
    /// The section as JSON, with everything replaced that can be.
    pub fn to_json(&self) -> serde_json::Value {
        self.node.to_json()
    }

    /// Where a value comes from; `None` where the section does not have it.
    pub fn origin(&self, path: &[String]) -> Option<Origin> {
        let mut steps = path.iter();
        let node = steps.try_fold(&self.node, |node, name| node.get(name))?;
        (!node.is_null()).then(|| Origin::of(node, &self.sources))
    }

    /// The nearest place for a field.
    pub(super) fn place_of(&self, path: &[String]) -> Place {
        self.node.place_of(path.iter().map(String::as_str))
    }

    /// The place of a field, as `file:line:column`, and what stands there.
    pub(super) fn locate(
        &self,
        mut violation: Violation,
        path: &[String],
        secrets: &[(Place, Place)],
    ) -> (Violation, Excerpt) {
        let place = self.place_of(path);
        let excerpt = self.sources.excerpt(place, Some(secrets)).saying(&violation.message);
        violation.location = Some(self.sources.at(place));
        (violation, excerpt)
    }
}
