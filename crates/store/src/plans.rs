//! Plans, as far as they differ from the one before.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{ObservationId, PlanId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::{count, from_json, json, micros};

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Its id.
    pub id: PlanId,
    /// What it was made from.
    pub observation: ObservationId,
    /// What it was made by.
    pub policy_hash: String,
    /// What it would do.
    pub plan_hash: String,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// Whether nothing was refused.
    pub approved: bool,
    /// How many steps it has.
    pub steps: u64,
    /// What was refused.
    pub refusals: Value,
    /// What was due of each action, as JSON.
    pub backlog: Value,
    /// The approved steps, as JSON.
    pub body: String,
}

/// The columns of a plan.
macro_rules! select_plans {
    ($rest:literal) => {
        concat!(
            "SELECT plan_id, observation_id, policy_hash, plan_hash, made_at, approved, steps, refusals, backlog, body FROM plans ",
            $rest
        )
    };
}

struct Columns {
    plan_id: Uuid,
    observation_id: Uuid,
    policy_hash: String,
    plan_hash: String,
    made_at: DateTime<Utc>,
    approved: bool,
    steps: i64,
    refusals: String,
    backlog: String,
    body: String,
}

from_row!(Columns {
    plan_id,
    observation_id,
    policy_hash,
    plan_hash,
    made_at,
    approved,
    steps,
    refusals,
    backlog,
    body
});

impl Columns {
    fn plan(self) -> Result<PlanRow, StoreError> {
        Ok(PlanRow {
            id: self.plan_id.into(),
            observation: self.observation_id.into(),
            policy_hash: self.policy_hash,
            plan_hash: self.plan_hash,
            made: self.made_at,
            approved: self.approved,
            steps: count(self.steps),
            refusals: from_json("plan's refusals", &self.refusals)?,
            backlog: from_json("plan's backlog", &self.backlog)?,
            body: self.body,
        })
    }
}

impl Tx {
    /// Keeps a plan.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_plan(&mut self, tenant: TenantId, plan: &PlanRow) -> Result<(), StoreError> {
        let PlanRow {
            id,
            observation,
            policy_hash,
            plan_hash,
            made,
            approved,
            steps,
            refusals,
            backlog,
            body,
        } = plan;
        let sql = "INSERT INTO plans (plan_id, tenant_id, observation_id, policy_hash, plan_hash, made_at, approved, steps, refusals, backlog, body) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        execute!(
            self,
            sql,
            id.0,
            tenant.0,
            observation.0,
            policy_hash.clone(),
            plan_hash.clone(),
            micros(*made),
            *approved,
            steps.cast_signed(),
            json(refusals),
            json(backlog),
            body.clone()
        )?;
        Ok(())
    }

    /// The newest plan.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_plan(&mut self, tenant: TenantId) -> Result<Option<PlanRow>, StoreError> {
        Ok(self.plans(tenant, 1).await?.pop())
    }

    /// The newest plans, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plans(
        &mut self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<PlanRow>, StoreError> {
        let sql = select_plans!("WHERE tenant_id = $1 ORDER BY made_at DESC, plan_id LIMIT $2");
        fetch_all!(self, Columns, sql, tenant.0, i64::from(limit))?
            .into_iter()
            .map(Columns::plan)
            .collect()
    }

    /// One plan.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plan(
        &mut self,
        tenant: TenantId,
        plan: PlanId,
    ) -> Result<Option<PlanRow>, StoreError> {
        let sql = select_plans!("WHERE tenant_id = $1 AND plan_id = $2");
        fetch_optional!(self, Columns, sql, tenant.0, plan.0)?
            .map(Columns::plan)
            .transpose()
    }
}
