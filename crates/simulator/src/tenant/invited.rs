//! The part of the audit log that tells who invited whom.

use std::collections::VecDeque;

use super::user::UserIx;
use crate::second::{DAY, Second};

/// Days that the audit log goes back in a tenant with P1 or P2, and in one without.
const DAYS: [i64; 2] = [30, 7];

/// An invitation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invited {
    pub(crate) at: Second,
    pub(crate) guest: UserIx,
    /// `None` for an application.
    pub(crate) by: Option<UserIx>,
}

/// The invitations that happened, the oldest first, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invitations {
    kept: VecDeque<Invited>,
    first: u64,
}

impl Invitations {
    pub(crate) fn note(&mut self, invited: Invited) {
        let place = self.kept.partition_point(|kept| kept.at <= invited.at);
        self.kept.insert(place, invited);
        let days = DAYS[0] * DAY;
        while self
            .kept
            .front()
            .is_some_and(|kept| kept.at.plus(days) < invited.at)
        {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// Those that the log still has, the newest first, each with its number.
    pub(crate) fn at(&self, now: Second, licensed: bool) -> impl Iterator<Item = (u64, &Invited)> {
        let days = DAYS[usize::from(!licensed)] * DAY;
        let numbered = (self.first..).zip(&self.kept).collect::<Vec<_>>();
        let kept = move |(_, invited): &(u64, &Invited)| invited.at.plus(days) >= now;
        numbered.into_iter().rev().filter(kept)
    }
}
