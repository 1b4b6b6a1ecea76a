//! `/groups`: listing, single groups, members, owners.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, take};
use super::{Call, access, objects};
use crate::filter::{Expression, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::{Group, GroupIx, GroupKind, UserIx};
use crate::world::World;

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top", "$count"])?;
    let select = call.query.select(objects::GROUP)?;
    let parts = call.query.filter_parts()?;
    for part in &parts {
        check(part)?;
    }
    let directory = &world.tenant.directory;
    let matches = |group: &Group| !group.deleted && parts.iter().all(|part| holds(group, part));
    let is_first = call.query.get("$skiptoken").is_none();
    let count = (is_first && call.query.wants_count()).then(|| {
        directory
            .groups
            .iter()
            .filter(|group| matches(group))
            .count()
    });
    let found = (0..directory.groups.len()).map(GroupIx::from_index);
    let found = found.filter(|ix| matches(directory.group(*ix)));
    let (found, next) = take(
        found.map(|ix| (u64::from(ix.0), ix)),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    let names = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let rows = found
        .into_iter()
        .map(|ix| Value::Object(objects::group(directory, ix, &names)))
        .collect();
    Ok(page(call, "groups", rows, next, count))
}

/// Refuses what groups cannot be filtered by here.
fn check(part: &Expression) -> Result<(), Reply> {
    let served = match part {
        Expression::Compare {
            property,
            operator: Operator::Eq,
            value,
        } => matches!(
            (property.as_str(), value),
            ("id" | "displayName" | "mail", Literal::Text(_))
                | (
                    "isAssignableToRole" | "mailEnabled" | "securityEnabled",
                    Literal::Bool(_)
                )
        ),
        Expression::In { property, .. } => matches!(property.as_str(), "id" | "displayName"),
        Expression::StartsWith { property, .. } => property == "displayName",
        Expression::Compare { .. }
        | Expression::EndsWith { .. }
        | Expression::Not(_)
        | Expression::All(_)
        | Expression::Any(_) => false,
    };
    match served {
        true => Ok(()),
        false => Err(Reply::unsupported_clause(part.property(), "Group")),
    }
}

fn holds(group: &Group, part: &Expression) -> bool {
    if let Some(ids) = part.ids("id") {
        return ids.contains(&group.id);
    }
    let is_name = |value: &Literal| match value {
        Literal::Text(text) => group.name.eq_ignore_ascii_case(text),
        Literal::Time(_) | Literal::Bool(_) | Literal::Null | Literal::Bare(_) => false,
    };
    match part {
        Expression::StartsWith { text, .. } => {
            group.name.to_lowercase().starts_with(&text.to_lowercase())
        }
        Expression::In { values, .. } => values.iter().any(is_name),
        Expression::Compare {
            property, value, ..
        } => match (property.as_str(), value) {
            ("displayName", value) => is_name(value),
            ("mail", Literal::Text(text)) => {
                group.kind.has_mail()
                    && text
                        .split('@')
                        .next()
                        .is_some_and(|local| local.eq_ignore_ascii_case(&group.nickname))
            }
            ("isAssignableToRole", Literal::Bool(wanted)) => {
                (group.kind == GroupKind::RoleAssignable) == *wanted
            }
            ("mailEnabled", Literal::Bool(wanted)) => group.kind.has_mail() == *wanted,
            ("securityEnabled", Literal::Bool(wanted)) => {
                (group.kind != GroupKind::Microsoft365) == *wanted
            }
            _ => false,
        },
        Expression::EndsWith { .. }
        | Expression::Not(_)
        | Expression::All(_)
        | Expression::Any(_) => false,
    }
}

pub(super) fn find(world: &World, id: &str) -> Result<GroupIx, Reply> {
    let found = Uuid::try_parse(id)
        .ok()
        .and_then(|id| world.tenant.directory.live_group(id));
    found.ok_or_else(|| Reply::not_found(id))
}

pub(super) fn get(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    call.query.only(&["$select"])?;
    let ix = find(world, id)?;
    let select = call.query.select(objects::GROUP)?;
    let names = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let mut row = objects::group(&world.tenant.directory, ix, &names);
    row.insert(
        "@odata.context".to_owned(),
        json!(format!(
            "http://{}/v1.0/$metadata#groups/$entity",
            call.host
        )),
    );
    Ok(Reply::ok(Value::Object(row)))
}

pub(super) fn members(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    let from = place(world, call)?;
    let first = UserIx(u32::try_from(from).unwrap_or(u32::MAX));
    let members = world.tenant.directory.group(ix).members.range(first..);
    users(world, call, members.copied())
}

/// Everything in the group, and in the groups in it, flat: the users, and those groups themselves.
pub(super) fn transitive(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    call.query.only(&["$select", "$top"])?;
    let directory = &world.tenant.directory;
    let top = find(world, id)?;
    let mut groups = vec![top];
    let mut looked_at = 0;
    while let Some(group) = groups.get(looked_at).copied() {
        looked_at += 1;
        for nested in &directory.group(group).nested {
            if !groups.contains(nested) && !directory.group(*nested).deleted {
                groups.push(*nested);
            }
        }
    }
    let members = groups
        .iter()
        .flat_map(|group| &directory.group(*group).members);
    let users: std::collections::BTreeSet<UserIx> = members.copied().collect();
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let of_user = match access::may_read_users(call) {
        true => objects::selected(select.as_deref(), objects::DEFAULT_USER),
        false => vec!["id"],
    };
    let of_group = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let is_shown = |ix: &UserIx| {
        let user = directory.user(*ix);
        user.is_live() && !call.is_missing(user.id)
    };
    let users = users.into_iter().filter(is_shown).map(|ix| {
        let row = objects::typed("user", objects::user(directory, ix, &of_user, None));
        (u64::from(ix.0), row)
    });
    // Groups come after all users.
    let nested = groups.iter().skip(1).map(|ix| {
        let row = objects::typed("group", objects::group(directory, *ix, &of_group));
        (u64::from(u32::MAX) + 1 + u64::from(ix.0), row)
    });
    let (rows, next) = take(
        users.chain(nested),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    Ok(page(call, "directoryObjects", rows, next, None))
}

pub(super) fn owners(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    let mut owners = world.tenant.directory.group(ix).owners.clone();
    owners.sort_unstable();
    users(world, call, owners.into_iter())
}

/// Users in the order of their places. Without the permission to read users only their ids are told
/// ("limited information returned for inaccessible member objects").
fn users(world: &World, call: &Call<'_>, all: impl Iterator<Item = UserIx>) -> Outcome {
    call.query.only(&["$select", "$top", "$count"])?;
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if !access::may_read_users(call) {
        names = vec!["id"];
    }
    let directory = &world.tenant.directory;
    let live =
        all.filter(|ix| directory.user(*ix).is_live() && !call.is_missing(directory.user(*ix).id));
    let (found, next) = take(
        live.map(|ix| (u64::from(ix.0), ix)),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    let rows = found
        .into_iter()
        .map(|ix| objects::typed("user", objects::user(directory, ix, &names, None)))
        .collect();
    Ok(page(call, "directoryObjects", rows, next, None))
}
