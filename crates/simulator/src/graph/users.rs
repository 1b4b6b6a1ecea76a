//! `/users`: listing, counting, single users, and what hangs on one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, take};
use super::user_filter::UserFilter;
use super::{Call, manager, objects};
use crate::fault::FaultKind;
use crate::reply::{Outcome, Reply};
use crate::tenant::{Directory, Sponsor, Tenant, UserIx};
use crate::world::World;

const OPTIONS: &[&str] = &["$filter", "$select", "$top", "$count", "$expand"];

/// What each relationship of a mixed kind can be asked for.
const RELATED: &[&str] = &["$select", "$top", "$count"];

/// Selecting or filtering by it makes a request one of the reports, with limits of its own.
pub(super) fn wants_sign_in_activity(call: &Call<'_>) -> bool {
    let is_users = match call.segments.as_slice() {
        [first] => first == "users",
        [first, second] => first == "users" && second != "delta",
        _ => false,
    };
    let names = |option: &str| {
        call.query
            .get(option)
            .is_some_and(|text| text.contains("signInActivity"))
    };
    is_users && call.method == "GET" && (names("$select") || names("$filter"))
}

/// Rows that one page looks at before it is handed out as it is, full or not: "a page may be empty yet have a link".
const LOOKED_AT: usize = 100_000;

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(OPTIONS)?;
    objects::refuse_out_of_store(call)?;
    let select = call.query.select(objects::USER)?;
    let filter = filter(call, call.query.is_advanced())?;
    let expand = expansion(call)?;
    let reports = wants_sign_in_activity(call);
    if reports && !world.licensed {
        return Err(Reply::premium());
    }
    let most = match (reports, expand.is_some()) {
        (_, true) => 100,
        (true, false) => 500,
        (false, false) => MOST,
    };
    let top = call.query.top(CUSTOMARY, most)?;
    let is_expanded = call.fault(FaultKind::ExpandIgnored).is_none();
    let from = place(world, call)?;
    let directory = &world.tenant.directory;
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if reports && !names.contains(&"id") {
        names.push("id");
    }
    let is_first = call.query.get("$skiptoken").is_none();
    let count =
        (is_first && call.query.wants_count()).then(|| matching(directory, filter.as_ref()));
    let mut items = Vec::with_capacity(top);
    let mut next = None;
    for (looked_at, ix) in candidates(directory, filter.as_ref(), from).enumerate() {
        if looked_at == LOOKED_AT {
            next = Some(u64::from(ix.0));
            break;
        }
        if !matches(directory, ix, filter.as_ref()) {
            continue;
        }
        if items.len() == top {
            next = Some(u64::from(ix.0));
            break;
        }
        if call.is_missing(directory.user(ix).id) {
            continue;
        }
        let mut row = objects::user(directory, ix, &names, call.fault(FaultKind::SignInActivity));
        if let Some(inner) = expand.as_ref().filter(|_| is_expanded) {
            row.insert(
                "sponsors".to_owned(),
                Value::Array(sponsor_rows(&world.tenant, ix, inner.as_deref())),
            );
        }
        items.push(Value::Object(row));
    }
    let context = match &select {
        Some(names) => format!("users({})", names.join(",")),
        None => "users".to_owned(),
    };
    Ok(page(call, &context, items, next, count))
}

fn filter(call: &Call<'_>, advanced: bool) -> Result<Option<UserFilter>, Reply> {
    let filter = call.query.filter()?;
    filter
        .map(|filter| UserFilter::new(&filter, advanced))
        .transpose()
}

/// Users that may match from a place on, in the order of their places: those that the filter names, else all.
fn candidates<'d>(
    directory: &'d Directory,
    filter: Option<&UserFilter>,
    from: u64,
) -> Box<dyn Iterator<Item = UserIx> + 'd> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    match filter.and_then(UserFilter::ids) {
        None => {
            let end = directory.users.len();
            Box::new((from.min(end)..end).map(UserIx::from_index))
        }
        Some(ids) => {
            let found = ids.iter().filter_map(|id| directory.user_by_id(*id));
            let mut found: Vec<UserIx> = found.filter(|ix| ix.at() >= from).collect();
            found.sort_unstable();
            found.dedup();
            Box::new(found.into_iter())
        }
    }
}

fn matches(directory: &Directory, ix: UserIx, filter: Option<&UserFilter>) -> bool {
    directory.user(ix).is_live() && filter.is_none_or(|filter| filter.holds(directory, ix))
}

fn matching(directory: &Directory, filter: Option<&UserFilter>) -> usize {
    candidates(directory, filter, 0)
        .filter(|ix| matches(directory, *ix, filter))
        .count()
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
    if text.contains("),") || (text.contains(',') && !text.contains('(')) {
        return Err(Reply::bad_request(
            "Only one property can be expanded in a single query.",
        ));
    }
    let Some(rest) = text.strip_prefix("sponsors") else {
        return Err(Reply::malformed(format!(
            "Parsing OData Select and Expand failed: the expansion '{text}' is not supported."
        )));
    };
    if rest.is_empty() {
        return Ok(Some(None));
    }
    let inside = rest
        .strip_prefix("($select=")
        .and_then(|rest| rest.strip_suffix(')'));
    let Some(inside) = inside else {
        return Err(Reply::malformed(format!(
            "The expansion '{text}' is not supported."
        )));
    };
    let names: Vec<String> = inside
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    match names
        .iter()
        .find(|name| !objects::DIRECTORY_OBJECT.contains(&name.as_str()))
    {
        Some(name) => Err(Reply::malformed(format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.directoryObject'."
        ))),
        None => Ok(Some(Some(names))),
    }
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
    let filter = filter(call, true)?;
    let count = matching(&world.tenant.directory, filter.as_ref());
    Ok(Reply::text(200, "text/plain", count.to_string()))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(&["$select", "$expand"])?;
    let select = call.query.select(objects::USER)?;
    // Of one user the manager can be expanded too.
    let wants_manager = call.query.get("$expand") == Some("manager");
    let expand = match wants_manager {
        true => None,
        false => expansion(call)?,
    };
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
        call.fault(FaultKind::SignInActivity),
    ));
    if let Some(inner) = &expand {
        row.insert(
            "sponsors".to_owned(),
            Value::Array(sponsor_rows(&world.tenant, ix, inner.as_deref())),
        );
    }
    if wants_manager && let Some(manager) = manager::row(world, ix, None) {
        row.insert("manager".to_owned(), Value::Object(manager));
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
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let rows = sponsor_rows(&world.tenant, ix, select.as_deref());
    Ok(page(call, "directoryObjects", rows, None, None))
}

/// Groups and directory roles, mixed. Without the permission to read groups only their ids are told.
pub(super) fn member_of(
    world: &mut World,
    call: &Call<'_>,
    key: &str,
    cast: Option<&str>,
) -> Outcome {
    call.query.only(RELATED)?;
    let ix = find(world, key)?;
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let names = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let directory = &world.tenant.directory;
    let user = directory.user(ix);
    let mut groups = user.groups.clone();
    groups.retain(|group| !directory.group(*group).deleted);
    groups.sort_unstable();
    let groups = groups.into_iter().map(|group| {
        let row = objects::typed("group", objects::group(directory, group, &names));
        (u64::from(group.0), row)
    });
    // Roles come after all groups.
    let roles = user
        .roles()
        .iter()
        .map(|role| (u64::from(u32::MAX) + *role as u64, objects::role(*role)));
    let all = groups
        .filter(|_| cast != Some("microsoft.graph.directoryRole"))
        .chain(roles.filter(|_| cast != Some("microsoft.graph.group")));
    let (items, next) = take(all, place(world, call)?, call.query.top(CUSTOMARY, MOST)?);
    Ok(page(call, "directoryObjects", items, next, None))
}
