//! Conditions: CEL, checked when loaded, judged with three values.
//!
//! The text is parsed by the `cel` crate and compiled to a tree of our own, in which every fact exists and every type
//! fits. Invariant: what depends on an absent fact is [`Truth::Unknown`], by Kleene's rules, and judging never fails
//! otherwise.

mod compile;
mod judge;
mod reach;
mod syntax;
mod tree;

use crate::facts::{FactName, FactTold, Facts, Kind};
use compile::Compiled;
pub(super) use reach::Given;
use tree::{Bool, Field, FieldType};

/// What a condition is worth for one guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It depends on this fact, which is absent.
    Unknown(FactName),
}

/// A checked condition.
#[derive(Clone, Debug)]
pub struct Condition {
    source: String,
    tree: Bool,
    facts: Vec<FactName>,
    groups: Vec<String>,
    fields: Vec<Field>,
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// Where, in bytes from the start of the condition.
    pub offset: usize,
    /// What, and how to mend it.
    pub message: String,
    /// What else is wrong with it.
    pub others: Vec<ConditionError>,
}

impl ConditionError {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            others: Vec::new(),
        }
    }

    /// Everything that is wrong, each with its place and alone.
    pub(super) fn each(self) -> impl Iterator<Item = (usize, String)> {
        let Self {
            offset,
            message,
            others,
        } = self;
        let others = others
            .into_iter()
            .map(|other| (other.offset, other.message));
        std::iter::once((offset, message)).chain(others)
    }

    /// One that tells both.
    fn and(mut self, mut other: Self) -> Self {
        let more = std::mem::take(&mut other.others);
        self.others.push(other);
        self.others.extend(more);
        self
    }
}

impl Condition {
    /// Parses and checks a condition.
    ///
    /// # Errors
    /// What is wrong with it: everything that can be told apart, or the first thing that is no CEL.
    pub fn parse(source: &str) -> Result<Self, ConditionError> {
        let Compiled {
            tree,
            facts,
            groups,
            fields,
        } = compile::compile(source)?;
        Ok(Self {
            source: source.to_owned(),
            tree,
            facts,
            groups,
            fields,
        })
    }

    /// The text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Judges one guest.
    #[must_use]
    pub fn judge(&self, facts: &Facts<'_>) -> Truth {
        judge::judge(&self.tree, facts)
    }

    /// The facts that it asks about, each once, in the order in which they are first mentioned.
    #[must_use]
    pub fn facts(&self) -> &[FactName] {
        &self.facts
    }

    /// Whether it asks what a role in an application is called, which takes a look at the application itself.
    pub(super) fn asks_role_names(&self) -> bool {
        self.fields.contains(&Field::AppRoleRoleName)
    }

    /// The first fact that it asks about whose value follows from sign-in times, which lag by up to a day.
    pub(super) fn lagging(&self) -> Option<FactName> {
        let lags = |fact: &FactName| {
            matches!(
                fact,
                FactName::InactiveDays | FactName::NeverSignedIn | FactName::LastSeenBy
            )
        };
        self.facts.iter().copied().find(lags)
    }

    /// The groups that it asks about, by id or name.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }

    /// The facts that it asks about, with their values and sources.
    #[must_use]
    pub fn told(&self, facts: &Facts<'_>) -> Vec<FactTold> {
        let names = self.facts.iter().filter(|name| **name != FactName::Groups);
        let told = names.map(|name| FactTold::of(*name, facts));
        let groups = self.groups.iter();
        told.chain(groups.map(|group| FactTold::in_group(group, facts)))
            .collect()
    }

    /// The same in a clause: `inactive_days = 97, "vip" in groups = no`.
    #[must_use]
    pub fn because(&self, facts: &Facts<'_>) -> String {
        let told = self.told(facts);
        let told: Vec<String> = told.iter().map(FactTold::to_string).collect();
        told.join(", ")
    }
}

/// The fields of the elements of a list of this kind, each with its type in CEL's words; none of what is no list of
/// things with fields.
#[must_use]
pub fn fields(kind: Kind) -> Vec<(&'static str, &'static str)> {
    let fields: &[(&'static str, Field)] = match kind {
        Kind::Sponsors => &Field::SPONSOR,
        Kind::Projects => &Field::PROJECT,
        Kind::AppRoles => &Field::APP_ROLE,
        Kind::Packages => &Field::PACKAGE,
        Kind::Int | Kind::Bool | Kind::String | Kind::Strings => &[],
    };
    let typed = |field: Field| match field.field_type() {
        FieldType::Bool => "bool",
        FieldType::Int => "int",
        FieldType::Text => "string",
    };
    fields
        .iter()
        .map(|(name, field)| (*name, typed(*field)))
        .collect()
}
