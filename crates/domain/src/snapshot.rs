//! What a guest had before something was taken away, so that it can be compared and given back.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{GroupId, SponsorId};

/// What a guest had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every group of which it was a direct member.
    pub groups: Vec<GroupId>,
    /// Names of the directory roles that it held.
    pub roles: Vec<String>,
    /// Its sponsors.
    pub sponsors: Vec<SponsorId>,
    /// What was assigned to it directly, and through nothing else.
    pub holdings: Holdings,
}

/// What is assigned to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// `appRoleAssignments` of which it is itself the principal.
    pub app_roles: Vec<AppRole>,
    /// `assignedLicenses`: the ids of the products.
    pub licences: Vec<Uuid>,
    /// `manager`; `None` also in a snapshot of a version that did not read it.
    #[serde(default)]
    pub manager: Option<SponsorId>,
}

/// A role in an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppRole {
    /// `resourceId`: the application's service principal.
    pub resource: Uuid,
    /// `resourceDisplayName`.
    pub resource_name: Option<String>,
    /// `appRoleId`; all zeros is the default access.
    pub role: Uuid,
}

/// What a guest had and has no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Groups.
    pub groups: Vec<GroupId>,
    /// Sponsors.
    pub sponsors: Vec<SponsorId>,
    /// Its manager, if it has none now. One that somebody gave it meanwhile is left.
    pub manager: Option<SponsorId>,
    /// Roles in applications. What Innkeeper took away it can give back; the rest takes a person.
    pub app_roles: Vec<AppRole>,
    /// What Innkeeper cannot give back, in words, with the reason.
    pub lost: Vec<String>,
}

impl Snapshot {
    /// What is missing now.
    #[must_use]
    pub fn missing(&self, now: &Self) -> Missing {
        fn less<T: Clone + PartialEq>(before: &[T], now: &[T]) -> Vec<T> {
            before
                .iter()
                .filter(|one| !now.contains(one))
                .cloned()
                .collect()
        }
        let roles = less(&self.roles, &now.roles);
        let roles = roles.iter().map(|role| {
            format!("the directory role {role}: only an administrator of roles can assign it")
        });
        let app_roles = self.holdings.app_roles.iter().filter(|before| {
            let is_same =
                |now: &&AppRole| now.resource == before.resource && now.role == before.role;
            !now.holdings.app_roles.iter().any(|now| is_same(&now))
        });
        let licences = less(&self.holdings.licences, &now.holdings.licences);
        let licences = licences
            .iter()
            .map(|licence| format!("the licence {licence}: assign it in the admin center"));
        Missing {
            groups: less(&self.groups, &now.groups),
            sponsors: less(&self.sponsors, &now.sponsors),
            manager: match now.holdings.manager {
                Some(_) => None,
                None => self.holdings.manager,
            },
            app_roles: app_roles.cloned().collect(),
            lost: roles.chain(licences).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_was_there_and_is_no_more() {
        let group = |name: &str| GroupId::derived(&[name.as_bytes()]);
        let portal = AppRole {
            resource: Uuid::from_u128(1),
            resource_name: Some("Supplier Portal".to_owned()),
            role: Uuid::nil(),
        };
        let before = Snapshot {
            groups: vec![group("a"), group("b")],
            holdings: Holdings {
                app_roles: vec![portal],
                licences: Vec::new(),
                manager: Some(SponsorId::derived(&[b"mia"])),
            },
            ..Snapshot::default()
        };
        let now = Snapshot {
            groups: vec![group("b"), group("c")],
            ..Snapshot::default()
        };
        let missing = before.missing(&now);
        assert_eq!(missing.groups, [group("a")]);
        assert_eq!(missing.app_roles[0].application(), "Supplier Portal");
        assert_eq!(missing.manager, before.holdings.manager);
        let mut replaced = now;
        replaced.holdings.manager = Some(SponsorId::derived(&[b"max"]));
        assert_eq!(before.missing(&replaced).manager, None);
        assert_eq!(before.missing(&before), Missing::default());
    }
}
