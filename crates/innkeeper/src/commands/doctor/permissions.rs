//! Which application permissions of Graph are needed, by mode and by what the policy does, and how to grant those that
//! are missing.

mod needs;

use std::collections::BTreeSet;

use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Policy;
use innkeeper_graph::{Application, Credential};
use uuid::{Uuid, uuid};

use super::finding::{Check, Finding};
use crate::config::TenantConfig;
use needs::{Comparison, Uses, compare};

/// `Member.Read.Hidden`
const HIDDEN_ROLE: Uuid = uuid!("658aa5d8-239f-45c4-aa12-864f4fc7e490");

/// Microsoft Graph itself, in every tenant.
const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");

/// Holds what the token carries against what mode, policy and the tenant's licence need: one finding for each permission needed, and those
/// that are too much.
pub(super) fn examine(
    tenant: &TenantConfig,
    policy: Option<&Policy>,
    governed: Option<bool>,
    granted: &BTreeSet<String>,
) -> Vec<Finding> {
    const TOO_MUCH: &str = "whoever gets hold of the credential can do all that is granted";
    let uses = policy.map(Uses::of);
    let mode = tenant.mode.as_str();
    let Comparison {
        granted,
        missing,
        too_broad,
        mut unneeded,
    } = compare(tenant.mode, uses.as_ref(), governed, granted);
    if let Credential::Application {
        client_id: _,
        application: Application::Secret(_),
    } = &tenant.credential
    {
        // It lets the application see when its secret ends; nothing depends on it.
        unneeded.retain(|name| name != "Application.Read.All");
    }
    let mut found: Vec<Finding> = Vec::new();
    for need in missing {
        found.push(Finding::wrong(
            Check::Permissions,
            format!(
                "the application permission {} is missing, which the mode {mode} needs",
                need.name
            ),
            need.reason,
            grant(tenant, need.role),
        ));
    }
    for (need, by) in granted {
        let by = if by == need.name {
            String::new()
        } else {
            format!(" by {by}")
        };
        let what = format!("{} is granted{by}: {}", need.name, need.reason);
        found.push(Finding::ok(Check::Permissions, what));
    }
    if policy.is_none() && tenant.mode > Mode::Observe {
        found.push(Finding::unchecked(
            Check::Permissions,
            "what the policy needs, since it cannot be read",
            "a missing permission keeps a stage from being carried out",
        ));
    }
    for (name, instead) in too_broad {
        found.push(Finding::warning(
            Check::Permissions,
            format!("the application permission {name} allows more than is needed"),
            TOO_MUCH,
            format!(
                "grant {} instead, then take {name} away: {}",
                instead.join(" and "),
                where_to(tenant)
            ),
        ));
    }
    if !unneeded.is_empty() {
        found.push(Finding::warning(
            Check::Permissions,
            format!(
                "application permissions that nothing in use needs: {}",
                unneeded.join(", ")
            ),
            TOO_MUCH,
            format!(
                "take them away, unless a later mode needs them: {}",
                where_to(tenant)
            ),
        ));
    }
    found
}

/// What to do for a group that hides its members.
pub(super) fn grant_hidden(tenant: &TenantConfig) -> String {
    grant(tenant, HIDDEN_ROLE)
}

/// A command that assigns an app role of Graph to the application's service principal, which is what consent does. It
/// works for managed identities as well, which have no app registration.
fn grant(tenant: &TenantConfig, role: Uuid) -> String {
    let (application, hint) = match client_id(&tenant.credential) {
        Some(id) => (id, ""),
        None => (
            "CLIENT_ID",
            ", with the application id of the managed identity for CLIENT_ID",
        ),
    };
    let graph = tenant.graph_url.as_str().trim_end_matches('/');
    format!(
        "in a shell where the Azure CLI is signed in as an administrator who may consent (az login --tenant {id} \
         --allow-no-subscriptions), run this{hint}; a token keeps the old permissions for an hour or more:\n\
         sp=$(az ad sp show --id {application} --query id -o tsv) && graph=$(az ad sp show --id {GRAPH} --query id -o tsv) && \
         az rest --method POST --url \"{graph}/v1.0/servicePrincipals/$sp/appRoleAssignments\" \
         --body \"{{\\\"principalId\\\":\\\"$sp\\\",\\\"resourceId\\\":\\\"$graph\\\",\\\"appRoleId\\\":\\\"{role}\\\"}}\"",
        id = tenant.id,
    )
}

fn where_to(tenant: &TenantConfig) -> String {
    let application = client_id(&tenant.credential).unwrap_or("the managed identity");
    format!("Entra admin center, Enterprise applications, {application}, Permissions")
}

fn client_id(credential: &Credential) -> Option<&str> {
    match credential {
        Credential::Application { client_id, .. } => Some(client_id),
        Credential::ManagedIdentity { client_id, .. } => client_id.as_deref(),
    }
}
