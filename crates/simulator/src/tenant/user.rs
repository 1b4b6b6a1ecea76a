//! A user of the directory: guest, external member or employee.
//!
//! Names and addresses are not stored but derived from a few numbers, so that a million guests fit
//! in memory; what a test sets by hand goes to [`Extras`].

use std::collections::BTreeMap;

use uuid::Uuid;

use super::activity::Activity;
use super::directory::DomainIx;
use super::group::GroupIx;
use crate::second::Second;

/// The place of a user in the directory. It never changes and is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserIx(pub(crate) u32);

impl UserIx {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer users than 32 bits can count"))
    }
}

/// `userType`: says nothing about how the identity authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserType {
    Guest,
    Member,
}

impl UserType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Guest => "Guest",
            Self::Member => "Member",
        }
    }
}

/// Where the account comes from; decides the form of the user principal name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Authenticates in another organisation: a B2B collaboration user.
    External,
    /// An account of this tenant.
    Internal,
}

/// `creationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreationType {
    Invitation,
    EmailVerified,
    SelfServiceSignUp,
}

impl CreationType {
    pub(crate) const ALL: [Self; 3] = [
        Self::Invitation,
        Self::EmailVerified,
        Self::SelfServiceSignUp,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invitation => "Invitation",
            Self::EmailVerified => "EmailVerified",
            Self::SelfServiceSignUp => "SelfServiceSignUp",
        }
    }
}

/// `externalUserState`; absent for users that were not invited through the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvitationState {
    PendingAcceptance,
    Accepted,
}

impl InvitationState {
    pub(crate) const ALL: [Self; 2] = [Self::PendingAcceptance, Self::Accepted];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PendingAcceptance => "PendingAcceptance",
            Self::Accepted => "Accepted",
        }
    }
}

/// Why a user behaves as they do. Known to the control API only, never on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persona {
    Regular,
    Occasional,
    /// Signs in regularly and will stop.
    Fading,
    /// Stopped long ago.
    Gone,
    /// Stops for months and comes back, often just before anyone would have deleted them.
    Returner,
    /// Never redeems the invitation, or late.
    NeverRedeemed,
    /// Accepted the invitation, but Graph knows of no sign-in.
    Silent,
    /// Was disabled by an administrator before this tenant was first looked at.
    DisabledByAdmin,
    Employee,
    SharedMailbox,
    /// Made through the control API; does nothing of their own accord.
    Scripted,
}

impl Persona {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Occasional => "occasional",
            Self::Fading => "fading",
            Self::Gone => "gone",
            Self::Returner => "returner",
            Self::NeverRedeemed => "never-redeemed",
            Self::Silent => "redeemed-without-data",
            Self::DisabledByAdmin => "disabled-by-admin",
            Self::Employee => "employee",
            Self::SharedMailbox => "shared-mailbox",
            Self::Scripted => "scripted",
        }
    }
}

/// When a user signs in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// Mean seconds between two sign-ins; 0 means never.
    pub(crate) period: u32,
    /// From here on they stay away (an employee: leaves the organisation).
    pub(crate) stops: Option<Second>,
    /// From here on they are back.
    pub(crate) returns: Option<Second>,
    /// When they accept the invitation.
    pub(crate) redeems: Option<Second>,
}

/// A sponsor: "users or groups, at most 5".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sponsor {
    User(UserIx),
    Group(GroupIx),
}

/// What few users have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    pub(crate) upn: Option<String>,
    pub(crate) mail: Option<String>,
    pub(crate) display_name: Option<String>,
    /// `onPremisesExtensionAttributes.extensionAttribute1..15`.
    pub(crate) attributes: BTreeMap<u8, String>,
    pub(crate) leave: Option<Second>,
    /// Indices into [`super::ROLES`].
    pub(crate) roles: Vec<usize>,
    /// The same of those held over an administrative unit alone: no membership shows them.
    pub(crate) scoped_roles: Vec<usize>,
    /// The same of those that it may activate.
    pub(crate) eligible: Vec<usize>,
    pub(crate) packages: Vec<GivenPackage>,
    pub(crate) manager: Option<UserIx>,
    /// It is in a restricted management administrative unit.
    pub(crate) restricted: bool,
    /// The role in an application that it came with was taken away.
    pub(crate) lost_app_role: bool,
    /// Roles in applications that were assigned later.
    pub(crate) app_roles: Vec<AppRole>,
}

/// A role in an application, assigned to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppRole {
    pub(crate) id: String,
    /// The application's place among those that there are.
    pub(crate) app: usize,
    pub(crate) since: Option<Second>,
}

/// An access package that was given to a user.
#[derive(Debug, Clone)]
pub(crate) struct GivenPackage {
    pub(crate) id: Uuid,
    pub(crate) package: String,
    pub(crate) package_id: Uuid,
    pub(crate) began: Second,
    /// When it ends by itself.
    pub(crate) ends: Option<Second>,
    /// When somebody took it away.
    pub(crate) ended: Option<Second>,
    /// Whether entitlement management looks after the user.
    pub(crate) governed: bool,
}

impl GivenPackage {
    /// Since when it has been over.
    pub(crate) fn over(&self, now: Second) -> Option<Second> {
        self.ended.or_else(|| self.ends.filter(|ends| *ends <= now))
    }
}

/// A user object.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) user_type: UserType,
    pub(crate) origin: Origin,
    pub(crate) persona: Persona,
    pub(crate) given_name: u16,
    pub(crate) surname: u16,
    /// The partner's domain, or the tenant's own for internal users.
    pub(crate) domain: DomainIx,
    pub(crate) enabled: bool,
    /// `onPremisesSyncEnabled`, of three states.
    pub(crate) synced: Option<bool>,
    pub(crate) created: Option<Second>,
    pub(crate) creation_type: Option<CreationType>,
    pub(crate) state: Option<InvitationState>,
    pub(crate) state_changed: Option<Second>,
    /// Soft-deleted then; with `purged`, gone for good.
    pub(crate) deleted: Option<Second>,
    pub(crate) purged: bool,
    /// What really happened.
    pub(crate) activity: Activity,
    /// What Graph shows of it, after its lag.
    pub(crate) shown: Activity,
    pub(crate) habits: Habits,
    /// The moment of the one event in the queue that is valid for this user.
    pub(crate) next: Option<Second>,
    pub(crate) groups: Vec<GroupIx>,
    pub(crate) sponsors: Vec<Sponsor>,
    pub(crate) extras: Option<Box<Extras>>,
    /// The number of the last change that delta queries tell.
    pub(crate) changed: u64,
}

impl User {
    /// Whether `/users` shows it.
    pub(crate) fn is_live(&self) -> bool {
        self.deleted.is_none() && !self.purged
    }

    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_with(Box::default)
    }

    pub(crate) fn manager(&self) -> Option<UserIx> {
        self.extras.as_ref().and_then(|extras| extras.manager)
    }

    pub(crate) fn is_restricted(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.restricted)
    }

    pub(crate) fn scoped_roles(&self) -> &[usize] {
        self.extras
            .as_ref()
            .map_or(&[], |extras| &extras.scoped_roles)
    }

    pub(crate) fn eligible(&self) -> &[usize] {
        self.extras.as_ref().map_or(&[], |extras| &extras.eligible)
    }

    pub(crate) fn packages(&self) -> &[GivenPackage] {
        self.extras.as_ref().map_or(&[], |extras| &extras.packages)
    }

    pub(crate) fn roles(&self) -> &[usize] {
        self.extras.as_ref().map_or(&[], |extras| &extras.roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_small() {
        assert!(size_of::<User>() <= 200, "{} bytes", size_of::<User>());
    }
}
