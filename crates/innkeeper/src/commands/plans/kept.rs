//! The plans that are kept, and how each of them stands with the people who decide.

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::approve::{Answer, Backlog};
use innkeeper_domain::ids::TenantId;
use innkeeper_store::{DecisionRow, PlanRow, Tx};
use serde_json::{Value, json};

use crate::exit::UsageError;

/// Among so many of the newest plans one is found by the beginning of its id.
const FOUND_AMONG: u32 = 1_000;

/// A plan with what was decided about it.
pub(super) struct Kept {
    pub(super) plan: PlanRow,
    pub(super) decision: Option<DecisionRow>,
    pub(super) state: State,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It needed nobody.
    NotAsked,
    /// It is the newest, and waits.
    Waiting,
    /// A person said yes, and that still counts.
    Approved,
    /// A person said no, and that still counts.
    Rejected,
    /// A person said yes, and that has ended.
    Expired,
    /// A newer plan, or a newer policy, has taken its place.
    Superseded,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    fn of(
        plan: &PlanRow,
        decision: Option<&DecisionRow>,
        newest: &PlanRow,
        now: DateTime<Utc>,
    ) -> Self {
        let is_current = plan.policy_hash == newest.policy_hash;
        match decision {
            Some(DecisionRow {
                expires: Some(expires),
                ..
            }) if *expires <= now => Self::Expired,
            Some(_) if !is_current => Self::Superseded,
            Some(decision) => match decision.answer {
                Answer::Approved => Self::Approved,
                Answer::Rejected => Self::Rejected,
            },
            None if waiting(plan) == 0 => Self::NotAsked,
            None if plan.id == newest.id => Self::Waiting,
            None => Self::Superseded,
        }
    }
}

impl Kept {
    /// The newest plans of a tenant, the newest first.
    pub(super) async fn newest(
        tx: &mut Tx,
        tenant: TenantId,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<Self>> {
        let plans = tx.plans(tenant, limit).await?;
        let decisions = tx.plan_decisions(tenant).await?;
        let Some(newest) = plans.first().cloned() else {
            return Ok(Vec::new());
        };
        let kept = |plan: PlanRow| {
            let decision = decisions
                .iter()
                .find(|decision| decision.plan == plan.id)
                .cloned();
            let state = State::of(&plan, decision.as_ref(), &newest, now);
            Self {
                plan,
                decision,
                state,
            }
        };
        Ok(plans.into_iter().map(kept).collect())
    }

    /// The plan that a person names by its id, or by the beginning of it.
    pub(super) async fn find(
        tx: &mut Tx,
        tenant: TenantId,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let text = text.to_lowercase();
        let mut found = Self::newest(tx, tenant, FOUND_AMONG, now).await?;
        found.retain(|kept| kept.plan.id.to_string().starts_with(&text));
        let several = found.len() > 1;
        match found.pop() {
            Some(kept) if !several => Ok(kept),
            Some(_) => Err(UsageError(format!(
                "the ids of several plans begin with {text:?}; write more of it"
            ))
            .into()),
            None => Err(UsageError(format!(
                "there is no plan {text:?} among the newest {FOUND_AMONG}; `innkeeper plans list` shows them"
            ))
            .into()),
        }
    }

    /// What was due of each action.
    pub(super) fn backlog(&self) -> Vec<Backlog> {
        // An entry that a newer version wrote in another way tells nothing.
        serde_json::from_value(self.plan.backlog.clone()).unwrap_or_default()
    }

    pub(super) fn waiting(&self) -> u64 {
        waiting(&self.plan)
    }

    /// What was refused, as sentences.
    pub(super) fn refusals(&self) -> Vec<String> {
        let refusals: Vec<innkeeper_domain::plan::Refusal> =
            serde_json::from_value(self.plan.refusals.clone()).unwrap_or_default();
        refusals.iter().map(ToString::to_string).collect()
    }

    /// The plan without its steps, as `--output json` shows it.
    pub(super) fn object(&self) -> Value {
        let Self {
            plan,
            decision,
            state,
        } = self;
        let actions: serde_json::Map<String, Value> = self
            .backlog()
            .into_iter()
            .map(|of| (of.action, json!(of.due)))
            .collect();
        json!({
            "plan_id": plan.id,
            "made": plan.made,
            "state": state.as_str(),
            "steps": plan.steps,
            "actions": actions,
            "waiting": self.waiting(),
            "plan_hash": plan.plan_hash,
            "policy_hash": plan.policy_hash,
            "decision": decision.as_ref().map(|decision| json!({
                "decision": word(decision.answer),
                "at": decision.at,
                "by": decision.by,
                "reason": decision.reason,
                "expires": decision.expires,
            })),
        })
    }
}

pub(super) fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Approved => "approved",
        Answer::Rejected => "rejected",
    }
}

/// How many steps of a plan were over the ceiling.
fn waiting(plan: &PlanRow) -> u64 {
    plan.refusals
        .as_array()
        .into_iter()
        .flatten()
        .filter(|refusal| refusal["refusal"] == "over-ceiling")
        .filter_map(|refusal| refusal["steps"].as_u64())
        .sum()
}
