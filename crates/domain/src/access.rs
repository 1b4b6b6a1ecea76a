//! What a guest was given access to besides the groups that the policy names: directory roles that it may activate,
//! access packages, roles in applications.
//!
//! Invariant: what could not be read is never held to be nothing, and what was read once to protect a guest goes on
//! protecting it until a later reading shows that it is over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::GroupId;

/// A list that Graph gives only where the tenant has the licence for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Register {
    /// Who may activate a directory role (Privileged Identity Management).
    EligibleRoles,
    /// Who has been given an access package (entitlement management).
    AccessPackages,
    /// Who is decided on by an access review that will act by itself.
    AccessReviews,
}

impl Register {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::EligibleRoles,
        Self::AccessPackages,
        Self::AccessReviews,
    ];

    /// The word stored and logged.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EligibleRoles => "eligible-roles",
            Self::AccessPackages => "access-packages",
            Self::AccessReviews => "access-reviews",
        }
    }

    /// The least application permission that it is read with.
    #[must_use]
    pub fn permission(self) -> &'static str {
        match self {
            Self::EligibleRoles => "RoleEligibilitySchedule.Read.Directory",
            Self::AccessPackages => "EntitlementManagement.Read.All",
            Self::AccessReviews => "AccessReview.Read.All",
        }
    }

    /// What it tells of a guest.
    #[must_use]
    pub fn tells(self) -> &'static str {
        match self {
            Self::EligibleRoles => "whether it may activate a directory role",
            Self::AccessPackages => "whether entitlement management looks after it",
            Self::AccessReviews => "whether an access review is about to decide on it",
        }
    }
}

/// How the newest attempt to read a [`Register`] went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It was read, all of it.
    Read,
    /// The tenant has no licence for it, so that there is nothing in it. What it says of a guest is not known all the
    /// same: a licence may have lapsed.
    #[default]
    NoLicence,
    /// It could not be read, though the tenant has it or may have it.
    Refused,
}

impl Told {
    /// The word stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::NoLicence => "no-licence",
            Self::Refused => "refused",
        }
    }

    /// The inverse of [`Told::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::NoLicence, Self::Refused]
            .into_iter()
            .find(|told| told.as_str() == word)
    }
}

/// What one guest was given access to, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Names of the directory roles that it may activate, in order; those of the last time that they could be read.
    pub eligible_roles: Vec<String>,
    /// How the reading of them went.
    pub eligible_told: Told,
    /// Its access packages, those that are over among them; see [`remember`].
    pub packages: Vec<Assignment>,
    /// How the reading of them went.
    pub packages_told: Told,
    /// Access reviews that are running, decide on the guest and will carry out what they decide; those of the last time
    /// that they could be read.
    pub reviews: Vec<String>,
    /// How the reading of them went.
    pub reviews_told: Told,
    /// Groups that it was found to be the only owner of, right before its account was to be taken.
    pub sole_owner_of: Vec<String>,
    /// Those of the policy's `exempt_groups` that it is in, however deeply.
    pub exempt_by: Vec<GroupId>,
    /// Its roles in applications and the number of its groups; `None` while nobody has asked.
    pub held: Option<Held>,
}

impl Access {
    /// The first register that would have to be read before anything may be taken away.
    #[must_use]
    pub fn unread(&self) -> Option<Register> {
        let Self {
            eligible_roles: _,
            eligible_told,
            packages: _,
            packages_told,
            reviews: _,
            reviews_told,
            sole_owner_of: _,
            exempt_by: _,
            held: _,
        } = self;
        let told = [
            (Register::EligibleRoles, *eligible_told),
            (Register::AccessPackages, *packages_told),
            (Register::AccessReviews, *reviews_told),
        ];
        told.into_iter()
            .find(|(_, told)| *told == Told::Refused)
            .map(|(register, _)| register)
    }

    /// The access package by which entitlement management owns the guest's stay: it blocks and removes the guest itself
    /// after the last one ends.
    #[must_use]
    pub fn governed_by(&self) -> Option<&Assignment> {
        self.packages.iter().find(|package| package.governed)
    }
}

/// An access package given to a guest (`accessPackageAssignment`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    /// The assignment's own id.
    pub id: Uuid,
    /// The access package's name.
    pub package: String,
    /// When it will end (`schedule.expiration`); `None` where it will not, or nobody says when.
    pub ends: Option<DateTime<Utc>>,
    /// When it was over; `None` while it is not.
    pub ended: Option<DateTime<Utc>>,
    /// The guest's life is entitlement management's (`target.subjectLifecycle` is `governed`).
    pub governed: bool,
}

/// What a guest holds, by its own account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Roles in applications, its own and those of the groups of which it is a direct member; in order.
    pub app_roles: Vec<HeldRole>,
    /// Groups of which it is a direct member.
    pub groups: u32,
    /// Those of them that only mail goes to: distribution lists, and security groups that take mail.
    pub mail_groups: u32,
}

/// A role in an application (`appRoleAssignment`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldRole {
    /// `resourceDisplayName`, else the id of the application's service principal.
    pub application: String,
    /// `appRoleId`, or "default" where the application defines no roles.
    pub role: String,
    /// The role's name; `None` where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// The application's service principal (`resourceId`); `None` where the guest was read before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Uuid>,
    /// `createdDateTime`.
    pub since: Option<DateTime<Utc>>,
}

/// The names of roles, by `appRoleId`, of each application that was asked.
pub type RoleNames = BTreeMap<Uuid, BTreeMap<Uuid, String>>;

/// What stands for the one role of an application that defines none.
pub const DEFAULT_ROLE: &str = "default";

impl HeldRole {
    /// The same with the name that the role has among these.
    #[must_use]
    pub fn named(self, names: &RoleNames) -> Self {
        let name = || {
            let of = names.get(&self.resource?)?;
            of.get(&Uuid::try_parse(&self.role).ok()?).cloned()
        };
        Self {
            role_name: name(),
            ..self
        }
    }

    /// The role's name, as far as it is known.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let default = (self.role == DEFAULT_ROLE).then_some(DEFAULT_ROLE);
        self.role_name.as_deref().or(default)
    }
}

/// The access packages of a guest after a reading of them all: what is gone from it is over, since Graph forgets in the
/// end. Of those that are over only the last is kept, so that nothing grows; that the guest was entitlement management's
/// is kept with it.
#[must_use]
pub fn remember(
    before: &[Assignment],
    read: Vec<Assignment>,
    now: DateTime<Utc>,
) -> Vec<Assignment> {
    let is_read = |id: Uuid| read.iter().any(|assignment| assignment.id == id);
    let gone: Vec<Assignment> = before
        .iter()
        .filter(|assignment| !is_read(assignment.id))
        .map(|assignment| Assignment {
            ended: assignment.ended.or_else(|| {
                let planned = assignment.ends.filter(|ends| *ends <= now);
                Some(planned.unwrap_or(now))
            }),
            ..assignment.clone()
        })
        .collect();
    // What was seen to be over stays over at the time first told, and is over by now.
    let first_told = |assignment: Assignment| {
        let known = before.iter().find(|known| known.id == assignment.id);
        Assignment {
            ended: assignment.ended.map(|ended| {
                known
                    .and_then(|known| known.ended)
                    .unwrap_or(ended)
                    .min(now)
            }),
            ..assignment
        }
    };
    let all = gone.into_iter().chain(read.into_iter().map(first_told));
    let (mut over, mut kept): (Vec<_>, Vec<_>) = all.partition(|one| one.ended.is_some());
    over.sort_by_key(|assignment| (assignment.ended, assignment.id));
    let governed = over.iter().any(|assignment| assignment.governed);
    kept.extend(over.pop().map(|last| Assignment { governed, ..last }));
    kept.sort();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * 86_400, 0).expect("a day of our time")
    }

    fn given(number: u128) -> Assignment {
        Assignment {
            id: Uuid::from_u128(number),
            package: format!("Package {number}"),
            ends: None,
            ended: None,
            governed: false,
        }
    }

    #[test]
    fn what_is_gone_from_a_reading_is_over_since_then_or_since_its_planned_end() {
        let ends = Assignment {
            ends: Some(at(5)),
            ..given(1)
        };
        let ended = |before: &[Assignment]| remember(before, Vec::new(), at(9))[0].ended;
        assert_eq!(ended(&[given(1)]), Some(at(9)));
        assert_eq!(ended(std::slice::from_ref(&ends)), Some(at(5)));
        let once = remember(&[given(1)], Vec::new(), at(9));
        assert_eq!(remember(&once, Vec::new(), at(11)), once);
    }

    #[test]
    fn only_the_last_that_is_over_is_kept_and_with_it_whose_the_guest_was() {
        let over = |number, day, governed| Assignment {
            ended: Some(at(day)),
            governed,
            ..given(number)
        };
        let all = vec![over(1, 3, true), over(2, 7, false), given(3)];
        let kept = remember(&[], all, at(9));
        assert_eq!(kept, [over(2, 7, true), given(3)]);
        assert_eq!(remember(&kept, kept.clone(), at(12)), kept);
    }

    #[test]
    fn what_is_over_without_anybody_saying_when_is_over_by_now() {
        let over = Assignment {
            ended: Some(DateTime::<Utc>::MAX_UTC),
            ..given(1)
        };
        let kept = remember(&[], vec![over.clone()], at(9));
        assert_eq!(kept[0].ended, Some(at(9)));
        assert_eq!(remember(&kept, vec![over], at(12)), kept);
    }

    #[test]
    fn an_assignment_that_comes_back_is_not_over() {
        let over = remember(&[given(1)], Vec::new(), at(9));
        assert_eq!(remember(&over, vec![given(1)], at(10)), [given(1)]);
    }
}
