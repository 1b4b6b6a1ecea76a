//! The lease: at most one process runs a cycle of a tenant.
//!
//! Invariant: whoever acts holds the newest epoch, and every writing transaction of the cycle checks that it still
//! does. A lease is about processes, so it goes by the machine's clock even where the cycle goes by another.

use std::time::Duration;

use chrono::TimeDelta;
use innkeeper_domain::ids::TenantId;
use innkeeper_store::{LeaseGrant, Store, StoreError, Tx};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::warn;
use uuid::Uuid;

use crate::clock::{Clock, SystemClock};
use crate::error::CycleError;

/// How often a lease that somebody else holds is asked for again.
const PATIENCE: Duration = Duration::from_millis(200);

/// A lease that is held, and renewed in the background until it is released or dropped.
pub(crate) struct Lease {
    store: Store,
    tenant: TenantId,
    holder: Uuid,
    epoch: i64,
    _renewal: DropGuard,
}

impl Lease {
    /// Takes the tenant's lease, waiting for one whose holder may have died: as long as a lease lasts, and no longer.
    ///
    /// # Errors
    /// `Busy` when its holder is alive, `Store` when the database fails.
    pub(crate) async fn take(
        store: &Store,
        tenant: TenantId,
        holder: Uuid,
        ttl: TimeDelta,
    ) -> Result<Self, CycleError> {
        let patient_until = SystemClock.now() + ttl + TimeDelta::seconds(1);
        loop {
            let now = SystemClock.now();
            let mut tx = store.begin().await?;
            let grant = tx.acquire_lease(tenant, holder, now, ttl).await?;
            tx.commit().await?;
            match grant {
                LeaseGrant::Held { epoch } => {
                    return Ok(Self::held(store, tenant, holder, epoch, ttl));
                }
                LeaseGrant::Taken { until } if now > patient_until => {
                    return Err(CycleError::Busy { until });
                }
                LeaseGrant::Taken { .. } => tokio::time::sleep(PATIENCE).await,
            }
        }
    }

    fn held(store: &Store, tenant: TenantId, holder: Uuid, epoch: i64, ttl: TimeDelta) -> Self {
        let ended = CancellationToken::new();
        TaskTracker::new().spawn(renew(
            store.clone(),
            tenant,
            holder,
            epoch,
            ttl,
            ended.clone(),
        ));
        Self {
            store: store.clone(),
            tenant,
            holder,
            epoch,
            _renewal: ended.drop_guard(),
        }
    }

    /// The fencing epoch: no two cycles of a tenant have the same.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Makes the transaction fail unless the lease is still held.
    pub(crate) async fn check(&self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.check_lease(self.tenant, self.holder, self.epoch).await
    }

    /// Gives it back. One that cannot be given back runs out.
    pub(crate) async fn release(self) {
        let released = async {
            let mut tx = self.store.begin().await?;
            tx.release_lease(self.tenant, self.holder, self.epoch)
                .await?;
            tx.commit().await
        };
        if let Err(error) = released.await {
            warn!(tenant.id = %self.tenant, %error, "the lease could not be given back; it runs out by itself");
        }
    }
}

/// Renews a lease three times within its life, until it is lost or has ended. Only the sleep is cut short: a
/// database call that is dropped halfway can leave its connection in an open transaction.
async fn renew(
    store: Store,
    tenant: TenantId,
    holder: Uuid,
    epoch: i64,
    ttl: TimeDelta,
    ended: CancellationToken,
) {
    let every = (ttl / 3).to_std().unwrap_or(PATIENCE);
    while ended
        .run_until_cancelled(tokio::time::sleep(every))
        .await
        .is_some()
    {
        let renewed = async {
            let mut tx = store.begin().await?;
            let held = tx
                .renew_lease(tenant, holder, epoch, SystemClock.now(), ttl)
                .await?;
            tx.commit().await?;
            Ok::<_, StoreError>(held)
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => {
                return warn!(tenant.id = %tenant, "the lease was lost; nothing more is written");
            }
            Err(error) => warn!(tenant.id = %tenant, %error, "the lease could not be renewed"),
        }
    }
}
