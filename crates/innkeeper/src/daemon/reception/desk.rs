//! Whom a link lets ask and answer, by what is known at that moment.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Error};
use chrono::TimeDelta;
use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::plan::Mode;
use innkeeper_engine::link::{Claim, Links, Recipient, Refused};
use innkeeper_engine::{Clock, PolicyInForce, answerers};
use innkeeper_store::{Store, Tx};

use super::question::Question;
use crate::installation::GraphTenant;
use crate::simulation::InstallationClock;

/// Answers of one person about one guest in a day at most.
const A_DAY: usize = 10;

/// Characters of a reason at most.
const LONGEST_REASON: usize = 300;

/// The tenants for which answers are taken, exchanged when the configuration is read again.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Desks(Mutex<Vec<Desk>>);

/// What is needed to take answers for one tenant.
#[derive(Clone, Debug)]
struct Desk {
    id: TenantId,
    name: String,
    mode: Mode,
    policy: Arc<PolicyInForce>,
    operators: Vec<String>,
}

impl Desks {
    pub(in crate::daemon) fn of(tenants: &[GraphTenant]) -> Self {
        let desks = Self::default();
        desks.renew(tenants);
        desks
    }

    /// Takes answers for these tenants from now on.
    pub(in crate::daemon) fn renew(&self, tenants: &[GraphTenant]) {
        let desk = |tenant: &GraphTenant| Desk {
            id: tenant.id,
            name: tenant.name.clone(),
            mode: tenant.mode,
            policy: tenant.policy.clone(),
            operators: tenant.operators.clone(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tenants.iter().map(desk).collect();
    }

    fn find(&self, tenant: TenantId) -> Option<Desk> {
        let desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        desks.iter().find(|desk| desk.id == tenant).cloned()
    }
}

/// Where links are shown and answers taken.
pub(super) struct Reception {
    pub(super) store: Store,
    pub(super) clock: Arc<InstallationClock>,
    pub(super) links: Links,
    pub(super) desks: Arc<Desks>,
}

/// Why there is nothing to ask.
#[derive(Debug)]
pub(super) enum NoQuestion {
    /// The link was not made here, or with a key that is no longer good, or was altered.
    NotOurs,
    /// The link's time is over.
    Over,
    /// Whoever it was sent to does not answer for the guest any more.
    NotYours,
    /// The case that the notice was about is closed, or the guest gone.
    Settled,
    /// They changed their mind too often today.
    TooOften,
    /// The account is disabled or deleted already, which no link undoes.
    Taken {
        /// Whom to write to.
        contact: Vec<String>,
    },
    /// It could not be found out.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for NoQuestion {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Reception {
    fn claim(&self, token: &str) -> Result<Claim, NoQuestion> {
        let keys = self.links.keys()?;
        Claim::open(token, &keys, self.clock.now()).map_err(|refused| match refused {
            Refused::NotOurs => NoQuestion::NotOurs,
            Refused::Expired => NoQuestion::Over,
        })
    }

    /// What the holder of a link is asked. Nothing is written.
    pub(super) async fn question(&self, token: &str) -> Result<Question, NoQuestion> {
        let claim = self.claim(token)?;
        let mut tx = self.store.read().await?;
        self.ask(&mut tx, &claim).await
    }

    /// Writes down what the holder of a link says; the question as it stands then. The same answer once more is not
    /// written again.
    pub(super) async fn answer(
        &self,
        token: &str,
        answer: Answer,
        reason: &str,
    ) -> Result<Question, NoQuestion> {
        let claim = self.claim(token)?;
        let mut tx = self.store.begin().await?;
        let question = self.ask(&mut tx, &claim).await?;
        if question.answered() == Some(answer) && reason.trim().is_empty() {
            return Ok(question);
        }
        let now = self.clock.now();
        let attestation = Attestation {
            answer,
            means: Means::Link,
            at: now,
            until: None,
            sponsor: question.answerer.id,
            word: Word {
                by: question.answerer.address.clone(),
                reason: one_line(reason),
            },
        };
        let person = attestation.person();
        let said = tx.attestations_of(claim.tenant, claim.guest).await?;
        let today = said
            .iter()
            .filter(|said| said.person() == person && now - said.at < TimeDelta::days(1));
        if today.count() >= A_DAY {
            return Err(NoQuestion::TooOften);
        }
        tx.attest(claim.tenant, claim.guest, &attestation, Some(claim.case))
            .await?;
        let question = self.ask(&mut tx, &claim).await?;
        tx.commit().await?;
        Ok(question)
    }

    async fn ask(&self, tx: &mut Tx, claim: &Claim) -> Result<Question, NoQuestion> {
        let Claim {
            tenant,
            guest,
            case,
            recipient,
            expires: _,
        } = *claim;
        let desk = self.desks.find(tenant).ok_or(NoQuestion::NotOurs)?;
        let row = tx.guest_row(tenant, guest).await?;
        let view = row.ok_or(NoQuestion::Settled)?.view;
        let policy = desk
            .policy
            .policy
            .with_projects(&tx.projects(tenant).await?);
        let fit = answerers(tx, tenant, &policy, &desk.operators, &view).await?;
        let answerer = fit
            .into_iter()
            .find(|answerer| Recipient::of(&answerer.address) == recipient)
            .ok_or(NoQuestion::NotYours)?;
        if view.record.disabled_by_us.is_some() || view.record.deleted_by_us.is_some() {
            return Err(NoQuestion::Taken {
                contact: desk.operators,
            });
        }
        if view.record.gone.is_some() || view.cases.iter().all(|open| open.id != case) {
            return Err(NoQuestion::Settled);
        }
        let observation = tx
            .last_observation(tenant)
            .await?
            .context("a case without an observation")?;
        let named_groups = tx.named_groups(tenant).await?;
        let now = self.clock.now();
        let judge = Judge {
            tenant,
            policy: &policy,
            named_groups: &named_groups,
            now,
            watched: observation.watched + (now - observation.finished),
            span: TimeDelta::zero(),
        };
        Ok(Question::of(&desk.name, desk.mode, &judge, &view, answerer))
    }
}

/// A reason as it is kept: one line, and no longer than a reason needs to be.
fn one_line(text: &str) -> String {
    let plain = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_REASON).collect()
}
