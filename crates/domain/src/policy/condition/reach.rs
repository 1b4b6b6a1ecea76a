//! Whether a condition can be true at all, decided without a guest.
//!
//! The condition is taken apart into alternatives, each a list of claims that must all be true. A claim about one
//! number, one text or one flag is held against the other claims about the same; of everything else it is taken that
//! it can be either. So "never" is certain, and where it cannot be told the answer is that it may.
//!
//! Facts that are absent need no care: what is true although a fact is unknown is also true whatever that fact is.

mod claims;
mod world;

use super::Condition;
use super::tree::Bool;
use crate::facts::FactName;
use claims::Claims;

/// More alternatives than this are not looked at; then the answer is that it may.
const MOST: usize = 512;

/// What is taken for granted.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum Given<'c> {
    /// This condition is not true.
    Not(&'c Condition),
    /// This flag has this value.
    Flag(FactName, bool),
    /// The guest holds no directory role.
    NoRoles,
}

impl Condition {
    /// Certainly never true.
    #[must_use]
    pub fn is_never_true(&self) -> bool {
        self.is_never_true_given(&[])
    }

    /// Certainly never false: true of every guest of whom enough is known.
    #[must_use]
    pub fn is_never_false(&self) -> bool {
        Claims::default()
            .with(&self.tree, false)
            .is_some_and(|claims| claims.is_empty())
    }

    /// Certainly never true where all of these hold.
    pub(in crate::policy) fn is_never_true_given(&self, given: &[Given<'_>]) -> bool {
        let granted = given
            .iter()
            .try_fold(Claims::default(), |claims, given| match given {
                Given::Not(condition) => claims.with(&condition.tree, false),
                Given::Flag(fact, value) => claims.with(&Bool::Fact(*fact), *value),
                Given::NoRoles => claims.with(&no_roles(), true),
            });
        granted
            .and_then(|claims| claims.with(&self.tree, true))
            .is_some_and(|claims| claims.is_empty())
    }
}

fn no_roles() -> Bool {
    use super::tree::{Comparison, Int, List};
    Bool::Ints(Comparison::Equal, Int::Size(List::Roles), Int::Literal(0))
}
