//! Before an account is taken away, what it has is written down: it is what an undo compares with.

use std::collections::HashMap;

use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Intent, Outcome};
use innkeeper_domain::snapshot::{Holdings, Snapshot};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_graph::Reread;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Deeds;

/// A step that is still due, with its intents.
type Due<'s> = (&'s Step, &'s [Intent]);

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Keeps a snapshot of each guest that is about to lose its account or its roles in applications; returns the steps that may go on. Without a
    /// snapshot nothing is taken away.
    pub(super) async fn keep_snapshots<'s>(
        &self,
        due: Vec<Due<'s>>,
        fresh: &HashMap<GuestId, Reread>,
        deeds: &mut Deeds,
    ) -> Result<Vec<Due<'s>>, CycleError> {
        let takes_away = |(step, _): &Due<'_>| match step.effect {
            Effect::RemoveAppRoles { .. } | Effect::Disable | Effect::Delete => true,
            Effect::Flag
            | Effect::Mark { .. }
            | Effect::Unmark { .. }
            | Effect::Notify { .. }
            | Effect::AddSponsor
            | Effect::ResendInvitation
            | Effect::RemoveFromGroups { .. }
            | Effect::Enable { .. } => false,
        };
        let (taken, mut rest): (Vec<Due<'s>>, Vec<Due<'s>>) = due.into_iter().partition(takes_away);
        if taken.is_empty() {
            return Ok(rest);
        }
        let guests: Vec<GuestId> = taken.iter().map(|(step, _)| step.guest).collect();
        let holdings = match self.tenant.reader.holdings(&guests).await {
            Ok(holdings) => holdings,
            Err(error) => {
                warn!(%error, "without knowing what the guests have, nothing is taken away from them");
                let because =
                    format!("what the guest has could not be written down before: {error}");
                for (_, intents) in taken {
                    let skipped = Outcome::Skipped {
                        because: because.clone(),
                    };
                    self.conclude_and_note(intents, &skipped.into(), deeds)
                        .await?;
                }
                return Ok(rest);
            }
        };
        let now = self.clock.now();
        let mut snapshots = Vec::new();
        for ((step, intents), holdings) in taken.iter().zip(holdings) {
            let Some(snapshot) = fresh.get(&step.guest).and_then(|look| of(look, holdings)) else {
                continue;
            };
            snapshots.extend(
                intents
                    .iter()
                    .map(|intent| (intent.id, step.guest, snapshot.clone())),
            );
        }
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.save_snapshots(self.tenant.id, now, &snapshots).await?;
        tx.commit().await?;
        rest.extend(taken);
        Ok(rest)
    }
}

/// What a look and the holdings come to; `None` for a guest that is not there.
pub(crate) fn of(look: &Reread, holdings: Holdings) -> Option<Snapshot> {
    match look {
        Reread::Present {
            sponsors,
            groups,
            roles,
            ..
        } => Some(Snapshot {
            groups: groups.clone(),
            roles: roles.clone(),
            sponsors: sponsors.iter().map(|sponsor| sponsor.id).collect(),
            holdings,
        }),
        Reread::Deleted(_) | Reread::Absent(_) => None,
    }
}
