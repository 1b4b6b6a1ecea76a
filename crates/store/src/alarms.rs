//! How cycles ended, and the alarms that are raised.
//!
//! Invariant: an alarm is changed only by whoever saw its newest version, so that two processes do not both tell of it.

use chrono::{DateTime, Utc};
use innkeeper_domain::alarm::telling::Kept;
use innkeeper_domain::alarm::{CycleEnd, Kind};
use innkeeper_domain::ids::TenantId;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

/// An alarm as it is kept, and which of its versions that is.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRow {
    /// The alarm.
    pub kept: Kept,
    /// Its version, from 1.
    pub version: i64,
}

impl Tx {
    /// Notes how a cycle ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_cycle_end(
        &mut self,
        tenant: TenantId,
        end: &CycleEnd,
    ) -> Result<(), StoreError> {
        let CycleEnd { at, how } = end;
        let sql = "INSERT INTO cycle_ends (tenant_id, ended_at, healthy, body) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (tenant_id, ended_at) DO UPDATE SET healthy = excluded.healthy, body = excluded.body";
        execute!(
            self,
            sql,
            tenant.0,
            micros(*at),
            how.is_healthy(),
            json(how)
        )?;
        Ok(())
    }

    /// How the newest cycles ended, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cycle_ends(
        &mut self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<CycleEnd>, StoreError> {
        let sql = "SELECT ended_at, body FROM cycle_ends WHERE tenant_id = $1 ORDER BY ended_at DESC LIMIT $2";
        let rows: Vec<(DateTime<Utc>, String)> = fetch_all!(
            self,
            (DateTime<Utc>, String),
            sql,
            tenant.0,
            i64::from(limit)
        )?;
        rows.into_iter()
            .map(|(at, body)| {
                let how = from_json("end of a cycle", &body)?;
                Ok(CycleEnd { at, how })
            })
            .collect()
    }

    /// When the last healthy cycle ended. Before any end was noted, the last healthy observation stands for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_healthy_cycle(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT ended_at FROM cycle_ends WHERE tenant_id = $1 AND healthy = $2 ORDER BY ended_at DESC LIMIT 1";
        let row: Option<(DateTime<Utc>,)> =
            fetch_optional!(self, (DateTime<Utc>,), sql, tenant.0, true)?;
        match row {
            Some((at,)) => Ok(Some(at)),
            None => {
                let observation = self.last_healthy_observation(tenant).await?;
                Ok(observation.map(|observation| observation.finished))
            }
        }
    }

    /// When the tenant was first read, or was first to be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_reading(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql =
            "SELECT started_at FROM observations WHERE tenant_id = $1 ORDER BY started_at LIMIT 1";
        let row: Option<(DateTime<Utc>,)> = fetch_optional!(self, (DateTime<Utc>,), sql, tenant.0)?;
        Ok(row.map(|(at,)| at))
    }

    /// The alarms that are raised or were, those of each kind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alarms(&mut self, tenant: TenantId) -> Result<Vec<AlarmRow>, StoreError> {
        let sql = "SELECT version, body FROM alarms WHERE tenant_id = $1 ORDER BY kind";
        let rows: Vec<(i64, String)> = fetch_all!(self, (i64, String), sql, tenant.0)?;
        rows.into_iter()
            .map(|(version, body)| {
                let kept = from_json("alarm", &body)?;
                Ok(AlarmRow { kept, version })
            })
            .collect()
    }

    /// Keeps an alarm in the place of the version that it was made from (0 for none); the new version, or `None` where
    /// somebody else was faster.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_alarm(
        &mut self,
        tenant: TenantId,
        kind: Kind,
        kept: &Kept,
        version: i64,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match version {
            0 => {
                "INSERT INTO alarms (tenant_id, kind, version, body) VALUES ($1, $2, $3 + 1, $4) \
                  ON CONFLICT (tenant_id, kind) DO NOTHING"
            }
            _ => {
                "UPDATE alarms SET version = version + 1, body = $4 WHERE tenant_id = $1 AND kind = $2 AND version = $3"
            }
        };
        let saved = execute!(self, sql, tenant.0, kind.as_str(), version, json(kept))?;
        Ok((saved == 1).then_some(version + 1))
    }
}
