//! The sign-in log (`auditLogs/signIns`) and the slower `signInActivity` that follows it.
//!
//! Invariant: entries are in order of time, so that a filter on `createdDateTime` is a binary search
//! and a page is a slice, whatever the size of the tenant.

use std::collections::VecDeque;

use uuid::Uuid;

use super::directory::Directory;
use super::user::UserIx;
use super::{DAYS_OF_SIGN_INS, Tenant};
use crate::dice::Dice;
use crate::second::{DAY, Second};

/// One interactive sign-in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignIn {
    pub(crate) at: Second,
    /// The fraction of the second, in the seven digits that Graph writes.
    pub(crate) ticks: u32,
    pub(crate) user: UserIx,
    /// 0 for a success; else an AADSTS number.
    pub(crate) error: u32,
}

/// A sign-in that `signInActivity` does not show yet.
#[derive(Debug, Clone, Copy)]
struct Unshown {
    at: Second,
    user: UserIx,
    interactive: bool,
    success: bool,
}

/// All interactive sign-ins that are still retained, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignInLog {
    entries: VecDeque<SignIn>,
    /// Entries dropped so far: the number of the first one that is left.
    dropped: u64,
    unshown: VecDeque<Unshown>,
    /// Seconds until a sign-in shows in `signInActivity`.
    pub(crate) lag: i64,
}

impl SignInLog {
    /// The number of the oldest entry and the number after the newest.
    pub(crate) fn numbers(&self) -> (u64, u64) {
        (self.dropped, self.dropped + self.entries.len() as u64)
    }

    pub(crate) fn entry(&self, number: u64) -> Option<&SignIn> {
        self.entries
            .get(usize::try_from(number.checked_sub(self.dropped)?).ok()?)
    }

    /// The number of the first entry at or after this moment (a second and its fraction).
    pub(crate) fn first_at(&self, at: Second, ticks: u32) -> u64 {
        let index = self
            .entries
            .partition_point(|entry| (entry.at, entry.ticks) < (at, ticks));
        self.dropped + index as u64
    }

    fn push(&mut self, at: Second, user: UserIx, error: u32, dice: &mut Dice) {
        let drawn = u32::try_from(dice.below(9_000_000)).unwrap_or(0);
        let ticks = match self.entries.back() {
            Some(last) if last.at >= at => drawn.max(last.ticks + 1),
            _ => drawn,
        };
        let at = self.entries.back().map_or(at, |last| last.at.max(at));
        self.entries.push_back(SignIn {
            at,
            ticks: ticks.min(9_999_999),
            user,
            error,
        });
    }

    fn drop_old(&mut self, now: Second) {
        let oldest = now.minus(DAYS_OF_SIGN_INS * DAY);
        while self.entries.front().is_some_and(|entry| entry.at < oldest) {
            self.entries.pop_front();
            self.dropped += 1;
        }
    }

    fn show(&mut self, now: Second, directory: &mut Directory) {
        while let Some(next) = self.unshown.front().copied() {
            if next.at.plus(self.lag) > now {
                return;
            }
            self.unshown.pop_front();
            directory
                .user_quietly(next.user)
                .shown
                .record(next.at, next.interactive, next.success);
        }
    }
}

/// The failure of a sign-in to a disabled account.
pub(crate) const ACCOUNT_DISABLED: u32 = 50057;
/// A wrong password, a refused second factor.
pub(crate) const INVALID_CREDENTIALS: u32 = 50126;

/// The id of the request by which a user signed in, which `signInActivity` and the log both name.
pub(crate) fn request_id(user: Uuid, at: Second) -> Uuid {
    Dice::for_object(user, u64::try_from(at.unix()).unwrap_or(0) ^ 0x1d).uuid()
}

impl Tenant {
    /// A user tries to sign in, with success unless the account is disabled or they fail.
    pub(crate) fn sign_in(&mut self, ix: UserIx, at: Second, interactive: bool, able: bool) {
        let user = self.directory.user_quietly(ix);
        let success = able && user.enabled;
        user.activity.record(at, interactive, success);
        let mut dice = Dice::for_object(user.id, u64::try_from(at.unix()).unwrap_or(0) ^ 0x51);
        let error = match (user.enabled, success) {
            (false, _) => ACCOUNT_DISABLED,
            (true, false) => INVALID_CREDENTIALS,
            (true, true) => 0,
        };
        if self.sign_ins.lag == 0 {
            user.shown.record(at, interactive, success);
        } else {
            self.sign_ins.unshown.push_back(Unshown {
                at,
                user: ix,
                interactive,
                success,
            });
        }
        if interactive {
            self.sign_ins.push(at, ix, error, &mut dice);
        }
    }

    /// Lets the logs follow the time: shows what is due, forgets what is too old.
    pub(crate) fn settle_sign_ins(&mut self, now: Second) {
        self.sign_ins.show(now, &mut self.directory);
        self.sign_ins.drop_old(now);
    }
}
