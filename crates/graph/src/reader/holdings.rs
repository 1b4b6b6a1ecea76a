//! What is assigned to guests: read before something is taken away from them.

use innkeeper_domain::app_role::{Assigned, AssignmentId, Assignments};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::snapshot::{AppRole, Holdings};

use super::Reader;
use crate::answer::{malformed, wrong_with};
use crate::error::GraphError;
use crate::request::Request;
use crate::wire::{AppRoleAssignment, Licensed, Page};

impl Reader {
    /// Direct app roles, licences and manager of each, in their order: `appRoleAssignments`, `assignedLicenses` and
    /// `manager`, in batches.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn holdings(&self, guests: &[GuestId]) -> Result<Vec<Holdings>, GraphError> {
        let requests: Vec<Request> = guests
            .iter()
            .flat_map(|id| [self.app_roles_of(*id), self.licences_of(*id)])
            .collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut all = Vec::with_capacity(guests.len());
        for ((guest, bodies), requests) in
            guests.iter().zip(bodies.chunks(2)).zip(requests.chunks(2))
        {
            let ([app_roles, user], [of_app_roles, of_user]) = (bodies, requests) else {
                break;
            };
            let page: Page<AppRoleAssignment> = serde_json::from_value(app_roles.clone())
                .map_err(|error| malformed(of_app_roles, wrong_with(&error)))?;
            if page.next_link.is_some() {
                return Err(malformed(of_app_roles, "there are more than a page has"));
            }
            let user: Licensed = serde_json::from_value(user.clone())
                .map_err(|error| malformed(of_user, wrong_with(&error)))?;
            // Those of its groups come along; they come back with the groups.
            let is_own = |role: &AppRoleAssignment| role.principal_id == Some(guest.0);
            let app_roles = page.value.into_iter().filter(is_own).filter_map(|role| {
                Some(AppRole {
                    resource: role.resource_id?,
                    resource_name: role.resource_display_name,
                    role: role.app_role_id?,
                })
            });
            let licences = user.assigned_licenses.unwrap_or_default().into_iter();
            all.push(Holdings {
                app_roles: app_roles.collect(),
                manager: user.manager.map(|manager| manager.id.into()),
                licences: licences.filter_map(|licence| licence.sku_id).collect(),
            });
        }
        Ok(all)
    }

    /// Every role in an application of each, in their order, with what it takes to remove one.
    ///
    /// # Errors
    /// When anything about any of them cannot be read. An assignment without a whole id is an error, and never left out.
    pub async fn app_roles(&self, guests: &[GuestId]) -> Result<Vec<Assignments>, GraphError> {
        let requests: Vec<Request> = guests.iter().map(|id| self.app_roles_of(*id)).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut all = Vec::with_capacity(guests.len());
        for ((guest, body), request) in guests.iter().zip(bodies).zip(&requests) {
            let page: Page<AppRoleAssignment> = serde_json::from_value(body)
                .map_err(|error| malformed(request, wrong_with(&error)))?;
            if page.next_link.is_some() {
                return Err(malformed(request, "there are more than a page has"));
            }
            let mut assignments = Assignments::default();
            for one in page.value {
                let (Some(principal), Some(resource), Some(role)) =
                    (one.principal_id, one.resource_id, one.app_role_id)
                else {
                    return Err(malformed(request, "an assignment does not say of what"));
                };
                let app_role = AppRole {
                    resource,
                    resource_name: one.resource_display_name,
                    role,
                };
                match one.principal_type.as_deref() {
                    Some("User") if principal == guest.0 => {
                        let id = one.id.and_then(|id| AssignmentId::try_from(id).ok());
                        let id =
                            id.ok_or_else(|| malformed(request, "an assignment has no whole id"))?;
                        assignments.direct.push(Assigned { id, app_role });
                    }
                    Some("Group") => {
                        assignments
                            .through_groups
                            .push((principal.into(), app_role));
                    }
                    Some(_) | None => {
                        return Err(malformed(request, "an assignment is of another principal"));
                    }
                }
            }
            all.push(assignments);
        }
        Ok(all)
    }

    pub(super) fn app_roles_of(&self, id: GuestId) -> Request {
        self.0
            .get(
                &["users", &id.to_string(), "appRoleAssignments"],
                "/users/{id}/appRoleAssignments",
                "Directory.Read.All",
            )
            .with("$top", "999")
    }

    fn licences_of(&self, id: GuestId) -> Request {
        let segments = ["users", &id.to_string()];
        self.0
            .get(&segments, "/users/{id}", "User.Read.All")
            .with("$select", "id,assignedLicenses")
            .with("$expand", "manager")
    }
}
