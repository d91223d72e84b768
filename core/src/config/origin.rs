//! Where a value of the config comes from.

use serde::Serialize;

use super::sources::Sources;
use super::yaml::{Data, Node};

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum Origin {
    /// The driver, or caproni, where nobody says anything.
    #[default]
    Default,
    /// An option of the command line, or the variable of the environment that stands for it.
    Option {
        /// The option, such as `--driver`.
        option: String,
    },
    /// A file.
    File {
        /// The place, as `file:line:column`, seen from the folder of the config file.
        location: String,
        /// What `${…}` in it was replaced by, in words.
        variables: Vec<String>,
    },
}

impl Origin {
    /// What an option says.
    pub fn said(option: &str) -> Self {
        Self::Option { option: option.to_owned() }
    }

    /// A value of a file.
    pub(super) fn of(node: &Node, sources: &Sources) -> Self {
        let mut variables = Vec::new();
        collect(node, &mut variables);
        Self::File { location: sources.at_from_file(node.place), variables }
    }

    /// In one line.
    pub fn to_text(&self) -> String {
        match self {
            Self::Default => "default".into(),
            Self::Option { option } => format!("{option}, or its variable"),
            Self::File { location, variables } if variables.is_empty() => location.clone(),
            Self::File { location, variables } => format!("{location}, {}", variables.join(", ")),
        }
    }
}

fn collect(node: &Node, variables: &mut Vec<String>) {
    for from in node.expanded.iter().flat_map(|expanded| &expanded.from) {
        if !variables.contains(from) {
            variables.push(from.clone());
        }
    }
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| collect(item, variables)),
        Data::Fields(fields) => fields.iter().for_each(|(_, field)| collect(field, variables)),
        Data::Scalar(_) => {}
    }
}
