//! What people decided about guests. Kept by the guest's object id, so that a hold outlives the row of a guest who was
//! deleted and is restored.

use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::decision::{Decision, Order, OrderKind};
use innkeeper_domain::ids::{GuestId, TenantId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

/// The columns of a decision.
pub(crate) struct Columns {
    guest_id: Uuid,
    kind: String,
    day: Option<String>,
    reason: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
}

from_row!(Columns {
    guest_id,
    kind,
    day,
    reason,
    decided_by,
    decided_at
});

impl Columns {
    pub(crate) fn decision(self) -> Result<(GuestId, Decision), StoreError> {
        let corrupt = || StoreError::corrupt("decision about a guest", &self.kind);
        let kind = OrderKind::parse(&self.kind).ok_or_else(corrupt)?;
        let day = self.day.as_deref().map(str::parse::<NaiveDate>);
        let day = day.transpose().map_err(|_| corrupt())?;
        let decision = Decision {
            order: Order::of(kind, day).ok_or_else(corrupt)?,
            reason: self.reason,
            by: self.decided_by,
            at: self.decided_at,
        };
        Ok((self.guest_id.into(), decision))
    }
}

impl Tx {
    /// Keeps a decision about a guest, in the place of an earlier one of its kind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_decision(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let Decision {
            order,
            reason,
            by,
            at,
        } = decision;
        let sql = "INSERT INTO decisions (tenant_id, guest_id, kind, day, reason, decided_by, decided_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, guest_id, kind) DO UPDATE SET \
                   day = excluded.day, reason = excluded.reason, decided_by = excluded.decided_by, decided_at = excluded.decided_at";
        execute!(
            self,
            sql,
            tenant.0,
            guest.0,
            order.kind().as_str(),
            order.day().map(|day| day.to_string()),
            reason.clone(),
            by.clone(),
            micros(*at)
        )?;
        Ok(())
    }

    /// Forgets the decision of a kind about a guest; returns it if there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_decision(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        kind: OrderKind,
    ) -> Result<Option<Decision>, StoreError> {
        let sql = "DELETE FROM decisions WHERE tenant_id = $1 AND guest_id = $2 AND kind = $3 \
                   RETURNING guest_id, kind, day, reason, decided_by, decided_at";
        let removed = fetch_optional!(self, Columns, sql, tenant.0, guest.0, kind.as_str())?;
        let removed = removed.map(Columns::decision).transpose()?;
        Ok(removed.map(|(_, decision)| decision))
    }

    /// The decisions about a guest, ordered by kind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions_of(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Vec<Decision>, StoreError> {
        let sql = "SELECT guest_id, kind, day, reason, decided_by, decided_at FROM decisions \
                   WHERE tenant_id = $1 AND guest_id = $2 ORDER BY kind";
        let found = fetch_all!(self, Columns, sql, tenant.0, guest.0)?;
        let decision = |columns: Columns| columns.decision().map(|(_, decision)| decision);
        found.into_iter().map(decision).collect()
    }

    /// Every decision about a guest, ordered by guest and kind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions(
        &mut self,
        tenant: TenantId,
    ) -> Result<Vec<(GuestId, Decision)>, StoreError> {
        let sql = "SELECT guest_id, kind, day, reason, decided_by, decided_at FROM decisions \
                   WHERE tenant_id = $1 ORDER BY guest_id, kind";
        fetch_all!(self, Columns, sql, tenant.0)?
            .into_iter()
            .map(Columns::decision)
            .collect()
    }
}
