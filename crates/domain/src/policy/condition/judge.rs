//! Judging a tree by Kleene's rules.
//!
//! Invariant: judging never fails and never panics; what cannot be told is unknown, with the first fact that is to
//! blame. Nothing is allocated but the texts that `lowerAscii` and `upperAscii` make.

mod values;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::Truth;
use super::tree::{Bool, Comparison, Int, List, Text};
use crate::facts::{AppRoleFact, Fact, FactName, Facts, PackageFact, ProjectFact};
use crate::sponsor::Sponsor;
use values::{bool_field, has_field, int_field, item};

/// A value, or the absent fact that it depends on.
type Known<T> = Result<T, FactName>;

/// One element of a list.
#[derive(Clone, Copy)]
enum Item<'f> {
    Sponsor(&'f Sponsor),
    Project(&'f ProjectFact<'f>),
    AppRole(&'f AppRoleFact<'f>),
    Package(&'f PackageFact<'f>),
    Text(&'f str),
}

/// Where the macros around stand in their lists, innermost first.
struct Frame<'p, 'f> {
    item: Item<'f>,
    outer: At<'p, 'f>,
}

type At<'p, 'f> = Option<&'p Frame<'p, 'f>>;

struct Judge<'f, 'g> {
    facts: &'f Facts<'g>,
}

pub(super) fn judge(tree: &Bool, facts: &Facts<'_>) -> Truth {
    Judge { facts }.bool(tree, None)
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
    fn bool(&self, tree: &'f Bool, at: At<'_, 'f>) -> Truth {
        match tree {
            Bool::Literal(value) => Ok(*value).into(),
            Bool::Fact(name) => self.bool_fact(*name).into(),
            Bool::Field(element, field) => bool_field(item(*element, at), *field).into(),
            Bool::Not(inner) => match self.bool(inner, at) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                unknown @ Truth::Unknown(_) => unknown,
            },
            Bool::And(left, right) => match self.bool(left, at) {
                Truth::False => Truth::False,
                Truth::True => self.bool(right, at),
                unknown @ Truth::Unknown(_) => match self.bool(right, at) {
                    Truth::False => Truth::False,
                    Truth::True | Truth::Unknown(_) => unknown,
                },
            },
            Bool::Or(left, right) => match self.bool(left, at) {
                Truth::True => Truth::True,
                Truth::False => self.bool(right, at),
                unknown @ Truth::Unknown(_) => match self.bool(right, at) {
                    Truth::True => Truth::True,
                    Truth::False | Truth::Unknown(_) => unknown,
                },
            },
            Bool::If(condition, then, otherwise) => match self.bool(condition, at) {
                Truth::True => self.bool(then, at),
                Truth::False => self.bool(otherwise, at),
                // Whichever side it is, both may say the same.
                unknown @ Truth::Unknown(_) => {
                    match (self.bool(then, at), self.bool(otherwise, at)) {
                        (Truth::True, Truth::True) => Truth::True,
                        (Truth::False, Truth::False) => Truth::False,
                        _ => unknown,
                    }
                }
            },
            Bool::Ints(comparison, left, right) => self
                .int(left, at)
                .and_then(|left| Ok(compare(*comparison, &left, &self.int(right, at)?)))
                .into(),
            Bool::Texts(comparison, left, right) => self.texts(left, right, at, |left, right| {
                compare(*comparison, left, right)
            }),
            Bool::Bools(comparison, left, right) => {
                match (self.bool(left, at), self.bool(right, at)) {
                    (unknown @ Truth::Unknown(_), _) | (_, unknown @ Truth::Unknown(_)) => unknown,
                    (left, right) => {
                        Ok((left == right) == (*comparison == Comparison::Equal)).into()
                    }
                }
            }
            Bool::Has(name) => self.has(*name).into(),
            Bool::HasField(element, field) => has_field(item(*element, at), *field).into(),
            Bool::InGroup(key) => known(self.facts.in_group(key), FactName::Groups).into(),
            Bool::TextIn(text, list) => self.text_in(text, list, at),
            Bool::IntIn(int, list) => self.int_in(int, list, at),
            Bool::StartsWith(text, part) => {
                self.texts(text, part, at, |text, part| text.starts_with(part))
            }
            Bool::EndsWith(text, part) => {
                self.texts(text, part, at, |text, part| text.ends_with(part))
            }
            Bool::Contains(text, part) => {
                self.texts(text, part, at, |text, part| text.contains(part))
            }
            Bool::Matches(text, regex) => {
                self.text(text, at).map(|text| regex.is_match(&text)).into()
            }
            Bool::All(list, body) => self.fold(list, body, at, Truth::False, Truth::True),
            Bool::Exists(list, body) => self.fold(list, body, at, Truth::True, Truth::False),
            Bool::ExistsOne(list, body) => self.exactly_one(list, body, at),
        }
    }

    fn texts(
        &self,
        text: &'f Text,
        part: &'f Text,
        at: At<'_, 'f>,
        holds: impl Fn(&str, &str) -> bool,
    ) -> Truth {
        self.text(text, at)
            .and_then(|text| Ok(holds(&text, &self.text(part, at)?)))
            .into()
    }

    /// Hands over each element in turn; an absent one as the fact to blame. An error means that the whole list is
    /// absent.
    fn each(
        &self,
        list: &'f List,
        at: At<'_, 'f>,
        visit: &mut dyn FnMut(Known<Item<'f>>) -> ControlFlow<()>,
    ) -> Known<ControlFlow<()>> {
        let facts = self.facts;
        Ok(match list {
            List::Sponsors => facts
                .sponsors
                .iter()
                .try_for_each(|sponsor| visit(Ok(Item::Sponsor(sponsor)))),
            List::Roles => facts
                .roles
                .iter()
                .try_for_each(|role| visit(Ok(Item::Text(role)))),
            List::Projects => match &facts.projects {
                Fact::Known(projects) => projects
                    .iter()
                    .try_for_each(|project| visit(Ok(Item::Project(project)))),
                Fact::Nothing | Fact::Unknown => return Err(FactName::Projects),
            },
            List::EligibleRoles => match &facts.eligible_roles {
                Fact::Known(roles) => roles
                    .iter()
                    .try_for_each(|role| visit(Ok(Item::Text(role)))),
                Fact::Nothing | Fact::Unknown => return Err(FactName::EligibleRoles),
            },
            List::AppRoles => match &facts.app_roles {
                Fact::Known(roles) => roles
                    .iter()
                    .try_for_each(|role| visit(Ok(Item::AppRole(role)))),
                Fact::Nothing | Fact::Unknown => return Err(FactName::AppRoles),
            },
            List::Packages => match &facts.access_packages {
                Fact::Known(packages) => packages
                    .iter()
                    .try_for_each(|package| visit(Ok(Item::Package(package)))),
                Fact::Nothing | Fact::Unknown => return Err(FactName::AccessPackages),
            },
            List::Texts(texts) => texts
                .iter()
                .try_for_each(|text| visit(self.plain(text, at).map(Item::Text))),
            List::Filter(list, body) => {
                return self.each(list, at, &mut |element| match element
                    .map(|item| (item, self.of(body, item, at)))
                {
                    Ok((item, Truth::True)) => visit(Ok(item)),
                    Ok((_, Truth::False)) => ControlFlow::Continue(()),
                    Ok((_, Truth::Unknown(fact))) | Err(fact) => visit(Err(fact)),
                });
            }
        })
    }

    /// What a macro's body is worth for one element.
    fn of(&self, body: &'f Bool, item: Item<'f>, outer: At<'_, 'f>) -> Truth {
        self.bool(body, Some(&Frame { item, outer }))
    }

    /// `all` is decided by the first false element, `exists` by the first true one; with none, an unknown one makes
    /// them unknown.
    fn fold(
        &self,
        list: &'f List,
        body: &'f Bool,
        at: At<'_, 'f>,
        deciding: Truth,
        otherwise: Truth,
    ) -> Truth {
        let mut outcome = otherwise;
        let visited = self.each(list, at, &mut |element| match element
            .map_or_else(Truth::Unknown, |item| self.of(body, item, at))
        {
            truth if truth == deciding => {
                outcome = deciding;
                ControlFlow::Break(())
            }
            unknown @ Truth::Unknown(_) if outcome == otherwise => {
                outcome = unknown;
                ControlFlow::Continue(())
            }
            Truth::True | Truth::False | Truth::Unknown(_) => ControlFlow::Continue(()),
        });
        visited.map_or_else(Truth::Unknown, |_| outcome)
    }

    /// Two true elements make it false, whatever the unknown ones are.
    fn exactly_one(&self, list: &'f List, body: &'f Bool, at: At<'_, 'f>) -> Truth {
        let (mut count, mut unknown) = (0, None);
        let visited = self.each(list, at, &mut |element| {
            match element.map_or_else(Truth::Unknown, |item| self.of(body, item, at)) {
                Truth::True => count += 1,
                Truth::False => {}
                Truth::Unknown(fact) => unknown = unknown.or(Some(fact)),
            }
            if count > 1 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match (visited, count, unknown) {
            (Err(fact), ..) => Truth::Unknown(fact),
            (Ok(_), 0 | 1, Some(fact)) => Truth::Unknown(fact),
            (Ok(_), count, _) => Ok(count == 1).into(),
        }
    }

    fn size(&self, list: &'f List, at: At<'_, 'f>) -> Known<i64> {
        let (mut size, mut unknown) = (0, None);
        let visited = self.each(list, at, &mut |element| {
            size += 1;
            unknown = unknown.or(element.err());
            ControlFlow::Continue(())
        });
        match (visited?, list, unknown) {
            // How many are kept is not known while one may or may not be.
            (_, List::Filter(..), Some(fact)) => Err(fact),
            _ => Ok(size),
        }
    }

    fn text_in(&self, text: &'f Text, list: &'f List, at: At<'_, 'f>) -> Truth {
        let text = match self.text(text, at) {
            Ok(text) => text,
            Err(fact) => return Truth::Unknown(fact),
        };
        let mut outcome = Truth::False;
        let visited = self.each(list, at, &mut |element| match element {
            Ok(Item::Text(item)) if item == text => {
                outcome = Truth::True;
                ControlFlow::Break(())
            }
            Ok(_) => ControlFlow::Continue(()),
            Err(fact) => {
                if outcome == Truth::False {
                    outcome = Truth::Unknown(fact);
                }
                ControlFlow::Continue(())
            }
        });
        visited.map_or_else(Truth::Unknown, |_| outcome)
    }

    fn int_in(&self, int: &'f Int, list: &'f [Int], at: At<'_, 'f>) -> Truth {
        let int = match self.int(int, at) {
            Ok(int) => int,
            Err(fact) => return Truth::Unknown(fact),
        };
        let mut unknown = None;
        for element in list {
            match self.int(element, at) {
                Ok(element) if element == int => return Truth::True,
                Ok(_) => {}
                Err(fact) => unknown = unknown.or(Some(fact)),
            }
        }
        unknown.map_or(Truth::False, Truth::Unknown)
    }

    fn int(&self, int: &'f Int, at: At<'_, 'f>) -> Known<i64> {
        match int {
            Int::Literal(value) => Ok(*value),
            Int::Fact(name) => self.int_fact(*name),
            Int::Field(element, field) => int_field(item(*element, at), *field),
            Int::Negative(inner, fact) => self.int(inner, at)?.checked_neg().ok_or(*fact),
            Int::Arithmetic(operator, left, right, fact) => operator
                .apply(self.int(left, at)?, self.int(right, at)?)
                .ok_or(*fact),
            Int::Size(list) => self.size(list, at),
            Int::Length(text) => Ok(self
                .text(text, at)?
                .chars()
                .count()
                .try_into()
                .unwrap_or(i64::MAX)),
            Int::If(condition, then, otherwise) => match self.bool(condition, at) {
                Truth::True => self.int(then, at),
                Truth::False => self.int(otherwise, at),
                Truth::Unknown(fact) => Err(fact),
            },
        }
    }

    fn text(&self, text: &'f Text, at: At<'_, 'f>) -> Known<Cow<'f, str>> {
        match text {
            Text::Plain(text) => self.plain(text, at).map(Cow::Borrowed),
            Text::Lower(inner) => Ok(Cow::Owned(self.text(inner, at)?.to_ascii_lowercase())),
            Text::Upper(inner) => Ok(Cow::Owned(self.text(inner, at)?.to_ascii_uppercase())),
            Text::If(condition, then, otherwise) => match self.bool(condition, at) {
                Truth::True => self.text(then, at),
                Truth::False => self.text(otherwise, at),
                Truth::Unknown(fact) => Err(fact),
            },
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
