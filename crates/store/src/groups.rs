//! The groups that the policy names, who is in them, who owns them; and who holds a directory role.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::ids::{GroupId, GuestId, TenantId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::guests::RowKey;
use crate::open::Tx;
use crate::rows::micros;
use crate::sponsors;

struct Named {
    name_used: String,
    found: String,
    group_id: Option<Uuid>,
    group_name: Option<String>,
    membership: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

from_row!(Named {
    name_used,
    found,
    group_id,
    group_name,
    membership,
    expires_at
});

pub(crate) fn group(
    id: Uuid,
    name: String,
    membership: &str,
    expires: Option<DateTime<Utc>>,
) -> Result<Group, StoreError> {
    let membership = Membership::parse(membership)
        .ok_or_else(|| StoreError::corrupt("membership", membership))?;
    Ok(Group {
        id: id.into(),
        name,
        membership,
        expires,
    })
}

impl Named {
    fn found(self) -> Result<(String, Found), StoreError> {
        let found = match (
            self.found.as_str(),
            self.group_id,
            self.group_name,
            self.membership,
        ) {
            ("one", Some(id), Some(name), Some(membership)) => {
                Found::One(group(id, name, &membership, self.expires_at)?)
            }
            ("missing", ..) => Found::Missing,
            ("ambiguous", ..) => Found::Ambiguous,
            _ => return Err(StoreError::corrupt("group named by a policy", self.found)),
        };
        Ok((self.name_used, found))
    }
}

impl Tx {
    /// Makes these the groups that the policy names. Who was in a group that is no longer named is forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_named_groups(
        &mut self,
        tenant: TenantId,
        groups: &NamedGroups,
    ) -> Result<(), StoreError> {
        if self.named_groups(tenant).await? == *groups {
            return Ok(());
        }
        execute!(
            self,
            "DELETE FROM named_groups WHERE tenant_id = $1",
            tenant.0
        )?;
        for (name, found) in groups {
            let word = match found {
                Found::One(_) => "one",
                Found::Missing => "missing",
                Found::Ambiguous => "ambiguous",
            };
            let group = found.group();
            let sql = "INSERT INTO named_groups (tenant_id, name_used, found, group_id, group_name, membership, expires_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
            execute!(
                self,
                sql,
                tenant.0,
                name.clone(),
                word,
                group.map(|group| group.id.0),
                group.map(|group| group.name.clone()),
                group.map(|group| group.membership.as_str()),
                group.and_then(|group| group.expires).map(micros)
            )?;
        }
        for forget in [
            "DELETE FROM memberships WHERE tenant_id = $1 AND group_id NOT IN \
             (SELECT group_id FROM named_groups WHERE tenant_id = $1 AND group_id IS NOT NULL)",
            "DELETE FROM group_owners WHERE tenant_id = $1 AND group_id NOT IN \
             (SELECT group_id FROM named_groups WHERE tenant_id = $1 AND group_id IS NOT NULL)",
        ] {
            execute!(self, forget, tenant.0)?;
        }
        Ok(())
    }

    /// The groups that the policy names, as last looked up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn named_groups(&mut self, tenant: TenantId) -> Result<NamedGroups, StoreError> {
        let sql = "SELECT name_used, found, group_id, group_name, membership, expires_at FROM named_groups WHERE tenant_id = $1";
        fetch_all!(self, Named, sql, tenant.0)?
            .into_iter()
            .map(Named::found)
            .collect()
    }

    /// The guests in a group, as last read, but for those who are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn members_of(
        &mut self,
        tenant: TenantId,
        group: GroupId,
    ) -> Result<Vec<(RowKey, GuestId)>, StoreError> {
        let sql = "SELECT g.guest_key, g.guest_id FROM memberships m JOIN guests g ON g.guest_key = m.guest_key \
                   WHERE m.tenant_id = $1 AND m.group_id = $2 AND g.gone_at IS NULL";
        let rows: Vec<(i64, Uuid)> = fetch_all!(self, (i64, Uuid), sql, tenant.0, group.0)?;
        Ok(rows
            .into_iter()
            .map(|(key, id)| (RowKey(key), id.into()))
            .collect())
    }

    /// Makes these the members of a group, writing only what differs. Ids of others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_members(
        &mut self,
        tenant: TenantId,
        group: GroupId,
        members: &[GuestId],
    ) -> Result<(), StoreError> {
        let sql = "SELECT guest_key FROM memberships WHERE tenant_id = $1 AND group_id = $2";
        let before: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0, group.0)?;
        let before: BTreeSet<i64> = before.into_iter().map(|(key,)| key).collect();
        let after: BTreeSet<i64> = self
            .keys(tenant, members)
            .await?
            .into_iter()
            .map(|(_, key)| key.0)
            .collect();
        let members = |keys: Vec<i64>| {
            Given::rows(keys.len())
                .ids("group_id", keys.iter().map(|_| group.0))
                .integers("guest_key", keys)
        };
        let sql = "DELETE FROM memberships WHERE tenant_id = $1 AND (guest_key, group_id) IN \
                   (SELECT guest_key, group_id FROM given)";
        let removed = members(before.difference(&after).copied().collect());
        self.execute_given(tenant, &removed, sql).await?;
        let sql = "INSERT INTO memberships (guest_key, group_id, tenant_id) SELECT guest_key, group_id, $1 FROM given";
        let added = members(after.difference(&before).copied().collect());
        self.execute_given(tenant, &added, sql).await?;
        Ok(())
    }

    /// Adds members to a group and takes others out. Ids of others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_members(
        &mut self,
        tenant: TenantId,
        group: GroupId,
        added: &[GuestId],
        removed: &[GuestId],
    ) -> Result<(), StoreError> {
        let removed = self.members(tenant, group, removed).await?;
        let sql = "DELETE FROM memberships WHERE tenant_id = $1 AND (guest_key, group_id) IN \
                   (SELECT guest_key, group_id FROM given)";
        self.execute_given(tenant, &removed, sql).await?;
        let added = self.members(tenant, group, added).await?;
        let sql = "INSERT INTO memberships (guest_key, group_id, tenant_id) SELECT guest_key, group_id, $1 FROM given WHERE true \
                   ON CONFLICT (guest_key, group_id) DO NOTHING";
        self.execute_given(tenant, &added, sql).await?;
        Ok(())
    }

    async fn members(
        &mut self,
        tenant: TenantId,
        group: GroupId,
        guests: &[GuestId],
    ) -> Result<Given<'static>, StoreError> {
        let keys = self.keys(tenant, guests).await?;
        let keys: BTreeSet<i64> = keys.into_iter().map(|(_, key)| key.0).collect();
        Ok(Given::rows(keys.len())
            .ids("group_id", keys.iter().map(|_| group.0))
            .integers("guest_key", keys))
    }

    /// Makes these the groups of a guest, among those that the policy names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_guest_groups(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        groups: &[GroupId],
    ) -> Result<(), StoreError> {
        let Some((_, key)) = self.keys(tenant, &[guest]).await?.pop() else {
            return Ok(());
        };
        let named: BTreeSet<Uuid> = self
            .named_groups(tenant)
            .await?
            .values()
            .filter_map(Found::group)
            .map(|group| group.id.0)
            .collect();
        let sql = "SELECT group_id FROM memberships WHERE tenant_id = $1 AND guest_key = $2";
        let before: Vec<(Uuid,)> = fetch_all!(self, (Uuid,), sql, tenant.0, key.0)?;
        let before: BTreeSet<Uuid> = before.into_iter().map(|(group,)| group).collect();
        let after: BTreeSet<Uuid> = groups
            .iter()
            .map(|group| group.0)
            .filter(|group| named.contains(group))
            .collect();
        for group in before.difference(&after) {
            let sql =
                "DELETE FROM memberships WHERE tenant_id = $1 AND guest_key = $2 AND group_id = $3";
            execute!(self, sql, tenant.0, key.0, *group)?;
        }
        for group in after.difference(&before) {
            let sql =
                "INSERT INTO memberships (guest_key, group_id, tenant_id) VALUES ($1, $2, $3)";
            execute!(self, sql, key.0, *group, tenant.0)?;
        }
        Ok(())
    }

    /// Makes these the owners of a group.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_owners(
        &mut self,
        tenant: TenantId,
        group: GroupId,
        owners: &[Sponsor],
    ) -> Result<(), StoreError> {
        self.save_sponsors(tenant, owners).await?;
        execute!(
            self,
            "DELETE FROM group_owners WHERE tenant_id = $1 AND group_id = $2",
            tenant.0,
            group.0
        )?;
        let given = Given::rows(owners.len())
            .ids("group_id", owners.iter().map(|_| group.0))
            .ids("sponsor_id", owners.iter().map(|owner| owner.id.0));
        let sql = "INSERT INTO group_owners (tenant_id, group_id, sponsor_id) SELECT DISTINCT $1, group_id, sponsor_id FROM given";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// The owners of a group, ordered by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn owners(
        &mut self,
        tenant: TenantId,
        group: GroupId,
    ) -> Result<Vec<Sponsor>, StoreError> {
        let sql = concat!(
            "SELECT ",
            sponsors::sponsor_columns!(),
            " FROM group_owners o JOIN sponsors s ON s.tenant_id = o.tenant_id AND s.sponsor_id = o.sponsor_id \
             WHERE o.tenant_id = $1 AND o.group_id = $2 ORDER BY s.sponsor_id"
        );
        fetch_all!(self, sponsors::Columns, sql, tenant.0, group.0)?
            .into_iter()
            .map(sponsors::Columns::sponsor)
            .collect()
    }

    /// Makes these the only holders of directory roles among the guests. Ids of others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_roles(
        &mut self,
        tenant: TenantId,
        holders: &[(GuestId, Vec<String>)],
    ) -> Result<(), StoreError> {
        let sql = "SELECT guest_key, role FROM guest_roles WHERE tenant_id = $1";
        let before: Vec<(i64, String)> = fetch_all!(self, (i64, String), sql, tenant.0)?;
        let before: BTreeSet<(i64, String)> = before.into_iter().collect();
        let ids: Vec<GuestId> = holders.iter().map(|(guest, _)| *guest).collect();
        let keys: BTreeMap<GuestId, i64> = self
            .keys(tenant, &ids)
            .await?
            .into_iter()
            .map(|(guest, key)| (guest, key.0))
            .collect();
        let known = holders
            .iter()
            .filter_map(|(guest, roles)| keys.get(guest).map(|key| (*key, roles)));
        let after: BTreeSet<(i64, String)> = known
            .flat_map(|(key, roles)| roles.iter().map(move |role| (key, role.clone())))
            .collect();
        self.change_roles(tenant, &before, &after).await
    }

    /// Makes these the directory roles of a guest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_guest_roles(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        roles: &[String],
    ) -> Result<(), StoreError> {
        let Some((_, key)) = self.keys(tenant, &[guest]).await?.pop() else {
            return Ok(());
        };
        let sql = "SELECT guest_key, role FROM guest_roles WHERE tenant_id = $1 AND guest_key = $2";
        let before: Vec<(i64, String)> = fetch_all!(self, (i64, String), sql, tenant.0, key.0)?;
        let after = roles.iter().map(|role| (key.0, role.clone())).collect();
        self.change_roles(tenant, &before.into_iter().collect(), &after)
            .await
    }

    async fn change_roles(
        &mut self,
        tenant: TenantId,
        before: &BTreeSet<(i64, String)>,
        after: &BTreeSet<(i64, String)>,
    ) -> Result<(), StoreError> {
        for (key, role) in before.difference(after) {
            let sql =
                "DELETE FROM guest_roles WHERE tenant_id = $1 AND guest_key = $2 AND role = $3";
            execute!(self, sql, tenant.0, *key, role.clone())?;
        }
        for (key, role) in after.difference(before) {
            let sql = "INSERT INTO guest_roles (guest_key, role, tenant_id) VALUES ($1, $2, $3)";
            execute!(self, sql, *key, role.clone(), tenant.0)?;
        }
        Ok(())
    }
}
