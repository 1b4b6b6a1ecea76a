//! A user's manager: one or none.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::deleted::refuse_restricted;
use super::writes::referenced;
use super::{Call, objects, users};
use crate::reply::{Outcome, Reply};
use crate::tenant::{UserIx, WriteKind};
use crate::world::World;

pub(super) fn get(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(&["$select"])?;
    let ix = users::find(world, key)?;
    let select = call.query.select(objects::USER)?;
    let row = row(world, ix, select.as_deref());
    let mut row = row.ok_or_else(|| Reply::not_found("manager"))?;
    row.insert(
        "@odata.context".to_owned(),
        json!(format!(
            "http://{}/v1.0/$metadata#directoryObjects/$entity",
            call.host
        )),
    );
    Ok(Reply::ok(Value::Object(row)))
}

/// The manager that `/users` shows, as an object of the directory.
pub(super) fn row(
    world: &World,
    ix: UserIx,
    select: Option<&[String]>,
) -> Option<Map<String, Value>> {
    let directory = &world.tenant.directory;
    let manager = directory.user(ix).manager()?;
    let names = objects::selected(select, objects::DEFAULT_USER);
    let row = objects::user(directory, manager, &names, None);
    let row = directory
        .user(manager)
        .is_live()
        .then(|| objects::typed("user", row))?;
    row.as_object().cloned()
}

pub(super) fn set(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    refuse_restricted(world, ix)?;
    let id: Uuid = referenced(call)?;
    let manager = users::find(world, &id.to_string())?;
    if world.tenant.directory.user(ix).synced == Some(true) {
        return Err(Reply::mastered_elsewhere());
    }
    let user = world.tenant.directory.user_quietly(ix);
    user.extras_mut().manager = Some(manager);
    let user = user.id;
    world
        .tenant
        .note(WriteKind::SetManager, user, Some(id), true, &call.caller);
    Ok(Reply::empty(204))
}
