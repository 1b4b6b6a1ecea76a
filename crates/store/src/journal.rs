//! The journal: appended to, never edited, each entry chained to the one before.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::{
    Anchors, Broken, Chain, Details, Entry, Event, Fault, GENESIS, Hash, Head,
};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::micros;

/// A query for [`Columns`].
macro_rules! select_entries {
    ($rest:literal) => {
        concat!(
            "SELECT seq, at, guest_id, body, details, salt, hash FROM journal ",
            $rest
        )
    };
}

struct Columns {
    seq: i64,
    at: DateTime<Utc>,
    guest_id: Option<Uuid>,
    body: String,
    details: Option<String>,
    salt: Option<Uuid>,
    hash: Vec<u8>,
}

from_row!(Columns {
    seq,
    at,
    guest_id,
    body,
    details,
    salt,
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
            // A part of them without the other can be neither shown to be right nor be right.
            details: match (self.details, self.salt) {
                (None, None) => None,
                (text, salt) => Some(Details {
                    text: text.unwrap_or_default(),
                    salt: salt.unwrap_or_default(),
                }),
            },
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

/// After everything that is ever written down, and four digits long: SQLite compares times as text.
const FOREVER: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(at) => at,
    None => DateTime::<Utc>::MAX_UTC,
};

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
        let sql = "INSERT INTO journal (tenant_id, seq, at, guest_id, body, details, salt, hash) \
                   SELECT $1, seq, at, guest_id, body, details, salt, hash FROM given";
        for events in events.chunks(APPENDED) {
            let mut entries = Vec::with_capacity(events.len());
            for (guest, event) in events {
                seq += 1;
                let entry = Entry::sealed(tenant, seq, at, *guest, event, Uuid::new_v4(), &head);
                head = entry.hash;
                entries.push(entry);
            }
            let guests = entries.iter().map(|entry| entry.guest.map(|guest| guest.0));
            let details = || entries.iter().map(|entry| entry.details.as_ref());
            let given = Given::rows(entries.len())
                .integers("seq", entries.iter().map(|entry| entry.seq))
                .times("at", entries.iter().map(|entry| entry.at))
                .ids("guest_id", guests)
                .texts("body", entries.iter().map(|entry| entry.body.as_str()))
                .texts(
                    "details",
                    details().map(|details| details.map(|details| details.text.as_str())),
                )
                .ids(
                    "salt",
                    details().map(|details| details.map(|details| details.salt)),
                )
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
        let sql = select_entries!("WHERE tenant_id = $1 AND guest_id = $2 ORDER BY seq");
        fetch_all!(self, Columns, sql, tenant.0, guest.0)?
            .into_iter()
            .map(Columns::entry)
            .collect()
    }

    /// Follows the chain from its beginning to its head, past every anchor; the head, or where it is broken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify_journal(
        &mut self,
        tenant: TenantId,
        anchors: &Anchors,
    ) -> Result<Result<Head, Broken>, StoreError> {
        let broken = |seq, fault| Ok(Err(Broken { seq, fault }));
        let mut chain = Chain::after(tenant, 0, GENESIS, anchors);
        // From before the first, so that an entry is found that was put there.
        let mut after = i64::MIN;
        loop {
            let page = self.columns(tenant, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for columns in page {
                let seq = columns.seq;
                let Ok(entry) = columns.entry() else {
                    return broken(seq, Fault::Unreadable);
                };
                if let Err(broken) = chain.follow(&entry) {
                    return Ok(Err(broken));
                }
            }
        }
        let found = chain.head();
        let (last, head) = self.journal_head(tenant).await?;
        match last.cmp(&found.seq) {
            Ordering::Greater => broken(found.seq + 1, Fault::Missing),
            Ordering::Less => broken(last + 1, Fault::Unheaded),
            Ordering::Equal if head != found.hash => broken(last, Fault::NotHead),
            Ordering::Equal => Ok(chain.end()),
        }
    }

    /// The number and the hash of the newest entry; 0 and what stands before the first when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_head(&mut self, tenant: TenantId) -> Result<(i64, Hash), StoreError> {
        let sql = "SELECT seq, hash FROM journal_heads WHERE tenant_id = $1";
        let head: Option<(i64, Vec<u8>)> = fetch_optional!(self, (i64, Vec<u8>), sql, tenant.0)?;
        match head {
            Some((seq, head)) => Ok((seq, hash(head)?)),
            None => Ok((0, GENESIS)),
        }
    }

    /// The numbers of the first entry since `from` and of the last one before `to`; `None` when there is none between.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_between(
        &mut self,
        tenant: TenantId,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        // An absent end does not limit. Written down in order, so the ends hold everything between.
        let sql = "SELECT CAST(COALESCE(MIN(seq), 1) AS BIGINT), CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM journal \
                   WHERE tenant_id = $1 AND at >= $2 AND at < $3";
        let from = from.map_or(DateTime::UNIX_EPOCH, micros);
        let to = to.map_or(FOREVER, micros);
        let (first, last): (i64, i64) = fetch_one!(self, (i64, i64), sql, tenant.0, from, to)?;
        Ok((first <= last).then_some((first, last)))
    }

    /// The entries of these kinds among those numbered from `first` to `last`, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_of_kinds(
        &mut self,
        tenant: TenantId,
        first: i64,
        last: i64,
        kinds: &[&str],
    ) -> Result<Vec<Entry>, StoreError> {
        // No text in an entry can look like its kind: quotes in it are escaped.
        let patterns: Vec<String> = kinds
            .iter()
            .map(|kind| format!("%\"kind\":\"{kind}\"%"))
            .collect();
        let given = Given::rows(kinds.len())
            .texts("pattern", patterns.iter().map(String::as_str))
            .integers("first_seq", kinds.iter().map(|_| first))
            .integers("last_seq", kinds.iter().map(|_| last));
        let sql = select_entries!(
            "WHERE tenant_id = $1 AND seq >= (SELECT MIN(first_seq) FROM given) AND seq <= (SELECT MAX(last_seq) FROM given) \
             AND EXISTS (SELECT 1 FROM given WHERE journal.body LIKE given.pattern) ORDER BY seq"
        );
        let rows: Vec<Columns> = self.fetch_given(tenant, &given, sql).await?;
        rows.into_iter().map(Columns::entry).collect()
    }

    async fn columns(
        &mut self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Columns>, StoreError> {
        let sql = select_entries!("WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
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
