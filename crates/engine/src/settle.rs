//! Settling what a process left open that died: by reading the directory, never by guessing.
//!
//! That an account is as it should be does not say who saw to it: somebody may have done it by hand while nobody was
//! there to see. Of what is undone without a person, the directory's audit log is asked who did it; what it does not tell
//! to be Innkeeper's is not.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::mark::{Mark, Sight};
use innkeeper_domain::snapshot::Holdings;
use innkeeper_graph::{Author, Depth, Reread};
use tracing::warn;

use crate::act::app_roles;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Intents settled by one look.
const AT_ONCE: usize = 15;

/// For how long every tenant's audit log goes back.
const AUDITED: TimeDelta = TimeDelta::days(7);

/// By how much Graph's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// What was settled.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// How many intents.
    pub(crate) intents: u64,
    /// What is to be told.
    pub(crate) remarks: Vec<(GuestId, String)>,
}

/// Who did what a process died over.
enum Doer {
    Innkeeper { at: DateTime<Utc> },
    NotInnkeeper { by: Option<uuid::Uuid> },
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Gives every open intent its outcome.
    pub(crate) async fn settle(&self) -> Result<Settled, CycleError> {
        let mut settled = Settled::default();
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
                let shown = self
                    .shown(intent, answers.get(&intent.guest).copied())
                    .await?;
                let outcome = match activity(&intent.call).filter(|_| shown == Outcome::FoundDone) {
                    Some(activity) => match self.doer(intent, activity).await {
                        Doer::Innkeeper { at } => self.claim(intent, at).await?,
                        Doer::NotInnkeeper { by } => {
                            let outcome = Outcome::FoundSo { by };
                            let remark = format!(
                                "{} {outcome}: it is left to whoever did it, and not taken back when its reason ends",
                                intent.call.as_str()
                            );
                            settled.remarks.push((intent.guest, remark));
                            self.conclude(std::slice::from_ref(intent), &outcome)
                                .await?;
                            outcome
                        }
                    },
                    None => {
                        self.conclude(std::slice::from_ref(intent), &shown).await?;
                        shown
                    }
                };
                warn!(intent.id = %intent.id, guest.id = %intent.guest, outcome = outcome.as_str(), "an open intent is settled by reading the directory");
                settled.intents += 1;
            }
        }
        Ok(settled)
    }

    /// Who did it, by the directory's audit log. It is Innkeeper's only if all that the log has is.
    async fn doer(&self, intent: &Intent, activity: &str) -> Doer {
        let unknown = Doer::NotInnkeeper { by: None };
        if self.clock.now() - intent.created > AUDITED {
            return unknown;
        }
        let since = intent.created - SKEW;
        let audited = match self.tenant.reader.audited(activity, since).await {
            Ok(audited) => audited,
            Err(error) => {
                warn!(guest.id = %intent.guest, %error, "the audit log does not tell who did it");
                return unknown;
            }
        };
        let mut doer = unknown;
        for entry in audited {
            if entry.target != intent.guest.0 {
                continue;
            }
            match entry.by {
                // What was done before it was intended was somebody else's, or for another reason.
                Author::Own if entry.at >= intent.created - TimeDelta::minutes(1) => {
                    doer = Doer::Innkeeper { at: entry.at };
                }
                Author::Own => {}
                Author::Other(by) => return Doer::NotInnkeeper { by: Some(by) },
                Author::Unknown => return Doer::NotInnkeeper { by: None },
            }
        }
        doer
    }

    /// What the directory shows of one call that was sent, or was about to be.
    pub(crate) async fn verify(&self, intent: &Intent) -> Result<Outcome, CycleError> {
        let answers = self
            .tenant
            .reader
            .reread(&[intent.guest], Depth::WithoutSignIns)
            .await?;
        self.shown(intent, answers.first()).await
    }

    /// What the directory shows of a call, by a look at the guest, and at its roles in applications where it is about them.
    async fn shown(&self, intent: &Intent, answer: Option<&Reread>) -> Result<Outcome, CycleError> {
        if let (Call::SetManager { manager }, Some(Reread::Present { .. })) = (&intent.call, answer)
        {
            let holdings = self.tenant.reader.holdings(&[intent.guest]).await?;
            let is_so = |holdings: &Holdings| holdings.manager == Some(*manager);
            return Ok(match holdings.first().map(is_so) {
                Some(true) => Outcome::FoundDone,
                Some(false) => Outcome::FoundNotDone,
                None => Outcome::Uncertain,
            });
        }
        let (assigned, wanted) = match (&intent.call, answer) {
            (Call::RemoveAppRole { app_role, .. }, Some(Reread::Present { .. })) => {
                (app_role, false)
            }
            (Call::AddAppRole { app_role }, Some(Reread::Present { .. })) => (app_role, true),
            (Call::Mark { mark }, Some(Reread::Present { .. })) => {
                return self.shown_in_attribute(intent.guest, mark, true).await;
            }
            (Call::Unmark { mark }, Some(Reread::Present { .. })) => {
                return self.shown_in_attribute(intent.guest, mark, false).await;
            }
            (call, answer) => return Ok(found(call, answer)),
        };
        let assignments = self.tenant.reader.app_roles(&[intent.guest]).await?;
        let Some(assignments) = assignments.first() else {
            return Ok(Outcome::Uncertain);
        };
        Ok(if app_roles::has(assignments, assigned) == wanted {
            Outcome::FoundDone
        } else {
            Outcome::FoundNotDone
        })
    }

    /// What the attribute shows. Nothing stood there when the writing was intended, and ours when the clearing was.
    async fn shown_in_attribute(
        &self,
        guest: GuestId,
        mark: &Mark,
        wanted: bool,
    ) -> Result<Outcome, CycleError> {
        let read = self.tenant.reader.extensions(&[guest]).await?;
        let sight = read
            .get(&guest)
            .map_or(Sight::Unknown, |read| mark.sight(read));
        let is_there = match sight {
            Sight::Written => true,
            Sight::Free | Sight::Foreign => false,
            // Whatever happened: it is looked at again before anything else is done about it.
            Sight::Unknown | Sight::Mastered => return Ok(Outcome::FoundNotDone),
        };
        Ok(if is_there == wanted {
            Outcome::FoundDone
        } else {
            Outcome::FoundNotDone
        })
    }
}

/// How the audit log calls what is undone without a person, and so must be known to be Innkeeper's.
fn activity(call: &Call) -> Option<&'static str> {
    match call {
        Call::Disable => Some("Disable account"),
        Call::Delete => Some("Delete user"),
        // Undone only by a person, who is shown it before.
        Call::RemoveFromGroup { .. } | Call::RemoveAppRole { .. } | Call::AddSponsor { .. } => None,
        // What gives something back, or leaves nothing that could be mistaken.
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::AddAppRole { .. }
        | Call::Enable
        | Call::Restore
        | Call::AddToGroup { .. }
        | Call::RemoveSponsor { .. }
        | Call::SetManager { .. } => None,
    }
}

/// What the directory shows of a call.
fn found(call: &Call, answer: Option<&Reread>) -> Outcome {
    let happened = match (call, answer) {
        // Nothing in the directory tells of a mail; of roles in applications, of attributes and of the manager another
        // answer does.
        (Call::Notify { .. } | Call::ResendInvitation { .. }, _) | (_, None) => {
            return Outcome::Uncertain;
        }
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
            Call::RemoveAppRole { .. }
            | Call::AddAppRole { .. }
            | Call::SetManager { .. }
            | Call::Mark { .. }
            | Call::Unmark { .. },
            Some(Reread::Present { .. }),
        ) => return Outcome::Uncertain,
        (
            Call::RemoveAppRole { .. }
            | Call::AddAppRole { .. }
            | Call::SetManager { .. }
            | Call::Mark { .. }
            | Call::Unmark { .. }
            | Call::Disable
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
