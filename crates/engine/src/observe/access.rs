//! Reading what guests were given access to: directory roles that they may activate, access packages, and, where the
//! policy asks for it, roles in applications and the number of their groups.
//!
//! Invariant: a register that cannot be read leaves what was known of it as it was and is marked as refused, so that
//! nothing is taken from anybody. Only a tenant that says itself that it has no licence counts as one without.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use innkeeper_domain::access::{Held, Register, RoleNames, Told};
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::policy::Policy;
use innkeeper_graph::GraphError;
use roaring::RoaringTreemap;
use tracing::{info, warn};
use uuid::Uuid;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How long it is believed that a tenant has no licence: it costs requests to ask.
const LICENCE: TimeDelta = TimeDelta::hours(24);

/// How long a reading of the access reviews is gone by: they run for days, and each reading is of all of them.
const REVIEWS: TimeDelta = TimeDelta::minutes(10);

/// Guests asked for between two looks at the store.
const PAGE: u32 = 1_000;

/// Guests of one batch.
const TOGETHER: usize = 10;

/// Batches on their way at once.
const LANES: usize = 4;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the registers, and what the guests in these rows hold if the policy asks for it.
    pub(super) async fn read_access(&self, keys: &RoaringTreemap) -> Result<(), CycleError> {
        for register in Register::ALL {
            if self.is_worth_asking(register).await? {
                self.read_register(register).await?;
            }
        }
        self.read_what_nothing_follows().await?;
        if self.policies().any(Policy::asks_holdings) {
            self.read_holdings(keys).await?;
        }
        Ok(())
    }

    /// Reads what no changes are told of, and what a guest that waits for it would wait for in vain.
    pub(super) async fn read_what_nothing_follows(&self) -> Result<(), CycleError> {
        self.read_exempt_groups().await?;
        let mut tx = self.store.read().await?;
        let sole_owners = tx.sole_owners(self.tenant.id).await?;
        drop(tx);
        self.look_for_sole_owners(&sole_owners).await
    }

    /// Reads who is in the groups that exempt, however deeply. That one cannot be read ends the cycle.
    async fn read_exempt_groups(&self) -> Result<(), CycleError> {
        let mut members: BTreeMap<GuestId, Vec<GroupId>> = BTreeMap::new();
        for group in self.exempt_groups().await? {
            let mut pages = pin!(self.tenant.reader.nested_members(group));
            while let Some(page) = self.unless_stopped(pages.try_next()).await?? {
                for guest in page {
                    members.entry(guest).or_default().push(group);
                }
            }
        }
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_exempt_by(self.tenant.id, &members, true).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The groups that exempt by the policy in force, and by the one that may come to decide in this cycle, as far as they
    /// were found. The others are said loudly: because of them nothing is taken from anybody.
    async fn exempt_groups(&self) -> Result<BTreeSet<GroupId>, CycleError> {
        let policies = self.policies();
        let keys: BTreeSet<&String> = policies.flat_map(|policy| &policy.exempt_groups).collect();
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut tx = self.store.read().await?;
        let named = tx.named_groups(self.tenant.id).await?;
        drop(tx);
        let mut groups = BTreeSet::new();
        for key in keys {
            match named.get(key).and_then(Found::group) {
                Some(group) => _ = groups.insert(group.id),
                None => warn!(
                    group = key,
                    "exempt_groups names a group that is not found, or several have its name; until that is put right nothing is taken away from any guest"
                ),
            }
        }
        Ok(groups)
    }

    /// Reads again which of these groups a few guests are in.
    pub(crate) async fn refresh_exemptions(&self, guests: &[GuestId]) -> Result<(), CycleError> {
        let groups = self.exempt_groups().await?;
        if groups.is_empty() {
            return Ok(());
        }
        let found = self
            .unless_stopped(self.tenant.reader.nested_in(guests, &groups))
            .await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_exempt_by(self.tenant.id, &found, false).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Finds out which groups would be left without an owner if these guests' accounts were taken.
    pub(crate) async fn look_for_sole_owners(&self, guests: &[GuestId]) -> Result<(), CycleError> {
        if guests.is_empty() {
            return Ok(());
        }
        let found = self
            .unless_stopped(self.tenant.reader.sole_owned(guests))
            .await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_sole_owners(self.tenant.id, &found).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Reads the same of a few guests, right before something is made of it, but for the groups that exempt. What the
    /// tenant has no licence for, and what was refused, is not asked for again.
    pub(crate) async fn refresh_access(&self, guests: &[GuestId]) -> Result<(), CycleError> {
        if guests.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let registers = tx.registers(self.tenant.id).await?;
        drop(tx);
        for (register, (told, asked)) in registers {
            let is_fresh = match register {
                Register::EligibleRoles | Register::AccessPackages => false,
                Register::AccessReviews => self.clock.now() - asked < REVIEWS,
            };
            if told == Told::Read && !is_fresh {
                self.refresh_register(register, guests).await?;
            }
        }
        if self.policies().any(Policy::asks_holdings) {
            let mut held = self.held(guests).await?;
            self.name_roles(&mut held, &mut RoleNames::new()).await?;
            self.keep_holdings(&held).await?;
        }
        Ok(())
    }

    async fn is_worth_asking(&self, register: Register) -> Result<bool, CycleError> {
        let mut tx = self.store.read().await?;
        let registers = tx.registers(self.tenant.id).await?;
        Ok(match registers.get(&register) {
            Some((Told::NoLicence, asked)) => self.clock.now() - *asked >= LICENCE,
            Some((Told::Read | Told::Refused, _)) | None => true,
        })
    }

    async fn read_register(&self, register: Register) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let reader = &self.tenant.reader;
        let now = self.clock.now();
        match register {
            Register::EligibleRoles => match self.unless_stopped(reader.eligible_roles()).await? {
                Ok(lists) => {
                    let mut tx = self.store.begin().await?;
                    self.lease.check(&mut tx).await?;
                    tx.set_eligible_roles(tenant, &lists, true).await?;
                    tx.set_register(tenant, register, Told::Read, now).await?;
                    tx.commit().await?;
                }
                Err(error) => self.not_read(register, error).await?,
            },
            Register::AccessReviews => match self.unless_stopped(reader.access_reviews()).await? {
                Ok(lists) => {
                    let mut tx = self.store.begin().await?;
                    self.lease.check(&mut tx).await?;
                    tx.set_reviews(tenant, &lists, true).await?;
                    tx.set_register(tenant, register, Told::Read, now).await?;
                    tx.commit().await?;
                }
                Err(error) => self.not_read(register, error).await?,
            },
            Register::AccessPackages => {
                match self.unless_stopped(reader.access_packages()).await? {
                    Ok(lists) => {
                        let mut tx = self.store.begin().await?;
                        self.lease.check(&mut tx).await?;
                        tx.set_packages(tenant, &lists, true, now).await?;
                        tx.set_register(tenant, register, Told::Read, now).await?;
                        tx.commit().await?;
                    }
                    Err(error) => self.not_read(register, error).await?,
                }
            }
        }
        Ok(())
    }

    async fn refresh_register(
        &self,
        register: Register,
        guests: &[GuestId],
    ) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let reader = &self.tenant.reader;
        let now = self.clock.now();
        match register {
            Register::EligibleRoles => {
                match self
                    .unless_stopped(reader.eligible_roles_of(guests))
                    .await?
                {
                    Ok(lists) => {
                        let mut tx = self.store.begin().await?;
                        self.lease.check(&mut tx).await?;
                        tx.set_eligible_roles(tenant, &lists, false).await?;
                        tx.commit().await?;
                    }
                    Err(error) => self.not_read(register, error).await?,
                }
            }
            // It cannot be asked for of a few.
            Register::AccessReviews => self.read_register(register).await?,
            Register::AccessPackages => {
                match self
                    .unless_stopped(reader.access_packages_of(guests))
                    .await?
                {
                    Ok(lists) => {
                        let mut tx = self.store.begin().await?;
                        self.lease.check(&mut tx).await?;
                        tx.set_packages(tenant, &lists, false, now).await?;
                        tx.commit().await?;
                    }
                    Err(error) => self.not_read(register, error).await?,
                }
            }
        }
        Ok(())
    }

    /// Notes that a register was refused, and whether for want of a licence. Any other error is the cycle's.
    async fn not_read(&self, register: Register, error: GraphError) -> Result<(), CycleError> {
        let is_refusal = matches!(
            error,
            GraphError::NoGovernance { .. }
                | GraphError::Forbidden { .. }
                | GraphError::BadRequest { .. }
                | GraphError::NotFound { .. }
        );
        if !is_refusal {
            return Err(error.into());
        }
        // Graph now and then tells a licensed tenant that it has no licence. So the tenant itself is asked, and only if
        // it says so too is there nothing to protect.
        let organization = self
            .unless_stopped(self.tenant.reader.organization())
            .await?;
        let told = match organization {
            Ok(organization) if organization.governance == Some(false) => Told::NoLicence,
            Ok(_) | Err(_) => Told::Refused,
        };
        let register_name = register.as_str();
        match told {
            Told::NoLicence => info!(register = register_name, "the tenant has no licence for it"),
            Told::Read | Told::Refused => warn!(
                register = register_name,
                permission = register.permission(),
                %error,
                "it cannot be read; until it can, nothing is taken away from any guest"
            ),
        }
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_register(self.tenant.id, register, told, self.clock.now())
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks for each guest, a page of the store at a time.
    async fn read_holdings(&self, keys: &RoaringTreemap) -> Result<(), CycleError> {
        let mut after = None;
        let mut names = RoleNames::new();
        loop {
            let mut tx = self.store.read().await?;
            let rows = tx.guest_rows(self.tenant.id, after, PAGE).await?;
            drop(tx);
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            let guests: Vec<GuestId> = rows
                .iter()
                .filter(|row| keys.contains(row.key.into()))
                .map(|row| row.view.record.guest.id)
                .collect();
            let mut held = self.held(&guests).await?;
            self.name_roles(&mut held, &mut names).await?;
            self.keep_holdings(&held).await?;
        }
        Ok(())
    }

    /// Says what the roles are called, where the policy asks; each application is asked once. Where that is not permitted
    /// the names stay unknown, and what depends on them with them.
    async fn name_roles(
        &self,
        held: &mut BTreeMap<GuestId, Held>,
        names: &mut RoleNames,
    ) -> Result<(), CycleError> {
        if !self.policies().any(Policy::asks_role_names) {
            return Ok(());
        }
        let roles = held.values().flat_map(|held| &held.app_roles);
        let applications: BTreeSet<Uuid> = roles
            .filter(|role| role.name().is_none())
            .filter_map(|role| role.resource)
            .filter(|application| !names.contains_key(application))
            .collect();
        let applications: Vec<Uuid> = applications.into_iter().collect();
        let reading = self.tenant.reader.role_names(&applications);
        match self.unless_stopped(reading).await? {
            Ok(found) => names.extend(found),
            Err(error @ GraphError::Forbidden { .. }) => {
                warn!(%error, "what roles in applications are called cannot be read, so guest.app_roles has no role_name; grant the application permission Application.Read.All");
                names.extend(applications.into_iter().map(|id| (id, BTreeMap::new())));
            }
            Err(error) => return Err(error.into()),
        }
        for held in held.values_mut() {
            let roles = std::mem::take(&mut held.app_roles);
            held.app_roles = roles.into_iter().map(|role| role.named(names)).collect();
        }
        Ok(())
    }

    async fn held(&self, guests: &[GuestId]) -> Result<BTreeMap<GuestId, Held>, CycleError> {
        let batches = guests
            .chunks(TOGETHER)
            .map(|chunk| self.tenant.reader.held(chunk));
        let held: Vec<BTreeMap<GuestId, Held>> = self
            .unless_stopped(
                stream::iter(batches)
                    .buffer_unordered(LANES)
                    .try_collect::<Vec<_>>(),
            )
            .await??;
        Ok(held.into_iter().flatten().collect())
    }

    async fn keep_holdings(&self, held: &BTreeMap<GuestId, Held>) -> Result<(), CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_held(self.tenant.id, held).await?;
        tx.commit().await?;
        Ok(())
    }
}
