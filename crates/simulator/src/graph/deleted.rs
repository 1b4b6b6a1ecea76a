//! `/directory/deletedItems`: kept for 30 days, then gone for good.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, take};
use super::{Call, objects};
use crate::reply::{Outcome, Reply};
use crate::tenant::{UserIx, WriteKind};
use crate::world::World;

pub(super) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top", "$count"])?;
    let select = call.query.select(objects::USER)?;
    let mut wanted: Option<Vec<Uuid>> = None;
    for part in call.query.filter_parts()? {
        wanted = Some(
            part.ids("id")
                .ok_or_else(|| Reply::unsupported_clause(part.property(), "User"))?,
        );
    }
    let directory = &world.tenant.directory;
    let is_wanted = |ix: &UserIx| {
        wanted
            .as_ref()
            .is_none_or(|ids| ids.contains(&directory.user(*ix).id))
    };
    let from = place(world, call)?;
    let first = UserIx(u32::try_from(from).unwrap_or(u32::MAX));
    let found = directory.deleted.range(first..).copied().filter(is_wanted);
    let (found, next) = take(
        found.map(|ix| (u64::from(ix.0), ix)),
        from,
        call.query.top(CUSTOMARY, MOST)?,
    );
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if select.is_none() {
        names.push("deletedDateTime");
    }
    let rows = found
        .into_iter()
        .map(|ix| Value::Object(objects::user(directory, ix, &names, None)))
        .collect();
    Ok(page(call, "users", rows, next, None))
}

fn find(world: &World, id: &str) -> Result<UserIx, Reply> {
    let found = Uuid::try_parse(id)
        .ok()
        .and_then(|id| world.tenant.directory.user_by_id(id));
    found
        .filter(|ix| world.tenant.directory.deleted.contains(ix))
        .ok_or_else(|| Reply::not_found(id))
}

fn object(world: &World, ix: UserIx) -> Value {
    objects::typed(
        "user",
        objects::user(&world.tenant.directory, ix, objects::DEFAULT_USER, None),
    )
}

pub(super) fn get(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    call.query.only(&["$select"])?;
    let ix = find(world, id)?;
    let select = call.query.select(objects::USER)?;
    let mut names = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if select.is_none() {
        names.push("deletedDateTime");
    }
    let row = objects::user(&world.tenant.directory, ix, &names, None);
    let mut body = objects::typed("user", row);
    body["@odata.context"] = json!(format!(
        "http://{}/v1.0/$metadata#directoryObjects/$entity",
        call.host
    ));
    Ok(Reply::ok(body))
}

pub(super) fn restore(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    refuse_privileged(world, ix)?;
    world.tenant.restore_user(ix, call.now);
    let user = world.tenant.directory.user(ix).id;
    world
        .tenant
        .note(WriteKind::Restore, user, None, true, &call.caller);
    let mut body = object(world, ix);
    body["@odata.context"] = json!(format!(
        "http://{}/v1.0/$metadata#directoryObjects/$entity",
        call.host
    ));
    Ok(Reply::ok(body))
}

pub(super) fn purge(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let ix = find(world, id)?;
    let user = world.tenant.directory.user(ix).id;
    refuse_privileged(world, ix)?;
    world.tenant.purge_user(ix);
    world
        .tenant
        .note(WriteKind::Purge, user, None, true, &call.caller);
    Ok(Reply::empty(204))
}

/// A user in a restricted management administrative unit is changed by administrators of that unit alone.
pub(super) fn refuse_restricted(world: &World, ix: UserIx) -> Result<(), Reply> {
    if world.tenant.directory.user(ix).is_restricted() {
        Err(Reply::denied())
    } else {
        Ok(())
    }
}

/// Sensitive actions on privileged users take a role that an application does not have.
pub(super) fn refuse_privileged(world: &World, ix: UserIx) -> Result<(), Reply> {
    refuse_restricted(world, ix)?;
    if world.tenant.directory.is_privileged(ix) {
        Err(Reply::denied())
    } else {
        Ok(())
    }
}
