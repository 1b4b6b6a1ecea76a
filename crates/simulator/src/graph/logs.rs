//! `GET /auditLogs/signIns`: v1.0 fields, newest first, kept for 30 days. A filter that reaches further back finds less,
//! without an error.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::listing::{page, place};
use crate::dice::Dice;
use crate::fault::FaultKind;
use crate::filter::{Expression, Literal, Operator};
use crate::population::names;
use crate::reply::{Outcome, Reply};
use crate::second::{DAY, Second};
use crate::tenant::{ACCOUNT_DISABLED, SignIn, UserIx, request_id};
use crate::world::World;

/// "The default and the maximum are 1,000."
const MOST: usize = 1_000;

/// What is asked for: entries between two numbers, perhaps of one user, perhaps with one outcome.
struct Wanted {
    start: u64,
    end: u64,
    user: Option<Option<UserIx>>,
    error: Option<u32>,
}

pub(super) fn sign_ins(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$top"])?;
    if !world.licensed {
        return Err(Reply::premium());
    }
    let mut wanted = wanted(world, call)?;
    if let Some(stopped) = call.fault(FaultKind::StoppedLog) {
        let at = call.now.minus(stopped.fault.days.unwrap_or(10) * DAY);
        wanted.end = wanted.end.min(world.tenant.sign_ins.first_at(at, 0));
    }
    let top = match call.query.get("$top") {
        None => MOST,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|top| (1..=MOST).contains(top))
            .ok_or_else(|| {
                Reply::bad_request(format!(
                    "Invalid page size specified: '{text}'. Must be between 1 and {MOST} inclusive."
                ))
            })?,
    };
    // A page begins below the number that the one before ended at.
    let below = match place(world, call)? {
        0 => wanted.end,
        below => below.min(wanted.end),
    };
    let mut items = Vec::new();
    let mut next = None;
    for number in (wanted.start..below).rev() {
        let Some(entry) = world.tenant.sign_ins.entry(number) else {
            break;
        };
        if wanted.user.is_some_and(|user| user != Some(entry.user))
            || wanted.error.is_some_and(|error| error != entry.error)
        {
            continue;
        }
        if items.len() == top {
            next = Some(number + 1);
            break;
        }
        items.push(row(world, entry));
    }
    Ok(page(call, "auditLogs/signIns", items, next, None))
}

fn wanted(world: &World, call: &Call<'_>) -> Result<Wanted, Reply> {
    let log = &world.tenant.sign_ins;
    let (start, end) = log.numbers();
    let mut wanted = Wanted {
        start,
        end,
        user: None,
        error: None,
    };
    for part in call.query.filter_parts()? {
        if let Some(ids) = part.ids("userId") {
            let user = ids
                .first()
                .and_then(|id| world.tenant.directory.user_by_id(*id));
            wanted.user = Some(user);
            continue;
        }
        match part {
            Expression::Compare {
                ref property,
                operator,
                value: Literal::Time(time),
            } if property == "createdDateTime" => {
                let ticks = time.timestamp_subsec_nanos() / 100;
                let at = Second::of(time);
                let next = match ticks {
                    9_999_999 => (at.plus(1), 0),
                    ticks => (at, ticks + 1),
                };
                if matches!(operator, Operator::Ge | Operator::Eq) {
                    wanted.start = wanted.start.max(log.first_at(at, ticks));
                }
                if matches!(operator, Operator::Le | Operator::Eq) {
                    wanted.end = wanted.end.min(log.first_at(next.0, next.1));
                }
                if !matches!(operator, Operator::Ge | Operator::Le | Operator::Eq) {
                    return Err(Reply::unsupported_clause(property, "SignIn"));
                }
            }
            Expression::Compare {
                ref property,
                operator: Operator::Eq,
                value: Literal::Bare(ref number),
            } if property == "status/errorCode" => {
                let number = number.parse();
                wanted.error = Some(number.map_err(|_| {
                    Reply::malformed("Invalid filter clause: a number is expected.")
                })?);
            }
            other => return Err(Reply::unsupported_clause(other.property(), "SignIn")),
        }
    }
    Ok(wanted)
}

fn failure(error: u32) -> Option<&'static str> {
    match error {
        0 => None,
        ACCOUNT_DISABLED => Some("The user account is disabled."),
        _ => Some("Error validating credentials due to invalid username or password."),
    }
}

fn row(world: &World, entry: &SignIn) -> Value {
    let directory = &world.tenant.directory;
    let user = directory.user(entry.user);
    let at = entry.at.to_string();
    let id = request_id(user.id, entry.at);
    let mut dice = Dice::for_object(id, 0x109);
    let correlation = dice.uuid();
    let (city, country) = names::city(dice.index(1000));
    let address = format!("203.0.113.{}", dice.below(250) + 1);
    json!({
        "id": id,
        "createdDateTime": format!("{}.{:07}Z", at.trim_end_matches('Z'), entry.ticks),
        "userId": user.id,
        "userPrincipalName": directory.upn(entry.user).to_lowercase(),
        "userDisplayName": directory.display_name(entry.user),
        "appDisplayName": "Microsoft Teams",
        "appId": "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
        "clientAppUsed": "Browser",
        "correlationId": correlation,
        "conditionalAccessStatus": "notApplied",
        "ipAddress": address,
        "isInteractive": true,
        "homeTenantId": directory.domain_of(entry.user).tenant,
        "resourceTenantId": directory.tenant_id,
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": Uuid::from_u128(0x0000_0003_0000_0000_c000_0000_0000_0000),
        "riskDetail": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "status": {
            "errorCode": entry.error,
            "failureReason": failure(entry.error),
            "additionalDetails": null,
        },
        "deviceDetail": {
            "deviceId": "", "displayName": null, "operatingSystem": "Windows 11", "browser": "Edge",
            "isCompliant": null, "isManaged": null, "trustType": null,
        },
        "location": { "city": city, "state": null, "countryOrRegion": country, "geoCoordinates": {} },
        // Empty without Policy.Read.All, and not an error.
        "appliedConditionalAccessPolicies": [],
    })
}
