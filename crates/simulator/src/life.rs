//! The tenant goes on living: people sign in, stop, come back, are invited, redeem, leave.
//!
//! Every event is drawn from the seed, the object and the moment of the event alone. So what happens
//! up to a moment does not depend on the steps by which the clock got there.

use std::cmp::Reverse;

use crate::dice::Dice;
use crate::population;
use crate::second::{DAY, Second};
use crate::tenant::{GroupIx, InvitationState, Persona, Tenant, UserIx};

/// Something that is due at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) at: Second,
    pub(crate) due: Due,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A user's 30 days in deletedItems are over.
    Purge(UserIx),
    /// A project's last day has come.
    ProjectEnd(GroupIx),
    /// A user signs in, redeems or leaves.
    User(UserIx),
    /// Someone new is invited.
    Invitation,
}

/// A disabled account is tried less often than one that works.
const DISCOURAGED: i64 = 4;
/// Days between an employee's last day (the account is disabled) and its deletion.
const LEAVER_DELETED_AFTER: i64 = 14;

fn moment(at: Second) -> u64 {
    u64::try_from(at.unix()).unwrap_or(0)
}

impl Tenant {
    /// Lives up to this moment. Cheap when nothing is due.
    pub(crate) fn live(&mut self, now: Second) {
        while let Some(Reverse(event)) = self.events.peek().copied() {
            if event.at > now {
                break;
            }
            self.events.pop();
            self.directory.changes.settle(event.at);
            match event.due {
                Due::Purge(ix) => self.end_of_deleted_items(ix, event.at),
                Due::ProjectEnd(group) if self.alive => self.end_of_project(group, event.at),
                Due::User(ix) if self.alive => self.turn_of(ix, event.at),
                Due::Invitation if self.alive => self.invitation(event.at),
                Due::ProjectEnd(_) | Due::User(_) | Due::Invitation => {}
            }
        }
        self.settle_sign_ins(now);
        self.directory.changes.settle(now);
    }

    /// Starts the stream of new guests: about one for 200 guests a week.
    pub(crate) fn begin_invitations(&mut self, guests: usize, start: Second) {
        let Ok(guests) = i64::try_from(guests) else {
            return;
        };
        if guests == 0 {
            return;
        }
        self.invitation_gap = Some((7 * DAY * 200 / guests).max(1));
        self.next_invitation(start);
    }

    fn next_invitation(&mut self, after: Second) {
        let Some(gap) = self.invitation_gap else {
            return;
        };
        let mut dice = Dice::of(&[self.seed, 6, self.invitations]);
        let at = after.plus(dice.between(gap / 2, gap + gap / 2).max(1));
        self.events.push(Reverse(Event {
            at,
            due: Due::Invitation,
        }));
    }

    fn invitation(&mut self, at: Second) {
        let mut dice = Dice::of(&[self.seed, 7, self.invitations]);
        self.invitations += 1;
        population::invite(self, at, &mut dice);
        self.next_invitation(at);
    }

    fn end_of_deleted_items(&mut self, ix: UserIx, at: Second) {
        let days = crate::tenant::DAYS_IN_DELETED_ITEMS * DAY;
        let user = self.directory.user(ix);
        // A user that was restored, or restored and deleted again, has another date.
        if !user.purged && user.deleted.is_some_and(|deleted| deleted.plus(days) == at) {
            self.purge_user(ix);
        }
    }

    /// Some guests were here for this project only.
    fn end_of_project(&mut self, group: GroupIx, at: Second) {
        let members: Vec<UserIx> = self
            .directory
            .group(group)
            .members
            .iter()
            .copied()
            .collect();
        for ix in members {
            let user = self.directory.user(ix);
            let mut dice = Dice::for_object(user.id, moment(at) ^ 0xe4d);
            let needed_elsewhere = user.groups.iter().any(|other| {
                self.directory
                    .group(*other)
                    .project
                    .is_some_and(|project| project.ends > at)
            });
            if needed_elsewhere || user.habits.stops.is_some() || !dice.per_mille(500) {
                continue;
            }
            let stops = at.plus(dice.between(0, 20 * DAY));
            self.directory.user_quietly(ix).habits.stops = Some(stops);
        }
    }

    fn turn_of(&mut self, ix: UserIx, at: Second) {
        let user = self.directory.user(ix);
        if user.next != Some(at) || !user.is_live() {
            return;
        }
        if user.persona == Persona::Employee && user.habits.stops.is_some_and(|stops| at >= stops) {
            self.employee_leaves(ix, at);
            return;
        }
        if user.state == Some(InvitationState::PendingAcceptance) {
            self.redeem(ix, at);
        } else {
            self.visit(ix, at);
        }
        self.plan_next(ix, at);
    }

    fn employee_leaves(&mut self, ix: UserIx, at: Second) {
        let user = self.directory.user_mut(ix);
        if user.enabled {
            user.enabled = false;
            self.schedule(ix, at.plus(LEAVER_DELETED_AFTER * DAY));
        } else {
            self.delete_user(ix, at);
        }
    }

    fn redeem(&mut self, ix: UserIx, at: Second) {
        let user = self.directory.user_mut(ix);
        user.habits.redeems = None;
        // Redemption needs an account that may sign in.
        if user.enabled {
            user.state = Some(InvitationState::Accepted);
            user.state_changed = Some(at);
            self.sign_in(ix, at, true, true);
        }
    }

    fn visit(&mut self, ix: UserIx, at: Second) {
        let user = self.directory.user(ix);
        let mut dice = Dice::for_object(user.id, moment(at));
        let interactive = dice.per_mille(600);
        let able = !dice.per_mille(30);
        self.sign_in(ix, at, interactive, able);
    }

    /// Plans what this user does next.
    pub(crate) fn plan_next(&mut self, ix: UserIx, after: Second) {
        let user = self.directory.user(ix);
        let habits = user.habits;
        if habits.period == 0 && habits.redeems.is_none() {
            return;
        }
        if user.state == Some(InvitationState::PendingAcceptance) {
            if let Some(redeems) = habits.redeems {
                self.schedule(ix, redeems.max(after.plus(1)));
            }
            return;
        }
        let mut dice = Dice::for_object(user.id, moment(after) ^ 0x9e7);
        let period = i64::from(habits.period).max(2);
        let patience = if user.enabled { 1 } else { DISCOURAGED };
        let gap = dice.between(period / 2, period + period / 2).max(1) * patience;
        let begins = user.created.map_or(after, |created| created.max(after));
        let mut at = begins.plus(gap);
        if let Some(stops) = habits.stops.filter(|stops| at >= *stops) {
            let is_back = habits
                .returns
                .is_some_and(|returns| at >= returns && after >= returns);
            if user.persona == Persona::Employee {
                at = stops.max(after.plus(1));
            } else if !is_back {
                match habits.returns {
                    Some(returns) => at = returns.max(after.plus(1)),
                    None => return,
                }
            }
        }
        self.schedule(ix, at);
    }

    fn schedule(&mut self, ix: UserIx, at: Second) {
        self.directory.user_quietly(ix).next = Some(at);
        self.events.push(Reverse(Event {
            at,
            due: Due::User(ix),
        }));
    }
}
