//! One mount: what its string means.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// One mount, into one node or into all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    source: String,
    target: String,
    read_only: bool,
    /// The node without the cluster's name; every node without it.
    pub(crate) node: Option<String>,
}

/// Takes a mount's string apart: `SOURCE:TARGET[:ro][@NODE]`.
///
/// # Errors
/// One lowercase line that says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Mount, String> {
    let (paths, node) = match text.rsplit_once('@') {
        Some((paths, node)) if is_node(node) => (paths, Some(node.to_owned())),
        _ => (text, None),
    };
    let mut parts = paths.split(':');
    let (source, target, option) = (parts.next(), parts.next(), parts.next());
    let (Some(source), Some(target)) = (source, target) else {
        return Err(format!("`{text}` is not SOURCE:TARGET[:ro][@NODE]"));
    };
    if parts.next().is_some() || !["", "ro", "rw"].contains(&option.unwrap_or_default()) {
        return Err(format!("`{text}` is not SOURCE:TARGET[:ro][@NODE]"));
    }
    // kind would take a relative one from the folder that the driver happens to run in.
    if let Some(path) = [source, target].iter().find(|path| !path.starts_with('/')) {
        return Err(format!("`{path}` of the mount `{text}` is no absolute path"));
    }
    let read_only = option == Some("ro");
    Ok(Mount { source: source.into(), target: target.into(), read_only, node })
}

/// A node's name, or one that kind would give.
fn is_node(text: &str) -> bool {
    let rest = text.strip_prefix("control-plane").or_else(|| text.strip_prefix("worker"));
    rest.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

impl Mount {
    /// Tells whether it is into this node.
    pub(crate) fn is_into(&self, node: &str) -> bool {
        self.node.as_ref().is_none_or(|own| own == node)
    }

    /// The mount as kind's config has it.
    pub(crate) fn document(&self) -> Value {
        let Self { source, target, read_only, .. } = self;
        json!({"hostPath": source, "containerPath": target, "readOnly": read_only})
    }

    /// The mount as the engine writes it.
    fn bind(&self) -> String {
        let Self { source, target, .. } = self;
        if self.read_only { format!("{source}:{target}:ro") } else { format!("{source}:{target}") }
    }
}

/// What is mounted into which of the nodes, however it is written.
pub(crate) fn binds<'a>(texts: &'a [String], nodes: &'a [String]) -> BTreeSet<(&'a str, String)> {
    let mounts = texts.iter().filter_map(|text| parse(text).ok());
    mounts
        .flat_map(|mount| {
            let into = nodes.iter().filter(|node| mount.is_into(node)).map(String::as_str);
            into.map(|node| (node, mount.bind())).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.into()).collect()
    }

    #[test]
    fn a_mount_into_every_node_is_one_into_each() {
        let nodes = strings(&["control-plane", "worker"]);
        let (all, each) =
            (strings(&["/a:/b:ro"]), strings(&["/a:/b:ro@worker", "/a:/b:ro@control-plane"]));
        assert_eq!(binds(&all, &nodes), binds(&each, &nodes));
        let other = strings(&["/a:/b"]);
        assert_ne!(binds(&all, &nodes), binds(&other, &nodes));
    }

    #[test]
    fn an_at_sign_in_a_path_is_no_node() {
        let mount = parse("/home/me@work:/work").unwrap();
        assert_eq!((mount.source.as_str(), mount.node), ("/home/me@work", None));
        assert_eq!(parse("/a:/b@worker2").unwrap().node.as_deref(), Some("worker2"));
    }

    #[test]
    fn what_kind_would_read_otherwise_is_refused() {
        for text in ["a:/b", "./a:/b", "/a", "/a:b", "/a:/b:rx", "/a:/b:ro:z", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
