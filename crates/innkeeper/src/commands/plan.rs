//! `plan`: observe and decide, and show what would be done.

use std::collections::HashMap;

use anyhow::Result;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::observation::{Counts, Health};
use innkeeper_domain::plan::{Plan, Refusal};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::verdict::{Conclusion, Verdict};
use innkeeper_engine::{Report, Tenant};
use innkeeper_store::{Store, StoreError};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::backlog::Pace;
use super::judging::shown;
use super::plans::waits;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::{Access, Installation, open_tenant};
use crate::oddities;
use crate::output::{Rows, print, print_json};
use crate::progress::Bars;
use crate::standing;

/// Bad dates shown one by one.
const BAD_DATES: usize = 5;

/// Rows shown of what comes next.
const COMING: usize = 20;

/// Guests read between two looks at the store.
const PAGE: u32 = 1_000;

type Upns = HashMap<GuestId, String>;

pub(crate) async fn run(global: &Global, changes: bool) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = Tenant {
        whole_every: installation.config.whole_every().filter(|_| changes),
        ..open_tenant(installation.tenant(global)?, Access::Read)?
    };
    for oddity in oddities::unsaid(&installation.store, &tenant).await? {
        eprintln!("{}: {oddity}", tenant.name);
    }
    let bars = Bars::new(global.quiet);
    let report = installation
        .engine()
        .cycle(&tenant, &bars, &CancellationToken::new())
        .await;
    bars.clear();
    let report = report?;
    let (upns, bad_dates) = upns(&installation.store, tenant.id, &tenant.policy.policy).await?;
    warn_of_bad_dates(&tenant.policy.policy, &bad_dates);
    let pace = Pace::of(
        &installation.config.schedule,
        report.plan.observation.finished,
    );
    match global.output {
        Output::Json => print_json(&document(&tenant.name, &report, pace, &upns))?,
        Output::Csv => rows(report.plan.verdicts.iter(), &upns).print_csv()?,
        Output::Table => print_plan(&tenant.name, &report, pace, &upns)?,
    }
    Ok(exit(&report))
}

/// What a plan ends with: refused when it cannot be believed.
fn exit(report: &Report) -> Exit {
    match &report.plan.observation.health {
        Health::Unhealthy { .. } => Exit::Failed,
        Health::Healthy if report.plan.steps().next().is_some() => Exit::SomethingToDo,
        Health::Healthy => Exit::Ok,
    }
}

/// A guest's UPN, and the value of its attribute that should be a date.
type BadDate = (String, String);

/// The guests' names, and those whose attribute is no date.
async fn upns(
    store: &Store,
    tenant: TenantId,
    policy: &Policy,
) -> Result<(Upns, Vec<BadDate>), StoreError> {
    let mut tx = store.read().await?;
    let (mut upns, mut bad_dates) = (Upns::new(), Vec::new());
    let mut after = None;
    loop {
        let page = tx.guest_rows(tenant, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok((upns, bad_dates));
        };
        after = Some(last.key);
        let guests = page.iter().map(|row| &row.view.record.guest);
        bad_dates.extend(guests.filter_map(|guest| {
            let value = policy.expiry.bad_date(guest)?;
            Some((guest.upn.clone(), value.to_owned()))
        }));
        upns.extend(
            page.into_iter()
                .map(|row| (row.view.record.guest.id, row.view.record.guest.upn)),
        );
    }
}

fn warn_of_bad_dates(policy: &Policy, bad_dates: &[BadDate]) {
    let (Some(attribute), [_, ..]) = (&policy.expiry.attribute, bad_dates) else {
        return;
    };
    let shown: Vec<String> = bad_dates
        .iter()
        .take(BAD_DATES)
        .map(|(upn, value)| format!("{upn} has {value:?}"))
        .collect();
    let more = bad_dates.len().saturating_sub(BAD_DATES);
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and {more} more")
    };
    eprintln!(
        "warning: {name} is no date as the policy has it ({format}), so when these guests' stay ends is not known: {shown}{more}",
        name = attribute.name,
        format = attribute.format,
        shown = shown.join(", "),
    );
}

/// The document of `--output json`; `docs/plan.md` describes it.
fn document(tenant: &str, report: &Report, pace: Pace, upns: &Upns) -> Value {
    let Plan {
        observation,
        policy_hash,
        verdicts,
        ..
    } = &report.plan;
    let verdicts: Vec<Value> = verdicts
        .iter()
        .map(|verdict| object(verdict, upns))
        .collect();
    json!({
        "tenant": tenant,
        "observation": {
            "id": observation.id,
            "started": observation.started,
            "finished": observation.finished,
            "guests": observation.counts.guests,
            // There is no other kind: an incomplete reading ends the cycle.
            "complete": true,
            "changes_only": observation.counts.changes_only,
            "health": health(&observation.counts, &observation.health),
        },
        "policy_hash": policy_hash,
        "plan_id": report.recorded,
        "plan_hash": report.plan.hash(),
        "approved": report.approval.refusals.is_empty(),
        "refusals": report.approval.refusals.iter().map(refusal).collect::<Vec<_>>(),
        "waiting": report.approval.waiting.len(),
        "backlog": pace.objects(&report.approval.backlog),
        "policy_waits": standing::object(&report.standing),
        "verdicts": verdicts,
    })
}

fn health(counts: &Counts, health: &Health) -> Value {
    let doubts: Vec<String> = match health {
        Health::Healthy => Vec::new(),
        Health::Unhealthy { reasons } => reasons.iter().map(ToString::to_string).collect(),
    };
    json!({ "healthy": health.is_healthy(), "doubts": doubts, "counts": counts })
}

fn refusal(refusal: &Refusal) -> Value {
    let mut object = json!(refusal);
    object["message"] = json!(refusal.to_string());
    object
}

fn object(verdict: &Verdict, upns: &Upns) -> Value {
    json!({
        "guest_id": verdict.guest,
        "upn": upns.get(&verdict.guest),
        "verdict": verdict.as_str(),
        "rule": verdict.rule(),
        "stage": verdict.stage(),
        "action": verdict.action(),
        "due": verdict.due(),
        "reason": verdict.reason(),
    })
}

fn rows<'v>(verdicts: impl Iterator<Item = &'v Verdict>, upns: &Upns) -> Rows {
    let mut rows = Rows::new([
        "guest_id", "upn", "verdict", "rule", "stage", "action", "due", "reason",
    ]);
    for verdict in verdicts {
        rows.push([
            verdict.guest.to_string(),
            upns.get(&verdict.guest).cloned().unwrap_or_default(),
            verdict.as_str().to_owned(),
            verdict.rule().map(ToString::to_string).unwrap_or_default(),
            verdict
                .stage()
                .map(|stage| stage.to_string())
                .unwrap_or_default(),
            verdict.action().unwrap_or_default().to_owned(),
            shown(verdict.due()),
            verdict.reason(),
        ]);
    }
    rows
}

/// How well the tenant could be seen, in a few lines.
fn eyes(counts: &Counts) -> String {
    let told =
        |count: Option<u64>| count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
    let extent = if counts.changes_only {
        "Only what changed was read"
    } else {
        "Everything was read"
    };
    let newest = counts.newest_sign_in.map_or_else(
        || "none".to_owned(),
        |at| at.format("%Y-%m-%d %H:%M UTC").to_string(),
    );
    let log = match counts.logged_in {
        Some(news) => format!("the sign-in log showed {news} earlier"),
        None => "the sign-in log cannot be read".to_owned(),
    };
    format!(
        "{extent}: {requests} requests, {retries} of them again, {throttled} throttled. Graph counts {counted}, {before} were known; \
         {with} have sign-in times, of {vanished} they vanished, of {regressed} they went back; newest sign-in {newest}; {log}.\n",
        requests = counts.requests,
        retries = counts.retries,
        throttled = counts.throttled,
        counted = told(counts.counted),
        before = told(counts.before),
        with = counts.with_sign_ins,
        vanished = counts.vanished,
        regressed = counts.regressed,
    )
}

fn print_plan(tenant: &str, report: &Report, pace: Pace, upns: &Upns) -> Result<()> {
    let plan = &report.plan;
    let count = |word: &str| {
        plan.verdicts
            .iter()
            .filter(|verdict| verdict.as_str() == word)
            .count()
    };
    print(&format!(
        "{tenant}: {guests} guests observed ({health}). Keep {keep}, wait {wait}, act {act}, protected {protected}, unknown {unknown}.\n",
        guests = plan.observation.counts.guests,
        health = if plan.observation.health.is_healthy() {
            "healthy"
        } else {
            "NOT healthy"
        },
        keep = count("keep"),
        wait = count("wait"),
        act = count("act"),
        protected = count("protected"),
        unknown = count("unknown"),
    ))?;
    print(&eyes(&plan.observation.counts))?;
    for key in &plan.observation.counts.groups_missing {
        print(&format!(
            "Doubt: the group {key:?} that the policy names was not found, or several have its name; what depends on it is unknown.\n"
        ))?;
    }
    if let Some(text) = standing::told(tenant, &report.standing) {
        print(&format!("{text}\n"))?;
    }
    for refusal in &report.approval.refusals {
        print(&format!("Refused: {refusal}.\n"))?;
    }
    let waiting = report.approval.waiting.len() as u64;
    if waiting > 0 {
        let plan = report.recorded.to_string();
        print(&format!("{}\n", waits(tenant, &plan, waiting)))?;
    }
    let columns = ["guest_id", "verdict", "stage"];
    let due = rows(
        plan.verdicts
            .iter()
            .filter(|verdict| verdict.as_str() == "act"),
        upns,
    )
    .without(&columns);
    if due.is_empty() {
        print("\nNothing is due.\n")?;
    } else {
        print("\nDue now:\n")?;
        due.print_table(usize::MAX)?;
    }
    let backlog = pace.rows(&report.approval.backlog);
    if !backlog.is_empty() {
        print("\nNot done with this plan, and when it is at the earliest:\n")?;
        backlog.print_table(usize::MAX)?;
    }
    let is_coming = |verdict: &&Verdict| matches!(&verdict.conclusion, Conclusion::Wait(waiting) if waiting.next.is_some());
    let mut coming: Vec<&Verdict> = plan.verdicts.iter().filter(is_coming).collect();
    coming.sort_by_key(|verdict| verdict.due());
    if !coming.is_empty() {
        print("\nComing next:\n")?;
        rows(coming.into_iter(), upns)
            .without(&columns)
            .print_table(COMING)?;
    }
    let unknown = rows(
        plan.verdicts
            .iter()
            .filter(|verdict| verdict.as_str() == "unknown"),
        upns,
    )
    .without(&columns);
    if !unknown.is_empty() {
        print("\nNot known, and therefore left alone:\n")?;
        unknown.print_table(COMING)?;
    }
    print(&format!(
        "\nPolicy {}, plan {}.\n",
        short(&plan.policy_hash),
        short(&plan.hash())
    ))?;
    if !due.is_empty() {
        print(
            "`innkeeper explain <guest>` tells all about one guest; `innkeeper apply` carries out what the mode allows.\n",
        )?;
    }
    Ok(())
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
