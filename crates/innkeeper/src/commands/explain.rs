//! `explain`: everything about one guest, now or on a later day.

pub(super) mod age;
mod chain;
mod nothing;

use std::path::Path;

use anyhow::Result;
use chrono::NaiveDate;
use innkeeper_domain::case::Case;
use innkeeper_domain::facts::{FactName, Facts};
use innkeeper_domain::policy::{Condition, Rule, Truth, in_days};
use innkeeper_domain::shown::one_line;
use innkeeper_domain::verdict::relative;
use innkeeper_engine::heed_chain;
use serde_json::{Value, json};

use self::age::Ages;
use self::chain::Chains;
use super::judging::{Bench, shown};
use super::{decisions, guests};
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::output::{Rows, print, print_json};

pub(crate) async fn run(
    global: &Global,
    text: &str,
    day: Option<NaiveDate>,
    tried: Option<&Path>,
) -> Result<Exit> {
    let (bench, mut tx, row) = Bench::with_guest(global, tried, text).await?;
    let bench = match day {
        Some(day) => bench.on(day)?,
        None => bench,
    };
    let chains = Chains::of(&bench, &mut tx, &row.view).await?;
    let ages = Ages::of(&bench, &mut tx).await?;
    let judge = bench.judge();
    let facts = judge.facts(&row.view);
    let verdict = judge.judge(&row.view).verdict;
    let (tenant, named) = (bench.tenant, &bench.named_groups);
    let verdict = heed_chain(&mut tx, tenant, &bench.policy, &row.view, named, verdict).await?;
    drop(tx);
    let outcomes = outcomes(&bench, &facts, &row.view.cases);
    let record = &row.view.record;
    let guest = &record.guest;
    let nothing = nothing::why(&verdict, record, &bench, &facts);
    bench.tell(global.output)?;
    match global.output {
        Output::Json => print_json(&json!({
            "guest_id": guest.id,
            "upn": guest.upn,
            "mail": guest.mail,
            "at": bench.now,
            "policy": bench.standing.object(),
            "observed": bench.observation.finished,
            "facts": FactName::ALL.iter().map(|name| fact_object(*name, &facts, &ages)).collect::<Vec<_>>(),
            "protections": outcomes.protections.iter().map(Judged::object).collect::<Vec<_>>(),
            "rules": outcomes.rules.iter().map(Judged::object).collect::<Vec<_>>(),
            "decisions": row.view.decisions.iter().map(|decision| decisions::object(decision, bench.now)).collect::<Vec<_>>(),
            "chains": chains.object(),
            "verdict": verdict.as_str(),
            "rule": verdict.rule(),
            "stage": verdict.stage(),
            "action": verdict.action(),
            "due": verdict.due(),
            "reason": verdict.reason(),
            "nothing_happens_because": nothing,
            "remains": guests::remains(&row.view, bench.now),
        }))?,
        Output::Csv => fact_rows(&facts, &ages).print_csv()?,
        Output::Table => {
            let name = one_line(guest.display_name.as_deref().unwrap_or(&guest.upn));
            let mail = guest.mail.as_deref().unwrap_or(&guest.upn);
            print(&format!(
                "{name} <{mail}>, observed {}\n\n",
                bench.observation.finished.format("%Y-%m-%d %H:%M UTC")
            ))?;
            if let Some(day) = day {
                print(&format!(
                    "As of {day}, if nothing is observed and no stage carried out until then; `innkeeper forecast` carries them out.\n\n"
                ))?;
            }
            fact_rows(&facts, &ages).print_table(usize::MAX)?;
            print("\n")?;
            outcomes.rows().print_table(usize::MAX)?;
            let due = verdict
                .due()
                .map(|due| format!("\n  {} ({})", shown(Some(due)), relative(due, bench.now)))
                .unwrap_or_default();
            let nothing = nothing
                .map(|because| format!("\n  Nothing happens: {because}."))
                .unwrap_or_default();
            let decisions = decisions::lines(&row.view, bench.now);
            if !decisions.is_empty() {
                print(&format!("\nDecided by people:\n{decisions}"))?;
            }
            print(&chains.lines())?;
            if let Some(remains) = guests::remains(&row.view, bench.now) {
                print(&format!("\nWhat remains: {remains}.\n"))?;
            }
            print(&format!(
                "\nVerdict: {}\n  {}{due}{nothing}\n",
                verdict.as_str(),
                verdict.reason()
            ))?;
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn fact_rows(facts: &Facts<'_>, ages: &Ages) -> Rows {
    let mut rows = Rows::new(["fact", "value", "as_of", "source"]);
    for name in FactName::ALL {
        rows.push([
            name.to_string(),
            facts.shown(*name),
            ages.shown(*name),
            name.source().to_owned(),
        ]);
    }
    rows
}

pub(super) fn fact_object(name: FactName, facts: &Facts<'_>, ages: &Ages) -> Value {
    json!({ "fact": name, "value": facts.shown(name), "as_of": ages.as_of(name), "source": name.source() })
}

/// What one rule or protection made of the guest.
struct Judged<'b> {
    name: &'b str,
    condition: &'b Condition,
    truth: Truth,
    because: String,
    case: String,
}

pub(super) struct Outcomes<'b> {
    protections: Vec<Judged<'b>>,
    rules: Vec<Judged<'b>>,
}

pub(super) fn outcomes<'b>(bench: &'b Bench, facts: &Facts<'_>, cases: &[Case]) -> Outcomes<'b> {
    let judged = |name: &'b str, condition: &'b Condition, case: String| Judged {
        name,
        condition,
        truth: condition.judge(facts),
        because: condition.because(facts),
        case,
    };
    let protections = bench.policy.protections.iter();
    let protections = protections
        .map(|protection| judged(protection.name.as_str(), &protection.when, String::new()))
        .collect();
    let rules = bench
        .policy
        .rules
        .iter()
        .map(|rule| judged(rule.name.as_str(), &rule.when, progress(bench, rule, cases)))
        .collect();
    Outcomes { protections, rules }
}

/// How far the rule's case is.
fn progress(bench: &Bench, rule: &Rule, cases: &[Case]) -> String {
    let Some(case) = cases.iter().find(|case| case.rule == rule.name) else {
        return "no case".to_owned();
    };
    let done = case
        .done
        .iter()
        .map(|action| action.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let done = if done.is_empty() {
        "nothing done yet".to_owned()
    } else {
        format!("done: {done}")
    };
    let next = match case.next(&rule.stages) {
        Some((_, stage)) => {
            let left = case.wait_left(stage, bench.judge().watched);
            let when = if left > chrono::TimeDelta::zero() {
                format!("in {}", in_days(left))
            } else {
                "now".to_owned()
            };
            format!("next: {} {when}", stage.action)
        }
        None => "every stage is done".to_owned(),
    };
    format!("opened {}; {done}; {next}", shown(Some(case.opened)))
}

impl Outcomes<'_> {
    pub(super) fn rows(&self) -> Rows {
        let mut rows = Rows::new(["rule", "holds", "condition", "because", "case"]);
        let protections = self
            .protections
            .iter()
            .map(|judged| ("protection ", judged));
        for (kind, judged) in protections.chain(self.rules.iter().map(|judged| ("", judged))) {
            let Judged {
                name,
                condition,
                truth,
                because,
                case,
            } = judged;
            rows.push([
                format!("{kind}{name}"),
                word(*truth),
                condition.source().to_owned(),
                because.clone(),
                case.clone(),
            ]);
        }
        rows
    }
}

impl Judged<'_> {
    fn object(&self) -> Value {
        let Self {
            name,
            condition,
            truth,
            because,
            case,
        } = self;
        json!({ "name": name, "holds": word(*truth), "condition": condition.source(), "because": because, "case": case })
    }
}

fn word(truth: Truth) -> String {
    match truth {
        Truth::True => "yes".to_owned(),
        Truth::False => "no".to_owned(),
        Truth::Unknown(fact) => format!("unknown: guest.{fact}"),
    }
}
