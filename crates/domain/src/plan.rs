//! A plan: what one cycle would do, as a value that can be printed, sealed and approved.
//!
//! Of the verdicts it keeps the steps, and of the others no more than how many there are: so it grows with what is due,
//! and not with the guests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::decide::Judge;
use crate::guest::GuestView;
use crate::ids::{GuestId, PlanId, TenantId};
use crate::observation::{Doubt, Observation};
use crate::policy::Action;
use crate::standing::{Population, Standing};
use crate::verdict::{Cause, Conclusion, Step, Uncertain, Verdict};

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

/// What a cycle would do, after a verdict for every guest.
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
    /// How many guests have each verdict, by its word.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// How many guests are left alone because somebody keeps bringing their account back.
    pub left_alone: u64,
    /// What is due, ordered by guest; the mildest step of a guest first.
    pub steps: Vec<Step>,
    /// Where those stand of whom something is to be taken away.
    pub standings: BTreeMap<GuestId, Standing>,
    /// How many guests there are of each kind that a limit counts.
    pub population: Population,
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
            verdicts: BTreeMap::new(),
            left_alone: 0,
            steps: Vec::new(),
            standings: BTreeMap::new(),
            population: Population::default(),
        }
    }

    /// Takes in the verdict for a guest.
    pub fn take(&mut self, judge: &Judge<'_>, view: &GuestView, verdict: Verdict) {
        self.population.count(view);
        *self.verdicts.entry(verdict.as_str()).or_default() += 1;
        match verdict.conclusion {
            Conclusion::Act(steps) => {
                if let Some(step) = steps.iter().find(|step| step.effect.is_destructive()) {
                    self.standings
                        .insert(verdict.guest, Standing::of(judge, view, &step.rule));
                }
                self.steps.extend(steps);
            }
            Conclusion::Unknown(Uncertain {
                cause: Cause::BroughtBack(_),
                ..
            }) => self.left_alone += 1,
            Conclusion::Keep
            | Conclusion::Wait(_)
            | Conclusion::Protected(_)
            | Conclusion::Unknown(_) => {}
        }
    }

    /// Puts everything into the order of the guests, so that a plan does not depend on the order of the reading.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        // Those of one guest stay as they are.
        self.steps.sort_by_key(|step| step.guest);
        self
    }

    /// Every step, ordered by guest.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// How many guests have this verdict.
    #[must_use]
    pub fn count(&self, word: &str) -> u64 {
        self.verdicts.get(word).copied().unwrap_or(0)
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
    /// Marks stay in Innkeeper: the tenant's mode writes nothing to the directory.
    #[error(
        "mode is {}: {steps} guests are flagged in Innkeeper alone, and no attribute is written",
        mode.as_str()
    )]
    OnlyFlagged {
        /// The mode.
        mode: Mode,
        /// How many guests.
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
    /// More guests than the action may reach in 24 hours.
    #[error(
        "{action} waits for {steps} guests: {cap} in 24 hours are allowed, and {spent} have been reached already; the others follow, oldest first"
    )]
    OverDay {
        /// The action.
        action: Action,
        /// How many wait.
        steps: u64,
        /// How many are allowed in 24 hours.
        cap: u64,
        /// How many had been reached before this cycle.
        spent: u64,
    },
    /// More guests of one domain than it may lose in one cycle.
    #[error(
        "{action} waits for {steps} guests of {domains} domains, of which enough are reached in this cycle; they follow in later cycles"
    )]
    OverDomain {
        /// The action.
        action: Action,
        /// How many wait.
        steps: u64,
        /// Of how many domains.
        domains: u64,
    },
    /// More guests of one sponsor than it may lose in one cycle.
    #[error(
        "{action} waits for {steps} guests of {sponsors} sponsors, of whose guests enough are reached in this cycle; they follow in later cycles"
    )]
    OverSponsor {
        /// The action.
        action: Action,
        /// How many wait.
        steps: u64,
        /// Of how many sponsors.
        sponsors: u64,
    },
    /// A group would lose its last guest.
    #[error(
        "{action} is held for {steps} guests, each the last one left in a group whose last guest the rule keeps"
    )]
    LastOfGroup {
        /// The action.
        action: Action,
        /// How many are held.
        steps: u64,
    },
    /// Whether a group would lose its last guest cannot be told.
    #[error(
        "{action} is held for {steps} guests: the rule keeps the last guest of the group {group:?}, which was not found, or several have its name"
    )]
    GroupUnknown {
        /// The action.
        action: Action,
        /// How many are held.
        steps: u64,
        /// The group, as the policy names it.
        group: String,
    },
    /// More is to be taken away than may be without a person.
    #[error(
        "{steps} steps would take something away, and more than {ceiling} need a person's approval: none of them is taken"
    )]
    OverCeiling {
        /// How many steps nobody has approved.
        steps: u64,
        /// How many need no approval.
        ceiling: u64,
    },
    /// What decides waits for a person to accept it.
    #[error(
        "the policy, or this version of Innkeeper, waits to be accepted by `innkeeper policy accept`: {steps} steps are not taken"
    )]
    NotAccepted {
        /// How many steps.
        steps: u64,
    },
    /// A person has said no.
    #[error("{steps} steps are not taken, for a person has rejected them")]
    Rejected {
        /// How many steps.
        steps: u64,
    },
}

fn sentence(doubts: &[Doubt]) -> String {
    doubts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
