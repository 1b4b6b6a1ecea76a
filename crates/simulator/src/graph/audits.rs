//! `GET /auditLogs/directoryAudits`: invitations and nothing else, newest first. A filter that reaches further back than
//! the log finds less, without an error.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Call;
use super::listing::{page, place};
use crate::dice::Dice;
use crate::filter::{Expression, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::Invited;
use crate::world::World;

const MOST: usize = 1_000;
const ACTIVITY: &str = "Invite external user";

pub(super) fn directory_audits(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$top"])?;
    let parts = call.query.filter_parts()?;
    for part in &parts {
        check(part)?;
    }
    let top = match call.query.get("$top") {
        None => MOST,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|top| (1..=MOST).contains(top))
            .ok_or_else(|| Reply::bad_request(format!("Invalid page size specified: '{text}'.")))?,
    };
    // A page begins below the number that the one before ended at; 0 stands for the first page.
    let below = match place(world, call)? {
        0 => u64::MAX,
        below => below,
    };
    let now = world.clock.second();
    let entries = world.tenant.audit.at(now, world.licensed);
    let mut items = Vec::new();
    let mut next = None;
    for (number, entry) in entries.filter(|(number, _)| number + 1 < below) {
        if !parts.iter().all(|part| holds(part, entry)) {
            continue;
        }
        if items.len() == top {
            next = Some(number + 2);
            break;
        }
        items.push(row(world, number, entry));
    }
    Ok(page(call, "auditLogs/directoryAudits", items, next, None))
}

/// Refuses what the log cannot be filtered by.
fn check(part: &Expression) -> Result<(), Reply> {
    let served = match part {
        Expression::Compare {
            property,
            operator,
            value,
        } => matches!(
            (property.as_str(), operator, value),
            ("activityDisplayName", Operator::Eq, Literal::Text(_))
                | (
                    "activityDateTime",
                    Operator::Eq | Operator::Ge | Operator::Le,
                    Literal::Time(_)
                )
        ),
        Expression::StartsWith { property, .. } => property == "activityDisplayName",
        Expression::In { .. }
        | Expression::EndsWith { .. }
        | Expression::Not(_)
        | Expression::All(_)
        | Expression::Any(_) => false,
    };
    match served {
        true => Ok(()),
        false => Err(Reply::unsupported_clause(part.property(), "DirectoryAudit")),
    }
}

fn holds(part: &Expression, entry: &Invited) -> bool {
    let compared = |operator: Operator, time: &DateTime<Utc>| {
        let of = (entry.at, Second::of(*time));
        match operator {
            Operator::Ge => of.0 >= of.1,
            Operator::Le => of.0 <= of.1,
            Operator::Eq => of.0 == of.1,
            Operator::Ne | Operator::Gt | Operator::Lt => false,
        }
    };
    match part {
        Expression::StartsWith { text, .. } => ACTIVITY.starts_with(text.as_str()),
        Expression::Compare {
            operator, value, ..
        } => match value {
            Literal::Text(text) => text == ACTIVITY,
            Literal::Time(time) => compared(*operator, time),
            Literal::Bool(_) | Literal::Null | Literal::Bare(_) => false,
        },
        Expression::In { .. }
        | Expression::EndsWith { .. }
        | Expression::Not(_)
        | Expression::All(_)
        | Expression::Any(_) => false,
    }
}

fn row(world: &World, number: u64, entry: &Invited) -> Value {
    let directory = &world.tenant.directory;
    let guest = directory.user(entry.guest);
    let mut dice = Dice::of(&[world.tenant.seed, 0xa0d1, number]);
    let correlation = dice.uuid();
    let user = entry.by.map(|by| {
        json!({
            "id": directory.user(by).id,
            "displayName": null,
            "userPrincipalName": directory.upn(by),
            "ipAddress": "203.0.113.7",
        })
    });
    let app = entry.by.is_none().then(|| {
        json!({
            "appId": null,
            "displayName": "Onboarding",
            "servicePrincipalId": dice.uuid(),
            "servicePrincipalName": null,
        })
    });
    json!({
        "id": format!("Invited Users_{correlation}_{number}"),
        "category": "UserManagement",
        "correlationId": correlation,
        "result": "success",
        "resultReason": null,
        "activityDisplayName": ACTIVITY,
        "activityDateTime": format!("{}.0000000Z", entry.at.to_string().trim_end_matches('Z')),
        "loggedByService": "Invited Users",
        "operationType": "Add",
        "initiatedBy": { "user": user, "app": app },
        "targetResources": [{
            "id": guest.id,
            "displayName": directory.display_name(entry.guest),
            "type": "User",
            "userPrincipalName": directory.upn(entry.guest),
            "groupType": null,
            "modifiedProperties": [],
        }],
        "additionalDetails": [
            { "key": "invitedUserEmailAddress", "value": directory.mail(entry.guest) },
        ],
    })
}
