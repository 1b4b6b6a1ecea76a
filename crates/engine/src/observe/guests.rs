//! Reading the guests themselves.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::guest::{Guest, GuestRecord, Invitation};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::merge::{Change, merge};
use innkeeper_domain::observation::Counts;
use innkeeper_graph::{GraphError, GuestPage};
use innkeeper_store::{Added, RowKey, Tx};

use roaring::RoaringTreemap;
use tracing::{debug, info};

use super::place::Begun;
use super::spread;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

/// What one pass over the guests gave.
#[derive(Default)]
pub(super) struct Pass {
    /// The row keys of the guests read.
    pub(super) keys: RoaringTreemap,
    pub(super) counts: Counts,
    /// Rows listed, those that came twice among them.
    pub(super) rows: u64,
    /// How long it was waited between pages.
    pub(super) waited: Duration,
    /// Nobody was known when it began, so whoever comes is most likely new.
    pub(super) is_first: bool,
}

/// Pages written in one transaction: enough that the index pages dirtied by random ids are written once for many
/// rows, few enough to stay small in memory.
const PAGES_PER_TRANSACTION: usize = 20;

/// How often a guest may be listed in one reading, on an average.
const LISTED_AGAIN: u64 = 4;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the guests, from where a reading that broke off had come to if Graph still knows the place.
    pub(super) async fn read_guests(
        &self,
        begun: &Begun,
        counted: u64,
    ) -> Result<Pass, CycleError> {
        let mut pass = begun.pass();
        match self
            .read_pages(begun, begun.next(), &mut pass, counted)
            .await
        {
            Err(CycleError::Graph(GraphError::PageTokenLost { answered }))
                if begun.next().is_some() =>
            {
                info!(%answered, "the reading that broke off cannot be gone on with: it begins anew");
                pass = Pass::default();
                self.read_pages(begun, None, &mut pass, counted).await?;
            }
            other => other?,
        }
        Ok(pass)
    }

    async fn read_pages(
        &self,
        begun: &Begun,
        from: Option<&str>,
        pass: &mut Pass,
        counted: u64,
    ) -> Result<(), CycleError> {
        let pages = self.tenant.reader.guests_from(from);
        let mut tx = self.store.read().await?;
        pass.is_first = tx.guest_count(self.tenant.id).await? == 0;
        let last = tx.last_healthy_observation(self.tenant.id).await?;
        drop(tx);
        // What was listed beyond belief before is in the store, and so not asked.
        let known = last.map_or(0, |last| last.counts.guests);
        let most = self.policy.limits.eyes.most_guests(counted, known);
        let until = self.tenant.spread_until;
        // What was read is kept before a wait: a stop in the middle of it shall lose nothing.
        let in_one = until.map_or(PAGES_PER_TRANSACTION, |_| 1);
        let mut chunks = pin!(pages.try_chunks(in_one));
        while let Some(pages) = self
            .unless_stopped(chunks.try_next())
            .await?
            .map_err(|broken| broken.1)?
        {
            let last = pages.last();
            let a_page = last.map_or(0, |page| page.guests.len() as u64);
            let is_more = last.is_some_and(|page| page.next.is_some());
            let rows = |page: &GuestPage| (page.guests.len() + page.unreadable.len()) as u64;
            pass.rows += pages.iter().map(rows).sum::<u64>();
            // Where Graph loses its place a listing begins anew, at most so often.
            if pass.counts.guests > most || pass.rows > most.saturating_mul(LISTED_AGAIN) {
                return Err(CycleError::TooMany {
                    listed: pass.rows,
                    counted,
                    known,
                });
            }
            self.take_in(begun, pages, pass).await?;
            self.progress
                .at(Phase::Guests, pass.counts.guests, Some(counted));
            if let Some(until) = until.filter(|_| is_more) {
                let (now, done) = (self.clock.now(), pass.counts.guests);
                let gap = spread::gap(now, until, done, counted, a_page);
                debug!(seconds = gap.as_secs_f64(), "the next page follows later");
                self.unless_stopped(tokio::time::sleep(gap)).await?;
                pass.waited += gap;
            }
        }
        Ok(())
    }

    async fn take_in(
        &self,
        begun: &Begun,
        pages: Vec<GuestPage>,
        seen: &mut Pass,
    ) -> Result<(), CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let mut place = None;
        for GuestPage {
            guests,
            unreadable,
            next,
        } in pages
        {
            // One is empty where Graph lost its place, or was asked differently.
            let is_empty = guests.is_empty() && unreadable.is_empty();
            seen.counts.pages += u64::from(!is_empty);
            seen.counts.unreadable += unreadable.len() as u64;
            self.take_in_unreadable(&mut tx, &unreadable, seen).await?;
            self.take_in_page(&mut tx, guests, seen).await?;
            place = next;
        }
        if let Some(next) = place {
            self.save_place(&mut tx, begun, next, seen).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// A row without its properties shows that the guest is there, and no more: what was known of it is not known now.
    async fn take_in_unreadable(
        &self,
        tx: &mut Tx,
        unreadable: &[GuestId],
        seen: &mut Pass,
    ) -> Result<(), CycleError> {
        let known = tx.guests_by_id(self.tenant.id, unreadable).await?;
        let doubted = known.into_iter().map(|(_, record)| GuestRecord {
            guest: Guest {
                invitation: Invitation::Unrecognised,
                enabled: None,
                ..record.guest
            },
            reading: Reading::Vanished,
            ..record
        });
        let doubted: Vec<GuestRecord> = doubted.collect();
        for (_, key) in tx
            .save_guests(self.tenant.id, &doubted.iter().collect::<Vec<_>>())
            .await?
        {
            seen.keys.insert(key.into());
        }
        Ok(())
    }

    async fn take_in_page(
        &self,
        tx: &mut Tx,
        guests: Vec<Guest>,
        seen: &mut Pass,
    ) -> Result<(), CycleError> {
        let now = self.clock.now();
        // Graph may list an object twice in one pass, even on one page.
        let mut on_this_page = HashSet::new();
        let guests = guests.into_iter();
        let mut guests: Vec<Guest> = guests
            .filter(|guest| on_this_page.insert(guest.id))
            .collect();
        if seen.is_first {
            guests = self.add(tx, guests, seen).await?;
        }
        let ids: Vec<GuestId> = guests.iter().map(|guest| guest.id).collect();
        let known = tx.guests_by_id(self.tenant.id, &ids).await?;
        let known: HashMap<GuestId, (RowKey, GuestRecord)> = known
            .into_iter()
            .map(|(key, record)| (record.guest.id, (key, record)))
            .collect();
        let mut to_write = Vec::new();
        for guest in guests {
            let before = known.get(&guest.id);
            let (record, change) = merge(before.map(|(_, record)| record), guest, now);
            match before {
                Some((key, _)) if seen.keys.contains((*key).into()) => continue,
                Some((key, _)) => _ = seen.keys.insert((*key).into()),
                None => {}
            }
            seen.count(&record, change);
            match change {
                Change::Unchanged => {}
                Change::New | Change::Changed => to_write.push(record),
            }
        }
        for (_, key) in tx
            .save_guests(self.tenant.id, &to_write.iter().collect::<Vec<_>>())
            .await?
        {
            seen.keys.insert(key.into());
        }
        Ok(())
    }

    /// Writes down who is new without asking first what is known of whom; gives back the others, to be joined with that.
    async fn add(
        &self,
        tx: &mut Tx,
        guests: Vec<Guest>,
        seen: &mut Pass,
    ) -> Result<Vec<Guest>, CycleError> {
        let now = self.clock.now();
        let records = guests.into_iter().map(|guest| merge(None, guest, now).0);
        let records: Vec<GuestRecord> = records.collect();
        let Added { keys, known } = tx
            .add_guests(self.tenant.id, &records.iter().collect::<Vec<_>>())
            .await?;
        seen.keys.extend(keys.into_iter().map(u64::from));
        let mut others = Vec::new();
        for record in records {
            if known.contains(&record.guest.id) {
                others.push(record.guest);
            } else {
                seen.count(&record, Change::New);
            }
        }
        Ok(others)
    }
}

impl Pass {
    fn count(&mut self, record: &GuestRecord, change: Change) {
        let counts = &mut self.counts;
        counts.guests += 1;
        match change {
            Change::New => counts.new += 1,
            Change::Changed | Change::Unchanged => {}
        }
        match record.reading {
            Reading::Fresh => counts.with_sign_ins += 1,
            Reading::Never => {}
            Reading::Vanished => counts.vanished += 1,
            Reading::Regressed => counts.regressed += 1,
        }
        counts.newest_sign_in = counts.newest_sign_in.max(record.guest.sign_ins.last());
    }
}
