//! The simulated tenant: its directory, its sign-in log, and the record of what was done to it.
//!
//! Invariant: the directory changes in two ways only, by [`crate::life`] and the control API (which
//! leave no record), and by Graph's own write requests (each leaves one [`Write`]).

mod activity;
mod change;
mod directory;
mod effect;
mod group;
mod invited;
mod record;
mod review;
mod role;
mod shadow;
mod sign_in;
mod user;

pub(crate) use activity::Activity;
pub(crate) use change::DAYS_OF_CHANGES;
pub(crate) use directory::{Directory, Domain, DomainIx};
pub(crate) use effect::MAX_SPONSORS;
pub(crate) use group::{Group, GroupIx, GroupKind, Project};
pub(crate) use invited::{Activity as AuditedActivity, AuditLog, Audited, Author};
pub(crate) use record::{Caller, Mail, Write, WriteKind};
pub(crate) use review::Review;
pub(crate) use role::{ROLES, role_named};
pub(crate) use shadow::Shadows;
pub(crate) use sign_in::{ACCOUNT_DISABLED, SignIn, SignInLog, request_id};
pub(crate) use user::{
    AppRole, CreationType, Extras, GivenPackage, Habits, InvitationState, Origin, Persona, Sponsor,
    User, UserIx, UserType,
};

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::life::Event;

/// Days that a soft-deleted user stays in deletedItems ("retained for 30 days").
pub(crate) const DAYS_IN_DELETED_ITEMS: i64 = 30;
/// Days that sign-ins stay in the log of a tenant with P1 or P2 ("reports data retention").
pub(crate) const DAYS_OF_SIGN_INS: i64 = 30;

/// A tenant and all that happened in it.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) seed: u64,
    pub(crate) directory: Directory,
    pub(crate) sign_ins: SignInLog,
    /// The audit log, as far as it is about invitations and accounts.
    pub(crate) audit: AuditLog,
    /// What is going to happen, soonest first.
    pub(crate) events: BinaryHeap<Reverse<Event>>,
    /// Whether users do anything of their own accord.
    pub(crate) alive: bool,
    /// Mean seconds between two invitations; `None` in a tenant that had no guests to begin with.
    pub(crate) invitation_gap: Option<i64>,
    /// Invitations that arrived since the start: the seed of the next one.
    pub(crate) invitations: u64,
    pub(crate) writes: Vec<Write>,
    pub(crate) outbox: Vec<Mail>,
    pub(crate) reviews: Vec<Review>,
}

impl Tenant {
    pub(crate) fn new(seed: u64, directory: Directory, alive: bool) -> Self {
        Self {
            seed,
            directory,
            sign_ins: SignInLog::default(),
            audit: AuditLog::default(),
            events: BinaryHeap::new(),
            alive,
            invitation_gap: None,
            invitations: 0,
            writes: Vec::new(),
            outbox: Vec::new(),
            reviews: Vec::new(),
        }
    }
}
