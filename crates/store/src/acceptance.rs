//! The policy that was accepted last, and the one that waits to be.

use chrono::{DateTime, Utc};
use innkeeper_domain::acceptance::Acceptance;
use innkeeper_domain::ids::TenantId;
use roaring::RoaringTreemap;

use crate::error::StoreError;
use crate::given::Given;
use crate::guests::RowKey;
use crate::open::Tx;
use crate::rows::{count, micros};

/// The policy that was accepted last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPolicy {
    /// Its hash.
    pub hash: String,
    /// Its whole text.
    pub text: String,
    /// The version of deciding that it was accepted with.
    pub decision_version: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; `None` when no person was asked.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl AcceptedPolicy {
    /// A policy as it is accepted.
    #[must_use]
    pub fn of(
        hash: &str,
        text: &str,
        decision_version: u32,
        at: DateTime<Utc>,
        acceptance: &Acceptance,
    ) -> Self {
        let (by, reason) = match acceptance {
            Acceptance::First | Acceptance::WithinLimit { .. } => (None, None),
            Acceptance::Person { by, reason } => (Some(by.clone()), Some(reason.clone())),
        };
        Self {
            hash: hash.to_owned(),
            text: text.to_owned(),
            decision_version,
            at,
            by,
            reason,
        }
    }
}

/// A policy that waits for a person to accept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPolicy {
    /// Its hash.
    pub hash: String,
    /// By which version of deciding it would decide.
    pub decision_version: u32,
    /// How many guests it newly affected when it was looked at last.
    pub affected: u64,
    /// How many others before it did without a person, since one accepted a policy last.
    pub before: u64,
    /// How many it may affect without a person.
    pub allowed: u64,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Nothing decides until it is accepted.
    pub held: bool,
}

type Accepted = (
    String,
    String,
    i64,
    DateTime<Utc>,
    Option<String>,
    Option<String>,
);

type Waiting = (String, i64, i64, i64, i64, DateTime<Utc>, bool);

impl Tx {
    /// The policy that was accepted last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accepted_policy(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<AcceptedPolicy>, StoreError> {
        let sql = "SELECT hash, text, decision_version, accepted_at, accepted_by, reason FROM accepted_policies WHERE tenant_id = $1";
        let row: Option<Accepted> = fetch_optional!(self, Accepted, sql, tenant.0)?;
        row.map(|(hash, text, decision, at, by, reason)| {
            Ok(AcceptedPolicy {
                hash,
                text,
                decision_version: version(decision)?,
                at,
                by,
                reason,
            })
        })
        .transpose()
    }

    /// Writes down that a policy is accepted, in place of the one before. None waits after it, and whom edits have newly
    /// affected before is forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accept_policy(
        &mut self,
        tenant: TenantId,
        policy: &AcceptedPolicy,
    ) -> Result<(), StoreError> {
        let AcceptedPolicy {
            hash,
            text,
            decision_version,
            at,
            by,
            reason,
        } = policy;
        let sql = "INSERT INTO accepted_policies (tenant_id, hash, text, decision_version, accepted_at, accepted_by, reason) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id) DO UPDATE SET hash = excluded.hash, \
                   text = excluded.text, decision_version = excluded.decision_version, accepted_at = excluded.accepted_at, \
                   accepted_by = excluded.accepted_by, reason = excluded.reason";
        execute!(
            self,
            sql,
            tenant.0,
            hash.clone(),
            text.clone(),
            i64::from(*decision_version),
            micros(*at),
            by.clone(),
            reason.clone()
        )?;
        let sql = "DELETE FROM affected_guests WHERE tenant_id = $1";
        execute!(self, sql, tenant.0)?;
        self.forget_waiting_policy(tenant).await
    }

    /// Writes down whom edits have newly affected without a person. None of them is written down yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_affected_guests(
        &mut self,
        tenant: TenantId,
        affected: &RoaringTreemap,
    ) -> Result<(), StoreError> {
        let keys: Vec<i64> = affected.iter().map(|key| RowKey::from(key).0).collect();
        let given = Given::rows(keys.len()).integers("guest_key", keys);
        let sql = "INSERT INTO affected_guests (guest_key, tenant_id) SELECT guest_key, $1 FROM given WHERE true";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// The rows of the guests whom edits have newly affected without a person, since one accepted a policy last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn affected_guests(
        &mut self,
        tenant: TenantId,
    ) -> Result<RoaringTreemap, StoreError> {
        let sql = "SELECT guest_key FROM affected_guests WHERE tenant_id = $1";
        let keys: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0)?;
        let keys = keys.into_iter().map(|(key,)| u64::from(RowKey(key)));
        Ok(keys.collect())
    }

    /// The policy that waits to be accepted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_policy(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<WaitingPolicy>, StoreError> {
        let sql = "SELECT hash, decision_version, affected, affected_before, allowed, since, held FROM waiting_policies WHERE tenant_id = $1";
        let row: Option<Waiting> = fetch_optional!(self, Waiting, sql, tenant.0)?;
        row.map(|(hash, decision, affected, before, allowed, since, held)| {
            Ok(WaitingPolicy {
                hash,
                decision_version: version(decision)?,
                affected: count(affected),
                before: count(before),
                allowed: count(allowed),
                since,
                held,
            })
        })
        .transpose()
    }

    /// Writes down that a policy waits, in place of any other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_waiting_policy(
        &mut self,
        tenant: TenantId,
        policy: &WaitingPolicy,
    ) -> Result<(), StoreError> {
        let WaitingPolicy {
            hash,
            decision_version,
            affected,
            before,
            allowed,
            since,
            held,
        } = policy;
        let sql = "INSERT INTO waiting_policies (tenant_id, hash, decision_version, affected, affected_before, allowed, since, held) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id) DO UPDATE SET hash = excluded.hash, \
                   decision_version = excluded.decision_version, affected = excluded.affected, \
                   affected_before = excluded.affected_before, allowed = excluded.allowed, since = excluded.since, held = excluded.held";
        execute!(
            self,
            sql,
            tenant.0,
            hash.clone(),
            i64::from(*decision_version),
            affected.cast_signed(),
            before.cast_signed(),
            allowed.cast_signed(),
            micros(*since),
            *held
        )?;
        Ok(())
    }

    /// Nothing waits any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_waiting_policy(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        let sql = "DELETE FROM waiting_policies WHERE tenant_id = $1";
        execute!(self, sql, tenant.0)?;
        Ok(())
    }
}

fn version(stored: i64) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| StoreError::corrupt("decision version", stored.to_string()))
}
