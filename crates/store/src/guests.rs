//! Guests: the newest attributes, the marks of their sign-ins, and what we did to their accounts.

use chrono::{DateTime, Utc};
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::guest::{Guest, GuestRecord, Invitation, UserType};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::policy::RuleName;
use roaring::RoaringTreemap;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::{count, micros};

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

/// The columns of a guest. `SELECT` them with [`GUEST`].
pub(crate) struct Columns {
    pub(crate) guest_key: i64,
    guest_id: Uuid,
    upn: String,
    mail: Option<String>,
    display_name: Option<String>,
    user_type: String,
    enabled: Option<bool>,
    created_at: Option<DateTime<Utc>>,
    invitation: String,
    invitation_at: Option<DateTime<Utc>>,
    on_premises_sync: Option<bool>,
    company: Option<String>,
    successful_at: Option<DateTime<Utc>>,
    interactive_at: Option<DateTime<Utc>>,
    non_interactive_at: Option<DateTime<Utc>>,
    reading: String,
    first_seen_at: DateTime<Utc>,
    gone_at: Option<DateTime<Utc>>,
    revived_at: Option<DateTime<Utc>>,
    disabled_by_us_at: Option<DateTime<Utc>>,
    deleted_by_us_at: Option<DateTime<Utc>>,
    verdict: Option<String>,
    verdict_rule: Option<String>,
}

from_row!(Columns {
    guest_key,
    guest_id,
    upn,
    mail,
    display_name,
    user_type,
    enabled,
    created_at,
    invitation,
    invitation_at,
    on_premises_sync,
    company,
    successful_at,
    interactive_at,
    non_interactive_at,
    reading,
    first_seen_at,
    gone_at,
    revived_at,
    disabled_by_us_at,
    deleted_by_us_at,
    verdict,
    verdict_rule,
});

impl Columns {
    pub(crate) fn record(self) -> Result<(RowKey, GuestRecord, Option<StoredVerdict>), StoreError> {
        let reading = Reading::parse(&self.reading)
            .ok_or_else(|| StoreError::corrupt("reading", self.reading))?;
        let guest = Guest {
            id: self.guest_id.into(),
            upn: self.upn,
            mail: self.mail,
            display_name: self.display_name,
            user_type: match self.user_type.as_str() {
                "guest" => UserType::Guest,
                "member" => UserType::Member,
                _ => return Err(StoreError::corrupt("user type", self.user_type)),
            },
            enabled: self.enabled,
            created: self.created_at,
            invitation: match self.invitation.as_str() {
                "pending" => Invitation::Pending {
                    since: self.invitation_at,
                },
                "accepted" => Invitation::Accepted {
                    at: self.invitation_at,
                },
                "none" => Invitation::None,
                "unrecognised" => Invitation::Unrecognised,
                _ => return Err(StoreError::corrupt("invitation", self.invitation)),
            },
            on_premises_sync: self.on_premises_sync,
            company: self.company,
            sign_ins: SignIns {
                successful: self.successful_at,
                interactive: self.interactive_at,
                non_interactive: self.non_interactive_at,
            },
        };
        let record = GuestRecord {
            guest,
            reading,
            first_seen: self.first_seen_at,
            gone: self.gone_at,
            revived: self.revived_at,
            disabled_by_us: self.disabled_by_us_at,
            deleted_by_us: self.deleted_by_us_at,
        };
        let rule = self.verdict_rule.as_deref().map(RuleName::from);
        let verdict = self.verdict.map(|verdict| StoredVerdict { verdict, rule });
        Ok((RowKey(self.guest_key), record, verdict))
    }
}

fn invitation(invitation: &Invitation) -> (&'static str, Option<DateTime<Utc>>) {
    match invitation {
        Invitation::Pending { since } => ("pending", *since),
        Invitation::Accepted { at } => ("accepted", *at),
        Invitation::None => ("none", None),
        Invitation::Unrecognised => ("unrecognised", None),
    }
}

/// A row key with the guest's id.
struct Keyed {
    guest_key: i64,
    guest_id: Uuid,
}

from_row!(Keyed {
    guest_key,
    guest_id
});

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
        let head = "SELECT * FROM guests WHERE tenant_id = ";
        let rows = fetch_in!(
            self,
            Columns,
            head,
            tenant.0,
            " AND guest_id IN (",
            ids,
            ") ORDER BY guest_key"
        )?;
        let known = |columns: Columns| columns.record().map(|(key, record, _)| (key, record));
        rows.into_iter().map(known).collect()
    }

    /// The row keys of those of these guests that are known.
    pub(crate) async fn keys(
        &mut self,
        tenant: TenantId,
        ids: &[GuestId],
    ) -> Result<Vec<(GuestId, RowKey)>, StoreError> {
        let head = "SELECT guest_key, guest_id FROM guests WHERE tenant_id = ";
        let rows = fetch_in!(self, Keyed, head, tenant.0, " AND guest_id IN (", ids, ")")?;
        Ok(rows
            .into_iter()
            .map(|keyed| (keyed.guest_id.into(), RowKey(keyed.guest_key)))
            .collect())
    }

    /// The guest in a row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_id(
        &mut self,
        tenant: TenantId,
        key: RowKey,
    ) -> Result<Option<GuestId>, StoreError> {
        let sql = "SELECT guest_id FROM guests WHERE tenant_id = $1 AND guest_key = $2";
        let id: Option<(Uuid,)> = fetch_optional!(self, (Uuid,), sql, tenant.0, key.0)?;
        Ok(id.map(|(id,)| id.into()))
    }

    /// Writes guests, new or known; returns the row key of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_guests(
        &mut self,
        tenant: TenantId,
        records: &[&GuestRecord],
    ) -> Result<Vec<(GuestId, RowKey)>, StoreError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let head = "INSERT INTO guests (tenant_id, guest_id, upn, mail, display_name, user_type, enabled, created_at, invitation, \
                    invitation_at, on_premises_sync, company, successful_at, interactive_at, non_interactive_at, reading, \
                    first_seen_at, gone_at, revived_at, disabled_by_us_at, deleted_by_us_at) ";
        let tail = " ON CONFLICT (tenant_id, guest_id) DO UPDATE SET upn = excluded.upn, mail = excluded.mail, \
                    display_name = excluded.display_name, user_type = excluded.user_type, enabled = excluded.enabled, \
                    created_at = excluded.created_at, invitation = excluded.invitation, invitation_at = excluded.invitation_at, \
                    on_premises_sync = excluded.on_premises_sync, company = excluded.company, \
                    successful_at = excluded.successful_at, interactive_at = excluded.interactive_at, \
                    non_interactive_at = excluded.non_interactive_at, reading = excluded.reading, gone_at = excluded.gone_at, \
                    revived_at = excluded.revived_at, disabled_by_us_at = excluded.disabled_by_us_at, \
                    deleted_by_us_at = excluded.deleted_by_us_at";
        insert_rows!(
            self,
            head,
            records,
            |row, record| {
                let GuestRecord {
                    guest,
                    reading,
                    first_seen,
                    gone,
                    revived,
                    disabled_by_us,
                    deleted_by_us,
                } = *record;
                let (invitation, invitation_at) = invitation(&guest.invitation);
                row.push_bind(tenant.0)
                    .push_bind(guest.id.0)
                    .push_bind(guest.upn.clone())
                    .push_bind(guest.mail.clone())
                    .push_bind(guest.display_name.clone())
                    .push_bind(match guest.user_type {
                        UserType::Guest => "guest",
                        UserType::Member => "member",
                    })
                    .push_bind(guest.enabled)
                    .push_bind(guest.created.map(micros))
                    .push_bind(invitation)
                    .push_bind(invitation_at.map(micros))
                    .push_bind(guest.on_premises_sync)
                    .push_bind(guest.company.clone())
                    .push_bind(guest.sign_ins.successful.map(micros))
                    .push_bind(guest.sign_ins.interactive.map(micros))
                    .push_bind(guest.sign_ins.non_interactive.map(micros))
                    .push_bind(reading.as_str())
                    .push_bind(micros(*first_seen))
                    .push_bind(gone.map(micros))
                    .push_bind(revived.map(micros))
                    .push_bind(disabled_by_us.map(micros))
                    .push_bind(deleted_by_us.map(micros));
            },
            tail
        )?;
        let ids: Vec<GuestId> = records.iter().map(|record| record.guest.id).collect();
        self.keys(tenant, &ids).await
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
        let sql = "SELECT guest_key FROM guests WHERE tenant_id = $1 AND gone_at IS NULL";
        let present: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0)?;
        let gone: Vec<i64> = present
            .into_iter()
            .map(|(key,)| key)
            .filter(|key| !seen.contains(RowKey(*key).into()))
            .collect();
        for key in &gone {
            let sql = "UPDATE guests SET gone_at = $3, verdict = NULL, verdict_rule = NULL WHERE tenant_id = $1 AND guest_key = $2";
            execute!(self, sql, tenant.0, *key, micros(at))?;
        }
        Ok(gone.len() as u64)
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
                let sql = "SELECT guest_id FROM guests WHERE tenant_id = $1 AND (lower(upn) = $2 OR lower(mail) = $2) ORDER BY guest_id";
                fetch_all!(self, (Uuid,), sql, tenant.0, text.to_lowercase())?
            }
        };
        Ok(found.into_iter().map(|(id,)| id.into()).collect())
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
        let sql = "UPDATE guests SET verdict = $3, verdict_rule = $4 WHERE tenant_id = $1 AND guest_key = $2";
        for (key, StoredVerdict { verdict, rule }) in verdicts {
            let rule = rule.as_ref().map(ToString::to_string);
            execute!(self, sql, tenant.0, key.0, verdict.clone(), rule.clone())?;
        }
        Ok(())
    }
}
