//! Attempting a few steps together: intents, a fresh look, the calls, their conclusions.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use innkeeper_domain::attestation::Attestation;
use innkeeper_domain::decision::{Decision, Order};
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Intent, Outcome, Trace, each_once};
use innkeeper_domain::journal::Event;
use innkeeper_domain::plan::Plan;
use innkeeper_domain::sponsor::{Hop, Succession};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_graph::{Done, GraphError, WriteError};
use innkeeper_store::Tx;
use tokio::time::Instant;
use tracing::{info, warn};

use super::app_roles;
use super::look::{Look, SeenAgain};
use super::mark::{self, Mend, Seen};
use super::recipients;
use super::senses::Senses;
use super::upshot::{ReadBack, Upshot, trace};
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Deeds;

/// Calls on their way at once.
const LANES: usize = 16;

/// How long a fresh look is good for. Throttled calls can take minutes, in which a guest can come back.
const FRESH: Duration = Duration::from_secs(60);

/// What came of the calls of a step, and what is to be told.
type CarriedOut<'i> = (Vec<(&'i Intent, Outcome)>, Vec<(GuestId, String)>);

/// A notice that is still due.
struct DueNotice<'s> {
    step: &'s Step,
    intent: &'s Intent,
    view: Box<GuestView>,
    looked: Instant,
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    pub(super) async fn attempt(
        &self,
        writer: &W,
        plan: &Plan,
        steps: &[&Step],
        senses: &mut Senses,
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        // Before the intents, so that a stop in the middle of it leaves none open.
        senses.refresh(self).await?;
        let Some(found) = self.find_app_roles(steps, deeds).await else {
            return Ok(());
        };
        let Some(before) = self.see_before_intents(steps, deeds).await else {
            return Ok(());
        };
        let intents = self.intend(plan, steps, &found, &before, deeds).await?;
        let fresh = match self.look_again(steps, senses).await {
            Ok(fresh) => fresh,
            Err(CycleError::Graph(error)) => return self.give_up(&intents, error, deeds).await,
            Err(other) => return Err(other),
        };
        let asked = match self.look_at_access(steps).await {
            Ok(()) => self.ask_again(steps, &fresh).await,
            Err(error) => Err(error),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(CycleError::Graph(error)) => return self.give_up(&intents, error, deeds).await,
            Err(CycleError::Stopped) => return self.stop_here(&intents, deeds).await,
            Err(other) => return Err(other),
        };
        let mut notices = Vec::new();
        let mut due = Vec::new();
        for (step, intents) in steps.iter().zip(&intents) {
            let look = match asked.doubt(step.guest) {
                Some(doubt) => {
                    deeds.remarks.push((step.guest, doubt.clone()));
                    Look::NotDue {
                        because: doubt.clone(),
                    }
                }
                None => {
                    let seen = SeenAgain {
                        answer: fresh.answers.get(&step.guest),
                        roles: asked.roles(step.guest),
                    };
                    self.look(step, intents, seen, senses, &plan.observation)
                        .await?
                }
            };
            match look {
                Look::NotDue { because } => {
                    let skipped = Outcome::Skipped { because }.into();
                    self.conclude_and_note(intents, &skipped, deeds).await?;
                }
                Look::Already => {
                    self.conclude_and_note(intents, &Outcome::Already.into(), deeds)
                        .await?;
                }
                Look::Due(view) => match (&step.effect, intents.as_slice()) {
                    (Effect::Notify { .. }, [intent]) => {
                        notices.push(DueNotice {
                            step,
                            intent,
                            view,
                            looked: fresh.looked(step.guest),
                        });
                    }
                    (_, intents) => due.push((*step, intents)),
                },
            }
        }
        let due = self.keep_snapshots(due, &fresh.answers, deeds).await?;
        let (due, seen) = self.see_before_calls(due, deeds).await?;
        let calls = due.into_iter().map(|(step, intents)| {
            self.carry_out(writer, step, intents, &seen, fresh.looked(step.guest))
        });
        let mut outcomes = stream::iter(calls).buffer_unordered(LANES);
        let mut ended = Ok(());
        // To the end, whatever one of them came to: a call that is dropped halfway has an outcome that nobody wrote down.
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok((outcomes, remarks)) => {
                    deeds.remarks.extend(remarks);
                    for (intent, outcome) in outcomes {
                        deeds.note(intent.guest, &intent.call, &outcome);
                    }
                }
                Err(error) => ended = Err(error),
            }
        }
        ended?;
        self.notify(writer, notices, deeds).await
    }

    /// Writes down what is about to be done.
    async fn intend(
        &self,
        plan: &Plan,
        steps: &[&Step],
        found: &app_roles::Found,
        seen: &Seen,
        deeds: &mut Deeds,
    ) -> Result<Vec<Vec<Intent>>, CycleError> {
        let mut all = Vec::new();
        let mut considered = Vec::new();
        for step in steps {
            let (calls, hops) = self.calls(step, found, seen, deeds).await?;
            considered.push(hops);
            all.push(
                each_once(calls)
                    .into_iter()
                    .map(|call| self.intent(plan, step, call))
                    .collect::<Vec<_>>(),
            );
        }
        let flat: Vec<Intent> = all.iter().flatten().cloned().collect();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        self.write_down(&mut tx, &flat).await?;
        let chains: Vec<_> = all
            .iter()
            .zip(considered)
            .filter(|(_, hops)| recipients::is_telling(hops))
            .filter_map(|(intents, hops)| {
                let intent: &Intent = intents.first()?;
                let event = Event::ChainFollowed {
                    intent: intent.id,
                    hops,
                };
                Some((Some(intent.guest), event))
            })
            .collect();
        tx.append(self.tenant.id, self.clock.now(), &chains).await?;
        tx.commit().await?;
        Ok(all)
    }

    pub(super) fn intent(&self, plan: &Plan, step: &Step, call: Call) -> Intent {
        Intent {
            id: Intent::id_of(self.tenant.id, plan.id, step.case, step.stage, &call),
            plan: plan.id,
            case: step.case,
            guest: step.guest,
            rule: step.rule.clone(),
            stage: step.stage,
            call,
            created: self.clock.now(),
        }
    }

    pub(crate) async fn write_down(
        &self,
        tx: &mut Tx,
        intents: &[Intent],
    ) -> Result<(), CycleError> {
        let event = |intent: &Intent| {
            let Intent {
                id,
                case,
                guest,
                rule,
                call,
                ..
            } = intent.clone();
            (
                Some(guest),
                Event::Intended {
                    intent: id,
                    case,
                    rule,
                    call,
                },
            )
        };
        let events: Vec<_> = intents.iter().map(event).collect();
        tx.begin_intents(self.tenant.id, intents).await?;
        tx.append(self.tenant.id, self.clock.now(), &events).await?;
        Ok(())
    }

    /// What a step comes to, and who was considered for it.
    async fn calls(
        &self,
        step: &Step,
        found: &app_roles::Found,
        seen: &Seen,
        deeds: &mut Deeds,
    ) -> Result<(Vec<Call>, Vec<Hop>), CycleError> {
        let calls = match &step.effect {
            Effect::Flag => vec![Call::Flag],
            Effect::Mark { mark, flagged: _ } => mark::calls(mark, seen.get(&step.guest)),
            Effect::Unmark { mark, closing: _ } => vec![Call::Unmark { mark: mark.clone() }],
            Effect::Notify { to, notice } => {
                let addressed = self.addressed(step.guest, to).await?;
                let call = Call::Notify {
                    notice: *notice,
                    to: addressed.to,
                };
                return Ok((vec![call], addressed.hops));
            }
            Effect::AddSponsor => {
                let (succession, hops) = self.successor_of(step.guest).await?;
                let calls = match succession {
                    Succession::Is(sponsor) => vec![Call::AddSponsor { sponsor }],
                    // In doubt the look finds the step not due.
                    Succession::Nobody | Succession::InDoubt(_) => Vec::new(),
                };
                return Ok((calls, hops));
            }
            Effect::ResendInvitation => vec![Call::ResendInvitation {
                to: self.address_of(step.guest).await?,
            }],
            Effect::RemoveAppRoles { of } => {
                app_roles::calls(step.guest, of, found.get(&step.guest), deeds)
            }
            Effect::RemoveFromGroups { groups } => groups
                .iter()
                .map(|group| Call::RemoveFromGroup { group: *group })
                .collect(),
            Effect::Disable => vec![Call::Disable],
            Effect::Delete => vec![Call::Delete],
            Effect::Enable { .. } => vec![Call::Enable],
        };
        Ok((calls, Vec::new()))
    }

    /// No fresh look could be had: nothing was called, and the cycle ends.
    async fn give_up(
        &self,
        intents: &[Vec<Intent>],
        error: GraphError,
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        let failed = Outcome::Failed {
            error: format!("the guest could not be read again: {error}"),
        };
        let failed = failed.into();
        for intents in intents {
            self.conclude_and_note(intents, &failed, deeds).await?;
        }
        Err(error.into())
    }

    /// A stop was asked for before anything was called.
    async fn stop_here(
        &self,
        intents: &[Vec<Intent>],
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        let because = "Innkeeper was asked to stop before; the next cycle looks again".to_owned();
        let skipped = Outcome::Skipped { because }.into();
        for intents in intents {
            self.conclude_and_note(intents, &skipped, deeds).await?;
        }
        Ok(())
    }

    /// Makes the calls of one step; after the last one the stage is executed, if all are in effect.
    async fn carry_out<'i>(
        &self,
        writer: &W,
        step: &Step,
        intents: &'i [Intent],
        seen: &Seen,
        looked: Instant,
    ) -> Result<CarriedOut<'i>, CycleError> {
        if intents.is_empty() {
            self.execute_stage(step).await?;
        }
        let mut outcomes = Vec::new();
        let mut remarks = Vec::new();
        let mut in_effect = true;
        for (index, intent) in intents.iter().enumerate() {
            let mut settled = false;
            let upshot: Upshot = if looked.elapsed() > FRESH {
                too_old().into()
            } else if let Some(because) = self.said_meanwhile(intent).await? {
                Outcome::Skipped { because }.into()
            } else if let Some(Mend::Not { outcome, settles }) =
                mark::mend(intent, seen, &mut remarks)
            {
                settled = settles;
                outcome.into()
            } else {
                let writer = writer.sent_as(intent.id.0);
                let answer = match &intent.call {
                    Call::Flag => Ok(Done { request_id: None }),
                    Call::Disable => writer.disable(intent.guest).await,
                    Call::Enable => writer.enable(intent.guest).await,
                    Call::Mark { mark } => {
                        let value = Some(mark.value.as_str());
                        writer
                            .set_attribute(intent.guest, mark.attribute, value)
                            .await
                    }
                    Call::Unmark { mark } => {
                        writer
                            .set_attribute(intent.guest, mark.attribute, None)
                            .await
                    }
                    Call::Delete => writer.delete(intent.guest).await,
                    Call::ResendInvitation { to } => {
                        writer.resend_invitation(intent.guest, to).await
                    }
                    Call::RemoveAppRole {
                        assignment,
                        app_role: _,
                    } => writer.remove_app_role(intent.guest, assignment).await,
                    Call::RemoveFromGroup { group } => {
                        writer.remove_from_group(*group, intent.guest).await
                    }
                    Call::Notify { .. } => unreachable!("notices are sent together"),
                    Call::AddSponsor { sponsor } => {
                        writer.add_sponsor(intent.guest, *sponsor).await
                    }
                    Call::Restore
                    | Call::AddAppRole { .. }
                    | Call::AddToGroup { .. }
                    | Call::SetManager { .. }
                    | Call::RemoveSponsor { .. } => {
                        unreachable!("no step of a plan undoes another")
                    }
                };
                self.outcome(intent, answer).await?
            };
            in_effect &= upshot.outcome.is_in_effect() || settled;
            let is_last = index + 1 == intents.len();
            self.conclude_call(intent, &upshot, in_effect && is_last)
                .await?;
            outcomes.push((intent, upshot.outcome));
        }
        Ok((outcomes, remarks))
    }

    /// A person's decision or answer that forbids the call, and came while others were waited for.
    async fn said_meanwhile(&self, intent: &Intent) -> Result<Option<String>, CycleError> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let decisions = tx.decisions_of(self.tenant.id, intent.guest).await?;
        let gives_back = matches!(intent.call, Call::Enable | Call::Unmark { .. });
        let forbids = |decision: &Decision| match decision.order {
            Order::Hold => true,
            Order::Exempt { .. } => decision.order.is_in_force(now) && !gives_back,
            Order::Expire { .. } => false,
        };
        if let Some(decision) = decisions.iter().find(|decision| forbids(decision)) {
            return Ok(Some(decision.to_string()));
        }
        if gives_back {
            return Ok(None);
        }
        // Whether the step is still due with it, the next cycle tells.
        let said = tx.attestations_of(self.tenant.id, intent.guest).await?;
        let is_new = |said: &&Attestation| said.stands(now) && said.at >= intent.created;
        Ok(said.iter().find(is_new).map(ToString::to_string))
    }

    /// What an answer of Graph comes to. Without a clear one the directory is asked; if that fails too, the intent
    /// stays open until the next cycle settles it.
    pub(crate) async fn outcome(
        &self,
        intent: &Intent,
        answer: Result<Done, WriteError>,
    ) -> Result<Upshot, CycleError> {
        // Nothing is sent for a flag.
        let trace = |request_id: Option<String>| match intent.call {
            Call::Flag => Trace::default(),
            _ => trace(intent, request_id),
        };
        match answer {
            Ok(Done { request_id }) => {
                info!(guest.id = %intent.guest, rule = %intent.rule, call = intent.call.as_str(), request_id, "done");
                Ok(Upshot {
                    trace: trace(request_id.clone()),
                    ..Outcome::Done { request_id }.into()
                })
            }
            Err(WriteError::Refused(error)) => {
                let trace = trace(request_id_of(&error));
                // Graph refuses to add a sponsor that there is, and to remove one that there is not.
                let is_reference = match intent.call {
                    Call::AddSponsor { .. } | Call::RemoveSponsor { .. } => true,
                    Call::Flag
                    | Call::Mark { .. }
                    | Call::Unmark { .. }
                    | Call::SetManager { .. }
                    | Call::Notify { .. }
                    | Call::ResendInvitation { .. }
                    | Call::RemoveAppRole { .. }
                    | Call::AddAppRole { .. }
                    | Call::RemoveFromGroup { .. }
                    | Call::Disable
                    | Call::Enable
                    | Call::Delete
                    | Call::Restore
                    | Call::AddToGroup { .. } => false,
                };
                if is_reference {
                    let (found, shown) = self.verify(intent).await?;
                    if found == Outcome::FoundDone {
                        let because = format!("Graph refused: {error}");
                        return Ok(Upshot {
                            trace,
                            read_back: Some(ReadBack { because, shown }),
                            ..Outcome::Already.into()
                        });
                    }
                }
                warn!(guest.id = %intent.guest, call = intent.call.as_str(), %error, "refused");
                let failed = Outcome::Failed {
                    error: error.to_string(),
                };
                Ok(Upshot {
                    trace,
                    ..failed.into()
                })
            }
            Err(WriteError::Unclear(error)) => {
                warn!(guest.id = %intent.guest, call = intent.call.as_str(), %error, "no clear answer; the directory is asked whether it happened");
                let (found, shown) = self.verify(intent).await?;
                let because = format!("Graph gave no clear answer: {error}");
                // It may be an old replica that was asked. To take an account for not taken would miss that somebody
                // gives it back.
                let takes = matches!(intent.call, Call::Disable | Call::Delete);
                Ok(Upshot {
                    stays_open: takes && found == Outcome::FoundNotDone,
                    trace: trace(request_id_of(&error)),
                    read_back: Some(ReadBack { because, shown }),
                    ..found.into()
                })
            }
        }
    }

    /// Sends the mails about the guests that are still due: one for each set of people.
    async fn notify(
        &self,
        writer: &W,
        due: Vec<DueNotice<'_>>,
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        let mut mails: BTreeMap<Vec<String>, Vec<DueNotice<'_>>> = BTreeMap::new();
        for notice in due {
            if let Call::Notify { to, notice: _ } = &notice.intent.call {
                mails.entry(to.clone()).or_default().push(notice);
            }
        }
        for (to, notices) in mails {
            let intents: Vec<Intent> = notices.iter().map(|notice| notice.intent.clone()).collect();
            let upshot: Upshot = if to.is_empty() {
                let error = "there is nobody to write to: the guest has no sponsor with an address, and no operators are configured (tenants.notify.operators)";
                let failed = Outcome::Failed {
                    error: error.to_owned(),
                };
                failed.into()
            } else if notices.iter().any(|notice| notice.looked.elapsed() > FRESH) {
                too_old().into()
            } else {
                let guests: Vec<_> = notices
                    .iter()
                    .map(|notice| (notice.step, &*notice.view))
                    .collect();
                self.deliver(writer, &guests, &intents[0], to).await?
            };
            self.conclude_and_note(&intents, &upshot, deeds).await?;
        }
        Ok(())
    }

    pub(super) async fn conclude_and_note(
        &self,
        intents: &[Intent],
        upshot: &Upshot,
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        for intent in intents {
            deeds.note(intent.guest, &intent.call, &upshot.outcome);
        }
        self.conclude(intents, upshot).await
    }
}

fn request_id_of(error: &GraphError) -> Option<String> {
    error.answered()?.request_id.clone()
}

fn too_old() -> Outcome {
    let because = "Graph kept us waiting since the guest was looked at; the next cycle looks again"
        .to_owned();
    Outcome::Skipped { because }
}
