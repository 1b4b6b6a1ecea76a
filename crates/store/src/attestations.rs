//! What those answerable for guests said of them. Kept by the guest's object id, as people's decisions are.
//!
//! Invariant: rows are only ever added.

use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::Event;
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

impl Tx {
    /// Adds an attestation about a guest, and its entry in the journal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attest(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        attestation: &Attestation,
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
                   person, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
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
            word.reason.clone()
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
        let sql = "SELECT key, guest_id, answer, means, said_at, until_day, sponsor_id, said_by, reason FROM \
                   (SELECT g.guest_key AS key, a.*, ROW_NUMBER() OVER (PARTITION BY a.guest_id, a.person \
                   ORDER BY a.said_at DESC, a.attestation_key DESC) AS place FROM attestations a \
                   JOIN guests g ON g.tenant_id = a.tenant_id AND g.guest_id = a.guest_id \
                   WHERE a.tenant_id = $1 AND g.guest_key BETWEEN $2 AND $3) AS said \
                   WHERE place = 1 ORDER BY key, said_at, attestation_key";
        fetch_all!(self, Columns, sql, tenant.0, first, last)?
            .into_iter()
            .map(|columns| Ok((columns.key, columns.attestation()?)))
            .collect()
    }
}
