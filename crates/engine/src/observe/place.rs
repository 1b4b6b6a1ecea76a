//! How far a reading has come, kept with what was read: a process that dies need not have read it in vain. At ten requests
//! a minute a large tenant takes its time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::ObservationId;
use innkeeper_domain::observation::Counts;
use innkeeper_graph::ChangesSince;
use innkeeper_store::Tx;
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};
use tracing::info;
use uuid::Uuid;

use super::guests::Pass;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How old a place may be to go on from. What was read before it is so much older than what follows, and Graph does not
/// say how long it knows a place.
const LASTS: TimeDelta = TimeDelta::minutes(30);

/// A reading that has begun, perhaps by another process.
pub(super) struct Begun {
    pub(super) id: ObservationId,
    pub(super) started: DateTime<Utc>,
    /// From where changes can be read that come after it.
    pub(super) from_now: Option<ChangesSince>,
    place: Option<(Place, RoaringTreemap)>,
}

/// A place as it is kept.
#[derive(Clone, Serialize, Deserialize)]
struct Place {
    observation: Uuid,
    started: DateTime<Utc>,
    saved: DateTime<Utc>,
    from_now: Option<String>,
    next: String,
    #[serde(default)]
    selected: String,
    counts: Counts,
}

impl Begun {
    pub(super) fn anew(
        id: ObservationId,
        started: DateTime<Utc>,
        from_now: Option<ChangesSince>,
    ) -> Self {
        Self {
            id,
            started,
            from_now,
            place: None,
        }
    }

    /// Where to go on from.
    pub(super) fn next(&self) -> Option<&str> {
        self.place.as_ref().map(|(place, _)| place.next.as_str())
    }

    /// What was read up to there.
    pub(super) fn pass(&self) -> Pass {
        let Some((place, keys)) = &self.place else {
            return Pass::default();
        };
        Pass {
            keys: keys.clone(),
            counts: place.counts.clone(),
            rows: place.counts.guests,
            waited: Duration::ZERO,
            is_first: false,
        }
    }
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// A whole reading that broke off a short while ago, and that can be gone on with.
    pub(super) async fn broken_off(&self, now: DateTime<Utc>) -> Result<Option<Begun>, CycleError> {
        let mut tx = self.store.read().await?;
        let kept = tx.reading_place(self.tenant.id).await?;
        drop(tx);
        let Some((body, seen)) = kept else {
            return Ok(None);
        };
        let place: Option<Place> = serde_json::from_str(&body).ok();
        let keys = RoaringTreemap::deserialize_from(seen.as_slice()).ok();
        let Some((place, keys)) = place.zip(keys) else {
            return Ok(None);
        };
        // A reading for which no changes can be followed serves a cycle that wants to, but not the other way round.
        let age = now - place.saved;
        if age < TimeDelta::zero() || age > LASTS || place.selected != self.tenant.reader.selected()
        {
            return Ok(None);
        }
        info!(guests = place.counts.guests, started = %place.started, "a reading that broke off is gone on with");
        Ok(Some(Begun {
            id: place.observation.into(),
            started: place.started,
            from_now: place.from_now.clone().map(ChangesSince),
            place: Some((place, keys)),
        }))
    }

    pub(super) async fn save_place(
        &self,
        tx: &mut Tx,
        begun: &Begun,
        next: String,
        pass: &Pass,
    ) -> Result<(), CycleError> {
        let place = Place {
            observation: begun.id.0,
            started: begun.started,
            saved: self.clock.now(),
            from_now: begun.from_now.clone().map(|since| since.0),
            next,
            selected: self.tenant.reader.selected(),
            counts: pass.counts.clone(),
        };
        let body =
            serde_json::to_string(&place).expect("a place has no map with keys other than text");
        let mut seen = Vec::with_capacity(pass.keys.serialized_size());
        pass.keys
            .serialize_into(&mut seen)
            .expect("writing to memory does not fail");
        tx.save_reading_place(self.tenant.id, &body, &seen).await?;
        Ok(())
    }
}
