//! `guests exempt`, `hold`, `expire`, `release` and `exemptions`: what people decide about one guest.
//!
//! Invariant: a decision and its entry in the journal are written in one transaction.

use std::ffi::OsString;

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::decision::{Decision, Order, OrderKind};
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::journal::Event;
use innkeeper_engine::Clock;
use serde_json::{Value, json};

use super::judging::{find, shown};
use crate::cli::{Global, Output, PerhapsWhy, Why};
use crate::exit::{Exit, UsageError};
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// The longest reason and name, in characters.
const LONGEST: usize = 500;

/// Who is logged in, by the first of these that is set.
const LOGGED_IN: [&str; 4] = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"];

/// Takes a decision about a guest.
pub(crate) async fn decide(global: &Global, guest: &str, order: Order, why: Why) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    if !order.is_in_force(now) {
        let day = order.day().map(|day| day.to_string()).unwrap_or_default();
        return Err(UsageError(format!(
            "--until {day} is past; give a day from {} on",
            now.date_naive()
        ))
        .into());
    }
    let (reason, by) = why.checked()?;
    let decision = Decision {
        order,
        reason,
        by,
        at: now,
    };
    let mut tx = installation.store.begin().await?;
    let id = find(&mut tx, tenant, guest).await?;
    tx.save_decision(tenant, id, &decision).await?;
    let event = Event::Decided {
        decision: decision.clone(),
    };
    tx.append(tenant, now, &[(Some(id), event)]).await?;
    tx.commit().await?;
    match global.output {
        Output::Json => print_json(&json!({ "guest_id": id, "decision": decision }))?,
        Output::Table | Output::Csv => print(&format!("{guest}: {decision}\n"))?,
    }
    Ok(Exit::Ok)
}

/// Takes a decision about a guest back.
pub(crate) async fn release(
    global: &Global,
    guest: &str,
    kind: OrderKind,
    why: Why,
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    let (reason, by) = why.checked()?;
    let mut tx = installation.store.begin().await?;
    let id = find(&mut tx, tenant, guest).await?;
    let Some(decision) = tx.remove_decision(tenant, id, kind).await? else {
        let decisions = tx.decisions_of(tenant, id).await?;
        return Err(UsageError(nothing_to_release(guest, kind, &decisions)).into());
    };
    let event = Event::Released {
        order: kind,
        by: by.clone(),
        reason: reason.clone(),
    };
    tx.append(tenant, now, &[(Some(id), event)]).await?;
    tx.commit().await?;
    match global.output {
        Output::Json => print_json(
            &json!({ "guest_id": id, "released": decision, "by": by, "reason": reason }),
        )?,
        Output::Table | Output::Csv => print(&format!(
            "{guest} is no longer {order}, by {by}: {reason}\n",
            order = decision.order
        ))?,
    }
    Ok(Exit::Ok)
}

fn nothing_to_release(guest: &str, kind: OrderKind, decisions: &[Decision]) -> String {
    let is_held = decisions
        .iter()
        .any(|decision| decision.order.kind() == OrderKind::Hold);
    match kind {
        OrderKind::Exempt if is_held => {
            format!("{guest} is not exempt, but on hold; `release --hold` lifts that")
        }
        OrderKind::Exempt => {
            format!("{guest} is not exempt; `innkeeper guests exemptions` shows who is")
        }
        OrderKind::Expire => format!(
            "no day was set on which the stay of {guest} ends; `innkeeper guests exemptions` shows those that were"
        ),
        OrderKind::Hold => {
            format!("{guest} is not on hold; `innkeeper guests exemptions` shows who is")
        }
    }
}

/// Shows every decision about a guest.
pub(crate) async fn list(global: &Global) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    let mut tx = installation.store.read().await?;
    let mut rows = Rows::new([
        "guest_id", "guest", "decision", "until", "in_force", "by", "decided", "reason",
    ]);
    let mut objects = Vec::new();
    for (id, decision) in tx.decisions(tenant).await? {
        let view = tx.guest_row(tenant, id).await?.map(|row| row.view);
        let name = view.as_ref().map(name).unwrap_or_default();
        let mut object = object(&decision, now);
        object["guest_id"] = json!(id);
        object["guest"] = json!(name);
        objects.push(object);
        rows.push([
            id.to_string(),
            name,
            decision.order.kind().to_string(),
            decision
                .order
                .day()
                .map_or_else(|| "lifted".to_owned(), |day| day.to_string()),
            yes_or_no(decision.order.is_in_force(now)),
            decision.by,
            shown(Some(decision.at)),
            decision.reason,
        ]);
    }
    match global.output {
        Output::Json => print_json(&Value::Array(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => print("Nobody decided anything about a guest.\n")?,
        Output::Table => rows.without(&["guest_id"]).print_table(usize::MAX)?,
    }
    Ok(Exit::Ok)
}

pub(super) fn name(view: &GuestView) -> String {
    let guest = &view.record.guest;
    guest.mail.clone().unwrap_or_else(|| guest.upn.clone())
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// A decision as documents show it.
pub(super) fn object(decision: &Decision, now: DateTime<Utc>) -> Value {
    let mut object = json!(decision);
    object["in_force"] = json!(decision.order.is_in_force(now));
    object
}

/// A guest's decisions as a description shows them, one a line.
pub(super) fn lines(view: &GuestView, now: DateTime<Utc>) -> String {
    let line = |decision: &Decision| {
        let over = if decision.order.is_in_force(now) {
            ""
        } else {
            " (over)"
        };
        format!("  {decision} ({}){over}\n", shown(Some(decision.at)))
    };
    view.decisions.iter().map(line).collect()
}

impl Why {
    /// Reason and name: each one line that says something.
    pub(super) fn checked(self) -> Result<(String, String)> {
        let Self { reason, by } = self;
        Ok((one_line("--reason", &reason)?, who(by)?))
    }
}

impl PerhapsWhy {
    /// Reason and name: each one line that says something, but for a reason that was not given.
    pub(super) fn checked(self) -> Result<(String, String)> {
        let Self { reason, by } = self;
        let reason = match reason {
            Some(reason) => one_line("--reason", &reason)?,
            None => String::new(),
        };
        Ok((reason, who(by)?))
    }
}

/// Who decides: the one named, else who is logged in.
fn who(by: Option<String>) -> Result<String> {
    let by = by.or_else(logged_in).ok_or_else(|| {
        UsageError("who decides this? Nobody is logged in by name; give --by NAME".to_owned())
    })?;
    Ok(one_line("--by", &by)?)
}

fn one_line(what: &str, text: &str) -> Result<String, UsageError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UsageError(format!("{what} is empty")));
    }
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(UsageError(format!(
            "{what} is one line of at most {LONGEST} characters"
        )));
    }
    Ok(text.to_owned())
}

fn logged_in() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).map(OsString::into_string);
    LOGGED_IN
        .into_iter()
        .find_map(|name| set(name)?.ok().filter(|user| !user.is_empty()))
}
