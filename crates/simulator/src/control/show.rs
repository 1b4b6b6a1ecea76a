//! What the control interface tells: the truth, without lag, faults or permissions.

use serde_json::{Value, json};

use crate::graph::names_of_app_roles;
use crate::options::IDENTITY_HEADER;
use crate::population::{SHARED_MAILBOX, operators};
use crate::second::Second;
use crate::tenant::{Caller, Origin, ROLES, Sponsor, User, UserIx, WriteKind};
use crate::world::World;

pub(super) fn clock(world: &World) -> Value {
    json!({ "now": world.clock.now(), "speed": world.clock.speed() })
}

pub(super) fn info(world: &World) -> Value {
    json!({
        "tenant_id": world.options.tenant_id,
        "client_id": world.options.client_id,
        "client_secret": world.options.client_secret,
        "identity_header": IDENTITY_HEADER,
        "domain": world.tenant.directory.domain,
        "notify_sender": SHARED_MAILBOX,
        "operators": operators(&world.tenant),
    })
}

pub(super) fn outbox(world: &World) -> Value {
    let mail = |mail: &crate::tenant::Mail| {
        json!({
            "at": mail.by.at,
            "sender": mail.from,
            "to": mail.to,
            "cc": mail.cc,
            "bcc": mail.bcc,
            "subject": mail.subject,
            "content_type": mail.content_type,
            "body": mail.content,
            "request_id": mail.by.request_id,
            "client_request_id": mail.by.client_request_id,
        })
    };
    world.tenant.outbox.iter().map(mail).collect()
}

pub(super) fn writes(world: &World) -> Value {
    let write = |(index, write): (usize, &crate::tenant::Write)| {
        let Caller {
            at,
            request_id,
            client_request_id,
        } = &write.by;
        json!({
            "seq": index + 1,
            "at": at,
            "kind": write.kind.name(),
            "target": write.target,
            "group": matches!(write.kind, WriteKind::AddMember | WriteKind::RemoveMember).then_some(write.other),
            "other": write.other,
            "changed": write.changed,
            "request_id": request_id,
            "client_request_id": client_request_id,
        })
    };
    world.tenant.writes.iter().enumerate().map(write).collect()
}

pub(super) fn requests(world: &World) -> Value {
    json!({
        "total": world.requests.values().sum::<u64>(),
        "by_route": world.requests,
        "throttled": world.throttled,
        "bytes": world.bytes,
    })
}

pub(super) fn partners(world: &World) -> Value {
    let partners = world.tenant.directory.domains.iter().skip(1);
    partners.map(|domain| json!({ "domain": domain.name, "cross_tenant_sync": domain.cross_tenant_sync })).collect()
}

pub(super) fn projects(world: &World) -> Value {
    let directory = &world.tenant.directory;
    let projects = directory
        .groups
        .iter()
        .filter(|group| !group.deleted)
        .filter_map(|group| group.project.map(|project| (group, project)));
    projects
        .map(|(group, project)| {
            let owners: Vec<Value> = group.owners.iter().map(|owner| json!({ "id": directory.user(*owner).id, "mail": directory.mail(*owner) })).collect();
            json!({ "id": group.id, "name": group.name, "ends": project.ends.date(), "kind": group.kind.name(), "owners": owners })
        })
        .collect()
}

/// Every external user that ever was, and every guest, as they really are.
pub(super) fn truth(world: &World) -> String {
    let users = (0..world.tenant.directory.users.len()).map(UserIx::from_index);
    let is_external = |ix: &UserIx| {
        let user = world.tenant.directory.user(*ix);
        user.origin == Origin::External || user.user_type == crate::tenant::UserType::Guest
    };
    let mut written = String::from("[");
    for ix in users.filter(is_external) {
        if written.len() > 1 {
            written.push(',');
        }
        written.push_str(&guest(world, ix).to_string());
    }
    written.push(']');
    written
}

/// What its extension attributes hold; those that hold nothing are left out.
fn attributes(user: &User) -> Value {
    let held = user.extras.iter().flat_map(|extras| &extras.attributes);
    let named = held.map(|(number, text)| (format!("extensionAttribute{number}"), json!(text)));
    Value::Object(named.collect())
}

pub(super) fn guest(world: &World, ix: UserIx) -> Value {
    let directory = &world.tenant.directory;
    let user: &User = directory.user(ix);
    let time = |at: Option<Second>| at.map(Second::date_time);
    let groups: Vec<_> = user
        .groups
        .iter()
        .map(|group| directory.group(*group))
        .filter(|group| !group.deleted)
        .collect();
    json!({
        "id": user.id,
        "upn": directory.upn(ix),
        "mail": directory.mail(ix),
        "persona": user.persona.name(),
        "user_type": user.user_type.name(),
        "created": time(user.created),
        "creation_type": user.creation_type.map(crate::tenant::CreationType::name),
        "external_state": user.state.map(crate::tenant::InvitationState::name),
        "external_state_changed": time(user.state_changed),
        "enabled": user.enabled,
        "deleted": time(user.deleted),
        "purged": user.purged,
        "last_success": time(user.activity.success),
        "last_interactive": time(user.activity.interactive),
        "last_non_interactive": time(user.activity.non_interactive),
        "synced": user.synced,
        "attributes": attributes(user),
        "manager": user.manager().map(|manager| directory.user(manager).id),
        "restricted": user.is_restricted(),
        "privileged": directory.is_privileged(ix),
        "cross_tenant_synced": directory.domain_of(ix).cross_tenant_sync,
        "roles": user.roles().iter().map(|role| ROLES[*role].name).collect::<Vec<_>>(),
        "eligible_roles": user.eligible().iter().map(|role| ROLES[*role].name).collect::<Vec<_>>(),
        "access_packages": user.packages().iter().map(|given| json!({ "id": given.id, "name": given.package, "ends": time(given.ends), "ended": time(given.over(world.clock.second())), "governed": given.governed })).collect::<Vec<_>>(),
        "sponsors": user.sponsors.iter().map(|of| sponsor(world, *of)).collect::<Vec<_>>(),
        "app_roles": names_of_app_roles(world, ix),
        "groups": groups.iter().map(|group| json!({ "id": group.id, "name": group.name })).collect::<Vec<_>>(),
        "projects": groups.iter().filter_map(|group| group.project.map(|project| json!({ "id": group.id, "name": group.name, "ends": project.ends.date() }))).collect::<Vec<_>>(),
    })
}

fn sponsor(world: &World, sponsor: Sponsor) -> Value {
    let deleted = !world.tenant.sponsor_is_live(sponsor);
    match sponsor {
        Sponsor::User(ix) => {
            let user = world.tenant.directory.user(ix);
            json!({ "id": user.id, "kind": "user", "enabled": user.enabled, "deleted": deleted, "user_type": user.user_type.name() })
        }
        Sponsor::Group(ix) => {
            json!({ "id": world.tenant.directory.group(ix).id, "kind": "group", "enabled": null, "deleted": deleted, "user_type": null })
        }
    }
}
