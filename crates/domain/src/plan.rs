//! A plan: the verdicts of one cycle for every guest, as a value that can be printed, sealed and approved.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{PlanId, TenantId};
use crate::observation::{Doubt, Observation};
use crate::policy::Action;
use crate::verdict::{Conclusion, Step, Verdict};

/// How far Innkeeper goes in a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It reads and reports. No mail, no case, no write to the directory.
    #[default]
    Observe,
    /// It also flags and notifies.
    Warn,
    /// It also removes, disables and deletes.
    Enforce,
}

impl Mode {
    /// The word used in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// What a cycle concluded for every guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Derived from the observation and the policy.
    pub id: PlanId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it was made from.
    pub observation: Observation,
    /// The policy that it was made by.
    pub policy_hash: String,
    /// One verdict for every guest, ordered by guest.
    pub verdicts: Vec<Verdict>,
}

impl Plan {
    /// A plan that judges nobody yet.
    #[must_use]
    pub fn empty(tenant: TenantId, observation: Observation, policy_hash: String) -> Self {
        let id = PlanId::derived(&[observation.id.0.as_bytes(), policy_hash.as_bytes()]);
        Self {
            id,
            tenant,
            observation,
            policy_hash,
            verdicts: Vec::new(),
        }
    }

    /// Puts everything into the order of the guests, so that a plan does not depend on the order of the reading.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.verdicts.sort_unstable_by_key(|verdict| verdict.guest);
        self
    }

    /// Every step, in the order of the verdicts.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.verdicts
            .iter()
            .flat_map(|verdict| match &verdict.conclusion {
                Conclusion::Act(steps) => steps.as_slice(),
                Conclusion::Keep
                | Conclusion::Wait(_)
                | Conclusion::Protected(_)
                | Conclusion::Unknown(_) => &[],
            })
    }

    /// SHA-256 over what the plan would do: tenant, policy and steps, but neither dates nor reasons. Two plans
    /// with the same hash do the same.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.tenant.0.as_bytes());
        hash.update(&self.policy_hash);
        for step in self.steps() {
            let Step {
                guest,
                case: _,
                rule,
                stage,
                effect,
                due: _,
                because: _,
            } = step;
            let effect = serde_json::to_string(effect)
                .expect("an effect has no map with keys other than text");
            hash.update(guest.0.as_bytes());
            hash.update(format!("\n{rule}\n{stage}\n{effect}\n"));
        }
        hex(&hash.finalize())
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a plan, or a part of it, is not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum Refusal {
    /// The tenant's mode does not go so far.
    #[error("mode is {}: {steps} steps are not taken", mode.as_str())]
    Mode {
        /// The mode.
        mode: Mode,
        /// How many steps.
        steps: u64,
    },
    /// The observation cannot be believed.
    #[error(
        "the observation is not healthy ({}): {steps} steps are not taken",
        sentence(doubts)
    )]
    Unhealthy {
        /// Why not.
        doubts: Vec<Doubt>,
        /// How many steps.
        steps: u64,
    },
    /// More guests than the action's cap.
    #[error(
        "{action} is due for {steps} guests, {cap} a cycle are allowed; the others follow in later cycles, oldest first"
    )]
    OverCap {
        /// The action.
        action: Action,
        /// For how many it is due.
        steps: u64,
        /// How many are allowed.
        cap: u64,
    },
}

fn sentence(doubts: &[Doubt]) -> String {
    doubts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
