//! `cluster.network`: the names under which what runs in the cluster is reached.
//!
//! caproni changes no name resolution. They are checked, and told by `caproni config show`,
//! for the tools that do.

use serde_json::Value;

use super::ConfigFile;
use super::nearest::unknown;
use super::yaml::{Data, Node};
use crate::error::Error;

const FIELDS: [&str; 2] = ["hostname", "additional_hostnames"];

/// The longest name, in characters (RFC 1035).
const LONGEST: usize = 253;

/// Checks the names.
///
/// # Errors
/// `InvalidConfigFile` with the place of the first that is none.
pub(super) fn check(file: &ConfigFile) -> Result<(), Error> {
    let Some(network) = file.ours("network")? else { return Ok(()) };
    let wrong = |node: &Node, what: &str| {
        let hint = "write `hostname: NAME` and `additional_hostnames: [NAME, …]`";
        file.wrong(node.place, what).with_hint(hint)
    };
    if !matches!(network.data, Data::Fields(_)) {
        return Err(wrong(&network, "`cluster.network` must hold fields"));
    }
    if let Some((name, node)) =
        network.fields().iter().find(|(name, _)| !FIELDS.contains(&name.as_str()))
    {
        return Err(wrong(node, &unknown("field", name, FIELDS)));
    }
    if let Some(node) = network.get("hostname").filter(|node| !node.is_null()) {
        check_name(node, &wrong)?;
    }
    match network.get("additional_hostnames").map(|node| (&node.data, node)) {
        None | Some((Data::Scalar(Value::Null), _)) => Ok(()),
        Some((Data::List(names), _)) => names.iter().try_for_each(|name| check_name(name, &wrong)),
        Some((_, node)) => Err(wrong(node, "`additional_hostnames` must be a list of names")),
    }
}

fn check_name(node: &Node, wrong: &dyn Fn(&Node, &str) -> Error) -> Result<(), Error> {
    match node.as_str() {
        Some(name) if is_host(name) => Ok(()),
        Some(name) => Err(wrong(node, &format!("`{}` is not a host's name", name.escape_debug()))),
        None => Err(wrong(node, "a host's name must be text")),
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
