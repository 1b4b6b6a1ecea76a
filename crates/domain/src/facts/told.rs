//! A fact as it is written down where it decided something, so that it can be looked up when everything has changed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FactName, Facts};

/// A fact with its value at one instant, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactTold {
    /// Its name; of groups what was asked: `"vip" in groups`.
    pub fact: Cow<'static, str>,
    /// Its value as people read it; `not known` of one that is absent.
    pub value: String,
    /// Where it comes from.
    pub source: Cow<'static, str>,
}

impl FactTold {
    /// A fact of a guest.
    #[must_use]
    pub fn of(name: FactName, facts: &Facts<'_>) -> Self {
        Self {
            fact: name.as_str().into(),
            value: facts.shown(name),
            source: name.source().into(),
        }
    }

    /// Whether a guest is in a group, as the policy names it.
    #[must_use]
    pub fn in_group(group: &str, facts: &Facts<'_>) -> Self {
        let member = match facts.in_group(group).known() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        Self {
            fact: format!("{group:?} in groups").into(),
            value: member.to_owned(),
            source: FactName::Groups.source().into(),
        }
    }
}

impl fmt::Display for FactTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fact,
            value,
            source: _,
        } = self;
        write!(f, "{fact} = {value}")
    }
}
