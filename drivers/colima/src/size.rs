//! Sizes of memory and disks, as a user writes them and as colima counts them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MIB_PER_GIB: u64 = 1024;

/// A size in whole MiB, such as `12GiB` or `512MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size {
    mib: u64,
}

impl Size {
    /// Whole GiB.
    pub(crate) const fn gib(gib: u64) -> Self {
        Self { mib: gib * MIB_PER_GIB }
    }

    /// GiB with a fraction, as colima keeps them.
    pub(crate) fn from_gib(gib: f64) -> Option<Self> {
        let mib = (gib * MIB_PER_GIB as f64).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is checked"
        )]
        (mib > 0.0 && mib < 1e15).then_some(Self { mib: mib as u64 })
    }

    /// In MiB.
    pub(crate) fn in_mib(self) -> u64 {
        self.mib
    }

    /// In GiB, as colima's flags take it: `12`, `0.5`.
    pub(crate) fn in_gib(self) -> String {
        (self.mib as f64 / MIB_PER_GIB as f64).to_string()
    }

    /// Whether it is a whole number of GiB.
    pub(crate) fn is_whole_gib(self) -> bool {
        self.mib.is_multiple_of(MIB_PER_GIB)
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().ok().filter(|&number| number > 0)?;
        match unit {
            "GiB" => number.checked_mul(MIB_PER_GIB).map(|mib| Self { mib }),
            "MiB" => Some(Self { mib: number }),
            _ => None,
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_whole_gib() {
            write!(f, "{}GiB", self.mib / MIB_PER_GIB)
        } else {
            write!(f, "{}MiB", self.mib)
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no size")))
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[1-9][0-9]{0,8}(GiB|MiB)$"})
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_shown_in_the_largest_unit_that_is_whole() {
        for (text, shown, gib) in
            [("12GiB", "12GiB", "12"), ("2048MiB", "2GiB", "2"), ("512MiB", "512MiB", "0.5")]
        {
            let size = Size::parse(text).unwrap();
            assert_eq!((size.to_string().as_str(), size.in_gib().as_str()), (shown, gib));
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "12", "GiB", "0GiB", "12 GiB", "12GB", "12gib", "99999999999999999999GiB"]
        {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_colima_keeps_as_a_fraction_is_read_back() {
        assert_eq!(Size::from_gib(2.0), Some(Size::gib(2)));
        assert_eq!(Size::from_gib(0.5), Size::parse("512MiB"));
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Size::from_gib(none), None);
        }
    }
}
