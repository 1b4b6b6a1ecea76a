//! Reading the guests' sponsors.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt;
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use innkeeper_graph::{GraphError, SponsorPage};
use innkeeper_store::RowKey;
use roaring::RoaringTreemap;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

/// Pages written in one transaction; a page with sponsors has at most 100 guests.
const PAGES_PER_TRANSACTION: usize = 50;

/// Guests asked for one by one between two looks at the store.
const EACH: usize = 1_000;

/// Of so many guests the sponsors may stay unread: of those who left meanwhile.
fn tolerable(guests: u64) -> u64 {
    guests / 100 + 2
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the sponsors of every guest whose row is in `guests`. Of whom the listing does not tell, each is asked for by
    /// itself: without that, "no sponsor" would be concluded from a page that never came.
    pub(super) async fn read_sponsors(&self, guests: &RoaringTreemap) -> Result<(), CycleError> {
        let mut read = RoaringTreemap::new();
        match self.list_sponsors(guests.len(), &mut read).await {
            Err(CycleError::Graph(GraphError::BadRequest { answered })) => {
                warn!(%answered, "sponsors are not listed along with the guests; each guest is asked for its own");
            }
            other => other?,
        }
        self.read_sponsors_of_each(&(guests - &read), &mut read)
            .await?;
        if (guests - &read).len() > tolerable(guests.len()) {
            return Err(CycleError::SponsorsIncomplete {
                read: read.len(),
                guests: guests.len(),
            });
        }
        Ok(())
    }

    async fn list_sponsors(
        &self,
        guests: u64,
        read: &mut RoaringTreemap,
    ) -> Result<(), CycleError> {
        let pages = self.tenant.reader.sponsors(guests);
        let mut chunks = pin!(pages.try_chunks(PAGES_PER_TRANSACTION));
        while let Some(pages) = self
            .unless_stopped(chunks.try_next())
            .await?
            .map_err(|broken| broken.1)?
        {
            *read |= self.take_in_sponsors(pages).await?;
            self.progress.at(Phase::Sponsors, read.len(), Some(guests));
        }
        Ok(())
    }

    async fn read_sponsors_of_each(
        &self,
        missing: &RoaringTreemap,
        read: &mut RoaringTreemap,
    ) -> Result<(), CycleError> {
        let total = missing.len() + read.len();
        let mut keys = missing.iter().map(RowKey::from);
        loop {
            let some: Vec<RowKey> = keys.by_ref().take(EACH).collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut tx = self.store.read().await?;
            let ids = tx.guest_ids(self.tenant.id, &some).await?;
            drop(tx);
            let pages = self.tenant.reader.sponsors_of_each(&ids);
            let pages = self.unless_stopped(pages.try_collect::<Vec<_>>()).await??;
            *read |= self.take_in_sponsors(pages).await?;
            self.progress.at(Phase::Sponsors, read.len(), Some(total));
        }
    }

    async fn take_in_sponsors(
        &self,
        pages: Vec<SponsorPage>,
    ) -> Result<RoaringTreemap, CycleError> {
        let mut sponsors: BTreeMap<SponsorId, Sponsor> = BTreeMap::new();
        let mut links: Vec<(GuestId, Vec<SponsorId>)> = Vec::new();
        for page in pages {
            sponsors.extend(page.sponsors.into_iter().map(|it| (it.id, it)));
            links.extend(page.guests);
        }
        let sponsors: Vec<Sponsor> = sponsors.into_values().collect();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.save_sponsors(self.tenant.id, &sponsors).await?;
        let keys = tx.set_guest_sponsors(self.tenant.id, &links).await?;
        tx.commit().await?;
        Ok(keys.into_iter().map(u64::from).collect())
    }
}
