//! Everything known of guests, page by page: what `decide` looks at.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use innkeeper_domain::guest::{GuestView, OurDeeds};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::intent::{Call, Outcome};
use uuid::Uuid;

use crate::cases::select_cases;
use crate::error::StoreError;
use crate::given::Given;
use crate::guests::{self, RowKey, StoredVerdict};
use crate::open::Tx;
use crate::rows::{count, from_json, micros};
use crate::{access, cases, groups, orders, sponsors};

/// A guest with everything that hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestRow {
    /// Its row.
    pub key: RowKey,
    /// Everything known of it.
    pub view: GuestView,
    /// What the last cycle concluded.
    pub verdict: Option<StoredVerdict>,
}

/// The sponsor of a guest's row.
struct SponsorOf {
    guest_key: i64,
    sponsor: sponsors::Columns,
}

/// A decision about a guest's row.
struct DecisionOn {
    guest_key: i64,
    decision: orders::Columns,
}

/// The group of a guest's row.
struct GroupOf {
    guest_key: i64,
    group_id: Uuid,
    group_name: Option<String>,
    membership: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

from_row!(GroupOf {
    guest_key,
    group_id,
    group_name,
    membership,
    expires_at
});

impl<'r, R> sqlx::FromRow<'r, R> for SponsorOf
where
    R: sqlx::Row,
    sponsors::Columns: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            guest_key: row.try_get("guest_key")?,
            sponsor: sqlx::FromRow::from_row(row)?,
        })
    }
}

impl<'r, R> sqlx::FromRow<'r, R> for DecisionOn
where
    R: sqlx::Row,
    orders::Columns: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            guest_key: row.try_get("guest_key")?,
            decision: sqlx::FromRow::from_row(row)?,
        })
    }
}

impl Tx {
    /// Guests that are in the directory, in the order of their rows: at most `limit` after the row `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_rows(
        &mut self,
        tenant: TenantId,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<GuestRow>, StoreError> {
        let after = after.map_or(i64::MIN, |key| key.0);
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND guest_key > $2 AND gone_at IS NULL ORDER BY guest_key LIMIT $3";
        let rows = fetch_all!(
            self,
            guests::Columns,
            sql,
            tenant.0,
            after,
            i64::from(limit)
        )?;
        self.with_everything(tenant, rows).await
    }

    /// The same, and with them the guests who have left the directory since a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_rows_since(
        &mut self,
        tenant: TenantId,
        since: DateTime<Utc>,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<GuestRow>, StoreError> {
        let after = after.map_or(i64::MIN, |key| key.0);
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND guest_key > $2 AND (gone_at IS NULL OR gone_at >= $3) \
                   ORDER BY guest_key LIMIT $4";
        let (since, limit) = (micros(since), i64::from(limit));
        let rows = fetch_all!(self, guests::Columns, sql, tenant.0, after, since, limit)?;
        self.with_everything(tenant, rows).await
    }

    /// One guest, in the directory or gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_row(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Option<GuestRow>, StoreError> {
        let sql = "SELECT * FROM guests WHERE tenant_id = $1 AND guest_id = $2";
        let rows = fetch_all!(self, guests::Columns, sql, tenant.0, guest.0)?;
        Ok(self.with_everything(tenant, rows).await?.pop())
    }

    /// Hangs on each guest what belongs to it. The rows are in the order of their keys, so one range covers them.
    async fn with_everything(
        &mut self,
        tenant: TenantId,
        columns: Vec<guests::Columns>,
    ) -> Result<Vec<GuestRow>, StoreError> {
        let (Some(first), Some(last)) = (
            columns.first().map(|row| row.guest_key),
            columns.last().map(|row| row.guest_key),
        ) else {
            return Ok(Vec::new());
        };
        let unread = access::unread(&self.registers(tenant).await?);
        let mut rows: Vec<GuestRow> = Vec::with_capacity(columns.len());
        for columns in columns {
            let (key, record, verdict) = columns.record()?;
            let view = GuestView {
                record,
                sponsors: Vec::new(),
                groups: Vec::new(),
                roles: Vec::new(),
                access: unread.clone(),
                cases: Vec::new(),
                previous_cases: 0,
                decisions: Vec::new(),
                attestations: Vec::new(),
                deleted_sponsors: Some(0),
                invited_by: None,
                marks: Vec::new(),
                brought_back: 0,
            };
            rows.push(GuestRow { key, view, verdict });
        }
        let places: HashMap<i64, usize> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| (row.key.0, place))
            .collect();
        let mut put = |key: i64, into: &mut dyn FnMut(&mut GuestView)| {
            if let Some(place) = places.get(&key) {
                into(&mut rows[*place].view);
            }
        };

        let sql = concat!(
            "SELECT l.guest_key, ",
            sponsors::sponsor_columns!(),
            " FROM guest_sponsors l JOIN sponsors s ON s.tenant_id = l.tenant_id AND s.sponsor_id = l.sponsor_id \
             WHERE l.tenant_id = $1 AND l.guest_key BETWEEN $2 AND $3 ORDER BY l.guest_key, s.sponsor_id"
        );
        for SponsorOf { guest_key, sponsor } in
            fetch_all!(self, SponsorOf, sql, tenant.0, first, last)?
        {
            let sponsor = sponsor.sponsor()?;
            put(guest_key, &mut |view| view.sponsors.push(sponsor.clone()));
        }

        // Two names of the policy can mean one group.
        let sql = "SELECT DISTINCT m.guest_key, m.group_id, n.group_name, n.membership, n.expires_at FROM memberships m \
                   JOIN named_groups n ON n.tenant_id = m.tenant_id AND n.group_id = m.group_id \
                   WHERE m.tenant_id = $1 AND m.guest_key BETWEEN $2 AND $3 ORDER BY m.guest_key, m.group_id";
        for GroupOf {
            guest_key,
            group_id,
            group_name,
            membership,
            expires_at,
        } in fetch_all!(self, GroupOf, sql, tenant.0, first, last)?
        {
            let group = groups::group(
                group_id,
                group_name.unwrap_or_default(),
                &membership.unwrap_or_default(),
                expires_at,
            )?;
            put(guest_key, &mut |view| view.groups.push(group.clone()));
        }

        let sql = "SELECT guest_key, role FROM guest_roles WHERE tenant_id = $1 AND guest_key BETWEEN $2 AND $3 ORDER BY guest_key, role";
        let roles: Vec<(i64, String)> =
            fetch_all!(self, (i64, String), sql, tenant.0, first, last)?;
        for (guest_key, role) in roles {
            put(guest_key, &mut |view| view.roles.push(role.clone()));
        }

        let sql = "SELECT f.guest_key, COUNT(*), CAST(COALESCE(SUM(CASE WHEN s.departed THEN 1 ELSE 0 END), 0) AS BIGINT) \
                   FROM former_sponsors f JOIN sponsors s ON s.tenant_id = f.tenant_id AND s.sponsor_id = f.sponsor_id \
                   WHERE f.tenant_id = $1 AND f.guest_key BETWEEN $2 AND $3 GROUP BY f.guest_key";
        let former: Vec<(i64, i64, i64)> =
            fetch_all!(self, (i64, i64, i64), sql, tenant.0, first, last)?;
        for (guest_key, vanished, deleted) in former {
            // Of whom nobody looked what became of them, it is not known.
            let all = u32::try_from(deleted).ok().filter(|_| deleted == vanished);
            put(guest_key, &mut |view| view.deleted_sponsors = all);
        }

        let sql = "SELECT guest_key, eligible_roles, packages, reviews, sole_owner_of, exempt_by, held FROM guest_access WHERE tenant_id = $1 AND guest_key BETWEEN $2 AND $3";
        for columns in fetch_all!(self, access::Columns, sql, tenant.0, first, last)? {
            if let Some(place) = places.get(&columns.guest_key) {
                columns.fill(&mut rows[*place].view.access)?;
            }
        }
        let mut put = |key: i64, into: &mut dyn FnMut(&mut GuestView)| {
            if let Some(place) = places.get(&key) {
                into(&mut rows[*place].view);
            }
        };

        let sql = select_cases!(
            "WHERE c.tenant_id = $1 AND c.guest_key BETWEEN $2 AND $3 AND c.closed_at IS NULL ORDER BY c.guest_key, c.rule"
        );
        for columns in fetch_all!(self, cases::Columns, sql, tenant.0, first, last)? {
            let guest_key = columns.guest_key;
            let case = columns.row()?.case;
            put(guest_key, &mut |view| view.cases.push(case.clone()));
        }

        // So written, SQLite goes by the keys of the page, and not through all closed cases and all guests of the tenant.
        let sql = "SELECT guest_key, COUNT(*) FROM cases \
                   WHERE (tenant_id = $1) IS TRUE AND guest_key BETWEEN $2 AND $3 AND closed_at IS NOT NULL GROUP BY guest_key";
        let closed: Vec<(i64, i64)> = fetch_all!(self, (i64, i64), sql, tenant.0, first, last)?;
        for (guest_key, cases) in closed {
            put(guest_key, &mut |view| view.previous_cases = count(cases));
        }
        let sql = "SELECT guest_key, cases_let_go FROM guests \
                   WHERE (tenant_id = $1) IS TRUE AND guest_key BETWEEN $2 AND $3 AND cases_let_go > 0";
        let let_go: Vec<(i64, i64)> = fetch_all!(self, (i64, i64), sql, tenant.0, first, last)?;
        for (guest_key, cases) in let_go {
            put(guest_key, &mut |view| view.previous_cases += count(cases));
        }

        // SQLite takes the tables of a CROSS JOIN in the order in which they are written.
        let sql = "SELECT g.guest_key, d.guest_id, d.kind, d.day, d.reason, d.decided_by, d.decided_at \
                   FROM guests g CROSS JOIN decisions d \
                   WHERE d.tenant_id = $1 AND g.guest_key BETWEEN $2 AND $3 AND d.guest_id = g.guest_id \
                   ORDER BY g.guest_key, d.kind";
        for DecisionOn {
            guest_key,
            decision,
        } in fetch_all!(self, DecisionOn, sql, tenant.0, first, last)?
        {
            let (_, decision) = decision.decision()?;
            put(guest_key, &mut |view| view.decisions.push(decision.clone()));
        }

        for (guest_key, attestation) in self.newest_words(tenant, first, last).await? {
            put(guest_key, &mut |view| {
                view.attestations.push(attestation.clone());
            });
        }

        let sql = "SELECT guest_key, inviter_id FROM inviters WHERE tenant_id = $1 AND guest_key BETWEEN $2 AND $3";
        let inviters: Vec<(i64, Option<Uuid>)> =
            fetch_all!(self, (i64, Option<Uuid>), sql, tenant.0, first, last)?;
        for (guest_key, inviter) in inviters {
            let by = inviter.map_or_else(|| "application".to_owned(), |id| id.to_string());
            put(guest_key, &mut |view| view.invited_by = Some(by.clone()));
        }

        for (guest_key, written) in self.marks_between(tenant, first, last).await? {
            put(guest_key, &mut |view| view.marks.push(written.clone()));
        }

        // Whom nobody brought back was brought back no times.
        let revived: Vec<&mut GuestView> = rows
            .iter_mut()
            .map(|row| &mut row.view)
            .filter(|view| view.record.revived.is_some())
            .collect();
        if !revived.is_empty() {
            self.count_returns(tenant, revived).await?;
        }
        Ok(rows)
    }

    /// Counts how often each of these guests was brought back, by what Innkeeper itself did to their accounts.
    async fn count_returns(
        &mut self,
        tenant: TenantId,
        views: Vec<&mut GuestView>,
    ) -> Result<(), StoreError> {
        let given = Given::rows(views.len())
            .ids("guest_id", views.iter().map(|view| view.record.guest.id.0));
        // SQLite takes the tables of a CROSS JOIN in the order in which they are written; by itself it would go through
        // all intents of the tenant. The calls are written as they are kept.
        let sql = "SELECT i.guest_id, i.call, o.outcome FROM given CROSS JOIN intents i CROSS JOIN outcomes o \
                   WHERE i.tenant_id = $1 AND i.guest_id = given.guest_id AND o.intent_id = i.intent_id \
                   AND i.call IN ('{\"call\":\"disable\"}', '{\"call\":\"enable\"}', '{\"call\":\"delete\"}')";
        let rows: Vec<(Uuid, String, String)> = self.fetch_given(tenant, &given, sql).await?;
        let mut all: HashMap<Uuid, OurDeeds> = HashMap::new();
        for (guest, call, outcome) in rows {
            match from_json("outcome", &outcome)? {
                Outcome::Done { .. } | Outcome::FoundDone => {}
                Outcome::Already
                | Outcome::FoundSo { .. }
                | Outcome::Skipped { .. }
                | Outcome::Failed { .. }
                | Outcome::FoundNotDone
                | Outcome::Uncertain => continue,
            }
            let ours = all.entry(guest).or_default();
            match from_json("call", &call)? {
                Call::Disable => ours.disabled += 1,
                Call::Enable => ours.enabled += 1,
                Call::Delete => ours.deleted += 1,
                // A restoring was asked for by a person, as one that somebody did in the directory.
                Call::Flag
                | Call::Mark { .. }
                | Call::Unmark { .. }
                | Call::Notify { .. }
                | Call::ResendInvitation { .. }
                | Call::RemoveAppRole { .. }
                | Call::AddAppRole { .. }
                | Call::RemoveFromGroup { .. }
                | Call::Restore
                | Call::AddToGroup { .. }
                | Call::AddSponsor { .. }
                | Call::SetManager { .. }
                | Call::RemoveSponsor { .. } => {}
            }
        }
        for view in views {
            let ours = all.get(&view.record.guest.id.0).copied();
            view.brought_back = view.record.brought_back(ours.unwrap_or_default());
        }
        Ok(())
    }
}
