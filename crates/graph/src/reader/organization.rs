//! The tenant itself.

use innkeeper_domain::ids::TenantId;
use uuid::{Uuid, uuid};

use super::Reader;
use crate::answer::malformed;
use crate::error::GraphError;
use crate::wire::{AssignedPlan, Page, WireOrganization};

/// The service plans of Entra ID P1 and P2, one of which `signInActivity` needs.
const PREMIUM: [Uuid; 2] = [
    uuid!("41781fb2-bc02-4b7c-bd55-b576c07bb09d"),
    uuid!("eec0eb4f-6444-4f95-aba0-50c24d67f998"),
];

/// The service plans of Entra ID P2 and of Entra ID Governance: with one of them roles can be activated, and access
/// packages given.
const GOVERNANCE: [Uuid; 2] = [
    uuid!("eec0eb4f-6444-4f95-aba0-50c24d67f998"),
    uuid!("e866a266-3cff-43a3-acca-0c90a7e00c8b"),
];

/// A tenant (`organization`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub display_name: Option<String>,
    /// Whether it has Entra ID P1 or P2, without which Graph tells no sign-in activity. `None`: Graph did not say.
    pub premium: Option<bool>,
    /// Whether it has Entra ID P2 or Governance. `None`: Graph did not say.
    pub governance: Option<bool>,
}

impl Reader {
    /// The tenant that the token is for, by `GET /organization`.
    ///
    /// # Errors
    /// Why not.
    pub async fn organization(&self) -> Result<Organization, GraphError> {
        let request = self
            .0
            .get(&["organization"], "/organization", "Organization.Read.All")
            .with("$select", "id,displayName,assignedPlans");
        let page: Page<WireOrganization> = self.0.read(&request).await?;
        let mut found = page.value.into_iter();
        let (Some(one), None) = (found.next(), found.next()) else {
            return Err(malformed(&request, "it is not about one organization"));
        };
        let WireOrganization {
            id,
            display_name,
            assigned_plans,
        } = one;
        Ok(Organization {
            id: id.into(),
            display_name,
            premium: assigned_plans.as_deref().map(|plans| has(plans, &PREMIUM)),
            governance: assigned_plans
                .as_deref()
                .map(|plans| has(plans, &GOVERNANCE)),
        })
    }
}

/// A plan in its time of grace (`Warning`) still works.
fn has(plans: &[AssignedPlan], any: &[Uuid]) -> bool {
    plans.iter().any(|plan| {
        plan.service_plan_id.is_some_and(|id| any.contains(&id))
            && matches!(
                plan.capability_status.as_deref(),
                Some("Enabled" | "Warning")
            )
    })
}
