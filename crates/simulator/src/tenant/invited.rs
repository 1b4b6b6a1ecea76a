//! The audit log, as far as it tells who invited whom, and who took or gave back an account.

use std::collections::VecDeque;

use super::user::UserIx;
use crate::second::{DAY, Second};

/// Days that the audit log goes back in a tenant with P1 or P2, and in one without.
const DAYS: [i64; 2] = [30, 7];

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Invited,
    Disabled,
    Enabled,
    Deleted,
    Restored,
}

impl Activity {
    /// Its `activityDisplayName`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invited => "Invite external user",
            Self::Disabled => "Disable account",
            Self::Enabled => "Enable account",
            Self::Deleted => "Delete user",
            Self::Restored => "Restore user",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Author {
    User(UserIx),
    /// An administrator, by the control interface.
    Administrator,
    /// The application that asks the simulator.
    Application,
    OtherApplication,
}

/// An entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audited {
    pub(crate) at: Second,
    pub(crate) activity: Activity,
    pub(crate) user: UserIx,
    pub(crate) by: Author,
}

/// What happened, the oldest first, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditLog {
    kept: VecDeque<Audited>,
    first: u64,
}

impl AuditLog {
    pub(crate) fn note(&mut self, entry: Audited) {
        let place = self.kept.partition_point(|kept| kept.at <= entry.at);
        self.kept.insert(place, entry);
        let days = DAYS[0] * DAY;
        while self
            .kept
            .front()
            .is_some_and(|kept| kept.at.plus(days) < entry.at)
        {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// Those that the log still has, the newest first, each with its number.
    pub(crate) fn at(&self, now: Second, licensed: bool) -> impl Iterator<Item = (u64, &Audited)> {
        let days = DAYS[usize::from(!licensed)] * DAY;
        let numbered = (self.first..).zip(&self.kept).collect::<Vec<_>>();
        let kept = move |(_, entry): &(u64, &Audited)| entry.at.plus(days) >= now;
        numbered.into_iter().rev().filter(kept)
    }
}
