//! What guests had before something was taken away.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, IntentId, TenantId};
use innkeeper_domain::snapshot::Snapshot;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{from_json, json};

impl Tx {
    /// Keeps snapshots, each with the intent before which it was taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_snapshots(
        &mut self,
        tenant: TenantId,
        at: DateTime<Utc>,
        snapshots: &[(IntentId, GuestId, Snapshot)],
    ) -> Result<(), StoreError> {
        let bodies: Vec<String> = snapshots.iter().map(|(_, _, body)| json(body)).collect();
        let given = Given::rows(snapshots.len())
            .ids("intent_id", snapshots.iter().map(|(intent, _, _)| intent.0))
            .ids("guest_id", snapshots.iter().map(|(_, guest, _)| guest.0))
            .times("taken_at", snapshots.iter().map(|_| at))
            .texts("body", bodies.iter().map(String::as_str));
        let sql = "INSERT INTO snapshots (intent_id, tenant_id, guest_id, taken_at, body) \
                   SELECT intent_id, $1, guest_id, taken_at, body FROM given";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// The oldest snapshot of a guest that is not older than `since`: what it had before anything was taken away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn snapshot(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        since: DateTime<Utc>,
    ) -> Result<Option<Snapshot>, StoreError> {
        let sql = "SELECT body FROM snapshots WHERE tenant_id = $1 AND guest_id = $2 AND taken_at >= $3 \
                   ORDER BY taken_at LIMIT 1";
        let row: Option<(String,)> = fetch_optional!(
            self,
            (String,),
            sql,
            tenant.0,
            guest.0,
            crate::rows::micros(since)
        )?;
        row.map(|(body,)| from_json("snapshot", &body)).transpose()
    }
}
