//! What is odd about a policy that is not wrong: rules that can never hold, stages that can never come, steps of
//! which nobody is warned.
//!
//! Invariant: nothing is warned of that is not certain.

mod rules;
mod tables;

use std::fmt;

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
    /// What it is about.
    pub subject: Subject,
    /// The name of that; of a project its group, and empty of the policy itself.
    pub name: String,
    /// What is odd, and what to do.
    pub message: String,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A rule.
    Rule,
    /// A protection.
    Protection,
    /// A project.
    Project,
    /// The policy itself.
    Policy,
}

impl Subject {
    /// The word in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Protection => "protection",
            Self::Project => "project",
            Self::Policy => "policy",
        }
    }
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
    /// A policy without a rule.
    NoRule,
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
            Self::NoRule => "no-rule",
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

/// What is looked at, and its name.
type About<'p> = (Subject, &'p str);

#[derive(Default)]
struct Found(Vec<Warning>);

impl fmt::Display for Warning {
    /// Without the place: `rule "inactive": its condition can never be true`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_str();
        match self.subject {
            Subject::Policy => write!(f, "the {subject}: {}", self.message),
            Subject::Rule | Subject::Protection | Subject::Project => {
                write!(f, "{subject} {:?}: {}", self.name, self.message)
            }
        }
    }
}

impl Found {
    fn add(&mut self, kind: Oddity, at: Position, about: About<'_>, message: impl Into<String>) {
        let Position { line, column } = at;
        let (subject, name) = about;
        self.0.push(Warning {
            kind,
            line,
            column,
            subject,
            name: name.to_owned(),
            message: message.into(),
        });
    }
}
