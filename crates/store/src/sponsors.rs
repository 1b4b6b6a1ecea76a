//! Sponsors, and whose sponsors they are.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_domain::ids::{GuestId, SponsorId, TenantId};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use uuid::Uuid;

use crate::error::StoreError;
use crate::guests::RowKey;
use crate::open::Tx;

/// The columns of a sponsor.
pub(crate) struct Columns {
    sponsor_id: Uuid,
    kind: String,
    display_name: Option<String>,
    mail: Option<String>,
    enabled: Option<bool>,
    is_guest: bool,
}

from_row!(Columns {
    sponsor_id,
    kind,
    display_name,
    mail,
    enabled,
    is_guest
});

impl Columns {
    pub(crate) fn sponsor(self) -> Result<Sponsor, StoreError> {
        let kind = [SponsorKind::User, SponsorKind::Group]
            .into_iter()
            .find(|kind| kind.as_str() == self.kind);
        Ok(Sponsor {
            id: self.sponsor_id.into(),
            kind: kind.ok_or_else(|| StoreError::corrupt("kind of a sponsor", self.kind))?,
            display_name: self.display_name,
            mail: self.mail,
            enabled: self.enabled,
            is_guest: self.is_guest,
        })
    }
}

/// A guest's row with one of its sponsors.
struct Link {
    guest_key: i64,
    sponsor_id: Uuid,
}

from_row!(Link {
    guest_key,
    sponsor_id
});

impl Tx {
    /// Writes sponsors, new or known. Each may be given once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_sponsors(
        &mut self,
        tenant: TenantId,
        sponsors: &[Sponsor],
    ) -> Result<(), StoreError> {
        let head = "INSERT INTO sponsors (tenant_id, sponsor_id, kind, display_name, mail, enabled, is_guest) ";
        let tail = " ON CONFLICT (tenant_id, sponsor_id) DO UPDATE SET kind = excluded.kind, display_name = excluded.display_name, \
                    mail = excluded.mail, enabled = excluded.enabled, is_guest = excluded.is_guest \
                    WHERE sponsors.kind <> excluded.kind OR sponsors.display_name IS DISTINCT FROM excluded.display_name \
                    OR sponsors.mail IS DISTINCT FROM excluded.mail OR sponsors.enabled IS DISTINCT FROM excluded.enabled \
                    OR sponsors.is_guest <> excluded.is_guest";
        insert_rows!(
            self,
            head,
            sponsors,
            |row, sponsor| {
                let Sponsor {
                    id,
                    kind,
                    display_name,
                    mail,
                    enabled,
                    is_guest,
                } = sponsor;
                row.push_bind(tenant.0)
                    .push_bind(id.0)
                    .push_bind(kind.as_str())
                    .push_bind(display_name.clone())
                    .push_bind(mail.clone())
                    .push_bind(*enabled)
                    .push_bind(*is_guest);
            },
            tail
        )?;
        Ok(())
    }

    /// Makes these the sponsors of these guests, writing only what differs. Guests that are not known are passed over;
    /// returns the rows of those that are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_guest_sponsors(
        &mut self,
        tenant: TenantId,
        links: &[(GuestId, Vec<SponsorId>)],
    ) -> Result<Vec<RowKey>, StoreError> {
        let ids: Vec<GuestId> = links.iter().map(|(guest, _)| *guest).collect();
        let keys: BTreeMap<GuestId, RowKey> = self.keys(tenant, &ids).await?.into_iter().collect();
        let rows: Vec<RowKey> = keys.values().copied().collect();
        let head = "SELECT guest_key, sponsor_id FROM guest_sponsors WHERE tenant_id = ";
        let before = fetch_in!(self, Link, head, tenant.0, " AND guest_key IN (", rows, ")")?;
        let before: BTreeSet<(i64, Uuid)> = before
            .into_iter()
            .map(|link| (link.guest_key, link.sponsor_id))
            .collect();
        let known = links
            .iter()
            .filter_map(|(guest, sponsors)| keys.get(guest).map(|key| (key.0, sponsors)));
        let after: BTreeSet<(i64, Uuid)> = known
            .flat_map(|(key, sponsors)| sponsors.iter().map(move |sponsor| (key, sponsor.0)))
            .collect();
        for (key, sponsor) in before.difference(&after) {
            let sql = "DELETE FROM guest_sponsors WHERE tenant_id = $1 AND guest_key = $2 AND sponsor_id = $3";
            execute!(self, sql, tenant.0, *key, *sponsor)?;
        }
        let added: Vec<(i64, Uuid)> = after.difference(&before).copied().collect();
        let head = "INSERT INTO guest_sponsors (guest_key, sponsor_id, tenant_id) ";
        insert_rows!(
            self,
            head,
            added,
            |row, link| {
                row.push_bind(link.0).push_bind(link.1).push_bind(tenant.0);
            },
            ""
        )?;
        Ok(rows)
    }
}
