//! Intents and their outcomes.
//!
//! Invariant: an intent gets one outcome; the outcome's key is the intent's, so a second one cannot be written.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, IntentId, PlanId, TenantId};
use innkeeper_domain::intent::{Call, Intent, Outcome, Trace};
use innkeeper_domain::policy::RuleName;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

/// An intent, with its outcome when it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentRow {
    /// The intent.
    pub intent: Intent,
    /// When it was concluded, and how.
    pub outcome: Option<(DateTime<Utc>, Outcome)>,
    /// By which ids Microsoft finds the call, where one was made.
    pub trace: Trace,
}

/// A query for [`Columns`].
macro_rules! select_intents {
    ($rest:literal) => {
        concat!(
            "SELECT i.intent_id, i.plan_id, i.case_id, i.guest_id, i.rule, i.stage, i.call, i.created_at, o.concluded_at, \
             o.outcome, o.request_id, o.client_request_id FROM intents i LEFT JOIN outcomes o ON o.intent_id = i.intent_id ",
            $rest
        )
    };
}

struct Columns {
    intent_id: Uuid,
    plan_id: Uuid,
    case_id: Uuid,
    guest_id: Uuid,
    rule: String,
    stage: i64,
    call: String,
    created_at: DateTime<Utc>,
    concluded_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    request_id: Option<String>,
    client_request_id: Option<Uuid>,
}

from_row!(Columns {
    intent_id,
    plan_id,
    case_id,
    guest_id,
    rule,
    stage,
    call,
    created_at,
    concluded_at,
    outcome,
    request_id,
    client_request_id
});

impl Columns {
    fn row(self) -> Result<IntentRow, StoreError> {
        let outcome = match (self.concluded_at, self.outcome) {
            (Some(at), Some(outcome)) => Some((at, from_json("outcome", &outcome)?)),
            (None, None) => None,
            _ => return Err(StoreError::corrupt("outcome", self.intent_id)),
        };
        let intent = Intent {
            id: self.intent_id.into(),
            plan: self.plan_id.into(),
            case: self.case_id.into(),
            guest: self.guest_id.into(),
            rule: RuleName::from(self.rule.as_str()),
            stage: usize::try_from(self.stage)
                .map_err(|_| StoreError::corrupt("stage", self.stage.to_string()))?,
            call: from_json("call", &self.call)?,
            created: self.created_at,
        };
        // Before traces were kept, an outcome held what Graph answered.
        let answered = match &outcome {
            Some((_, Outcome::Done { request_id })) => request_id.clone(),
            _ => None,
        };
        let trace = Trace {
            request_id: self.request_id.or(answered),
            client_request_id: self.client_request_id,
        };
        Ok(IntentRow {
            intent,
            outcome,
            trace,
        })
    }
}

impl Tx {
    /// Writes intents down.
    ///
    /// # Errors
    /// `Conflict` when one of them is known already.
    pub async fn begin_intents(
        &mut self,
        tenant: TenantId,
        intents: &[Intent],
    ) -> Result<(), StoreError> {
        let calls: Vec<String> = intents.iter().map(|intent| json(&intent.call)).collect();
        let stages = intents
            .iter()
            .map(|intent| i64::try_from(intent.stage).unwrap_or(i64::MAX));
        let given = Given::rows(intents.len())
            .ids("intent_id", intents.iter().map(|intent| intent.id.0))
            .ids("plan_id", intents.iter().map(|intent| intent.plan.0))
            .ids("case_id", intents.iter().map(|intent| intent.case.0))
            .ids("guest_id", intents.iter().map(|intent| intent.guest.0))
            .texts("rule", intents.iter().map(|intent| intent.rule.as_str()))
            .integers("stage", stages)
            .texts("call", calls.iter().map(String::as_str))
            .times("created_at", intents.iter().map(|intent| intent.created));
        let sql = "INSERT INTO intents (intent_id, tenant_id, plan_id, case_id, guest_id, rule, stage, call, created_at) \
                   SELECT intent_id, $1, plan_id, case_id, guest_id, rule, stage, call, created_at FROM given";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Writes what came of intents that share an outcome.
    ///
    /// # Errors
    /// `Concluded` when one of them has an outcome already, or is not known.
    pub async fn conclude(
        &mut self,
        tenant: TenantId,
        intents: &[IntentId],
        at: DateTime<Utc>,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let outcome = json(outcome);
        let given = Given::rows(intents.len())
            .ids("intent_id", intents.iter().map(|intent| intent.0))
            .times("concluded_at", intents.iter().map(|_| at))
            .texts("outcome", intents.iter().map(|_| outcome.as_str()));
        let sql = "INSERT INTO outcomes (intent_id, tenant_id, concluded_at, outcome) \
                   SELECT i.intent_id, i.tenant_id, given.concluded_at, given.outcome FROM given \
                   JOIN intents i ON i.tenant_id = $1 AND i.intent_id = given.intent_id WHERE true \
                   ON CONFLICT (intent_id) DO NOTHING";
        let touched = self.execute_given(tenant, &given, sql).await?;
        if touched == intents.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::Concluded)
        }
    }

    /// Keeps by which ids Microsoft finds the call of an intent that is concluded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_trace(
        &mut self,
        tenant: TenantId,
        intent: IntentId,
        trace: &Trace,
    ) -> Result<(), StoreError> {
        let Trace {
            request_id,
            client_request_id,
        } = trace;
        let sql = "UPDATE outcomes SET request_id = $3, client_request_id = $4 WHERE tenant_id = $1 AND intent_id = $2";
        execute!(
            self,
            sql,
            tenant.0,
            intent.0,
            request_id.clone(),
            *client_request_id
        )?;
        Ok(())
    }

    /// Intents without an outcome, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_intents(&mut self, tenant: TenantId) -> Result<Vec<Intent>, StoreError> {
        let sql = select_intents!(
            "WHERE i.tenant_id = $1 AND o.intent_id IS NULL ORDER BY i.created_at, i.intent_id"
        );
        fetch_all!(self, Columns, sql, tenant.0)?
            .into_iter()
            .map(|columns| columns.row().map(|row| row.intent))
            .collect()
    }

    /// Every intent about a guest, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intents_of(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Vec<IntentRow>, StoreError> {
        let sql = select_intents!(
            "WHERE i.tenant_id = $1 AND i.guest_id = $2 ORDER BY i.created_at, i.intent_id"
        );
        fetch_all!(self, Columns, sql, tenant.0, guest.0)?
            .into_iter()
            .map(Columns::row)
            .collect()
    }

    /// The intent with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intent(
        &mut self,
        tenant: TenantId,
        intent: IntentId,
    ) -> Result<Option<IntentRow>, StoreError> {
        let sql = select_intents!("WHERE i.tenant_id = $1 AND i.intent_id = $2");
        fetch_optional!(self, Columns, sql, tenant.0, intent.0)?
            .map(Columns::row)
            .transpose()
    }

    /// Every intent that carries out a plan, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intents_of_plan(
        &mut self,
        tenant: TenantId,
        plan: PlanId,
    ) -> Result<Vec<IntentRow>, StoreError> {
        let sql = select_intents!(
            "WHERE i.tenant_id = $1 AND i.plan_id = $2 ORDER BY i.created_at, i.intent_id"
        );
        fetch_all!(self, Columns, sql, tenant.0, plan.0)?
            .into_iter()
            .map(Columns::row)
            .collect()
    }

    /// Every intent but flags written down from `from` until before `to`, the oldest first. Flags can be as many as there
    /// are guests, and reach nobody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_between(
        &mut self,
        tenant: TenantId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<IntentRow>, StoreError> {
        let sql = select_intents!(
            "WHERE i.tenant_id = $1 AND i.created_at >= $2 AND i.created_at < $3 AND i.call <> $4 ORDER BY i.created_at, i.intent_id"
        );
        fetch_all!(
            self,
            Columns,
            sql,
            tenant.0,
            micros(from),
            micros(to),
            json(&Call::Flag)
        )?
        .into_iter()
        .map(Columns::row)
        .collect()
    }

    /// Every intent written down from `from` until before `to`, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn actions_between(
        &mut self,
        tenant: TenantId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<IntentRow>, StoreError> {
        let sql = select_intents!(
            "WHERE i.tenant_id = $1 AND i.created_at >= $2 AND i.created_at < $3 ORDER BY i.created_at, i.intent_id"
        );
        fetch_all!(self, Columns, sql, tenant.0, micros(from), micros(to))?
            .into_iter()
            .map(Columns::row)
            .collect()
    }
}
