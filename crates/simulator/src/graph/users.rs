//! `/users`: listing, counting, single users, and what hangs on one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::listing::{page, position, slice};
use super::{Call, objects};
use crate::query::{Clause, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::{Directory, Sponsor, Tenant, User, UserIx};
use crate::world::World;

const OPTIONS: &[&str] = &["$filter", "$select", "$top", "$count", "$expand"];

/// What each relationship of a mixed kind can be asked for.
const RELATED: &[&str] = &["$select", "$top", "$count"];

/// Selecting or filtering by it makes a request one of the reports, with limits of its own.
pub(super) fn wants_sign_in_activity(call: &Call<'_>) -> bool {
    let is_users =
        call.segments.first().is_some_and(|first| first == "users") && call.segments.len() <= 2;
    let names = |option: &str| {
        call.query
            .get(option)
            .is_some_and(|text| text.contains("signInActivity"))
    };
    is_users && call.method == "GET" && (names("$select") || names("$filter"))
}

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(OPTIONS)?;
    let select = call.query.select(objects::USER)?;
    let clauses = call.query.filter()?;
    check_filter(call, &clauses)?;
    let expand = expansion(call)?;
    let reports = wants_sign_in_activity(call);
    if reports && !world.licensed {
        return Err(Reply::premium());
    }
    let most = match (reports, expand.is_some()) {
        (_, true) => 100,
        (true, false) => 500,
        (false, false) => 999,
    };
    let top = call.query.top(100, most)?;
    let from = position(world, call)?;
    let directory = &world.tenant.directory;
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if reports && !names.contains(&"id") {
        names.push("id");
    }
    let count = (from == 0 && call.query.wants_count()).then(|| {
        candidates(directory, &clauses)
            .filter(|ix| matches(directory, *ix, &clauses))
            .count()
    });
    let mut items = Vec::with_capacity(top);
    let mut next = None;
    let from_ix = usize::try_from(from).unwrap_or(usize::MAX);
    for ix in candidates(directory, &clauses).filter(|ix| ix.at() >= from_ix) {
        if !matches(directory, ix, &clauses) {
            continue;
        }
        if items.len() == top {
            next = Some(ix.at() as u64);
            break;
        }
        let mut row = objects::user(directory, ix, &names, call.row_fault);
        if let Some(inner) = &expand {
            row.insert(
                "sponsors".to_owned(),
                Value::Array(sponsor_rows(&world.tenant, ix, inner.as_deref())),
            );
        }
        items.push(Value::Object(row));
    }
    Ok(page(call, "users", items, next, count))
}

/// Users that may match, in the order of their places: those named by an `id in (..)`, else all.
fn candidates<'d>(
    directory: &'d Directory,
    clauses: &[Clause],
) -> Box<dyn Iterator<Item = UserIx> + 'd> {
    let ids = clauses.iter().find_map(|clause| match clause {
        Clause::In(property, ids) if property == "id" => Some(ids.clone()),
        Clause::Compare(property, Operator::Eq, Literal::Text(id)) if property == "id" => {
            Some(vec![id.clone()])
        }
        Clause::In(..) | Clause::Compare(..) | Clause::StartsWith(..) => None,
    });
    match ids {
        None => Box::new((0..directory.users.len()).map(UserIx::from_index)),
        Some(ids) => {
            let found = ids
                .iter()
                .filter_map(|id| Uuid::try_parse(id).ok())
                .filter_map(|id| directory.user_by_id(id));
            let mut found: Vec<UserIx> = found.collect();
            found.sort_unstable();
            found.dedup();
            Box::new(found.into_iter())
        }
    }
}

fn check_filter(call: &Call<'_>, clauses: &[Clause]) -> Result<(), Reply> {
    for clause in clauses {
        let (property, operator) = match clause {
            Clause::Compare(property, operator, _) => (property, Some(*operator)),
            Clause::In(property, _) | Clause::StartsWith(property, _) => (property, None),
        };
        if property.starts_with("signInActivity/") {
            if clauses.len() > 1 {
                return Err(Reply::bad_request(
                    "Filter on signInActivity cannot be combined with other filters.",
                ));
            }
            continue;
        }
        if operator == Some(Operator::Ne) && !call.query.wants_count() {
            let text = "Operator 'ne' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information";
            return Err(Reply::unsupported(text));
        }
        let known = match clause {
            Clause::In(..) => matches!(property.as_str(), "id" | "userPrincipalName" | "mail"),
            Clause::StartsWith(..) => matches!(
                property.as_str(),
                "userPrincipalName" | "mail" | "displayName"
            ),
            Clause::Compare(..) => matches!(
                property.as_str(),
                "id" | "userType"
                    | "accountEnabled"
                    | "createdDateTime"
                    | "externalUserState"
                    | "creationType"
                    | "userPrincipalName"
                    | "mail"
                    | "displayName"
                    | "onPremisesSyncEnabled"
            ),
        };
        if !known {
            return Err(Reply::unsupported(format!(
                "Unsupported or invalid query filter clause specified for property '{property}' of resource 'User'."
            )));
        }
    }
    Ok(())
}

fn matches(directory: &Directory, ix: UserIx, clauses: &[Clause]) -> bool {
    let user = directory.user(ix);
    user.is_live()
        && clauses
            .iter()
            .all(|clause| holds(directory, ix, user, clause))
}

fn holds(directory: &Directory, ix: UserIx, user: &User, clause: &Clause) -> bool {
    let text = |property: &str| match property {
        "id" => Some(user.id.to_string()),
        "userType" => Some(user.user_type.name().to_owned()),
        "externalUserState" => user.state.map(|state| state.name().to_owned()),
        "creationType" => user.creation_type.map(|kind| kind.name().to_owned()),
        "userPrincipalName" => Some(directory.upn(ix)),
        "mail" => Some(directory.mail(ix)),
        "displayName" => Some(directory.display_name(ix)),
        _ => None,
    };
    match clause {
        // The commonest filter of all, spared the allocations.
        Clause::Compare(property, Operator::Eq, Literal::Text(value)) if property == "userType" => {
            user.user_type.name() == value
        }
        Clause::Compare(property, operator, Literal::Text(value)) => {
            text(property).is_some_and(|found| found.eq_ignore_ascii_case(value))
                == (*operator == Operator::Eq)
        }
        Clause::Compare(property, operator, Literal::Bool(value)) => {
            let found = if property == "onPremisesSyncEnabled" {
                user.synced
            } else {
                Some(user.enabled)
            };
            (found == Some(*value)) == (*operator == Operator::Eq)
        }
        Clause::Compare(property, operator, Literal::Null) => {
            let is_null = match property.as_str() {
                "createdDateTime" => user.created.is_none(),
                "onPremisesSyncEnabled" => user.synced.is_none(),
                other => text(other).is_none(),
            };
            is_null == (*operator == Operator::Eq)
        }
        Clause::Compare(property, operator, Literal::Time(time)) => {
            let found = match property.as_str() {
                "signInActivity/lastSignInDateTime" => user.shown.interactive,
                "signInActivity/lastNonInteractiveSignInDateTime" => user.shown.non_interactive,
                "signInActivity/lastSuccessfulSignInDateTime" => user.shown.success,
                _ => user.created,
            };
            // Users who never signed in are never found.
            found.is_some_and(|found| match operator {
                Operator::Eq => found == *time,
                Operator::Ne => found != *time,
                Operator::Ge => found >= *time,
                Operator::Le => found <= *time,
            })
        }
        Clause::In(property, values) if property == "id" => {
            Uuid::try_parse(&user.id.to_string()).is_ok()
                && values
                    .iter()
                    .any(|value| Uuid::try_parse(value) == Ok(user.id))
        }
        Clause::In(property, values) => text(property).is_some_and(|found| {
            values
                .iter()
                .any(|value| value.eq_ignore_ascii_case(&found))
        }),
        Clause::StartsWith(property, prefix) => text(property)
            .is_some_and(|found| found.to_lowercase().starts_with(&prefix.to_lowercase())),
    }
}

/// `$expand`: only sponsors, one relationship, not in an advanced query. Some when asked for, with what is selected inside.
fn expansion(call: &Call<'_>) -> Result<Option<Option<Vec<String>>>, Reply> {
    let Some(text) = call.query.get("$expand") else {
        return Ok(None);
    };
    if call.query.wants_count() {
        return Err(Reply::unsupported(
            "$expand is not supported with advanced queries.",
        ));
    }
    let Some(rest) = text.strip_prefix("sponsors") else {
        return Err(Reply::bad_request(
            "Only one property can be expanded in a single query.",
        ));
    };
    if rest.is_empty() {
        return Ok(Some(None));
    }
    let inside = rest
        .strip_prefix("($select=")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(inside) = inside else {
        return Err(Reply::bad_request(format!(
            "The expansion '{text}' is not supported."
        )));
    };
    Ok(Some(Some(inside.split(',').map(str::to_owned).collect())))
}

fn sponsor_rows(tenant: &Tenant, ix: UserIx, select: Option<&[String]>) -> Vec<Value> {
    let directory = &tenant.directory;
    let live = directory
        .user(ix)
        .sponsors
        .iter()
        .filter(|sponsor| tenant.sponsor_is_live(**sponsor));
    live.map(|sponsor| match sponsor {
        Sponsor::User(user) => objects::typed(
            "user",
            objects::user(
                directory,
                *user,
                &objects::selected(select, objects::DEFAULT_USER),
                None,
            ),
        ),
        Sponsor::Group(group) => {
            let names = objects::selected(
                select,
                &[
                    "id",
                    "displayName",
                    "mail",
                    "mailEnabled",
                    "mailNickname",
                    "securityEnabled",
                ],
            );
            objects::typed("group", objects::group(directory, *group, &names))
        }
    })
    .collect()
}

pub(super) fn count(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter"])?;
    if !call.query.eventual {
        return Err(Reply::bad_request("$count is not currently supported."));
    }
    let clauses = call.query.filter()?;
    check_filter(call, &clauses)?;
    let directory = &world.tenant.directory;
    let count = candidates(directory, &clauses)
        .filter(|ix| matches(directory, *ix, &clauses))
        .count();
    Ok(Reply::text(200, "text/plain", count.to_string()))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(&["$select", "$expand"])?;
    let select = call.query.select(objects::USER)?;
    let expand = expansion(call)?;
    if wants_sign_in_activity(call) {
        if !world.licensed {
            return Err(Reply::premium());
        }
        if Uuid::try_parse(key).is_err() {
            return Err(Reply::error(
                400,
                "400",
                "Get By Key only supports UserId and the key has to be a valid Guid",
            ));
        }
    }
    let ix = find(world, key)?;
    let names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    let mut row = Map::new();
    row.insert(
        "@odata.context".to_owned(),
        json!(format!("http://{}/v1.0/$metadata#users/$entity", call.host)),
    );
    row.extend(objects::user(
        &world.tenant.directory,
        ix,
        &names,
        call.row_fault,
    ));
    if let Some(inner) = &expand {
        row.insert(
            "sponsors".to_owned(),
            Value::Array(sponsor_rows(&world.tenant, ix, inner.as_deref())),
        );
    }
    Ok(Reply::ok(Value::Object(row)))
}

/// A user that `/users` shows.
pub(super) fn find(world: &World, key: &str) -> Result<UserIx, Reply> {
    world
        .tenant
        .directory
        .live_user(key)
        .ok_or_else(|| Reply::not_found(key))
}

pub(super) fn sponsors(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(RELATED)?;
    let ix = find(world, key)?;
    let select = call.query.select(objects::USER)?;
    let rows = sponsor_rows(&world.tenant, ix, select.as_deref());
    Ok(page(call, "directoryObjects", rows, None, None))
}

pub(super) fn member_of(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(RELATED)?;
    let ix = find(world, key)?;
    let select = call.query.select(objects::GROUP)?;
    let names = objects::selected(select.as_deref(), objects::GROUP);
    let directory = &world.tenant.directory;
    let user = directory.user(ix);
    let groups = user
        .groups
        .iter()
        .filter(|group| !directory.group(**group).deleted);
    let groups =
        groups.map(|group| objects::typed("group", objects::group(directory, *group, &names)));
    let all: Vec<Value> = groups
        .chain(user.roles().iter().map(|role| objects::role(*role)))
        .collect();
    let (items, next) = slice(all, position(world, call)?, call.query.top(100, 999)?);
    Ok(page(call, "directoryObjects", items, next, None))
}

/// The simulated tenant has no applications of its own, so nobody is assigned to one.
pub(super) fn app_roles(world: &mut World, key: &str) -> Outcome {
    find(world, key)?;
    Ok(Reply::ok(json!({ "value": [] })))
}
