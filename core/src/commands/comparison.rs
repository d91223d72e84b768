//! How a cluster differs from what is asked for, and what it takes to get from one to the other.

use caproni_driver::config::differences;
use caproni_driver::{ChangeCost, Difference, State, Status};
use serde_json::{Value, json};

use super::Target;
use crate::session::Session;
use crate::ui::{clean, differences_table};

/// What it takes to make a cluster what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It is what is asked for.
    Nothing,
    /// There is none.
    Create,
    /// It does not run, or not all of it.
    Start,
    /// It takes over a changed config while it runs.
    Update,
    /// It must be stopped and started.
    Restart,
    /// It must be destroyed and made anew, which loses its data.
    Recreate,
}

/// A cluster beside what is asked for.
#[derive(Debug)]
pub(super) struct Comparison {
    profile: String,
    driver: String,
    exists: bool,
    state: State,
    /// `None` where there is a cluster, and its driver does not tell what it runs with.
    pub(super) differences: Option<Vec<Difference>>,
}

impl Comparison {
    /// Holds what a driver tells of a cluster against a config. What is secret is not shown.
    pub(super) fn new(target: &Target, session: &Session, status: &Status, config: &Value) -> Self {
        let schema = &session.description.config_schema;
        let found = match (&status.config, status.exists) {
            (_, false) => Some(Vec::new()),
            (Some(running), true) => Some(differences(schema, running, config)),
            (None, true) => None,
        };
        Self {
            profile: target.profile.clone(),
            driver: session.driver.name.clone(),
            exists: status.exists,
            state: status.state.clone(),
            differences: found,
        }
    }

    /// The fields that differ, as far as they are known.
    pub(super) fn known(&self) -> &[Difference] {
        self.differences.as_deref().unwrap_or_default()
    }

    pub(super) fn need(&self) -> Need {
        match dearest(self.known()) {
            _ if !self.exists => Need::Create,
            Some(ChangeCost::Restart) => Need::Restart,
            None | Some(ChangeCost::Live) if self.state != State::Ready => Need::Start,
            None => Need::Nothing,
            Some(ChangeCost::Live) => Need::Update,
            // What a newer driver calls a cost is dear, until it is known.
            Some(_) => Need::Recreate,
        }
    }

    /// Both sides, field by field, and what is to be said of them.
    pub(super) fn to_text(&self, what: &str, width: u16) -> String {
        let mut text = format!("cluster `{}` ({}) {what}\n", self.profile, self.driver);
        if !self.known().is_empty() {
            text += &format!("\n{}", clean(&differences_table(self.known(), width)));
        }
        text
    }

    /// The one shape of `diff` and `start --dry-run`.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "profile": self.profile,
            "driver": self.driver,
            "exists": self.exists,
            "state": self.state,
            "needs": self.need().name(),
            "differences": self.differences,
        })
    }

    /// How many fields differ, in words; empty for none.
    pub(super) fn fields(&self) -> String {
        match self.known().len() {
            0 => String::new(),
            1 => "1 field differs".into(),
            count => format!("{count} fields differ"),
        }
    }

    /// What it is to the user who asks what a `start` would do.
    pub(super) fn summary(&self) -> String {
        let fields = self.fields();
        let state = &self.state;
        match self.need() {
            Need::Create => "does not exist: would be created".into(),
            Need::Start if fields.is_empty() => format!("is {state}: would be started"),
            Need::Start => format!("is {state}: would be started; {fields}"),
            Need::Nothing if self.differences.is_none() => {
                "runs: its driver does not tell with which config".into()
            }
            Need::Nothing => "has no difference".into(),
            Need::Update => format!("would be updated while it runs: {fields}"),
            Need::Restart => format!("would have to be stopped and started: {fields}"),
            Need::Recreate => format!("would have to be destroyed and made anew: {fields}"),
        }
    }
}

impl Need {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Create => "create",
            Self::Start => "start",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Recreate => "recreate",
        }
    }

    /// The command that does it.
    pub(super) fn command(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Create | Self::Start | Self::Update => Some("run `caproni start` to do so"),
            Self::Restart => {
                Some("put the config back, or run `caproni start --restart` to apply it")
            }
            Self::Recreate => Some(
                "put the config back, or run `caproni start --recreate` to make the cluster anew, \
                 which loses its data",
            ),
        }
    }
}

/// The highest cost of all, if anything differs.
pub(super) fn dearest(differences: &[Difference]) -> Option<&ChangeCost> {
    differences.iter().map(|difference| &difference.change).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(exists: bool, state: State, costs: &[ChangeCost]) -> Comparison {
        let difference =
            |cost: &ChangeCost| Difference::new("field", json!(1), json!(2), cost.clone());
        Comparison {
            profile: "demo".into(),
            driver: "mock".into(),
            exists,
            state,
            differences: Some(costs.iter().map(difference).collect()),
        }
    }

    #[test]
    fn the_dearest_field_says_what_is_needed() {
        use ChangeCost::{Live, Other, Recreate, Restart};
        let other = || Other("reincarnate".into());
        for (costs, need) in [
            (vec![], Need::Nothing),
            (vec![Live], Need::Update),
            (vec![Restart, Live], Need::Restart),
            (vec![Live, Recreate, Restart], Need::Recreate),
            (vec![other(), Live], Need::Recreate),
        ] {
            assert_eq!(comparison(true, State::Ready, &costs).need(), need, "{costs:?}");
        }
    }

    #[test]
    fn a_cluster_that_does_not_run_is_started_whatever_a_start_applies() {
        for costs in [vec![], vec![ChangeCost::Live]] {
            assert_eq!(comparison(true, State::Stopped, &costs).need(), Need::Start);
        }
        assert_eq!(comparison(false, State::Stopped, &[]).need(), Need::Create);
    }
}
