//! Sponsors, and whose sponsors they are.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_domain::ids::{GuestId, SponsorId, TenantId};
use innkeeper_domain::sponsor::{Membership, Sponsor, SponsorKind};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::guests::RowKey;
use crate::open::Tx;

/// What is selected of a sponsor `s`.
macro_rules! sponsor_columns {
    () => {
        "s.sponsor_id, s.kind, s.display_name, s.mail, s.enabled, s.is_guest, \
         (SELECT CASE WHEN NOT g.known THEN 'unknown' ELSE COALESCE((SELECT CASE WHEN m.missing THEN 'unknown' ELSE 'in' END \
         FROM sponsor_group_members m WHERE m.tenant_id = s.tenant_id AND m.member_id = s.sponsor_id), 'out') END \
         FROM sponsor_groups g WHERE g.tenant_id = s.tenant_id) AS membership"
    };
}

pub(crate) use sponsor_columns;

/// The columns of a sponsor.
pub(crate) struct Columns {
    sponsor_id: Uuid,
    kind: String,
    display_name: Option<String>,
    mail: Option<String>,
    enabled: Option<bool>,
    is_guest: bool,
    membership: Option<String>,
}

from_row!(Columns {
    sponsor_id,
    kind,
    display_name,
    mail,
    enabled,
    is_guest,
    membership
});

impl Columns {
    pub(crate) fn sponsor(self) -> Result<Sponsor, StoreError> {
        let kind = [SponsorKind::User, SponsorKind::Group]
            .into_iter()
            .find(|kind| kind.as_str() == self.kind);
        let membership = match self.membership {
            None => Membership::NotAsked,
            Some(word) => Membership::ALL
                .into_iter()
                .find(|membership| membership.as_str() == word)
                .ok_or_else(|| StoreError::corrupt("membership of the sponsor group", word))?,
        };
        Ok(Sponsor {
            id: self.sponsor_id.into(),
            kind: kind.ok_or_else(|| StoreError::corrupt("kind of a sponsor", self.kind))?,
            display_name: self.display_name,
            mail: self.mail,
            enabled: self.enabled,
            is_guest: self.is_guest,
            membership,
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
    /// Writes sponsors, new or known, where they differ from what is stored. Of one given twice the later counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_sponsors(
        &mut self,
        tenant: TenantId,
        sponsors: &[Sponsor],
    ) -> Result<(), StoreError> {
        let latest: BTreeMap<SponsorId, &Sponsor> = sponsors
            .iter()
            .map(|sponsor| (sponsor.id, sponsor))
            .collect();
        let sponsors = || latest.values();
        let given = Given::rows(latest.len())
            .ids("sponsor_id", sponsors().map(|sponsor| sponsor.id.0))
            .texts("kind", sponsors().map(|sponsor| sponsor.kind.as_str()))
            .texts(
                "display_name",
                sponsors().map(|sponsor| sponsor.display_name.as_deref()),
            )
            .texts("mail", sponsors().map(|sponsor| sponsor.mail.as_deref()))
            .flags("enabled", sponsors().map(|sponsor| sponsor.enabled))
            .flags("is_guest", sponsors().map(|sponsor| sponsor.is_guest));
        let sql = "INSERT INTO sponsors (tenant_id, sponsor_id, kind, display_name, mail, enabled, is_guest) \
                   SELECT $1, sponsor_id, kind, display_name, mail, enabled, is_guest FROM given WHERE true \
                   ON CONFLICT (tenant_id, sponsor_id) DO UPDATE SET kind = excluded.kind, display_name = excluded.display_name, \
                   mail = excluded.mail, enabled = excluded.enabled, is_guest = excluded.is_guest, departed = FALSE \
                   WHERE sponsors.departed OR (sponsors.kind, sponsors.display_name, sponsors.mail, sponsors.enabled, sponsors.is_guest) IS DISTINCT FROM \
                   (excluded.kind, excluded.display_name, excluded.mail, excluded.enabled, excluded.is_guest)";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Makes these the sponsors of these guests, writing only what differs. Guests that are not known are passed over;
    /// returns the rows of those that are.
    ///
    /// # Errors
    /// `UntoldSponsors` where a sponsor was never saved, or when the database fails.
    pub async fn set_guest_sponsors(
        &mut self,
        tenant: TenantId,
        links: &[(GuestId, Vec<SponsorId>)],
    ) -> Result<Vec<RowKey>, StoreError> {
        let ids: Vec<GuestId> = links.iter().map(|(guest, _)| *guest).collect();
        let keys: BTreeMap<GuestId, RowKey> = self.keys(tenant, &ids).await?.into_iter().collect();
        let rows: Vec<RowKey> = keys.values().copied().collect();
        let given = Given::rows(rows.len()).integers("guest_key", rows.iter().map(|key| key.0));
        let sql = "SELECT guest_key, sponsor_id FROM guest_sponsors \
                   WHERE tenant_id = $1 AND guest_key IN (SELECT guest_key FROM given)";
        let before: Vec<Link> = self.fetch_given(tenant, &given, sql).await?;
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
        let lost = given_links(before.difference(&after));
        let sql = "INSERT INTO former_sponsors (guest_key, sponsor_id, tenant_id) \
                   SELECT given.guest_key, given.sponsor_id, $1 FROM given \
                   JOIN sponsors s ON s.tenant_id = $1 AND s.sponsor_id = given.sponsor_id WHERE s.kind = 'user' \
                   ON CONFLICT (guest_key, sponsor_id) DO NOTHING";
        self.execute_given(tenant, &lost, sql).await?;
        let sql = "DELETE FROM guest_sponsors WHERE tenant_id = $1 AND (guest_key, sponsor_id) IN \
                   (SELECT guest_key, sponsor_id FROM given)";
        self.execute_given(tenant, &lost, sql).await?;
        let sql = "INSERT INTO guest_sponsors (guest_key, sponsor_id, tenant_id) \
                   SELECT given.guest_key, given.sponsor_id, $1 FROM given \
                   JOIN sponsors s ON s.tenant_id = $1 AND s.sponsor_id = given.sponsor_id";
        let won = given_links(after.difference(&before));
        let written = self.execute_given(tenant, &won, sql).await?;
        let untold = (after.difference(&before).count() as u64).saturating_sub(written);
        if untold > 0 {
            return Err(StoreError::UntoldSponsors { sponsors: untold });
        }
        let sql = "DELETE FROM former_sponsors WHERE tenant_id = $1 AND (guest_key, sponsor_id) IN \
                   (SELECT guest_key, sponsor_id FROM given)";
        self.execute_given(tenant, &won, sql).await?;
        Ok(rows)
    }
}

fn given_links<'a>(links: impl Iterator<Item = &'a (i64, Uuid)>) -> Given<'static> {
    let links: Vec<_> = links.copied().collect();
    Given::rows(links.len())
        .integers("guest_key", links.iter().map(|(key, _)| *key))
        .ids("sponsor_id", links.iter().map(|(_, sponsor)| *sponsor))
}
