//! `apply`: one cycle now, as far as each tenant's mode goes.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::alarm::telling::Message;
use innkeeper_domain::containment;
use innkeeper_domain::journal::Anchor;
use innkeeper_domain::observation::Health;
use innkeeper_engine::{Clock, Failure, Report, Tenant, final_day};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::plans::waits;
use crate::alarms::Watch;
use crate::cli::{Global, Output};
use crate::daemon;
use crate::exit::Exit;
use crate::installation::{Access, Installation, open_tenant};
use crate::output::{Rows, print, print_json};
use crate::progress::Bars;
use crate::standing;
use crate::upkeep;

pub(crate) async fn run(global: &Global, changes: bool) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let engine = installation.engine();
    let stop = CancellationToken::new();
    let _signals = daemon::stop_on_signal(&stop)?;
    let mut exit = Exit::Ok;
    let mut rows = Rows::new(["tenant", "guests", "healthy", "call", "outcome", "times"]);
    let mut objects = Vec::new();
    for config in installation.tenants(global)? {
        let tenant = Tenant {
            whole_every: installation.config.whole_every().filter(|_| changes),
            ..open_tenant(config, Access::Mode)?
        };
        let bars = Bars::new(global.quiet);
        let report = engine.cycle(&tenant, &bars, &stop).await;
        bars.clear();
        let upkeep = upkeep::after_cycle(&installation, tenant.id, report.is_ok(), &stop).await;
        if let Some(Anchor { seq, hash, .. }) = &upkeep.head {
            eprintln!("{}: the journal's head is entry {seq}, {hash}", tenant.name);
        }
        for warning in &upkeep.warnings {
            eprintln!("{}: warning: {warning:#}", tenant.name);
        }
        let watch = Watch::of(&installation.config, std::slice::from_ref(&tenant));
        if let Some(watched) = watch.tenant(tenant.id) {
            let now = installation.clock.now();
            let store = &installation.store;
            let look = watch
                .after_cycle(store, watched, report.as_ref(), now)
                .await;
            for (message, alarm) in look.lines {
                match message {
                    Message::Raised | Message::Still => {
                        eprintln!("{}: alarm: {alarm}; {}", tenant.name, alarm.advice());
                    }
                    Message::Cleared => eprintln!("{}: the alarm is over: {alarm}", tenant.name),
                }
            }
            for warning in look.warnings {
                eprintln!("{}: warning: {warning:#}", tenant.name);
            }
        }
        let report = report?;
        if is_failure(&report) {
            exit = Exit::Failed;
        }
        for key in &report.plan.observation.counts.groups_missing {
            eprintln!(
                "{}: doubt: the group {key:?} that the policy names was not found, or several have its name; what depends on it is unknown, and if it is one of exempt_groups nothing is taken away from any guest",
                tenant.name
            );
        }
        for refusal in &report.approval.refusals {
            eprintln!("{}: refused: {refusal}", tenant.name);
        }
        if let Some(text) = standing::told(&tenant.name, &report.standing) {
            eprintln!("{text}");
        }
        let waiting = report.approval.waiting.len() as u64;
        if waiting > 0 {
            eprintln!(
                "{}",
                waits(&tenant.name, &report.recorded.to_string(), waiting)
            );
        }
        for Failure { guest, call, error } in &report.deeds.failures {
            eprintln!("{}: {call} of {guest} failed: {error}", tenant.name);
        }
        for (guest, remark) in &report.deeds.remarks {
            eprintln!("{}: {guest}: {remark}", tenant.name);
        }
        let taken = taken(&report, installation.clock.now());
        for line in taken.iter().flat_map(Taken::lines) {
            eprintln!("{}: {line}", tenant.name);
        }
        objects.push(object(&tenant.name, &report, taken.as_ref()));
        push(&mut rows, &tenant.name, &report);
    }
    match global.output {
        Output::Json => print_json(&Value::Array(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => print("Nothing was due.\n")?,
        Output::Table => rows.print_table(usize::MAX)?,
    }
    Ok(exit)
}

/// What is to be known of accounts that this cycle took.
struct Taken {
    accounts: u64,
    /// What they can still do, and for how long.
    remains: String,
    deleted: u64,
    /// When Entra lets go of the deleted ones for good.
    final_day: NaiveDate,
}

fn taken(report: &Report, now: DateTime<Utc>) -> Option<Taken> {
    let done = |wanted: &str| -> u64 {
        let outcomes = report.deeds.outcomes.iter();
        let happened = outcomes.filter(|((call, outcome), _)| {
            *call == wanted && matches!(*outcome, "done" | "found-done")
        });
        happened.map(|(_, times)| times).sum()
    };
    let deleted = done("delete");
    let accounts = done("disable") + deleted;
    (accounts > 0).then(|| Taken {
        accounts,
        remains: containment::remains(now, now),
        deleted,
        final_day: final_day(now).date_naive(),
    })
}

impl Taken {
    fn lines(&self) -> Vec<String> {
        let Self {
            accounts,
            remains,
            deleted,
            final_day,
        } = self;
        let mut lines = vec![format!(
            "what remains of each of the {accounts} accounts that were taken: {remains}"
        )];
        if *deleted > 0 {
            lines.push(format!(
                "Entra lets go of the {deleted} deleted ones for good on {final_day}; until then `innkeeper undo` brings them back"
            ));
        }
        lines
    }
}

fn is_failure(report: &Report) -> bool {
    let refused = match &report.plan.observation.health {
        Health::Healthy => false,
        Health::Unhealthy { .. } => true,
    };
    let waits = !report.approval.waiting.is_empty();
    refused || waits || !report.deeds.failures.is_empty() || report.deeds.interrupted
}

fn push(rows: &mut Rows, tenant: &str, report: &Report) {
    for ((call, outcome), times) in &report.deeds.outcomes {
        rows.push([
            tenant.to_owned(),
            report.plan.observation.counts.guests.to_string(),
            report.plan.observation.health.is_healthy().to_string(),
            (*call).to_owned(),
            (*outcome).to_owned(),
            times.to_string(),
        ]);
    }
}

fn object(tenant: &str, report: &Report, taken: Option<&Taken>) -> Value {
    let outcomes: Vec<Value> = report
        .deeds
        .outcomes
        .iter()
        .map(|((call, outcome), times)| json!({ "call": call, "outcome": outcome, "times": times }))
        .collect();
    let failures: Vec<Value> =
        report.deeds.failures.iter().map(|Failure { guest, call, error }| json!({ "guest_id": guest, "call": call, "error": error })).collect();
    json!({
        "tenant": tenant,
        "observation": report.plan.observation.id,
        "guests": report.plan.observation.counts.guests,
        "healthy": report.plan.observation.health.is_healthy(),
        "plan_id": report.recorded,
        "plan_hash": report.plan.hash(),
        "waiting": report.approval.waiting.len(),
        "refusals": report.approval.refusals.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "policy_waits": standing::object(&report.standing),
        "settled": report.settled,
        "outcomes": outcomes,
        "failures": failures,
        "remarks": report.deeds.remarks.iter().map(|(guest, remark)| json!({ "guest_id": guest, "remark": remark })).collect::<Vec<_>>(),
        "interrupted": report.deeds.interrupted,
        "remains": taken.map(|taken| &taken.remains),
        "final_day": taken.filter(|taken| taken.deleted > 0).map(|taken| taken.final_day),
    })
}
