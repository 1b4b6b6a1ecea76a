//! What the last day has had already.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::GuestId;
use crate::intent::{Call, Outcome};
use crate::policy::{Action, Notice};

/// The guests that each action has reached in the last 24 hours; under `None` those enabled again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent(BTreeMap<Option<Action>, BTreeSet<GuestId>>);

impl Spent {
    /// Counts an intent of the last 24 hours. One of which nobody knows what came of it counts as if it had happened.
    pub fn note(&mut self, guest: GuestId, call: &Call, outcome: Option<&Outcome>) {
        let has_happened = match outcome {
            Some(Outcome::Done { .. } | Outcome::FoundDone | Outcome::Uncertain) | None => true,
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
            self.0.entry(action(call)).or_default().insert(guest);
        }
    }

    /// How many guests an action has reached.
    #[must_use]
    pub fn on(&self, action: Option<Action>) -> u64 {
        self.0.get(&action).map_or(0, |guests| guests.len() as u64)
    }
}

fn action(call: &Call) -> Option<Action> {
    match call {
        Call::Flag => Some(Action::Flag),
        Call::Notify { .. } => Some(Action::Notify),
        Call::ResendInvitation { .. } => Some(Action::ResendInvitation),
        Call::RemoveAppRole { .. } => Some(Action::RemoveAppRoles),
        Call::RemoveFromGroup { .. } => Some(Action::RemoveFromGroup),
        Call::Disable => Some(Action::Disable),
        Call::Delete => Some(Action::Delete),
        // What is given back is not taken.
        Call::Enable
        | Call::Restore
        | Call::AddAppRole { .. }
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. }
        | Call::SetManager { .. } => None,
    }
}
