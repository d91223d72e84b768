//! `cluster.network`: the names under which what runs in the cluster is reached.
//!
//! caproni changes no name resolution. They are checked, and told by `caproni config show`,
//! for the tools that do.

use super::ConfigFile;
use super::nearest::unknown;
use super::yaml::{Data, Node};
use crate::error::Error;

const FIELDS: [&str; 2] = ["hostname", "additional_hostnames"];

/// The longest name, in characters (RFC 1035).
const LONGEST: usize = 253;

/// Everything that is wrong with the names, each with its place.
pub(super) fn mistakes(file: &ConfigFile) -> Vec<Error> {
    let network = match file.ours("network") {
        Ok(Some(network)) => network,
        Ok(None) => return Vec::new(),
        Err(mistake) => return vec![mistake],
    };
    if !matches!(network.data, Data::Fields(_)) {
        return vec![wrong(file, &network, "`cluster.network` must hold fields")];
    }
    let mut found = Vec::new();
    for (name, node) in network.fields().iter().filter(|(_, node)| !node.is_null()) {
        match (name.as_str(), &node.data) {
            ("hostname", _) => found.extend(wrong_name(file, node)),
            ("additional_hostnames", Data::List(names)) => {
                found.extend(names.iter().filter_map(|name| wrong_name(file, name)));
            }
            ("additional_hostnames", _) => {
                found.push(wrong(file, node, "`additional_hostnames` must be a list of names"));
            }
            (other, _) => found.push(wrong(file, node, &unknown("field", other, FIELDS))),
        }
    }
    found
}

fn wrong(file: &ConfigFile, node: &Node, what: &str) -> Error {
    let hint = "write `hostname: NAME` and `additional_hostnames: [NAME, …]`";
    file.wrong(node.place, what).with_hint(hint)
}

fn wrong_name(file: &ConfigFile, node: &Node) -> Option<Error> {
    match node.as_str() {
        Some(name) if is_host(name) => None,
        Some(name) => {
            let what = format!("`{}` is not a host's name", name.escape_debug());
            Some(wrong(file, node, &what))
        }
        None => Some(wrong(file, node, "a host's name must be text")),
    }
}

/// A name of labels, as RFC 1123 has them.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= LONGEST && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_names_of_labels() {
        for good in ["gitlab.test", "a", "172.17.0.1", "x-1.b.nip.io", "A.b"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", ".a", "a.", "a..b", "-a", "a-.b", "a_b", "a b", "http://a", &"a".repeat(64)]
        {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
