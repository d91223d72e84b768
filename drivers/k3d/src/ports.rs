//! Lists of port mappings: what a cluster publishes, and what is to change.
//!
//! One mapping has many spellings, so two lists are compared by what they mean.

use caproni_engine::Binding;

use crate::mapping::{Mapping, Target, parse_all};

/// Takes from `have` one match for each of `wanted`; returns those of `wanted` without one.
///
/// Exact host ports go first, so that a mapping that takes any port leaves them alone.
fn take_matches(have: &mut Vec<Mapping>, wanted: &[Mapping]) -> Vec<Mapping> {
    let mut unmatched = Vec::new();
    let (any, exact): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|mapping| mapping.binding.host_port.is_none());
    for mapping in exact.into_iter().chain(any) {
        match have.iter().position(|candidate| candidate.satisfies(mapping)) {
            Some(index) => drop(have.remove(index)),
            None => unmatched.push(mapping.clone()),
        }
    }
    unmatched
}

/// The mappings a cluster really has, in the strings it was asked for where they still hold.
///
/// `asked` are the strings kept with the cluster, `extra` the mappings that came another
/// way (`extra_args`), `published` what the load balancer publishes now. Mappings that
/// lead past the load balancer cannot change, so they are as asked.
pub(crate) fn effective(asked: &[String], extra: &[Mapping], published: &[Binding]) -> Vec<String> {
    let mut found: Vec<Mapping> =
        published.iter().cloned().map(Mapping::at_load_balancer).collect();
    let at_load_balancer = |mapping: &Mapping| Mapping::at_load_balancer(mapping.binding.clone());
    let mut kept = Vec::new();
    // Strings with a host port first: one without takes whatever is left.
    let mut order: Vec<&String> = asked.iter().collect();
    order.sort_by_key(|text| {
        parse_all([text.as_str()]).iter().any(|m| m.binding.host_port.is_none())
    });
    for text in order {
        let meant: Vec<Mapping> = parse_all([text.as_str()])
            .iter()
            .filter(|mapping| mapping.is_at_load_balancer())
            .map(at_load_balancer)
            .collect();
        let mut rest = found.clone();
        if take_matches(&mut rest, &meant).is_empty() {
            found = rest;
            kept.push(text);
        }
    }
    let extra: Vec<_> =
        extra.iter().filter(|m| m.is_at_load_balancer()).map(at_load_balancer).collect();
    take_matches(&mut found, &extra);
    let mut strings: Vec<String> =
        asked.iter().filter(|text| kept.contains(text)).cloned().collect();
    let mut news: Vec<Mapping> = found;
    news.sort_by(|a, b| a.binding.cmp(&b.binding));
    strings.extend(news.iter().map(Mapping::to_string));
    strings
}

/// What it takes to come from the running mappings to the requested ones.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// They mean the same.
    None,
    /// The load balancer can be told.
    Live(Edit),
    /// The cluster must be made anew.
    Recreate,
}

/// What the load balancer must no longer, and what it must newly publish.
///
/// The deletions come first: k3d cannot do both at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Bindings to take away, as the engine spells them.
    pub(crate) delete: Vec<Binding>,
    /// Mappings to add.
    pub(crate) add: Vec<Mapping>,
}

/// Compares what runs with what is requested. `published` is what the load balancer
/// publishes, `None` when there is none; `extra` is published in any case.
pub(crate) fn compare(
    running: &[String],
    requested: &[String],
    extra: &[Mapping],
    published: Option<&[Binding]>,
) -> Change {
    let mut surplus = parse_all(running.iter().map(String::as_str));
    let wanted = parse_all(requested.iter().map(String::as_str));
    let add = take_matches(&mut surplus, &wanted);
    if add.is_empty() && surplus.is_empty() {
        return Change::None;
    }
    let live = |mapping: &Mapping| mapping.target == Target::AllNodes;
    match published {
        Some(published) if add.iter().chain(&surplus).all(live) => {
            Change::Live(edit(&surplus, add, &wanted, extra, published))
        }
        _ => Change::Recreate,
    }
}

/// Deleting one of two bindings of a container port, k3d 5.9 also takes the port out of
/// the load balancer's own config, so that the other binding leads nowhere. So all
/// bindings of such a port are deleted, and those that are to stay are added again.
fn edit(
    surplus: &[Mapping],
    mut add: Vec<Mapping>,
    wanted: &[Mapping],
    extra: &[Mapping],
    published: &[Binding],
) -> Edit {
    let touched = |binding: &Binding| {
        surplus.iter().any(|mapping| mapping.binding.same_container_port(binding))
    };
    let delete: Vec<Binding> = published.iter().filter(|b| touched(b)).cloned().collect();
    for mapping in wanted.iter().chain(extra) {
        if mapping.is_at_load_balancer() && touched(&mapping.binding) && !add.contains(mapping) {
            add.push(mapping.clone());
        }
    }
    Edit { delete, add }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::parse;

    fn one(text: &str) -> Mapping {
        parse(text).unwrap().remove(0)
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.into()).collect()
    }

    fn published(texts: &[&str]) -> Vec<Binding> {
        texts.iter().map(|text| one(text).binding).collect()
    }

    #[test]
    fn every_spelling_of_a_mapping_means_the_same() {
        for other in
            ["80:80", "80:80/tcp", "0.0.0.0:80:80@loadbalancer", "80:80@loadbalancer:proxy"]
        {
            let change = compare(&strings(&["80:80@loadbalancer"]), &strings(&[other]), &[], None);
            assert_eq!(change, Change::None, "{other}");
        }
    }

    #[test]
    fn what_was_asked_for_is_told_in_its_own_words_while_it_holds() {
        let asked = strings(&["80:80@loadbalancer", "8443:443/tcp"]);
        let found = published(&["0.0.0.0:8443:443", "80:80"]);
        assert_eq!(effective(&asked, &[], &found), asked);
    }

    #[test]
    fn a_mapping_without_a_host_port_holds_with_any() {
        let asked = strings(&["80@loadbalancer", "8080:80"]);
        let found = published(&["8080:80", "32768:80"]);
        assert_eq!(effective(&asked, &[], &found), asked);
    }

    #[test]
    fn ports_changed_since_are_told_as_they_are() {
        let asked = strings(&["80:80@loadbalancer", "443:443@loadbalancer", "9:9@server:0:direct"]);
        let found = published(&["80:80", "8080:8080"]);
        assert_eq!(
            effective(&asked, &[], &found),
            ["80:80@loadbalancer", "9:9@server:0:direct", "8080:8080@loadbalancer"]
        );
    }

    #[test]
    fn ports_of_extra_arguments_are_no_difference() {
        let extra = vec![one("9000:9000@loadbalancer")];
        assert_eq!(effective(&[], &extra, &published(&["9000:9000"])), Vec::<String>::new());
    }

    #[test]
    fn the_load_balancers_ports_change_live() {
        let found = published(&["80:80"]);
        let change =
            compare(&strings(&["80:80"]), &strings(&["80:80", "443:443"]), &[], Some(&found));
        let Change::Live(edit) = change else { panic!("{change:?}") };
        assert_eq!(edit, Edit { delete: vec![], add: vec![one("443:443")] });
    }

    #[test]
    fn a_port_that_keeps_another_binding_is_deleted_whole_and_added_again() {
        let found = published(&["80:80", "8080:80", "443:443"]);
        let running = strings(&["80:80", "8080:80", "443:443"]);
        let change = compare(&running, &strings(&["80:80", "443:443"]), &[], Some(&found));
        let Change::Live(edit) = change else { panic!("{change:?}") };
        assert_eq!(edit.delete, published(&["80:80", "8080:80"]));
        assert_eq!(edit.add, [one("80:80")]);
    }

    #[test]
    fn ports_of_single_nodes_need_a_new_cluster() {
        let found = published(&[]);
        for requested in ["80:80@server:0", "80:80@server:0:direct"] {
            let change = compare(&[], &strings(&[requested]), &[], Some(&found));
            assert_eq!(change, Change::Recreate, "{requested}");
        }
        assert_eq!(compare(&[], &strings(&["80:80"]), &[], None), Change::Recreate);
    }
}
