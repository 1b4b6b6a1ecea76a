//! What those answerable for guests said of them. Kept by the guest's object id, as people's decisions are.
//!
//! Invariant: rows are only ever added; what is noted of one later is that it was confirmed to its giver.

use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::ids::{CaseId, GuestId, IntentId, TenantId};
use innkeeper_domain::journal::Event;
use innkeeper_domain::policy::RuleName;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

struct Columns {
    /// Of the guest's row in a page of guests, else of the attestation's own.
    key: i64,
    guest_id: Uuid,
    answer: String,
    means: String,
    said_at: DateTime<Utc>,
    until_day: Option<String>,
    sponsor_id: Option<Uuid>,
    said_by: String,
    reason: String,
}

from_row!(Columns {
    key,
    guest_id,
    answer,
    means,
    said_at,
    until_day,
    sponsor_id,
    said_by,
    reason
});

impl Columns {
    fn attestation(self) -> Result<Attestation, StoreError> {
        let corrupt = |value: &str| StoreError::corrupt("attestation", value);
        let until = self.until_day.as_deref();
        let until = until.map(|day| day.parse::<NaiveDate>().map_err(|_| corrupt(day)));
        Ok(Attestation {
            answer: Answer::parse(&self.answer).ok_or_else(|| corrupt(&self.answer))?,
            means: Means::parse(&self.means).ok_or_else(|| corrupt(&self.means))?,
            at: self.said_at,
            until: until.transpose()?,
            sponsor: self.sponsor_id.map(Into::into),
            word: Word {
                by: self.said_by,
                reason: self.reason,
            },
        })
    }
}

/// An answer that its giver was not told of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The row.
    pub key: i64,
    /// About whom.
    pub guest: GuestId,
    /// The case that the notice was about.
    pub case: CaseId,
    /// Its rule.
    pub rule: RuleName,
    /// The answer.
    pub said: Attestation,
}

struct Open {
    case_id: Uuid,
    rule: String,
    columns: Columns,
}

impl<'r, R> sqlx::FromRow<'r, R> for Open
where
    R: sqlx::Row,
    Columns: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    Uuid: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            case_id: row.try_get("case_id")?,
            rule: row.try_get("rule")?,
            columns: sqlx::FromRow::from_row(row)?,
        })
    }
}

impl Tx {
    /// Answers that their givers were not told of yet, the oldest first: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unconfirmed(
        &mut self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<Unconfirmed>, StoreError> {
        let sql = "SELECT a.attestation_key AS key, a.guest_id, a.answer, a.means, a.said_at, a.until_day, a.sponsor_id, \
                   a.said_by, a.reason, a.case_id, c.rule FROM attestations a \
                   JOIN cases c ON c.tenant_id = a.tenant_id AND c.case_id = a.case_id \
                   WHERE a.tenant_id = $1 AND a.intent_id IS NULL ORDER BY a.said_at, a.attestation_key LIMIT $2";
        fetch_all!(self, Open, sql, tenant.0, i64::from(limit))?
            .into_iter()
            .map(|row| {
                Ok(Unconfirmed {
                    key: row.columns.key,
                    guest: row.columns.guest_id.into(),
                    case: row.case_id.into(),
                    rule: RuleName::from(row.rule.as_str()),
                    said: row.columns.attestation()?,
                })
            })
            .collect()
    }

    /// Notes by which intent an answer is confirmed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm(
        &mut self,
        tenant: TenantId,
        key: i64,
        intent: IntentId,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE attestations SET intent_id = $3 WHERE tenant_id = $1 AND attestation_key = $2";
        execute!(self, sql, tenant.0, key, intent.0)?;
        Ok(())
    }

    /// Adds an attestation about a guest, and its entry in the journal. With a case it is confirmed to its giver later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attest(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        attestation: &Attestation,
        case: Option<CaseId>,
    ) -> Result<(), StoreError> {
        let person = attestation.person();
        let Attestation {
            answer,
            means,
            at,
            until,
            sponsor,
            word,
        } = attestation;
        let sql = "INSERT INTO attestations (tenant_id, guest_id, answer, means, said_at, until_day, sponsor_id, said_by, \
                   person, reason, case_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        execute!(
            self,
            sql,
            tenant.0,
            guest.0,
            answer.as_str(),
            means.as_str(),
            micros(*at),
            until.map(|day| day.to_string()),
            sponsor.map(|id| id.0),
            word.by.clone(),
            person,
            word.reason.clone(),
            case.map(|id| id.0)
        )?;
        let event = Event::Attested {
            answer: *answer,
            means: *means,
            until: *until,
            sponsor: *sponsor,
            word: word.clone(),
        };
        self.append(tenant, *at, &[(Some(guest), event)]).await
    }

    /// Every attestation about a guest, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attestations_of(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Vec<Attestation>, StoreError> {
        let sql = "SELECT attestation_key AS key, guest_id, answer, means, said_at, until_day, sponsor_id, said_by, reason \
                   FROM attestations WHERE tenant_id = $1 AND guest_id = $2 ORDER BY said_at, attestation_key";
        fetch_all!(self, Columns, sql, tenant.0, guest.0)?
            .into_iter()
            .map(Columns::attestation)
            .collect()
    }

    /// Every attestation, ordered by guest and the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attestations(
        &mut self,
        tenant: TenantId,
    ) -> Result<Vec<(GuestId, Attestation)>, StoreError> {
        let sql = "SELECT attestation_key AS key, guest_id, answer, means, said_at, until_day, sponsor_id, said_by, reason \
                   FROM attestations WHERE tenant_id = $1 ORDER BY guest_id, said_at, attestation_key";
        fetch_all!(self, Columns, sql, tenant.0)?
            .into_iter()
            .map(|columns| Ok((columns.guest_id.into(), columns.attestation()?)))
            .collect()
    }

    /// The newest answer of each person about the guests in a range of rows, the oldest first, each with the row's key.
    pub(crate) async fn newest_words(
        &mut self,
        tenant: TenantId,
        first: i64,
        last: i64,
    ) -> Result<Vec<(i64, Attestation)>, StoreError> {
        // SQLite takes the tables of a CROSS JOIN in the order in which they are written; by itself, or told of the guests'
        // tenant, it would go through all of them for each page. Keys of another tenant's rows mean nothing to the caller.
        let sql = "SELECT key, guest_id, answer, means, said_at, until_day, sponsor_id, said_by, reason FROM \
                   (SELECT g.guest_key AS key, a.*, ROW_NUMBER() OVER (PARTITION BY g.guest_key, a.person \
                   ORDER BY a.said_at DESC, a.attestation_key DESC) AS place FROM guests g CROSS JOIN attestations a \
                   WHERE a.tenant_id = $1 AND g.guest_key BETWEEN $2 AND $3 AND a.guest_id = g.guest_id) AS said \
                   WHERE place = 1 ORDER BY key, said_at, attestation_key";
        fetch_all!(self, Columns, sql, tenant.0, first, last)?
            .into_iter()
            .map(|columns| Ok((columns.key, columns.attestation()?)))
            .collect()
    }
}
