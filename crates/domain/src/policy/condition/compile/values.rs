//! Values that a fact can never have: a comparison with one is a slip of the pen that would go unnoticed.

use cel::common::ast::IdedExpr;

use super::{Compiler, Result};
use crate::facts::FactName;
use crate::policy::condition::tree::{Field, List, Plain, Text};

impl Compiler<'_> {
    /// A written-out value that a text is compared with: it must be one that the text can have.
    pub(super) fn check_value(&self, at: &IdedExpr, text: &Text, value: &Text) -> Result<()> {
        match value {
            Text::Plain(value) => self.check_plain(at, text, value),
            Text::Lower(_) | Text::Upper(_) | Text::If(..) => Ok(()),
        }
    }

    /// The same for every value of a list.
    pub(super) fn check_values(&self, at: &IdedExpr, text: &Text, list: &List) -> Result<()> {
        match list {
            List::Texts(values) => values
                .iter()
                .try_for_each(|value| self.check_plain(at, text, value)),
            List::Sponsors
            | List::Projects
            | List::Roles
            | List::EligibleRoles
            | List::AppRoles
            | List::Packages
            | List::Filter(..) => Ok(()),
        }
    }

    /// The domain is lower case, so what is sought in it must be.
    pub(super) fn check_case(&self, at: &IdedExpr, text: &Text, value: &Text) -> Result<()> {
        match (text, value) {
            (Text::Plain(Plain::Fact(FactName::Domain)), Text::Plain(Plain::Literal(value))) => {
                self.check_domain(at, value)
            }
            _ => Ok(()),
        }
    }

    fn check_plain(&self, at: &IdedExpr, text: &Text, value: &Plain) -> Result<()> {
        let (Text::Plain(text), Plain::Literal(value)) = (text, value) else {
            return Ok(());
        };
        let known = match text {
            Plain::Fact(FactName::Domain) => return self.check_domain(at, value),
            Plain::Fact(FactName::UserType) => ["guest", "member"].as_slice(),
            Plain::Field(_, Field::SponsorKind) => &["user", "group"],
            Plain::Fact(FactName::ExpiresBy) => &[
                "person",
                "attribute",
                "access-package",
                "projects",
                "max-stay",
            ],
            Plain::Fact(FactName::LastSeenBy) => &[
                "sign-in",
                "attempt",
                "sign-in-log",
                "redemption",
                "invitation",
                "creation",
                "restore",
                "confirmation",
            ],
            Plain::Fact(FactName::CreationType) => &[
                "Invitation",
                "EmailVerified",
                "SelfServiceSignUp",
                "LocalAccount",
            ],
            Plain::Literal(_) | Plain::Fact(_) | Plain::Field(..) | Plain::Element(_) => {
                return Ok(());
            }
        };
        if known.contains(&value.as_str()) {
            return Ok(());
        }
        let (last, first) = known.split_last().expect("there are some");
        let first: Vec<String> = first.iter().map(|one| format!("{one:?}")).collect();
        let first = first.join(", ");
        self.error(at, format!("this is {first} or {last:?}, never {value:?}"))
    }

    fn check_domain(&self, at: &IdedExpr, value: &str) -> Result<()> {
        let lower = value.to_lowercase();
        if lower == value {
            return Ok(());
        }
        self.error(at, format!("guest.domain is lower case; write {lower:?}"))
    }
}
