//! Printing what was found.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::finding::{Advice, Finding, Report};
use crate::cli::Output;
use crate::output::{self, Rows, print_json};

pub(super) fn print(report: &Report, how: Output) -> Result<()> {
    match how {
        Output::Table => {
            table(report).print_table(usize::MAX)?;
            output::print(&in_words(report))
        }
        Output::Json => print_json(&as_json(report)),
        Output::Csv => rows(report).print_csv(),
    }
}

fn table(report: &Report) -> Rows {
    rows(report).without(&["why", "fix"])
}

fn rows(report: &Report) -> Rows {
    let mut rows = Rows::new(["state", "tenant", "check", "what", "why", "fix"]);
    for (tenant, finding) in &report.findings {
        let Finding { check, what, state } = finding;
        let advice = state.advice();
        rows.push([
            state.as_str().to_owned(),
            tenant.clone().unwrap_or_default(),
            check.as_str().to_owned(),
            what.clone(),
            advice.map(|advice| advice.why.clone()).unwrap_or_default(),
            advice.map(|advice| advice.fix.clone()).unwrap_or_default(),
        ]);
    }
    rows
}

/// What needs a person, what is wrong before what is not sure to be; then when the daemon runs, and the conclusion.
fn in_words(report: &Report) -> String {
    let of_state = |word: &'static str| {
        report
            .findings
            .iter()
            .filter(move |(_, finding)| finding.state.as_str() == word)
    };
    let mut text = String::new();
    for (tenant, finding) in of_state("wrong").chain(of_state("warning")) {
        let Finding { check, what, state } = finding;
        let Some(Advice { why, fix }) = state.advice() else {
            continue;
        };
        let about = match tenant {
            Some(tenant) => format!("{tenant}, {}", check.as_str()),
            None => check.as_str().to_owned(),
        };
        text += &format!(
            "\n{state}: {about}\n  what is wrong:  {what}\n  why it matters: {why}\n  what to do:     {fix}\n",
            state = state.as_str(),
        );
    }
    if let Some(runs) = &report.runs {
        text += &format!("\nThe next runs, in {}:\n", runs.zone);
        for run in &runs.next {
            let local = run.with_timezone(&runs.zone);
            text += &format!("  {}\n", local.format("%a %Y-%m-%d %H:%M %Z"));
        }
    }
    let (wrong, warnings) = (of_state("wrong").count(), of_state("warning").count());
    text += &match (wrong, warnings) {
        (0, 0) => "\nNothing is wrong.\n".to_owned(),
        (0, warnings) => format!("\nNothing would stop the daemon; warnings: {warnings}.\n"),
        (wrong, warnings) => {
            format!("\nThe daemon would not do its work; wrong: {wrong}, warnings: {warnings}.\n")
        }
    };
    text
}

fn as_json(report: &Report) -> Value {
    let check = |(tenant, finding): &(Option<String>, Finding)| {
        let Finding { check, what, state } = finding;
        let advice = state.advice();
        json!({
            "tenant": tenant,
            "check": check.as_str(),
            "state": state.as_str(),
            "what": what,
            "why": advice.map(|advice| &advice.why),
            "fix": advice.map(|advice| &advice.fix),
        })
    };
    let runs = report.runs.as_ref();
    let next: Vec<String> = runs.map_or_else(Vec::new, |runs| {
        let at = |run: &DateTime<Utc>| {
            run.with_timezone(&runs.zone)
                .to_rfc3339_opts(SecondsFormat::Secs, true)
        };
        runs.next.iter().map(at).collect()
    });
    json!({
        "healthy": report.is_healthy(),
        "checks": report.findings.iter().map(check).collect::<Vec<_>>(),
        "time_zone": runs.map(|runs| runs.zone.name()),
        "next_runs": next,
    })
}
