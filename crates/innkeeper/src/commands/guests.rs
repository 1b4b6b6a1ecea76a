//! `guests list` and `guests show`.

use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::containment;
use innkeeper_domain::facts::{FactName, Facts};
use innkeeper_domain::guest::{GuestRecord, GuestView, Invitation};
use innkeeper_domain::shown::one_line;
use innkeeper_domain::verdict::Verdict;
use innkeeper_engine::final_day as final_day_of;
use innkeeper_store::{CaseRow, IntentRow, RowKey};
use serde_json::{Value, json};

use super::attestations;
use super::decisions;
use super::judging::{Bench, shown};
use crate::cli::{Global, Output, VerdictWord};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// Guests read between two looks at the store.
const PAGE: u32 = 1_000;

/// Deleted guests shown at most.
const DELETED: u32 = 200;

pub(crate) async fn list(
    global: &Global,
    verdict: Option<VerdictWord>,
    rule: Option<&str>,
    tried: Option<&Path>,
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(&installation, global, tried, &mut tx).await?;
    let judge = bench.judge();
    let mut rows = Rows::new([
        "guest_id",
        "upn",
        "mail",
        "enabled",
        "last_sign_in",
        "verdict",
        "rule",
        "next",
        "due",
        "reason",
        "final_day",
    ]);
    let mut objects = Vec::new();
    bench.tell(global.output)?;
    let mut after: Option<RowKey> = None;
    loop {
        let page = tx.guest_rows(bench.tenant, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key);
        for row in &page {
            let found = judge.judge(&row.view).verdict;
            let is_wanted = verdict.is_none_or(|wanted| word(wanted) == found.as_str())
                && rule
                    .is_none_or(|wanted| found.rule().is_some_and(|rule| rule.as_str() == wanted));
            if is_wanted {
                rows.push(columns(&row.view, &found));
                if global.output == Output::Json {
                    objects.push(object(&bench, &row.view, &found));
                }
            }
        }
    }
    // For 30 days they are not altogether gone.
    let (now, limit) = (bench.now, DELETED);
    let since = now - (final_day_of(now) - now);
    let deleted = tx
        .deleted_by_us_between(bench.tenant, since, now, limit)
        .await?;
    match global.output {
        Output::Table => {
            rows.without(&["guest_id", "mail", "final_day"])
                .print_table(usize::MAX)?;
            print(&format!(
                "{} guests, as observed {}\n",
                rows.len(),
                bench.observation.finished.format("%Y-%m-%d %H:%M UTC")
            ))?;
            let deleted = deleted_rows(&deleted);
            if !deleted.is_empty() {
                print(
                    "\nDeleted by Innkeeper; until the final day `innkeeper undo <guest_id>` brings them back:\n",
                )?;
                deleted.print_table(usize::MAX)?;
            }
        }
        Output::Csv => {
            // Nobody judges them any more, so they are among no verdict and no rule.
            if verdict.is_none() && rule.is_none() {
                for record in &deleted {
                    rows.push(deleted_columns(record));
                }
            }
            rows.print_csv()?;
        }
        Output::Json => {
            if verdict.is_none() && rule.is_none() {
                objects.extend(deleted.iter().map(deleted_object));
            }
            print_json(&Value::Array(objects))?;
        }
    }
    Ok(Exit::Ok)
}

/// Those who can still be brought back, the first to be gone for good first.
fn deleted_rows(deleted: &[GuestRecord]) -> Rows {
    let mut rows = Rows::new(["guest_id", "upn", "deleted", "final day"]);
    for record in deleted {
        if let Some(at) = record.deleted_by_us {
            rows.push([
                record.guest.id.to_string(),
                record.guest.upn.clone(),
                shown(Some(at)),
                final_day_of(at).date_naive().to_string(),
            ]);
        }
    }
    rows
}

fn deleted_columns(record: &GuestRecord) -> [String; 11] {
    let guest = &record.guest;
    let mut columns = [const { String::new() }; 11];
    columns[0] = guest.id.to_string();
    columns[1].clone_from(&guest.upn);
    columns[2] = guest.mail.clone().unwrap_or_default();
    columns[4] = shown(guest.sign_ins.last());
    columns[5] = "deleted".to_owned();
    columns[10] = final_day(record).map_or_else(String::new, |day| day.to_string());
    columns
}

fn deleted_object(record: &GuestRecord) -> Value {
    let guest = &record.guest;
    json!({
        "guest_id": guest.id,
        "upn": guest.upn,
        "mail": guest.mail,
        "display_name": guest.display_name,
        "created": guest.created,
        "last_sign_in": guest.sign_ins.last(),
        "verdict": "deleted",
        "deleted": record.deleted_by_us,
        "final_day": final_day(record),
    })
}

fn word(verdict: VerdictWord) -> &'static str {
    match verdict {
        VerdictWord::Keep => "keep",
        VerdictWord::Wait => "wait",
        VerdictWord::Act => "act",
        VerdictWord::Protected => "protected",
        VerdictWord::Unknown => "unknown",
    }
}

fn columns(view: &GuestView, verdict: &Verdict) -> [String; 11] {
    let guest = &view.record.guest;
    [
        guest.id.to_string(),
        guest.upn.clone(),
        guest.mail.clone().unwrap_or_default(),
        guest
            .enabled
            .map(|enabled| if enabled { "yes" } else { "no" })
            .unwrap_or_default()
            .to_owned(),
        shown(guest.sign_ins.last()),
        verdict.as_str().to_owned(),
        verdict.rule().map(ToString::to_string).unwrap_or_default(),
        verdict.action().unwrap_or_default().to_owned(),
        shown(verdict.due()),
        verdict.reason(),
        String::new(),
    ]
}

fn object(bench: &Bench, view: &GuestView, verdict: &Verdict) -> Value {
    let guest = &view.record.guest;
    json!({
        "guest_id": guest.id,
        "upn": guest.upn,
        "mail": guest.mail,
        "display_name": guest.display_name,
        "enabled": guest.enabled,
        "created": guest.created,
        "last_sign_in": guest.sign_ins.last(),
        "policy": bench.standing.object(),
        "verdict": verdict.as_str(),
        "rule": verdict.rule(),
        "stage": verdict.stage(),
        "action": verdict.action(),
        "due": verdict.due(),
        "reason": verdict.reason(),
        "final_day": Value::Null,
    })
}

pub(crate) async fn show(global: &Global, text: &str, tried: Option<&Path>) -> Result<Exit> {
    let (bench, mut tx, row) = Bench::with_guest(global, tried, text).await?;
    let id = row.view.record.guest.id;
    let cases = tx.cases_of(bench.tenant, id).await?;
    let intents = tx.intents_of(bench.tenant, id).await?;
    let judge = bench.judge();
    let facts = judge.facts(&row.view);
    let verdict = judge.judge(&row.view).verdict;
    if global.output == Output::Json {
        let mut object = object(&bench, &row.view, &verdict);
        object["gone"] = json!(row.view.record.gone);
        object["disabled_by_innkeeper"] = json!(row.view.record.disabled_by_us);
        object["deleted_by_innkeeper"] = json!(row.view.record.deleted_by_us);
        object["remains"] = json!(remains(&row.view, bench.now));
        object["final_day"] = json!(final_day(&row.view.record));
        object["sponsors"] = json!(facts.shown(FactName::Sponsors));
        object["groups"] = json!(
            row.view
                .groups
                .iter()
                .map(|group| &group.name)
                .collect::<Vec<_>>()
        );
        object["roles"] = json!(row.view.roles);
        object["decisions"] = row
            .view
            .decisions
            .iter()
            .map(|decision| decisions::object(decision, bench.now))
            .collect();
        object["attestations"] = attestations::objects(&row.view.attestations, bench.now);
        object["cases"] = cases.iter().map(case_object).collect();
        object["actions"] = intents.iter().map(intent_object).collect();
        print_json(&object)?;
        return Ok(Exit::Ok);
    }
    bench.tell(global.output)?;
    let history = history(&cases, &intents);
    if global.output == Output::Csv {
        history.print_csv()?;
        return Ok(Exit::Ok);
    }
    print(&description(&row.view, &facts, &verdict))?;
    let decisions = decisions::lines(&row.view, bench.now);
    if !decisions.is_empty() {
        print(&format!("decided by people:\n{decisions}\n"))?;
    }
    let said = attestations::lines(&row.view.attestations, bench.now);
    if !said.is_empty() {
        print(&format!("said by those answerable:\n{said}\n"))?;
    }
    if let Some(remains) = remains(&row.view, bench.now) {
        print(&format!("what remains: {remains}.\n\n"))?;
    }
    history.print_table(usize::MAX)?;
    Ok(Exit::Ok)
}

/// What a guest that Innkeeper disabled or deleted can still do.
pub(super) fn remains(view: &GuestView, now: DateTime<Utc>) -> Option<String> {
    let record = &view.record;
    let taken = record.disabled_by_us.or(record.deleted_by_us)?;
    Some(containment::remains(taken, now))
}

/// When Entra lets go of a guest for good that Innkeeper deleted.
pub(super) fn final_day(record: &GuestRecord) -> Option<NaiveDate> {
    let deleted = record.deleted_by_us?;
    Some(final_day_of(deleted).date_naive())
}

fn description(view: &GuestView, facts: &Facts<'_>, verdict: &Verdict) -> String {
    let record = &view.record;
    let guest = &record.guest;
    let invitation = match guest.invitation {
        Invitation::Pending { since } => format!("not redeemed, sent {}", shown(since)),
        Invitation::Accepted { at } => format!("redeemed {}", shown(at)),
        Invitation::None => "none".to_owned(),
        Invitation::Unrecognised => {
            "in a state that Graph did not tell, or that Innkeeper does not know".to_owned()
        }
    };
    let enabled = match (guest.enabled, record.disabled_by_us) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), Some(at)) => format!("no, disabled by Innkeeper {}", shown(Some(at))),
        (Some(false), None) => "no".to_owned(),
        (None, _) => "not known".to_owned(),
    };
    let gone = match (record.gone, record.deleted_by_us) {
        (_, Some(at)) => format!(
            "deleted by Innkeeper {}; Entra lets go of it for good on {}, until then `innkeeper undo {}` brings it back\n",
            shown(Some(at)),
            final_day_of(at).date_naive(),
            guest.id
        ),
        (Some(at), None) => format!("no longer in the directory since {}\n", shown(Some(at))),
        (None, None) => String::new(),
    };
    format!(
        "{name} <{mail}>\n  object id    {id}\n  UPN          {upn}\n  enabled      {enabled}\n  created      {created}\n  \
         invitation   {invitation}\n  last sign-in {last} ({reading})\n  sponsors     {sponsors}\n  projects     {projects}\n  \
         roles        {roles}\n  verdict      {verdict}: {reason}\n{gone}\n",
        name = one_line(guest.display_name.as_deref().unwrap_or("(no name)")),
        mail = guest.mail.as_deref().unwrap_or("no address"),
        id = guest.id,
        upn = guest.upn,
        created = shown(guest.created),
        last = guest
            .sign_ins
            .last()
            .map_or_else(|| "not known".to_owned(), |at| shown(Some(at))),
        reading = record.reading.as_str(),
        sponsors = facts.shown(FactName::Sponsors),
        projects = facts.shown(FactName::Projects),
        roles = facts.shown(FactName::Roles),
        verdict = verdict.as_str(),
        reason = verdict.reason(),
    )
}

fn history(cases: &[CaseRow], intents: &[IntentRow]) -> Rows {
    let mut events: Vec<(DateTime<Utc>, [String; 3])> = Vec::new();
    for CaseRow { case, closed } in cases {
        events.push((
            case.opened,
            [
                case.rule.to_string(),
                "case opened".to_owned(),
                String::new(),
            ],
        ));
        if let Some((at, closing)) = closed {
            events.push((
                *at,
                [
                    case.rule.to_string(),
                    "case closed".to_owned(),
                    closing.to_string(),
                ],
            ));
        }
    }
    for IntentRow {
        intent, outcome, ..
    } in intents
    {
        let (at, outcome) = match outcome {
            Some((at, outcome)) => (*at, outcome.to_string()),
            None => (intent.created, "open: the next cycle settles it".to_owned()),
        };
        events.push((
            at,
            [
                intent.rule.to_string(),
                intent.call.as_str().to_owned(),
                outcome,
            ],
        ));
    }
    events.sort_by_key(|(at, _)| *at);
    let mut rows = Rows::new(["when", "rule", "what", "outcome"]);
    for (at, [rule, what, outcome]) in events {
        rows.push([at.format("%Y-%m-%d %H:%M").to_string(), rule, what, outcome]);
    }
    rows
}

pub(super) fn case_object(row: &CaseRow) -> Value {
    let CaseRow { case, closed } = row;
    json!({
        "case_id": case.id,
        "rule": case.rule,
        "opened": case.opened,
        "done": case.done,
        "closed": closed.as_ref().map(|(at, _)| at),
        "closing": closed.as_ref().map(|(_, closing)| closing.to_string()),
    })
}

pub(super) fn intent_object(row: &IntentRow) -> Value {
    let IntentRow {
        intent,
        outcome,
        trace,
    } = row;
    json!({
        "intent_id": intent.id,
        "rule": intent.rule,
        "stage": intent.stage,
        "call": intent.call,
        "intended": intent.created,
        "concluded": outcome.as_ref().map(|(at, _)| at),
        "outcome": outcome.as_ref().map(|(_, outcome)| outcome),
        "request_id": trace.request_id,
        "client_request_id": trace.client_request_id,
    })
}
