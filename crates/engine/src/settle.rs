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
use uuid::Uuid;

use crate::act::app_roles;
use crate::act::upshot::{ReadBack, Upshot, trace};
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
#[derive(Default)]
struct Doers {
    /// When Innkeeper did.
    own: Option<DateTime<Utc>>,
    /// Somebody else did, and who, where that is known.
    others: Option<Option<Uuid>>,
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
                let (found, shown) = self
                    .shown(intent, answers.get(&intent.guest).copied())
                    .await?;
                let (outcome, claimed) = self.owned(intent, found).await;
                if let Outcome::FoundSo { .. } = outcome {
                    let remark = format!(
                        "{} {outcome}: it is left to whoever did it, and not taken back when its reason ends",
                        intent.call.as_str()
                    );
                    settled.remarks.push((intent.guest, remark));
                }
                warn!(intent.id = %intent.id, guest.id = %intent.guest, outcome = outcome.as_str(), "an open intent is settled by reading the directory");
                let because =
                    "the process that was about to make the call, or had made it, ended over it";
                let upshot = Upshot {
                    trace: trace(intent, None),
                    read_back: Some(ReadBack {
                        because: because.to_owned(),
                        shown,
                    }),
                    claimed,
                    ..outcome.into()
                };
                self.conclude(std::slice::from_ref(intent), &upshot).await?;
                settled.intents += 1;
            }
        }
        Ok(settled)
    }

    /// What was found, in the light of the audit log where it has to be known whose doing it was; and when it was ours.
    async fn owned(&self, intent: &Intent, found: Outcome) -> (Outcome, Option<DateTime<Utc>>) {
        let Some(activity) = activity(&intent.call) else {
            return (found, None);
        };
        let done = Outcome::Done { request_id: None };
        match (found, self.doers(intent, activity).await) {
            (
                Outcome::FoundDone,
                Doers {
                    own: Some(at),
                    others: None,
                },
            ) => (done, Some(at)),
            (Outcome::FoundDone, Doers { own: _, others }) => {
                let by = others.flatten();
                (Outcome::FoundSo { by }, None)
            }
            // It happened, and somebody has taken it back since. They mean it: what is remembered as done and is found
            // undone is a return, and is not done again.
            (Outcome::FoundNotDone, Doers { own: Some(at), .. }) => (done, Some(at)),
            (found, _) => (found, None),
        }
    }

    /// Who did it since it was intended, by the directory's audit log.
    async fn doers(&self, intent: &Intent, activity: &str) -> Doers {
        let mut doers = Doers::default();
        if self.clock.now() - intent.created > AUDITED {
            return doers;
        }
        let since = intent.created - SKEW;
        let audited = match self.tenant.reader.audited(activity, since).await {
            Ok(audited) => audited,
            Err(error) => {
                warn!(guest.id = %intent.guest, %error, "the audit log does not tell who did it");
                return doers;
            }
        };
        for entry in audited {
            if entry.target != intent.guest.0 {
                continue;
            }
            match entry.by {
                // What was done before it was intended was done for another reason.
                Author::Own if entry.at >= intent.created - TimeDelta::minutes(1) => {
                    doers.own = Some(entry.at);
                }
                Author::Own => {}
                Author::Other(by) => doers.others = Some(Some(by)),
                Author::Unknown => doers.others = doers.others.or(Some(None)),
            }
        }
        doers
    }

    /// What the directory shows of one call that was sent, or was about to be.
    pub(crate) async fn verify(&self, intent: &Intent) -> Result<(Outcome, String), CycleError> {
        let answers = self
            .tenant
            .reader
            .reread(&[intent.guest], Depth::WithoutSignIns)
            .await?;
        self.shown(intent, answers.first()).await
    }

    /// What the directory shows of a call, by a look at the guest, and at its roles in applications where it is about
    /// them; with what was seen, in words.
    async fn shown(
        &self,
        intent: &Intent,
        answer: Option<&Reread>,
    ) -> Result<(Outcome, String), CycleError> {
        if let (Call::SetManager { manager }, Some(Reread::Present { .. })) = (&intent.call, answer)
        {
            let holdings = self.tenant.reader.holdings(&[intent.guest]).await?;
            let is_so = |holdings: &Holdings| holdings.manager == Some(*manager);
            let (outcome, seen) = match holdings.first().map(is_so) {
                Some(true) => (Outcome::FoundDone, "the guest has that manager"),
                Some(false) => (
                    Outcome::FoundNotDone,
                    "the guest does not have that manager",
                ),
                None => (Outcome::Uncertain, "nothing: Graph told no manager"),
            };
            return Ok((outcome, seen.to_owned()));
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
            (call, answer) => return Ok((found(call, answer), seen(call, answer))),
        };
        let assignments = self.tenant.reader.app_roles(&[intent.guest]).await?;
        let Some(assignments) = assignments.first() else {
            let nothing = "nothing: Graph told no roles in applications".to_owned();
            return Ok((Outcome::Uncertain, nothing));
        };
        let has = app_roles::has(assignments, assigned);
        let seen = if has {
            "the guest has the role in the application"
        } else {
            "the guest does not have the role in the application"
        };
        Ok((done_if(has == wanted), seen.to_owned()))
    }

    /// What the attribute shows. Nothing stood there when the writing was intended, and ours when the clearing was.
    async fn shown_in_attribute(
        &self,
        guest: GuestId,
        mark: &Mark,
        wanted: bool,
    ) -> Result<(Outcome, String), CycleError> {
        let read = self.tenant.reader.extensions(&[guest]).await?;
        let sight = read
            .get(&guest)
            .map_or(Sight::Unknown, |read| mark.sight(read));
        let attribute = mark.attribute;
        let (outcome, seen) = match sight {
            Sight::Written => (done_if(wanted), "holds what was to be written"),
            Sight::Free => (done_if(!wanted), "is empty"),
            Sight::Foreign => (done_if(!wanted), "holds something else"),
            // Whatever happened: it is looked at again before anything else is done about it.
            Sight::Unknown => (Outcome::FoundNotDone, "was not told"),
            Sight::Mastered => (Outcome::FoundNotDone, "is mastered on-premises"),
        };
        Ok((outcome, format!("{attribute} {seen}")))
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

fn done_if(is_done: bool) -> Outcome {
    if is_done {
        Outcome::FoundDone
    } else {
        Outcome::FoundNotDone
    }
}

/// What was seen of the guest, in words: no more than the call is about.
fn seen(call: &Call, answer: Option<&Reread>) -> String {
    let seen = match (call, answer) {
        (Call::Notify { .. } | Call::ResendInvitation { .. }, _) => {
            "nothing: the directory does not tell of mails"
        }
        (_, None) => "nothing: Graph told nothing of the guest",
        (_, Some(Reread::Deleted(_))) => "the guest is among the deleted users",
        (_, Some(Reread::Absent(_))) => {
            "the guest is neither in the directory nor among the deleted users"
        }
        (
            Call::AddToGroup { group } | Call::RemoveFromGroup { group },
            Some(Reread::Present { groups, .. }),
        ) => {
            if groups.contains(group) {
                "the guest is in the group"
            } else {
                "the guest is not in the group"
            }
        }
        (
            Call::AddSponsor { sponsor } | Call::RemoveSponsor { sponsor },
            Some(Reread::Present { sponsors, .. }),
        ) => {
            if sponsors.iter().any(|known| known.id == *sponsor) {
                "the guest has that sponsor"
            } else {
                "the guest does not have that sponsor"
            }
        }
        (_, Some(Reread::Present { guest, .. })) => match guest.enabled {
            Some(true) => "the guest is there, and its account is enabled",
            Some(false) => "the guest is there, and its account is disabled",
            None => "the guest is there, and Graph does not tell whether its account is enabled",
        },
    };
    seen.to_owned()
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
    done_if(happened)
}
