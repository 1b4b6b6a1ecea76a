//! Whom Innkeeper knows around a guest, beside its sponsors.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Sponsor;
use crate::ids::{GroupId, SponsorId};

/// Somebody, as last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquaintance {
    /// What is known of them.
    pub person: Sponsor,
    /// Entra has them no more; what is known is from before.
    pub deleted: bool,
}

/// A user's manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The user has none.
    Nobody,
    /// This one.
    Is(Acquaintance),
}

/// Who invited a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inviter {
    /// The audit log could not be read, or not since the guest is there: it may still say.
    #[default]
    NotKnown,
    /// The audit log was read, and does not say, or does not any more.
    NotRecorded,
    /// An application, so nobody.
    Application,
    /// A user of whom nothing else is known.
    Unread(SponsorId),
    /// This user.
    Is(Acquaintance),
}

/// Whom Innkeeper knows around a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    /// Sponsors that the guest had until Entra deleted them.
    pub departed: Vec<Sponsor>,
    /// Managers, by whose; who is not here was not asked about.
    pub managers: BTreeMap<Uuid, Manager>,
    /// The owners of the guest's project groups.
    pub owners: Vec<(GroupId, Sponsor)>,
    /// Who invited the guest.
    pub inviter: Inviter,
    /// The users that the policy names.
    pub named: BTreeMap<SponsorId, Acquaintance>,
}
