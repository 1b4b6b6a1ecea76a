//! What changed, as far as delta queries tell: every change has a number, and each object keeps that of its last one.
//!
//! Invariant: nothing is kept for good but a number for each object. What came and went, which an object's present state
//! does not show, is kept for as long as there may be a token that asks for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::group::GroupIx;
use super::user::UserIx;
use crate::second::{DAY, Second};

/// "For directory objects a token is valid for seven days."
pub(crate) const DAYS_OF_CHANGES: i64 = 7;

/// Somebody became a member of a group, or ceased to be one.
#[derive(Debug, Clone, Copy)]
struct Move {
    number: u64,
    at: Second,
    group: GroupIx,
    user: UserIx,
}

/// The counter of changes, and the moves that it cannot tell alone.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    last: u64,
    /// When a change that comes now happens.
    at: Second,
    /// Nothing is kept before the start: nobody can have a token for it.
    begun: bool,
    moves: VecDeque<Move>,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self {
            last: 0,
            at: Second::from_unix(0),
            begun: false,
            moves: VecDeque::new(),
        }
    }

    /// The number of the last change.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn count(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn moved(&mut self, user: UserIx, group: GroupIx) {
        let number = self.count();
        if self.begun {
            self.moves.push_back(Move {
                number,
                at: self.at,
                group,
                user,
            });
        }
    }

    /// Lets the time of changes follow the clock, and forgets moves that no token asks for.
    pub(crate) fn settle(&mut self, now: Second) {
        self.at = now;
        let kept = now.minus((DAYS_OF_CHANGES + 1) * DAY);
        while self.moves.front().is_some_and(|oldest| oldest.at < kept) {
            self.moves.pop_front();
        }
    }

    /// The tenant is made: from here on somebody may hold a token.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    /// Who came or went after a change, by group.
    pub(crate) fn moves_since(&self, number: u64) -> BTreeMap<GroupIx, BTreeSet<UserIx>> {
        let first = self.moves.partition_point(|each| each.number <= number);
        let mut moves: BTreeMap<GroupIx, BTreeSet<UserIx>> = BTreeMap::new();
        for each in self.moves.range(first..) {
            moves.entry(each.group).or_default().insert(each.user);
        }
        moves
    }
}
