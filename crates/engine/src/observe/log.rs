//! Reading the sign-in log: who came back since the last observation.
//!
//! It shows activity and never proves inactivity, so nothing depends on it being there: without it the cycle looks at
//! `signInActivity` again instead, before each step.

use std::collections::HashMap;
use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use innkeeper_domain::ids::GuestId;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How late an entry of the log can appear.
const LATE: TimeDelta = TimeDelta::hours(2);

/// How far back the first observation looks: as late as `signInActivity` can be.
const FIRST: TimeDelta = TimeDelta::hours(24);

/// Entries that are read at most; a tenant whose people sign in more often between two cycles is looked at without the log.
const MOST: usize = 100_000;

/// When each user last signed in, of those who did.
pub(crate) type SignedIn = HashMap<GuestId, DateTime<Utc>>;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Notes who signed in since the last observation; returns for how many guests that was news, or `None` where the log
    /// cannot be read.
    pub(super) async fn read_log(&self, started: DateTime<Utc>) -> Result<Option<u64>, CycleError> {
        let mut tx = self.store.read().await?;
        let last = tx.last_healthy_observation(self.tenant.id).await?;
        drop(tx);
        let since = last.map_or(started - FIRST, |last| last.started - LATE);
        let Some(signed_in) = self.signed_in_since(since).await? else {
            return Ok(None);
        };
        let signed_in: Vec<_> = signed_in.into_iter().collect();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let news = tx.note_logged_in(self.tenant.id, &signed_in).await?;
        tx.commit().await?;
        Ok(Some(news))
    }

    /// Who signed in since then, guests and others; `None` where the log cannot be read, or not in reasonable time.
    pub(crate) async fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Option<SignedIn>, CycleError> {
        let mut signed_in = SignedIn::new();
        let mut entries = 0;
        let mut pages = pin!(self.tenant.reader.signed_in_since(since));
        loop {
            let page = match self.unless_stopped(pages.try_next()).await? {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Some(signed_in)),
                Err(error) => {
                    warn!(%error, "the sign-in log cannot be read; before each step the guest's sign-in activity is read again instead, at ten requests a minute");
                    return Ok(None);
                }
            };
            entries += page.len();
            if entries > MOST {
                warn!(entries, %since, "there are too many sign-ins to read them all; before each step the guest's sign-in activity is read again instead");
                return Ok(None);
            }
            for (user, at) in page {
                let last = signed_in.entry(user).or_insert(at);
                *last = at.max(*last);
            }
        }
    }
}
