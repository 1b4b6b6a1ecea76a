//! Employees: sponsors, owners, and members that a daemon must leave alone.

use super::{LASTING_STAFF, Plan, SHARED_MAILBOX, names};
use crate::dice::Dice;
use crate::second::DAY;
use crate::tenant::{
    Activity, DomainIx, Extras, Group, GroupKind, Habits, Origin, Persona, Tenant, User, UserType,
    role_named,
};

const PART: u64 = 2;

/// The tenant's own domain is the first.
const OWN_DOMAIN: DomainIx = DomainIx(0);

/// A name drawn from the lists.
pub(crate) fn draw_names(dice: &mut Dice) -> (u16, u16) {
    let small = |index: usize| u16::try_from(index).unwrap_or(0);
    (
        small(dice.index(names::GIVEN_COUNT)),
        small(dice.index(names::SURNAME_COUNT)),
    )
}

pub(super) fn add(tenant: &mut Tenant, plan: &mut Plan, guests: usize) {
    let count = (guests / 20).max(20);
    for number in 0..count {
        let mut dice = plan.dice(PART, number);
        let user = employee(plan, number, &mut dice);
        let ix = tenant.directory.add_user(user);
        tenant.plan_next(ix, plan.dawn);
        plan.staff.push(ix);
        if number >= LASTING_STAFF {
            already_left(tenant, plan, ix, &mut dice);
        }
    }
    let mailbox = shared_mailbox(plan);
    tenant.directory.add_user(mailbox);
    sponsor_groups(tenant, plan, count);
}

fn employee(plan: &Plan, number: usize, dice: &mut Dice) -> User {
    let id = dice.uuid();
    let (given_name, surname) = draw_names(dice);
    let created = plan.dawn.minus(dice.between(60, 3000) * DAY);
    // About one in seven leaves within a year.
    let stays_days = if number < LASTING_STAFF {
        None
    } else {
        Some(dice.between(0, 2600))
    };
    let extras = (number == 0).then(|| {
        Box::new(Extras {
            roles: role_named("Global Administrator").into_iter().collect(),
            ..Extras::default()
        })
    });
    User {
        id,
        user_type: UserType::Member,
        origin: Origin::Internal,
        persona: Persona::Employee,
        given_name,
        surname,
        domain: OWN_DOMAIN,
        enabled: true,
        synced: None,
        created: Some(created),
        creation_type: None,
        state: None,
        state_changed: None,
        deleted: None,
        purged: false,
        activity: Activity::default(),
        shown: Activity::default(),
        habits: Habits {
            period: u32::try_from(dice.between(DAY, 3 * DAY)).unwrap_or(86_400),
            stops: stays_days.map(|days| plan.dawn.plus(days * DAY)),
            returns: None,
            redeems: None,
        },
        next: None,
        groups: Vec::new(),
        sponsors: Vec::new(),
        extras,
        changed: 0,
    }
}

/// A few have left before the start: some disabled, some deleted already.
fn already_left(tenant: &mut Tenant, plan: &Plan, ix: crate::tenant::UserIx, dice: &mut Dice) {
    let draw = dice.below(100);
    if draw >= 6 && ix.at() % 17 != 5 && ix.at() % 19 != 7 {
        return;
    }
    let gone = plan.start.minus(dice.between(2, 25) * DAY);
    let user = tenant.directory.user_mut(ix);
    user.next = None;
    user.habits.period = 0;
    if draw < 4 || ix.at() % 17 == 5 {
        user.enabled = false;
    } else {
        user.enabled = false;
        tenant.delete_user(ix, gone);
    }
}

fn shared_mailbox(plan: &Plan) -> User {
    let mut dice = plan.dice(PART, usize::MAX);
    let mut user = employee(plan, 0, &mut dice);
    user.persona = Persona::SharedMailbox;
    // The account behind a shared mailbox is blocked from signing in.
    user.enabled = false;
    user.habits = Habits::default();
    user.extras = Some(Box::new(Extras {
        upn: Some(SHARED_MAILBOX.to_owned()),
        mail: Some(SHARED_MAILBOX.to_owned()),
        display_name: Some("Guest Lifecycle".to_owned()),
        ..Extras::default()
    }));
    user
}

/// Groups whose members answer for guests together; one of them is empty, one is mail-enabled.
fn sponsor_groups(tenant: &mut Tenant, plan: &mut Plan, staff: usize) {
    for number in 0..(staff / 25).max(3) {
        let mut dice = plan.dice(3, number);
        let owner = *dice.pick(&plan.staff);
        let members = match number {
            1 => Vec::new(),
            _ => (0..dice.between(2, 4))
                .map(|_| *dice.pick(&plan.staff))
                .collect(),
        };
        let kind = if number % 2 == 0 {
            GroupKind::Microsoft365
        } else {
            GroupKind::Security
        };
        let group = Group {
            id: dice.uuid(),
            name: format!("Sponsors {}", number + 1),
            nickname: format!("sponsors{}", number + 1),
            kind,
            created: plan.dawn.minus(dice.between(100, 900) * DAY),
            rule: None,
            project: None,
            expires: None,
            owners: vec![owner],
            members: members.into_iter().collect(),
            nested: Vec::new(),
            deleted: false,
            changed: 0,
        };
        let ix = tenant.directory.add_group(group);
        plan.sponsor_groups.push(ix);
    }
}
