//! What the last day has had already.

use std::collections::{BTreeMap, BTreeSet};

use super::Purse;
use crate::ids::GuestId;
use crate::intent::{Call, Outcome};
use crate::policy::{Action, Notice};

/// The guests that were reached in the last 24 hours, by what they drew on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent(BTreeMap<Purse, BTreeSet<GuestId>>);

impl Spent {
    /// Counts an intent of the last 24 hours. One of which nobody knows what came of it counts as if it had happened.
    pub fn note(&mut self, guest: GuestId, call: &Call, outcome: Option<&Outcome>) {
        let has_happened = match outcome {
            Some(
                Outcome::Done { .. }
                | Outcome::FoundDone
                | Outcome::FoundSo { .. }
                | Outcome::Uncertain,
            )
            | None => true,
            Some(
                Outcome::Already
                | Outcome::Skipped { .. }
                | Outcome::Failed { .. }
                | Outcome::FoundNotDone,
            ) => false,
        };
        // Confirming an answer, or announcing a last day, is nothing that a plan has a budget for.
        let is_confirmation = matches!(
            call,
            Call::Notify {
                notice: Notice::Answered | Notice::LastDays,
                ..
            }
        );
        if has_happened && !is_confirmation {
            self.0.entry(purse(call)).or_default().insert(guest);
        }
    }

    /// How many guests were reached.
    #[must_use]
    pub fn on(&self, purse: Purse) -> u64 {
        self.0.get(&purse).map_or(0, |guests| guests.len() as u64)
    }
}

/// What a call drew on.
fn purse(call: &Call) -> Purse {
    match call {
        Call::Flag => Purse::Action(Action::Flag),
        Call::Mark { .. } => Purse::Action(Action::Mark),
        Call::Notify { .. } => Purse::Action(Action::Notify),
        Call::ResendInvitation { .. } => Purse::Action(Action::ResendInvitation),
        Call::RemoveAppRole { .. } => Purse::Action(Action::RemoveAppRoles),
        Call::RemoveFromGroup { .. } => Purse::Action(Action::RemoveFromGroup),
        Call::Disable => Purse::Action(Action::Disable),
        Call::Delete => Purse::Action(Action::Delete),
        Call::AddSponsor { .. } => Purse::Action(Action::AddSponsor),
        Call::Unmark { .. } => Purse::Unmark,
        // What a person has given back counts with what is enabled, as ever.
        Call::Enable
        | Call::Restore
        | Call::AddAppRole { .. }
        | Call::AddToGroup { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => Purse::Enable,
    }
}
