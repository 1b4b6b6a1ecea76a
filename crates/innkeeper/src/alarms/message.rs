//! How alarms look in a mail and to a webhook. Guests are counted, never named.

use chrono::{DateTime, Utc};
use innkeeper_domain::alarm::telling::{Kept, Message, State};
use innkeeper_graph::Mail;
use serde_json::{Value, json};

use super::Watched;

/// One mail about everything that there is to tell of a tenant.
pub(super) fn mail(watched: &Watched, told: &[(Message, Kept)]) -> Mail {
    let name = &watched.name;
    let subject = match told {
        [(message, kept)] => {
            format!(
                "Innkeeper at {name}: {}: {}",
                word(*message),
                kept.alarm.kind().as_str()
            )
        }
        told => format!("Innkeeper at {name}: {} alarms", told.len()),
    };
    let entries: Vec<String> = told.iter().map(entry).collect();
    let text = format!(
        "You operate Innkeeper for {name}.\n\n{}\n\n`innkeeper alarms list` shows every alarm that is raised. An alarm \
         that stays is told again after a while, and one that is over is told once.\n",
        entries.join("\n\n")
    );
    Mail {
        to: watched.operators.clone(),
        subject,
        text,
    }
}

fn entry((message, kept): &(Message, Kept)) -> String {
    let alarm = &kept.alarm;
    let kind = alarm.kind().as_str();
    match (message, &kept.state) {
        (Message::Cleared, State::Cleared { since, .. } | State::Raised { since }) => {
            format!("  {kind}: over. It was raised on {}: {alarm}", day(*since))
        }
        (Message::Raised, _) => format!("  {kind}: {alarm}.\n    What to do: {}.", alarm.advice()),
        (Message::Still, State::Raised { since } | State::Cleared { since, .. }) => format!(
            "  {kind}: since {}: {alarm}.\n    What to do: {}.",
            day(*since),
            alarm.advice()
        ),
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn word(message: Message) -> &'static str {
    match message {
        Message::Raised => "alarm",
        Message::Still => "still",
        Message::Cleared => "over",
    }
}

/// The same for a program.
pub(super) fn json(watched: &Watched, told: &[(Message, Kept)], now: DateTime<Utc>) -> Value {
    let alarm = |(message, kept): &(Message, Kept)| {
        json!({
            "kind": kept.alarm.kind().as_str(),
            "message": message,
            "text": kept.alarm.to_string(),
            "advice": kept.alarm.advice(),
            "state": kept.state,
            "numbers": kept.alarm,
        })
    };
    json!({
        "tenant": watched.name,
        "tenant_id": watched.id,
        "at": now,
        "alarms": told.iter().map(alarm).collect::<Vec<_>>(),
    })
}
