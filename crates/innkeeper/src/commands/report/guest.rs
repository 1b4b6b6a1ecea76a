//! `report guest`: everything about one guest.

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::facts::FactName;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::intent::Call;
use innkeeper_domain::journal::{Anchors, Broken, Entry, Head};
use innkeeper_domain::plan::hex;
use innkeeper_store::{CaseRow, IntentRow};
use serde_json::{Value, json};

use super::page::{Document, Section};
use super::{deliver, format, pretty};
use crate::cli::{DocumentOptions, Format, Global};
use crate::commands::explain::age::Ages;
use crate::commands::explain::{fact_object, fact_rows, outcomes};
use crate::commands::guests::{case_object, final_day, intent_object, remains};
use crate::commands::judging::Bench;
use crate::exit::{Exit, UsageError};
use crate::output::Rows;

pub(crate) async fn guest(global: &Global, text: &str, options: &DocumentOptions) -> Result<Exit> {
    let format = format(global, options);
    let (bench, mut tx, row) = Bench::with_guest(global, None, text).await?;
    let (tenant, view) = (bench.tenant, &row.view);
    let id = view.record.guest.id;
    let cases = tx.cases_of(tenant, id).await?;
    let intents = tx.intents_of(tenant, id).await?;
    let entries = tx.journal_of(tenant, id).await?;
    // In the same state of the database, so that it is about these very entries.
    let proof = tx.verify_journal(tenant, &Anchors::default()).await?;
    let ages = Ages::of(&bench, &mut tx).await?;
    let judge = bench.judge();
    let facts = judge.facts(view);
    // Nobody judges who is no longer there.
    let verdict = view
        .record
        .gone
        .is_none()
        .then(|| judge.judge(view).verdict);
    let rules = outcomes(&bench, &facts, &view.cases).rows();
    let identity = identity(view);
    let text = match format {
        Format::Csv => {
            return Err(UsageError(
                "a guest's report is HTML or JSON; `innkeeper guests show --output csv` lists what was done".to_owned(),
            )
            .into());
        }
        Format::Json => {
            let pairs = identity
                .iter()
                .map(|(name, value)| (name.replace(' ', "_"), json!(value)));
            pretty(&json!({
                "tenant_id": tenant,
                "reported": bench.now,
                "observed": bench.observation.finished,
                "policy_hash": bench.policy.hash,
                "policy": bench.standing.object(),
                "guest_id": id,
                "guest": pairs.collect::<Value>(),
                "verdict": verdict.as_ref().map(|verdict| {
                    json!({ "verdict": verdict.as_str(), "rule": verdict.rule(), "reason": verdict.reason() })
                }),
                "remains": remains(view, bench.now),
                "final_day": final_day(&view.record),
                "facts": FactName::ALL.iter().map(|name| fact_object(*name, &facts, &ages)).collect::<Vec<_>>(),
                "rules": rules.objects(),
                "cases": cases.iter().map(case_object).collect::<Vec<_>>(),
                "actions": intents.iter().map(intent_object).collect::<Vec<_>>(),
                "journal": entries.iter().map(entry_object).collect::<Vec<_>>(),
                "proof": proof_object(&proof),
            }))?
        }
        Format::Html => {
            let name = view.record.guest.display_name.as_deref();
            let mut head = vec![
                ("reported", shown(Some(bench.now))),
                ("as observed", shown(Some(bench.observation.finished))),
                ("tenant", tenant.to_string()),
                ("policy", bench.standing.described()),
                (
                    "verdict",
                    verdict.map_or_else(
                        || "none: the guest is no longer in the directory".to_owned(),
                        |verdict| format!("{}: {}", verdict.as_str(), verdict.reason()),
                    ),
                ),
                ("the record", proof_sentence(&proof)),
            ];
            head.extend(identity);
            head.extend(remains(view, bench.now).map(|text| ("what remains", text)));
            head.extend(final_day(&view.record).map(|day| {
                let undo = format!("until then `innkeeper undo {id}` brings it back");
                ("gone for good", format!("on {day}; {undo}"))
            }));
            let section = |title, note: &str, rows| Section {
                title,
                note: note.to_owned(),
                rows,
            };
            let document = Document {
                title: format!("Guest {}", name.unwrap_or(&view.record.guest.upn)),
                head,
                sections: vec![
                    section(
                        "Facts",
                        "What the policy may ask, and where it comes from.",
                        fact_rows(&facts, &ages),
                    ),
                    section("Rules and protections", "", rules),
                    section("Cases", "", case_rows(&cases)),
                    section(
                        "Actions",
                        "With Graph's request-id and the client-request-id that the call was sent with: by either Microsoft finds it.",
                        action_rows(&intents),
                    ),
                    section(
                        "Journal",
                        "Every entry about this guest. Each hash covers the entry and the hash of the one before it.",
                        entry_rows(&entries),
                    ),
                ],
            };
            document.html()
        }
    };
    deliver(&text, options.out.as_deref())
}

/// Who it is, in pairs; what is not known is left out.
fn identity(view: &GuestView) -> Vec<(&'static str, String)> {
    let record = &view.record;
    let guest = &record.guest;
    let sponsors = view.sponsors.iter().map(|sponsor| {
        let name = sponsor.display_name.as_deref().unwrap_or_default();
        let mail = sponsor.mail.as_deref().unwrap_or("no address");
        format!("{name} <{mail}> ({})", sponsor.id)
    });
    let list = |items: Vec<String>| items.join(", ");
    let groups = view.groups.iter().map(|group| group.name.clone());
    let pairs = [
        ("object id", guest.id.to_string()),
        ("upn", guest.upn.clone()),
        ("mail", guest.mail.clone().unwrap_or_default()),
        (
            "display name",
            guest.display_name.clone().unwrap_or_default(),
        ),
        ("company", guest.company.clone().unwrap_or_default()),
        (
            "enabled",
            guest
                .enabled
                .map(|enabled| enabled.to_string())
                .unwrap_or_default(),
        ),
        ("created", shown(guest.created)),
        ("last successful sign-in", shown(guest.sign_ins.successful)),
        (
            "last interactive sign-in",
            shown(guest.sign_ins.interactive),
        ),
        (
            "last non-interactive sign-in",
            shown(guest.sign_ins.non_interactive),
        ),
        ("last sign-in in the log", shown(record.logged_in)),
        ("sponsors", list(sponsors.collect())),
        ("groups", list(groups.collect())),
        ("roles", list(view.roles.clone())),
        ("first seen", shown(Some(record.first_seen))),
        ("gone", shown(record.gone)),
        ("revived", shown(record.revived)),
        ("disabled by innkeeper", shown(record.disabled_by_us)),
        ("deleted by innkeeper", shown(record.deleted_by_us)),
    ];
    let known = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    known.collect()
}

fn case_rows(cases: &[CaseRow]) -> Rows {
    let mut rows = Rows::new(["rule", "opened", "stages_done", "closed", "why"]);
    for CaseRow { case, closed } in cases {
        let done = case.done.iter().map(|action| action.as_str());
        rows.push([
            case.rule.to_string(),
            shown(Some(case.opened)),
            done.collect::<Vec<_>>().join(", "),
            shown(closed.as_ref().map(|(at, _)| *at)),
            closed
                .as_ref()
                .map(|(_, why)| why.to_string())
                .unwrap_or_default(),
        ]);
    }
    rows
}

fn action_rows(intents: &[IntentRow]) -> Rows {
    let mut rows = Rows::new([
        "intended",
        "rule",
        "stage",
        "call",
        "target",
        "concluded",
        "outcome",
        "request_id",
        "client_request_id",
    ]);
    for IntentRow {
        intent,
        outcome,
        trace,
    } in intents
    {
        let target = match &intent.call {
            Call::Notify { to, notice: _ } => to.join(", "),
            Call::Mark { mark } | Call::Unmark { mark } => mark.to_string(),
            Call::ResendInvitation { to } => to.clone(),
            Call::RemoveAppRole { app_role, .. } | Call::AddAppRole { app_role } => {
                app_role.application()
            }
            Call::RemoveFromGroup { group } | Call::AddToGroup { group } => group.to_string(),
            Call::AddSponsor { sponsor: person }
            | Call::RemoveSponsor { sponsor: person }
            | Call::SetManager { manager: person } => person.to_string(),
            Call::Flag | Call::Disable | Call::Enable | Call::Delete | Call::Restore => {
                String::new()
            }
        };
        let outcome = outcome.as_ref();
        rows.push([
            shown(Some(intent.created)),
            intent.rule.to_string(),
            (intent.stage + 1).to_string(),
            intent.call.as_str().to_owned(),
            target,
            shown(outcome.map(|(at, _)| *at)),
            outcome.map_or_else(|| "open".to_owned(), |(_, outcome)| outcome.to_string()),
            trace.request_id.clone().unwrap_or_default(),
            trace
                .client_request_id
                .map(|id| id.to_string())
                .unwrap_or_default(),
        ]);
    }
    rows
}

fn entry_object(entry: &Entry) -> Value {
    json!({ "seq": entry.seq, "at": entry.at, "event": entry.event(), "hash": hex(&entry.hash) })
}

fn entry_rows(entries: &[Entry]) -> Rows {
    let mut rows = Rows::new(["entry", "at", "event", "what", "hash"]);
    for entry in entries {
        let event = entry.event();
        let pairs = event.as_object().into_iter().flatten();
        let pairs = pairs.filter(|(key, _)| *key != "kind" && *key != "case" && *key != "intent");
        let mut pairs: Vec<_> = pairs.collect();
        // What first, then why.
        pairs.sort_by_key(|(key, _)| matches!(key.as_str(), "reason" | "because"));
        let told = pairs
            .into_iter()
            .map(|(key, value)| format!("{key}: {}", told(value)));
        rows.push([
            entry.seq.to_string(),
            shown(Some(entry.at)),
            event["kind"].as_str().unwrap_or_default().to_owned(),
            told.collect::<Vec<_>>().join("; "),
            hex(&entry.hash),
        ]);
    }
    rows
}

/// A value for people.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => {
            let pairs = object.iter().filter(|(_, value)| !value.is_null());
            let pairs = pairs.map(|(key, value)| match value {
                // An object's own word: `outcome: done`.
                Value::String(word) if key == "outcome" || key == "call" || key == "why" => {
                    word.clone()
                }
                value => format!("{key} {}", told(value)),
            });
            pairs.collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => {
            let between = match items.first() {
                Some(Value::Object(_)) => " | ",
                _ => ", ",
            };
            items.iter().map(told).collect::<Vec<_>>().join(between)
        }
        Value::Null => "none".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn proof_object(proof: &Result<Head, Broken>) -> Value {
    match proof {
        Ok(head) => json!({ "intact": true, "entries": head.seq, "head": hex(&head.hash) }),
        Err(broken) => {
            json!({ "intact": false, "broken": broken.to_string(), "entry": broken.seq })
        }
    }
}

pub(super) fn proof_sentence(proof: &Result<Head, Broken>) -> String {
    match proof {
        Ok(head) => format!(
            "the journal of the tenant is intact: {} entries, the last one with the hash {}",
            head.seq,
            hex(&head.hash)
        ),
        Err(broken) => format!("the journal of the tenant is BROKEN: {broken}"),
    }
}

/// A time to the minute; nothing for none.
pub(super) fn shown(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}
