//! `GET /auditLogs/signIns`: v1.0 fields, newest first, kept for 30 days.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::listing::{page, position};
use crate::query::{Clause, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::{SignIn, UserIx};
use crate::world::World;

pub(super) fn sign_ins(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$top"])?;
    if !world.licensed {
        return Err(Reply::premium());
    }
    let (oldest, mut end) = world.tenant.sign_ins.numbers();
    let mut start = oldest;
    let mut user: Option<Option<UserIx>> = None;
    for clause in call.query.filter()? {
        match clause {
            Clause::Compare(property, Operator::Ge, Literal::Time(time))
                if property == "createdDateTime" =>
            {
                start = start.max(world.tenant.sign_ins.first_at(time, 0));
            }
            Clause::Compare(property, Operator::Le, Literal::Time(time))
                if property == "createdDateTime" =>
            {
                end = end.min(world.tenant.sign_ins.first_at(time.plus(1), 0));
            }
            Clause::Compare(property, Operator::Eq, Literal::Text(id)) if property == "userId" => {
                user = Some(
                    Uuid::try_parse(&id)
                        .ok()
                        .and_then(|id| world.tenant.directory.user_by_id(id)),
                );
            }
            _ => {
                return Err(Reply::bad_request(
                    "Unsupported or invalid query filter clause specified.",
                ));
            }
        }
    }
    let top = call
        .query
        .get("$top")
        .map_or(Ok(1_000), |text| {
            text.parse::<usize>()
                .map_err(|_| Reply::bad_request("Invalid page size."))
        })?
        .clamp(1, 1_000);
    // A page begins below the number that the one before ended at.
    let below = match position(world, call)? {
        0 => end,
        below => below.min(end),
    };
    let mut items = Vec::new();
    let mut next = None;
    for number in (start..below).rev() {
        let Some(entry) = world.tenant.sign_ins.entry(number) else {
            break;
        };
        if user.is_some_and(|user| user != Some(entry.user)) {
            continue;
        }
        if items.len() == top {
            next = Some(number + 1);
            break;
        }
        items.push(row(world, number, entry));
    }
    Ok(page(call, "auditLogs/signIns", items, next, None))
}

fn row(world: &World, number: u64, entry: &SignIn) -> Value {
    let directory = &world.tenant.directory;
    let user = directory.user(entry.user);
    let at = entry.at.to_string();
    json!({
        "id": Uuid::from_u64_pair(0x5e55_1017, number).to_string(),
        "createdDateTime": format!("{}.{:07}Z", at.trim_end_matches('Z'), entry.ticks),
        "userId": user.id.to_string(),
        "userPrincipalName": directory.upn(entry.user).to_lowercase(),
        "userDisplayName": directory.display_name(entry.user),
        "appDisplayName": "Microsoft Teams",
        "appId": "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "clientAppUsed": "Browser",
        "isInteractive": true,
        "homeTenantId": directory.domain_of(entry.user).tenant.to_string(),
        "resourceTenantId": directory.tenant_id.to_string(),
        "resourceDisplayName": "Microsoft Graph",
        "status": { "errorCode": entry.error, "failureReason": null, "additionalDetails": null },
    })
}
