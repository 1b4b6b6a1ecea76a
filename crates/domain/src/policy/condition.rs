//! Conditions.

use crate::facts::{FactName, Facts};

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

/// A checked CEL condition.
#[derive(Clone, Debug)]
pub struct Condition {
    source: String,
}

impl Condition {
    /// The source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Judges it.
    #[must_use]
    pub fn judge(&self, _facts: &Facts<'_>) -> Truth {
        Truth::False
    }

    /// The facts that it uses.
    #[must_use]
    pub fn facts(&self) -> &[FactName] {
        &[]
    }

    /// The groups that it names.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }

    /// The values that decide it.
    #[must_use]
    pub fn because(&self, _facts: &Facts<'_>) -> String {
        String::new()
    }
}
