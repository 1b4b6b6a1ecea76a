//! Who answers for guests beside their sponsors: managers, inviters, the sponsor group, and sponsors that are there no
//! more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::{GuestId, SponsorId, TenantId};
use innkeeper_domain::sponsor::{Acquaintance, Circle, Inviter, Manager, Sponsor};
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::micros;
use crate::sponsors::{self, sponsor_columns};

/// How late an entry of the audit log can appear.
const LATE: TimeDelta = TimeDelta::hours(24);

/// What is known of the policy's sponsor group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SponsorGroup {
    /// The policy names none.
    NotAsked,
    /// It was not found.
    Unknown,
    /// These are in it, directly or by groups in it.
    Members(Vec<SponsorId>),
}

/// Who invited a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitedBy {
    /// The guest.
    pub guest: GuestId,
    /// Who; `None` for an application.
    pub by: Option<SponsorId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A person, and whether the directory has them still.
struct Person {
    departed: bool,
    sponsor: sponsors::Columns,
}

impl<'r, R> sqlx::FromRow<'r, R> for Person
where
    R: sqlx::Row,
    sponsors::Columns: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            departed: row.try_get("departed")?,
            sponsor: sqlx::FromRow::from_row(row)?,
        })
    }
}

impl Person {
    fn acquaintance(self) -> Result<Acquaintance, StoreError> {
        Ok(Acquaintance {
            person: self.sponsor.sponsor()?,
            deleted: self.departed,
        })
    }
}

impl Tx {
    /// Makes this what is known of the sponsor group. Of whom the last reading had, and this one has not, it is not known
    /// whether they are in it: only the next reading without them tells that they left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_sponsor_group(
        &mut self,
        tenant: TenantId,
        group: &SponsorGroup,
    ) -> Result<(), StoreError> {
        let (known, members): (bool, &[SponsorId]) = match group {
            SponsorGroup::NotAsked => {
                for sql in [
                    "DELETE FROM sponsor_group_members WHERE tenant_id = $1",
                    "DELETE FROM sponsor_groups WHERE tenant_id = $1",
                ] {
                    execute!(self, sql, tenant.0)?;
                }
                return Ok(());
            }
            SponsorGroup::Unknown => (false, &[]),
            SponsorGroup::Members(members) => (true, members),
        };
        let sql = "INSERT INTO sponsor_groups (tenant_id, known) VALUES ($1, $2) \
                   ON CONFLICT (tenant_id) DO UPDATE SET known = excluded.known";
        execute!(self, sql, tenant.0, known)?;
        if !known {
            return Ok(());
        }
        let sql = "SELECT member_id, missing FROM sponsor_group_members WHERE tenant_id = $1";
        let before: Vec<(Uuid, bool)> = fetch_all!(self, (Uuid, bool), sql, tenant.0)?;
        let now: BTreeSet<Uuid> = members.iter().map(|member| member.0).collect();
        let lost = |was_missing: bool| -> Vec<Uuid> {
            let lost = before.iter().filter(|(id, _)| !now.contains(id));
            lost.filter(|(_, missing)| *missing == was_missing)
                .map(|(id, _)| *id)
                .collect()
        };
        let there: BTreeSet<Uuid> = before
            .iter()
            .filter(|(_, missing)| !missing)
            .map(|(id, _)| *id)
            .collect();
        let won: Vec<Uuid> = now.difference(&there).copied().collect();
        for (ids, sql) in [
            (
                lost(true),
                "DELETE FROM sponsor_group_members WHERE tenant_id = $1 AND member_id IN (SELECT member_id FROM given)",
            ),
            (
                lost(false),
                "UPDATE sponsor_group_members SET missing = TRUE WHERE tenant_id = $1 AND member_id IN (SELECT member_id FROM given)",
            ),
            (
                won,
                "INSERT INTO sponsor_group_members (tenant_id, member_id) SELECT $1, member_id FROM given WHERE true \
                 ON CONFLICT (tenant_id, member_id) DO UPDATE SET missing = FALSE",
            ),
        ] {
            let given = Given::rows(ids.len()).ids("member_id", ids.iter().copied());
            self.execute_given(tenant, &given, sql).await?;
        }
        Ok(())
    }

    /// Takes in a look at a few sponsors alone: whether each is in the sponsor group. Of one who was in it and now is not,
    /// it is not known, as after one reading of the whole group. Where no group is asked about nothing is noted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_sponsor_group(
        &mut self,
        tenant: TenantId,
        looked: &BTreeMap<SponsorId, bool>,
    ) -> Result<(), StoreError> {
        for (is_in, sql) in [
            (
                true,
                "INSERT INTO sponsor_group_members (tenant_id, member_id) SELECT $1, member_id FROM given \
                 WHERE EXISTS (SELECT 1 FROM sponsor_groups WHERE tenant_id = $1) \
                 ON CONFLICT (tenant_id, member_id) DO UPDATE SET missing = FALSE WHERE sponsor_group_members.missing",
            ),
            (
                false,
                "UPDATE sponsor_group_members SET missing = TRUE WHERE tenant_id = $1 AND NOT missing \
                 AND member_id IN (SELECT member_id FROM given)",
            ),
        ] {
            let ids: Vec<Uuid> = looked
                .iter()
                .filter(|(_, found)| **found == is_in)
                .map(|(id, _)| id.0)
                .collect();
            let given = Given::rows(ids.len()).ids("member_id", ids.iter().copied());
            self.execute_given(tenant, &given, sql).await?;
        }
        Ok(())
    }

    /// The users who sponsor guests that are in the directory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sponsoring_users(&mut self, tenant: TenantId) -> Result<Vec<Uuid>, StoreError> {
        let sql = "SELECT DISTINCT l.sponsor_id FROM guest_sponsors l \
                   JOIN guests g ON g.guest_key = l.guest_key \
                   JOIN sponsors s ON s.tenant_id = l.tenant_id AND s.sponsor_id = l.sponsor_id \
                   WHERE l.tenant_id = $1 AND g.gone_at IS NULL AND s.kind = 'user' ORDER BY l.sponsor_id";
        let rows: Vec<(Uuid,)> = fetch_all!(self, (Uuid,), sql, tenant.0)?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Those of whom only a look at themselves tells anything: former sponsors, their managers, inviters.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn people_to_read(&mut self, tenant: TenantId) -> Result<Vec<SponsorId>, StoreError> {
        let sql = "SELECT sponsor_id FROM former_sponsors WHERE tenant_id = $1 UNION \
                   SELECT m.manager_id FROM managers m JOIN former_sponsors f \
                   ON f.tenant_id = m.tenant_id AND f.sponsor_id = m.user_id \
                   WHERE m.tenant_id = $1 AND m.manager_id IS NOT NULL UNION \
                   SELECT i.inviter_id FROM inviters i JOIN guests g ON g.guest_key = i.guest_key \
                   WHERE i.tenant_id = $1 AND i.inviter_id IS NOT NULL AND g.gone_at IS NULL";
        let rows: Vec<(Uuid,)> = fetch_all!(self, (Uuid,), sql, tenant.0)?;
        Ok(rows.into_iter().map(|(id,)| id.into()).collect())
    }

    /// Those of these of whom it is not known yet that they are there no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn not_departed(
        &mut self,
        tenant: TenantId,
        of: &[SponsorId],
    ) -> Result<Vec<SponsorId>, StoreError> {
        let given = Given::rows(of.len()).ids("sponsor_id", of.iter().map(|id| id.0));
        let sql = "SELECT sponsor_id FROM sponsors WHERE tenant_id = $1 AND departed \
                   AND sponsor_id IN (SELECT sponsor_id FROM given)";
        let departed: Vec<(Uuid,)> = self.fetch_given(tenant, &given, sql).await?;
        let departed: BTreeSet<Uuid> = departed.into_iter().map(|(id,)| id).collect();
        let rest = of.iter().copied();
        Ok(rest.filter(|id| !departed.contains(&id.0)).collect())
    }

    /// Writes down who was found of those who were looked for, and that the others are there no more. A former sponsor
    /// who was found was taken off by somebody, and is forgotten as such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_people(
        &mut self,
        tenant: TenantId,
        found: &[Sponsor],
        departed: &[SponsorId],
    ) -> Result<(), StoreError> {
        self.save_sponsors(tenant, found).await?;
        let given = Given::rows(found.len()).ids("sponsor_id", found.iter().map(|it| it.id.0));
        let sql = "DELETE FROM former_sponsors WHERE tenant_id = $1 AND sponsor_id IN (SELECT sponsor_id FROM given)";
        self.execute_given(tenant, &given, sql).await?;
        let given = Given::rows(departed.len()).ids("sponsor_id", departed.iter().map(|id| id.0));
        let sql = "INSERT INTO sponsors (tenant_id, sponsor_id, kind, is_guest, departed) \
                   SELECT $1, sponsor_id, 'user', FALSE, TRUE FROM given WHERE true \
                   ON CONFLICT (tenant_id, sponsor_id) DO UPDATE SET departed = TRUE WHERE NOT sponsors.departed";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Writes down the managers of users, of some that they have none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_managers(
        &mut self,
        tenant: TenantId,
        managers: &[(Uuid, Option<Sponsor>)],
    ) -> Result<(), StoreError> {
        let people: BTreeMap<SponsorId, &Sponsor> = managers
            .iter()
            .filter_map(|(_, manager)| Some((manager.as_ref()?.id, manager.as_ref()?)))
            .collect();
        let people: Vec<Sponsor> = people.into_values().cloned().collect();
        self.save_sponsors(tenant, &people).await?;
        for (of, manager) in managers {
            let sql = "INSERT INTO managers (tenant_id, user_id, manager_id) VALUES ($1, $2, $3) \
                       ON CONFLICT (tenant_id, user_id) DO UPDATE SET manager_id = excluded.manager_id \
                       WHERE managers.manager_id IS DISTINCT FROM excluded.manager_id";
            let manager = manager.as_ref().map(|manager| manager.id.0);
            execute!(self, sql, tenant.0, *of, manager)?;
        }
        Ok(())
    }

    /// Up to when the audit log was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_read_until(
        &mut self,
        tenant: TenantId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT read_until FROM audit_marks WHERE tenant_id = $1";
        let row: Option<(DateTime<Utc>,)> = fetch_optional!(self, (DateTime<Utc>,), sql, tenant.0)?;
        Ok(row.map(|(at,)| at))
    }

    /// Writes down who invited whom, of guests that are known; of one invited several times the last counts. The audit
    /// log need not be read before this time again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_inviters(
        &mut self,
        tenant: TenantId,
        invited: &[InvitedBy],
        read_until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for InvitedBy { guest, by, at } in invited {
            let sql = "INSERT INTO inviters (guest_key, tenant_id, inviter_id, invited_at) \
                       SELECT guest_key, tenant_id, $3, $4 FROM guests WHERE tenant_id = $1 AND guest_id = $2 \
                       ON CONFLICT (guest_key) DO UPDATE SET inviter_id = excluded.inviter_id, invited_at = excluded.invited_at \
                       WHERE excluded.invited_at > inviters.invited_at";
            let by = by.map(|by| by.0);
            execute!(self, sql, tenant.0, guest.0, by, micros(*at))?;
        }
        let sql = "INSERT INTO audit_marks (tenant_id, read_until) VALUES ($1, $2) \
                   ON CONFLICT (tenant_id) DO UPDATE SET read_until = excluded.read_until";
        execute!(self, sql, tenant.0, micros(read_until))?;
        Ok(())
    }

    /// The guest with this user principal name, in any case.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest_named(
        &mut self,
        tenant: TenantId,
        upn: &str,
    ) -> Result<Option<GuestId>, StoreError> {
        let sql = "SELECT guest_id FROM guests WHERE tenant_id = $1 AND lower(upn) = $2 AND gone_at IS NULL";
        let rows: Vec<(Uuid,)> = fetch_all!(self, (Uuid,), sql, tenant.0, upn.to_lowercase())?;
        match rows.as_slice() {
            [(only,)] => Ok(Some((*only).into())),
            [] | [_, ..] => Ok(None),
        }
    }

    /// Whom Innkeeper knows around a guest, but for the owners of its projects: those are of the policy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn circle(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        named: &[SponsorId],
    ) -> Result<Circle, StoreError> {
        let mut circle = Circle::default();
        let Some((_, key)) = self.keys(tenant, &[guest]).await?.pop() else {
            return Ok(circle);
        };
        let sql = concat!(
            "SELECT s.departed, ",
            sponsor_columns!(),
            " FROM former_sponsors f JOIN sponsors s ON s.tenant_id = f.tenant_id AND s.sponsor_id = f.sponsor_id \
             WHERE f.tenant_id = $1 AND f.guest_key = $2 AND s.departed ORDER BY s.sponsor_id"
        );
        for person in fetch_all!(self, Person, sql, tenant.0, key.0)? {
            circle.departed.push(person.sponsor.sponsor()?);
        }
        let sql = "SELECT user_id, manager_id FROM managers WHERE tenant_id = $1 AND (user_id = $3 \
                   OR user_id IN (SELECT sponsor_id FROM guest_sponsors WHERE guest_key = $2) \
                   OR user_id IN (SELECT sponsor_id FROM former_sponsors WHERE guest_key = $2))";
        let managers: Vec<(Uuid, Option<Uuid>)> =
            fetch_all!(self, (Uuid, Option<Uuid>), sql, tenant.0, key.0, guest.0)?;
        for (of, manager) in managers {
            let manager = match manager {
                None => Manager::Nobody,
                Some(id) => match self.person(tenant, id).await? {
                    Some(person) => Manager::Is(person),
                    None => continue,
                },
            };
            circle.managers.insert(of, manager);
        }
        let sql = "SELECT inviter_id FROM inviters WHERE tenant_id = $1 AND guest_key = $2";
        let inviter: Option<(Option<Uuid>,)> =
            fetch_optional!(self, (Option<Uuid>,), sql, tenant.0, key.0)?;
        circle.inviter = match inviter {
            None if self.audit_log_covers(tenant, key.0).await? => Inviter::NotRecorded,
            None => Inviter::NotKnown,
            Some((None,)) => Inviter::Application,
            Some((Some(id),)) => match self.person(tenant, id).await? {
                Some(person) => Inviter::Is(person),
                None => Inviter::Unread(id.into()),
            },
        };
        for id in named {
            if let Some(person) = self.person(tenant, id.0).await? {
                circle.named.insert(*id, person);
            }
        }
        Ok(circle)
    }

    /// Whether the audit log was read after everything had appeared in it that there was to say of who invited a guest.
    async fn audit_log_covers(&mut self, tenant: TenantId, key: i64) -> Result<bool, StoreError> {
        let sql = "SELECT g.created_at, a.read_until FROM guests g JOIN audit_marks a ON a.tenant_id = g.tenant_id \
                   WHERE g.tenant_id = $1 AND g.guest_key = $2 AND g.created_at IS NOT NULL";
        let row: Option<(DateTime<Utc>, DateTime<Utc>)> =
            fetch_optional!(self, (DateTime<Utc>, DateTime<Utc>), sql, tenant.0, key)?;
        Ok(row.is_some_and(|(created, read_until)| created + LATE <= read_until))
    }

    async fn person(
        &mut self,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<Option<Acquaintance>, StoreError> {
        let sql = concat!(
            "SELECT s.departed, ",
            sponsor_columns!(),
            " FROM sponsors s WHERE s.tenant_id = $1 AND s.sponsor_id = $2"
        );
        let person: Option<Person> = fetch_optional!(self, Person, sql, tenant.0, id)?;
        person.map(Person::acquaintance).transpose()
    }
}
