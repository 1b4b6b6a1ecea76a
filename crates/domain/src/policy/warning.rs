//! What is odd about a policy that is not wrong: rules that can never hold, stages that can never come, steps of
//! which nobody is warned.
//!
//! Invariant: nothing is warned of that is not certain.

mod rules;
mod tables;

use super::Policy;
use super::parse::{Places, Position};

/// Something odd about a policy. It is in force all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of oddity.
    pub kind: Oddity,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The rule, protection or project that it is about, as `rule "inactive"`.
    pub about: String,
    /// What is odd, and what to do.
    pub message: String,
}

/// The kinds of oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// A condition that can never be true.
    NeverMatches,
    /// A condition that can never be false.
    AlwaysMatches,
    /// A rule for guests who are all protected.
    OnlyProtected,
    /// A stage that can never come.
    Unreachable,
    /// A wait shorter than sign-in times lag.
    ShorterThanLag,
    /// A step that takes something away, without a notice before it.
    Unannounced,
    /// Two projects that mean one group.
    SameGroup,
    /// A stage that does nothing.
    NothingToDo,
}

impl Oddity {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverMatches => "never-matches",
            Self::AlwaysMatches => "always-matches",
            Self::OnlyProtected => "only-protected",
            Self::Unreachable => "unreachable",
            Self::ShorterThanLag => "shorter-than-lag",
            Self::Unannounced => "unannounced",
            Self::SameGroup => "same-group",
            Self::NothingToDo => "nothing-to-do",
        }
    }
}

/// Everything odd about a policy, in the order of its lines.
pub(super) fn warnings(policy: &Policy, places: &Places) -> Vec<Warning> {
    let mut found = Found::default();
    rules::all(policy, places, &mut found);
    tables::all(policy, places, &mut found);
    found
        .0
        .sort_by_key(|warning| (warning.line, warning.column, warning.kind));
    found.0
}

#[derive(Default)]
struct Found(Vec<Warning>);

impl Found {
    fn add(&mut self, kind: Oddity, at: Position, about: &str, message: impl Into<String>) {
        let Position { line, column } = at;
        self.0.push(Warning {
            kind,
            line,
            column,
            about: about.to_owned(),
            message: message.into(),
        });
    }
}
