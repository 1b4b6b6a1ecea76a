//! Objects that have everything that their type declares.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{Property, Schema, members};

/// The id of every sample, and whatever else of it is a text: what reads a text as an id can read it.
pub const SAMPLE_ID: &str = "1aecaf40-dc3d-461f-88a8-d06994e12898";

/// Types nest; deeper than this nothing is made.
const DEEPEST: usize = 4;

impl Schema {
    /// Every property of a type, inherited ones too.
    #[must_use]
    pub fn properties(&self, kind: &str) -> BTreeMap<&str, &Property> {
        let line = self.line(kind).flat_map(|(_, found)| &found.props);
        line.map(|(name, property)| (name.as_str(), property))
            .collect()
    }

    /// An object of a type with each of its properties.
    #[must_use]
    pub fn sample(&self, kind: &str) -> Map<String, Value> {
        self.object(kind, 0)
    }

    fn object(&self, kind: &str, depth: usize) -> Map<String, Value> {
        let properties = self.properties(kind).into_iter();
        properties
            .filter_map(|(name, property)| {
                let value = self.value(kind, name, property, depth)?;
                Some((name.to_owned(), value))
            })
            .collect()
    }

    fn value(&self, of: &str, name: &str, property: &Property, depth: usize) -> Option<Value> {
        let Property {
            kind, collection, ..
        } = property;
        let one = match kind.strip_prefix("Edm.") {
            Some("Boolean") => json!(true),
            Some("Int16" | "Int32" | "Int64") => json!(1),
            Some("Double" | "Single" | "Decimal") => json!(0.5),
            Some("DateTimeOffset") => json!("2026-03-02T09:00:00Z"),
            Some(_) => json!(members(of, name).map_or(SAMPLE_ID, |members| members[0])),
            None => match self.enum_types.get(kind) {
                Some(enumeration) => json!(enumeration.members.keys().next()?),
                None if depth < DEEPEST => Value::Object(self.object(kind, depth + 1)),
                None => return None,
            },
        };
        Some(match collection {
            true => Value::Array(vec![one]),
            false => one,
        })
    }
}
