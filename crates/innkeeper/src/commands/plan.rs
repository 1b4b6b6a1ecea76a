//! `plan`: observe and decide, and show what would be done.

mod witness;

use std::pin::pin;

use anyhow::Result;
use chrono::{DateTime, Utc};
use futures_util::future::{Either, select};
use innkeeper_domain::observation::{Counts, Health, Silence};
use innkeeper_domain::plan::{Plan, Refusal};
use innkeeper_domain::policy::Policy;
use innkeeper_engine::{Report, Tenant};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::witness::{First, Row, Shown, Witness};
use super::backlog::Pace;
use super::judging::shown;
use super::plans::waits;
use crate::cli::{Global, Output};
use crate::config::Config;
use crate::exit::Exit;
use crate::installation::{self, Access, GraphTenant, Installation, open_tenant, tenant_of};
use crate::oddities;
use crate::output::{Rows, print, print_json};
use crate::progress::Bars;
use crate::standing::{self, short};

pub(crate) async fn run(global: &Global, changes: bool) -> Result<Exit> {
    let config = installation::config(global)?;
    let tenant = Tenant {
        whole_every: config.whole_every().filter(|_| changes),
        ..open_tenant(tenant_of(&config, global)?, Access::Read)?
    };
    // Somebody waits for it, so the token comes while the database is opened.
    let ahead = pin!(tenant.reader.prepare());
    match select(pin!(plan(global, config, &tenant)), ahead).await {
        Either::Left((exit, _)) => exit,
        Either::Right(((), plan)) => plan.await,
    }
}

async fn plan(global: &Global, config: Config, tenant: &GraphTenant) -> Result<Exit> {
    let installation = Installation::of(config).await?;
    for oddity in oddities::unsaid(&installation.store, tenant).await? {
        eprintln!("{}: {oddity}", tenant.name);
    }
    let policy = &tenant.policy.policy;
    let witness = Witness::new(Bars::new(global.quiet), policy, global.output);
    let report = installation
        .engine()
        .cycle(tenant, &witness, &CancellationToken::new())
        .await;
    witness.bars.clear();
    let report = report?;
    let shown = witness.shown();
    warn_of_bad_dates(policy, &shown);
    let pace = Pace::of(
        &installation.config.schedule,
        report.plan.observation.finished,
    );
    match global.output {
        Output::Json => print_json(&document(&tenant.name, &report, pace, &shown))?,
        Output::Csv => rows(&shown.every).print_csv()?,
        Output::Table => print_plan(&tenant.name, &report, pace, &shown)?,
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

fn warn_of_bad_dates(policy: &Policy, shown: &Shown) {
    let (Some(attribute), [_, ..]) = (&policy.expiry.attribute, shown.bad_dates.as_slice()) else {
        return;
    };
    let more = shown.bad_dates_in_all - shown.bad_dates.len();
    let shown: Vec<String> = shown
        .bad_dates
        .iter()
        .map(|(upn, value)| format!("{upn} has {value:?}"))
        .collect();
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
fn document(tenant: &str, report: &Report, pace: Pace, shown: &Shown) -> Value {
    let Plan {
        observation,
        policy_hash,
        ..
    } = &report.plan;
    let verdicts: Vec<Value> = shown.every.rows().map(object).collect();
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

fn object(row: &Row) -> Value {
    let Row {
        guest,
        upn,
        verdict,
        rule,
        stage,
        action,
        due,
        reason,
    } = row;
    json!({
        "guest_id": guest,
        "upn": upn,
        "verdict": verdict,
        "rule": rule,
        "stage": stage,
        "action": action,
        "due": due,
        "reason": reason,
    })
}

fn rows<K: Ord>(first: &First<K>) -> Rows {
    let mut rows = Rows::new([
        "guest_id", "upn", "verdict", "rule", "stage", "action", "due", "reason",
    ]);
    for row in first.rows() {
        rows.push([
            row.guest.to_string(),
            row.upn.clone(),
            row.verdict.to_owned(),
            row.rule
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            row.stage.map(|stage| stage.to_string()).unwrap_or_default(),
            row.action.unwrap_or_default().to_owned(),
            shown(row.due),
            row.reason.clone(),
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
    let at = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    let newest = counts.newest_sign_in.map_or_else(|| "none".to_owned(), at);
    let entry = counts.newest_log_entry.map_or_else(
        || "no entry of the log is known".to_owned(),
        |entry| format!("the newest entry of the log is of {}", at(entry)),
    );
    let registers: Vec<String> = counts
        .registers
        .iter()
        .map(|(register, told)| format!("{} ({})", register.as_str(), told.as_str()))
        .collect();
    let licences = if registers.is_empty() {
        String::new()
    } else {
        format!("; with licences of their own: {}", registers.join(", "))
    };
    let silence = match counts.silence {
        Some(Silence::Confirmed) => ", and by it the guests are truly silent".to_owned(),
        Some(Silence::Refuted { signed_in }) => {
            format!(", and by it a guest signed in at {}", at(signed_in))
        }
        None => String::new(),
    };
    let log = match counts.logged_in {
        Some(news) => format!("the sign-in log showed {news} earlier"),
        None => "the sign-in log cannot be read".to_owned(),
    };
    format!(
        "{extent}: {pages} pages, {requests} requests, {retries} of them again, {throttled} throttled. Graph counts {counted}, {before} were known; \
         {with} have sign-in times, of {vanished} they vanished, of {regressed} they went back; newest sign-in {newest}; {log}; {entry}{silence}{licences}.\n",
        pages = counts.pages,
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

fn print_plan(tenant: &str, report: &Report, pace: Pace, verdicts: &Shown) -> Result<()> {
    let plan = &report.plan;
    print(&format!(
        "{tenant}: {guests} guests observed ({health}). Keep {keep}, wait {wait}, act {act}, protected {protected}, unknown {unknown}.\n",
        guests = plan.observation.counts.guests,
        health = if plan.observation.health.is_healthy() {
            "healthy"
        } else {
            "NOT healthy"
        },
        keep = plan.count("keep"),
        wait = plan.count("wait"),
        act = plan.count("act"),
        protected = plan.count("protected"),
        unknown = plan.count("unknown"),
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
    let due = rows(&verdicts.due).without(&columns);
    if due.is_empty() {
        print("\nNothing is due.\n")?;
    } else {
        print("\nDue now:\n")?;
        due.print_first(verdicts.due.all())?;
    }
    let backlog = pace.rows(&report.approval.backlog);
    if !backlog.is_empty() {
        print("\nNot done with this plan, and when it is at the earliest:\n")?;
        backlog.print_table(usize::MAX)?;
    }
    let coming = rows(&verdicts.coming).without(&columns);
    if !coming.is_empty() {
        print("\nComing next:\n")?;
        coming.print_first(verdicts.coming.all())?;
    }
    let unknown = rows(&verdicts.unknown).without(&columns);
    if !unknown.is_empty() {
        print("\nNot known, and therefore left alone:\n")?;
        unknown.print_first(verdicts.unknown.all())?;
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
