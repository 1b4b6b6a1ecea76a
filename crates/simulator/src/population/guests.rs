//! Guests: who they are, who answers for them, where they belong.

use super::habits::{draw_habits, draw_persona};
use super::staff::draw_names;
use super::{Plan, draw_partner};
use crate::dice::Dice;
use crate::second::{DAY, Second};
use crate::tenant::{
    Activity, Audited, AuditedActivity, Author, CreationType, Directory, DomainIx, Extras, Habits,
    InvitationState, Origin, Persona, Sponsor, Tenant, User, UserIx, UserType, role_named,
};

const PART: u64 = 5;

pub(super) fn add(tenant: &mut Tenant, plan: &mut Plan, guests: usize) {
    let externals = if guests == 0 {
        0
    } else {
        (guests / 200).max(2)
    };
    for number in 0..guests + externals {
        let mut dice = plan.dice(PART, number);
        let persona = draw_persona(&mut dice);
        let domain = draw_partner(&tenant.directory, &mut dice);
        let mut user = guest(plan, persona, domain, &mut dice);
        if tenant.directory.domains[domain.0 as usize].cross_tenant_sync {
            provision(&mut user, plan);
        } else {
            oddities(&mut user, number, &mut dice);
        }
        if number >= guests {
            user.user_type = UserType::Member;
        }
        let ix = tenant.directory.add_user(user);
        belong(tenant, plan, ix, &mut dice);
        tenant.plan_next(ix, plan.dawn);
        if persona == Persona::Gone && dice.per_mille(40) {
            // Deleted by an administrator in the last month; still in deletedItems.
            tenant.delete_user(ix, plan.start.minus(dice.between(1, 28) * DAY));
        }
    }
}

/// A guest as of a month before the start (or of a later creation).
fn guest(plan: &Plan, persona: Persona, domain: DomainIx, dice: &mut Dice) -> User {
    let id = dice.uuid();
    let (given_name, surname) = draw_names(dice);
    let habits = draw_habits(persona, plan.start, dice);
    let created = draw_created(plan, persona, &habits, dice);
    let pending = persona == Persona::NeverRedeemed;
    let accepted = created
        .plus(dice.between(600, 20 * DAY))
        .min(plan.start.minus(DAY));
    User {
        id,
        user_type: UserType::Guest,
        origin: Origin::External,
        persona,
        given_name,
        surname,
        domain,
        enabled: persona != Persona::DisabledByAdmin,
        synced: None,
        created: Some(created),
        creation_type: Some(CreationType::Invitation),
        state: Some(match pending {
            true => InvitationState::PendingAcceptance,
            false => InvitationState::Accepted,
        }),
        state_changed: (!pending).then_some(accepted.max(created)),
        deleted: None,
        purged: false,
        activity: past_activity(plan, persona, &habits, created, dice),
        shown: Activity::default(),
        habits,
        next: None,
        groups: Vec::new(),
        sponsors: Vec::new(),
        extras: None,
        changed: 0,
    }
    .showing()
}

impl User {
    /// Graph shows all that lies in the past.
    fn showing(mut self) -> Self {
        self.shown = self.activity;
        self
    }
}

/// Invited before they first signed in, and a few in the last month.
fn draw_created(plan: &Plan, persona: Persona, habits: &Habits, dice: &mut Dice) -> Second {
    let recent = dice.per_mille(40);
    let before = match (persona, habits.stops) {
        (Persona::NeverRedeemed | Persona::Silent, _) => plan.start.minus(DAY),
        (_, Some(stops)) => stops.min(plan.dawn),
        (_, None) if recent => plan.start.minus(DAY),
        (_, None) => plan.dawn,
    };
    let age = match (persona, recent) {
        (_, true) => dice.between(0, 28),
        (Persona::NeverRedeemed, false) => dice.between(2, 700),
        (_, false) => dice.between(5, 1500),
    };
    before.minus(age * DAY + dice.between(0, DAY - 1))
}

/// What they did before the month that is lived through.
fn past_activity(
    plan: &Plan,
    persona: Persona,
    habits: &Habits,
    created: Second,
    dice: &mut Dice,
) -> Activity {
    let mut activity = Activity::default();
    if matches!(persona, Persona::NeverRedeemed | Persona::Silent) || created >= plan.dawn {
        return activity;
    }
    let until = habits.stops.map_or(plan.dawn, |stops| stops.min(plan.dawn));
    let period = i64::from(habits.period).max(DAY);
    let back = |dice: &mut Dice, most: i64| until.minus(dice.between(0, most)).max(created);
    let interactive = back(dice, period);
    activity.record(interactive, true, true);
    if dice.per_mille(700) {
        activity.record(back(dice, 2 * period), false, true);
    }
    // Disabled accounts whose client kept trying: attempts later than the last success.
    if persona == Persona::DisabledByAdmin && habits.stops.is_none() {
        activity.success = activity.success.map(|at| at.minus(60 * DAY).max(created));
    }
    activity
}

/// Cross-tenant synchronisation creates accepted guests; Graph v1.0 shows no other sign of it.
fn provision(user: &mut User, plan: &Plan) {
    user.state = Some(InvitationState::Accepted);
    user.state_changed = user.created;
    user.habits.redeems = None;
    if user.persona == Persona::NeverRedeemed {
        user.persona = Persona::Silent;
        user.habits.period = 0;
    }
    debug_assert!(user.created <= Some(plan.start));
}

/// What a real directory has a few of. The first guests are odd on purpose, so that a small
/// tenant has one of each.
fn oddities(user: &mut User, number: usize, dice: &mut Dice) {
    let draw = dice.below(1000);
    let rare = |nth: usize, from: u64, to: u64| number == nth || (from..to).contains(&draw);
    if rare(11, 0, 3) {
        user.synced = Some(true);
    } else if rare(13, 3, 5) {
        user.origin = Origin::Internal;
        user.domain = DomainIx(0);
        user.creation_type = None;
        user.state = None;
        user.state_changed = None;
        if user.persona == Persona::NeverRedeemed {
            user.persona = Persona::Silent;
            user.habits = Habits::default();
        }
    } else if rare(17, 5, 15) && user.persona != Persona::NeverRedeemed {
        user.creation_type = Some(match dice.per_mille(500) {
            true => CreationType::SelfServiceSignUp,
            false => CreationType::EmailVerified,
        });
        user.state = None;
        user.state_changed = None;
    } else if rare(19, 15, 20) {
        // Before June 2018 the date of creation was not kept.
        user.created = None;
    } else if rare(23, 20, 25) && user.persona != Persona::NeverRedeemed {
        // Signed in, but never with success since December 2023.
        user.activity.success = None;
        user.shown.success = None;
        user.habits.period = 0;
    } else if rare(29, 25, 27) {
        give_role(user, "Directory Readers");
    } else if rare(31, 27, 28) {
        give_role(user, "Privileged Role Administrator");
    }
}

fn give_role(user: &mut User, name: &str) {
    let roles = role_named(name).into_iter().collect();
    user.extras = Some(Box::new(Extras {
        roles,
        ..Extras::default()
    }));
}

/// Sponsors and groups.
fn belong(tenant: &mut Tenant, plan: &Plan, ix: UserIx, dice: &mut Dice) {
    let directory = &mut tenant.directory;
    let sponsors = draw_sponsors(directory, plan, ix, dice);
    directory.user_mut(ix).sponsors = sponsors;
    let count = match dice.below(100) {
        0..25 => 0,
        25..70 => 1,
        70..90 => 2,
        _ => 3,
    };
    for _ in 0..count {
        let group = match dice.per_mille(650) {
            true => *dice.pick(&plan.projects),
            false => *dice.pick(&plan.teams),
        };
        directory.join(ix, group);
    }
    join_dynamic(directory, ix);
}

fn join_dynamic(directory: &mut Directory, ix: UserIx) {
    let user = directory.user(ix);
    let group = directory.dynamic.get(&user.domain).copied();
    if let Some(group) = group.filter(|_| user.user_type == UserType::Guest) {
        directory.join(ix, group);
    }
}

fn draw_sponsors(directory: &Directory, plan: &Plan, ix: UserIx, dice: &mut Dice) -> Vec<Sponsor> {
    let draw = dice.below(100);
    let mut sponsors = Vec::new();
    if draw < 25 {
        return sponsors;
    }
    if draw < 35 {
        sponsors.push(Sponsor::Group(*dice.pick(&plan.sponsor_groups)));
    } else if draw < 37 && ix.at() > plan.staff.len() + 2 {
        // A guest who brought in a guest.
        let earlier =
            UserIx::from_index(plan.staff.len() + 1 + dice.index(ix.at() - plan.staff.len() - 1));
        if directory.user(earlier).user_type == UserType::Guest {
            sponsors.push(Sponsor::User(earlier));
        }
    } else {
        sponsors.push(Sponsor::User(*dice.pick(&plan.staff)));
        if draw > 86 {
            let second = Sponsor::User(*dice.pick(&plan.staff));
            if !sponsors.contains(&second) {
                sponsors.push(second);
            }
        }
    }
    sponsors
}

/// Who is invited while the tenant lives: like the guests of the start, only new.
pub(crate) fn newcomer(tenant: &Tenant, at: Second, dice: &mut Dice) -> User {
    let domain = draw_partner(&tenant.directory, dice);
    let (given_name, surname) = draw_names(dice);
    let persona = match dice.below(100) {
        0..20 => Persona::NeverRedeemed,
        20..70 => Persona::Regular,
        70..90 => Persona::Occasional,
        _ => Persona::Fading,
    };
    let mut habits = draw_habits(persona, at, dice);
    if persona == Persona::Fading {
        habits.stops = Some(at.plus(dice.between(30 * DAY, 150 * DAY)));
    }
    let provisioned = tenant.directory.domains[domain.0 as usize].cross_tenant_sync;
    if persona != Persona::NeverRedeemed && !provisioned {
        habits.redeems = Some(at.plus(dice.between(600, 12 * DAY)));
    }
    User {
        id: dice.uuid(),
        user_type: UserType::Guest,
        origin: Origin::External,
        persona,
        given_name,
        surname,
        domain,
        enabled: true,
        synced: None,
        created: Some(at),
        creation_type: Some(CreationType::Invitation),
        state: Some(match provisioned {
            true => InvitationState::Accepted,
            false => InvitationState::PendingAcceptance,
        }),
        state_changed: provisioned.then_some(at),
        deleted: None,
        purged: false,
        activity: Activity::default(),
        shown: Activity::default(),
        habits,
        next: None,
        groups: Vec::new(),
        sponsors: Vec::new(),
        extras: None,
        changed: 0,
    }
}

/// Takes a newcomer in: with an employee as sponsor, and perhaps into a project that is running.
pub(crate) fn invite(tenant: &mut Tenant, at: Second, dice: &mut Dice) -> UserIx {
    let user = newcomer(tenant, at, dice);
    let ix = tenant.directory.add_user(user);
    let directory = &mut tenant.directory;
    for _ in 0..4 {
        let candidate = UserIx::from_index(dice.index(directory.users.len().min(1 + ix.at() / 16)));
        let user = directory.user(candidate);
        if user.persona == Persona::Employee && user.is_live() && user.enabled {
            directory.user_mut(ix).sponsors = vec![Sponsor::User(candidate)];
            tenant.audit.note(Audited {
                at,
                activity: AuditedActivity::Invited,
                user: ix,
                by: Author::User(candidate),
            });
            break;
        }
    }
    let group = crate::tenant::GroupIx::from_index(dice.index(directory.groups.len().max(1)));
    if directory.groups.get(group.at()).is_some_and(|found| {
        !found.deleted && found.project.is_some_and(|project| project.ends > at)
    }) {
        directory.join(ix, group);
    }
    join_dynamic(directory, ix);
    tenant.plan_next(ix, at);
    ix
}
