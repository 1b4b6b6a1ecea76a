//! Recording what a cycle concluded, before anything is done about it.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::approve::Approval;
use innkeeper_domain::case::{Case, CaseChange};
use innkeeper_domain::facts::FactTold;
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::ids::{CaseId, GuestId, PlanId};
use innkeeper_domain::journal::Event;
use innkeeper_domain::observation::Observation;
use innkeeper_domain::past::State;
use innkeeper_domain::plan::Plan;
use innkeeper_domain::verdict::{Cause, Conclusion, Effect, Step, Uncertain, Verdict};
use innkeeper_store::{GuestRow, PlanRow, RowKey, StoredVerdict, Tx};
use serde_json::json;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Closed;

/// What is to be written of a page of guests.
pub(crate) struct Page {
    at: DateTime<Utc>,
    verdicts: Vec<(RowKey, StoredVerdict)>,
    opened: Vec<Case>,
    blind: Vec<(CaseId, TimeDelta)>,
    closed: Vec<(CaseId, Closed)>,
    events: Vec<(Option<GuestId>, Event)>,
}

impl Page {
    pub(crate) fn at(at: DateTime<Utc>) -> Self {
        Self {
            at,
            verdicts: Vec::new(),
            opened: Vec::new(),
            blind: Vec::new(),
            closed: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A verdict is recorded where it is another than in the cycle before, with the facts behind it, which are asked for
    /// only then. A guest never judged before counts as kept.
    pub(crate) fn verdict(
        &mut self,
        key: RowKey,
        before: Option<&StoredVerdict>,
        verdict: &Verdict,
        facts: impl FnOnce() -> Vec<FactTold>,
    ) {
        let word = verdict.as_str();
        let is_same = match before {
            Some(before) => before.verdict == word && before.rule.as_ref() == verdict.rule(),
            None => word == "keep",
        };
        if is_same {
            return;
        }
        if let Conclusion::Unknown(Uncertain {
            cause: Cause::BroughtBack(times),
            ..
        }) = &verdict.conclusion
        {
            warn!(guest.id = %verdict.guest, times, "somebody keeps bringing the guest back; a person has to decide");
        }
        let event = Event::VerdictChanged {
            verdict: word.to_owned(),
            rule: verdict.rule().cloned(),
            reason: verdict.reason(),
            facts: facts(),
        };
        self.events.push((Some(verdict.guest), event));
        let stored = StoredVerdict {
            verdict: word.to_owned(),
            rule: verdict.rule().cloned(),
        };
        self.verdicts.push((key, stored));
    }

    /// A case is the beginning of something, so a dry run opens none; but what it sees of open ones is as true as what
    /// any other cycle sees.
    pub(crate) fn case(&mut self, change: CaseChange, opens: bool) {
        match change {
            CaseChange::Open { case, because } => {
                if opens {
                    let event = Event::CaseOpened {
                        case: case.id,
                        rule: case.rule.clone(),
                        because,
                    };
                    self.events.push((Some(case.guest), event));
                    self.opened.push(case);
                }
            }
            CaseChange::Blind { case, span } => self.blind.push((case, span)),
            CaseChange::Close {
                case,
                guest,
                rule,
                closing,
            } => {
                let event = Event::CaseClosed {
                    case,
                    rule,
                    closing: closing.clone(),
                };
                self.events.push((Some(guest), event));
                self.closed.push((case, Closed { guest, closing }));
            }
        }
    }
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Keeps the policy's text, the first time that it is in force.
    pub(crate) async fn record_policy(
        &self,
        tx: &mut Tx,
        observation: &Observation,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let hash = &self.policy.hash;
        let now = observation.finished;
        // The text of one that decides instead of the tenant's is kept since it was accepted.
        let is_own = *hash == self.tenant.policy.policy.hash;
        if is_own
            && tx
                .save_policy(tenant, hash, &self.tenant.policy.text, now)
                .await?
        {
            let event = Event::PolicyInForce { hash: hash.clone() };
            tx.append(tenant, now, &[(None, event)]).await?;
        }
        Ok(())
    }

    /// Keeps what guests are like, where it is another thing than before.
    pub(crate) async fn record_states(
        &self,
        tx: &mut Tx,
        rows: &[GuestRow],
        named: &NamedGroups,
        now: DateTime<Utc>,
    ) -> Result<(), CycleError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(());
        };
        let tenant = self.tenant.id;
        let kept = tx.last_states(tenant, first.key, last.key).await?;
        let next = |row: &GuestRow| {
            Some((
                row.key,
                State::next(kept.get(&row.key), &row.view, named, now)?,
            ))
        };
        let states: Vec<_> = rows.iter().filter_map(next).collect();
        tx.save_states(tenant, &states).await?;
        Ok(())
    }

    /// Writes a page; returns the cases that it closed.
    pub(crate) async fn record_page(
        &self,
        tx: &mut Tx,
        page: Page,
    ) -> Result<Vec<Closed>, CycleError> {
        let tenant = self.tenant.id;
        let Page {
            at,
            verdicts,
            opened,
            blind,
            closed,
            events,
        } = page;
        tx.save_verdicts(tenant, &verdicts).await?;
        tx.open_cases(tenant, &opened).await?;
        tx.add_blind(tenant, &blind).await?;
        for (case, closed) in &closed {
            tx.close_case(tenant, *case, at, &closed.closing).await?;
        }
        tx.append(tenant, at, &events).await?;
        Ok(closed.into_iter().map(|(_, closed)| closed).collect())
    }

    /// Keeps a plan, with what waits for a person; returns the id under which it is kept. One that does the same as the
    /// one before is not kept again, unless the decision about that one is spent and another is needed.
    pub(crate) async fn record_plan(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        approval: &Approval,
    ) -> Result<PlanId, CycleError> {
        let tenant = self.tenant.id;
        let now = plan.observation.finished;
        tx.forget_waiting(tenant, &plan.policy_hash, now).await?;
        let hash = plan.hash();
        let refusals = json!(approval.refusals);
        let approved = approval.plan.steps().len() as u64;
        let steps = plan.steps.len() as u64;
        let last = tx.last_plan(tenant).await?;
        if let Some(last) = last
            && last.plan_hash == hash
            && last.refusals == refusals
        {
            let is_kept = approval.waiting.is_empty()
                || !tx
                    .plan_decisions(tenant)
                    .await?
                    .iter()
                    .any(|decision| decision.plan == last.id);
            if is_kept {
                return Ok(last.id);
            }
        }
        let row = PlanRow {
            id: plan.id,
            observation: plan.observation.id,
            policy_hash: plan.policy_hash.clone(),
            plan_hash: hash.clone(),
            made: now,
            approved: approval.refusals.is_empty(),
            steps,
            refusals,
            backlog: json!(approval.backlog),
            body: written(approval.plan.steps()),
        };
        tx.save_plan(tenant, &row).await?;
        tx.save_waiting(tenant, plan.id, &approval.waiting).await?;
        let event = Event::Planned {
            plan: plan.id,
            hash,
            steps,
            approved,
            refusals: approval.refusals.clone(),
        };
        tx.append(tenant, now, &[(None, event)]).await?;
        Ok(plan.id)
    }
}

/// The approved steps that reach somebody, as JSON. Flags and what was not approved can be as many as the tenant is large:
/// the intents tell of the former, and the hash stands for both.
fn written(steps: &[Step]) -> String {
    let reach = steps.iter().filter(|step| step.effect != Effect::Flag);
    serde_json::to_string(&reach.collect::<Vec<_>>())
        .expect("a step has no map with keys other than text")
}
