//! Which roles in applications a step takes away: those that the guest is found to have right before the intents, each an
//! intent of its own, and nothing that is assigned later.

use std::collections::HashMap;

use innkeeper_domain::app_role::{Assigned, Assignments};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::Call;
use innkeeper_domain::snapshot::AppRole;
use innkeeper_domain::verdict::{Effect, Step};
use tracing::warn;

use crate::cycle::Cycle;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::{Deeds, Failure};

/// What guests have, as far as it was asked.
pub(super) type Found = HashMap<GuestId, Assignments>;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// What the guests of these steps have, where a step takes it away. `None`: it cannot be read; nothing was intended,
    /// and the next cycle tries again.
    pub(super) async fn find_app_roles(&self, steps: &[&Step], deeds: &mut Deeds) -> Option<Found> {
        let takes = |step: &&&Step| matches!(step.effect, Effect::RemoveAppRoles { .. });
        let guests: Vec<GuestId> = steps.iter().filter(takes).map(|step| step.guest).collect();
        if guests.is_empty() {
            return Some(Found::new());
        }
        match self.tenant.reader.app_roles(&guests).await {
            Ok(all) => Some(guests.into_iter().zip(all).collect()),
            Err(error) => {
                warn!(%error, "the roles in applications cannot be read, so none is taken away");
                deeds
                    .failures
                    .extend(guests.into_iter().map(|guest| Failure {
                        guest,
                        call: "remove-app-role",
                        error: format!("what the guest has could not be read before: {error}"),
                    }));
                None
            }
        }
    }
}

/// The calls of a step. What comes by a group goes with the group, and is told.
pub(super) fn calls(
    guest: GuestId,
    of: &[String],
    found: Option<&Assignments>,
    deeds: &mut Deeds,
) -> Vec<Call> {
    let Some(Assignments {
        direct,
        through_groups,
    }) = found
    else {
        return Vec::new();
    };
    for (group, app_role) in through_groups {
        if app_role.is_of(of) {
            let application = app_role.application();
            warn!(guest.id = %guest, group.id = %group, application, "a role in an application comes by a group, and stays");
            deeds.remarks.push((
                guest,
                format!("the access to {application} comes by the group {group}, and stays until the guest leaves it"),
            ));
        }
    }
    let meant = direct.iter().filter(|assigned| assigned.app_role.is_of(of));
    meant
        .map(|Assigned { id, app_role }| Call::RemoveAppRole {
            assignment: id.clone(),
            app_role: app_role.clone(),
        })
        .collect()
}

/// Whether a guest itself has a role.
pub(crate) fn has(assignments: &Assignments, role: &AppRole) -> bool {
    let AppRole {
        resource,
        role,
        resource_name: _,
    } = role;
    let is_it = |assigned: &Assigned| {
        assigned.app_role.resource == *resource && assigned.app_role.role == *role
    };
    assignments.direct.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use innkeeper_domain::app_role::AssignmentId;
    use innkeeper_domain::ids::GroupId;
    use uuid::Uuid;

    use super::*;

    fn role(name: &str, id: u128) -> AppRole {
        AppRole {
            resource: Uuid::from_u128(id),
            resource_name: Some(name.to_owned()),
            role: Uuid::nil(),
        }
    }

    #[test]
    fn what_comes_by_a_group_is_left_and_told_and_only_what_is_named_is_taken() {
        let guest = GuestId::derived(&[b"ann"]);
        let direct = |id: &str, app_role| Assigned {
            id: AssignmentId::try_from(id.to_owned()).expect("an id"),
            app_role,
        };
        let found = Assignments {
            direct: vec![
                direct("a", role("Travel Desk", 1)),
                direct("b", role("Design Vault", 2)),
            ],
            through_groups: vec![(GroupId::derived(&[b"bridge"]), role("Travel Desk", 1))],
        };
        let taken = |of: &[&str]| {
            let of: Vec<String> = of.iter().map(|name| (*name).to_owned()).collect();
            let mut deeds = Deeds::default();
            let calls = calls(guest, &of, Some(&found), &mut deeds);
            let all = calls
                .iter()
                .all(|call| matches!(call, Call::RemoveAppRole { .. }));
            assert!(all, "{calls:?}");
            (calls.len(), deeds.remarks.len())
        };
        assert_eq!(taken(&[]), (2, 1));
        assert_eq!(taken(&["Travel Desk"]), (1, 1));
        assert_eq!(taken(&["Design Vault"]), (1, 0));
        assert_eq!(taken(&["Supplier Portal"]), (0, 0));
        assert_eq!(calls(guest, &[], None, &mut Deeds::default()), []);
    }
}
