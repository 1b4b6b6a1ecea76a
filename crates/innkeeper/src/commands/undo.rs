//! `undo`: give back what was taken away.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use chrono::TimeDelta;
use innkeeper_domain::ids::{GuestId, IntentId, PlanId, TenantId};
use innkeeper_domain::intent::Call;
use innkeeper_engine::{Asked, Clock, Failure, Tenant, Undoing, Undone, is_undoable};
use innkeeper_store::{IntentRow, Tx};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judging::find;
use crate::cli::{Global, Output};
use crate::daemon;
use crate::exit::{Exit, UsageError};
use crate::installation::{Access, GraphTenant, Installation, open_tenant};
use crate::output::{Rows, print, print_json};
use crate::progress::Bars;

/// What `undo last` looks back over: as long as Entra keeps what is deleted.
const LOOK_BACK: TimeDelta = TimeDelta::days(30);

pub(crate) struct Wanted<'a> {
    /// A guest, an action, a cycle, or `last`.
    pub(crate) what: &'a str,
    pub(crate) yes: bool,
    pub(crate) reason: Option<&'a str>,
    pub(crate) by: Option<&'a str>,
}

pub(crate) async fn run(global: &Global, wanted: Wanted<'_>) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let config = installation.tenant(global)?;
    let tenant = open_tenant(config, Access::Undo)?;
    let mut tx = installation.store.read().await?;
    let now = installation.clock.now();
    let taken = select(&mut tx, tenant.id, wanted.what, now).await?;
    let upns = upns(&mut tx, tenant.id, &taken).await?;
    drop(tx);
    let engine = installation.engine();
    if !wanted.yes {
        let undoings = engine.preview_undo(&tenant, taken).await?;
        show(global.output, &undoings, &upns)?;
        let is_something = undoings.iter().any(|undoing| !undoing.calls.is_empty());
        if is_something && global.output == Output::Table {
            print(
                "\nNothing was done yet. Add --yes and --reason \"...\" to do it. Sharing links and what was given outside of groups \
                 and app roles are not known to Innkeeper.\n",
            )?;
        }
        return Ok(if is_something {
            Exit::SomethingToDo
        } else {
            Exit::Ok
        });
    }
    let reason = wanted.reason.filter(|reason| !reason.trim().is_empty());
    let Some(reason) = reason else {
        return Err(UsageError(
            "--yes needs --reason \"...\": it is kept in the journal for whoever asks later"
                .to_owned(),
        )
        .into());
    };
    let asked = Asked {
        by: wanted.by.unwrap_or("unknown").to_owned(),
        reason: reason.to_owned(),
    };
    let Tenant {
        writer: Some(writer),
        ..
    } = &tenant
    else {
        bail!("the tenant cannot be written to");
    };
    let stop = CancellationToken::new();
    let _signals = daemon::stop_on_signal(&stop)?;
    let bars = Bars::new(global.quiet);
    let undone = engine
        .undo(&tenant, writer, taken, &asked, &bars, &stop)
        .await;
    bars.clear();
    let undone = undone?;
    report(global.output, &tenant, &undone, &upns)?;
    let is_failure = !undone.deeds.failures.is_empty() || undone.deeds.interrupted;
    Ok(if is_failure { Exit::Failed } else { Exit::Ok })
}

/// What a person means: the actions that can be undone.
async fn select(
    tx: &mut Tx,
    tenant: TenantId,
    what: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<IntentRow>> {
    let undoable =
        |rows: Vec<IntentRow>| -> Vec<IntentRow> { rows.into_iter().filter(is_undoable).collect() };
    if what == "last" {
        let rows = tx
            .actions_between(tenant, now - LOOK_BACK, now + TimeDelta::days(1))
            .await?;
        let Some(plan) = undoable(rows).last().map(|row| row.intent.plan) else {
            return Err(UsageError(
                "nothing was taken away in the last 30 days; there is nothing to undo".to_owned(),
            )
            .into());
        };
        return Ok(undoable(tx.intents_of_plan(tenant, plan).await?));
    }
    if let Ok(id) = Uuid::parse_str(what) {
        if let Some(row) = tx.intent(tenant, IntentId::from(id)).await? {
            if !is_undoable(&row) {
                let call = row.intent.call.as_str();
                return Err(UsageError(format!(
                    "the action {what} ({call}) took nothing away that could be given back"
                ))
                .into());
            }
            return Ok(vec![row]);
        }
        let rows = tx.intents_of_plan(tenant, PlanId::from(id)).await?;
        if !rows.is_empty() {
            return Ok(undoable(rows));
        }
    }
    let guest = find(tx, tenant, what).await.with_context(|| {
        format!("{what:?} is no action and no cycle either; name a guest, the id of an action or of a cycle's plan, or `last`")
    })?;
    let rows = undoable(tx.intents_of(tenant, guest).await?);
    if rows.is_empty() {
        return Err(UsageError(format!(
            "Innkeeper took nothing away from {what}; there is nothing to undo"
        ))
        .into());
    }
    Ok(rows)
}

async fn upns(
    tx: &mut Tx,
    tenant: TenantId,
    taken: &[IntentRow],
) -> Result<HashMap<GuestId, String>> {
    let guests: Vec<GuestId> = taken.iter().map(|row| row.intent.guest).collect();
    let known = tx.guests_by_id(tenant, &guests).await?;
    Ok(known
        .into_iter()
        .map(|(_, record)| (record.guest.id, record.guest.upn))
        .collect())
}

fn words(call: &Call) -> String {
    match call {
        Call::AddToGroup { group } => format!("add to group {group}"),
        Call::AddSponsor { sponsor } => format!("add sponsor {sponsor}"),
        Call::RemoveSponsor { sponsor } => format!("remove sponsor {sponsor}"),
        Call::Unmark { mark } => format!("clear {mark}"),
        Call::SetManager { manager } => format!("set manager {manager}"),
        call => call.as_str().to_owned(),
    }
}

fn show(output: Output, undoings: &[Undoing], upns: &HashMap<GuestId, String>) -> Result<()> {
    let upn = |guest: &GuestId| upns.get(guest).cloned().unwrap_or_default();
    let mut rows = Rows::new(["guest_id", "upn", "taken away", "give back", "remarks"]);
    for Undoing {
        guest,
        taken,
        calls,
        remarks,
    } in undoings
    {
        let taken: Vec<&str> = taken.iter().map(|row| row.intent.call.as_str()).collect();
        let calls: Vec<String> = calls.iter().map(words).collect();
        rows.push([
            guest.to_string(),
            upn(guest),
            taken.join(", "),
            if calls.is_empty() {
                "nothing".to_owned()
            } else {
                calls.join(", ")
            },
            remarks.join("; "),
        ]);
    }
    match output {
        Output::Table => rows.without(&["guest_id"]).print_table(usize::MAX),
        Output::Csv => rows.print_csv(),
        Output::Json => {
            let object = |undoing: &Undoing| -> Value {
                json!({
                    "guest_id": undoing.guest,
                    "upn": upn(&undoing.guest),
                    "taken": undoing.taken.iter().map(|row| json!({
                        "action": row.intent.id, "call": row.intent.call, "rule": row.intent.rule, "at": row.intent.created,
                    })).collect::<Vec<_>>(),
                    "calls": undoing.calls,
                    "remarks": undoing.remarks,
                })
            };
            print_json(&Value::Array(undoings.iter().map(object).collect()))
        }
    }
}

fn report(
    output: Output,
    tenant: &GraphTenant,
    undone: &Undone,
    upns: &HashMap<GuestId, String>,
) -> Result<()> {
    let Undone {
        undoings,
        deeds,
        remarks,
    } = undone;
    let upn = |guest: &GuestId| upns.get(guest).cloned().unwrap_or_default();
    let told = undoings
        .iter()
        .flat_map(|undoing| {
            let remarks = undoing.remarks.iter();
            remarks.map(|remark| (undoing.guest, remark.clone()))
        })
        .chain(remarks.iter().cloned());
    let told: Vec<(GuestId, String)> = told.collect();
    for Failure { guest, call, error } in &deeds.failures {
        eprintln!("{}: {call} of {guest} failed: {error}", tenant.name);
    }
    let mut rows = Rows::new(["call", "outcome", "times"]);
    for ((call, outcome), times) in &deeds.outcomes {
        rows.push([(*call).to_owned(), (*outcome).to_owned(), times.to_string()]);
    }
    match output {
        Output::Csv => rows.print_csv(),
        Output::Json => print_json(&json!({
            "tenant": tenant.name,
            "guests": undoings.len(),
            "outcomes": deeds.outcomes.iter().map(|((call, outcome), times)| json!({ "call": call, "outcome": outcome, "times": times })).collect::<Vec<_>>(),
            "failures": deeds.failures.iter().map(|Failure { guest, call, error }| json!({ "guest_id": guest, "call": call, "error": error })).collect::<Vec<_>>(),
            "remarks": told.iter().map(|(guest, remark)| json!({ "guest_id": guest, "remark": remark })).collect::<Vec<_>>(),
            "interrupted": deeds.interrupted,
        })),
        Output::Table => {
            if rows.is_empty() {
                print("There was nothing left to undo.\n")?;
            } else {
                rows.print_table(usize::MAX)?;
            }
            for (guest, remark) in told {
                print(&format!("{}: {remark}\n", upn(&guest)))?;
            }
            if deeds.interrupted {
                print("Stopped before the end; run it again to go on.\n")?;
            }
            Ok(())
        }
    }
}
