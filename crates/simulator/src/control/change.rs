//! What the control interface changes: the clock, the settings, and the tenant itself, without leaving a record.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{governance, refuse, show};
use crate::dice::Dice;
use crate::graph::{DeltaSettings, give_app_role};
use crate::population::newcomer;
use crate::reply::Reply;
use crate::second::Second;
use crate::tenant::{
    Audited, AuditedActivity, Author, CreationType, Group, GroupIx, GroupKind, Habits,
    InvitationState, Origin, Persona, Sponsor, User, UserIx, UserType, role_named,
};
use crate::throttle::ThrottleSettings;
use crate::token;
use crate::world::World;

type Changed = Result<(), String>;

fn reply(changed: Result<Value, String>) -> Reply {
    changed.map_or_else(|why| refuse(&why), Reply::ok)
}

pub(super) fn advance(world: &mut World, body: &Value) -> Reply {
    let Some(seconds) = body.get("seconds").and_then(Value::as_u64) else {
        return refuse("seconds is a whole number, 0 or more");
    };
    world.clock.advance(Duration::from_secs(seconds));
    world.catch_up();
    Reply::ok(show::clock(world))
}

pub(super) fn speed(world: &mut World, body: &Value) -> Reply {
    let Some(speed) = body
        .get("speed")
        .and_then(Value::as_f64)
        .filter(|speed| *speed >= 0.0 && speed.is_finite())
    else {
        return refuse("speed is a number, 0 or more");
    };
    world.clock.set_speed(speed);
    Reply::ok(show::clock(world))
}

pub(super) fn reset(world: &mut World) -> Reply {
    world.tenant.outbox.clear();
    world.tenant.writes.clear();
    world.requests.clear();
    world.bytes = 0;
    world.throttled = 0;
    Reply::ok(json!({}))
}

pub(super) fn setting(world: &mut World, name: &str, body: &Value) -> Reply {
    let millis = |key: &str| body.get(key).and_then(Value::as_u64);
    let flag = |key: &str| body.get(key).and_then(Value::as_bool);
    let set = match name {
        "permissions" => body.get("roles").and_then(Value::as_array).map(|roles| {
            world.permissions = roles
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            // A token keeps its permissions. Unless that is what a test is about, it wants to see the new ones at
            // once: what was issued is revoked.
            if !flag("keep_tokens").unwrap_or(false) {
                world.tokens.clear();
            }
        }),
        "license" => match (flag("licensed"), flag("governance")) {
            (None, None) => None,
            (licensed, governance) => {
                world.licensed = licensed.unwrap_or(world.licensed);
                world.governance = governance.unwrap_or(world.governance);
                Some(())
            }
        },
        "latency" => millis("millis").map(|millis| world.latency = Duration::from_millis(millis)),
        _ => body
            .get("seconds")
            .and_then(Value::as_i64)
            .filter(|seconds| *seconds >= 0)
            .map(|seconds| world.tenant.sign_ins.lag = seconds),
    };
    match set {
        Some(()) => Reply::ok(json!({})),
        None => refuse("the body does not fit; crates/simulator/README.md shows it"),
    }
}

pub(super) fn credentials(world: &mut World, name: &str, body: &Value) -> Reply {
    let text = |key: &str| {
        let found = body.get(key).and_then(Value::as_str);
        found.ok_or_else(|| format!("{key} is missing"))
    };
    let set = match name {
        "certificates" => text("pem").and_then(token::certificates).map(|found| {
            world.credentials.certificates = found;
        }),
        "secrets" => body
            .get("secrets")
            .cloned()
            .ok_or_else(|| "secrets is missing".to_owned())
            .and_then(|secrets| serde_json::from_value(secrets).map_err(|error| error.to_string()))
            .map(|secrets| world.credentials.secrets = secrets),
        "federation" => texts(body, "tokens").map(|tokens| world.credentials.federation = tokens),
        _ => text("key_file").and_then(|key_file| {
            let key = text("key")?.to_owned();
            let key_file = key_file.to_owned();
            http::HeaderValue::try_from(&key_file).map_err(|_| "key_file fits no header")?;
            world.arc = Some(token::Arc { key_file, key });
            Ok(())
        }),
    };
    reply(set.map(|()| json!({})))
}

/// A list of texts.
fn texts(body: &Value, key: &str) -> Result<Vec<String>, String> {
    let list = body.get(key).and_then(Value::as_array);
    let list = list.ok_or_else(|| format!("{key} is a list of texts"))?;
    let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{key} is a list of texts"))
}

/// Behind the clock when it is negative.
pub(super) fn date_skew(world: &mut World, body: &Value) -> Reply {
    let seconds = body.get("seconds").and_then(Value::as_i64);
    match seconds.and_then(TimeDelta::try_seconds) {
        Some(skew) => {
            world.date_skew = skew;
            Reply::ok(json!({}))
        }
        None => refuse("seconds is a whole number"),
    }
}

pub(super) fn throttling(world: &mut World, body: Value) -> Reply {
    match serde_json::from_value::<ThrottleSettings>(body) {
        Ok(settings) if settings.shorten > 0 => {
            world.throttle.set(settings);
            Reply::ok(json!({}))
        }
        Ok(_) => refuse("shorten is 1 or more"),
        Err(error) => refuse(&error.to_string()),
    }
}

pub(super) fn delta(world: &mut World, body: Value) -> Reply {
    match serde_json::from_value::<DeltaSettings>(body) {
        Ok(settings) if settings.page > 0 && settings.members > 0 => {
            world.delta = settings;
            Reply::ok(json!({}))
        }
        Ok(_) => refuse("page and members are 1 or more"),
        Err(error) => refuse(&error.to_string()),
    }
}

fn user(world: &World, id: &str) -> Result<UserIx, String> {
    let found = Uuid::try_parse(id)
        .ok()
        .and_then(|id| world.tenant.directory.user_by_id(id));
    found.ok_or_else(|| format!("there is no user {id}"))
}

fn group(world: &World, id: &str) -> Result<GroupIx, String> {
    let directory = &world.tenant.directory;
    let found = Uuid::try_parse(id)
        .ok()
        .and_then(|id| directory.live_group(id));
    let by_name = || {
        directory
            .groups
            .iter()
            .position(|group| group.name == id && !group.deleted)
            .map(GroupIx::from_index)
    };
    found
        .or_else(by_name)
        .ok_or_else(|| format!("there is no group {id}"))
}

pub(super) fn truth_of(world: &World, id: &str) -> Reply {
    reply(user(world, id).map(|ix| show::guest(world, ix)))
}

pub(super) fn sign_in(world: &mut World, id: &str, body: &Value) -> Reply {
    let success = body.get("success").and_then(Value::as_bool).unwrap_or(true);
    let now = world.clock.second();
    reply(user(world, id).map(|ix| {
        world.tenant.sign_in(ix, now, true, success);
        show::guest(world, ix)
    }))
}

pub(super) fn add_user(world: &mut World, body: &Value) -> Reply {
    let now = world.clock.second();
    let number = world.tenant.directory.users.len() as u64;
    let mut dice = Dice::of(&[world.tenant.seed, 0xadd, number]);
    let user = User {
        persona: Persona::Scripted,
        habits: Habits::default(),
        state: Some(InvitationState::Accepted),
        state_changed: Some(now),
        creation_type: Some(CreationType::Invitation),
        groups: Vec::new(),
        sponsors: Vec::new(),
        ..newcomer(&world.tenant, now, &mut dice)
    };
    let ix = world.tenant.directory.add_user(user);
    reply(change(world, ix, body).map(|()| show::guest(world, ix)))
}

pub(super) fn change_user(world: &mut World, id: &str, body: &Value) -> Reply {
    reply(user(world, id).and_then(|ix| change(world, ix, body).map(|()| show::guest(world, ix))))
}

fn change(world: &mut World, ix: UserIx, body: &Value) -> Changed {
    let Some(body) = body.as_object() else {
        return Err("the body is an object".to_owned());
    };
    for (name, value) in body {
        set(world, ix, name, value).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

fn set(world: &mut World, ix: UserIx, name: &str, value: &Value) -> Changed {
    let text = || {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or("a string is expected")
    };
    let time = || match value {
        Value::Null => Ok(None),
        value => {
            let parsed = value
                .as_str()
                .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
            parsed
                .map(|at| Some(Second::of(at.to_utc())))
                .ok_or("a time is expected")
        }
    };
    let directory = &mut world.tenant.directory;
    match name {
        "mail" => set_mail(world, ix, text()?),
        "upn" => directory.rename_user(ix, text()?),
        "display_name" => directory.user_mut(ix).extras_mut().display_name = Some(text()?),
        "enabled" => {
            let enabled = value.as_bool().ok_or("true or false is expected")?;
            let user = directory.user_mut(ix);
            if user.enabled != enabled {
                user.enabled = enabled;
                let activity = match enabled {
                    true => AuditedActivity::Enabled,
                    false => AuditedActivity::Disabled,
                };
                note(world, ix, activity, Author::Administrator);
            }
        }
        "synced" => {
            directory.user_mut(ix).synced = match value {
                Value::Null => None,
                value => Some(value.as_bool().ok_or("true, false or null is expected")?),
            };
        }
        "created" => directory.user_mut(ix).created = time()?,
        "external_state" => {
            let of = InvitationState::ALL;
            directory.user_mut(ix).state = one_of(&of, InvitationState::name, value)?;
        }
        "external_state_changed" => directory.user_mut(ix).state_changed = time()?,
        "creation_type" => {
            let of = CreationType::ALL;
            directory.user_mut(ix).creation_type = one_of(&of, CreationType::name, value)?;
        }
        "user_type" => {
            let of = [UserType::Guest, UserType::Member];
            directory.user_mut(ix).user_type =
                one_of(&of, UserType::name, value)?.ok_or("Guest or Member is expected")?;
        }
        "last_success" | "last_interactive" | "last_non_interactive" => {
            let at = time()?;
            let user = directory.user_quietly(ix);
            for activity in [&mut user.activity, &mut user.shown] {
                match name {
                    "last_success" => activity.success = at,
                    "last_interactive" => activity.interactive = at,
                    _ => activity.non_interactive = at,
                }
            }
        }
        "manager" => {
            let manager = match value {
                Value::Null => None,
                _ => Some(user(world, &text()?)?),
            };
            let directory = &mut world.tenant.directory;
            directory.user_quietly(ix).extras_mut().manager = manager;
        }
        "restricted" => {
            directory.user_mut(ix).extras_mut().restricted =
                value.as_bool().ok_or("true or false is expected")?;
        }
        "leave" => directory.user_mut(ix).extras_mut().leave = time()?,
        "attributes" => {
            let object = value.as_object().ok_or("an object is expected")?;
            for (name, value) in object {
                let number = name.strip_prefix("extensionAttribute");
                let number = number
                    .and_then(|number| number.parse().ok())
                    .filter(|number| (1..=15).contains(number))
                    .ok_or_else(|| format!("there is no attribute {name}"))?;
                let attributes = &mut directory.user_mut(ix).extras_mut().attributes;
                match value.as_str() {
                    Some(text) => attributes.insert(number, text.to_owned()),
                    None => attributes.remove(&number),
                };
            }
        }
        "roles" => {
            let names = value
                .as_array()
                .ok_or("a list is expected")?
                .iter()
                .filter_map(Value::as_str);
            let roles = names
                .map(|name| role_named(name).ok_or_else(|| format!("there is no role {name}")))
                .collect::<Result<_, _>>()?;
            directory.set_roles(ix, roles);
        }
        "scoped_roles" => directory.set_scoped_roles(ix, governance::roles(value)?),
        "eligible_roles" => {
            directory.user_quietly(ix).extras_mut().eligible = governance::roles(value)?;
        }
        "access_packages" => {
            let now = world.clock.second();
            let user = directory.user_quietly(ix);
            let given = governance::packages(user.id, value, now)?;
            user.extras_mut().packages = given;
        }
        "sponsors" => {
            let ids: Vec<String> = value
                .as_array()
                .ok_or("a list is expected")?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let sponsor = |id: &String| {
                user(world, id)
                    .map(Sponsor::User)
                    .or_else(|_| group(world, id).map(Sponsor::Group))
            };
            let sponsors = ids.iter().map(sponsor).collect::<Result<_, _>>()?;
            world.tenant.directory.user_quietly(ix).sponsors = sponsors;
        }
        // As an administrator does it: soft, and with no record of ours.
        "deleted" => {
            let now = world.clock.second();
            match value.as_bool() {
                Some(true) => {
                    world.tenant.delete_user(ix, now);
                    note(world, ix, AuditedActivity::Deleted, Author::Administrator);
                }
                Some(false) | None => return Err("true is expected".to_owned()),
            }
        }
        // What the audit log tells of it: by a user, or by an application for null.
        "invited_by" => {
            let by = match value {
                Value::Null => Author::OtherApplication,
                _ => Author::User(user(world, &text()?)?),
            };
            note(world, ix, AuditedActivity::Invited, by);
        }
        "add_group" => {
            let group = group(world, &text()?)?;
            world.tenant.directory.join(ix, group);
        }
        "add_app_role" => give_app_role(world, ix, &text()?)?,
        "remove_group" => {
            let group = group(world, &text()?)?;
            world.tenant.directory.leave(ix, group);
        }
        _ => return Err("it cannot be set".to_owned()),
    }
    Ok(())
}

/// What the audit log tells of a change.
fn note(world: &mut World, user: UserIx, activity: AuditedActivity, by: Author) {
    let at = world.clock.second();
    world.tenant.audit.note(Audited {
        at,
        activity,
        user,
        by,
    });
}

/// The one with this name, or nothing for null.
fn one_of<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    value: &Value,
) -> Result<Option<T>, String> {
    let found = all
        .iter()
        .copied()
        .find(|one| value.as_str() == Some(name(*one)));
    match (found, value) {
        (None, Value::Null) => Ok(None),
        (Some(one), _) => Ok(Some(one)),
        (None, _) => {
            let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
            Err(format!("one of {} or null is expected", names.join(", ")))
        }
    }
}

fn set_mail(world: &mut World, ix: UserIx, mail: String) {
    let directory = &mut world.tenant.directory;
    if directory.user(ix).origin == Origin::External {
        let upn = format!(
            "{}#EXT#@{}",
            mail.replace('@', "_"),
            directory.initial_domain
        );
        directory.rename_user(ix, upn);
    }
    directory.user_mut(ix).extras_mut().mail = Some(mail);
}

pub(super) fn add_group(world: &mut World, body: &Value) -> Reply {
    reply(new_group(world, body).map(|id| json!({ "id": id })))
}

fn new_group(world: &mut World, body: &Value) -> Result<Uuid, String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let users = |key: &str| -> Result<Vec<UserIx>, String> {
        let ids = body
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        ids.map(|id| user(world, id)).collect()
    };
    let name = text("name").ok_or("name is missing")?.to_owned();
    let kind = text("kind").unwrap_or("security");
    let kind = GroupKind::named(kind).ok_or_else(|| format!("there is no kind {kind}"))?;
    let (owners, members) = (users("owners")?, users("members")?);
    let nested = body.get("groups").and_then(Value::as_array);
    let nested = nested.into_iter().flatten().filter_map(Value::as_str);
    let nested = nested
        .map(|id| group(world, id))
        .collect::<Result<_, _>>()?;
    let expires = match text("expires") {
        None => None,
        Some(text) => {
            let at = chrono::DateTime::parse_from_rfc3339(text);
            Some(Second::of(
                at.map_err(|_| "expires: a time is expected")?.to_utc(),
            ))
        }
    };
    let id = Dice::of(&[
        world.tenant.seed,
        0x960,
        world.tenant.directory.groups.len() as u64,
    ])
    .uuid();
    world.tenant.directory.add_group(Group {
        id,
        nickname: name.to_lowercase().replace(' ', "-"),
        name,
        kind,
        created: world.clock.second(),
        rule: None,
        project: None,
        expires,
        owners,
        members: members.into_iter().collect(),
        nested,
        deleted: false,
        changed: 0,
    });
    Ok(id)
}

/// Who owns a group.
pub(super) fn own_group(world: &mut World, id: &str, body: &Value) -> Reply {
    let owners = body.get("owners").and_then(Value::as_array);
    let Some(owners) = owners else {
        return refuse("owners is missing");
    };
    let owners = owners.iter().filter_map(Value::as_str);
    let owners: Result<Vec<UserIx>, String> = owners.map(|id| user(world, id)).collect();
    reply(owners.and_then(|owners| {
        let ix = group(world, id)?;
        world.tenant.directory.group_mut(ix).owners = owners;
        Ok(json!({}))
    }))
}

pub(super) fn rename_group(world: &mut World, id: &str, body: &Value) -> Reply {
    let Some(name) = body.get("name").and_then(Value::as_str) else {
        return refuse("name is missing");
    };
    reply(group(world, id).map(|ix| {
        world.tenant.directory.group_mut(ix).name = name.to_owned();
        json!({})
    }))
}

pub(super) fn delete_group(world: &mut World, id: &str) -> Reply {
    reply(group(world, id).map(|ix| {
        world.tenant.delete_group(ix);
        json!({})
    }))
}
