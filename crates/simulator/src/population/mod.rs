//! Fills a tenant: partners, employees, guests and groups, all from one seed.
//!
//! The tenant is set up as it was a month before the start and then lives up to it, by the same
//! code that lets it go on afterwards. So the sign-in log is full and agrees with every
//! `signInActivity` from the first request on.
//!
//! Invariant: everything here depends on the options alone.

mod guests;
mod habits;
pub(crate) mod names;
mod projects;
mod staff;

pub(crate) use guests::{invite, newcomer};

use crate::dice::Dice;
use crate::options::Options;
use crate::second::{DAY, Second};
use crate::tenant::{DAYS_OF_SIGN_INS, Directory, Domain, DomainIx, GroupIx, Tenant, UserIx};

/// The tenant's domain.
const DOMAIN: &str = "contoso.example";
/// The domain it was created with, in which guests get their user principal names.
const INITIAL_DOMAIN: &str = "contoso.onmicrosoft.example";
/// A partner that provisions its people by cross-tenant synchronisation.
const SISTER_DOMAIN: &str = "contoso-nordic.example";
/// The shared mailbox from which notices are sent.
pub(crate) const SHARED_MAILBOX: &str = "guests@contoso.example";
/// Employees that never leave; the first two are the operators.
const LASTING_STAFF: usize = 3;

/// What the parts of the population draw from.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) start: Second,
    /// A month before the start: where the lives begin.
    pub(crate) dawn: Second,
    pub(crate) staff: Vec<UserIx>,
    pub(crate) sponsor_groups: Vec<GroupIx>,
    pub(crate) projects: Vec<GroupIx>,
    pub(crate) teams: Vec<GroupIx>,
}

impl Plan {
    fn dice(&self, part: u64, number: usize) -> Dice {
        Dice::of(&[self.seed, part, number as u64])
    }
}

/// A tenant of the chosen size, as it is at the start.
pub(crate) fn populate(options: &Options, start: Second) -> Tenant {
    let size = &options.population;
    let mut plan = Plan {
        seed: size.seed,
        start,
        dawn: start.minus((DAYS_OF_SIGN_INS + 1) * DAY),
        staff: Vec::new(),
        sponsor_groups: Vec::new(),
        projects: Vec::new(),
        teams: Vec::new(),
    };
    let mut directory = Directory::new(options.tenant_id, DOMAIN, INITIAL_DOMAIN);
    directory.reserve(size.guests + size.guests / 16 + 64);
    add_partners(&mut directory, &plan, size.guests);
    let mut tenant = Tenant::new(size.seed, directory, size.life);
    staff::add(&mut tenant, &mut plan, size.guests);
    projects::add(&mut tenant, &mut plan, size.guests);
    guests::add(&mut tenant, &mut plan, size.guests);
    projects::staff_role_assignable(&mut tenant, &plan);

    // The month before the start is lived through in any tenant: a still one has a past as well.
    tenant.alive = true;
    tenant.live(start);
    tenant.directory.changes.begin();
    tenant.begin_invitations(size.guests, start);
    tenant.alive = size.life;
    tenant.sign_ins.lag = i64::try_from(options.sign_in_lag.as_secs()).unwrap_or(i64::MAX);
    tenant
}

/// Addresses of the people who run the guest policy.
pub(crate) fn operators(tenant: &Tenant) -> Vec<String> {
    tenant
        .directory
        .users
        .iter()
        .enumerate()
        .filter(|(_, user)| user.persona == crate::tenant::Persona::Employee)
        .take(2)
        .map(|(index, _)| tenant.directory.mail(UserIx::from_index(index)))
        .collect()
}

fn add_partners(directory: &mut Directory, plan: &Plan, guests: usize) {
    let count = guests.isqrt().max(6);
    for number in 0..count {
        let name = match number {
            // Not the largest, not the smallest.
            2 => SISTER_DOMAIN.to_owned(),
            _ => names::partner(number),
        };
        let cross_tenant_sync = name == SISTER_DOMAIN;
        let tenant = plan.dice(1, number).uuid();
        directory.domains.push(Domain {
            name,
            cross_tenant_sync,
            tenant,
        });
    }
}

/// A partner, large ones far more often than small ones (weights fall as 1/rank, roughly).
pub(crate) fn draw_partner(directory: &Directory, dice: &mut Dice) -> DomainIx {
    let partners = directory.domains.len() - 1;
    // A uniform draw of the exponent gives ranks the density 1/rank.
    let mut bound = 1;
    let doublings = partners.ilog2() + 1;
    for _ in 0..dice.below(u64::from(doublings) + 1) {
        bound *= 2;
    }
    let rank = dice.index(bound.min(partners));
    DomainIx(u32::try_from(rank + 1).expect("fewer domains than 32 bits can count"))
}
