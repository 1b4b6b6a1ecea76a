//! `/users/{id}/appRoleAssignments`: direct ones, and those of groups of which the user is a direct member.
//!
//! Nothing is stored: who has which follows from the ids, so that they are the same before a deletion and after a
//! restoration.

use serde_json::{Value, json};
use uuid::Uuid;

use super::listing::{CUSTOMARY, MOST, page, place, slice};
use super::{Call, users};
use crate::dice::Dice;
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::world::World;

/// The default access of an application that defines no roles.
const DEFAULT_ACCESS: Uuid = Uuid::nil();

const APPS: &[&str] = &["Supplier Portal", "Design Vault", "Travel Desk"];

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
    let own = Dice::for_object(user.id, 0xa99).per_mille(300).then(|| {
        let name = directory.display_name(ix);
        assignment(user.id, &name, "User", user.created)
    });
    let of_groups = user.groups.iter().map(|group| directory.group(*group));
    let of_groups = of_groups
        .filter(|group| !group.deleted && Dice::for_object(group.id, 0xa99).per_mille(200))
        .map(|group| assignment(group.id, &group.name, "Group", Some(group.created)));
    let all = own.into_iter().chain(of_groups).collect();
    let (items, next) = slice(all, place(world, call)?, call.query.top(CUSTOMARY, MOST)?);
    Ok(page(call, "appRoleAssignments", items, next, None))
}

fn assignment(principal: Uuid, name: &str, kind: &str, created: Option<Second>) -> Value {
    let mut dice = Dice::for_object(principal, 0xa9a);
    let app = dice.index(APPS.len());
    json!({
        "id": dice.uuid().simple().to_string(),
        "deletedDateTime": null,
        "appRoleId": DEFAULT_ACCESS,
        "createdDateTime": created.map(|at| at.to_string()),
        "principalDisplayName": name,
        "principalId": principal,
        "principalType": kind,
        "resourceDisplayName": APPS[app],
        "resourceId": Dice::of(&[0xa99, app as u64]).uuid(),
    })
}
