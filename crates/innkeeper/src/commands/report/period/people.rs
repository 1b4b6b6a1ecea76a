//! What people said in the period: exceptions with their owner, reason and end, and every decision with who, why and when.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::decision::{Decision, Order};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::Entry;
use innkeeper_store::Tx;
use serde_json::Value;

use super::{Item, List};

/// Entries of the journal in which a person decided something.
const KINDS: [&str; 9] = [
    "decided",
    "released",
    "attested",
    "project-set",
    "project-removed",
    "policy-accepted",
    "undo-asked",
    "plan-approved",
    "plan-rejected",
];

/// What stands where a reason was, once the data of its guest has been erased.
const ERASED: &str = "(erased)";

/// Exemptions and holds that were in force at any time in the period and have not been released.
pub(super) async fn exceptions(
    tx: &mut Tx,
    tenant: TenantId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Item>> {
    let exception = |(guest, decision): (GuestId, Decision)| {
        let until = match decision.order {
            Order::Exempt { until } => Some(until),
            Order::Hold => None,
            // A day to leave on is no exception.
            Order::Expire { .. } => return None,
        };
        let is_over = until.is_some_and(|until| until < from.date_naive());
        let Decision {
            order,
            reason,
            by,
            at,
        } = decision;
        (at < to && !is_over).then(|| Item {
            guest: Some(guest),
            by,
            at: Some(at),
            detail: order.to_string(),
            until: until.map_or_else(|| "until it is released".to_owned(), |day| day.to_string()),
            reason,
            ..Item::of(List::Exception)
        })
    };
    let decisions = tx.decisions(tenant).await?;
    Ok(decisions.into_iter().filter_map(exception).collect())
}

/// Every decision of a person in the period, as the journal has it.
pub(super) async fn decisions(
    tx: &mut Tx,
    tenant: TenantId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Item>> {
    let Some((first, last)) = tx.journal_between(tenant, Some(from), Some(to)).await? else {
        return Ok(Vec::new());
    };
    let entries = tx.journal_of_kinds(tenant, first, last, &KINDS).await?;
    Ok(entries.iter().filter_map(decision).collect())
}

fn decision(entry: &Entry) -> Option<Item> {
    // By its parts, since those that say something of a person may be erased.
    let event = entry.event();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let day = |value: &Value| {
        let text = value.as_str()?;
        let at = text.parse::<DateTime<Utc>>().map(|at| at.date_naive());
        let day = at.or_else(|_| text.parse::<NaiveDate>()).ok()?;
        Some(day.to_string())
    };
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let kind = event["kind"].as_str()?;
    let mut told = &event;
    let mut until = &Value::Null;
    let mut list = List::Decision;
    let detail = match kind {
        "decided" => {
            told = &event["decision"];
            until = match told["order"].as_str()? {
                "expire" => &told["on"],
                _ => &told["until"],
            };
            told["order"].as_str()?.to_owned()
        }
        "released" => format!("{} released", event["order"].as_str()?),
        "attested" => {
            told = &event["word"];
            until = &event["until"];
            let (answer, means) = (event["answer"].as_str()?, event["means"].as_str()?);
            format!("said {answer}, by {means}")
        }
        "project-set" => {
            until = &event["project"]["ends"];
            format!(
                "end of the project {:?} set",
                event["project"]["group"].as_str()?
            )
        }
        "project-removed" => format!(
            "end of the project {:?} taken away",
            event["project"]["group"].as_str()?
        ),
        "policy-accepted" if event["acceptance"] == "person" => {
            format!("policy {} accepted", event["hash"].as_str()?)
        }
        "undo-asked" => format!("undone for {} guests", number(&event["guests"])),
        "plan-approved" | "plan-rejected" => {
            list = List::PlanDecision;
            until = &event["until"];
            let word = kind.trim_start_matches("plan-");
            let (steps, plan) = (number(&event["steps"]), event["plan"].as_str()?);
            format!(
                "{word}: {steps} steps of the plan {plan}, hash {}",
                event["hash"].as_str()?
            )
        }
        _ => return None,
    };
    let by = text(&told["by"]).or_else(|| text(&event["project"]["by"]));
    let is_erased = entry.details.is_none() && !event["project"].is_object();
    let reason = text(&told["reason"]);
    Some(Item {
        guest: entry.guest,
        by: by.unwrap_or_else(|| ERASED.to_owned()),
        at: Some(entry.at),
        detail,
        until: day(until).unwrap_or_default(),
        reason: reason.unwrap_or_else(|| if is_erased { ERASED } else { "" }.to_owned()),
        ..Item::of(list)
    })
}
