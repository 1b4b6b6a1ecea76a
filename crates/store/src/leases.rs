//! Leases: at most one process acts in a tenant.
//!
//! Invariant: each new holder gets a higher epoch, and a transaction of an older one fails its check.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

/// What asking for a lease gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseGrant {
    /// It is held now.
    Held {
        /// The fencing epoch.
        epoch: i64,
    },
    /// Another process holds it.
    Taken {
        /// Until then, unless it is renewed.
        until: DateTime<Utc>,
    },
}

impl Tx {
    /// Takes a tenant's lease, if nobody holds it or it has run out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acquire_lease(
        &mut self,
        tenant: TenantId,
        holder: Uuid,
        now: DateTime<Utc>,
        ttl: TimeDelta,
    ) -> Result<LeaseGrant, StoreError> {
        let sql = "INSERT INTO leases (tenant_id, holder, epoch, expires_at) VALUES ($1, $2, 1, $3) \
                   ON CONFLICT (tenant_id) DO UPDATE SET holder = excluded.holder, epoch = leases.epoch + 1, \
                   expires_at = excluded.expires_at WHERE leases.expires_at <= $4 RETURNING epoch";
        let taken: Option<(i64,)> = fetch_optional!(
            self,
            (i64,),
            sql,
            tenant.0,
            holder,
            micros(now + ttl),
            micros(now)
        )?;
        if let Some((epoch,)) = taken {
            return Ok(LeaseGrant::Held { epoch });
        }
        let sql = "SELECT expires_at FROM leases WHERE tenant_id = $1";
        let (until,): (DateTime<Utc>,) = fetch_one!(self, (DateTime<Utc>,), sql, tenant.0)?;
        Ok(LeaseGrant::Taken { until })
    }

    /// Makes a lease last longer; `false` when it is no longer held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_lease(
        &mut self,
        tenant: TenantId,
        holder: Uuid,
        epoch: i64,
        now: DateTime<Utc>,
        ttl: TimeDelta,
    ) -> Result<bool, StoreError> {
        let sql =
            "UPDATE leases SET expires_at = $4 WHERE tenant_id = $1 AND holder = $2 AND epoch = $3";
        Ok(execute!(self, sql, tenant.0, holder, epoch, micros(now + ttl))? == 1)
    }

    /// Gives a lease back. From then on it is nobody's: a renewal that comes too late does not take it back, and nothing
    /// more is written under it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(
        &mut self,
        tenant: TenantId,
        holder: Uuid,
        epoch: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE leases SET holder = $4, expires_at = $5 WHERE tenant_id = $1 AND holder = $2 AND epoch = $3";
        execute!(
            self,
            sql,
            tenant.0,
            holder,
            epoch,
            Uuid::nil(),
            DateTime::<Utc>::UNIX_EPOCH
        )?;
        Ok(())
    }

    /// Fails unless the lease is still held; the row stays locked until the transaction ends, so that nobody can take
    /// it meanwhile.
    ///
    /// # Errors
    /// `LeaseLost`.
    pub async fn check_lease(
        &mut self,
        tenant: TenantId,
        holder: Uuid,
        epoch: i64,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE leases SET epoch = epoch WHERE tenant_id = $1 AND holder = $2 AND epoch = $3";
        match execute!(self, sql, tenant.0, holder, epoch)? {
            0 => Err(StoreError::LeaseLost),
            _ => Ok(()),
        }
    }
}
