//! What guests were given access to: directory roles that they may activate, access packages, roles in applications.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use innkeeper_domain::access::{Assignment, Held};
use innkeeper_domain::ids::GuestId;

use super::Reader;
use crate::answer::malformed;
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::roles;
use crate::wire::RoleAssignment;
use crate::wire::access::{HeldAssignment, MemberOf, PackageAssignment};

/// Guests of one batch of twenty requests, two for each.
const IN_ONE_BATCH: usize = 10;

/// What each of the guests has; one that has nothing is left out of a whole list, and has an empty one where it was named.
pub type Lists<T> = BTreeMap<GuestId, Vec<T>>;

impl Reader {
    /// The directory roles that may be activated, by whom (`roleEligibilityScheduleInstances`). What a role-assignable
    /// group may activate is not among them: its members are told by [`Reader::role_holders`].
    ///
    /// # Errors
    /// `NoGovernance` without the licence, else why not.
    pub async fn eligible_roles(&self) -> Result<Lists<String>, GraphError> {
        let request = self.eligibilities();
        let found = pages::<RoleAssignment>(&self.0, request.clone());
        let found: Vec<RoleAssignment> = found.try_concat().await?;
        eligible(&request, found, Lists::new())
    }

    /// The same of a few guests.
    ///
    /// # Errors
    /// Why not.
    pub async fn eligible_roles_of(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        let request_of = |guest: &GuestId| {
            let filter = format!("principalId eq '{guest}'");
            self.eligibilities().with("$filter", &filter)
        };
        let requests: Vec<Request> = guests.iter().map(request_of).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut lists: Lists<String> = guests.iter().map(|guest| (*guest, Vec::new())).collect();
        for (request, body) in requests.iter().zip(bodies) {
            let found = self.whole::<RoleAssignment>(request, body).await?;
            lists = eligible(request, found, lists)?;
        }
        Ok(lists)
    }

    fn eligibilities(&self) -> Request {
        let segments = [
            "roleManagement",
            "directory",
            "roleEligibilityScheduleInstances",
        ];
        self.0.get(
            &segments,
            "/roleManagement/directory/roleEligibilityScheduleInstances",
            "RoleEligibilitySchedule.Read.Directory",
        )
    }

    /// All assignments of access packages, those that are over among them.
    ///
    /// # Errors
    /// `NoGovernance` without the licence, else why not.
    pub async fn access_packages(&self) -> Result<Lists<Assignment>, GraphError> {
        let found = pages::<PackageAssignment>(&self.0, self.assignments());
        let found: Vec<PackageAssignment> = found.try_concat().await?;
        Ok(given(found, Lists::new()))
    }

    /// The same of a few guests.
    ///
    /// # Errors
    /// Why not.
    pub async fn access_packages_of(
        &self,
        guests: &[GuestId],
    ) -> Result<Lists<Assignment>, GraphError> {
        let request_of = |guest: &GuestId| {
            let filter = format!("target/objectid eq '{guest}'");
            self.assignments().with("$filter", &filter)
        };
        let requests: Vec<Request> = guests.iter().map(request_of).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut lists: Lists<Assignment> =
            guests.iter().map(|guest| (*guest, Vec::new())).collect();
        for (request, body) in requests.iter().zip(bodies) {
            let found = self.whole::<PackageAssignment>(request, body).await?;
            lists = given(found, lists);
        }
        Ok(lists)
    }

    fn assignments(&self) -> Request {
        let segments = ["identityGovernance", "entitlementManagement", "assignments"];
        let request = self.0.get(
            &segments,
            "/identityGovernance/entitlementManagement/assignments",
            "EntitlementManagement.Read.All",
        );
        request.with("$expand", "target,accessPackage")
    }

    /// What each of the guests holds in applications and groups. Those who are not there are left out.
    ///
    /// # Errors
    /// When anything about any of the others cannot be read.
    pub async fn held(&self, guests: &[GuestId]) -> Result<BTreeMap<GuestId, Held>, GraphError> {
        let mut all = BTreeMap::new();
        for chunk in guests.chunks(IN_ONE_BATCH) {
            match self.held_together(chunk).await {
                Ok(held) => all.extend(held),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for guest in chunk {
                        match self.held_together(&[*guest]).await {
                            Ok(held) => all.extend(held),
                            Err(GraphError::NotFound { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn held_together(&self, guests: &[GuestId]) -> Result<Vec<(GuestId, Held)>, GraphError> {
        let requests: Vec<Request> = guests
            .iter()
            .flat_map(|id| [self.app_roles_of(*id), self.groups_of(*id)])
            .collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut answers = requests.iter().zip(bodies);
        let mut all = Vec::with_capacity(guests.len());
        for guest in guests {
            let (Some((of_roles, roles)), Some((of_groups, groups))) =
                (answers.next(), answers.next())
            else {
                break;
            };
            let roles = self.whole::<HeldAssignment>(of_roles, roles).await?;
            let mut app_roles: Vec<_> =
                roles.into_iter().filter_map(HeldAssignment::held).collect();
            app_roles.sort();
            let groups = self.whole::<MemberOf>(of_groups, groups).await?;
            let groups: Vec<MemberOf> = groups.into_iter().filter(MemberOf::is_group).collect();
            let for_mail = groups.iter().filter(|group| group.is_for_mail());
            let held = Held {
                app_roles,
                groups: counted(groups.len()),
                mail_groups: counted(for_mail.count()),
            };
            all.push((*guest, held));
        }
        Ok(all)
    }

    fn groups_of(&self, id: GuestId) -> Request {
        let request = self.0.get(
            &["users", &id.to_string(), "memberOf"],
            "/users/{id}/memberOf",
            "Directory.Read.All",
        );
        request.with("$select", "id,mailEnabled,groupTypes")
    }
}

fn counted(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Adds who may activate what. Whom an eligibility without a holder protects is not known, and so not whom nothing does.
fn eligible(
    request: &Request,
    found: Vec<RoleAssignment>,
    mut lists: Lists<String>,
) -> Result<Lists<String>, GraphError> {
    for one in found {
        let Some(holder) = one.principal_id else {
            return Err(malformed(
                request,
                "an eligibility for a role came without its holder",
            ));
        };
        let role = one.role_definition_id;
        let role = role.map_or_else(|| super::groups::UNNAMED.to_owned(), roles::name);
        lists.entry(GuestId(holder)).or_default().push(role);
    }
    // One role may be held in several scopes.
    for roles in lists.values_mut() {
        roles.sort();
        roles.dedup();
    }
    Ok(lists)
}

fn given(found: Vec<PackageAssignment>, mut lists: Lists<Assignment>) -> Lists<Assignment> {
    let given = found.into_iter().filter_map(PackageAssignment::assignment);
    for (holder, assignment) in given {
        lists.entry(holder).or_default().push(assignment);
    }
    lists
}
