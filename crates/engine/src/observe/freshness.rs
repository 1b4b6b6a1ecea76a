//! How fresh the eyes are: when anybody last signed in, and whether guests whose sign-in times are all old are truly silent.
//!
//! The sign-in log is the second sense by which the first is judged. It is asked cheaply, one entry; only where no guest's
//! sign-in time is recent it is searched, for one that these times lack. Where it cannot be read nothing is said, and the
//! guests' own times have to do.

use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::observation::{Counts, Silence};
use tracing::warn;

use super::log::MOST;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// `signInActivity` is late by up to a day: what the log has of the last two days says nothing of it.
const LATE: TimeDelta = TimeDelta::days(2);

/// How far back the log is searched: no licence keeps it for less.
const FAR: TimeDelta = TimeDelta::days(7);

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// What the last observation knew of the log does where only changes are read, until it would raise a doubt itself.
    pub(super) async fn keep_freshness(&self, counts: &mut Counts) -> Result<(), CycleError> {
        let bound = self.policy.limits.eyes.newest_log_entry;
        let now = self.clock.now();
        match counts.newest_log_entry {
            Some(newest) if now - newest <= bound => Ok(()),
            Some(_) | None => self.read_freshness(counts).await,
        }
    }

    /// Notes when anybody last signed in, and what the log says of silent guests.
    pub(super) async fn read_freshness(&self, counts: &mut Counts) -> Result<(), CycleError> {
        counts.silence = None;
        counts.newest_log_entry = match self
            .unless_stopped(self.tenant.reader.newest_sign_in())
            .await?
        {
            Ok(newest) => newest,
            Err(error) => {
                warn!(%error, "the sign-in log does not tell how fresh it is; the guests' own sign-in times are judged instead");
                None
            }
        };
        let now = self.clock.now();
        let bound = self.policy.limits.eyes.newest_sign_in;
        let is_old = counts
            .newest_sign_in
            .is_some_and(|newest| now - newest > bound);
        // Of a log that says nothing, nothing follows.
        if is_old && !counts.changes_only && counts.newest_log_entry.is_some() {
            counts.silence = self.search_log(counts.newest_sign_in, now).await?;
        }
        Ok(())
    }

    /// Looks for a guest's sign-in that the guests' sign-in times should show by now.
    async fn search_log(
        &self,
        newest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Option<Silence>, CycleError> {
        let until = now - LATE;
        // The log's entries have fractions of a second that the bound lacks.
        let after = newest.map(|newest| newest + TimeDelta::seconds(1));
        let since = after.map_or(now - FAR, |after| after.max(now - FAR));
        let mut entries = 0;
        let mut pages = pin!(self.tenant.reader.signed_in_between(since, until));
        loop {
            let page = match self.unless_stopped(pages.try_next()).await? {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Some(Silence::Confirmed)),
                Err(error) => {
                    warn!(%error, "whether the guests are silent cannot be told from the sign-in log");
                    return Ok(None);
                }
            };
            entries += page.len();
            if entries > MOST {
                warn!(entries, %since, "there are too many sign-ins to tell by them whether the guests are silent");
                return Ok(None);
            }
            let found = self.newest_of_guests(&page, since..=until).await?;
            if let Some(signed_in) = found {
                return Ok(Some(Silence::Refuted { signed_in }));
            }
        }
    }

    /// The newest of these sign-ins that is a present guest's.
    async fn newest_of_guests(
        &self,
        entries: &[(GuestId, DateTime<Utc>)],
        between: std::ops::RangeInclusive<DateTime<Utc>>,
    ) -> Result<Option<DateTime<Utc>>, CycleError> {
        let within = entries.iter().filter(|(_, at)| between.contains(at));
        let within: Vec<(GuestId, DateTime<Utc>)> = within.copied().collect();
        let mut ids: Vec<GuestId> = within.iter().map(|(id, _)| *id).collect();
        ids.sort();
        ids.dedup();
        let mut tx = self.store.read().await?;
        let known = tx.guests_by_id(self.tenant.id, &ids).await?;
        drop(tx);
        let is_guest = |id: &GuestId| {
            known
                .iter()
                .any(|(_, record)| record.guest.id == *id && record.gone.is_none())
        };
        let of_guests = within.into_iter().filter(|(id, _)| is_guest(id));
        Ok(of_guests.map(|(_, at)| at).max())
    }
}
