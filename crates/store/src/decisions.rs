//! Steps that wait for a person, and what people decided about them.
//!
//! Invariant: a decision is about the steps kept under its plan and about no others; as long as it counts they are kept.

use chrono::{DateTime, Utc};
use innkeeper_domain::approve::{Answer, StepKey};
use innkeeper_domain::ids::{GuestId, PlanId, TenantId};
use innkeeper_domain::policy::RuleName;
use innkeeper_domain::verdict::{Effect, Step};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{from_json, micros};

/// Of so many plans that wait without a decision the steps are kept, so that a person who looks at one while the next is
/// made can still decide.
const UNDECIDED: i64 = 4;

/// What a person decided about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// The plan.
    pub plan: PlanId,
    /// Yes or no.
    pub answer: Answer,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when it counts; without an end when it is a no.
    pub expires: Option<DateTime<Utc>>,
}

/// A step that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingStep {
    /// The guest.
    pub guest: GuestId,
    /// Its user principal name, as long as it is known.
    pub upn: Option<String>,
    /// The rule.
    pub rule: RuleName,
    /// The stage's index in the rule.
    pub stage: usize,
    /// What would be done.
    pub effect: Effect,
    /// Since when it has been due.
    pub due: DateTime<Utc>,
    /// Why.
    pub because: String,
}

struct Decided {
    plan_id: Uuid,
    decision: String,
    decided_at: DateTime<Utc>,
    decided_by: String,
    reason: String,
    expires_at: Option<DateTime<Utc>>,
}

from_row!(Decided {
    plan_id,
    decision,
    decided_at,
    decided_by,
    reason,
    expires_at
});

struct Waiting {
    guest_id: Uuid,
    upn: Option<String>,
    rule: String,
    stage: i64,
    effect: String,
    due_at: DateTime<Utc>,
    because: String,
}

from_row!(Waiting {
    guest_id,
    upn,
    rule,
    stage,
    effect,
    due_at,
    because
});

impl Decided {
    fn row(self) -> Result<DecisionRow, StoreError> {
        Ok(DecisionRow {
            plan: self.plan_id.into(),
            answer: answer(&self.decision)?,
            at: self.decided_at,
            by: self.decided_by,
            reason: self.reason,
            expires: self.expires_at,
        })
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Approved => "approved",
        Answer::Rejected => "rejected",
    }
}

fn answer(word: &str) -> Result<Answer, StoreError> {
    match word {
        "approved" => Ok(Answer::Approved),
        "rejected" => Ok(Answer::Rejected),
        _ => Err(StoreError::corrupt("decision", word)),
    }
}

fn stage(stage: i64) -> Result<usize, StoreError> {
    usize::try_from(stage).map_err(|_| StoreError::corrupt("stage", stage.to_string()))
}

impl Tx {
    /// Keeps the steps of a plan that wait for a person.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_waiting(
        &mut self,
        tenant: TenantId,
        plan: PlanId,
        steps: &[Step],
    ) -> Result<(), StoreError> {
        let keys: Vec<StepKey> = steps.iter().map(StepKey::of).collect();
        let stages = keys
            .iter()
            .map(|key| i64::try_from(key.stage).unwrap_or(i64::MAX));
        let given = Given::rows(steps.len())
            .ids("plan_id", steps.iter().map(|_| plan.0))
            .ids("guest_id", keys.iter().map(|key| key.guest.0))
            .texts("rule", keys.iter().map(|key| key.rule.as_str()))
            .integers("stage", stages)
            .texts("effect", keys.iter().map(|key| key.effect.as_str()))
            .times("due_at", steps.iter().map(|step| step.due))
            .texts("because", steps.iter().map(|step| step.because.as_str()));
        let sql = "INSERT INTO plan_steps (plan_id, guest_id, rule, stage, tenant_id, effect, due_at, because) \
                   SELECT plan_id, guest_id, rule, stage, $1, effect, due_at, because FROM given";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Lets go of steps about which nothing can be decided any more: of approvals that have ended, of decisions under
    /// another policy, and of all but the newest plans without a decision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_waiting(
        &mut self,
        tenant: TenantId,
        policy_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM plan_steps WHERE tenant_id = $1 AND plan_id IN (SELECT d.plan_id FROM plan_decisions d \
                   JOIN plans p ON p.plan_id = d.plan_id WHERE d.tenant_id = $1 AND (d.expires_at <= $2 OR p.policy_hash <> $3))";
        execute!(self, sql, tenant.0, micros(now), policy_hash.to_owned())?;
        let sql = "DELETE FROM plan_steps WHERE tenant_id = $1 \
                   AND plan_id NOT IN (SELECT plan_id FROM plan_decisions WHERE tenant_id = $1) \
                   AND plan_id NOT IN (SELECT plan_id FROM (SELECT p.plan_id FROM plans p WHERE p.tenant_id = $1 \
                   AND EXISTS (SELECT 1 FROM plan_steps s WHERE s.plan_id = p.plan_id) \
                   ORDER BY p.made_at DESC, p.plan_id LIMIT $2) AS newest)";
        execute!(self, sql, tenant.0, UNDECIDED)?;
        Ok(())
    }

    /// The steps of a plan that wait for a person, the longest due first; none when they are no longer kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_steps(
        &mut self,
        tenant: TenantId,
        plan: PlanId,
    ) -> Result<Vec<WaitingStep>, StoreError> {
        let sql = "SELECT s.guest_id, g.upn, s.rule, s.stage, s.effect, s.due_at, s.because FROM plan_steps s \
                   LEFT JOIN guests g ON g.tenant_id = s.tenant_id AND g.guest_id = s.guest_id \
                   WHERE s.tenant_id = $1 AND s.plan_id = $2 ORDER BY s.due_at, s.guest_id";
        let row = |row: Waiting| {
            Ok(WaitingStep {
                guest: row.guest_id.into(),
                upn: row.upn,
                rule: RuleName::from(row.rule.as_str()),
                stage: stage(row.stage)?,
                effect: from_json("effect", &row.effect)?,
                due: row.due_at,
                because: row.because,
            })
        };
        fetch_all!(self, Waiting, sql, tenant.0, plan.0)?
            .into_iter()
            .map(row)
            .collect()
    }

    /// Writes what a person decided about a plan, in place of what was decided about it before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decide_plan(
        &mut self,
        tenant: TenantId,
        decision: &DecisionRow,
    ) -> Result<(), StoreError> {
        let DecisionRow {
            plan,
            answer,
            at,
            by,
            reason,
            expires,
        } = decision;
        let sql = "INSERT INTO plan_decisions (plan_id, tenant_id, decision, decided_at, decided_by, reason, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (plan_id) DO UPDATE SET decision = excluded.decision, \
                   decided_at = excluded.decided_at, decided_by = excluded.decided_by, reason = excluded.reason, \
                   expires_at = excluded.expires_at";
        execute!(
            self,
            sql,
            plan.0,
            tenant.0,
            word(*answer),
            micros(*at),
            by.clone(),
            reason.clone(),
            expires.map(micros)
        )?;
        Ok(())
    }

    /// What was decided last about each plan, in any order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plan_decisions(
        &mut self,
        tenant: TenantId,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let sql = "SELECT plan_id, decision, decided_at, decided_by, reason, expires_at FROM plan_decisions WHERE tenant_id = $1";
        fetch_all!(self, Decided, sql, tenant.0)?
            .into_iter()
            .map(Decided::row)
            .collect()
    }

    /// What counts now of people's decisions under a policy, step by step, in the order in which they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decided_steps(
        &mut self,
        tenant: TenantId,
        policy_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<(StepKey, Answer)>, StoreError> {
        // Of two made at the same moment the no comes last.
        let sql = "SELECT s.guest_id, s.rule, s.stage, s.effect, d.decision FROM plan_decisions d \
                   JOIN plans p ON p.plan_id = d.plan_id JOIN plan_steps s ON s.plan_id = d.plan_id \
                   WHERE d.tenant_id = $1 AND p.policy_hash = $2 AND (d.expires_at IS NULL OR d.expires_at > $3) \
                   ORDER BY d.decided_at, d.decision";
        let rows: Vec<(Uuid, String, i64, String, String)> = fetch_all!(
            self,
            (Uuid, String, i64, String, String),
            sql,
            tenant.0,
            policy_hash.to_owned(),
            micros(now)
        )?;
        rows.into_iter()
            .map(|(guest, rule, number, effect, decision)| {
                let key = StepKey {
                    guest: guest.into(),
                    rule: RuleName::from(rule.as_str()),
                    stage: stage(number)?,
                    effect,
                };
                Ok((key, answer(&decision)?))
            })
            .collect()
    }
}
