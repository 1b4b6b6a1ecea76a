//! `policy test`: a policy's cases, run like unit tests.

use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::trial::{self, Expectation, Outcome, Trial};
use innkeeper_engine::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{files, read};
use crate::cli::{Global, Output};
use crate::exit::{Exit, UsageError};
use crate::output::{Rows, print, print_json};

/// One policy's cases, run.
struct Tried {
    policy: PathBuf,
    cases: PathBuf,
    results: Vec<(Trial, Outcome)>,
    /// The rules that no case expects to hold.
    untried: Vec<String>,
}

pub(crate) fn run(global: &Global, file: Option<&Path>, cases: Option<&Path>) -> Result<Exit> {
    let files = files(global, file)?;
    if cases.is_some() && files.len() != 1 {
        let message = "--cases is for one policy; name the policy too";
        return Err(UsageError(message.to_owned()).into());
    }
    let now = SystemClock.now();
    let tried: Result<Vec<Tried>> = files
        .into_iter()
        .map(|policy| {
            let cases = cases.map_or_else(|| policy.with_extension("test.toml"), Path::to_owned);
            Tried::of(policy, cases, now)
        })
        .collect();
    let tried = tried?;
    match global.output {
        Output::Json => print_json(&tried.iter().map(Tried::object).collect())?,
        Output::Csv => rows(&tried).print_csv()?,
        Output::Table => {
            for one in &tried {
                print(&one.text())?;
            }
        }
    }
    let failed = tried.iter().any(|one| one.failed() > 0);
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

impl Tried {
    fn of(policy: PathBuf, cases: PathBuf, now: DateTime<Utc>) -> Result<Self> {
        let text = read(&policy, "policy")?;
        let checked = Policy::parse(&policy.display().to_string(), &text)?;
        let text = read(&cases, "file of cases")?;
        let trials = trial::read(&cases.display().to_string(), &text, &checked)?;
        let is_tried = |rule: &str| {
            trials
                .iter()
                .any(|trial| trial.expect.rule.as_deref() == Some(rule))
        };
        let rules = checked.rules.iter().map(|rule| rule.name.as_str());
        Ok(Self {
            untried: rules
                .filter(|rule| !is_tried(rule))
                .map(ToOwned::to_owned)
                .collect(),
            results: trials
                .iter()
                .map(|trial| (trial.clone(), trial.run(&checked, now)))
                .collect(),
            policy,
            cases,
        })
    }

    fn failed(&self) -> usize {
        let failed = |(_, outcome): &&(Trial, Outcome)| !outcome.passed;
        self.results.iter().filter(failed).count()
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.policy.display());
        for (trial, outcome) in &self.results {
            if outcome.passed {
                text.push_str(&format!("  ok      {}\n", trial.name));
                continue;
            }
            text.push_str(&format!(
                "  FAILED  {}\n          at       {}:{}\n          expected {}\n          actual   {}\n          because  {}\n",
                trial.name,
                self.cases.display(),
                trial.line,
                trial.expect,
                outcome.actual,
                outcome.reason
            ));
        }
        for rule in &self.untried {
            text.push_str(&format!("  note: no case expects the rule {rule:?}\n"));
        }
        let failed = self.failed();
        text.push_str(&format!(
            "{} ok, {failed} failed\n",
            self.results.len() - failed
        ));
        text
    }

    fn object(&self) -> Value {
        let result = |(trial, outcome): &(Trial, Outcome)| {
            json!({
                "name": trial.name,
                "line": trial.line,
                "passed": outcome.passed,
                "expected": object(&trial.expect),
                "actual": object(&outcome.actual),
                "reason": outcome.reason,
            })
        };
        json!({
            "policy": self.policy.display().to_string(),
            "cases": self.cases.display().to_string(),
            "passed": self.results.len() - self.failed(),
            "failed": self.failed(),
            "untried_rules": self.untried,
            "results": self.results.iter().map(result).collect::<Vec<_>>(),
        })
    }
}

fn object(expectation: &Expectation) -> Value {
    let Expectation {
        verdict,
        rule,
        action,
        due_in_days,
        fact,
    } = expectation;
    json!({ "verdict": verdict, "rule": rule, "action": action, "due_in_days": due_in_days, "fact": fact })
}

fn rows(tried: &[Tried]) -> Rows {
    let mut rows = Rows::new([
        "policy", "line", "case", "outcome", "expected", "actual", "reason",
    ]);
    for one in tried {
        for (trial, outcome) in &one.results {
            rows.push([
                one.policy.display().to_string(),
                trial.line.to_string(),
                trial.name.clone(),
                if outcome.passed { "ok" } else { "failed" }.to_owned(),
                trial.expect.to_string(),
                outcome.actual.to_string(),
                outcome.reason.clone(),
            ]);
        }
    }
    rows
}
