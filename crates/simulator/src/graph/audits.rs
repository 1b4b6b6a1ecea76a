//! `GET /auditLogs/directoryAudits`: invitations, and accounts taken and given back; nothing else, newest first. A filter that reaches further back than
//! the log finds less, without an error.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::Call;
use super::listing::{page, place};
use crate::dice::Dice;
use crate::filter::{Expression, Literal, Operator};
use crate::options::SERVICE_PRINCIPAL_ID;
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::{Audited, AuditedActivity, Author};
use crate::world::World;

const MOST: usize = 1_000;

/// The object id of the administrator who does what the control interface is told to do.
const ADMINISTRATOR: Uuid = uuid!("0b8e6a52-55c1-4a0e-8a6e-3f1f6c0da004");

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

fn holds(part: &Expression, entry: &Audited) -> bool {
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
        Expression::StartsWith { text, .. } => entry.activity.name().starts_with(text.as_str()),
        Expression::Compare {
            operator, value, ..
        } => match value {
            Literal::Text(text) => text == entry.activity.name(),
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

fn row(world: &World, number: u64, entry: &Audited) -> Value {
    let directory = &world.tenant.directory;
    let guest = directory.user(entry.user);
    let mut dice = Dice::of(&[world.tenant.seed, 0xa0d1, number]);
    let correlation = dice.uuid();
    let user = |id: Uuid, upn: String| {
        json!({
            "id": id,
            "displayName": null,
            "userPrincipalName": upn,
            "ipAddress": "203.0.113.7",
        })
    };
    let mut app = |name: &str, id: Option<Uuid>| {
        let id = id.unwrap_or_else(|| dice.uuid());
        json!({
            "appId": null,
            "displayName": name,
            "servicePrincipalId": id,
            "servicePrincipalName": null,
        })
    };
    let (user, app) = match entry.by {
        Author::User(by) => {
            let upn = directory.upn(by);
            (Some(user(directory.user(by).id, upn)), None)
        }
        Author::Administrator => {
            let upn = "administrator@contoso.example".to_owned();
            (Some(user(ADMINISTRATOR, upn)), None)
        }
        Author::OtherApplication => (None, Some(app("Onboarding", None))),
        Author::Application => (None, Some(app("Innkeeper", Some(SERVICE_PRINCIPAL_ID)))),
    };
    let is_invitation = entry.activity == AuditedActivity::Invited;
    let (service, operation) = match is_invitation {
        true => ("Invited Users", "Add"),
        false => ("Core Directory", "Update"),
    };
    let details = match is_invitation {
        true => json!([
            { "key": "invitedUserEmailAddress", "value": directory.mail(entry.user) },
        ]),
        false => json!([]),
    };
    json!({
        "id": format!("{service}_{correlation}_{number}"),
        "category": "UserManagement",
        "correlationId": correlation,
        "result": "success",
        "resultReason": null,
        "activityDisplayName": entry.activity.name(),
        "activityDateTime": format!("{}.0000000Z", entry.at.to_string().trim_end_matches('Z')),
        "loggedByService": service,
        "operationType": operation,
        "initiatedBy": { "user": user, "app": app },
        "targetResources": [{
            "id": guest.id,
            "displayName": directory.display_name(entry.user),
            "type": "User",
            "userPrincipalName": directory.upn(entry.user),
            "groupType": null,
            "modifiedProperties": [],
        }],
        "additionalDetails": details,
    })
}
