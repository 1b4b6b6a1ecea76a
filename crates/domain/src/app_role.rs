//! Roles in applications that are assigned to a guest, each with the address by which it can be taken away.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::GroupId;
use crate::snapshot::AppRole;

/// The id of an `appRoleAssignment`: letters, digits, `-` and `_`, at least one, so that it is one segment of an address
/// and never none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssignmentId(String);

/// A text that is no id of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no id of an app role assignment")]
pub struct NoAssignmentId;

impl TryFrom<String> for AssignmentId {
    type Error = NoAssignmentId;

    fn try_from(text: String) -> Result<Self, NoAssignmentId> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !text.is_empty() && text.bytes().all(fits) {
            Ok(Self(text))
        } else {
            Err(NoAssignmentId)
        }
    }
}

impl From<AssignmentId> for String {
    fn from(id: AssignmentId) -> Self {
        id.0
    }
}

impl fmt::Display for AssignmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Its id.
    pub id: AssignmentId,
    /// What it assigns.
    pub app_role: AppRole,
}

/// Every role in an application that a guest has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignments {
    /// Its own.
    pub direct: Vec<Assigned>,
    /// Those of groups of which it is a member: they go with the membership, and cannot be taken from one member.
    pub through_groups: Vec<(GroupId, AppRole)>,
}

impl AppRole {
    /// Whether it is of one of these applications, by the id of the service principal or by display name; of any where
    /// none is named.
    #[must_use]
    pub fn is_of(&self, applications: &[String]) -> bool {
        let id = self.resource.to_string();
        let is_named = |application: &String| {
            application.eq_ignore_ascii_case(&id)
                || self.resource_name.as_ref() == Some(application)
        };
        applications.is_empty() || applications.iter().any(is_named)
    }

    /// The application's name, or its id where it has none.
    #[must_use]
    pub fn application(&self) -> String {
        let name = self.resource_name.clone();
        name.unwrap_or_else(|| self.resource.to_string())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_that_would_lead_to_another_address_is_none() {
        for text in ["", ".", "..", "a/b", "../x", "a%2Fb", "a b", "$ref", "a?b"] {
            assert_eq!(
                AssignmentId::try_from(text.to_owned()),
                Err(NoAssignmentId),
                "{text}"
            );
            assert!(
                serde_json::from_value::<AssignmentId>(text.into()).is_err(),
                "{text}"
            );
        }
        let id = "41W1zT6z1U-kJxf62svfp1HFE8pMZhxDun-ThPczmJE".to_owned();
        assert!(AssignmentId::try_from(id).is_ok());
    }

    #[test]
    fn an_application_is_named_by_its_display_name_or_its_id_and_none_means_all() {
        let role = AppRole {
            resource: Uuid::from_u128(7),
            resource_name: Some("Supplier Portal".to_owned()),
            role: Uuid::nil(),
        };
        let is_of = |names: &[&str]| {
            role.is_of(
                &names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(is_of(&[]));
        assert!(is_of(&["Design Vault", "Supplier Portal"]));
        assert!(is_of(&[&Uuid::from_u128(7).to_string()]));
        assert!(!is_of(&["Supplier"]));
    }
}
