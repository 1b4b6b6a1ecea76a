//! The journal: appended to, never edited, each entry chained to the one before.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::{Entry, Event, GENESIS, Hash};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{json, micros};

/// The first entry at which the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is broken at entry {seq}: {why}")]
pub struct BrokenAt {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub why: &'static str,
}

struct Columns {
    seq: i64,
    at: DateTime<Utc>,
    guest_id: Option<Uuid>,
    body: String,
    hash: Vec<u8>,
}

from_row!(Columns {
    seq,
    at,
    guest_id,
    body,
    hash
});

impl Columns {
    fn entry(self) -> Result<Entry, StoreError> {
        let hash = hash(self.hash)?;
        Ok(Entry {
            seq: self.seq,
            at: self.at,
            guest: self.guest_id.map(GuestId::from),
            body: self.body,
            hash,
        })
    }
}

fn hash(bytes: Vec<u8>) -> Result<Hash, StoreError> {
    Hash::try_from(bytes)
        .map_err(|bytes| StoreError::corrupt("hash", format!("{} bytes", bytes.len())))
}

/// Entries written at once: the first cycle of a tenant has one for each guest, and they are not held twice.
const APPENDED: usize = 5_000;

/// Entries read at once while the chain is verified.
const PAGE: u32 = 1_000;

impl Tx {
    /// Appends events, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append(
        &mut self,
        tenant: TenantId,
        at: DateTime<Utc>,
        events: &[(Option<GuestId>, Event)],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let at = micros(at);
        // Taking the head's row keeps others from appending until this transaction ends.
        let sql = "INSERT INTO journal_heads (tenant_id, seq, hash) VALUES ($1, 0, $2) \
                   ON CONFLICT (tenant_id) DO UPDATE SET seq = journal_heads.seq RETURNING seq, hash";
        let (mut seq, head): (i64, Vec<u8>) =
            fetch_one!(self, (i64, Vec<u8>), sql, tenant.0, GENESIS.to_vec())?;
        let mut head = hash(head)?;
        let sql = "INSERT INTO journal (tenant_id, seq, at, guest_id, body, hash) SELECT $1, seq, at, guest_id, body, hash FROM given";
        for events in events.chunks(APPENDED) {
            let mut entries = Vec::with_capacity(events.len());
            for (guest, event) in events {
                seq += 1;
                let entry = Entry::sealed(tenant, seq, at, *guest, json(event), &head);
                head = entry.hash;
                entries.push(entry);
            }
            let guests = entries.iter().map(|entry| entry.guest.map(|guest| guest.0));
            let given = Given::rows(entries.len())
                .integers("seq", entries.iter().map(|entry| entry.seq))
                .times("at", entries.iter().map(|entry| entry.at))
                .ids("guest_id", guests)
                .texts("body", entries.iter().map(|entry| entry.body.as_str()))
                .bytes("hash", entries.iter().map(|entry| entry.hash.as_slice()));
            self.execute_given(tenant, &given, sql).await?;
        }
        let sql = "UPDATE journal_heads SET seq = $2, hash = $3 WHERE tenant_id = $1";
        execute!(self, sql, tenant.0, seq, head.to_vec())?;
        Ok(())
    }

    /// At most `limit` entries after the one numbered `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal(
        &mut self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.columns(tenant, after, limit)
            .await?
            .into_iter()
            .map(Columns::entry)
            .collect()
    }

    /// Every entry about a guest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_of(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT seq, at, guest_id, body, hash FROM journal WHERE tenant_id = $1 AND guest_id = $2 ORDER BY seq";
        fetch_all!(self, Columns, sql, tenant.0, guest.0)?
            .into_iter()
            .map(Columns::entry)
            .collect()
    }

    /// Follows the chain from its beginning to its head; the number of entries, or where it is broken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify_journal(
        &mut self,
        tenant: TenantId,
    ) -> Result<Result<i64, BrokenAt>, StoreError> {
        let broken = |seq, why| Ok(Err(BrokenAt { seq, why }));
        let mut seq = 0;
        let mut previous = GENESIS;
        // From before the first, so that an entry is found that was put there.
        let mut after = i64::MIN;
        loop {
            let page = self.columns(tenant, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for columns in page {
                if columns.seq < 1 {
                    return broken(columns.seq, "it was put before the first");
                }
                seq += 1;
                if columns.seq != seq {
                    return broken(seq, "it is missing");
                }
                let Ok(entry) = columns.entry() else {
                    return broken(seq, "it has no whole hash");
                };
                if entry.expected_hash(tenant, &previous) != entry.hash {
                    return broken(seq, "it is not what was written after the entry before it");
                }
                previous = entry.hash;
            }
        }
        let sql = "SELECT seq, hash FROM journal_heads WHERE tenant_id = $1";
        let head: Option<(i64, Vec<u8>)> = fetch_optional!(self, (i64, Vec<u8>), sql, tenant.0)?;
        let (last, head) = head.unwrap_or((0, GENESIS.to_vec()));
        match last.cmp(&seq) {
            Ordering::Greater => broken(seq + 1, "it is missing"),
            Ordering::Less => broken(last + 1, "it was added without its head"),
            Ordering::Equal if head != previous => broken(seq, "it was written without its head"),
            Ordering::Equal => Ok(Ok(seq)),
        }
    }

    async fn columns(
        &mut self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Columns>, StoreError> {
        let sql = "SELECT seq, at, guest_id, body, hash FROM journal WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        Ok(fetch_all!(
            self,
            Columns,
            sql,
            tenant.0,
            after,
            i64::from(limit)
        )?)
    }
}
