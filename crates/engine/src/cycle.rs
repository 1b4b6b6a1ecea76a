//! One cycle of one tenant: observe -> decide -> approve -> record -> act.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Cap, Policy};
use innkeeper_store::Store;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};
use uuid::Uuid;

use crate::acceptance::{Candidate, Policies, PolicyStanding};
use crate::clock::Clock;
use crate::decide::Decided;
use crate::error::CycleError;
use crate::lease::Lease;
use crate::link::Links;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Progress;
use crate::report::{Deeds, Report};

/// A policy together with its text, which is kept for the record.
#[derive(Clone, Debug)]
pub struct PolicyInForce {
    /// The policy.
    pub policy: Policy,
    /// What it was read from.
    pub text: String,
}

/// A tenant under management.
#[derive(Debug)]
pub struct Tenant<R, W> {
    /// Its id in Entra.
    pub id: TenantId,
    /// Its name in the configuration, used in messages.
    pub name: String,
    /// How far Innkeeper goes.
    pub mode: Mode,
    /// By which policy.
    pub policy: Arc<PolicyInForce>,
    /// How many guests a change of it may newly affect without a person.
    pub max_newly_affected: Cap,
    /// How its directory is read.
    pub reader: R,
    /// How its directory is written. Without a writer a cycle is a dry run: it records what it saw and would do, and
    /// no case moves.
    pub writer: Option<W>,
    /// How old a whole reading may be for a cycle to read only what changed since; `None` has everything read each time.
    pub whole_every: Option<TimeDelta>,
    /// Over how long the pages of a whole reading are spread: until then at the latest. `None` has them read as fast as
    /// Graph allows.
    pub spread_until: Option<DateTime<Utc>>,
    /// How notices get links to answer by; `None`: they have none.
    pub links: Option<Links>,
    /// How long before Entra lets go for good of a guest that Innkeeper deleted the operators are told; zero: never.
    pub before_final_day: TimeDelta,
    /// Where notices go when there is no sponsor.
    pub operators: Vec<String>,
}

/// Runs cycles.
pub struct Engine {
    store: Store,
    clock: Arc<dyn Clock>,
    holder: Uuid,
    lease: TimeDelta,
    /// Tenants are read side by side and decided upon one at a time: deciding keeps a connection of the database for as
    /// long as it takes, and there are few.
    deciding: Mutex<()>,
}

/// One cycle under way.
pub(crate) struct Cycle<'c, R, W> {
    pub(crate) store: &'c Store,
    pub(crate) clock: &'c dyn Clock,
    pub(crate) tenant: &'c Tenant<R, W>,
    /// The tenant's policy, with the projects that people set beside it: one for the whole cycle.
    pub(crate) policy: &'c Policy,
    /// The one that would decide in its place, if it is accepted; what it names is read as well.
    pub(crate) candidate: Option<&'c Candidate>,
    /// What became of it.
    pub(crate) standing: PolicyStanding,
    pub(crate) lease: &'c Lease,
    pub(crate) progress: &'c dyn Progress,
    pub(crate) stop: &'c CancellationToken,
    pub(crate) deciding: &'c Mutex<()>,
}

impl Engine {
    /// An engine over a migrated store. `holder` names this process among those that share the store; a `lease` is
    /// how long a tenant stays taken after its process died.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, holder: Uuid, lease: TimeDelta) -> Self {
        Self {
            store,
            clock,
            holder,
            lease,
            deciding: Mutex::default(),
        }
    }

    /// Runs one cycle. `stop` ends it in order: before anything is done, or after the step in hand.
    ///
    /// # Errors
    /// Why the cycle ended early. What was done until then is recorded.
    pub async fn cycle<R: ReadDirectory, W: WriteDirectory>(
        &self,
        tenant: &Tenant<R, W>,
        progress: &dyn Progress,
        stop: &CancellationToken,
    ) -> Result<Report, CycleError> {
        let span = info_span!("cycle", tenant = tenant.name);
        let run = async {
            let lease = self.take_lease(tenant.id).await?;
            let result = match self.policies_of(tenant).await {
                Ok(Policies {
                    in_force,
                    candidate,
                }) => {
                    let cycle = Cycle {
                        candidate: candidate.as_ref(),
                        ..self.begin(tenant, &in_force, &lease, progress, stop)
                    };
                    // On the heap: it is large, and every caller would carry it along.
                    Box::pin(cycle.run()).await
                }
                Err(error) => Err(error),
            };
            lease.release().await;
            result
        };
        run.instrument(span).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) async fn policy_of<R, W>(
        &self,
        tenant: &Tenant<R, W>,
    ) -> Result<Policy, CycleError> {
        let mut tx = self.store.read().await?;
        let set = tx.projects(tenant.id).await?;
        Ok(tenant.policy.policy.with_projects(&set))
    }
}

impl Engine {
    pub(crate) async fn take_lease(&self, tenant: TenantId) -> Result<Lease, CycleError> {
        Lease::take(&self.store, tenant, self.holder, self.lease).await
    }

    pub(crate) fn begin<'c, R, W>(
        &'c self,
        tenant: &'c Tenant<R, W>,
        policy: &'c Policy,
        lease: &'c Lease,
        progress: &'c dyn Progress,
        stop: &'c CancellationToken,
    ) -> Cycle<'c, R, W> {
        Cycle {
            store: &self.store,
            clock: &*self.clock,
            tenant,
            policy,
            candidate: None,
            standing: PolicyStanding::Accepted,
            lease,
            progress,
            stop,
            deciding: &self.deciding,
        }
    }
}

impl<R, W> Cycle<'_, R, W> {
    /// The same cycle with another thing that stops it.
    pub(crate) fn stopped_by<'s>(&'s self, stop: &'s CancellationToken) -> Cycle<'s, R, W> {
        Cycle {
            store: self.store,
            clock: self.clock,
            tenant: self.tenant,
            policy: self.policy,
            candidate: self.candidate,
            standing: self.standing.clone(),
            lease: self.lease,
            progress: self.progress,
            stop,
            deciding: self.deciding,
        }
    }
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    async fn run(&self) -> Result<Report, CycleError> {
        let settled = self.settle().await?;
        let reading = self.observe().await?;
        let waited = reading.waited();
        let alone = self.deciding.lock().await;
        let cycle = self.accept().await?;
        let Decided {
            plan,
            recorded,
            approval,
            closed,
        } = cycle.decide(reading).await?;
        drop(alone);
        let deeds = match &self.tenant.writer {
            Some(writer) => {
                let mut deeds = cycle.act(writer, &plan, &approval.plan).await?;
                deeds.remarks.extend(settled.remarks);
                cycle.confirm(writer, &mut deeds).await?;
                cycle.announce_last_days(writer, &mut deeds).await?;
                deeds
            }
            None => Deeds::default(),
        };
        let standing = cycle.standing;
        Ok(Report {
            plan,
            recorded,
            approval,
            closed,
            settled: settled.intents,
            deeds,
            waited,
            standing,
        })
    }
}
