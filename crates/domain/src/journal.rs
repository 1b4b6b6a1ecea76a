//! The journal: an append-only record of every observation, change of verdict, case, plan, intent and outcome.
//!
//! Invariant: entries of a tenant are numbered from 1 without a gap, and each one's hash covers its content and
//! the hash before it, so that altering, removing, inserting or moving any entry breaks the chain.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::case::Closing;
use crate::ids::{CaseId, GuestId, IntentId, ObservationId, PlanId, TenantId};
use crate::intent::{Call, Outcome};
use crate::observation::Observation;
use crate::plan::Refusal;
use crate::policy::RuleName;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A complete observation.
    Observed {
        /// With its counts and health.
        observation: Observation,
    },
    /// An observation that did not read everything, and was discarded.
    ObservationFailed {
        /// Which.
        observation: ObservationId,
        /// Why.
        error: String,
    },
    /// A policy is in force that was not before.
    PolicyInForce {
        /// Its hash; the text is kept with the policies.
        hash: String,
    },
    /// Another verdict than in the cycle before.
    VerdictChanged {
        /// The word of the verdict.
        verdict: String,
        /// The rule that decided.
        rule: Option<RuleName>,
        /// Why.
        reason: String,
    },
    /// A rule holds for a guest for the first time.
    CaseOpened {
        /// The case.
        case: CaseId,
        /// Its rule.
        rule: RuleName,
        /// What made it hold.
        because: String,
    },
    /// A case ended.
    CaseClosed {
        /// The case.
        case: CaseId,
        /// Its rule.
        rule: RuleName,
        /// Why.
        closing: Closing,
    },
    /// A plan that differs from the one before.
    Planned {
        /// The plan.
        plan: PlanId,
        /// Its hash.
        hash: String,
        /// How many steps it has.
        steps: u64,
        /// How many of them were approved.
        approved: u64,
        /// Why others were not.
        refusals: Vec<Refusal>,
    },
    /// A person approved what waited in a plan.
    PlanApproved {
        /// The plan.
        plan: PlanId,
        /// Its hash.
        hash: String,
        /// How many steps.
        steps: u64,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Until when it counts.
        until: DateTime<Utc>,
    },
    /// A person rejected what waited in a plan.
    PlanRejected {
        /// The plan.
        plan: PlanId,
        /// Its hash.
        hash: String,
        /// How many steps.
        steps: u64,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Something is about to be done.
    Intended {
        /// The intent.
        intent: IntentId,
        /// For which case.
        case: CaseId,
        /// Under which rule.
        rule: RuleName,
        /// What.
        call: Call,
    },
    /// What came of it.
    Concluded {
        /// The intent.
        intent: IntentId,
        /// The outcome.
        outcome: Outcome,
    },
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without a gap, per tenant.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// About which guest, if about one.
    pub guest: Option<GuestId>,
    /// The event as JSON, byte for byte as hashed.
    pub body: String,
    /// The hash of this entry.
    pub hash: Hash,
}

/// SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first entry.
pub const GENESIS: Hash = [0; 32];

impl Entry {
    /// The entry that follows the one numbered `seq - 1` with the hash `previous`.
    #[must_use]
    pub fn sealed(
        tenant: TenantId,
        seq: i64,
        at: DateTime<Utc>,
        guest: Option<GuestId>,
        body: String,
        previous: &Hash,
    ) -> Self {
        let mut entry = Self {
            seq,
            at,
            guest,
            body,
            hash: GENESIS,
        };
        entry.hash = entry.expected_hash(tenant, previous);
        entry
    }

    /// The hash that the entry must have after `previous`.
    #[must_use]
    pub fn expected_hash(&self, tenant: TenantId, previous: &Hash) -> Hash {
        let Self {
            seq,
            at,
            guest,
            body,
            hash: _,
        } = self;
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(tenant.0.as_bytes());
        hash.update(seq.to_be_bytes());
        hash.update(at.timestamp_micros().to_be_bytes());
        hash.update(guest.map_or([0; 16], |guest| *guest.0.as_bytes()));
        hash.update(body);
        hash.finalize().into()
    }
}
