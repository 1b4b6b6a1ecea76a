//! Graph's types, for tests that hold requests and answers against them.
//!
//! They are cut from the v1.0 metadata and lie in a file beside the workspace, which is not part of it. Invariant: what the
//! file does not have does not exist. A type that Graph lets anybody extend ("open") is judged like any other one.

mod judge;
mod members;
mod resource;
mod sample;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};

pub use members::members;
pub use resource::Resource;
pub use sample::SAMPLE_ID;

/// Where the file is, unless the variable says otherwise; relative to the workspace.
const BESIDE: &str = "../shared/graph-schema-slice.json";

/// The environment variable that names another file.
const VARIABLE: &str = "INNKEEPER_GRAPH_SCHEMA";

/// Graph's types, and what its addresses lead to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    entity_types: BTreeMap<String, Type>,
    complex_types: BTreeMap<String, Type>,
    enum_types: BTreeMap<String, Enumeration>,
    derived_types: BTreeMap<String, Vec<String>>,
    actions: BTreeMap<String, Vec<Action>>,
    entity_sets: BTreeMap<String, String>,
    singletons: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Type {
    base: Option<String>,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    props: BTreeMap<String, Property>,
    #[serde(default)]
    nav: BTreeMap<String, Property>,
}

#[derive(Debug, Deserialize)]
struct Enumeration {
    members: BTreeMap<String, i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    params: BTreeMap<String, Property>,
    bound_to: String,
}

/// A property, a relationship, or a parameter of an action.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Property {
    /// The name of its type: `Edm.String`, `signInActivity`.
    #[serde(rename = "t")]
    pub kind: String,
    /// It has any number of these.
    #[serde(rename = "c", default, deserialize_with = "is_one")]
    pub collection: bool,
    /// It may be `null`.
    #[serde(rename = "n", default)]
    pub nullable: bool,
}

fn is_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    u8::deserialize(deserializer).map(|number| number == 1)
}

impl Schema {
    /// The types, or a notice where their file is absent.
    ///
    /// # Panics
    /// When the file is there and cannot be read.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "for tests, which have no binary to read the environment for them"
    )]
    pub fn load() -> Option<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let file = std::env::var(VARIABLE).map_or_else(|_| workspace.join(BESIDE), Into::into);
        if !file.exists() {
            eprintln!(
                "not held against Graph's types, since {} is absent; {VARIABLE} may name another file",
                file.display()
            );
            return None;
        }
        let text = std::fs::read(&file).expect("the file of Graph's types can be read");
        Some(serde_json::from_slice(&text).expect("the file of Graph's types is as it was"))
    }

    /// A type, under its name.
    fn of_type(&self, kind: &str) -> Option<(&str, &Type)> {
        let found = self
            .entity_types
            .get_key_value(kind)
            .or_else(|| self.complex_types.get_key_value(kind));
        found.map(|(name, found)| (name.as_str(), found))
    }

    /// The type, and what it derives from, the nearest first.
    fn line(&self, kind: &str) -> impl Iterator<Item = (&str, &Type)> {
        std::iter::successors(self.of_type(kind), |(_, found)| {
            found.base.as_deref().and_then(|base| self.of_type(base))
        })
    }

    fn is_a(&self, kind: &str, base: &str) -> bool {
        self.line(kind).any(|(name, _)| name == base)
    }

    /// A property of a type.
    #[must_use]
    pub fn property(&self, kind: &str, name: &str) -> Option<&Property> {
        self.line(kind).find_map(|(_, found)| found.props.get(name))
    }

    /// A relationship of a type.
    #[must_use]
    pub fn relationship(&self, kind: &str, name: &str) -> Option<&Property> {
        self.line(kind).find_map(|(_, found)| found.nav.get(name))
    }

    /// The names of a type's relationships, inherited ones too.
    pub fn relationships(&self, kind: &str) -> impl Iterator<Item = &str> {
        let line = self.line(kind).flat_map(|(_, found)| found.nav.keys());
        line.map(String::as_str)
    }

    /// Where addresses begin.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        let roots = self.entity_sets.keys().chain(self.singletons.keys());
        roots.map(String::as_str)
    }

    /// A type, and every one that derives from it, as far as it is known what they have.
    #[must_use]
    pub fn family<'s>(&'s self, kind: &'s str) -> Vec<&'s str> {
        let derived = self.derived_types.get(kind).into_iter().flatten();
        let all = std::iter::once(kind).chain(derived.map(String::as_str));
        all.filter(|kind| self.of_type(kind).is_some()).collect()
    }

    /// A property that may be selected from a collection of this type: whatever one of its kinds has.
    #[must_use]
    pub fn selectable(&self, kind: &str, name: &str) -> Option<&Property> {
        self.family(kind)
            .into_iter()
            .find_map(|kind| self.property(kind, name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn small() -> Schema {
        let schema = json!({
            "entityTypes": {
                "thing": { "props": { "id": { "t": "Edm.String", "n": false } } },
                "person": {
                    "base": "thing", "open": true,
                    "props": {
                        "born": { "t": "Edm.DateTimeOffset", "n": true },
                        "names": { "t": "Edm.String", "c": 1, "n": false },
                        "mood": { "t": "mood", "n": true },
                    },
                    "nav": { "friends": { "t": "thing", "c": 1, "n": true } },
                },
            },
            "complexTypes": {},
            "enumTypes": { "mood": { "flags": false, "members": { "good": 0, "bad": 1 } } },
            "derivedTypes": { "thing": ["person"] },
            "actions": { "greet": [{ "params": { "Loudly": { "t": "Edm.Boolean", "n": true } }, "boundTo": "thing" }] },
            "entitySets": { "people": "person" },
            "singletons": {},
        });
        serde_json::from_value(schema).expect("a schema")
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let schema = small();
        let good = json!({
            "@odata.context": 1, "id": "1", "born": null, "names": [], "mood": "good",
            "friends": [{ "@odata.type": "#microsoft.graph.person", "id": "2", "names": ["Ann"] }],
        });
        assert_eq!(schema.faults_served("person", &good), [""; 0]);
        for (bad, fault) in [
            (json!({ "id": null }), "person/id is null"),
            (
                json!({ "born": "soon" }),
                "person/born is no Edm.DateTimeOffset: \"soon\"",
            ),
            (json!({ "names": "Ann" }), "person/names is no list"),
            (
                json!({ "names": [1] }),
                "person/names[] is no Edm.String: 1",
            ),
            (
                json!({ "mood": "Good" }),
                "person/mood is none of [\"bad\", \"good\"]: \"Good\"",
            ),
            (json!({ "age": 7 }), "person/age is no property of person"),
            (
                json!({ "friends": [{ "names": [] }] }),
                "person/friends[]/names is no property of thing",
            ),
        ] {
            assert_eq!(schema.faults_served("person", &bad), [fault], "{bad}");
        }
        let written = json!({ "mood": "Good" });
        assert_eq!(schema.faults_written("person", &written), [""; 0]);
        let sample = schema.sample("person").into();
        assert_eq!(schema.faults_served("person", &sample), [""; 0]);
    }

    #[test]
    fn an_address_is_followed_segment_by_segment() {
        let schema = small();
        let found = |path: &str| schema.resource(&path.split('/').collect::<Vec<_>>());
        let friends = Resource::Collection("thing".to_owned());
        assert_eq!(found("people/1/friends"), Ok(friends));
        let one = Resource::Single("person".to_owned());
        assert_eq!(found("people/1/friends/2/microsoft.graph.person"), Ok(one));
        let count = Resource::Count("person".to_owned());
        assert_eq!(found("people/$count"), Ok(count));
        assert!(matches!(found("people/1/greet"), Ok(Resource::Action(_))));
        for nowhere in ["animals", "people/1/age", "people/1/greet/2"] {
            assert!(found(nowhere).is_err(), "{nowhere}");
        }
    }
}
