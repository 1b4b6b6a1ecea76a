//! Writes to users and groups.

use serde_json::Value;
use uuid::Uuid;

use super::deleted::{refuse_privileged, refuse_restricted};
use super::{Call, access, groups, users};
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::{GroupIx, GroupKind, MAX_SPONSORS, Sponsor, UserIx, WriteKind};
use crate::world::World;

/// "Each at most 1,024 characters."
const LONGEST_ATTRIBUTE: usize = 1024;

pub(super) fn update_user(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    // An annotation, such as the type that Microsoft's clients always send along, changes nothing.
    refuse_restricted(world, ix)?;
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    body.retain(|name, _| !is_annotation(name));
    if body.is_empty() {
        return Err(Reply::bad_request("Empty payload. JSON content expected."));
    }
    for (name, value) in &body {
        let fits = match name.as_str() {
            "accountEnabled" => value.is_boolean(),
            "onPremisesExtensionAttributes" => are_attributes(value),
            "employeeLeaveDateTime" => {
                let is_time = |text| chrono::DateTime::parse_from_rfc3339(text).is_ok();
                value.is_null() || value.as_str().is_some_and(is_time)
            }
            _ => {
                return Err(Reply::bad_request(format!(
                    "Property '{name}' is read-only or not known."
                )));
            }
        };
        if !fits {
            return Err(Reply::bad_request(format!(
                "Invalid value specified for property '{name}' of resource 'User'."
            )));
        }
    }
    if body.contains_key("accountEnabled") {
        refuse_privileged(world, ix)?;
    }
    let id = world.tenant.directory.user(ix).id;
    // All that can be set here is mastered on-premises for a synced user; these attributes stay read-only for one who was.
    let is_mastered = match world.tenant.directory.user(ix).synced {
        Some(true) => true,
        Some(false) => body.contains_key("onPremisesExtensionAttributes"),
        None => false,
    };
    if is_mastered {
        return Err(Reply::mastered_elsewhere());
    }
    if let Some(enabled) = body.get("accountEnabled").and_then(Value::as_bool) {
        let changed = world.tenant.directory.user(ix).enabled != enabled;
        if changed {
            world.tenant.directory.user_mut(ix).enabled = enabled;
        }
        let kind = if enabled {
            WriteKind::Enable
        } else {
            WriteKind::Disable
        };
        world.tenant.note(kind, id, None, changed, &call.caller);
        if changed && enabled {
            world.tenant.plan_next(ix, call.now);
        }
    }
    if body.len() > usize::from(body.contains_key("accountEnabled")) {
        set_attributes(world, ix, &body);
        world
            .tenant
            .note(WriteKind::Update, id, None, true, &call.caller);
    }
    Ok(Reply::empty(204))
}

fn set_attributes(world: &mut World, ix: UserIx, body: &serde_json::Map<String, Value>) {
    let extras = world.tenant.directory.user_mut(ix).extras_mut();
    if let Some(leave) = body.get("employeeLeaveDateTime") {
        let parsed = leave
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        extras.leave = parsed.map(|at| Second::of(at.to_utc()));
    }
    let attributes = body
        .get("onPremisesExtensionAttributes")
        .and_then(Value::as_object);
    for (name, value) in attributes.into_iter().flatten() {
        let Some(number) = attribute_number(name) else {
            continue;
        };
        match value.as_str() {
            Some(text) => _ = extras.attributes.insert(number, text.to_owned()),
            None => _ = extras.attributes.remove(&number),
        }
    }
}

fn is_annotation(name: &str) -> bool {
    name.contains('@')
}

/// `extensionAttribute1` to `extensionAttribute15`.
fn attribute_number(name: &str) -> Option<u8> {
    let number = name.strip_prefix("extensionAttribute")?.parse().ok()?;
    (1..=15).contains(&number).then_some(number)
}

fn are_attributes(value: &Value) -> bool {
    let fits = |value: &Value| {
        value.is_null()
            || value
                .as_str()
                .is_some_and(|text| text.chars().count() <= LONGEST_ATTRIBUTE)
    };
    value.as_object().is_some_and(|object| {
        object.iter().all(|(name, value)| {
            is_annotation(name) || attribute_number(name).is_some() && fits(value)
        })
    })
}

/// What the removal of a reference does that forgets its `/$ref`: the user or the group itself is deleted.
pub(super) fn delete_object(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let group = Uuid::try_parse(key)
        .ok()
        .and_then(|id| world.tenant.directory.live_group(id));
    match group {
        Some(group) if access::may_delete_groups(call) => {
            world.tenant.delete_group(group);
            let id = world.tenant.directory.group(group).id;
            world
                .tenant
                .note(WriteKind::DeleteGroup, id, None, true, &call.caller);
            Ok(Reply::empty(204))
        }
        None if access::may_delete_users(call) => delete_user(world, call, key),
        Some(_) | None => Err(Reply::denied()),
    }
}

/// A soft delete.
pub(super) fn delete_user(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    refuse_privileged(world, ix)?;
    world.tenant.delete_user(ix, call.now);
    let id = world.tenant.directory.user(ix).id;
    world
        .tenant
        .note(WriteKind::Delete, id, None, true, &call.caller);
    Ok(Reply::empty(204))
}

/// The object that a reference's body names.
pub(super) fn referenced(call: &Call<'_>) -> Result<Uuid, Reply> {
    let link = call
        .body
        .get("@odata.id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = link
        .rsplit('/')
        .next()
        .and_then(|id| Uuid::try_parse(id).ok());
    id.ok_or_else(|| Reply::bad_request("Invalid reference."))
}

fn refuse_kind(world: &World, call: &Call<'_>, group: GroupIx) -> Result<(), Reply> {
    match world.tenant.directory.group(group).kind {
        GroupKind::Security | GroupKind::Microsoft365 => Ok(()),
        GroupKind::RoleAssignable if access::may_manage_roles(call) => Ok(()),
        GroupKind::Dynamic | GroupKind::RoleAssignable => Err(Reply::denied()),
        GroupKind::OnPremises => Err(Reply::mastered_elsewhere()),
        GroupKind::MailEnabled => Err(Reply::bad_request(
            "Cannot Update a mail-enabled security groups and or distribution list.",
        )),
    }
}

pub(super) fn add_member(world: &mut World, call: &Call<'_>, group: &str) -> Outcome {
    let group_ix = groups::find(world, group)?;
    refuse_kind(world, call, group_ix)?;
    let member = referenced(call)?;
    let ix = users::find(world, &member.to_string())?;
    if !world.tenant.directory.join(ix, group_ix) {
        let text = "One or more added object references already exist for the following modified properties: 'members'.";
        return Err(Reply::bad_request(text));
    }
    let group = world.tenant.directory.group(group_ix).id;
    world.tenant.note(
        WriteKind::AddMember,
        member,
        Some(group),
        true,
        &call.caller,
    );
    Ok(Reply::empty(204))
}

pub(super) fn remove_member(
    world: &mut World,
    call: &Call<'_>,
    group: &str,
    member: &str,
) -> Outcome {
    let group_ix = groups::find(world, group)?;
    refuse_kind(world, call, group_ix)?;
    let ix = users::find(world, member)?;
    if !world.tenant.directory.leave(ix, group_ix) {
        return Err(Reply::not_found(member));
    }
    let (user, group) = (
        world.tenant.directory.user(ix).id,
        world.tenant.directory.group(group_ix).id,
    );
    world.tenant.note(
        WriteKind::RemoveMember,
        user,
        Some(group),
        true,
        &call.caller,
    );
    Ok(Reply::empty(204))
}

fn sponsor(world: &World, id: Uuid) -> Result<Sponsor, Reply> {
    let directory = &world.tenant.directory;
    let user = directory.live_user(&id.to_string()).map(Sponsor::User);
    user.or_else(|| directory.live_group(id).map(Sponsor::Group))
        .ok_or_else(|| Reply::not_found(&id.to_string()))
}

pub(super) fn add_sponsor(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let id = referenced(call)?;
    let sponsor = sponsor(world, id)?;
    let user = world.tenant.directory.user_quietly(ix);
    if user.sponsors.contains(&sponsor) {
        let text = "One or more added object references already exist for the following modified properties: 'sponsors'.";
        return Err(Reply::bad_request(text));
    }
    if user.sponsors.len() >= MAX_SPONSORS {
        return Err(Reply::bad_request(
            "The maximum number of sponsors is reached.",
        ));
    }
    user.sponsors.push(sponsor);
    let user = user.id;
    world
        .tenant
        .note(WriteKind::AddSponsor, user, Some(id), true, &call.caller);
    Ok(Reply::empty(204))
}

pub(super) fn remove_sponsor(world: &mut World, call: &Call<'_>, key: &str, id: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let id = Uuid::try_parse(id).map_err(|_| Reply::not_found(id))?;
    let sponsor = sponsor(world, id)?;
    let user = world.tenant.directory.user_quietly(ix);
    let before = user.sponsors.len();
    user.sponsors.retain(|other| *other != sponsor);
    if user.sponsors.len() == before {
        return Err(Reply::not_found(&id.to_string()));
    }
    let user = user.id;
    world
        .tenant
        .note(WriteKind::RemoveSponsor, user, Some(id), true, &call.caller);
    Ok(Reply::empty(204))
}
