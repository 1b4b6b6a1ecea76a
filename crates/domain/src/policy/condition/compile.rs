//! From CEL's syntax tree to ours: every name is looked up, every type held against what is expected.

use std::collections::BTreeSet;
use std::thread;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators,
};
use cel::parser::Parser;
use regex::Regex;

use super::tree::{Bool, Comparison, Element, Field, FieldType, Int, Kind, List, Operator, Text};
use super::{Asked, ConditionError};
use crate::facts::{FactName, Kind as FactKind};
use crate::policy::parse::{nearest, nearest_or_all};

/// The longest condition, in bytes. No honest one comes near.
const LONGEST: usize = 4096;

/// The deepest tree, so that neither compiling nor judging runs out of stack.
const DEEPEST: usize = 64;

/// The parser takes up to 100 kB of stack for each bracket, and allows 96 of them: more than a thread usually has.
const PARSER_STACK: usize = 64 << 20;

const TOO_DEEP: &str = "the condition is nested too deeply";

/// Functions on texts, as `text.function(argument)`.
const TEXT_FUNCTIONS: [&str; 5] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lowerAscii",
];

type Result<T> = std::result::Result<T, ConditionError>;

pub(super) fn compile(source: &str) -> Result<Asked> {
    if source.len() > LONGEST {
        return Err(ConditionError {
            offset: LONGEST,
            message: format!("a condition has at most {LONGEST} bytes"),
        });
    }
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(PARSER_STACK)
            .spawn_scoped(scope, || parsed(source))
            .ok()
            .and_then(|parser| parser.join().ok())
            .unwrap_or_else(|| {
                Err(ConditionError {
                    offset: 0,
                    message: "the condition cannot be parsed".to_owned(),
                })
            })
    })
}

fn parsed(source: &str) -> Result<Asked> {
    let (expr, info) = Parser::new()
        .parse_with_source_info(source)
        .map_err(|errors| syntax_error(source, &errors))?;
    let mut compiler = Compiler {
        info,
        depth: 0,
        names: Vec::new(),
        facts: BTreeSet::new(),
        groups: BTreeSet::new(),
    };
    let tree = compiler.bool(&expr)?;
    Ok((tree, compiler.facts, compiler.groups))
}

fn syntax_error(source: &str, errors: &cel::parser::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return ConditionError {
            offset: 0,
            message: "the condition cannot be parsed".to_owned(),
        };
    };
    if first.msg.contains("Recursion limit") {
        return ConditionError {
            offset: 0,
            message: TOO_DEEP.to_owned(),
        };
    }
    let line = usize::try_from(first.pos.0).unwrap_or(1).max(1);
    let column = usize::try_from(first.pos.1).unwrap_or(1).max(1);
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line - 1).map(str::len).sum();
    let within: usize = lines
        .next()
        .unwrap_or_default()
        .chars()
        .take(column - 1)
        .map(char::len_utf8)
        .sum();
    ConditionError {
        offset: before + within,
        message: format!("not a CEL expression: {}", first.msg),
    }
}

/// Where an expression begins. The parser places a field at its dot and a method at its bracket.
fn beginning(expr: &IdedExpr) -> &IdedExpr {
    match &expr.expr {
        Expr::Select(select) => beginning(&select.operand),
        Expr::Call(CallExpr {
            target: Some(target),
            ..
        }) => beginning(target),
        Expr::Comprehension(comprehension) => beginning(&comprehension.iter_range),
        Expr::Call(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => expr,
    }
}

/// An expression whose type is not known before it is looked at.
enum Any {
    Bool(Bool),
    Int(Int),
    Text(Text),
    List(List),
    Ints(Vec<Int>),
    Groups,
    Element(Element, Kind),
}

impl Any {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Text(_) => "string",
            Self::List(list) => match list.kind() {
                Kind::Sponsor => "list of sponsor",
                Kind::Project => "list of project",
                Kind::Text => "list of string",
            },
            Self::Ints(_) => "list of int",
            Self::Groups => "the guest's groups",
            Self::Element(_, Kind::Sponsor) => "sponsor",
            Self::Element(_, Kind::Project) => "project",
            Self::Element(_, Kind::Text) => "string",
        }
    }
}

struct Compiler {
    info: SourceInfo,
    /// How deep in the tree it stands.
    depth: usize,
    /// The comprehensions' variables, outermost first.
    names: Vec<(String, Kind)>,
    facts: BTreeSet<FactName>,
    groups: BTreeSet<String>,
}

impl Compiler {
    fn error<T>(&self, at: &IdedExpr, message: impl Into<String>) -> Result<T> {
        let offset = self
            .info
            .offset_for(beginning(at).id)
            .map_or(0, |(start, _)| start as usize);
        Err(ConditionError {
            offset,
            message: message.into(),
        })
    }

    fn bool(&mut self, expr: &IdedExpr) -> Result<Bool> {
        match self.any(expr)? {
            Any::Bool(bool) => Ok(bool),
            other => self.error(
                expr,
                format!(
                    "a condition must be true or false, and this is {}",
                    other.type_name()
                ),
            ),
        }
    }

    fn int(&mut self, expr: &IdedExpr) -> Result<Int> {
        match self.any(expr)? {
            Any::Int(int) => Ok(int),
            other => self.error(
                expr,
                format!("an int is needed here, and this is {}", other.type_name()),
            ),
        }
    }

    fn text(&mut self, expr: &IdedExpr) -> Result<Text> {
        match self.any(expr)? {
            Any::Text(text) => Ok(text),
            other => self.error(
                expr,
                format!("a string is needed here, and this is {}", other.type_name()),
            ),
        }
    }

    fn any(&mut self, expr: &IdedExpr) -> Result<Any> {
        if self.depth == DEEPEST {
            return self.error(expr, TOO_DEEP);
        }
        self.depth += 1;
        let any = self.any_kind(expr);
        self.depth -= 1;
        any
    }

    fn any_kind(&mut self, expr: &IdedExpr) -> Result<Any> {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::List(list) => self.list(expr, &list.elements),
            Expr::Map(_) | Expr::Struct(_) => {
                self.error(expr, "maps and messages are not used in conditions")
            }
            Expr::Unspecified => self.error(expr, "the condition is empty"),
        }
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Result<Any> {
        match literal {
            LiteralValue::Boolean(value) => Ok(Any::Bool(Bool::Literal(*value.inner()))),
            LiteralValue::Int(value) => Ok(Any::Int(Int::Literal(*value.inner()))),
            LiteralValue::String(value) => Ok(Any::Text(Text::Literal(value.inner().to_owned()))),
            LiteralValue::Null => self.error(
                expr,
                "a fact is never null; has(guest.fact) asks whether there is one",
            ),
            LiteralValue::Double(_) | LiteralValue::UInt(_) | LiteralValue::Bytes(_) => self.error(
                expr,
                "facts are whole numbers, strings, true or false; write 90, not 90.0 or 90u",
            ),
        }
    }

    fn name(&self, expr: &IdedExpr, name: &str) -> Result<Any> {
        if let Some(index) = self.names.iter().rposition(|(known, _)| known == name) {
            let (element, kind) = (Element(index), self.names[index].1);
            return Ok(match kind {
                Kind::Text => Any::Text(Text::Element(element)),
                Kind::Sponsor | Kind::Project => Any::Element(element, kind),
            });
        }
        if name == "guest" {
            return self.error(
                expr,
                "guest is not a value by itself; ask about a fact, such as guest.inactive_days",
            );
        }
        match FactName::parse(name) {
            Some(fact) => self.error(
                expr,
                format!("there is no variable {name}; write guest.{fact}"),
            ),
            None => self.error(
                expr,
                format!("there is no variable {name}; facts are written guest.fact"),
            ),
        }
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Result<Any> {
        if let Expr::Ident(name) = &select.operand.expr
            && name == "guest"
            && !self.names.iter().any(|(known, _)| known == name)
        {
            return self.fact(expr, &select.field, select.test);
        }
        let Any::Element(element, kind) = self.any(&select.operand)? else {
            return self.error(
                expr,
                format!(
                    "nothing has a field {} here; facts are written guest.fact",
                    select.field
                ),
            );
        };
        let (what, fields): (_, &[(&str, Field)]) = match kind {
            Kind::Sponsor => ("sponsor", &Field::SPONSOR),
            Kind::Project => ("project", &Field::PROJECT),
            Kind::Text => ("string", &[]),
        };
        let Some((_, field)) = fields.iter().find(|(name, _)| *name == select.field) else {
            let names = fields.iter().map(|(name, _)| *name);
            return self.error(
                expr,
                format!(
                    "a {what} has no field {}{}",
                    select.field,
                    nearest(&select.field, names)
                ),
            );
        };
        if select.test {
            return Ok(Any::Bool(Bool::HasField(element, *field)));
        }
        Ok(match field.field_type() {
            FieldType::Bool => Any::Bool(Bool::Field(element, *field)),
            FieldType::Int => Any::Int(Int::Field(element, *field)),
            FieldType::Text => Any::Text(Text::Field(element, *field)),
        })
    }

    fn fact(&mut self, expr: &IdedExpr, name: &str, test: bool) -> Result<Any> {
        let Some(fact) = FactName::parse(name) else {
            let suggestion = nearest(name, FactName::ALL.iter().map(|fact| fact.as_str()));
            return self.error(expr, format!("there is no fact guest.{name}{suggestion}"));
        };
        self.facts.insert(fact);
        if test {
            return Ok(Any::Bool(Bool::Has(fact)));
        }
        Ok(match fact.kind() {
            FactKind::Int => Any::Int(Int::Fact(fact)),
            FactKind::Bool => Any::Bool(Bool::Fact(fact)),
            FactKind::String => Any::Text(Text::Fact(fact)),
            FactKind::Sponsors => Any::List(List::Sponsors),
            FactKind::Projects => Any::List(List::Projects),
            FactKind::Strings if fact == FactName::Groups => Any::Groups,
            FactKind::Strings => Any::List(List::Roles),
        })
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Result<Any> {
        let arguments: Vec<&IdedExpr> = call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect();
        match (call.func_name.as_str(), arguments.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => Ok(Any::Bool(Bool::And(
                Box::new(self.bool(left)?),
                Box::new(self.bool(right)?),
            ))),
            (operators::LOGICAL_OR, [left, right]) => Ok(Any::Bool(Bool::Or(
                Box::new(self.bool(left)?),
                Box::new(self.bool(right)?),
            ))),
            (operators::LOGICAL_NOT, [inner]) => {
                Ok(Any::Bool(Bool::Not(Box::new(self.bool(inner)?))))
            }
            (operators::NEGATE, [inner]) => Ok(Any::Int(Int::Negative(Box::new(self.int(inner)?)))),
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                self.conditional(condition, then, otherwise)
            }
            (operators::IN, [item, list]) => self.membership(item, list),
            ("size", [argument]) => self.size(argument),
            ("matches", [text, pattern]) => self.matches(text, pattern),
            ("startsWith", [text, part]) => Ok(Any::Bool(Bool::StartsWith(
                self.text(text)?,
                self.text(part)?,
            ))),
            ("endsWith", [text, part]) => Ok(Any::Bool(Bool::EndsWith(
                self.text(text)?,
                self.text(part)?,
            ))),
            ("contains", [text, part]) => Ok(Any::Bool(Bool::Contains(
                self.text(text)?,
                self.text(part)?,
            ))),
            ("lowerAscii", [text]) => Ok(Any::Text(Text::Lower(Box::new(self.text(text)?)))),
            (name, [left, right]) => match (comparison(name), operator(name)) {
                (Some(comparison), _) => self.compare(expr, comparison, left, right),
                (None, Some(operator)) => Ok(Any::Int(Int::Arithmetic(
                    operator,
                    Box::new(self.int(left)?),
                    Box::new(self.int(right)?),
                ))),
                (None, None) => self.unknown_function(expr, name),
            },
            (name, _) => self.unknown_function(expr, name),
        }
    }

    fn unknown_function<T>(&self, expr: &IdedExpr, name: &str) -> Result<T> {
        let known = || {
            TEXT_FUNCTIONS.into_iter().chain([
                "size",
                "has",
                "all",
                "exists",
                "exists_one",
                "filter",
            ])
        };
        if known().any(|function| function == name) {
            return self.error(
                expr,
                format!("{name} is given the wrong number of arguments"),
            );
        }
        if name == operators::INDEX {
            return self.error(
                expr,
                "a list has no places to ask for; ask with exists(x, ...)",
            );
        }
        self.error(
            expr,
            format!(
                "there is no function {name}{}",
                nearest_or_all(name, known())
            ),
        )
    }

    fn compare(
        &mut self,
        expr: &IdedExpr,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<Any> {
        let (left, right) = (self.any(left)?, self.any(right)?);
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        Ok(Any::Bool(match (left, right) {
            (Any::Int(left), Any::Int(right)) => Bool::Ints(comparison, left, right),
            (Any::Text(left), Any::Text(right)) => Bool::Texts(comparison, left, right),
            (Any::Bool(left), Any::Bool(right)) if is_equality => {
                Bool::Bools(comparison, Box::new(left), Box::new(right))
            }
            (left, right) => {
                let (left, right) = (left.type_name(), right.type_name());
                return self.error(
                    expr,
                    format!("{left} cannot be compared with {right} this way"),
                );
            }
        }))
    }

    fn conditional(
        &mut self,
        condition: &IdedExpr,
        then: &IdedExpr,
        otherwise: &IdedExpr,
    ) -> Result<Any> {
        let condition = Box::new(self.bool(condition)?);
        Ok(match (self.any(then)?, self.any(otherwise)?) {
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
                        "both sides of ?: must be of one type, and these are {then} and {other}"
                    ),
                );
            }
        })
    }

    fn membership(&mut self, item: &IdedExpr, list: &IdedExpr) -> Result<Any> {
        Ok(Any::Bool(match (self.any(item)?, self.any(list)?) {
            (Any::Text(Text::Literal(key)), Any::Groups) => {
                self.groups.insert(key.clone());
                Bool::InGroup(key)
            }
            (_, Any::Groups) => return self.groups_error(item),
            (Any::Text(text), Any::List(list)) if list.kind() == Kind::Text => {
                Bool::TextIn(text, list)
            }
            (Any::Int(int), Any::Ints(ints)) => Bool::IntIn(int, ints),
            (item, other) => {
                let (item, other) = (item.type_name(), other.type_name());
                return self.error(list, format!("{item} cannot be in {other}"));
            }
        }))
    }

    fn groups_error<T>(&self, at: &IdedExpr) -> Result<T> {
        self.error(at, "of guest.groups only `\"name or id\" in guest.groups` can be asked: no other groups are read than those that the policy names")
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

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Any> {
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return self.error(
                pattern,
                "the pattern of matches() must be written out as a string",
            );
        };
        match Regex::new(literal.inner()) {
            Ok(regex) => Ok(Any::Bool(Bool::Matches(self.text(text)?, regex))),
            Err(error) => {
                let error = error.to_string();
                let what = error.lines().last().unwrap_or_default();
                let what = what.strip_prefix("error: ").unwrap_or(what);
                self.error(pattern, format!("not a regular expression: {what}"))
            }
        }
    }

    fn list(&mut self, expr: &IdedExpr, elements: &[IdedExpr]) -> Result<Any> {
        let mut texts = Vec::new();
        let mut ints = Vec::new();
        for element in elements {
            match self.any(element)? {
                Any::Text(Text::Lower(_) | Text::If(..)) => {
                    return self.error(
                        element,
                        "a list holds strings as they are, not strings made by lowerAscii or ?:",
                    );
                }
                Any::Text(text) => texts.push(text),
                Any::Int(int) => ints.push(int),
                other => {
                    return self.error(
                        element,
                        format!(
                            "a list holds strings or ints, and this is {}",
                            other.type_name()
                        ),
                    );
                }
            }
        }
        match (texts.is_empty(), ints.is_empty()) {
            (_, true) => Ok(Any::List(List::Texts(texts))),
            (true, false) => Ok(Any::Ints(ints)),
            (false, false) => self.error(expr, "a list holds strings or ints, not both"),
        }
    }

    /// A macro, as the parser spells it out; told apart by what it starts from and how it goes on.
    fn comprehension(&mut self, expr: &IdedExpr, comprehension: &ComprehensionExpr) -> Result<Any> {
        let ComprehensionExpr {
            iter_range,
            iter_var,
            iter_var2,
            accu_init,
            loop_step,
            ..
        } = comprehension;
        let list = match self.any(iter_range)? {
            Any::List(list) => list,
            Any::Groups => return self.groups_error(iter_range),
            other => {
                return self.error(
                    iter_range,
                    format!(
                        "this goes through a list, and here is {}",
                        other.type_name()
                    ),
                );
            }
        };
        let Expr::Call(step) = &loop_step.expr else {
            return self.unsupported(expr);
        };
        if iter_var2.is_some() {
            return self.unsupported(expr);
        }
        let body = match (
            &accu_init.expr,
            step.func_name.as_str(),
            step.args.as_slice(),
        ) {
            (
                Expr::Literal(LiteralValue::Boolean(_)),
                operators::LOGICAL_OR | operators::LOGICAL_AND,
                [_, body],
            ) => body,
            (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [body, _, _]) => body,
            (Expr::List(_), operators::CONDITIONAL, [body, kept, _])
                if adds_only(kept, iter_var) =>
            {
                body
            }
            _ => return self.unsupported(expr),
        };
        self.names.push((iter_var.clone(), list.kind()));
        let compiled = self.bool(body);
        self.names.pop();
        let body = Box::new(compiled?);
        Ok(match (&accu_init.expr, step.func_name.as_str()) {
            (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_OR) => {
                Any::Bool(Bool::Exists(list, body))
            }
            (Expr::Literal(LiteralValue::Boolean(_)), _) => Any::Bool(Bool::All(list, body)),
            (Expr::Literal(LiteralValue::Int(_)), _) => Any::Bool(Bool::ExistsOne(list, body)),
            _ => Any::List(List::Filter(Box::new(list), body)),
        })
    }

    fn unsupported<T>(&self, expr: &IdedExpr) -> Result<T> {
        self.error(expr, "of the macros over lists there are all(x, ...), exists(x, ...), exists_one(x, ...) and filter(x, ...)")
    }
}

/// A step that adds the element itself is one of filter(); map() with a condition adds something else.
fn adds_only(step: &IdedExpr, element: &str) -> bool {
    let Expr::Call(CallExpr { args, .. }) = &step.expr else {
        return false;
    };
    let [_, added] = args.as_slice() else {
        return false;
    };
    let Expr::List(list) = &added.expr else {
        return false;
    };
    list.elements
        .iter()
        .all(|added| matches!(&added.expr, Expr::Ident(name) if name == element))
}

fn comparison(name: &str) -> Option<Comparison> {
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

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Plus,
        operators::SUBSTRACT => Operator::Minus,
        operators::MULTIPLY => Operator::Times,
        operators::DIVIDE => Operator::Over,
        operators::MODULO => Operator::Modulo,
        _ => return None,
    })
}
