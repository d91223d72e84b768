//! The `@NODEFILTER` at the end of a port, a volume, a variable or an argument.

/// The nodes that run Kubernetes, which is every node but the load balancer.
pub(crate) const NODES: [&str; 2] = ["server:*", "agent:*"];

/// Takes the node filters off the end of a text; `;` stands between several.
///
/// k3d's own rule is that any `@` starts a filter unless it is written `\@`. Here it
/// does only when a node filter follows, so that `MAIL=me@example.com` needs no care.
pub(crate) fn split(text: &str) -> (String, Vec<String>) {
    let unescape = |text: &str| text.replace("\\@", "@");
    match text.rsplit_once('@') {
        Some((value, filters)) if !value.ends_with('\\') && filters.split(';').all(is_filter) => {
            (unescape(value), filters.split(';').map(Into::into).collect())
        }
        _ => (unescape(text), Vec::new()),
    }
}

/// As [`split`], with the filters that hold when there are none.
pub(crate) fn split_or(text: &str, default: &[&str]) -> (String, Vec<String>) {
    let (value, filters) = split(text);
    if filters.is_empty() {
        (value, default.iter().map(|&filter| filter.into()).collect())
    } else {
        (value, filters)
    }
}

fn is_filter(text: &str) -> bool {
    let group = text.split(':').next().unwrap_or_default();
    ["server", "servers", "agent", "agents", "loadbalancer", "all"].contains(&group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_is_a_filter_only_when_nodes_follow() {
        assert_eq!(split("A=b@server:0;agent:*").1, ["server:0", "agent:*"]);
        assert_eq!(split("MAIL=me@example.com"), ("MAIL=me@example.com".into(), vec![]));
        assert_eq!(
            split("MAIL=me@example.com@all"),
            ("MAIL=me@example.com".into(), vec!["all".into()])
        );
        assert_eq!(split("A=x\\@server:0"), ("A=x@server:0".into(), vec![]));
    }
}
