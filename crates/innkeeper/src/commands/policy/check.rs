//! `policy check`: everything that is wrong with a policy, and what is odd about it.

use std::path::Path;

use anyhow::Result;
use innkeeper_domain::policy::{Policy, Problem, Problems, Warning};
use serde_json::{Value, json};

use super::{files, read};
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::output::{Rows, print, print_json};

/// What was found in one file.
struct Checked {
    file: String,
    outcome: Result<(Policy, Vec<Warning>), Problems>,
}

pub(crate) fn run(global: &Global, file: Option<&Path>) -> Result<Exit> {
    let mut checked = Vec::new();
    for file in files(global, file)? {
        let text = read(&file, "policy")?;
        let file = file.display().to_string();
        let outcome = Policy::check(&file, &text);
        checked.push(Checked { file, outcome });
    }
    match global.output {
        Output::Json => print_json(&checked.iter().map(Checked::object).collect())?,
        Output::Csv => rows(&checked).print_csv()?,
        Output::Table => {
            for one in &checked {
                one.print()?;
            }
        }
    }
    let is_good = checked.iter().all(|one| one.outcome.is_ok());
    Ok(if is_good { Exit::Ok } else { Exit::Usage })
}

impl Checked {
    fn print(&self) -> Result<()> {
        let Self { file, outcome } = self;
        match outcome {
            Ok((policy, warnings)) => {
                for warning in warnings {
                    print(&format!("{}\n", shown(file, warning)))?;
                }
                print(&format!(
                    "{file}: {} rules, {} protections, {} projects, {} warnings; hash {}\n",
                    policy.rules.len(),
                    policy.protections.len(),
                    policy.projects.len(),
                    warnings.len(),
                    policy.hash
                ))
            }
            Err(problems) => {
                eprintln!("innkeeper: {problems}");
                Ok(())
            }
        }
    }

    fn object(&self) -> Value {
        let Self { file, outcome } = self;
        match outcome {
            Ok((policy, warnings)) => json!({
                "file": file,
                "hash": policy.hash,
                "rules": policy.rules.len(),
                "protections": policy.protections.len(),
                "projects": policy.projects.len(),
                "problems": [],
                "warnings": warnings.iter().map(warning_object).collect::<Vec<_>>(),
            }),
            Err(Problems { problems, .. }) => json!({
                "file": file,
                "problems": problems.iter().map(problem_object).collect::<Vec<_>>(),
                "warnings": [],
            }),
        }
    }
}

/// A warning as one line.
pub(crate) fn shown(file: &str, warning: &Warning) -> String {
    let Warning { line, column, .. } = warning;
    format!("{file}:{line}:{column}: warning: {warning}")
}

fn warning_object(warning: &Warning) -> Value {
    let Warning {
        kind,
        line,
        column,
        subject,
        name,
        message,
    } = warning;
    json!({
        "kind": kind.as_str(),
        "line": line,
        "column": column,
        "subject": subject.as_str(),
        "name": name,
        "message": message,
    })
}

fn problem_object(problem: &Problem) -> Value {
    let Problem {
        line,
        column,
        message,
    } = problem;
    json!({ "line": line, "column": column, "message": message })
}

fn rows(checked: &[Checked]) -> Rows {
    let mut rows = Rows::new([
        "file", "line", "column", "severity", "kind", "subject", "name", "message",
    ]);
    for Checked { file, outcome } in checked {
        match outcome {
            Ok((_, warnings)) => {
                for warning in warnings {
                    rows.push([
                        file.clone(),
                        warning.line.to_string(),
                        warning.column.to_string(),
                        "warning".to_owned(),
                        warning.kind.as_str().to_owned(),
                        warning.subject.as_str().to_owned(),
                        warning.name.clone(),
                        warning.message.clone(),
                    ]);
                }
            }
            Err(Problems { problems, .. }) => {
                for problem in problems {
                    rows.push([
                        file.clone(),
                        problem.line.to_string(),
                        problem.column.to_string(),
                        "problem".to_owned(),
                        String::new(),
                        String::new(),
                        String::new(),
                        problem.message.clone(),
                    ]);
                }
            }
        }
    }
    rows
}
