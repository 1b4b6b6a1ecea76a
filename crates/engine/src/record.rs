//! Recording what a cycle concluded, before anything is done about it.

use chrono::{DateTime, Utc};
use innkeeper_domain::approve::Approval;
use innkeeper_domain::case::Case;
use innkeeper_domain::ids::{CaseId, GuestId};
use innkeeper_domain::journal::Event;
use innkeeper_domain::plan::{CaseChange, Plan};
use innkeeper_domain::policy::RuleName;
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_store::{PlanRow, Tx};
use serde::Serialize;
use serde_json::json;

use crate::cycle::Cycle;
use crate::decide::Decided;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Events put into the journal with one statement's worth of text in memory.
const EVENTS_AT_ONCE: usize = 1_000;

type Events = Vec<(Option<GuestId>, Event)>;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Writes the policy, the changed verdicts, the cases and the plan, in one transaction.
    ///
    /// Without a writer the cases are left as they are: a case is the beginning of something, and a dry run begins
    /// nothing.
    pub(crate) async fn record(
        &self,
        decided: &Decided,
        approval: &Approval,
    ) -> Result<(), CycleError> {
        let Decided { plan, changed } = decided;
        let tenant = self.tenant.id;
        let now = plan.observation.finished;
        let mut events = Events::new();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        if tx
            .save_policy(tenant, &plan.policy_hash, &self.tenant.policy.text, now)
            .await?
        {
            events.push((
                None,
                Event::PolicyInForce {
                    hash: plan.policy_hash.clone(),
                },
            ));
        }
        let verdicts: Vec<_> = changed
            .iter()
            .map(|changed| (changed.key, changed.verdict.clone()))
            .collect();
        tx.save_verdicts(tenant, &verdicts).await?;
        events.extend(
            changed
                .iter()
                .map(|changed| (Some(changed.guest), changed.event())),
        );
        if self.tenant.writer.is_some() {
            self.record_cases(&mut tx, plan, &mut events).await?;
        }
        self.record_plan(&mut tx, plan, approval, &mut events)
            .await?;
        // In parts, since each is written out as text before it is kept.
        for part in events.chunks(EVENTS_AT_ONCE) {
            tx.append(tenant, now, part).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn record_cases(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        events: &mut Events,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let mut opened: Vec<Case> = Vec::new();
        let mut blind = Vec::new();
        for change in &plan.cases {
            match change {
                CaseChange::Open { case, because } => {
                    let event = Event::CaseOpened {
                        case: case.id,
                        rule: case.rule.clone(),
                        because: because.clone(),
                    };
                    events.push((Some(case.guest), event));
                    opened.push(case.clone());
                }
                CaseChange::Blind { case, span } => blind.push((*case, *span)),
                CaseChange::Close {
                    case,
                    guest,
                    rule,
                    closing,
                } => {
                    tx.close_case(tenant, *case, plan.observation.finished, closing)
                        .await?;
                    let event = Event::CaseClosed {
                        case: *case,
                        rule: rule.clone(),
                        closing: closing.clone(),
                    };
                    events.push((Some(*guest), event));
                }
            }
        }
        tx.open_cases(tenant, &opened).await?;
        tx.add_blind(tenant, &blind).await?;
        Ok(())
    }

    /// A plan that does the same as the one before is not kept again.
    async fn record_plan(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        approval: &Approval,
        events: &mut Events,
    ) -> Result<(), CycleError> {
        let hash = plan.hash();
        let refusals = json!(approval.refusals);
        let approved = approval.plan.steps().len() as u64;
        let steps = plan.steps().count() as u64;
        let last = tx.last_plan(self.tenant.id).await?;
        if last.is_some_and(|last| last.plan_hash == hash && last.refusals == refusals) {
            return Ok(());
        }
        let row = PlanRow {
            id: plan.id,
            observation: plan.observation.id,
            policy_hash: plan.policy_hash.clone(),
            plan_hash: hash.clone(),
            made: plan.observation.finished,
            approved: approval.refusals.is_empty(),
            steps,
            refusals,
            body: written(approval.plan.steps()),
        };
        tx.save_plan(self.tenant.id, &row).await?;
        let event = Event::Planned {
            plan: plan.id,
            hash,
            steps,
            approved,
            refusals: approval.refusals.clone(),
        };
        events.push((None, event));
        Ok(())
    }
}

/// The approved steps as JSON. The others are as many as the tenant is large, and the hash stands for them.
fn written(steps: &[Step]) -> String {
    #[derive(Serialize)]
    struct Written<'s> {
        guest_id: GuestId,
        case_id: CaseId,
        rule: &'s RuleName,
        stage: usize,
        effect: &'s Effect,
        due: DateTime<Utc>,
        because: &'s str,
    }
    let written = |step: &'_ Step| -> String {
        let Step {
            guest,
            case,
            rule,
            stage,
            effect,
            due,
            because,
        } = step;
        let written = Written {
            guest_id: *guest,
            case_id: *case,
            rule,
            stage: *stage,
            effect,
            due: *due,
            because,
        };
        serde_json::to_string(&written).expect("a step has no map with keys other than text")
    };
    format!(
        "[{}]",
        steps.iter().map(written).collect::<Vec<_>>().join(",")
    )
}
