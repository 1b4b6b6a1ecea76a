//! A condition as alternatives: one of them is true exactly when the condition is.

use super::MOST;
use super::world::World;
use crate::policy::condition::tree::{Bool, Comparison, Int, List, Plain, Text};

/// The alternatives that are left: none when nothing can be true.
pub(super) struct Claims(Vec<World>);

impl Default for Claims {
    /// Nothing is claimed.
    fn default() -> Self {
        Self(vec![World::default()])
    }
}

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With the claim that `tree` has this value; `None` when there are too many alternatives.
    pub(super) fn with(self, tree: &Bool, value: bool) -> Option<Self> {
        match tree {
            Bool::Literal(literal) if *literal == value => Some(self),
            Bool::Literal(_) => Some(Self(Vec::new())),
            Bool::Not(inner) => self.with(inner, !value),
            Bool::And(left, right) if value => self.with(left, true)?.with(right, true),
            Bool::Or(left, right) if !value => self.with(left, false)?.with(right, false),
            Bool::And(left, right) | Bool::Or(left, right) => {
                let other = self.copy().with(right, value)?;
                self.with(left, value)?.or(other)
            }
            Bool::If(condition, then, otherwise) => {
                let other = self.copy().with(condition, false)?.with(otherwise, value)?;
                self.with(condition, true)?.with(then, value)?.or(other)
            }
            Bool::Bools(comparison, left, right) => {
                let same = (*comparison == Comparison::Equal) == value;
                let other = self.copy().with(left, false)?.with(right, !same)?;
                self.with(left, true)?.with(right, same)?.or(other)
            }
            Bool::Ints(comparison, left, right) => {
                Some(self.ints(tree, *comparison, left, right, value))
            }
            Bool::IntIn(int, list) => {
                let literals: Option<Vec<i64>> = list.iter().map(literal).collect();
                Some(match literals {
                    Some(literals) => self.keep(|world| world.int_among(int, &literals, value)),
                    None => self.opaque(tree, value),
                })
            }
            Bool::Texts(comparison, left, right) => {
                Some(self.texts(tree, *comparison, left, right, value))
            }
            Bool::TextIn(text, List::Texts(list)) => {
                let literals: Option<Vec<&str>> = list.iter().map(Plain::literal).collect();
                Some(match literals {
                    Some(literals) => self.keep(|world| world.text_among(text, &literals, value)),
                    None => self.opaque(tree, value),
                })
            }
            // What holds of no element at all holds of none of these.
            Bool::Exists(_, body) | Bool::ExistsOne(_, body) if value && is_never(body) => {
                Some(Self(Vec::new()))
            }
            Bool::Fact(_)
            | Bool::Field(..)
            | Bool::Has(_)
            | Bool::HasField(..)
            | Bool::InGroup(_)
            | Bool::TextIn(..)
            | Bool::StartsWith(..)
            | Bool::EndsWith(..)
            | Bool::Contains(..)
            | Bool::Matches(..)
            | Bool::All(..)
            | Bool::Exists(..)
            | Bool::ExistsOne(..) => Some(self.opaque(tree, value)),
        }
    }

    fn ints(
        self,
        tree: &Bool,
        comparison: Comparison,
        left: &Int,
        right: &Int,
        value: bool,
    ) -> Self {
        let comparison = if value {
            comparison
        } else {
            opposite(comparison)
        };
        match (literal(left), literal(right)) {
            (_, Some(right)) => self.keep(|world| world.int(left, comparison, right)),
            (Some(left), None) => self.keep(|world| world.int(right, mirrored(comparison), left)),
            (None, None) => self.opaque(tree, value),
        }
    }

    fn texts(
        self,
        tree: &Bool,
        comparison: Comparison,
        left: &Text,
        right: &Text,
        value: bool,
    ) -> Self {
        let is_same = match comparison {
            Comparison::Equal => value,
            Comparison::NotEqual => !value,
            Comparison::Less | Comparison::AtMost | Comparison::Greater | Comparison::AtLeast => {
                return self.opaque(tree, value);
            }
        };
        match (left.literal(), right.literal()) {
            (_, Some(right)) => self.keep(|world| world.text_among(left, &[right], is_same)),
            (Some(left), None) => self.keep(|world| world.text_among(right, &[left], is_same)),
            (None, None) => self.opaque(tree, value),
        }
    }

    /// A claim of which only this is known: it cannot be true and false at once.
    fn opaque(self, tree: &Bool, value: bool) -> Self {
        self.keep(|world| world.flag(tree, value))
    }

    /// The alternatives that stay possible.
    fn keep(mut self, stays: impl Fn(&mut World) -> bool) -> Self {
        self.0.retain_mut(|world| stays(world));
        self
    }

    fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    fn or(mut self, other: Self) -> Option<Self> {
        self.0.extend(other.0);
        (self.0.len() <= MOST).then_some(self)
    }
}

fn is_never(tree: &Bool) -> bool {
    Claims::default()
        .with(tree, true)
        .is_some_and(|claims| claims.is_empty())
}

fn literal(int: &Int) -> Option<i64> {
    match int {
        Int::Literal(value) => Some(*value),
        Int::Fact(_)
        | Int::Field(..)
        | Int::Negative(..)
        | Int::Arithmetic(..)
        | Int::Size(_)
        | Int::Length(_)
        | Int::If(..) => None,
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::AtLeast,
        Comparison::AtMost => Comparison::Greater,
        Comparison::Greater => Comparison::AtMost,
        Comparison::AtLeast => Comparison::Less,
    }
}

/// The same comparison with its sides exchanged.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal | Comparison::NotEqual => comparison,
        Comparison::Less => Comparison::Greater,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Greater => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
    }
}
