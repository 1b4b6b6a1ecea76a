//! The journal: an append-only record of every observation, change of verdict, case, plan, intent and outcome.
//!
//! Invariant: entries of a tenant are numbered from 1 without a gap, and each one's hash covers its content and
//! the hash before it, so that altering, removing, inserting or moving any entry breaks the chain.
//!
//! What an entry says of a person beyond ids is its [`Details`]. They stand beside the body, which holds their seal: a
//! salted SHA-256. So altered details are found like an altered body, and erased ones (with their salt) leave the chain
//! whole and nothing to guess them by.

mod anchor;
mod chain;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::acceptance::{Acceptance, is_nobody};
use crate::alarm::Alarm;
use crate::alarm::telling::{Channel, Message};
use crate::attestation::{Answer, Means, Word};
use crate::case::Closing;
use crate::decision::{Decision, OrderKind};
use crate::facts::FactTold;
use crate::ids::{CaseId, GuestId, IntentId, ObservationId, PlanId, SponsorId, TenantId};
use crate::intent::{Call, Outcome, Trace};
use crate::observation::Observation;
use crate::plan::{Refusal, hex};
use crate::policy::{RuleName, SetProject};
use crate::sponsor::Hop;

pub use anchor::{Anchor, Anchors};
pub use chain::{Broken, Chain, Fault, Head};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A complete observation.
    Observed {
        /// With its counts and health.
        observation: Box<Observation>,
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
    /// A policy was accepted: it decides from now on.
    PolicyAccepted {
        /// Its hash.
        hash: String,
        /// By which version of deciding.
        decision_version: u32,
        /// By whom, and why.
        #[serde(flatten)]
        acceptance: Acceptance,
    },
    /// A policy, or a version of deciding, waits for a person to accept it.
    PolicyWaits {
        /// Its hash.
        hash: String,
        /// By which version of deciding.
        decision_version: u32,
        /// How many guests it newly affects.
        affected: u64,
        /// How many others before it did, since a person accepted a policy last.
        #[serde(default, skip_serializing_if = "is_nobody")]
        before: u64,
        /// How many may be without a person.
        allowed: u64,
        /// What decides until then; nothing is taken away if nothing does.
        in_force: Option<String>,
    },
    /// Another verdict than in the cycle before.
    VerdictChanged {
        /// The word of the verdict.
        verdict: String,
        /// The rule that decided.
        rule: Option<RuleName>,
        /// Why.
        reason: String,
        /// What the rule or protection went by.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        facts: Vec<FactTold>,
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
    /// Who was considered to answer for a guest, and why they do or do not.
    ChainFollowed {
        /// What is intended towards whoever answers.
        intent: IntentId,
        /// By ids alone.
        hops: Vec<Hop>,
    },
    /// A person decided something about a guest.
    Decided {
        /// What, who and why.
        decision: Decision,
    },
    /// A person took a decision about a guest back.
    Released {
        /// Of which kind the decision was.
        order: OrderKind,
        /// Who took it back.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody answerable for a guest said whether it is still needed.
    Attested {
        /// What.
        answer: Answer,
        /// How.
        means: Means,
        /// Until which day it counts.
        until: Option<NaiveDate>,
        /// The object id of who said so.
        sponsor: Option<SponsorId>,
        /// Who and why.
        word: Word,
    },
    /// A person set the end of a project.
    ProjectSet {
        /// The project.
        project: SetProject,
        /// Why, if that was said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A person took the end of a project away.
    ProjectRemoved {
        /// The project, as it had been set.
        project: SetProject,
        /// Who took it away.
        by: String,
        /// Why, if that was said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A person had something undone.
    UndoAsked {
        /// What the calls that follow are grouped by.
        undo: PlanId,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// For how many guests.
        guests: u64,
    },
    /// What came of it.
    Concluded {
        /// The intent.
        intent: IntentId,
        /// The outcome.
        outcome: Outcome,
        /// By which ids Microsoft finds the call.
        #[serde(default, skip_serializing_if = "Trace::is_none")]
        graph: Trace,
    },
    /// The directory was read to learn what came of a call, for Graph's answer did not tell or nobody was left to hear it.
    ReadBack {
        /// The intent.
        intent: IntentId,
        /// Why it was read.
        because: String,
        /// What it showed.
        shown: String,
    },
    /// An alarm is there that was not.
    AlarmRaised {
        /// With its numbers.
        alarm: Alarm,
    },
    /// Somebody was told of an alarm.
    AlarmTold {
        /// Which.
        alarm: Alarm,
        /// That it is raised, still there, or over.
        message: Message,
        /// How.
        by: Channel,
    },
    /// An alarm is over.
    AlarmCleared {
        /// With the numbers that it had last.
        alarm: Alarm,
        /// Since when it was there.
        since: DateTime<Utc>,
    },
    /// A process died over it, and the directory's audit log tells that it was Innkeeper which did it.
    Claimed {
        /// The intent.
        intent: IntentId,
        /// When it was done, by that log.
        done: DateTime<Utc>,
    },
    /// The guest has been gone for so long that the details of its entries so far were erased.
    Erased,
}

/// Where in a body that is told which says more of a person than ids.
#[derive(Clone, Copy)]
enum Place {
    Own(&'static str),
    Within(&'static str, &'static str),
}

impl Event {
    fn personal(&self) -> &'static [Place] {
        match self {
            Self::VerdictChanged { .. } => &[Place::Own("reason"), Place::Own("facts")],
            Self::CaseOpened { .. } => &[Place::Own("because")],
            Self::Intended { call, .. } => match call {
                Call::Notify { .. } => &[Place::Within("call", "to")],
                Call::ResendInvitation { .. } => &[Place::Within("call", "to")],
                // A mark is a text of the policy.
                Call::Flag
                | Call::Mark { .. }
                | Call::Unmark { .. }
                | Call::RemoveAppRole { .. }
                | Call::AddAppRole { .. }
                | Call::RemoveFromGroup { .. }
                | Call::Disable
                | Call::Enable
                | Call::Delete
                | Call::Restore
                | Call::AddToGroup { .. }
                | Call::AddSponsor { .. }
                | Call::SetManager { .. }
                | Call::RemoveSponsor { .. } => &[],
            },
            Self::Concluded { outcome, .. } => match outcome {
                Outcome::Skipped { .. } => &[Place::Within("outcome", "because")],
                Outcome::Failed { .. } => &[Place::Within("outcome", "error")],
                Outcome::Done { .. }
                | Outcome::Already
                | Outcome::FoundDone
                | Outcome::FoundSo { .. }
                | Outcome::FoundNotDone
                | Outcome::Uncertain => &[],
            },
            Self::ReadBack { .. } => &[Place::Own("because")],
            Self::UndoAsked { .. }
            | Self::ProjectSet { .. }
            | Self::ProjectRemoved { .. }
            | Self::Released { .. }
            | Self::PlanApproved { .. }
            | Self::PlanRejected { .. } => &[Place::Own("reason")],
            Self::Attested { .. } => &[Place::Own("word")],
            Self::Decided { .. } => &[Place::Within("decision", "reason")],
            Self::CaseClosed { closing, .. } => match closing {
                Closing::Undone { .. } => &[Place::Within("closing", "reason")],
                // An exemption is told with the reason that a person gave.
                Closing::Protected { .. } => &[Place::Within("closing", "by")],
                Closing::Revived
                | Closing::RuleNoLongerHolds
                | Closing::RuleRemoved
                | Closing::Gone => &[],
            },
            Self::PolicyAccepted { acceptance, .. } => match acceptance {
                Acceptance::Person { .. } => &[Place::Own("reason")],
                Acceptance::First | Acceptance::WithinLimit { .. } => &[],
            },
            Self::Observed { .. }
            | Self::ObservationFailed { .. }
            | Self::PolicyWaits { .. }
            | Self::PolicyInForce { .. }
            | Self::Planned { .. }
            // Numbers of guests, and none of them by name.
            | Self::AlarmRaised { .. }
            | Self::AlarmTold { .. }
            | Self::AlarmCleared { .. }
            // Ids and findings: names and addresses are not written down with a hop.
            | Self::ChainFollowed { .. }
            | Self::Claimed { .. }
            | Self::Erased => &[],
        }
    }

    /// The body as it is hashed, and the details that it seals.
    fn parts(&self, salt: Uuid) -> (String, Option<Details>) {
        let Ok(Value::Object(mut body)) = serde_json::to_value(self) else {
            unreachable!("an event is an object, and no map in it has keys other than text")
        };
        let mut told = Map::new();
        for place in self.personal() {
            told.extend(taken(&mut body, *place).into_iter().flatten());
        }
        let details = (!told.is_empty()).then(|| Details {
            text: Value::Object(told).to_string(),
            salt,
        });
        if let Some(details) = &details {
            body.insert(SEAL.to_owned(), Value::String(details.seal()));
        }
        (Value::Object(body).to_string(), details)
    }
}

/// The key of the seal in a body.
const SEAL: &str = "details_sha256";

/// Takes a value out of a body, in as many objects as it stood in.
fn taken(body: &mut Map<String, Value>, place: Place) -> Option<Map<String, Value>> {
    match place {
        Place::Own(key) => {
            let value = body.remove(key)?;
            Some(Map::from_iter([(key.to_owned(), value)]))
        }
        Place::Within(outer, key) => {
            let value = body.get_mut(outer)?.as_object_mut()?.remove(key)?;
            let inner = Map::from_iter([(key.to_owned(), value)]);
            Some(Map::from_iter([(outer.to_owned(), Value::Object(inner))]))
        }
    }
}

/// What an entry says of a person beyond ids: reasons, addresses, what Graph answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// JSON, byte for byte as sealed.
    pub text: String,
    /// Drawn for this entry alone. Without it nobody can try out what the details may have been.
    pub salt: Uuid,
}

impl Details {
    /// SHA-256 over salt and text, in hexadecimal.
    #[must_use]
    pub fn seal(&self) -> String {
        let Self { text, salt } = self;
        let mut hash = Sha256::new();
        hash.update(salt.as_bytes());
        hash.update(text);
        hex(&hash.finalize())
    }
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
    /// The event as JSON without its details, byte for byte as hashed.
    pub body: String,
    /// The details that the body seals, until they are erased.
    pub details: Option<Details>,
    /// The hash of this entry.
    pub hash: Hash,
}

/// SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first entry.
pub const GENESIS: Hash = [0; 32];

impl Entry {
    /// The entry that follows the one numbered `seq - 1` with the hash `previous`. The salt must be beyond guessing, and
    /// not be used again.
    #[must_use]
    pub fn sealed(
        tenant: TenantId,
        seq: i64,
        at: DateTime<Utc>,
        guest: Option<GuestId>,
        event: &Event,
        salt: Uuid,
        previous: &Hash,
    ) -> Self {
        let (body, details) = event.parts(salt);
        let mut entry = Self {
            seq,
            at,
            guest,
            body,
            details,
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
            // Covered by the seal in the body.
            details: _,
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

    /// The event with its details, as far as they are not erased; for people and reports.
    #[must_use]
    pub fn event(&self) -> Value {
        let object = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let mut event: Map<String, Value> = object(&self.body);
        event.remove(SEAL);
        let details: Map<String, Value> = self
            .details
            .as_ref()
            .map(|details| object(&details.text))
            .unwrap_or_default();
        for (key, value) in details {
            match (event.get_mut(&key), value) {
                (Some(Value::Object(outer)), Value::Object(inner)) => outer.extend(inner),
                (_, value) => drop(event.insert(key, value)),
            }
        }
        Value::Object(event)
    }
}

/// A hash as it is written down.
#[must_use]
pub fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = GENESIS;
    if !text.is_ascii() || text.len() != 2 * hash.len() {
        return None;
    }
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(hash)
}
