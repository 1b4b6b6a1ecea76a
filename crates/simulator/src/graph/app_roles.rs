//! `/users/{id}/appRoleAssignments`: direct ones, and those of groups of which the user is a direct member.
//!
//! Who comes with which follows from the ids, so that they are the same before a deletion and after a restoration. Only
//! what was taken away or assigned since is stored.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, slice};
use super::{Call, users};
use crate::dice::Dice;
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::{AppRole, UserIx, WriteKind};
use crate::world::World;

/// The default access of an application that defines no roles.
const DEFAULT_ACCESS: Uuid = Uuid::nil();

/// The last one defines a role; the others have none but their default access.
const APPS: &[&str] = &[
    "Supplier Portal",
    "Design Vault",
    "Travel Desk",
    "Asset Register",
];

/// So many of them, the first ones, are what users and groups come with.
const COME_WITH: usize = 3;

/// The name and the value of the role that the last application defines.
const AUDITOR: (&str, &str) = ("Auditor", "Assets.Audit");

pub(super) fn list(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    call.query.only(&["$select", "$top", "$filter"])?;
    if let Some(part) = call.query.filter_parts()?.first() {
        return Err(Reply::unsupported_clause(
            part.property(),
            "AppRoleAssignment",
        ));
    }
    let ix = users::find(world, key)?;
    let directory = &world.tenant.directory;
    let user = directory.user(ix);
    let name = directory.display_name(ix);
    let own = direct(world, ix)
        .into_iter()
        .map(|role| assignment(&role, user.id, &name, "User"));
    let of_groups = user.groups.iter().map(|group| directory.group(*group));
    let of_groups = of_groups
        .filter(|group| !group.deleted && Dice::for_object(group.id, 0xa99).per_mille(200))
        .map(|group| {
            assignment(
                &first(group.id, Some(group.created)),
                group.id,
                &group.name,
                "Group",
            )
        });
    let all = own.chain(of_groups).collect();
    let (items, next) = slice(all, place(world, call)?, call.query.top(CUSTOMARY, MOST)?);
    Ok(page(call, "appRoleAssignments", items, next, None))
}

/// The user's own.
fn direct(world: &World, ix: UserIx) -> Vec<AppRole> {
    let user = world.tenant.directory.user(ix);
    let extras = user.extras.as_ref();
    let keeps_first = !extras.is_some_and(|extras| extras.lost_app_role);
    let came_with = keeps_first && Dice::for_object(user.id, 0xa99).per_mille(300);
    let came_with = came_with.then(|| first(user.id, user.created));
    let later = extras.into_iter().flat_map(|extras| &extras.app_roles);
    came_with.into_iter().chain(later.cloned()).collect()
}

/// What an object comes with, if it comes with anything.
fn first(principal: Uuid, since: Option<Second>) -> AppRole {
    let mut dice = Dice::for_object(principal, 0xa9a);
    let app = dice.index(COME_WITH);
    AppRole {
        id: dice.uuid().simple().to_string(),
        app,
        since,
    }
}

/// The id of an application's service principal.
fn resource(app: usize) -> Uuid {
    Dice::of(&[0xa99, app as u64]).uuid()
}

/// The role that is assigned in an application.
fn role_of(app: usize) -> Uuid {
    if app < COME_WITH {
        DEFAULT_ACCESS
    } else {
        Dice::of(&[0xa9c, app as u64]).uuid()
    }
}

/// `/servicePrincipals/{id}`: an application as the tenant has it, with the roles that it defines.
pub(super) fn application(call: &Call<'_>, id: &str) -> Outcome {
    call.query.only(&["$select"])?;
    let wanted = Uuid::try_parse(id).ok();
    let app = (0..APPS.len()).find(|app| Some(resource(*app)) == wanted);
    let app = app.ok_or_else(|| Reply::not_found(id))?;
    let (name, value) = AUDITOR;
    let role = json!({
        "allowedMemberTypes": ["User"],
        "description": "Reads everything and changes nothing.",
        "displayName": name,
        "id": role_of(app),
        "isEnabled": true,
        "origin": "Application",
        "value": value,
    });
    let whole = json!({
        "id": resource(app),
        "displayName": APPS[app],
        "appDisplayName": APPS[app],
        "accountEnabled": true,
        "appRoles": if role_of(app) == DEFAULT_ACCESS { json!([]) } else { json!([role]) },
    });
    let mut row = json!({});
    let names = call.query.get("$select");
    let all = "id,displayName,appDisplayName,accountEnabled,appRoles";
    for name in names.unwrap_or(all).split(',').map(str::trim) {
        let value = whole.get(name).ok_or_else(|| {
            Reply::bad_request(format!(
                "Could not find a property named '{name}' on type 'microsoft.graph.servicePrincipal'."
            ))
        })?;
        row[name] = value.clone();
    }
    Ok(Reply::ok(row))
}

fn assignment(role: &AppRole, principal: Uuid, name: &str, kind: &str) -> Value {
    json!({
        "id": role.id,
        "deletedDateTime": null,
        "appRoleId": role_of(role.app),
        "createdDateTime": role.since.map(|at| at.to_string()),
        "principalDisplayName": name,
        "principalId": principal,
        "principalType": kind,
        "resourceDisplayName": APPS[role.app],
        "resourceId": resource(role.app),
    })
}

/// Assigns the role of an application that is there; twice is refused.
pub(super) fn add(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let id_of = |name: &str| {
        let text = call.body.get(name).and_then(Value::as_str);
        let id = text.and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| Reply::bad_request(format!("Property '{name}' is invalid.")))
    };
    let user = world.tenant.directory.user(ix).id;
    if id_of("principalId")? != user {
        return Err(Reply::bad_request(
            "The principal does not match the user of the request.",
        ));
    }
    let wanted = id_of("resourceId")?;
    let app = (0..APPS.len()).find(|app| resource(*app) == wanted);
    let app = app.ok_or_else(|| Reply::not_found(&wanted.to_string()))?;
    if id_of("appRoleId")? != role_of(app) {
        return Err(Reply::bad_request(
            "Permission being assigned was not found on application",
        ));
    }
    if direct(world, ix).iter().any(|role| role.app == app) {
        return Err(Reply::bad_request(
            "Permission being assigned already exists on the object",
        ));
    }
    let role = assign(world, ix, app, call.now);
    let (other, name) = (resource(app), world.tenant.directory.display_name(ix));
    world
        .tenant
        .note(WriteKind::AddAppRole, user, Some(other), true, &call.caller);
    Ok(Reply::json(201, assignment(&role, user, &name, "User")))
}

/// Assigns the application of this name, from outside Graph.
pub(crate) fn give(world: &mut World, ix: UserIx, name: &str) -> Result<(), String> {
    let app = APPS.iter().position(|app| *app == name);
    let app = app.ok_or_else(|| format!("there is no application {name}"))?;
    if !direct(world, ix).iter().any(|role| role.app == app) {
        let now = world.clock.second();
        assign(world, ix, app, now);
    }
    Ok(())
}

/// The applications that a user itself has, by name.
pub(crate) fn names(world: &World, ix: UserIx) -> Vec<&'static str> {
    direct(world, ix)
        .iter()
        .map(|role| APPS[role.app])
        .collect()
}

fn assign(world: &mut World, ix: UserIx, app: usize, since: Second) -> AppRole {
    let user = world.tenant.directory.user_quietly(ix);
    let (high, low) = user.id.as_u64_pair();
    let mut dice = Dice::of(&[0xa9b, high, low, app as u64, since.unix().unsigned_abs()]);
    let role = AppRole {
        id: dice.uuid().simple().to_string(),
        app,
        since: Some(since),
    };
    user.extras_mut().app_roles.push(role.clone());
    role
}

/// Takes away one of the user's own. What comes by a group is not found here.
pub(super) fn remove(world: &mut World, call: &Call<'_>, key: &str, id: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let role = direct(world, ix).into_iter().find(|role| role.id == id);
    let role = role.ok_or_else(|| Reply::not_found(id))?;
    let user = world.tenant.directory.user_quietly(ix);
    let extras = user.extras_mut();
    let before = extras.app_roles.len();
    extras.app_roles.retain(|other| other.id != id);
    if extras.app_roles.len() == before {
        extras.lost_app_role = true;
    }
    let user = user.id;
    world.tenant.note(
        WriteKind::RemoveAppRole,
        user,
        Some(resource(role.app)),
        true,
        &call.caller,
    );
    Ok(Reply::empty(204))
}
