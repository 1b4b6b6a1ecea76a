//! What an address leads to.

use std::collections::BTreeMap;

use crate::{Property, Schema};

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Any number of objects of this type.
    Collection(String),
    /// One object of this type, or one value.
    Single(String),
    /// An action, with its parameters.
    Action(BTreeMap<String, Property>),
    /// The number of objects of this type.
    Count(String),
    /// A link to an object, but not the object.
    Reference,
}

impl Schema {
    /// What the segments of a path below the version lead to.
    ///
    /// # Errors
    /// Names the segment that leads nowhere.
    pub fn resource(&self, segments: &[&str]) -> Result<Resource, String> {
        let [root, below @ ..] = segments else {
            return Err("the root".to_owned());
        };
        let mut at = if let Some(kind) = self.keyed(root) {
            Resource::Single(kind)
        } else if let Some(kind) = self.entity_sets.get(*root) {
            Resource::Collection(kind.clone())
        } else if let Some(kind) = self.singletons.get(*root) {
            Resource::Single(kind.clone())
        } else {
            return Err((*root).to_owned());
        };
        for segment in below {
            at = self
                .below(&at, segment)
                .ok_or_else(|| format!("{segment} below {at:?}"))?;
        }
        Ok(at)
    }

    /// What a set with another key than the id leads to, as in `applications(appId='..')`.
    fn keyed(&self, root: &str) -> Option<String> {
        let (set, key) = root.strip_suffix("')")?.split_once('(')?;
        let (property, _) = key.split_once("='")?;
        let kind = self.entity_sets.get(set)?;
        self.property(kind, property).map(|_| kind.clone())
    }

    fn below(&self, at: &Resource, segment: &str) -> Option<Resource> {
        let cast = |kind: &str| {
            let to = segment.strip_prefix("microsoft.graph.")?;
            self.is_a(to, kind).then(|| to.to_owned())
        };
        match at {
            Resource::Collection(kind) if segment == "$count" => {
                Some(Resource::Count(kind.clone()))
            }
            Resource::Collection(_) if segment == "$ref" => Some(Resource::Reference),
            Resource::Collection(kind) => Some(match cast(kind) {
                Some(to) => Resource::Collection(to),
                None => Resource::Single(kind.clone()),
            }),
            Resource::Single(_) if segment == "$ref" => Some(Resource::Reference),
            Resource::Single(kind) => {
                let to = cast(kind).map(Resource::Single);
                to.or_else(|| self.part(kind, segment))
                    .or_else(|| self.action(kind, segment))
            }
            Resource::Action(_) | Resource::Count(_) | Resource::Reference => None,
        }
    }

    fn part(&self, kind: &str, name: &str) -> Option<Resource> {
        let found = self
            .relationship(kind, name)
            .or_else(|| self.property(kind, name))?;
        Some(match found.collection {
            true => Resource::Collection(found.kind.clone()),
            false => Resource::Single(found.kind.clone()),
        })
    }

    fn action(&self, kind: &str, name: &str) -> Option<Resource> {
        let mut bound = self.actions.get(name)?.iter();
        let action = bound.find(|action| self.is_a(kind, &action.bound_to))?;
        Some(Resource::Action(action.params.clone()))
    }
}
