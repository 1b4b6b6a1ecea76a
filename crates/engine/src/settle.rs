//! Settling what a process left open that died: by reading the directory, never by guessing.

use std::collections::HashMap;

use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_graph::{Depth, Reread};
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Intents settled by one look.
const AT_ONCE: usize = 15;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Gives every open intent its outcome; returns how many there were.
    pub(crate) async fn settle(&self) -> Result<u64, CycleError> {
        let mut tx = self.store.read().await?;
        let open = tx.open_intents(self.tenant.id).await?;
        drop(tx);
        for chunk in open.chunks(AT_ONCE) {
            let mut guests: Vec<GuestId> = chunk.iter().map(|intent| intent.guest).collect();
            guests.sort_unstable();
            guests.dedup();
            let answers = self
                .tenant
                .reader
                .reread(&guests, Depth::WithoutSignIns)
                .await?;
            let answers: HashMap<GuestId, &Reread> = answers
                .iter()
                .map(|answer| (answer.guest_id(), answer))
                .collect();
            for intent in chunk {
                let outcome = found(&intent.call, answers.get(&intent.guest).copied());
                warn!(intent.id = %intent.id, guest.id = %intent.guest, outcome = outcome.as_str(), "an open intent is settled by reading the directory");
                self.conclude(std::slice::from_ref(intent), &outcome)
                    .await?;
            }
        }
        Ok(open.len() as u64)
    }

    /// What the directory shows of one call that was sent, or was about to be.
    pub(crate) async fn verify(&self, intent: &Intent) -> Result<Outcome, CycleError> {
        let answers = self
            .tenant
            .reader
            .reread(&[intent.guest], Depth::WithoutSignIns)
            .await?;
        Ok(found(&intent.call, answers.first()))
    }
}

/// What the directory shows of a call.
fn found(call: &Call, answer: Option<&Reread>) -> Outcome {
    let happened = match (call, answer) {
        // Nothing in the directory tells of a mail.
        (Call::Notify { .. }, _) | (_, None) => return Outcome::Uncertain,
        (Call::Flag, _) => true,
        (Call::Delete, Some(Reread::Deleted(_) | Reread::Absent(_))) => true,
        (Call::Delete, Some(Reread::Present { .. })) => false,
        (Call::Restore, Some(Reread::Present { .. })) => true,
        (Call::AddToGroup { group }, Some(Reread::Present { groups, .. })) => {
            groups.contains(group)
        }
        (Call::AddSponsor { sponsor }, Some(Reread::Present { sponsors, .. })) => {
            sponsors.iter().any(|known| known.id == *sponsor)
        }
        (Call::RemoveSponsor { sponsor }, Some(Reread::Present { sponsors, .. })) => {
            sponsors.iter().all(|known| known.id != *sponsor)
        }
        (Call::Disable, Some(Reread::Present { guest, .. })) => guest.enabled == Some(false),
        (Call::Enable, Some(Reread::Present { guest, .. })) => guest.enabled == Some(true),
        (Call::RemoveFromGroup { group }, Some(Reread::Present { groups, .. })) => {
            !groups.contains(group)
        }
        (
            Call::Disable
            | Call::Enable
            | Call::RemoveFromGroup { .. }
            | Call::Restore
            | Call::AddToGroup { .. }
            | Call::AddSponsor { .. }
            | Call::RemoveSponsor { .. },
            Some(Reread::Deleted(_) | Reread::Absent(_)),
        ) => false,
    };
    if happened {
        Outcome::FoundDone
    } else {
        Outcome::FoundNotDone
    }
}
