//! Calls: what is an operator goes to the operations, the rest are functions.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::Regex;

use super::operations::{comparison, operator};
use super::{Any, Compiler, Result};
use crate::facts::{FactName, Kind as FactKind};
use crate::policy::condition::tree::{Bool, Int, Text};
use crate::policy::parse::nearest_or_all;

/// How each function is called.
const FUNCTIONS: [(&str, &str); 12] = [
    ("size", "size(list) or size(string)"),
    ("has", "has(guest.mail)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("all", "list.all(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("startsWith", "string.startsWith(\"...\")"),
    ("endsWith", "string.endsWith(\"...\")"),
    ("contains", "string.contains(\"...\")"),
    ("matches", "string.matches(\"regular expression\")"),
    ("lowerAscii", "string.lowerAscii()"),
    ("upperAscii", "string.upperAscii()"),
];

impl Compiler<'_> {
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Result<Any> {
        let name = call.func_name.as_str();
        match (call.target.as_deref(), call.args.as_slice()) {
            (None, [left, right]) => match name {
                operators::LOGICAL_AND => {
                    let (left, right) = self.bools(left, right)?;
                    Ok(Any::Bool(Bool::And(left, right)))
                }
                operators::LOGICAL_OR => {
                    let (left, right) = self.bools(left, right)?;
                    Ok(Any::Bool(Bool::Or(left, right)))
                }
                operators::IN => self.membership(left, right),
                operators::INDEX => self.error(
                    expr,
                    "lists have no numbered elements here; write .exists(x, ...) or .all(x, ...)",
                ),
                "matches" => self.matches(left, right),
                _ => match (comparison(name), operator(name)) {
                    (Some(comparison), _) => self.compare(expr, comparison, left, right),
                    (None, Some(operator)) => self.arithmetic(expr, operator, left, right),
                    (None, None) => self.unknown(expr, name),
                },
            },
            (None, [inner]) => match name {
                operators::LOGICAL_NOT => Ok(Any::Bool(Bool::Not(Box::new(self.bool(inner)?)))),
                operators::NEGATE => self.negative(expr, inner),
                "size" => self.size(inner),
                "has" => self.has(inner),
                _ => self.unknown(expr, name),
            },
            (None, [condition, then, otherwise]) if name == operators::CONDITIONAL => {
                self.conditional(condition, then, otherwise)
            }
            (Some(text), []) => match name {
                "size" => self.size(text),
                "lowerAscii" => Ok(Any::Text(Text::Lower(Box::new(self.text(text)?)))),
                "upperAscii" => Ok(Any::Text(Text::Upper(Box::new(self.text(text)?)))),
                _ => self.unknown(expr, name),
            },
            (Some(text), [part]) => match name {
                "startsWith" => self.part(text, part, Bool::StartsWith),
                "endsWith" => self.part(text, part, Bool::EndsWith),
                "contains" => self.part(text, part, Bool::Contains),
                "matches" => self.matches(text, part),
                _ => self.unknown(expr, name),
            },
            (Some(list), [variable, body]) => self.macro_over(expr, name, list, variable, body),
            (_, _) => self.unknown(expr, name),
        }
    }

    /// A function that there is not, or not in this way.
    pub(super) fn unknown<T>(&self, expr: &IdedExpr, name: &str) -> Result<T> {
        if let Some((_, usage)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
            return self.name_error(expr, format!("{name} is used as {usage}"));
        }
        if name == "map" {
            return self.name_error(
                expr,
                "there is no map; there are exists, exists_one, all and filter",
            );
        }
        let hint = nearest_or_all(name, FUNCTIONS.iter().map(|(known, _)| *known));
        self.name_error(expr, format!("there is no function {name}{hint}"))
    }

    fn part(
        &mut self,
        text: &IdedExpr,
        part: &IdedExpr,
        holds: fn(Text, Text) -> Bool,
    ) -> Result<Any> {
        let whole = self.any(text)?;
        let whole = match whole {
            Any::Text(whole) => whole,
            Any::Groups => return self.groups_error(text),
            other @ (Any::List(_) | Any::Ints(_)) => {
                return self.error(
                    text,
                    format!(
                        "a string is needed here, and this is {}; membership is written \"...\" in list",
                        other.type_name()
                    ),
                );
            }
            other @ (Any::Bool(_) | Any::Int(_) | Any::Element(..)) => {
                return self.error(
                    text,
                    format!("a string is needed here, and this is {}", other.type_name()),
                );
            }
        };
        let found = self.text(part)?;
        self.check_case(part, &whole, &found)?;
        Ok(Any::Bool(holds(whole, found)))
    }

    fn size(&mut self, argument: &IdedExpr) -> Result<Any> {
        match self.any(argument)? {
            Any::List(list) => Ok(Any::Int(Int::Size(list))),
            Any::Text(text) => Ok(Any::Int(Int::Length(text))),
            Any::Groups => self.groups_error(argument),
            other => self.error(
                argument,
                format!(
                    "size() is of a list or a string, and this is {}",
                    other.type_name()
                ),
            ),
        }
    }

    fn has(&mut self, argument: &IdedExpr) -> Result<Any> {
        let Expr::Select(select) = &argument.expr else {
            return self.error(argument, "has() asks for a fact, as in has(guest.mail)");
        };
        if !self.is_guest(&select.operand) {
            let (element, field) = self.field(argument, select)?;
            return Ok(Any::Bool(Bool::HasField(element, field)));
        }
        let fact = self.fact(argument, &select.field)?;
        match fact.kind() {
            FactKind::Int | FactKind::Bool | FactKind::String => Ok(Any::Bool(Bool::Has(fact))),
            FactKind::Strings if fact == FactName::Groups => self.groups_error(argument),
            // Of an empty list CEL's readers expect has() to be false, others that it is true.
            FactKind::Strings
            | FactKind::Sponsors
            | FactKind::Projects
            | FactKind::AppRoles
            | FactKind::Packages => self.error(
                argument,
                format!("of a list ask whether it is empty: size(guest.{fact}) > 0"),
            ),
        }
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Any> {
        let text = self.text(text)?;
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return self.error(
                pattern,
                "the pattern of matches() must be a string, written out",
            );
        };
        match Regex::new(literal.inner()) {
            Ok(regex) => Ok(Any::Bool(Bool::Matches(text, regex))),
            Err(error) => {
                // The last line of several tells what is wrong.
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                self.error(pattern, format!("not a regular expression: {reason}"))
            }
        }
    }
}
