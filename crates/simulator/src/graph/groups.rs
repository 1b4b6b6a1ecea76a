//! `/groups`: listing, single groups, members, owners.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, take};
use super::{Call, access, objects, related};
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
    let group = world.tenant.directory.group(ix);
    let nested = if call.segments.len() == 3 {
        group.nested.as_slice()
    } else {
        &[]
    };
    users(world, call, group.members.range(first..).copied(), nested)
}

pub(super) fn owners(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    let mut owners = world.tenant.directory.group(ix).owners.clone();
    owners.sort_unstable();
    users(world, call, owners.into_iter(), &[])
}

/// Users in the order of their places, then groups. Without the permission to read users only their ids are told
/// ("limited information returned for inaccessible member objects").
fn users(
    world: &World,
    call: &Call<'_>,
    all: impl Iterator<Item = UserIx>,
    nested: &[GroupIx],
) -> Outcome {
    call.query.only(&["$select", "$top", "$count"])?;
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if !access::may_read_users(call) {
        names = vec!["id"];
    }
    let directory = &world.tenant.directory;
    let live =
        all.filter(|ix| directory.user(*ix).is_live() && !call.is_missing(directory.user(*ix).id));
    let users = live.map(|ix| {
        let row = objects::user(directory, ix, &names, None);
        (u64::from(ix.0), objects::typed("user", row))
    });
    let mut nested = nested.to_vec();
    nested.retain(|group| !directory.group(*group).deleted);
    nested.sort_unstable();
    let of_group = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let groups = nested.into_iter().map(|group| {
        let row = objects::group(directory, group, &of_group);
        (related::after_users(group), objects::typed("group", row))
    });
    let (rows, next) = take(
        users.chain(groups),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    Ok(page(call, "directoryObjects", rows, next, None))
}
