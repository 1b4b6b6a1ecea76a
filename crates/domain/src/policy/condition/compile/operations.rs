//! Operators: comparisons, arithmetic, `?:` and `in`.

use cel::common::ast::{IdedExpr, operators};

use super::{Any, Compiler, Result};
use crate::facts::FactName;
use crate::policy::condition::tree::{Bool, Comparison, Int, Kind, Operator, Plain, Text};

impl Compiler<'_> {
    pub(super) fn compare(
        &mut self,
        expr: &IdedExpr,
        comparison: Comparison,
        left_expr: &IdedExpr,
        right_expr: &IdedExpr,
    ) -> Result<Any> {
        let (left, right) = Self::both(self.any(left_expr), self.any(right_expr))?;
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if let (Any::Groups, _) | (_, Any::Groups) = (&left, &right) {
            return self.groups_error(expr);
        }
        Ok(Any::Bool(match (left, right) {
            (Any::Int(left), Any::Int(right)) => Bool::Ints(comparison, left, right),
            (Any::Text(left), Any::Text(right)) => {
                if is_equality {
                    self.check_value(right_expr, &left, &right)?;
                    self.check_value(left_expr, &right, &left)?;
                }
                Bool::Texts(comparison, left, right)
            }
            (Any::Bool(left), Any::Bool(right)) if is_equality => {
                Bool::Bools(comparison, Box::new(left), Box::new(right))
            }
            (Any::Bool(_), Any::Bool(_)) => {
                return self.error(expr, "true and false have no order; compare with == or !=");
            }
            (left, right) => {
                let quoted = [&left, &right].into_iter().find_map(|side| match side {
                    Any::Text(Text::Plain(Plain::Literal(text)))
                        if text.parse::<i64>().is_ok() || text.parse::<bool>().is_ok() =>
                    {
                        Some(format!("; write {text} without quotes"))
                    }
                    _ => None,
                });
                return self.error(
                    expr,
                    format!(
                        "{} cannot be compared with {} this way{}",
                        left.type_name(),
                        right.type_name(),
                        quoted.unwrap_or_default()
                    ),
                );
            }
        }))
    }

    pub(super) fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        operator: Operator,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Any> {
        let before = self.asked.len();
        let (left, right) = (self.int(left)?, self.int(right)?);
        if let (Operator::Over | Operator::Modulo, Int::Literal(0)) = (operator, &right) {
            return self.error(expr, "this divides by zero");
        }
        if let (Int::Literal(left), Int::Literal(right)) = (&left, &right) {
            return match operator.apply(*left, *right) {
                Some(value) => Ok(Any::Int(Int::Literal(value))),
                None => self.error(expr, "the result of this is too large a number"),
            };
        }
        let fact = self.first_asked(expr, before)?;
        Ok(Any::Int(Int::Arithmetic(
            operator,
            Box::new(left),
            Box::new(right),
            fact,
        )))
    }

    pub(super) fn negative(&mut self, expr: &IdedExpr, inner: &IdedExpr) -> Result<Any> {
        let before = self.asked.len();
        let inner = self.int(inner)?;
        if let Int::Literal(value) = inner {
            return match value.checked_neg() {
                Some(value) => Ok(Any::Int(Int::Literal(value))),
                None => self.error(expr, "the result of this is too large a number"),
            };
        }
        let fact = self.first_asked(expr, before)?;
        Ok(Any::Int(Int::Negative(Box::new(inner), fact)))
    }

    /// The first fact that was asked about since; it takes the blame when the reckoning fails.
    fn first_asked(&self, expr: &IdedExpr, before: usize) -> Result<FactName> {
        match self.asked.get(before) {
            Some(fact) => Ok(*fact),
            None => self.error(
                expr,
                "this asks about no fact; write its result in its place",
            ),
        }
    }

    pub(super) fn conditional(
        &mut self,
        condition: &IdedExpr,
        then: &IdedExpr,
        otherwise: &IdedExpr,
    ) -> Result<Any> {
        let condition = self.bool(condition);
        let sides = Self::both(self.any(then), self.any(otherwise));
        let (condition, sides) = Self::both(condition, sides)?;
        let condition = Box::new(condition);
        Ok(match sides {
            (Any::Bool(then), Any::Bool(other)) => {
                Any::Bool(Bool::If(condition, Box::new(then), Box::new(other)))
            }
            (Any::Int(then), Any::Int(other)) => {
                Any::Int(Int::If(condition, Box::new(then), Box::new(other)))
            }
            (Any::Text(then), Any::Text(other)) => {
                Any::Text(Text::If(condition, Box::new(then), Box::new(other)))
            }
            (then, other) => {
                let (then, other) = (then.type_name(), other.type_name());
                return self.error(
                    otherwise,
                    format!(
                        "both sides of ?: must be bool, int or string, and the same; these are {then} and {other}"
                    ),
                );
            }
        })
    }

    pub(super) fn membership(&mut self, item_expr: &IdedExpr, list_expr: &IdedExpr) -> Result<Any> {
        Ok(Any::Bool(
            match Self::both(self.any(item_expr), self.any(list_expr))? {
                (Any::Text(Text::Plain(Plain::Literal(key))), Any::Groups) => {
                    if key.trim().is_empty() {
                        return self.error(item_expr, "a group has a name or an id");
                    }
                    if !self.groups.contains(&key) {
                        self.groups.push(key.clone());
                    }
                    Bool::InGroup(key)
                }
                (_, Any::Groups) => return self.groups_error(item_expr),
                (Any::Text(text), Any::List(list)) if list.kind() == Kind::Text => {
                    self.check_values(list_expr, &text, &list)?;
                    Bool::TextIn(text, list)
                }
                (Any::Int(int), Any::Ints(ints)) => Bool::IntIn(int, ints),
                (item, other @ (Any::List(_) | Any::Ints(_))) => {
                    let (item, other) = (item.type_name(), other.type_name());
                    return self.error(item_expr, format!("{item} cannot be in {other}"));
                }
                (_, other) => {
                    return self.error(
                        list_expr,
                        format!(
                            "after in comes a list, and this is {}; a part of a string is written string.contains(\"...\")",
                            other.type_name()
                        ),
                    );
                }
            },
        ))
    }
}

pub(super) fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::AtMost,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::AtLeast,
        _ => return None,
    })
}

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Plus,
        operators::SUBSTRACT => Operator::Minus,
        operators::MULTIPLY => Operator::Times,
        operators::DIVIDE => Operator::Over,
        operators::MODULO => Operator::Modulo,
        _ => return None,
    })
}
