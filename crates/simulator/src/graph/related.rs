//! What users own, and membership however deeply.

use std::collections::BTreeSet;

use serde_json::Value;

use super::listing::{CUSTOMARY, MOST, page, place, take};
use super::{Call, access, groups, objects, users};
use crate::reply::Outcome;
use crate::tenant::{Directory, GroupIx, UserIx};
use crate::world::World;

const OPTIONS: &[&str] = &["$select", "$top", "$count"];

/// The groups that a user owns. (Applications and their service principals are not modelled as owned.)
pub(super) fn owned(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let directory = &world.tenant.directory;
    let all = (0..directory.groups.len()).map(GroupIx::from_index);
    let owned = all.filter(|group| directory.group(*group).owners.contains(&ix));
    listed(world, call, owned.collect())
}

/// The groups that a user is in, in itself or by one that it is in.
pub(super) fn groups_of(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let ix = users::find(world, key)?;
    let directory = &world.tenant.directory;
    let all = with_those_above(directory, directory.user(ix).groups.clone());
    listed(world, call, all)
}

/// The groups that a group is in, in itself or by one that it is in.
pub(super) fn groups_above(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    let group = groups::find(world, id)?;
    let mut all = with_those_above(&world.tenant.directory, vec![group]);
    all.remove(&group);
    listed(world, call, all)
}

/// These groups, and all in which they are.
fn with_those_above(directory: &Directory, mut open: Vec<GroupIx>) -> BTreeSet<GroupIx> {
    let mut all: BTreeSet<GroupIx> = BTreeSet::new();
    while let Some(group) = open.pop() {
        if !directory.group(group).deleted && all.insert(group) {
            let above = (0..directory.groups.len()).map(GroupIx::from_index);
            open.extend(above.filter(|above| directory.group(*above).nested.contains(&group)));
        }
    }
    all
}

fn listed(world: &World, call: &Call<'_>, all: BTreeSet<GroupIx>) -> Outcome {
    call.query.only(OPTIONS)?;
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let names = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let directory = &world.tenant.directory;
    let live = all
        .into_iter()
        .filter(|group| !directory.group(*group).deleted);
    let (found, next) = take(
        live.map(|group| (u64::from(group.0), group)),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    let rows = found
        .into_iter()
        .map(|group| objects::typed("group", objects::group(directory, group, &names)))
        .collect();
    Ok(page(call, "directoryObjects", rows, next, None))
}

/// Everything that is in a group or in one that is in it: users, then groups.
pub(super) fn members(world: &mut World, call: &Call<'_>, id: &str) -> Outcome {
    call.query.only(OPTIONS)?;
    let group = groups::find(world, id)?;
    let directory = &world.tenant.directory;
    let inside = below(directory, group);
    let select = call.query.select(objects::DIRECTORY_OBJECT)?;
    let mut of_user = objects::selected(select.as_deref(), objects::DEFAULT_USER);
    if !access::may_read_users(call) {
        of_user = vec!["id"];
    }
    let of_group = objects::selected(select.as_deref(), objects::DEFAULT_GROUP);
    let users: BTreeSet<UserIx> = std::iter::once(&group)
        .chain(&inside)
        .flat_map(|group| directory.group(*group).members.iter().copied())
        .collect();
    let users = users
        .into_iter()
        .filter(|ix| directory.user(*ix).is_live() && !call.is_missing(directory.user(*ix).id))
        .map(|ix| {
            let row = || objects::typed("user", objects::user(directory, ix, &of_user, None));
            (u64::from(ix.0), row())
        });
    let groups = inside.iter().map(|group| {
        let row = objects::typed("group", objects::group(directory, *group, &of_group));
        (after_users(*group), row)
    });
    let (rows, next): (Vec<Value>, _) = take(
        users.chain(groups),
        place(world, call)?,
        call.query.top(CUSTOMARY, MOST)?,
    );
    Ok(page(call, "directoryObjects", rows, next, None))
}

/// The place of a group in a list of members.
pub(super) fn after_users(group: GroupIx) -> u64 {
    u64::from(u32::MAX) + u64::from(group.0)
}

/// The live groups below a group.
fn below(directory: &Directory, group: GroupIx) -> BTreeSet<GroupIx> {
    let mut all = BTreeSet::new();
    let mut open = vec![group];
    while let Some(next) = open.pop() {
        for nested in &directory.group(next).nested {
            if !directory.group(*nested).deleted && all.insert(*nested) {
                open.push(*nested);
            }
        }
    }
    all
}
