//! Judging a tree by Kleene's rules.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Truth;
use super::tree::{Bool, Comparison, Element, Field, Int, List, Operator, Text};
use crate::facts::{Fact, FactName, Facts, ProjectFact};
use crate::sponsor::Sponsor;

/// A value, or the absent fact that it depends on.
type Known<T> = Result<T, FactName>;

/// One element of a list.
#[derive(Clone, Copy)]
enum Item<'f> {
    Sponsor(&'f Sponsor),
    Project(&'f ProjectFact<'f>),
    Text(&'f str),
}

/// The guest's facts, and the elements that the comprehensions around stand at.
struct Judge<'f, 'g> {
    facts: &'f Facts<'g>,
    items: Vec<Item<'f>>,
}

pub(super) fn judge(tree: &Bool, facts: &Facts<'_>) -> Truth {
    Judge {
        facts,
        items: Vec::new(),
    }
    .bool(tree)
}

impl From<Known<bool>> for Truth {
    fn from(known: Known<bool>) -> Self {
        match known {
            Ok(true) => Self::True,
            Ok(false) => Self::False,
            Err(fact) => Self::Unknown(fact),
        }
    }
}

impl<'f> Judge<'f, '_> {
    fn bool(&mut self, tree: &'f Bool) -> Truth {
        match tree {
            Bool::Literal(value) => Ok(*value).into(),
            Bool::Fact(name) => self.bool_fact(*name).into(),
            Bool::Field(element, field) => self.bool_field(*element, *field).into(),
            Bool::Not(inner) => match self.bool(inner) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                unknown @ Truth::Unknown(_) => unknown,
            },
            Bool::And(left, right) => match self.bool(left) {
                Truth::False => Truth::False,
                Truth::True => self.bool(right),
                unknown @ Truth::Unknown(_) => match self.bool(right) {
                    Truth::False => Truth::False,
                    Truth::True | Truth::Unknown(_) => unknown,
                },
            },
            Bool::Or(left, right) => match self.bool(left) {
                Truth::True => Truth::True,
                Truth::False => self.bool(right),
                unknown @ Truth::Unknown(_) => match self.bool(right) {
                    Truth::True => Truth::True,
                    Truth::False | Truth::Unknown(_) => unknown,
                },
            },
            Bool::If(condition, then, otherwise) => match self.bool(condition) {
                Truth::True => self.bool(then),
                Truth::False => self.bool(otherwise),
                unknown @ Truth::Unknown(_) => unknown,
            },
            Bool::Ints(comparison, left, right) => self.ints(*comparison, left, right).into(),
            Bool::Texts(comparison, left, right) => self
                .text(left)
                .and_then(|left| Ok(compare(*comparison, &left, &self.text(right)?)))
                .into(),
            Bool::Bools(comparison, left, right) => match (self.bool(left), self.bool(right)) {
                (unknown @ Truth::Unknown(_), _) | (_, unknown @ Truth::Unknown(_)) => unknown,
                (left, right) => Ok((left == right) == (*comparison == Comparison::Equal)).into(),
            },
            Bool::Has(name) => self.has(*name).into(),
            Bool::HasField(element, field) => Ok(self.has_field(*element, *field)).into(),
            Bool::InGroup(key) => known(self.facts.in_group(key), FactName::Groups).into(),
            Bool::TextIn(text, list) => self.text_in(text, list),
            Bool::IntIn(int, list) => self.int_in(int, list),
            Bool::StartsWith(text, part) => {
                self.texts(text, part, |text, part| text.starts_with(part))
            }
            Bool::EndsWith(text, part) => self.texts(text, part, |text, part| text.ends_with(part)),
            Bool::Contains(text, part) => self.texts(text, part, |text, part| text.contains(part)),
            Bool::Matches(text, regex) => self.text(text).map(|text| regex.is_match(&text)).into(),
            Bool::All(list, body) => self.fold(list, body, Truth::False),
            Bool::Exists(list, body) => self.fold(list, body, Truth::True),
            Bool::ExistsOne(list, body) => self.count(list, body).map(|count| count == 1).into(),
        }
    }

    fn ints(&mut self, comparison: Comparison, left: &'f Int, right: &'f Int) -> Known<bool> {
        Ok(compare(comparison, &self.int(left)?, &self.int(right)?))
    }

    fn texts(
        &mut self,
        text: &'f Text,
        part: &'f Text,
        holds: impl Fn(&str, &str) -> bool,
    ) -> Truth {
        self.text(text)
            .and_then(|text| Ok(holds(&text, &self.text(part)?)))
            .into()
    }

    /// `all` is decided by the first false element, `exists` by the first true one.
    fn fold(&mut self, list: &'f List, body: &'f Bool, deciding: Truth) -> Truth {
        let items = match self.list(list) {
            Ok(items) => items,
            Err(fact) => return Truth::Unknown(fact),
        };
        let mut unknown = None;
        for item in items {
            self.items.push(item);
            let truth = self.bool(body);
            self.items.pop();
            match truth {
                truth if truth == deciding => return deciding,
                Truth::Unknown(fact) => unknown = unknown.or(Some(fact)),
                Truth::True | Truth::False => {}
            }
        }
        match (unknown, deciding) {
            (Some(fact), _) => Truth::Unknown(fact),
            (None, Truth::True) => Truth::False,
            (None, Truth::False | Truth::Unknown(_)) => Truth::True,
        }
    }

    fn count(&mut self, list: &'f List, body: &'f Bool) -> Known<usize> {
        let mut count = 0;
        for item in self.list(list)? {
            self.items.push(item);
            let truth = self.bool(body);
            self.items.pop();
            match truth {
                Truth::True => count += 1,
                Truth::False => {}
                Truth::Unknown(fact) => return Err(fact),
            }
        }
        Ok(count)
    }

    fn list(&mut self, list: &'f List) -> Known<Vec<Item<'f>>> {
        let facts = self.facts;
        Ok(match list {
            List::Sponsors => facts.sponsors.iter().map(Item::Sponsor).collect(),
            List::Roles => facts.roles.iter().map(|role| Item::Text(role)).collect(),
            List::Projects => match &facts.projects {
                Fact::Known(projects) => projects.iter().map(Item::Project).collect(),
                Fact::Nothing | Fact::Unknown => return Err(FactName::Projects),
            },
            List::Texts(texts) => {
                let mut items = Vec::new();
                for text in texts {
                    match text {
                        Text::Literal(text) => items.push(Item::Text(text)),
                        Text::Fact(_)
                        | Text::Field(..)
                        | Text::Element(_)
                        | Text::Lower(_)
                        | Text::If(..) => {
                            match self.text(text)? {
                                Cow::Borrowed(text) => items.push(Item::Text(text)),
                                // Only texts computed anew are owned, and the compiler lets none into a list.
                                Cow::Owned(_) => return Err(FactName::Upn),
                            }
                        }
                    }
                }
                items
            }
            List::Filter(list, body) => {
                let mut kept = Vec::new();
                for item in self.list(list)? {
                    self.items.push(item);
                    let truth = self.bool(body);
                    self.items.pop();
                    match truth {
                        Truth::True => kept.push(item),
                        Truth::False => {}
                        Truth::Unknown(fact) => return Err(fact),
                    }
                }
                kept
            }
        })
    }

    fn text_in(&mut self, text: &'f Text, list: &'f List) -> Truth {
        let text = match self.text(text) {
            Ok(text) => text,
            Err(fact) => return Truth::Unknown(fact),
        };
        if let List::Texts(texts) = list {
            return self.text_among(&text, texts);
        }
        let items = self.list(list);
        items
            .map(|items| {
                items
                    .iter()
                    .any(|item| matches!(item, Item::Text(item) if *item == text))
            })
            .into()
    }

    /// One text that is equal decides, whether or not the others are known.
    fn text_among(&mut self, text: &str, texts: &'f [Text]) -> Truth {
        let mut unknown = None;
        for item in texts {
            match self.text(item) {
                Ok(item) if item == text => return Truth::True,
                Ok(_) => {}
                Err(fact) => unknown = unknown.or(Some(fact)),
            }
        }
        unknown.map_or(Truth::False, Truth::Unknown)
    }

    fn int_in(&mut self, int: &'f Int, list: &'f [Int]) -> Truth {
        let mut unknown = None;
        for item in list {
            match self.ints(Comparison::Equal, int, item) {
                Ok(true) => return Truth::True,
                Ok(false) => {}
                Err(fact) => unknown = unknown.or(Some(fact)),
            }
        }
        unknown.map_or(Truth::False, Truth::Unknown)
    }

    fn int(&mut self, int: &'f Int) -> Known<i64> {
        match int {
            Int::Literal(value) => Ok(*value),
            Int::Fact(name) => self.int_fact(*name),
            Int::Field(element, field) => match self.items[element.0] {
                Item::Project(project) => Ok(project.ends_in_days),
                Item::Sponsor(_) | Item::Text(_) => Err(field.fact()),
            },
            Int::Negative(inner) => self.int(inner)?.checked_neg().ok_or(FactName::InactiveDays),
            Int::Arithmetic(operator, left, right) => {
                let (left, right) = (self.int(left)?, self.int(right)?);
                let value = match operator {
                    Operator::Plus => left.checked_add(right),
                    Operator::Minus => left.checked_sub(right),
                    Operator::Times => left.checked_mul(right),
                    Operator::Over => left.checked_div(right),
                    Operator::Modulo => left.checked_rem(right),
                };
                // A sum that overflows, or a division by zero, is as good as an absent fact.
                value.ok_or(FactName::InactiveDays)
            }
            Int::Size(list) => Ok(self.list(list)?.len().try_into().unwrap_or(i64::MAX)),
            Int::Length(text) => Ok(self
                .text(text)?
                .chars()
                .count()
                .try_into()
                .unwrap_or(i64::MAX)),
            Int::If(condition, then, otherwise) => match self.bool(condition) {
                Truth::True => self.int(then),
                Truth::False => self.int(otherwise),
                Truth::Unknown(fact) => Err(fact),
            },
        }
    }

    fn text(&mut self, text: &'f Text) -> Known<Cow<'f, str>> {
        match text {
            Text::Literal(value) => Ok(Cow::Borrowed(value)),
            Text::Fact(name) => self.text_fact(*name).map(Cow::Borrowed),
            Text::Field(element, field) => self.text_field(*element, *field).map(Cow::Borrowed),
            Text::Element(element) => match self.items[element.0] {
                Item::Text(text) => Ok(Cow::Borrowed(text)),
                Item::Sponsor(_) => Err(FactName::Sponsors),
                Item::Project(_) => Err(FactName::Projects),
            },
            Text::Lower(inner) => Ok(Cow::Owned(self.text(inner)?.to_ascii_lowercase())),
            Text::If(condition, then, otherwise) => match self.bool(condition) {
                Truth::True => self.text(then),
                Truth::False => self.text(otherwise),
                Truth::Unknown(fact) => Err(fact),
            },
        }
    }

    fn bool_fact(&self, name: FactName) -> Known<bool> {
        let fact = match name {
            FactName::NeverSignedIn => self.facts.never_signed_in,
            FactName::Enabled => self.facts.enabled,
            FactName::Synced => self.facts.synced,
            _ => Fact::Unknown,
        };
        known(fact, name)
    }

    fn int_fact(&self, name: FactName) -> Known<i64> {
        let fact = match name {
            FactName::InactiveDays => self.facts.inactive_days,
            FactName::PendingDays => self.facts.pending_days,
            FactName::ExpiresInDays => self.facts.expires_in_days,
            FactName::AccountAgeDays => self.facts.account_age_days,
            _ => Fact::Unknown,
        };
        known(fact, name)
    }

    fn text_fact(&self, name: FactName) -> Known<&'f str> {
        let facts = self.facts;
        match name {
            FactName::Domain => match &facts.domain {
                Fact::Known(domain) => Ok(domain),
                Fact::Nothing | Fact::Unknown => Err(name),
            },
            FactName::Upn => known(facts.upn, name),
            FactName::Mail => known(facts.mail, name),
            FactName::Company => known(facts.company, name),
            FactName::UserType => known(facts.user_type, name),
            _ => Err(name),
        }
    }

    /// Known to be there, known not to be, or not known.
    fn has(&self, name: FactName) -> Known<bool> {
        fn has<T>(fact: &Fact<T>, name: FactName) -> Known<bool> {
            match fact {
                Fact::Known(_) => Ok(true),
                Fact::Nothing => Ok(false),
                Fact::Unknown => Err(name),
            }
        }
        match name {
            FactName::InactiveDays => has(&self.facts.inactive_days, name),
            FactName::NeverSignedIn => has(&self.facts.never_signed_in, name),
            FactName::PendingDays => has(&self.facts.pending_days, name),
            FactName::ExpiresInDays => has(&self.facts.expires_in_days, name),
            FactName::AccountAgeDays => has(&self.facts.account_age_days, name),
            FactName::Enabled => has(&self.facts.enabled, name),
            FactName::Synced => has(&self.facts.synced, name),
            FactName::Domain => has(&self.facts.domain, name),
            FactName::Upn => has(&self.facts.upn, name),
            FactName::Mail => has(&self.facts.mail, name),
            FactName::Company => has(&self.facts.company, name),
            FactName::UserType => has(&self.facts.user_type, name),
            FactName::Projects => has(&self.facts.projects, name),
            FactName::Sponsors | FactName::Roles | FactName::Groups => Ok(true),
        }
    }

    fn bool_field(&self, element: Element, field: Field) -> Known<bool> {
        let value = match (self.items[element.0], field) {
            (Item::Sponsor(sponsor), Field::SponsorEnabled) => sponsor.enabled,
            (Item::Sponsor(sponsor), Field::SponsorEligible) => sponsor.eligible(),
            (Item::Sponsor(sponsor), Field::SponsorGuest) => Some(sponsor.is_guest),
            (Item::Project(project), Field::ProjectEnded) => Some(project.ended()),
            _ => None,
        };
        value.ok_or(field.fact())
    }

    fn text_field(&self, element: Element, field: Field) -> Known<&'f str> {
        let value = match (self.items[element.0], field) {
            (Item::Sponsor(sponsor), Field::SponsorKind) => Some(sponsor.kind.as_str()),
            (Item::Sponsor(sponsor), Field::SponsorMail) => sponsor.mail.as_deref(),
            (Item::Project(project), Field::ProjectName) => Some(project.name),
            _ => None,
        };
        value.ok_or(field.fact())
    }

    fn has_field(&self, element: Element, field: Field) -> bool {
        match (self.items[element.0], field) {
            (Item::Sponsor(sponsor), Field::SponsorEnabled) => sponsor.enabled.is_some(),
            (Item::Sponsor(sponsor), Field::SponsorEligible) => sponsor.eligible().is_some(),
            (Item::Sponsor(sponsor), Field::SponsorMail) => sponsor.mail.is_some(),
            (Item::Sponsor(_) | Item::Project(_) | Item::Text(_), _) => true,
        }
    }
}

fn known<T>(fact: Fact<T>, name: FactName) -> Known<T> {
    fact.known().ok_or(name)
}

fn compare<T: Ord + ?Sized>(comparison: Comparison, left: &T, right: &T) -> bool {
    let ordering = left.cmp(right);
    match comparison {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::NotEqual => ordering != Ordering::Equal,
        Comparison::Less => ordering == Ordering::Less,
        Comparison::AtMost => ordering != Ordering::Greater,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::AtLeast => ordering != Ordering::Less,
    }
}
