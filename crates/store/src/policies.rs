//! The texts of the policies that were ever in force, by their hashes.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::TenantId;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

impl Tx {
    /// Keeps a policy's text; `true` when it was not known before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_policy(
        &mut self,
        tenant: TenantId,
        hash: &str,
        text: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO policies (tenant_id, hash, text, first_seen_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        Ok(execute!(
            self,
            sql,
            tenant.0,
            hash.to_owned(),
            text.to_owned(),
            micros(at)
        )? == 1)
    }

    /// The text of a policy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_text(
        &mut self,
        tenant: TenantId,
        hash: &str,
    ) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM policies WHERE tenant_id = $1 AND hash = $2";
        let text: Option<(String,)> =
            fetch_optional!(self, (String,), sql, tenant.0, hash.to_owned())?;
        Ok(text.map(|(text,)| text))
    }
}
