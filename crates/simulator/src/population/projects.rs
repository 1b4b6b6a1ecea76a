//! Groups of guests: projects with an end, teams without one, and the kinds that refuse changes.

use super::{Plan, names};
use crate::dice::Dice;
use crate::life::{Due, Event};
use crate::second::{DAY, Second};
use crate::tenant::{DomainIx, Group, GroupIx, GroupKind, Origin, Project, Tenant, UserIx};
use std::cmp::Reverse;
use std::collections::BTreeSet;

const PART: u64 = 4;

pub(super) fn add(tenant: &mut Tenant, plan: &mut Plan, guests: usize) {
    for number in 0..(guests / 40).max(8) {
        let ix = project(tenant, plan, number);
        plan.projects.push(ix);
    }
    for number in 0..(guests / 100).max(3) {
        let kind = if number % 3 == 0 {
            GroupKind::Microsoft365
        } else {
            GroupKind::Security
        };
        let ix = plain(tenant, plan, 0, number, names::team(number), kind);
        plan.teams.push(ix);
    }
    for number in 0..(guests / 2000).max(1) {
        let name = format!("Synced Suppliers {}", number + 1);
        let synced = plain(tenant, plan, 1, number, name, GroupKind::OnPremises);
        let name = format!("Partner Newsletter {}", number + 1);
        let list = plain(tenant, plan, 2, number, name, GroupKind::MailEnabled);
        plan.teams.extend([synced, list]);
    }
    dynamic(tenant, plan);
    plain(
        tenant,
        plan,
        4,
        0,
        "Guest Inviters".to_owned(),
        GroupKind::RoleAssignable,
    );
}

/// Most are running; of those, half end within the next half year.
fn draw_end(start: Second, number: usize, dice: &mut Dice) -> Second {
    let days = match (number, dice.below(100)) {
        // A small tenant has one of each as well.
        (0, _) => dice.between(20, 60),
        (1, _) => dice.between(-90, -10),
        (2, _) => dice.between(300, 700),
        (_, 0..15) => dice.between(-200, -1),
        (_, 15..55) => dice.between(5, 180),
        _ => dice.between(181, 800),
    };
    // An end date is a whole day.
    let midnight = start.unix() - start.unix().rem_euclid(DAY);
    Second::from_unix(midnight).plus(days * DAY)
}

fn project(tenant: &mut Tenant, plan: &Plan, number: usize) -> GroupIx {
    let mut dice = plan.dice(PART, number);
    let mut owners = vec![*dice.pick(&plan.staff)];
    if dice.per_mille(400) {
        let second = *dice.pick(&plan.staff);
        if second != owners[0] {
            owners.push(second);
        }
    }
    let ends = draw_end(plan.start, number, &mut dice);
    let name = names::project(number);
    let ix = tenant.directory.add_group(Group {
        id: dice.uuid(),
        nickname: name.to_lowercase().replace(' ', "-"),
        name,
        kind: if dice.per_mille(500) {
            GroupKind::Microsoft365
        } else {
            GroupKind::Security
        },
        created: plan.dawn.minus(dice.between(30, 900) * DAY),
        rule: None,
        project: Some(Project { ends }),
        expires: None,
        owners,
        members: BTreeSet::new(),
        nested: Vec::new(),
        deleted: false,
        changed: 0,
    });
    tenant.events.push(Reverse(Event {
        at: ends,
        due: Due::ProjectEnd(ix),
    }));
    ix
}

fn plain(
    tenant: &mut Tenant,
    plan: &Plan,
    part: u64,
    number: usize,
    name: String,
    kind: GroupKind,
) -> GroupIx {
    let mut dice = plan.dice(PART * 16 + part, number);
    tenant.directory.add_group(Group {
        id: dice.uuid(),
        nickname: name.to_lowercase().replace(' ', "-"),
        name,
        kind,
        created: plan.dawn.minus(dice.between(30, 1500) * DAY),
        rule: None,
        project: None,
        expires: None,
        // Groups that come from on-premises or Exchange have no owners here.
        owners: match kind {
            GroupKind::OnPremises | GroupKind::MailEnabled => Vec::new(),
            GroupKind::Security
            | GroupKind::Microsoft365
            | GroupKind::Dynamic
            | GroupKind::RoleAssignable => vec![plan.staff[number % plan.staff.len()]],
        },
        members: BTreeSet::new(),
        nested: Vec::new(),
        deleted: false,
        changed: 0,
    })
}

/// Some partners have a group that takes in all their people by rule.
fn dynamic(tenant: &mut Tenant, plan: &Plan) {
    for number in 1..tenant.directory.domains.len().min(25) {
        if number % 4 != 3 {
            continue;
        }
        let domain = tenant.directory.domains[number].name.clone();
        let name = format!("All of {domain}");
        let ix = plain(tenant, plan, 3, number, name, GroupKind::Dynamic);
        tenant.directory.group_mut(ix).rule = Some(format!(
            "(user.userType -eq \"Guest\") -and (user.mail -contains \"@{domain}\")"
        ));
        let domain = DomainIx(u32::try_from(number).expect("below 25"));
        tenant.directory.dynamic.insert(domain, ix);
    }
}

/// Two guests of a role-assignable group: an application may not touch them.
pub(super) fn staff_role_assignable(tenant: &mut Tenant, plan: &Plan) {
    let directory = &mut tenant.directory;
    let Some(group) = directory
        .groups
        .iter()
        .position(|group| group.kind == GroupKind::RoleAssignable)
        .map(GroupIx::from_index)
    else {
        return;
    };
    let guests: Vec<UserIx> = (0..directory.users.len())
        .map(UserIx::from_index)
        .filter(|ix| {
            directory.user(*ix).origin == Origin::External && directory.user(*ix).is_live()
        })
        .collect();
    let mut dice = plan.dice(PART, usize::MAX);
    for _ in 0..2.min(guests.len()) {
        directory.join(*dice.pick(&guests), group);
    }
}
