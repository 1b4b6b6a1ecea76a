//! Concluding: what came of an intent, and what follows for the guest and its case, in one transaction.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::guest::{Guest, GuestRecord};
use innkeeper_domain::ids::CaseId;
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::journal::Event;
use innkeeper_domain::policy::{Action, Notice};
use innkeeper_domain::verdict::Step;
use innkeeper_store::Tx;

use super::upshot::{ReadBack, Upshot};
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How long a stage rests after a notice or an invitation of which nobody knows whether it was sent. Sending it at once might send it
/// twice; not sending it at all might disable a guest without a warning.
const REST: TimeDelta = TimeDelta::hours(24);

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Concludes intents that share an outcome; each is the only call of its stage, except removals from groups and
    /// of roles in applications, whose stage is executed by the cycle that finds nothing left to remove.
    pub(crate) async fn conclude(
        &self,
        intents: &[Intent],
        upshot: &Upshot,
    ) -> Result<(), CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        for intent in intents {
            let is_whole_stage = !matches!(
                intent.call,
                Call::RemoveFromGroup { .. } | Call::RemoveAppRole { .. }
            );
            self.conclude_in(
                &mut tx,
                intent,
                upshot,
                is_whole_stage && upshot.outcome.is_in_effect(),
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Concludes one call; `executes` says that with it the stage is executed.
    pub(crate) async fn conclude_call(
        &self,
        intent: &Intent,
        upshot: &Upshot,
        executes: bool,
    ) -> Result<(), CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        self.conclude_in(&mut tx, intent, upshot, executes).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Marks a stage as executed that had nothing to call.
    pub(super) async fn execute_stage(&self, step: &Step) -> Result<(), CycleError> {
        let Some(action) = step.effect.action() else {
            return Ok(());
        };
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        self.share_mark(&mut tx, step).await?;
        self.executed(&mut tx, step.case, step.stage, action, self.clock.now())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn conclude_in(
        &self,
        tx: &mut Tx,
        intent: &Intent,
        upshot: &Upshot,
        executes: bool,
    ) -> Result<(), CycleError> {
        let Upshot {
            outcome,
            trace,
            read_back,
            claimed,
            stays_open,
        } = upshot;
        if *stays_open {
            return Ok(());
        }
        let tenant = self.tenant.id;
        let now = self.clock.now();
        tx.conclude(tenant, &[intent.id], now, outcome).await?;
        if !trace.is_none() {
            tx.keep_trace(tenant, intent.id, trace).await?;
        }
        let read_back = read_back
            .as_ref()
            .map(|ReadBack { because, shown }| Event::ReadBack {
                intent: intent.id,
                because: because.clone(),
                shown: shown.clone(),
            });
        let concluded = Event::Concluded {
            intent: intent.id,
            outcome: outcome.clone(),
            graph: trace.clone(),
        };
        let when = claimed.unwrap_or(now);
        let claimed = claimed.map(|done| Event::Claimed {
            intent: intent.id,
            done,
        });
        let events = read_back.into_iter().chain(claimed).chain([concluded]);
        let events: Vec<_> = events.map(|event| (Some(intent.guest), event)).collect();
        tx.append(tenant, now, &events).await?;
        if changes_the_account(&intent.call)
            && outcome.is_in_effect()
            && let Some(row) = tx.guest_row(tenant, intent.guest).await?
        {
            tx.save_guests(
                tenant,
                &[&marked(row.view.record, &intent.call, outcome, when)],
            )
            .await?;
        }
        // Else the next listing would seem to lack whom Innkeeper itself took out.
        if let Call::RemoveFromGroup { group } = &intent.call
            && outcome.is_in_effect()
        {
            tx.change_members(tenant, *group, &[], &[intent.guest])
                .await?;
        }
        self.remember_mark(tx, intent, outcome, executes).await?;
        if executes && let Some(action) = action(&intent.call) {
            self.executed(tx, intent.case, intent.stage, action, now)
                .await?;
        }
        if executes
            && let Call::Notify { notice, .. } = &intent.call
            && notice.is_reminder()
        {
            self.reminded(tx, intent.case, now).await?;
        }
        if executes && intent.call == Call::Delete {
            self.close_all(tx, intent, now).await?;
        }
        let holds = !matches!(
            intent.call,
            Call::Notify {
                notice: Notice::Answered | Notice::LastDays,
                ..
            }
        );
        if *outcome == Outcome::Uncertain
            && holds
            && let Some(case) = tx.open_among(tenant, &[intent.case]).await?.pop()
        {
            tx.save_cases(tenant, &[case.held(now + REST)]).await?;
        }
        Ok(())
    }

    async fn reminded(
        &self,
        tx: &mut Tx,
        case: CaseId,
        at: DateTime<Utc>,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let case = tx.open_among(tenant, &[case]).await?.pop();
        let observation = tx.last_observation(tenant).await?;
        if let (Some(case), Some(observation)) = (case, observation) {
            let reminded = case.reminded(at, observation.finished, observation.watched);
            tx.save_cases(tenant, &[reminded]).await?;
        }
        Ok(())
    }

    async fn executed(
        &self,
        tx: &mut Tx,
        case: CaseId,
        stage: usize,
        action: Action,
        at: DateTime<Utc>,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let case = tx.open_among(tenant, &[case]).await?.pop();
        let observation = tx.last_observation(tenant).await?;
        if let (Some(case), Some(observation)) = (case, observation) {
            let executed =
                case.executed(stage, action, at, observation.finished, observation.watched);
            tx.save_cases(tenant, &[executed]).await?;
        }
        Ok(())
    }

    /// A deleted guest has no open case.
    async fn close_all(
        &self,
        tx: &mut Tx,
        intent: &Intent,
        now: DateTime<Utc>,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        for row in tx.cases_of(tenant, intent.guest).await? {
            if row.closed.is_none() {
                tx.close_case(tenant, row.case.id, now, &Closing::Gone)
                    .await?;
                let event = Event::CaseClosed {
                    case: row.case.id,
                    rule: row.case.rule,
                    closing: Closing::Gone,
                };
                tx.append(tenant, now, &[(Some(intent.guest), event)])
                    .await?;
            }
        }
        Ok(())
    }
}

/// The action whose stage a call executes; `None` for an undo.
fn action(call: &Call) -> Option<Action> {
    match call {
        Call::Flag => Some(Action::Flag),
        Call::Mark { .. } => Some(Action::Mark),
        Call::Notify { notice, .. } => notice.is_stage().then_some(Action::Notify),
        Call::ResendInvitation { .. } => Some(Action::ResendInvitation),
        Call::RemoveAppRole { .. } => Some(Action::RemoveAppRoles),
        Call::RemoveFromGroup { .. } => Some(Action::RemoveFromGroup),
        Call::Disable => Some(Action::Disable),
        Call::Delete => Some(Action::Delete),
        Call::AddSponsor { .. } => Some(Action::AddSponsor),
        Call::Unmark { .. }
        | Call::Enable
        | Call::Restore
        | Call::AddAppRole { .. }
        | Call::AddToGroup { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => None,
    }
}

/// Whether a call leaves a mark on what is remembered of the account.
fn changes_the_account(call: &Call) -> bool {
    match call {
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::RemoveAppRole { .. }
        | Call::AddAppRole { .. }
        | Call::RemoveFromGroup { .. }
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => false,
        Call::Disable | Call::Enable | Call::Delete | Call::Restore => true,
    }
}

/// The guest after a call that is in effect. What was already so, or was found so, is not ours, and is never undone by us.
fn marked(record: GuestRecord, call: &Call, outcome: &Outcome, now: DateTime<Utc>) -> GuestRecord {
    let is_ours = match outcome {
        Outcome::Done { .. } | Outcome::FoundDone => true,
        Outcome::Already
        | Outcome::FoundSo { .. }
        | Outcome::Skipped { .. }
        | Outcome::Failed { .. }
        | Outcome::FoundNotDone
        | Outcome::Uncertain => false,
    };
    match call {
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::RemoveAppRole { .. }
        | Call::AddAppRole { .. }
        | Call::RemoveFromGroup { .. }
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => record,
        Call::Restore => GuestRecord {
            gone: None,
            deleted_by_us: None,
            ..record
        },
        Call::Disable => GuestRecord {
            guest: Guest {
                enabled: Some(false),
                ..record.guest
            },
            disabled_by_us: if is_ours {
                Some(now)
            } else {
                record.disabled_by_us
            },
            ..record
        },
        Call::Enable => GuestRecord {
            guest: Guest {
                enabled: Some(true),
                ..record.guest
            },
            disabled_by_us: None,
            ..record
        },
        Call::Delete => GuestRecord {
            gone: record.gone.or(Some(now)),
            deleted_by_us: if is_ours {
                Some(now)
            } else {
                record.deleted_by_us
            },
            ..record
        },
    }
}
