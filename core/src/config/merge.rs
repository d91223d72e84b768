//! Laying one document over another.

use super::yaml::{Data, Node};

/// Lays `over` over `base`: fields are merged at every depth, lists and values replaced, and a
/// `null` removes what lies below it.
pub(super) fn overlay(base: Node, over: Node) -> Node {
    // A file that is empty, or holds comments only.
    if over.is_null() {
        return base;
    }
    let Node { place, span, data, expanded } = over;
    let data = match (base.data, data) {
        (Data::Fields(below), Data::Fields(above)) => Data::Fields(merged(below, above)),
        (_, above) => above,
    };
    Node { place, span, data, expanded }
}

fn merged(mut below: Vec<(String, Node)>, above: Vec<(String, Node)>) -> Vec<(String, Node)> {
    for (name, node) in above {
        match below.iter().position(|(other, _)| *other == name) {
            Some(index) if node.is_null() => drop(below.remove(index)),
            Some(index) => {
                let slot = &mut below[index].1;
                let base = std::mem::replace(slot, Node::empty());
                *slot = overlay(base, node);
            }
            None => below.push((name, node)),
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;
    use serde_json::{Value, json};

    fn laid(base: &str, over: &str) -> Value {
        overlay(parse(base).unwrap(), parse(over).unwrap().in_source(1)).to_json()
    }

    #[test]
    fn fields_are_merged_and_lists_and_values_replaced() {
        assert_eq!(
            laid("a: {b: 1, c: [1, 2], d: {e: 1}}", "a: {c: [3], d: {f: 2}}\ng: 1"),
            json!({"a": {"b": 1, "c": [3], "d": {"e": 1, "f": 2}}, "g": 1})
        );
        assert_eq!(laid("a: {b: 1}", "a: 2"), json!({"a": 2}));
        assert_eq!(laid("a: 2", "a: {b: 1}"), json!({"a": {"b": 1}}));
    }

    #[test]
    fn null_removes_what_is_below_it_and_stays_where_nothing_is() {
        assert_eq!(laid("a: {b: 1, c: 2}", "a: {b: null}"), json!({"a": {"c": 2}}));
        assert_eq!(laid("a: {b: 1}", "a:\n  mock:"), json!({"a": {"b": 1, "mock": null}}));
    }

    #[test]
    fn each_value_keeps_the_place_that_it_came_from() {
        let merged =
            overlay(parse("a: {b: 1, c: 2}").unwrap(), parse("\na: {c: 3}").unwrap().in_source(1));
        let place = |path: [&str; 2]| merged.place_of(path);
        assert_eq!((place(["a", "b"]).source, place(["a", "c"]).source), (0, 1));
        assert_eq!(place(["a", "c"]).line, 2);
    }
}
