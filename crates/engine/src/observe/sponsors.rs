//! Reading the guests' sponsors.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt;
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use innkeeper_graph::{Depth, Reread, SponsorPage};
use roaring::RoaringTreemap;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

/// Pages written in one transaction; a page with sponsors has at most 100 guests.
const PAGES_PER_TRANSACTION: usize = 50;

/// Guests looked at again in one go.
const REREAD: usize = 15;

/// Up to so many guests may be missing from the pass over the sponsors: those who arrived or left meanwhile.
fn tolerable(guests: u64) -> u64 {
    guests / 100 + 2
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the sponsors of every guest whose row is in `guests`. A guest whom the pass did not have is looked at on
    /// its own: without that, "no sponsor" would be concluded from a page that never came.
    pub(super) async fn read_sponsors(&self, guests: &RoaringTreemap) -> Result<(), CycleError> {
        let mut read = RoaringTreemap::new();
        let mut chunks = pin!(
            self.tenant
                .reader
                .sponsors(guests.len())
                .try_chunks(PAGES_PER_TRANSACTION)
        );
        while let Some(pages) = self
            .unless_stopped(chunks.try_next())
            .await?
            .map_err(|broken| broken.1)?
        {
            read |= self.take_in_sponsors(pages).await?;
            self.progress
                .at(Phase::Sponsors, read.len(), Some(guests.len()));
        }
        let missing = guests - &read;
        if missing.len() > tolerable(guests.len()) {
            return Err(CycleError::SponsorsIncomplete {
                read: read.len(),
                guests: guests.len(),
            });
        }
        self.read_missing_sponsors(&missing).await
    }

    async fn read_missing_sponsors(&self, missing: &RoaringTreemap) -> Result<(), CycleError> {
        let mut tx = self.store.read().await?;
        let mut ids = Vec::new();
        for key in missing {
            ids.extend(tx.guest_id(self.tenant.id, key.into()).await?);
        }
        drop(tx);
        for chunk in ids.chunks(REREAD) {
            let answers = self
                .unless_stopped(self.tenant.reader.reread(chunk, Depth::WithoutSignIns))
                .await??;
            let told = answers.into_iter().filter_map(|answer| match answer {
                Reread::Present {
                    guest, sponsors, ..
                } => Some(SponsorPage {
                    guests: vec![(guest.id, sponsors.iter().map(|it| it.id).collect())],
                    sponsors,
                }),
                Reread::Deleted(_) | Reread::Absent(_) => None,
            });
            self.take_in_sponsors(told.collect()).await?;
        }
        Ok(())
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
