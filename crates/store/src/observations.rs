//! Observations: when a tenant was read, what was counted, and whether it can be believed.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{ObservationId, TenantId};
use innkeeper_domain::observation::Observation;
use innkeeper_domain::watch::Watched;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

/// One reading of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationRow {
    /// Its id.
    pub id: ObservationId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How it went.
    pub state: ObservationState,
}

/// How a reading went.
#[derive(Clone, Debug, PartialEq)]
pub enum ObservationState {
    /// It is under way, or its process died.
    Running,
    /// Everything was read.
    Complete(Box<Observation>),
    /// It was discarded.
    Failed {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        error: String,
    },
}

/// A query for [`Columns`].
macro_rules! select_observations {
    ($rest:literal) => {
        concat!(
            "SELECT observation_id, started_at, state, finished_at, watched, counts, health, error FROM observations ",
            $rest
        )
    };
}

struct Columns {
    observation_id: Uuid,
    started_at: DateTime<Utc>,
    state: String,
    finished_at: Option<DateTime<Utc>>,
    watched: Option<i64>,
    counts: Option<String>,
    health: Option<String>,
    error: Option<String>,
}

from_row!(Columns {
    observation_id,
    started_at,
    state,
    finished_at,
    watched,
    counts,
    health,
    error
});

impl Columns {
    fn complete(&self) -> Result<Observation, StoreError> {
        let (Some(finished), Some(watched), Some(counts), Some(health)) =
            (self.finished_at, self.watched, &self.counts, &self.health)
        else {
            return Err(StoreError::corrupt(
                "complete observation",
                self.observation_id,
            ));
        };
        Ok(Observation {
            id: self.observation_id.into(),
            started: self.started_at,
            finished,
            counts: from_json("observation's counts", counts)?,
            health: from_json("observation's health", health)?,
            watched: Watched(watched),
        })
    }

    fn row(self) -> Result<ObservationRow, StoreError> {
        let state = match self.state.as_str() {
            "running" => ObservationState::Running,
            "complete" => ObservationState::Complete(Box::new(self.complete()?)),
            "failed" => ObservationState::Failed {
                at: self.finished_at.unwrap_or(self.started_at),
                error: self.error.unwrap_or_default(),
            },
            other => return Err(StoreError::corrupt("state of an observation", other)),
        };
        Ok(ObservationRow {
            id: self.observation_id.into(),
            started: self.started_at,
            state,
        })
    }
}

impl Tx {
    /// Notes that a reading begins. It is numbered, since a clock can stand still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_observation(
        &mut self,
        tenant: TenantId,
        id: ObservationId,
        started: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO observations (observation_id, tenant_id, started_at, state, number) \
                   VALUES ($1, $2, $3, 'running', (SELECT COALESCE(MAX(number), 0) + 1 FROM observations WHERE tenant_id = $2)) \
                   ON CONFLICT (observation_id) DO UPDATE SET state = 'running'";
        execute!(self, sql, id.0, tenant.0, micros(started))?;
        Ok(())
    }

    /// Notes that everything was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_observation(
        &mut self,
        tenant: TenantId,
        observation: &Observation,
    ) -> Result<(), StoreError> {
        let Observation {
            id,
            started: _,
            finished,
            counts,
            health,
            watched,
        } = observation;
        let sql = "UPDATE observations SET state = 'complete', finished_at = $3, healthy = $4, watched = $5, counts = $6, health = $7 \
                   WHERE tenant_id = $1 AND observation_id = $2";
        execute!(
            self,
            sql,
            tenant.0,
            id.0,
            micros(*finished),
            health.is_healthy(),
            watched.0,
            json(counts),
            json(health)
        )?;
        Ok(())
    }

    /// Notes that a reading was discarded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_observation(
        &mut self,
        tenant: TenantId,
        id: ObservationId,
        at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE observations SET state = 'failed', finished_at = $3, error = $4 WHERE tenant_id = $1 AND observation_id = $2";
        execute!(self, sql, tenant.0, id.0, micros(at), error.to_owned())?;
        Ok(())
    }

    /// The newest complete observation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_observation(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<Observation>, StoreError> {
        let sql = select_observations!(
            "WHERE tenant_id = $1 AND state = 'complete' ORDER BY started_at DESC, number DESC LIMIT 1"
        );
        fetch_optional!(self, Columns, sql, tenant.0)?
            .map(|columns| columns.complete())
            .transpose()
    }

    /// The newest complete observation that could be believed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_healthy_observation(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<Observation>, StoreError> {
        let sql = select_observations!(
            "WHERE tenant_id = $1 AND state = 'complete' AND healthy = $2 ORDER BY started_at DESC, number DESC LIMIT 1"
        );
        fetch_optional!(self, Columns, sql, tenant.0, true)?
            .map(|columns| columns.complete())
            .transpose()
    }

    /// The newest readings, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observations(
        &mut self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<ObservationRow>, StoreError> {
        let sql = select_observations!(
            "WHERE tenant_id = $1 ORDER BY started_at DESC, number DESC LIMIT $2"
        );
        fetch_all!(self, Columns, sql, tenant.0, i64::from(limit))?
            .into_iter()
            .map(Columns::row)
            .collect()
    }

    /// From where changes are read the next time, as it was saved.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_marks(&mut self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT body FROM change_marks WHERE tenant_id = $1";
        let row: Option<(String,)> = fetch_optional!(self, (String,), sql, tenant.0)?;
        Ok(row.map(|(body,)| body))
    }

    /// Keeps from where changes are read the next time; `None` has everything read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_change_marks(
        &mut self,
        tenant: TenantId,
        marks: Option<&str>,
    ) -> Result<(), StoreError> {
        match marks {
            Some(marks) => {
                let sql = "INSERT INTO change_marks (tenant_id, body) VALUES ($1, $2) \
                           ON CONFLICT (tenant_id) DO UPDATE SET body = excluded.body";
                execute!(self, sql, tenant.0, marks.to_owned())?;
            }
            None => {
                execute!(
                    self,
                    "DELETE FROM change_marks WHERE tenant_id = $1",
                    tenant.0
                )?;
            }
        }
        Ok(())
    }

    /// How far the reading under way has come, as it was saved.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reading_place(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT body, seen FROM reading_places WHERE tenant_id = $1";
        Ok(fetch_optional!(self, (String, Vec<u8>), sql, tenant.0)?)
    }

    /// Keeps how far the reading under way has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_reading_place(
        &mut self,
        tenant: TenantId,
        body: &str,
        seen: &[u8],
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO reading_places (tenant_id, body, seen) VALUES ($1, $2, $3) \
                   ON CONFLICT (tenant_id) DO UPDATE SET body = excluded.body, seen = excluded.seen";
        execute!(self, sql, tenant.0, body.to_owned(), seen.to_vec())?;
        Ok(())
    }

    /// Forgets how far a reading has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_reading_place(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        execute!(
            self,
            "DELETE FROM reading_places WHERE tenant_id = $1",
            tenant.0
        )?;
        Ok(())
    }
}
