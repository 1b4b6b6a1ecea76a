//! Guests: the newest attributes, the marks of their sign-ins, and what we did to their accounts.

mod columns;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::policy::RuleName;
use roaring::RoaringTreemap;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{count, micros};

pub(crate) use columns::Columns;
use columns::{ADD, ADD_RETURNING, UPSERT, given};

/// Row keys read at once, so that memory does not grow with the guests.
const KEYS: i64 = 10_000;

/// The key of a guest's row: small, dense and in the order in which guests were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(pub(crate) i64);

impl From<RowKey> for u64 {
    fn from(key: RowKey) -> Self {
        key.0.cast_unsigned()
    }
}

impl From<u64> for RowKey {
    fn from(key: u64) -> Self {
        Self(key.cast_signed())
    }
}

/// What the last cycle concluded for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVerdict {
    /// The verdict's word.
    pub verdict: String,
    /// The rule or protection that decided.
    pub rule: Option<RuleName>,
}

/// What came of adding guests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// The row keys of those who were not stored before.
    pub keys: Vec<RowKey>,
    /// Those who were.
    pub known: HashSet<GuestId>,
}

/// A row key with the guest's id, as a statement gives them: by place, since by name costs more and a reading gets one
/// for each guest.
type Keyed = (i64, Uuid);

fn pair((key, guest): Keyed) -> (GuestId, RowKey) {
    (guest.into(), RowKey(key))
}

impl Tx {
    /// Those of these guests that are known, in the order of their rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guests_by_id(
        &mut self,
        tenant: TenantId,
        ids: &[GuestId],
    ) -> Result<Vec<(RowKey, GuestRecord)>, StoreError> {
        let given = Given::rows(ids.len()).ids("guest_id", ids.iter().map(|id| id.0));
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)";
        let mut rows: Vec<Columns> = self.fetch_given(tenant, &given, sql).await?;
        rows.sort_unstable_by_key(|columns| columns.guest_key);
        let known = |columns: Columns| columns.record().map(|(key, record, _)| (key, record));
        rows.into_iter().map(known).collect()
    }

    /// Guests that Innkeeper deleted after one time and no later than another, the first of them first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deleted_by_us_between(
        &mut self,
        tenant: TenantId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<GuestRecord>, StoreError> {
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND deleted_by_us_at > $2 AND deleted_by_us_at <= $3 \
                   ORDER BY deleted_by_us_at, guest_key LIMIT $4";
        let rows = fetch_all!(
            self,
            Columns,
            sql,
            tenant.0,
            micros(after),
            micros(until),
            i64::from(limit)
        )?;
        let record = |columns: Columns| columns.record().map(|(_, record, _)| record);
        rows.into_iter().map(record).collect()
    }

    /// The row keys of those of these guests that are known.
    pub(crate) async fn keys(
        &mut self,
        tenant: TenantId,
        ids: &[GuestId],
    ) -> Result<Vec<(GuestId, RowKey)>, StoreError> {
        let given = Given::rows(ids.len()).ids("guest_id", ids.iter().map(|id| id.0));
        let sql = "SELECT guest_key, guest_id FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)";
        let rows: Vec<Keyed> = self.fetch_given(tenant, &given, sql).await?;
        Ok(rows.into_iter().map(pair).collect())
    }

    /// The guests in these rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_ids(
        &mut self,
        tenant: TenantId,
        keys: &[RowKey],
    ) -> Result<Vec<GuestId>, StoreError> {
        let given = Given::rows(keys.len()).integers("guest_key", keys.iter().map(|key| key.0));
        // So written, SQLite goes by the keys, and not through all guests of the tenant.
        let sql = "SELECT guest_id FROM guests WHERE (tenant_id = $1) IS TRUE AND guest_key IN (SELECT guest_key FROM given)";
        let ids: Vec<(Uuid,)> = self.fetch_given(tenant, &given, sql).await?;
        Ok(ids.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Writes those of these guests, each given once, that are not stored yet. Nothing is learnt of the others, and they
    /// stay as they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_guests(
        &mut self,
        tenant: TenantId,
        records: &[&GuestRecord],
    ) -> Result<Added, StoreError> {
        let ids = || records.iter().map(|record| record.guest.id);
        let given = given(records);
        let added: Vec<(GuestId, RowKey)> = match self {
            Self::Sqlite(tx) => {
                // A new row's key is one more than the largest, so that the keys need not be handed back row by row.
                let largest = "SELECT COALESCE(MAX(guest_key), 0) FROM guests";
                let largest: i64 = sqlx::query_scalar(largest).fetch_one(&mut **tx).await?;
                let added = self.execute_given(tenant, &given, ADD).await?;
                if added == records.len() as u64 {
                    let keys = (largest + 1..).take(records.len()).map(RowKey);
                    return Ok(Added {
                        keys: keys.collect(),
                        known: HashSet::new(),
                    });
                }
                let ids: Vec<GuestId> = ids().collect();
                let mut keys = self.keys(tenant, &ids).await?;
                keys.retain(|(_, key)| key.0 > largest);
                keys
            }
            Self::Postgres(_) => {
                let sql = ADD_RETURNING;
                let added: Vec<Keyed> = self.fetch_given(tenant, &given, sql).await?;
                added.into_iter().map(pair).collect()
            }
        };
        let (new, keys): (HashSet<GuestId>, Vec<RowKey>) = added.into_iter().unzip();
        let known = ids().filter(|id| !new.contains(id)).collect();
        Ok(Added { keys, known })
    }

    /// Writes guests, new or known; returns the row key of each. What is stored already is not written again. Of a
    /// guest given twice the later one counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_guests(
        &mut self,
        tenant: TenantId,
        records: &[&GuestRecord],
    ) -> Result<Vec<(GuestId, RowKey)>, StoreError> {
        let mut latest: BTreeMap<GuestId, &GuestRecord> = BTreeMap::new();
        for record in records {
            latest.insert(record.guest.id, record);
        }
        let mut places = HashSet::new();
        let in_order = records
            .iter()
            .filter(|record| places.insert(record.guest.id));
        let records: Vec<&GuestRecord> = in_order.map(|record| latest[&record.guest.id]).collect();
        let written: Vec<Keyed> = self.fetch_given(tenant, &given(&records), UPSERT).await?;
        let mut keys: Vec<(GuestId, RowKey)> = written.into_iter().map(pair).collect();
        if keys.len() < records.len() {
            for (id, _) in &keys {
                latest.remove(id);
            }
            let unchanged: Vec<GuestId> = latest.into_keys().collect();
            keys.extend(self.keys(tenant, &unchanged).await?);
        }
        Ok(keys)
    }

    /// Marks as gone every guest that was in the directory and whose row is not in `seen`; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_gone(
        &mut self,
        tenant: TenantId,
        seen: &RoaringTreemap,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT guest_key FROM guests WHERE tenant_id = $1 AND gone_at IS NULL AND guest_key > $2 ORDER BY guest_key LIMIT $3";
        let (mut gone, mut after): (Vec<i64>, i64) = (Vec::new(), i64::MIN);
        loop {
            let present: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0, after, KEYS)?;
            let Some((last,)) = present.last() else { break };
            after = *last;
            let keys = present.into_iter().map(|(key,)| key);
            gone.extend(keys.filter(|key| !seen.contains(RowKey(*key).into())));
        }
        let given = Given::rows(gone.len())
            .integers("guest_key", gone.iter().copied())
            .times("gone_at", gone.iter().map(|_| at));
        let sql = "UPDATE guests SET gone_at = given.gone_at, verdict = NULL, verdict_rule = NULL FROM given \
                   WHERE guests.tenant_id = $1 AND guests.guest_key = given.guest_key";
        self.execute_given(tenant, &given, sql).await
    }

    /// Marks these guests as gone; returns how many were there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_these_gone(
        &mut self,
        tenant: TenantId,
        guests: &[GuestId],
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let given = Given::rows(guests.len())
            .ids("guest_id", guests.iter().map(|guest| guest.0))
            .times("gone_at", guests.iter().map(|_| at));
        let sql = "UPDATE guests SET gone_at = given.gone_at, verdict = NULL, verdict_rule = NULL FROM given \
                   WHERE guests.tenant_id = $1 AND guests.guest_id = given.guest_id AND guests.gone_at IS NULL";
        self.execute_given(tenant, &given, sql).await
    }

    /// Every guest that was last found to be gone from `from` until before `to`, in the order in which they went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guests_gone_between(
        &mut self,
        tenant: TenantId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<GuestRecord>, StoreError> {
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND gone_at >= $2 AND gone_at < $3 ORDER BY gone_at, guest_key";
        let (from, to) = (micros(from), micros(to));
        fetch_all!(self, Columns, sql, tenant.0, from, to)?
            .into_iter()
            .map(|columns| columns.record().map(|(_, record, _)| record))
            .collect()
    }

    /// How many guests are in the directory, as far as is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_count(&mut self, tenant: TenantId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM guests WHERE tenant_id = $1 AND gone_at IS NULL";
        let (guests,): (i64,) = fetch_one!(self, (i64,), sql, tenant.0)?;
        Ok(count(guests))
    }

    /// How many of them were first seen by then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_count_seen_by(
        &mut self,
        tenant: TenantId,
        by: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM guests WHERE tenant_id = $1 AND gone_at IS NULL AND first_seen_at <= $2";
        let (guests,): (i64,) = fetch_one!(self, (i64,), sql, tenant.0, micros(by))?;
        Ok(count(guests))
    }

    /// The guests with this object id, UPN or mail address; case does not matter.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_guests(
        &mut self,
        tenant: TenantId,
        text: &str,
    ) -> Result<Vec<GuestId>, StoreError> {
        let found: Vec<(Uuid,)> = match Uuid::parse_str(text) {
            Ok(id) => fetch_all!(
                self,
                (Uuid,),
                "SELECT guest_id FROM guests WHERE tenant_id = $1 AND guest_id = $2",
                tenant.0,
                id
            )?,
            Err(_) => {
                // SQLite knows the case of ASCII only, so what is written alike is compared as it is.
                let sql = "SELECT guest_id FROM guests WHERE tenant_id = $1 \
                           AND (lower(upn) = $2 OR lower(mail) = $2 OR upn = $3 OR mail = $3) ORDER BY guest_id";
                let lower = text.to_lowercase();
                fetch_all!(self, (Uuid,), sql, tenant.0, lower, text.to_owned())?
            }
        };
        Ok(found.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Notes when guests were seen in the sign-in log, where that is news. Others than known guests are passed over;
    /// nobody is named twice.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_logged_in(
        &mut self,
        tenant: TenantId,
        seen: &[(GuestId, DateTime<Utc>)],
    ) -> Result<u64, StoreError> {
        let given = Given::rows(seen.len())
            .ids("guest_id", seen.iter().map(|(guest, _)| guest.0))
            .times("logged_in_at", seen.iter().map(|(_, at)| *at));
        let sql = "UPDATE guests SET logged_in_at = given.logged_in_at FROM given \
                   WHERE guests.tenant_id = $1 AND guests.guest_id = given.guest_id \
                   AND (guests.logged_in_at IS NULL OR guests.logged_in_at < given.logged_in_at)";
        self.execute_given(tenant, &given, sql).await
    }

    /// Notes what a cycle concluded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_verdicts(
        &mut self,
        tenant: TenantId,
        verdicts: &[(RowKey, StoredVerdict)],
    ) -> Result<(), StoreError> {
        let rules = verdicts
            .iter()
            .map(|(_, verdict)| verdict.rule.as_ref().map(RuleName::as_str));
        let given = Given::rows(verdicts.len())
            .integers("guest_key", verdicts.iter().map(|(key, _)| key.0))
            .texts(
                "verdict",
                verdicts.iter().map(|(_, verdict)| verdict.verdict.as_str()),
            )
            .texts("verdict_rule", rules);
        let sql = "UPDATE guests SET verdict = given.verdict, verdict_rule = given.verdict_rule FROM given \
                   WHERE guests.tenant_id = $1 AND guests.guest_key = given.guest_key \
                   AND (guests.verdict, guests.verdict_rule) IS DISTINCT FROM (given.verdict, given.verdict_rule)";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }
}
