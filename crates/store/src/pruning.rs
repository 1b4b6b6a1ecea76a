//! What is let go of besides observations and plans: actions that can no longer be undone and count for nothing, closed
//! cases, answers that newer ones have replaced, ends of cycles, people whom nobody has any more, and at last the guests
//! themselves.
//!
//! Invariant: what is let go of changes no verdict and no undoing. Where that is not plain, it stays.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::micros;

/// How long Entra keeps a deleted account, and a day: so long its deletion may be undone.
const UNDOABLE: TimeDelta = TimeDelta::days(31);

/// Tables that hang on the row of a guest.
const OF_A_GUEST: [&str; 10] = [
    "DELETE FROM guest_sponsors WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM former_sponsors WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM memberships WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM guest_roles WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM inviters WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM marks WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM guest_states WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM guest_access WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM affected_guests WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
    "DELETE FROM cases WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
];

impl Tx {
    /// Removes at most `limit` intents that were concluded and are from before a time, the oldest first, with their outcomes
    /// and snapshots; returns how many. What takes something away stays as long as it may be undone or counts for a guest
    /// who is there: while its account is disabled by us, while it may be restored, and once somebody has brought it back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_actions(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT i.intent_id FROM intents i \
                   JOIN outcomes o ON o.intent_id = i.intent_id \
                   LEFT JOIN guests g ON g.tenant_id = i.tenant_id AND g.guest_id = i.guest_id \
                   WHERE i.tenant_id = $1 AND i.created_at < $2 AND o.concluded_at < $2 \
                   AND (i.call = '{\"call\":\"flag\"}' OR i.call LIKE '{\"call\":\"notify\",%' \
                   OR i.call LIKE '{\"call\":\"resend-invitation\",%' OR g.guest_key IS NULL \
                   OR (g.gone_at IS NULL AND g.disabled_by_us_at IS NULL AND g.revived_at IS NULL) \
                   OR (g.gone_at IS NOT NULL AND (g.deleted_by_us_at IS NULL OR g.deleted_by_us_at < $3))) \
                   ORDER BY i.created_at LIMIT $4";
        let old: Vec<(Uuid,)> = fetch_all!(
            self,
            (Uuid,),
            sql,
            tenant.0,
            micros(before),
            micros(now - UNDOABLE),
            i64::from(limit)
        )?;
        let statements = [
            "DELETE FROM snapshots WHERE tenant_id = $1 AND intent_id IN (SELECT intent_id FROM given)",
            "DELETE FROM outcomes WHERE tenant_id = $1 AND intent_id IN (SELECT intent_id FROM given)",
            "DELETE FROM intents WHERE tenant_id = $1 AND intent_id IN (SELECT intent_id FROM given)",
        ];
        self.let_go(tenant, "intent_id", &old, &statements).await
    }

    /// Removes at most `limit` cases that closed before a time, the oldest first; returns how many. They go on counting
    /// among a guest's previous ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_cases(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT case_id FROM cases WHERE tenant_id = $1 AND closed_at < $2 ORDER BY closed_at LIMIT $3";
        let old: Vec<(Uuid,)> = fetch_all!(
            self,
            (Uuid,),
            sql,
            tenant.0,
            micros(before),
            i64::from(limit)
        )?;
        let statements = [
            "UPDATE guests SET cases_let_go = cases_let_go + (SELECT COUNT(*) FROM cases c \
             WHERE c.guest_key = guests.guest_key AND c.case_id IN (SELECT case_id FROM given)) \
             WHERE tenant_id = $1 AND guest_key IN \
             (SELECT guest_key FROM cases WHERE tenant_id = $1 AND case_id IN (SELECT case_id FROM given))",
            "DELETE FROM cases WHERE tenant_id = $1 AND case_id IN (SELECT case_id FROM given)",
        ];
        self.let_go(tenant, "case_id", &old, &statements).await
    }

    /// Removes at most `limit` answers from before a time that a newer one of the same person has replaced; returns how
    /// many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_attestations(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "DELETE FROM attestations WHERE attestation_key IN (SELECT a.attestation_key FROM attestations a \
                   WHERE a.tenant_id = $1 AND a.said_at < $2 AND EXISTS (SELECT 1 FROM attestations n \
                   WHERE n.tenant_id = a.tenant_id AND n.guest_id = a.guest_id AND n.person = a.person \
                   AND n.said_at > a.said_at) ORDER BY a.attestation_key LIMIT $3)";
        let limit = i64::from(limit);
        Ok(execute!(self, sql, tenant.0, micros(before), limit)?)
    }

    /// Removes the ends of cycles from before a time, but for the newest few, by which alarms are judged, and the last
    /// healthy one; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_cycle_ends(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        kept: u32,
    ) -> Result<u64, StoreError> {
        let sql = "DELETE FROM cycle_ends WHERE tenant_id = $1 AND ended_at < $2 AND ended_at NOT IN \
                   (SELECT ended_at FROM (SELECT ended_at FROM cycle_ends WHERE tenant_id = $1 \
                   ORDER BY ended_at DESC LIMIT $3) AS newest) AND ended_at NOT IN \
                   (SELECT MAX(ended_at) FROM cycle_ends WHERE tenant_id = $1 AND healthy = $4 HAVING COUNT(*) > 0)";
        let kept = i64::from(kept);
        Ok(execute!(self, sql, tenant.0, micros(before), kept, true)?)
    }

    /// Removes people who have left the directory and whom nobody has any more; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_sponsors(&mut self, tenant: TenantId) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sponsors WHERE tenant_id = $1 AND departed = $2 \
                   AND NOT EXISTS (SELECT 1 FROM guest_sponsors s WHERE s.tenant_id = $1 AND s.sponsor_id = sponsors.sponsor_id) \
                   AND NOT EXISTS (SELECT 1 FROM former_sponsors s WHERE s.tenant_id = $1 AND s.sponsor_id = sponsors.sponsor_id) \
                   AND NOT EXISTS (SELECT 1 FROM group_owners o WHERE o.tenant_id = $1 AND o.sponsor_id = sponsors.sponsor_id) \
                   AND NOT EXISTS (SELECT 1 FROM managers m WHERE m.tenant_id = $1 AND m.manager_id = sponsors.sponsor_id) \
                   AND NOT EXISTS (SELECT 1 FROM inviters i WHERE i.tenant_id = $1 AND i.inviter_id = sponsors.sponsor_id)";
        Ok(execute!(self, sql, tenant.0, true)?)
    }

    /// Removes at most `limit` guests who have been gone since before a time, whose data was erased and of whom no action is
    /// kept any more; returns how many. What was decided and said about them goes with them, but nobody on hold does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_guests(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT g.guest_key, g.guest_id FROM guests g WHERE g.tenant_id = $1 AND g.gone_at < $2 \
                   AND g.erased_at >= g.gone_at \
                   AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.tenant_id = $1 AND i.guest_id = g.guest_id) \
                   AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.tenant_id = $1 AND d.guest_id = g.guest_id AND d.kind = 'hold') \
                   ORDER BY g.gone_at LIMIT $3";
        let old: Vec<(i64, Uuid)> = fetch_all!(
            self,
            (i64, Uuid),
            sql,
            tenant.0,
            micros(before),
            i64::from(limit)
        )?;
        let given = Given::rows(old.len())
            .integers("guest_key", old.iter().map(|(key, _)| *key))
            .ids("guest_id", old.iter().map(|(_, guest)| *guest));
        for sql in OF_A_GUEST.into_iter().chain([
            "DELETE FROM decisions WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)",
            "DELETE FROM attestations WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)",
            "DELETE FROM managers WHERE tenant_id = $1 AND user_id IN (SELECT guest_id FROM given)",
            "DELETE FROM guests WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)",
        ]) {
            self.execute_given(tenant, &given, sql).await?;
        }
        Ok(old.len() as u64)
    }

    /// Runs these statements over rows that have had their time; returns how many rows.
    pub(crate) async fn let_go(
        &mut self,
        tenant: TenantId,
        id: &'static str,
        old: &[(Uuid,)],
        statements: &[&str],
    ) -> Result<u64, StoreError> {
        let given = Given::rows(old.len()).ids(id, old.iter().map(|(id,)| *id));
        for sql in statements {
            self.execute_given(tenant, &given, sql).await?;
        }
        Ok(old.len() as u64)
    }
}
