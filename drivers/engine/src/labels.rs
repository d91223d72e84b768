//! The labels of one container.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// The labels of one container: some twenty, of which few are looked for, so that they are kept as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// A label's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }

    /// Sets a label, in the place of the one of its name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(label, _)| label != name);
        self.0.push((name.to_owned(), value.into()));
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(labels: T) -> Self {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort();
        Self(labels)
    }
}

/// `null` is none.
impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels")
    }

    fn visit_unit<E>(self) -> Result<Labels, E> {
        Ok(Labels::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        // As many as most images and backends set together.
        let mut labels = Vec::with_capacity(16);
        while let Some(label) = map.next_entry()? {
            labels.push(label);
        }
        Ok(Labels(labels))
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
        let labels = read(r#"{"k3d.cluster": "a", "k3d.cluster.url": ""}"#);
        assert_eq!(
            (labels.get("k3d.cluster"), labels.get("k3d.cluster.url")),
            (Some("a"), Some(""))
        );
        assert_eq!((labels.get("k3d"), labels.get("k3d.cluster.urls")), (None, None));
    }

    #[test]
    fn no_labels_are_written_in_three_ways_and_a_list_is_none() {
        assert_eq!((read("{}"), read("null")), (Labels::default(), Labels::default()));
        assert!(serde_json::from_str::<Labels>("[]").is_err());
    }

    #[test]
    fn a_label_that_is_set_takes_the_place_of_another() {
        let mut labels = read(r#"{"a": "1", "b": "2"}"#);
        labels.set("a", "3");
        assert_eq!((labels.get("a"), labels.get("b")), (Some("3"), Some("2")));
    }
}
