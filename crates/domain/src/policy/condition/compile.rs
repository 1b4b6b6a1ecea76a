//! From CEL's syntax tree to ours: every name is looked up, every type held against what is expected.

mod calls;
mod lists;
mod operations;
mod values;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SelectExpr};

use super::ConditionError;
use super::syntax::{Syntax, parsed};
use super::tree::{Bool, Element, Field, FieldType, Int, Kind, List, Plain, Text};
use crate::facts::{FactName, Kind as FactKind};
use crate::policy::parse::{nearest, nearest_or_all};

/// How deep a tree may become. A hundred terms joined by && or || are but seven deep.
const DEEPEST: usize = 100;

type Result<T> = std::result::Result<T, ConditionError>;

/// A condition compiled, and what it asks about, each once, in order of appearance.
pub(super) struct Compiled {
    pub(super) tree: Bool,
    pub(super) facts: Vec<FactName>,
    pub(super) groups: Vec<String>,
    pub(super) fields: Vec<Field>,
}

pub(super) fn compile(source: &str) -> Result<Compiled> {
    parsed(source, |syntax| {
        let mut compiler = Compiler {
            syntax,
            depth: 0,
            variables: Vec::new(),
            asked: Vec::new(),
            groups: Vec::new(),
            fields: Vec::new(),
        };
        let tree = compiler.bool(&syntax.root)?;
        let mut facts = Vec::new();
        for fact in compiler.asked {
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
        Ok(Compiled {
            tree,
            facts,
            groups: compiler.groups,
            fields: compiler.fields,
        })
    })
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
                Kind::AppRole => "list of app role",
                Kind::Package => "list of access package",
                Kind::Text => "list of string",
            },
            Self::Ints(_) => "list of int",
            Self::Groups => "the guest's groups",
            Self::Element(_, Kind::Sponsor) => "sponsor",
            Self::Element(_, Kind::Project) => "project",
            Self::Element(_, Kind::AppRole) => "app role",
            Self::Element(_, Kind::Package) => "access package",
            Self::Element(_, Kind::Text) => "string",
        }
    }
}

/// The variable of a macro over a list.
struct Variable {
    name: String,
    kind: Kind,
    /// The fact whose list it goes through; `None` when the list is written out.
    fact: Option<FactName>,
}

struct Compiler<'s> {
    syntax: &'s Syntax<'s>,
    depth: usize,
    /// The variables in scope, outermost first.
    variables: Vec<Variable>,
    /// Every fact asked about, each time that it is.
    asked: Vec<FactName>,
    groups: Vec<String>,
    /// Every field asked for, each time that it is.
    fields: Vec<Field>,
}

impl Compiler<'_> {
    fn error<T>(&self, at: &IdedExpr, message: impl Into<String>) -> Result<T> {
        Err(ConditionError::new(self.syntax.offset(at), message))
    }

    /// An error about the name of a field or a function.
    fn name_error<T>(&self, at: &IdedExpr, message: impl Into<String>) -> Result<T> {
        Err(ConditionError::new(self.syntax.name_offset(at), message))
    }

    /// What both sides come to; what is wrong with either is told.
    fn both<A, B>(left: Result<A>, right: Result<B>) -> Result<(A, B)> {
        match (left, right) {
            (Ok(left), Ok(right)) => Ok((left, right)),
            (Err(left), Err(right)) => Err(left.and(right)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    fn bools(&mut self, left: &IdedExpr, right: &IdedExpr) -> Result<(Box<Bool>, Box<Bool>)> {
        let (left, right) = Self::both(self.bool(left), self.bool(right))?;
        Ok((Box::new(left), Box::new(right)))
    }

    fn bool(&mut self, expr: &IdedExpr) -> Result<Bool> {
        match self.any(expr)? {
            Any::Bool(bool) => Ok(bool),
            other => {
                let ask = match &other {
                    Any::List(_) | Any::Ints(_) => "; ask for its size(), or with exists(x, ...)",
                    Any::Int(_) => "; compare it, as in guest.inactive_days >= 90",
                    Any::Text(_) => "; compare it, as in guest.domain == \"partner.example\"",
                    Any::Groups => "; ask for one, as in \"name or id\" in guest.groups",
                    Any::Element(..) => "; ask for one of its fields",
                    Any::Bool(_) => "",
                };
                self.error(
                    expr,
                    format!(
                        "a condition must be true or false, and this is {}{ask}",
                        other.type_name()
                    ),
                )
            }
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
            Any::Groups => self.groups_error(expr),
            other => self.error(
                expr,
                format!("a string is needed here, and this is {}", other.type_name()),
            ),
        }
    }

    fn any(&mut self, expr: &IdedExpr) -> Result<Any> {
        if self.depth == DEEPEST {
            return self.error(
                expr,
                format!("the condition is nested more than {DEEPEST} deep"),
            );
        }
        self.depth += 1;
        let any = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => self.list(expr, &list.elements),
            Expr::Map(_) | Expr::Struct(_) => {
                self.error(expr, "maps and messages are not used in conditions")
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.error(expr, "this cannot be used in a condition")
            }
        };
        self.depth -= 1;
        any
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Result<Any> {
        match literal {
            LiteralValue::Boolean(value) => Ok(Any::Bool(Bool::Literal(*value.inner()))),
            LiteralValue::Int(value) => Ok(Any::Int(Int::Literal(*value.inner()))),
            LiteralValue::String(value) => Ok(Any::Text(Text::Plain(Plain::Literal(
                value.inner().to_owned(),
            )))),
            LiteralValue::Null => self.error(
                expr,
                "a fact is never null; has(guest.mail) asks whether there is one",
            ),
            LiteralValue::Double(_) | LiteralValue::UInt(_) => self.error(
                expr,
                "numbers are whole and plain; write 90, not 90.0 or 90u",
            ),
            LiteralValue::Bytes(_) => self.error(expr, "no fact is made of bytes; leave out the b"),
        }
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) -> Result<Any> {
        let innermost_first = self.variables.iter().rev().enumerate();
        let found = innermost_first
            .filter(|(_, variable)| variable.name == name)
            .map(|(outwards, variable)| (Element(outwards), variable.kind, variable.fact))
            .next();
        if let Some((element, kind, fact)) = found {
            self.asked.extend(fact);
            return Ok(match kind {
                Kind::Text => Any::Text(Text::Plain(Plain::Element(element))),
                Kind::Sponsor | Kind::Project | Kind::AppRole | Kind::Package => {
                    Any::Element(element, kind)
                }
            });
        }
        let variables = self
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .chain(["guest"]);
        let message = match (name, FactName::parse(name)) {
            ("guest", _) => {
                "guest is no value by itself; ask for a fact, such as guest.inactive_days"
                    .to_owned()
            }
            (_, Some(fact)) => format!("there is no variable {name}; write guest.{fact}"),
            (_, None) => match nearest(name, variables) {
                near if near.is_empty() => {
                    format!(
                        "there is no variable {name}; facts are written guest.inactive_days, strings \"in quotes\""
                    )
                }
                near => format!("there is no variable {name}{near}"),
            },
        };
        self.error(expr, message)
    }

    /// `guest` as the variable that stands for the guest, and not as one of a macro's.
    fn is_guest(&self, expr: &IdedExpr) -> bool {
        matches!(&expr.expr, Expr::Ident(name) if name == "guest")
            && !self
                .variables
                .iter()
                .any(|variable| variable.name == "guest")
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Result<Any> {
        if self.is_guest(&select.operand) {
            let fact = self.fact(expr, &select.field)?;
            return Ok(match fact.kind() {
                FactKind::Int => Any::Int(Int::Fact(fact)),
                FactKind::Bool => Any::Bool(Bool::Fact(fact)),
                FactKind::String => Any::Text(Text::Plain(Plain::Fact(fact))),
                FactKind::Sponsors => Any::List(List::Sponsors),
                FactKind::Projects => Any::List(List::Projects),
                FactKind::AppRoles => Any::List(List::AppRoles),
                FactKind::Packages => Any::List(List::Packages),
                FactKind::Strings if fact == FactName::Groups => Any::Groups,
                FactKind::Strings if fact == FactName::EligibleRoles => {
                    Any::List(List::EligibleRoles)
                }
                FactKind::Strings => Any::List(List::Roles),
            });
        }
        let (element, field) = self.field(expr, select)?;
        Ok(match field.field_type() {
            FieldType::Bool => Any::Bool(Bool::Field(element, field)),
            FieldType::Int => Any::Int(Int::Field(element, field)),
            FieldType::Text => Any::Text(Text::Plain(Plain::Field(element, field))),
        })
    }

    fn fact(&mut self, expr: &IdedExpr, name: &str) -> Result<FactName> {
        let Some(fact) = FactName::parse(name) else {
            let hint = nearest_or_all(name, FactName::ALL.iter().map(|fact| fact.as_str()));
            return self.name_error(expr, format!("there is no fact guest.{name}{hint}"));
        };
        self.asked.push(fact);
        Ok(fact)
    }

    fn field(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Result<(Element, Field)> {
        let (element, kind) = match self.any(&select.operand)? {
            Any::Element(element, kind) => (element, kind),
            Any::List(_) => {
                return self.name_error(
                    expr,
                    format!(
                        "a list has no field {}; its elements do: write .exists(x, x.{}) or .all(x, x.{})",
                        select.field, select.field, select.field
                    ),
                );
            }
            other => {
                return self.name_error(
                    expr,
                    format!("{} has no field {}", other.type_name(), select.field),
                );
            }
        };
        let (what, fields): (_, &[(&str, Field)]) = match kind {
            Kind::Sponsor => ("sponsor", &Field::SPONSOR),
            Kind::Project => ("project", &Field::PROJECT),
            Kind::AppRole => ("app role", &Field::APP_ROLE),
            Kind::Package => ("access package", &Field::PACKAGE),
            Kind::Text => ("string", &[]),
        };
        let Some((_, field)) = fields.iter().find(|(name, _)| *name == select.field) else {
            let hint = nearest_or_all(&select.field, fields.iter().map(|(name, _)| *name));
            return self.name_error(
                expr,
                format!("a {what} has no field {}{hint}", select.field),
            );
        };
        self.fields.push(*field);
        Ok((element, *field))
    }

    fn groups_error<T>(&self, at: &IdedExpr) -> Result<T> {
        self.error(
            at,
            "of guest.groups only \"name or id\" in guest.groups can be asked, with the group written out: no other groups are read than those that the policy names",
        )
    }
}
