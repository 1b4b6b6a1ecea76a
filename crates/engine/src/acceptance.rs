//! Which policy decides: the tenant's own, once it is accepted.
//!
//! Invariant: a policy, or a version of deciding, that newly affects more guests than the configuration allows, together
//! with those before it that no person accepted, takes nothing away before a person has accepted it. Until then the policy accepted last decides; where that cannot be, since
//! the version of deciding is another or its text is not understood any more, nothing is taken away at all.

mod ruling;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use innkeeper_domain::acceptance::{
    Acceptance, DECISION_VERSION, is_affected_beyond, is_newly_affected,
};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::journal::Event;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::watch::Watched;
use innkeeper_store::{AcceptedPolicy, GuestRow, Tx, WaitingPolicy};
use roaring::RoaringTreemap;
use tracing::info;

pub use self::ruling::{Own, Ruling};
use crate::cycle::{Cycle, Engine, Tenant};
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Guests compared between two looks at the store.
const PAGE: u32 = 1_000;

/// A percentage of a tenant with fewer guests than this stops at numbers that a person would not be asked about.
const SMALL_TENANT: u64 = 100;

/// Where the tenant's own policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyStanding {
    /// It decides.
    Accepted,
    /// It waits for a person.
    Waits {
        /// How many guests it newly affects.
        affected: u64,
        /// How many others edits before it did, since a person accepted a policy last.
        before: u64,
        /// How many may be without a person.
        allowed: u64,
        /// It was not known to wait before this cycle.
        is_news: bool,
        /// The hash of the policy that decides until then; nothing is taken away when there is none.
        in_force: Option<String>,
    },
}

impl PolicyStanding {
    /// Nothing that was accepted can decide.
    pub(crate) fn is_held(&self) -> bool {
        match self {
            Self::Waits { in_force, .. } => in_force.is_none(),
            Self::Accepted => false,
        }
    }
}

/// What a cycle begins with.
pub(crate) struct Policies {
    /// What decides unless the candidate is accepted.
    pub(crate) in_force: Policy,
    pub(crate) candidate: Option<Candidate>,
}

/// The tenant's own policy, as long as it is not accepted.
pub(crate) struct Candidate {
    pub(crate) policy: Policy,
    against: Against,
}

/// What it is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Against {
    /// Nothing was ever accepted.
    Nothing,
    /// The policy in force.
    InForce,
    /// What was concluded before, since what concluded it is gone.
    Conclusions,
}

impl Engine {
    /// Which policies a cycle is about, each with the projects that people set beside it.
    pub(crate) async fn policies_of<R, W>(
        &self,
        tenant: &Tenant<R, W>,
    ) -> Result<Policies, CycleError> {
        let mut tx = self.store().read().await?;
        let accepted = tx.accepted_policy(tenant.id).await?;
        let set = tx.projects(tenant.id).await?;
        let own = &tenant.policy.policy;
        let Ruling { policy, own: place } = Ruling::of(own, accepted.as_ref(), &set);
        let against = match place {
            Own::Accepted => None,
            Own::First => Some(Against::Nothing),
            Own::Behind => Some(Against::InForce),
            Own::Alone => Some(Against::Conclusions),
        };
        Ok(Policies {
            in_force: policy,
            candidate: against.map(|against| Candidate {
                policy: own.with_projects(&set),
                against,
            }),
        })
    }
}

impl<'c, R: ReadDirectory, W: WriteDirectory> Cycle<'c, R, W> {
    /// What decides, and what may come to decide: whatever either asks for is read.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &'c Policy> + use<'c, R, W> {
        let candidate = self.candidate.map(|candidate| &candidate.policy);
        [self.policy].into_iter().chain(candidate)
    }

    /// Every group that is read.
    pub(crate) fn groups(&self) -> BTreeSet<&str> {
        self.policies().flat_map(Policy::groups).collect()
    }

    /// Decides which policy decides, by the guests as they were just read.
    pub(crate) async fn accept(&self) -> Result<Cycle<'c, R, W>, CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let accepted = tx.accepted_policy(self.tenant.id).await?;
        let is_accepted = |candidate: &&Candidate| {
            accepted.as_ref().is_some_and(|accepted| {
                accepted.hash == candidate.policy.hash
                    && accepted.decision_version == DECISION_VERSION
            })
        };
        let (policy, standing) = match self.candidate {
            // A person did, while the tenant was read.
            Some(candidate) if is_accepted(&candidate) => {
                (&candidate.policy, PolicyStanding::Accepted)
            }
            None => {
                tx.forget_waiting_policy(self.tenant.id).await?;
                (self.policy, PolicyStanding::Accepted)
            }
            Some(candidate) => self.weigh(&mut tx, candidate).await?,
        };
        tx.commit().await?;
        Ok(Cycle {
            policy,
            standing,
            candidate: None,
            ..*self
        })
    }

    async fn weigh(
        &self,
        tx: &mut Tx,
        candidate: &'c Candidate,
    ) -> Result<(&'c Policy, PolicyStanding), CycleError> {
        let tenant = self.tenant.id;
        let now = self.clock.now();
        let hash = &candidate.policy.hash;
        let in_force = match candidate.against {
            Against::Nothing => {
                self.take(tx, candidate, &Acceptance::First, &RoaringTreemap::new())
                    .await?;
                return Ok((&candidate.policy, PolicyStanding::Accepted));
            }
            Against::InForce => Some(self.policy.hash.clone()),
            Against::Conclusions => None,
        };
        let (newly, guests) = self.affected(tx, candidate).await?;
        let others = tx.affected_guests(tenant).await? - &newly;
        let (affected, before) = (newly.len(), others.len());
        let allowed = self.tenant.max_newly_affected.of(guests.max(SMALL_TENANT));
        if let Some(acceptance) = Acceptance::without_a_person(affected, before, allowed) {
            self.take(tx, candidate, &acceptance, &(others | newly))
                .await?;
            return Ok((&candidate.policy, PolicyStanding::Accepted));
        }
        let known = tx.waiting_policy(tenant).await?.filter(|waiting| {
            waiting.hash == *hash && waiting.decision_version == DECISION_VERSION
        });
        let is_news = known.is_none();
        let waiting = WaitingPolicy {
            hash: hash.clone(),
            decision_version: DECISION_VERSION,
            affected,
            before,
            allowed,
            since: known.map_or(now, |known| known.since),
            held: in_force.is_none(),
        };
        tx.save_waiting_policy(tenant, &waiting).await?;
        tx.save_policy(tenant, hash, &self.tenant.policy.text, now)
            .await?;
        if is_news {
            let event = Event::PolicyWaits {
                hash: hash.clone(),
                decision_version: DECISION_VERSION,
                affected,
                before,
                allowed,
                in_force: in_force.clone(),
            };
            tx.append(tenant, now, &[(None, event)]).await?;
        }
        let standing = PolicyStanding::Waits {
            affected,
            before,
            allowed,
            is_news,
            in_force,
        };
        Ok((self.policy, standing))
    }

    async fn take(
        &self,
        tx: &mut Tx,
        candidate: &Candidate,
        acceptance: &Acceptance,
        affected: &RoaringTreemap,
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let now = self.clock.now();
        let hash = &candidate.policy.hash;
        let text = &self.tenant.policy.text;
        let accepted = AcceptedPolicy::of(hash, text, DECISION_VERSION, now, acceptance);
        tx.accept_policy(tenant, &accepted).await?;
        tx.add_affected_guests(tenant, affected).await?;
        let event = Event::PolicyAccepted {
            hash: hash.clone(),
            decision_version: DECISION_VERSION,
            acceptance: acceptance.clone(),
        };
        tx.append(tenant, now, &[(None, event)]).await?;
        info!(
            policy.hash = hash,
            "the policy is accepted without a person"
        );
        Ok(())
    }

    /// Whom the candidate newly affects, and of how many guests.
    async fn affected(
        &self,
        tx: &mut Tx,
        candidate: &Candidate,
    ) -> Result<(RoaringTreemap, u64), CycleError> {
        let named_groups = tx.named_groups(self.tenant.id).await?;
        let watched = tx
            .last_healthy_observation(self.tenant.id)
            .await?
            .map_or(Watched::default(), |last| last.watched);
        let judge = |policy| Judge {
            tenant: self.tenant.id,
            policy,
            named_groups: &named_groups,
            now: self.clock.now(),
            watched,
            span: TimeDelta::zero(),
        };
        let (old, new) = (judge(self.policy), judge(&candidate.policy));
        let is_affected = |row: &&GuestRow| match candidate.against {
            Against::InForce | Against::Nothing => is_newly_affected(&old, &new, &row.view),
            Against::Conclusions => {
                let before = row.verdict.as_ref();
                let rule = before.and_then(|verdict| verdict.rule.as_ref());
                let was_unknown = before.is_some_and(|verdict| verdict.verdict == "unknown");
                is_affected_beyond(&new, &row.view, rule, was_unknown)
            }
        };
        let (mut affected, mut guests) = (RoaringTreemap::new(), 0);
        let mut after = None;
        loop {
            let rows = tx.guest_rows(self.tenant.id, after, PAGE).await?;
            let Some(last) = rows.last() else {
                return Ok((affected, guests));
            };
            after = Some(last.key);
            guests += rows.len() as u64;
            let newly = rows.iter().filter(is_affected);
            affected.extend(newly.map(|row| u64::from(row.key)));
        }
    }
}
