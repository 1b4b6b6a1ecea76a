//! Marks: what the stage `flag` writes into an attribute of the guest, so that others can go by it.
//!
//! Invariant: a mark is remembered as it was written, and only the very same text is ever cleared. What anybody else
//! wrote into the attribute is neither overwritten nor cleared.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::CaseId;
use crate::policy::RuleName;

/// How many attributes of the kind there are.
const ATTRIBUTES: u8 = 15;

/// `extensionAttribute1` to `extensionAttribute15` of `onPremisesExtensionAttributes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MarkAttribute(u8);

/// A name that is none of an attribute that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only extensionAttribute1 to extensionAttribute15 can be written")]
pub struct NoMarkAttribute;

impl MarkAttribute {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=ATTRIBUTES).map(Self)
    }

    /// The attribute of a name, as Graph spells it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|attribute| attribute.to_string() == name)
    }
}

impl TryFrom<String> for MarkAttribute {
    type Error = NoMarkAttribute;

    fn try_from(name: String) -> Result<Self, NoMarkAttribute> {
        Self::parse(&name).ok_or(NoMarkAttribute)
    }
}

impl From<MarkAttribute> for String {
    fn from(attribute: MarkAttribute) -> Self {
        attribute.to_string()
    }
}

impl fmt::Display for MarkAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extensionAttribute{}", self.0)
    }
}

/// A text in an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// In which.
    pub attribute: MarkAttribute,
    /// The text.
    pub value: String,
}

impl Mark {
    /// How many characters an attribute can hold.
    pub const LONGEST: usize = 1024;

    /// What a rule writes unless the policy says otherwise.
    #[must_use]
    pub fn customary(rule: &str) -> String {
        let whole = format!("innkeeper:{rule}");
        whole.chars().take(Self::LONGEST).collect()
    }

    /// Whether a text comes back from the directory as it was written, as far as that can be told.
    #[must_use]
    pub fn is_good_value(value: &str) -> bool {
        !value.is_empty()
            && value.trim() == value
            && !value.chars().any(char::is_control)
            && value.chars().count() <= Self::LONGEST
    }

    /// What a reading of the attribute means for this mark.
    #[must_use]
    pub fn sight(&self, read: &Extension) -> Sight {
        if read.is_mastered_elsewhere {
            return Sight::Mastered;
        }
        match read.values.get(&self.attribute) {
            None => Sight::Unknown,
            Some(None) => Sight::Free,
            Some(Some(value)) if value.is_empty() => Sight::Free,
            Some(Some(value)) if *value == self.value => Sight::Written,
            Some(Some(_)) => Sight::Foreign,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?}", self.attribute, self.value)
    }
}

/// What a guest's attributes were read to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// What each holds, if anything. One that is absent was not told.
    pub values: BTreeMap<MarkAttribute, Option<String>>,
    /// The account is, or was, mastered on-premises: Graph lets nobody write these attributes.
    pub is_mastered_elsewhere: bool,
}

/// What stands where a mark goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nobody told.
    Unknown,
    /// Nothing.
    Free,
    /// The very text.
    Written,
    /// Another text, which is not ours to touch.
    Foreign,
    /// The attribute is written where the account is mastered, and nowhere else.
    Mastered,
}

/// A mark that Innkeeper wrote, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// For which case.
    pub case: CaseId,
    /// The case's rule.
    pub rule: RuleName,
    /// The stage's index in the rule when it was written.
    pub stage: usize,
    /// What was written.
    pub mark: Mark,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fifteen_attributes_have_names() {
        assert_eq!(MarkAttribute::all().count(), 15);
        for attribute in MarkAttribute::all() {
            assert_eq!(
                MarkAttribute::parse(&attribute.to_string()),
                Some(attribute)
            );
        }
        for name in [
            "extensionAttribute0",
            "extensionAttribute16",
            "extensionAttribute07",
            "ExtensionAttribute7",
            "employeeLeaveDateTime",
            "extension_1_flag",
            "",
        ] {
            assert_eq!(MarkAttribute::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_customary_value_fits_whatever_the_rule_is_called() {
        assert_eq!(Mark::customary("inactive"), "innkeeper:inactive");
        let long = Mark::customary(&"\u{e9}".repeat(2000));
        assert_eq!(long.chars().count(), Mark::LONGEST);
        assert!(Mark::is_good_value(&long));
    }

    #[test]
    fn only_the_very_text_is_ours_and_a_mastered_account_is_nobodys() {
        let attribute = MarkAttribute(7);
        let mark = Mark {
            attribute,
            value: "leaving".to_owned(),
        };
        let read = |value: Option<&str>, is_mastered_elsewhere| Extension {
            values: [(attribute, value.map(str::to_owned))].into(),
            is_mastered_elsewhere,
        };
        for (value, mastered, expected) in [
            (None, false, Sight::Free),
            (Some(""), false, Sight::Free),
            (Some("leaving"), false, Sight::Written),
            (Some("Leaving"), false, Sight::Foreign),
            (Some("leaving "), false, Sight::Foreign),
            (Some("leaving"), true, Sight::Mastered),
            (None, true, Sight::Mastered),
        ] {
            assert_eq!(mark.sight(&read(value, mastered)), expected, "{value:?}");
        }
        let other = Extension {
            values: [(MarkAttribute(8), Some("leaving".to_owned()))].into(),
            is_mastered_elsewhere: false,
        };
        assert_eq!(mark.sight(&other), Sight::Unknown);
    }
}
