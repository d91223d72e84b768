//! The labels of one container.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

/// The labels of one container: some twenty, of which few are looked for. So they are kept as they came,
/// in one string, and not each in two of its own.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    text: String,
    /// Where each label's name and its value end.
    ends: Vec<(usize, usize)>,
}

impl Labels {
    /// A label's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut begin = 0;
        for (middle, end) in &self.ends {
            // Most are longer or shorter, and told apart by that alone.
            if middle - begin == name.len() && self.text[begin..*middle] == *name {
                return Some(&self.text[*middle..*end]);
            }
            begin = *end;
        }
        None
    }

    /// Sets a label, in the place of the one of its name.
    pub fn set(&mut self, name: &str, value: &str) {
        let others = self.iter().filter(|(label, _)| *label != name);
        *self = others.chain([(name, value)]).collect();
    }

    /// Each label with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        let each = begins.zip(&self.ends);
        each.map(|(begin, (middle, end))| (&self.text[begin..*middle], &self.text[*middle..*end]))
    }
}

/// The order of labels says nothing.
impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.iter().collect::<BTreeMap<_, _>>() == other.iter().collect()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(labels: T) -> Self {
        let mut all = Self::default();
        for (name, value) in labels {
            all.text += name.as_ref();
            let middle = all.text.len();
            all.text += value.as_ref();
            all.ends.push((middle, all.text.len()));
        }
        all
    }
}

/// `null` is none.
impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InMap)
    }
}

/// Reads labels.
struct InMap;

impl<'de> Visitor<'de> for InMap {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels")
    }

    fn visit_unit<E>(self) -> Result<Labels, E> {
        Ok(Labels::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = Labels { text: String::with_capacity(512), ends: Vec::with_capacity(16) };
        while map.next_key_seed(EndOf(&mut labels.text))?.is_some() {
            let middle = labels.text.len();
            map.next_value_seed(EndOf(&mut labels.text))?;
            labels.ends.push((middle, labels.text.len()));
        }
        Ok(labels)
    }
}

/// Reads a string to the end of another one.
struct EndOf<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for EndOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for EndOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label or its value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Labels {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_label_is_found_by_its_whole_name() {
        let labels = read(r#"{"k3d.cluster": "a", "k3d.cluster.url": "", "\u00e9": "\n\u00e9"}"#);
        let (name, url) = (labels.get("k3d.cluster"), labels.get("k3d.cluster.url"));
        assert_eq!((name, url, labels.get("é")), (Some("a"), Some(""), Some("\né")));
        for other in ["k3d", "k3d.cluster.urls", "k3d.clustera", ""] {
            assert_eq!(labels.get(other), None, "{other}");
        }
    }

    #[test]
    fn labels_are_the_same_in_any_order() {
        let labels = read(r#"{"a": "1", "b": "2"}"#);
        assert_eq!(labels, read(r#"{"b": "2", "a": "1"}"#));
        assert_ne!(labels, read(r#"{"a": "2", "b": "1"}"#));
        assert_eq!(labels, [("b", "2"), ("a", "1")].into_iter().collect());
    }

    #[test]
    fn none_is_written_in_two_ways_and_what_is_no_label_in_many() {
        assert_eq!((read("{}"), read("null")), (Labels::default(), Labels::default()));
        for wrong in ["[]", "{\"a\": 1}", "{\"a\": null}", "\"a\""] {
            assert!(serde_json::from_str::<Labels>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_label_that_is_set_takes_the_place_of_another() {
        let mut labels = read(r#"{"a": "1", "b": "2"}"#);
        labels.set("a", "3");
        assert_eq!((labels.get("a"), labels.get("b")), (Some("3"), Some("2")));
        assert_eq!(labels.iter().count(), 2);
    }
}
