//! What guests were like: the states that facts of the past derive from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use innkeeper_domain::backtest::Instant;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::past::Since;
use innkeeper_domain::watch::Watched;

use crate::error::StoreError;
use crate::given::Given;
use crate::guests::RowKey;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

type Row = (i64, DateTime<Utc>, String);

fn since((key, since, body): Row) -> Result<(RowKey, Since), StoreError> {
    let state = from_json("guest state", &body)?;
    Ok((RowKey(key), Since { since, state }))
}

impl Tx {
    /// The last state kept of each guest in a range of rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_states(
        &mut self,
        tenant: TenantId,
        first: RowKey,
        last: RowKey,
    ) -> Result<BTreeMap<RowKey, Since>, StoreError> {
        // So written, SQLite goes by the keys, and not through all states of the tenant.
        let sql = "SELECT s.guest_key, s.since, s.body FROM guest_states s \
                   WHERE (s.tenant_id = $1) IS TRUE AND s.guest_key BETWEEN $2 AND $3 \
                   AND s.since = (SELECT MAX(n.since) FROM guest_states n WHERE n.guest_key = s.guest_key)";
        fetch_all!(self, Row, sql, tenant.0, first.0, last.0)?
            .into_iter()
            .map(since)
            .collect()
    }

    /// Every state kept of each guest in a range of rows, in the order of time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn states(
        &mut self,
        tenant: TenantId,
        first: RowKey,
        last: RowKey,
    ) -> Result<BTreeMap<RowKey, Vec<Since>>, StoreError> {
        let sql = "SELECT guest_key, since, body FROM guest_states \
                   WHERE (tenant_id = $1) IS TRUE AND guest_key BETWEEN $2 AND $3 ORDER BY guest_key, since";
        let mut states: BTreeMap<RowKey, Vec<Since>> = BTreeMap::new();
        for row in fetch_all!(self, Row, sql, tenant.0, first.0, last.0)? {
            let (key, state) = since(row)?;
            states.entry(key).or_default().push(state);
        }
        Ok(states)
    }

    /// Keeps states, each in place of the one that began at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_states(
        &mut self,
        tenant: TenantId,
        states: &[(RowKey, Since)],
    ) -> Result<(), StoreError> {
        let bodies: Vec<String> = states.iter().map(|(_, of)| json(&of.state)).collect();
        let given = Given::rows(states.len())
            .integers("guest_key", states.iter().map(|(key, _)| key.0))
            .times("since", states.iter().map(|(_, of)| of.since))
            .texts("body", bodies.iter().map(String::as_str));
        let sql = "INSERT INTO guest_states (guest_key, since, tenant_id, body) \
                   SELECT guest_key, since, $1, body FROM given WHERE true \
                   ON CONFLICT (guest_key, since) DO UPDATE SET body = excluded.body";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Removes at most `limit` states that were over before a time, the oldest first; returns how many. What was so at
    /// that time stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_states(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "DELETE FROM guest_states WHERE (guest_key, since) IN (SELECT s.guest_key, s.since FROM guest_states s \
                   WHERE s.tenant_id = $1 AND s.since < $2 AND EXISTS (SELECT 1 FROM guest_states n \
                   WHERE n.guest_key = s.guest_key AND n.since > s.since AND n.since <= $2) ORDER BY s.since LIMIT $3)";
        Ok(execute!(
            self,
            sql,
            tenant.0,
            micros(before),
            i64::from(limit)
        )?)
    }

    /// The healthy observations since a time, in the order of time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn instants(
        &mut self,
        tenant: TenantId,
        from: DateTime<Utc>,
    ) -> Result<Vec<Instant>, StoreError> {
        let sql = "SELECT finished_at, watched FROM observations WHERE tenant_id = $1 AND state = 'complete' \
                   AND healthy = $2 AND finished_at >= $3 AND watched IS NOT NULL ORDER BY finished_at, number";
        let rows: Vec<(DateTime<Utc>, i64)> = fetch_all!(
            self,
            (DateTime<Utc>, i64),
            sql,
            tenant.0,
            true,
            micros(from)
        )?;
        let instant = |(at, watched)| Instant {
            at,
            watched: Watched(watched),
        };
        Ok(rows.into_iter().map(instant).collect())
    }
}
