//! What guests were given access to: directory roles that they may activate, access packages, roles in applications.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use innkeeper_domain::access::{Access, Assignment, Held, Register, Told, remember};
use innkeeper_domain::ids::{GroupId, GuestId, TenantId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

/// How the reading of a register went, and when it was asked for.
pub type RegisterRow = (Told, DateTime<Utc>);

/// One guest's row.
pub(crate) struct Columns {
    pub(crate) guest_key: i64,
    eligible_roles: Option<String>,
    packages: Option<String>,
    reviews: Option<String>,
    sole_owner_of: Option<String>,
    exempt_by: Option<String>,
    held: Option<String>,
}

from_row!(Columns {
    guest_key,
    eligible_roles,
    packages,
    reviews,
    sole_owner_of,
    exempt_by,
    held
});

impl Columns {
    /// Takes in what the row tells.
    pub(crate) fn fill(self, access: &mut Access) -> Result<(), StoreError> {
        let Self {
            guest_key: _,
            eligible_roles,
            packages,
            reviews,
            sole_owner_of,
            exempt_by,
            held,
        } = self;
        if let Some(roles) = eligible_roles {
            access.eligible_roles = from_json("eligible roles", &roles)?;
        }
        if let Some(packages) = packages {
            access.packages = from_json("access packages", &packages)?;
        }
        if let Some(reviews) = reviews {
            access.reviews = from_json("access reviews", &reviews)?;
        }
        if let Some(groups) = sole_owner_of {
            access.sole_owner_of = from_json("groups", &groups)?;
        }
        if let Some(groups) = exempt_by {
            access.exempt_by = from_json("groups that exempt", &groups)?;
        }
        if let Some(held) = held {
            access.held = Some(from_json("app roles", &held)?);
        }
        Ok(())
    }
}

const SET_ROLES: &str = "INSERT INTO guest_access (guest_key, tenant_id, eligible_roles) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET eligible_roles = excluded.eligible_roles \
     WHERE guest_access.eligible_roles IS DISTINCT FROM excluded.eligible_roles";
const SET_PACKAGES: &str = "INSERT INTO guest_access (guest_key, tenant_id, packages) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET packages = excluded.packages \
     WHERE guest_access.packages IS DISTINCT FROM excluded.packages";
const SET_REVIEWS: &str = "INSERT INTO guest_access (guest_key, tenant_id, reviews) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET reviews = excluded.reviews \
     WHERE guest_access.reviews IS DISTINCT FROM excluded.reviews";
const SET_SOLE_OWNERS: &str = "INSERT INTO guest_access (guest_key, tenant_id, sole_owner_of) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET sole_owner_of = excluded.sole_owner_of \
     WHERE guest_access.sole_owner_of IS DISTINCT FROM excluded.sole_owner_of";
const SET_EXEMPT_BY: &str = "INSERT INTO guest_access (guest_key, tenant_id, exempt_by) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET exempt_by = excluded.exempt_by \
     WHERE guest_access.exempt_by IS DISTINCT FROM excluded.exempt_by";
const SET_HELD: &str = "INSERT INTO guest_access (guest_key, tenant_id, held) SELECT guest_key, $1, list FROM given WHERE true \
     ON CONFLICT (guest_key) DO UPDATE SET held = excluded.held \
     WHERE guest_access.held IS DISTINCT FROM excluded.held";

impl Tx {
    /// How the reading of each register went last; one that was never asked for is missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registers(
        &mut self,
        tenant: TenantId,
    ) -> Result<BTreeMap<Register, RegisterRow>, StoreError> {
        let sql = "SELECT register, told, asked_at FROM registers WHERE tenant_id = $1";
        let rows: Vec<(String, String, DateTime<Utc>)> =
            fetch_all!(self, (String, String, DateTime<Utc>), sql, tenant.0)?;
        let mut known = BTreeMap::new();
        for (register, told, asked) in rows {
            let found = Register::ALL
                .into_iter()
                .find(|known| known.as_str() == register);
            let found = found.ok_or_else(|| StoreError::corrupt("register", &register))?;
            let told = Told::parse(&told).ok_or_else(|| StoreError::corrupt("register", &told))?;
            known.insert(found, (told, asked));
        }
        Ok(known)
    }

    /// Notes how the reading of a register went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_register(
        &mut self,
        tenant: TenantId,
        register: Register,
        told: Told,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO registers (tenant_id, register, told, asked_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (tenant_id, register) DO UPDATE SET told = excluded.told, asked_at = excluded.asked_at";
        execute!(
            self,
            sql,
            tenant.0,
            register.as_str(),
            told.as_str(),
            micros(at)
        )?;
        Ok(())
    }

    /// Makes these the directory roles that guests may activate: of all guests when `all`, else of those named. Others
    /// than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_eligible_roles(
        &mut self,
        tenant: TenantId,
        roles: &BTreeMap<GuestId, Vec<String>>,
        all: bool,
    ) -> Result<(), StoreError> {
        let mut lists: BTreeMap<i64, String> = BTreeMap::new();
        if all {
            let sql = "SELECT guest_key FROM guest_access WHERE tenant_id = $1 AND eligible_roles IS NOT NULL";
            let before: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0)?;
            let none = json(&Vec::<String>::new());
            lists.extend(before.into_iter().map(|(key,)| (key, none.clone())));
        }
        let ids: Vec<GuestId> = roles.keys().copied().collect();
        for (guest, key) in self.keys(tenant, &ids).await? {
            lists.insert(key.0, json(&roles[&guest]));
        }
        self.set_lists(tenant, &lists, SET_ROLES).await
    }

    /// Takes in a reading of access packages: of all guests when `all`, else of those named. What is gone from it is
    /// remembered as over. Others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_packages(
        &mut self,
        tenant: TenantId,
        read: &BTreeMap<GuestId, Vec<Assignment>>,
        all: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let now = micros(now);
        let ids: Vec<GuestId> = read.keys().copied().collect();
        let keys = self.keys(tenant, &ids).await?;
        let mut now_have: BTreeMap<i64, Vec<Assignment>> = keys
            .into_iter()
            .map(|(guest, key)| (key.0, read[&guest].clone()))
            .collect();
        let sql = "SELECT guest_key, packages FROM guest_access WHERE tenant_id = $1 AND packages IS NOT NULL";
        let before: Vec<(i64, String)> = if all {
            fetch_all!(self, (i64, String), sql, tenant.0)?
        } else {
            let given = Given::rows(now_have.len()).integers("guest_key", now_have.keys().copied());
            let sql = "SELECT guest_key, packages FROM guest_access WHERE tenant_id = $1 AND packages IS NOT NULL \
                       AND guest_key IN (SELECT guest_key FROM given)";
            self.fetch_given(tenant, &given, sql).await?
        };
        let mut lists = BTreeMap::new();
        for (key, before) in before {
            let before: Vec<Assignment> = from_json("access packages", &before)?;
            let read = now_have.remove(&key).unwrap_or_default();
            lists.insert(key, json(&remember(&before, read, now)));
        }
        for (key, read) in now_have {
            lists.insert(key, json(&remember(&[], read, now)));
        }
        self.set_lists(tenant, &lists, SET_PACKAGES).await
    }

    /// Makes this what guests hold. Others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_held(
        &mut self,
        tenant: TenantId,
        held: &BTreeMap<GuestId, Held>,
    ) -> Result<(), StoreError> {
        let ids: Vec<GuestId> = held.keys().copied().collect();
        let keys = self.keys(tenant, &ids).await?;
        let lists = keys
            .into_iter()
            .map(|(guest, key)| (key.0, json(&held[&guest])))
            .collect();
        self.set_lists(tenant, &lists, SET_HELD).await
    }

    /// Makes these the running access reviews that decide on guests: of all guests when `all`, else of those named.
    /// Others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_reviews(
        &mut self,
        tenant: TenantId,
        reviews: &BTreeMap<GuestId, Vec<String>>,
        all: bool,
    ) -> Result<(), StoreError> {
        let mut lists: BTreeMap<i64, String> = BTreeMap::new();
        if all {
            let sql =
                "SELECT guest_key FROM guest_access WHERE tenant_id = $1 AND reviews IS NOT NULL";
            let before: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0)?;
            let none = json(&Vec::<String>::new());
            lists.extend(before.into_iter().map(|(key,)| (key, none.clone())));
        }
        let ids: Vec<GuestId> = reviews.keys().copied().collect();
        for (guest, key) in self.keys(tenant, &ids).await? {
            lists.insert(key.0, json(&reviews[&guest]));
        }
        self.set_lists(tenant, &lists, SET_REVIEWS).await
    }

    /// Makes these the groups that guests are the only owners of. Others than known guests are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_sole_owners(
        &mut self,
        tenant: TenantId,
        groups: &BTreeMap<GuestId, Vec<String>>,
    ) -> Result<(), StoreError> {
        let ids: Vec<GuestId> = groups.keys().copied().collect();
        let keys = self.keys(tenant, &ids).await?;
        let lists = keys
            .into_iter()
            .map(|(guest, key)| (key.0, json(&groups[&guest])))
            .collect();
        self.set_lists(tenant, &lists, SET_SOLE_OWNERS).await
    }

    /// Guests of the directory that were found to be the only owner of a group.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sole_owners(&mut self, tenant: TenantId) -> Result<Vec<GuestId>, StoreError> {
        let sql = "SELECT g.guest_id FROM guest_access a JOIN guests g ON g.guest_key = a.guest_key \
                   WHERE a.tenant_id = $1 AND a.sole_owner_of IS NOT NULL AND a.sole_owner_of <> '[]' AND g.gone_at IS NULL \
                   ORDER BY g.guest_key";
        let rows: Vec<(Uuid,)> = fetch_all!(self, (Uuid,), sql, tenant.0)?;
        Ok(rows.into_iter().map(|(id,)| GuestId(id)).collect())
    }

    /// Makes these the groups that exempt guests: of all guests when `all`, else of those named. Others than known guests
    /// are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_exempt_by(
        &mut self,
        tenant: TenantId,
        groups: &BTreeMap<GuestId, Vec<GroupId>>,
        all: bool,
    ) -> Result<(), StoreError> {
        let mut lists: BTreeMap<i64, String> = BTreeMap::new();
        if all {
            let sql =
                "SELECT guest_key FROM guest_access WHERE tenant_id = $1 AND exempt_by IS NOT NULL";
            let before: Vec<(i64,)> = fetch_all!(self, (i64,), sql, tenant.0)?;
            let none = json(&Vec::<GroupId>::new());
            lists.extend(before.into_iter().map(|(key,)| (key, none.clone())));
        }
        let ids: Vec<GuestId> = groups.keys().copied().collect();
        for (guest, key) in self.keys(tenant, &ids).await? {
            lists.insert(key.0, json(&groups[&guest]));
        }
        self.set_lists(tenant, &lists, SET_EXEMPT_BY).await
    }

    async fn set_lists(
        &mut self,
        tenant: TenantId,
        lists: &BTreeMap<i64, String>,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        let given = Given::rows(lists.len())
            .integers("guest_key", lists.keys().copied())
            .texts("list", lists.values().map(String::as_str));
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }
}

/// What is known of every guest before its own row is looked at. A register that was never asked for may be full.
pub(crate) fn unread(registers: &BTreeMap<Register, RegisterRow>) -> Access {
    let told = |register| {
        registers
            .get(&register)
            .map_or(Told::Refused, |(told, _)| *told)
    };
    Access {
        eligible_told: told(Register::EligibleRoles),
        packages_told: told(Register::AccessPackages),
        reviews_told: told(Register::AccessReviews),
        ..Access::default()
    }
}
