//! Reading the sign-in log: who came back since the last observation.
//!
//! It shows activity and never proves inactivity, so nothing depends on it being there: without it the cycle looks at
//! `signInActivity` again instead, before each step.

use std::collections::HashMap;
use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::ids::GuestId;
use innkeeper_graph::GraphError;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How late an entry of the log can appear.
const LATE: TimeDelta = TimeDelta::hours(2);

/// How far back the first observation looks: as late as `signInActivity` can be.
const FIRST: TimeDelta = TimeDelta::hours(24);

/// Entries that are read at most; a tenant whose people sign in more often between two cycles is looked at without the log.
pub(super) const MOST: usize = 100_000;

/// Sign-ins as the log lists them.
type Entries = Vec<(GuestId, DateTime<Utc>)>;

/// What the log answers.
enum Page {
    Read(Entries),
    End,
    /// It cannot be read, or not in reasonable time.
    Unreadable,
}

/// When each user last signed in, of those who did.
pub(crate) type SignedIn = HashMap<GuestId, DateTime<Utc>>;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Notes who signed in since the last observation, page by page, since that can be as many as there are guests; returns
    /// how often that was news, or `None` where the log cannot be read. What was noted until then is true all the same.
    pub(super) async fn read_log(&self, started: DateTime<Utc>) -> Result<Option<u64>, CycleError> {
        let mut tx = self.store.read().await?;
        let last = tx.last_healthy_observation(self.tenant.id).await?;
        drop(tx);
        let since = last.map_or(started - FIRST, |last| last.started - LATE);
        let mut pages = pin!(self.tenant.reader.signed_in_since(since));
        let (mut news, mut entries) = (0, 0);
        loop {
            let page = match self.next_page(&mut pages, &mut entries).await? {
                Page::Read(page) => page,
                Page::End => return Ok(Some(news)),
                Page::Unreadable => return Ok(None),
            };
            let mut signed_in = SignedIn::new();
            join(&mut signed_in, page);
            let signed_in: Vec<_> = signed_in.into_iter().collect();
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            news += tx.note_logged_in(self.tenant.id, &signed_in).await?;
            tx.commit().await?;
        }
    }

    /// Who signed in since then, guests and others; `None` where the log cannot be read, or not in reasonable time.
    pub(crate) async fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Option<SignedIn>, CycleError> {
        let mut pages = pin!(self.tenant.reader.signed_in_since(since));
        let (mut signed_in, mut entries) = (SignedIn::new(), 0);
        loop {
            match self.next_page(&mut pages, &mut entries).await? {
                Page::Read(page) => join(&mut signed_in, page),
                Page::End => return Ok(Some(signed_in)),
                Page::Unreadable => return Ok(None),
            }
        }
    }

    async fn next_page(
        &self,
        pages: &mut (impl Stream<Item = Result<Entries, GraphError>> + Unpin),
        entries: &mut usize,
    ) -> Result<Page, CycleError> {
        let page = match self.unless_stopped(pages.try_next()).await? {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(Page::End),
            Err(error) => {
                warn!(%error, "the sign-in log cannot be read; before each step the guest's sign-in activity is read again instead, at ten requests a minute");
                return Ok(Page::Unreadable);
            }
        };
        *entries += page.len();
        if *entries > MOST {
            warn!(
                entries,
                "there are too many sign-ins to read them all; before each step the guest's sign-in activity is read again instead"
            );
            return Ok(Page::Unreadable);
        }
        Ok(Page::Read(page))
    }
}

/// Keeps the newest of each user.
fn join(signed_in: &mut SignedIn, page: Entries) {
    for (user, at) in page {
        let last = signed_in.entry(user).or_insert(at);
        *last = at.max(*last);
    }
}
