//! Marks in attributes of guests: written only where nothing stands, cleared only where the very text still stands.
//!
//! The attribute is read twice. Once before the intents, so that an open intent means that nothing stood there: what is
//! found there after a crash is ours. And once right before the calls, so that nothing is overwritten.

use std::collections::BTreeMap;

use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::mark::{Extension, Mark, Sight, Written};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_store::Tx;
use tracing::{info, warn};

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::{Deeds, Failure};

/// What stands in guests' attributes, of those of whom it was asked and told.
pub(super) type Seen = BTreeMap<GuestId, Extension>;

/// A step that is still due, with its intents.
type Due<'s> = (&'s Step, &'s [Intent]);

/// What is to be done about a mark.
pub(super) enum Mend {
    /// The call is made.
    Call,
    /// It is not, and this came of it; `settles` says that it is not tried again.
    Not { outcome: Outcome, settles: bool },
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// What stands where these steps write or clear. `None`: it cannot be read; nothing was intended, and the next cycle
    /// tries again.
    pub(super) async fn see_before_intents(
        &self,
        steps: &[&Step],
        deeds: &mut Deeds,
    ) -> Option<Seen> {
        let guests = marked(steps.iter().copied());
        if guests.is_empty() {
            return Some(Seen::new());
        }
        match self.tenant.reader.extensions(&guests).await {
            Ok(seen) => Some(seen),
            Err(error) => {
                warn!(%error, "what stands in attributes cannot be read, so none is written or cleared");
                deeds
                    .failures
                    .extend(guests.into_iter().map(|guest| Failure {
                        guest,
                        call: "mark",
                        error: format!("the attribute could not be read before: {error}"),
                    }));
                None
            }
        }
    }

    /// The same right before the calls; returns the steps that may go on.
    pub(super) async fn see_before_calls<'s>(
        &self,
        due: Vec<Due<'s>>,
        deeds: &mut Deeds,
    ) -> Result<(Vec<Due<'s>>, Seen), CycleError> {
        let guests = marked(due.iter().map(|(step, _)| *step));
        if guests.is_empty() {
            return Ok((due, Seen::new()));
        }
        match self.tenant.reader.extensions(&guests).await {
            Ok(seen) => Ok((due, seen)),
            Err(error) => {
                warn!(%error, "what stands in attributes cannot be read, so none is written or cleared");
                let skipped = Outcome::Skipped {
                    because: format!("the attribute could not be read again: {error}"),
                };
                let skipped = skipped.into();
                let (blind, rest): (Vec<Due<'s>>, Vec<Due<'s>>) =
                    due.into_iter().partition(|(step, _)| is_about_a_mark(step));
                for (_, intents) in blind {
                    self.conclude_and_note(intents, &skipped, deeds).await?;
                }
                Ok((rest, Seen::new()))
            }
        }
    }

    /// Keeps what follows for the memory of marks. `settles` says that the call is not tried again.
    pub(super) async fn remember_mark(
        &self,
        tx: &mut Tx,
        intent: &Intent,
        outcome: &Outcome,
        settles: bool,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        match &intent.call {
            // What stood there already is not ours, and is never cleared by us.
            Call::Mark { mark } if outcome.is_in_effect() && *outcome != Outcome::Already => {
                let written = Written {
                    case: intent.case,
                    rule: intent.rule.clone(),
                    stage: intent.stage,
                    mark: mark.clone(),
                };
                tx.save_mark(tenant, intent.guest, &written, self.clock.now())
                    .await?;
            }
            Call::Unmark { mark } if outcome.is_in_effect() || settles => {
                tx.forget_mark(tenant, intent.guest, mark).await?;
            }
            Call::Flag
            | Call::Mark { .. }
            | Call::Unmark { .. }
            | Call::Notify { .. }
            | Call::ResendInvitation { .. }
            | Call::RemoveAppRole { .. }
            | Call::AddAppRole { .. }
            | Call::RemoveFromGroup { .. }
            | Call::Disable
            | Call::Enable
            | Call::Delete
            | Call::Restore
            | Call::SetManager { .. }
            | Call::RemoveSponsor { .. }
            | Call::AddToGroup { .. }
            | Call::AddSponsor { .. } => {}
        }
        Ok(())
    }

    /// A step with nothing to call, since the text stands there: where another case wrote it, this one requires it too.
    pub(super) async fn share_mark(&self, tx: &mut Tx, step: &Step) -> Result<(), CycleError> {
        let Effect::Mark { mark, flagged: _ } = &step.effect else {
            return Ok(());
        };
        let tenant = self.tenant.id;
        let Some(row) = tx.guest_row(tenant, step.guest).await? else {
            return Ok(());
        };
        if row.view.marks.iter().any(|written| written.mark == *mark) {
            let written = Written {
                case: step.case,
                rule: step.rule.clone(),
                stage: step.stage,
                mark: mark.clone(),
            };
            tx.save_mark(tenant, step.guest, &written, self.clock.now())
                .await?;
        } else {
            info!(guest.id = %step.guest, %mark, "the text stood there before, and stays whatever comes");
        }
        Ok(())
    }
}

/// The calls of a step that writes: none where the very text stands already.
pub(super) fn calls(mark: &Mark, seen: Option<&Extension>) -> Vec<Call> {
    let sight = seen.map_or(Sight::Unknown, |read| mark.sight(read));
    match sight {
        Sight::Written => Vec::new(),
        Sight::Unknown | Sight::Free | Sight::Foreign | Sight::Mastered => {
            vec![Call::Mark { mark: mark.clone() }]
        }
    }
}

/// What is to be done about a call, by what was seen right before it; `None` for one that is not about a mark.
pub(super) fn mend(
    intent: &Intent,
    seen: &Seen,
    remarks: &mut Vec<(GuestId, String)>,
) -> Option<Mend> {
    let (mark, writes) = match &intent.call {
        Call::Mark { mark } => (mark, true),
        Call::Unmark { mark } => (mark, false),
        Call::Flag
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::RemoveAppRole { .. }
        | Call::AddAppRole { .. }
        | Call::RemoveFromGroup { .. }
        | Call::Disable
        | Call::Enable
        | Call::Delete
        | Call::Restore
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. }
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. } => return None,
    };
    let attribute = mark.attribute;
    let mut not = |because: String, outcome: Option<Outcome>| {
        warn!(guest.id = %intent.guest, %attribute, because, "the attribute is left as it is");
        remarks.push((intent.guest, because.clone()));
        Mend::Not {
            outcome: outcome.unwrap_or(Outcome::Skipped { because }),
            settles: true,
        }
    };
    let sight = seen
        .get(&intent.guest)
        .map_or(Sight::Unknown, |read| mark.sight(read));
    Some(match (sight, writes) {
        (Sight::Unknown, _) => Mend::Not {
            outcome: Outcome::Skipped {
                because: format!("Graph did not tell what stands in {attribute}"),
            },
            settles: false,
        },
        (Sight::Free, true) | (Sight::Written, false) => Mend::Call,
        (Sight::Written, true) | (Sight::Free, false) => Mend::Not {
            outcome: Outcome::Already,
            settles: true,
        },
        (Sight::Foreign, true) => not(
            format!(
                "{attribute} holds what somebody else wrote, which is not overwritten: the flag stays in Innkeeper"
            ),
            None,
        ),
        // Ours is gone, so there is nothing to clear.
        (Sight::Foreign, false) => not(
            format!("{attribute} holds what somebody else wrote meanwhile, which is not cleared"),
            Some(Outcome::Already),
        ),
        (Sight::Mastered, true) => not(
            format!(
                "{attribute} can be written on-premises alone, where the account is or was mastered: the flag stays in Innkeeper"
            ),
            None,
        ),
        (Sight::Mastered, false) => not(
            format!(
                "{attribute} can be written on-premises alone by now, where the account is or was mastered: clear it there"
            ),
            None,
        ),
    })
}

fn is_about_a_mark(step: &Step) -> bool {
    match &step.effect {
        Effect::Mark { .. } | Effect::Unmark { .. } => true,
        Effect::Flag
        | Effect::Notify { .. }
        | Effect::AddSponsor
        | Effect::ResendInvitation
        | Effect::RemoveAppRoles { .. }
        | Effect::RemoveFromGroups { .. }
        | Effect::Disable
        | Effect::Delete
        | Effect::Enable { .. } => false,
    }
}

fn marked<'s>(steps: impl Iterator<Item = &'s Step>) -> Vec<GuestId> {
    steps
        .filter(|step| is_about_a_mark(step))
        .map(|step| step.guest)
        .collect()
}
