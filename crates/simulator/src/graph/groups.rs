//! `/groups`: listing, single groups, members, owners.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{page, position, slice};
use super::{Call, objects};
use crate::query::{Clause, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::{GroupIx, GroupKind, UserIx};
use crate::world::World;

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top", "$count"])?;
    let select = call.query.select(objects::GROUP)?;
    let clauses = call.query.filter()?;
    let directory = &world.tenant.directory;
    let mut found = Vec::new();
    for index in 0..directory.groups.len() {
        let ix = GroupIx::from_index(index);
        let group = directory.group(ix);
        let mut all = !group.deleted;
        for clause in &clauses {
            all &= match clause {
                Clause::Compare(property, Operator::Eq, Literal::Text(value))
                    if property == "displayName" =>
                {
                    group.name.eq_ignore_ascii_case(value)
                }
                Clause::Compare(property, Operator::Eq, Literal::Text(value))
                    if property == "id" =>
                {
                    Uuid::try_parse(value) == Ok(group.id)
                }
                Clause::In(property, values) if property == "id" => values
                    .iter()
                    .any(|value| Uuid::try_parse(value) == Ok(group.id)),
                Clause::StartsWith(property, prefix) if property == "displayName" => group
                    .name
                    .to_lowercase()
                    .starts_with(&prefix.to_lowercase()),
                Clause::Compare(property, Operator::Eq, Literal::Bool(value))
                    if property == "isAssignableToRole" =>
                {
                    (group.kind == GroupKind::RoleAssignable) == *value
                }
                Clause::Compare(property, ..)
                | Clause::In(property, _)
                | Clause::StartsWith(property, _) => {
                    let text = format!(
                        "Unsupported or invalid query filter clause specified for property '{property}' of resource 'Group'."
                    );
                    return Err(Reply::unsupported(text));
                }
            };
        }
        if all {
            found.push(ix);
        }
    }
    let count = call.query.wants_count().then_some(found.len());
    let (found, next) = slice(found, position(world, call)?, call.query.top(100, 999)?);
    let names = objects::selected(select.as_deref(), objects::GROUP);
    let rows = found
        .into_iter()
        .map(|ix| Value::Object(objects::group(&world.tenant.directory, ix, &names)))
        .collect();
    Ok(page(call, "groups", rows, next, count))
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
    let mut row = objects::group(
        &world.tenant.directory,
        ix,
        &objects::selected(select.as_deref(), objects::GROUP),
    );
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
    let members = world
        .tenant
        .directory
        .group(ix)
        .members
        .iter()
        .copied()
        .collect();
    users(world, call, members)
}

pub(super) fn owners(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    let owners = world.tenant.directory.group(ix).owners.clone();
    users(world, call, owners)
}

fn users(world: &World, call: &Call<'_>, all: Vec<UserIx>) -> Outcome {
    call.query.only(&["$select", "$top", "$count"])?;
    let select = call.query.select(objects::USER)?;
    let names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    let directory = &world.tenant.directory;
    let live: Vec<UserIx> = all
        .into_iter()
        .filter(|ix| directory.user(*ix).is_live())
        .collect();
    let (found, next) = slice(live, position(world, call)?, call.query.top(100, 999)?);
    let rows = found
        .into_iter()
        .map(|ix| objects::typed("user", objects::user(directory, ix, &names, None)))
        .collect();
    Ok(page(call, "directoryObjects", rows, next, None))
}
