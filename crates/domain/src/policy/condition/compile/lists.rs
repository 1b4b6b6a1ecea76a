//! List literals, and the macros over lists.

use cel::common::ast::{Expr, IdedExpr};

use super::{Any, Compiler, Result, Variable};
use crate::facts::FactName;
use crate::policy::condition::tree::{Bool, List, Text};

impl Compiler<'_> {
    pub(super) fn list(&mut self, expr: &IdedExpr, elements: &[IdedExpr]) -> Result<Any> {
        let mut texts = Vec::new();
        let mut ints = Vec::new();
        for element in elements {
            match self.any(element)? {
                Any::Text(Text::Plain(text)) => texts.push(text),
                Any::Text(Text::Lower(_) | Text::Upper(_) | Text::If(..)) => {
                    return self.error(
                        element,
                        "a list holds strings as they are, none made by lowerAscii, upperAscii or ?:",
                    );
                }
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

    pub(super) fn macro_over(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        list_expr: &IdedExpr,
        variable: &IdedExpr,
        body: &IdedExpr,
    ) -> Result<Any> {
        if !["exists", "exists_one", "all", "filter"].contains(&name) {
            return self.unknown(expr, name);
        }
        let list = match self.any(list_expr)? {
            Any::List(list) => list,
            Any::Groups => return self.groups_error(list_expr),
            other => {
                return self.error(
                    list_expr,
                    format!(
                        "{name} goes through a list of sponsors, projects or strings, and this is {}",
                        other.type_name()
                    ),
                );
            }
        };
        let Expr::Ident(variable_name) = &variable.expr else {
            return self.error(
                variable,
                format!("the first argument of {name} is a name for the element, such as x"),
            );
        };
        self.variables.push(Variable {
            name: variable_name.clone(),
            kind: list.kind(),
            fact: fact_of(&list),
        });
        let body = self.bool(body);
        self.variables.pop();
        let body = Box::new(body?);
        Ok(match name {
            "exists" => Any::Bool(Bool::Exists(list, body)),
            "exists_one" => Any::Bool(Bool::ExistsOne(list, body)),
            "all" => Any::Bool(Bool::All(list, body)),
            _ => Any::List(List::Filter(Box::new(list), body)),
        })
    }
}

/// The fact whose list it is; `None` when it is written out.
fn fact_of(list: &List) -> Option<FactName> {
    match list {
        List::Sponsors => Some(FactName::Sponsors),
        List::Projects => Some(FactName::Projects),
        List::Roles => Some(FactName::Roles),
        List::EligibleRoles => Some(FactName::EligibleRoles),
        List::AppRoles => Some(FactName::AppRoles),
        List::Packages => Some(FactName::AccessPackages),
        List::Texts(_) => None,
        List::Filter(list, _) => fact_of(list),
    }
}
