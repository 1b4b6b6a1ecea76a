//! Deciding: every guest of the store past the judge, and what that comes to approved and recorded.
//!
//! Invariant: all of it is one transaction, and it is kept before anything is done. Only what a plan needs is held in
//! memory; verdicts, cases and entries of the journal are written page by page.

use chrono::TimeDelta;
use innkeeper_domain::approve::{Approval, Decisions, Ledger, Spent};
use innkeeper_domain::decide::{Judge, Judgement};
use innkeeper_domain::ids::PlanId;
use innkeeper_domain::plan::Plan;
use innkeeper_store::Tx;

use crate::act::heed_chain;
use crate::cycle::{Cycle, Tenant};
use crate::error::CycleError;
use crate::observe::{Observed, Reading};
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;
use crate::record::Page;
use crate::report::Closed;

/// What has happened in so long a time counts against the caps of a day.
const DAY: TimeDelta = TimeDelta::hours(24);

/// Guests judged between two looks at the store.
const PAGE: u32 = 1_000;

/// What was concluded from a reading, and recorded.
pub(crate) struct Decided {
    pub(crate) plan: Plan,
    /// Under which id the plan is kept: the one of the first that does the same.
    pub(crate) recorded: PlanId,
    pub(crate) approval: Approval,
    pub(crate) closed: Vec<Closed>,
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    pub(crate) async fn decide(&self, reading: Reading) -> Result<Decided, CycleError> {
        let Tenant { mode, .. } = self.tenant;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let observed = self.complete(&mut tx, reading).await?;
        self.record_policy(&mut tx, &observed.observation).await?;
        let (plan, closed) = self.judge(&mut tx, observed).await?;
        let ledger = self.ledger(&mut tx, &plan).await?;
        let approval = plan.approve(*mode, &self.policy.limits, &ledger);
        let recorded = self.record_plan(&mut tx, &plan, &approval).await?;
        tx.commit().await?;
        Ok(Decided {
            plan,
            recorded,
            approval,
            closed,
        })
    }

    /// What the last day has had, and what people decided under this policy.
    async fn ledger(&self, tx: &mut Tx, plan: &Plan) -> Result<Ledger, CycleError> {
        let tenant = self.tenant.id;
        let now = plan.observation.finished;
        // What happened exactly a day ago is over, so that a daily cycle has the whole day's budget.
        let since = now - DAY + TimeDelta::microseconds(1);
        let mut spent = Spent::default();
        for row in tx.calls_between(tenant, since, now + DAY).await? {
            let outcome = row.outcome.as_ref().map(|(_, outcome)| outcome);
            spent.note(row.intent.guest, &row.intent.call, outcome);
        }
        let decided = tx.decided_steps(tenant, &plan.policy_hash, now).await?;
        Ok(Ledger {
            spent,
            decisions: Decisions::of(decided),
            is_held: self.standing.is_held(),
        })
    }

    async fn judge(
        &self,
        tx: &mut Tx,
        observed: Observed,
    ) -> Result<(Plan, Vec<Closed>), CycleError> {
        let Observed { observation, span } = observed;
        let policy = self.policy;
        let named_groups = tx.named_groups(self.tenant.id).await?;
        let judge = Judge {
            tenant: self.tenant.id,
            policy,
            named_groups: &named_groups,
            now: observation.finished,
            watched: observation.watched,
            span,
        };
        let total = observation.counts.guests;
        let mut plan = Plan::empty(self.tenant.id, observation, policy.hash.clone());
        let mut closed = Vec::new();
        let mut after = None;
        let mut judged = 0;
        loop {
            let rows = tx.guest_rows(self.tenant.id, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            self.record_states(tx, &rows, &named_groups, judge.now)
                .await?;
            let mut page = Page::at(judge.now);
            for row in &rows {
                let Judgement { verdict, cases } = judge.judge(&row.view);
                let verdict =
                    heed_chain(tx, judge.tenant, policy, &row.view, &named_groups, verdict).await?;
                let before = row.verdict.as_ref();
                page.verdict(row.key, before, &verdict, || {
                    let rule = before.and_then(|before| before.rule.as_ref());
                    judge.grounds(&row.view, &verdict, rule)
                });
                for change in cases {
                    page.case(change, self.tenant.writer.is_some());
                }
                self.progress.concluded(&row.view, &verdict);
                plan.take(&judge, &row.view, verdict);
                judged += 1;
            }
            closed.extend(self.record_page(tx, page).await?);
            self.progress.at(Phase::Verdicts, judged, Some(total));
        }
        Ok((plan.sorted(), closed))
    }
}
