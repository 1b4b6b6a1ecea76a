//! What policy and configuration name in the directory: groups, and the mailbox that notices are sent from.

use std::collections::BTreeSet;

use innkeeper_domain::group::{Found, Group};
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Action, FromGroups, Policy};
use innkeeper_graph::{GraphError, Reader};

use super::finding::{Check, Finding};
use super::permissions;
use crate::config::TenantConfig;

const GROUP_MATTERS: &str = "what the policy makes of its members is unknown for every guest: a rule that depends on it takes nothing away, and neither is a guest known to be protected by it";
const READING_MATTERS: &str = "a group that cannot be read fails every cycle";
const MAIL_MATTERS: &str = "notices are not sent, and no stage after a notice is reached";

/// Looks up every group that the policy names.
pub(super) async fn groups(
    tenant: &TenantConfig,
    policy: Option<&Policy>,
    reader: Result<&Reader, &'static str>,
) -> Vec<Finding> {
    let Some(policy) = policy else {
        let because = "the policy cannot be read";
        return vec![Finding::unchecked(Check::Groups, because, READING_MATTERS)];
    };
    let keys = policy.groups();
    if keys.is_empty() {
        return vec![Finding::ok(Check::Groups, "the policy names none")];
    }
    let reader = match reader {
        Ok(reader) => reader,
        Err(because) => {
            return vec![Finding::unchecked(Check::Groups, because, READING_MATTERS)];
        }
    };
    let taken_from = taken_from(policy);
    let (mut readable, mut found) = (Vec::new(), Vec::new());
    for key in keys {
        match reader.find_group(key).await {
            Ok(Found::One(group)) => {
                if taken_from.contains(key) && !group.membership.is_writable() {
                    found.push(unwritable(&group));
                }
                readable.push(group.name);
            }
            Ok(Found::Missing) => found.push(Finding::warning(
                Check::Groups,
                format!("the policy names the group {key:?}, which is not there"),
                GROUP_MATTERS,
                "correct the name in the policy, or name the group by its object id, which outlives a renaming",
            )),
            Ok(Found::Ambiguous) => found.push(Finding::warning(
                Check::Groups,
                format!("the policy names the group {key:?}, and several have this name"),
                GROUP_MATTERS,
                "name the group by its object id",
            )),
            Err(GraphError::HiddenMembers { .. }) => found.push(Finding::wrong(
                Check::Groups,
                format!("the group {key:?} hides its members"),
                "to who may not read hidden members such a group may look empty, so every cycle fails instead",
                format!(
                    "grant the application permission Member.Read.Hidden: {}",
                    permissions::grant_hidden(tenant)
                ),
            )),
            Err(error) => found.push(Finding::failed(
                Check::Groups,
                &error,
                READING_MATTERS,
                "run `innkeeper doctor` again",
            )),
        }
    }
    if !readable.is_empty() {
        let found_them = format!("found: {}", readable.join(", "));
        found.insert(0, Finding::ok(Check::Groups, found_them));
    }
    found
}

fn unwritable(group: &Group) -> Finding {
    Finding::warning(
        Check::Groups,
        format!(
            "the policy takes guests out of {:?}, which is {}",
            group.name,
            group.membership.as_str()
        ),
        "Graph lets no application take a member out of such a group: its members stay",
        "take the group out of the rule's `from`, or see to its members where they are decided upon",
    )
}

/// The groups that the policy takes guests out of.
fn taken_from(policy: &Policy) -> BTreeSet<&str> {
    let stages = policy.rules.iter().flat_map(|rule| &rule.stages);
    let removals = stages.filter(|stage| stage.action == Action::RemoveFromGroup);
    removals
        .flat_map(|stage| match &stage.from {
            FromGroups::Named(keys) => keys.iter().map(String::as_str).collect::<Vec<_>>(),
            FromGroups::EndedProjects => policy
                .projects
                .iter()
                .map(|project| project.group.as_str())
                .collect(),
        })
        .collect()
}

/// Looks at the account that notices are sent from. No mail is sent.
pub(super) async fn mailbox(
    tenant: &TenantConfig,
    policy: Option<&Policy>,
    reader: Result<&Reader, &'static str>,
) -> Finding {
    let notify = match (&tenant.notify, tenant.mode) {
        (Some(notify), Mode::Warn | Mode::Enforce) => notify,
        (_, Mode::Observe) | (None, Mode::Warn | Mode::Enforce) => {
            let mode = tenant.mode.as_str();
            return Finding::ok(Check::Mailbox, format!("the mode {mode} sends no notices"));
        }
    };
    let notifies = |policy: &Policy| {
        let mut stages = policy.rules.iter().flat_map(|rule| &rule.stages);
        stages.any(|stage| stage.action == Action::Notify)
    };
    if !policy.is_none_or(notifies) {
        return Finding::ok(Check::Mailbox, "the policy sends no notices");
    }
    let reader = match reader {
        Ok(reader) => reader,
        Err(because) => return Finding::unchecked(Check::Mailbox, because, MAIL_MATTERS),
    };
    let sender = &notify.sender;
    let account = match reader.account(sender).await {
        Ok(account) => account,
        Err(error) => {
            let otherwise = "run `innkeeper doctor` again";
            return Finding::failed(Check::Mailbox, &error, MAIL_MATTERS, otherwise);
        }
    };
    match account {
        None => Finding::wrong(
            Check::Mailbox,
            format!("there is no account {sender}"),
            MAIL_MATTERS,
            "set tenants.notify.sender to the user principal name of a mailbox; a shared one will do",
        ),
        Some(account) if account.mail.is_none() => Finding::warning(
            Check::Mailbox,
            format!("the account {sender} has no mail address, and so probably no mailbox"),
            MAIL_MATTERS,
            "give the account a mailbox in Exchange Online, or set tenants.notify.sender to one that has",
        ),
        Some(account) => {
            let disabled = match account.enabled {
                Some(false) => " and is disabled, as that of a shared mailbox is",
                Some(true) | None => "",
            };
            Finding::ok(
                Check::Mailbox,
                format!(
                    "the account {sender} is there{disabled}; that it has a mailbox, and that the application may send from it, was not tried"
                ),
            )
        }
    }
}
