//! Roles in applications, and invitations that are sent again.

use chrono::TimeDelta;
use innkeeper_domain::approve::Ledger;
use innkeeper_domain::guest::{GuestView, Invitation};
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Action, Cap, Policy};
use innkeeper_domain::verdict::Conclusion;

use crate::tenant::{POLICY, Tenant, guest, start};

/// A rule that sends an invitation again, and takes roles in applications away.
pub const PENDING: &str = r#"
[[rule]]
name = "pending"
when = 'guest.pending_days >= 30'
stages = [
  { action = "resend-invitation" },
  { action = "notify", wait = "7d" },
  { action = "remove-app-roles", wait = "7d", of = ["Travel Desk"] },
]
"#;

/// The policy of these tests, with a rule more.
pub fn policy_with(rule: &str) -> Policy {
    Policy::parse("policy.toml", &format!("{POLICY}{rule}")).expect("a good policy")
}

fn pending(number: u32) -> GuestView {
    let mut view = guest(number);
    view.record.guest.created = Some(start() - TimeDelta::days(40));
    view.record.guest.invitation = Invitation::Pending {
        since: Some(start() - TimeDelta::days(40)),
    };
    view
}

fn tenant(guests: impl IntoIterator<Item = GuestView>, rule: &str) -> Tenant {
    let mut tenant = Tenant::of(guests);
    tenant.policy = policy_with(rule);
    tenant
}

#[test]
fn an_invitation_is_sent_again_once_and_roles_in_applications_go_after_the_notice() {
    let mut tenant = tenant([pending(1)], PENDING);
    assert_eq!(tenant.cycle(), ["resend-invitation (pending)"]);
    assert_eq!(tenant.cycle(), [""; 0]);
    assert_eq!(
        tenant.until_something_is_done(),
        (7, vec!["notify (pending)".to_owned()])
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (7, vec!["remove-app-roles (pending)".to_owned()])
    );
    assert_eq!(tenant.cycle(), [""; 0]);
}

#[test]
fn whoever_redeems_between_two_cycles_loses_nothing() {
    let mut tenant = tenant([pending(1)], PENDING);
    tenant.cycle();
    tenant.guests[0].record.guest.invitation = Invitation::Accepted {
        at: Some(tenant.now),
    };
    for _ in 0..40 {
        tenant.pass(TimeDelta::days(1));
        assert_eq!(tenant.cycle(), [""; 0]);
    }
}

#[test]
fn an_invitation_in_a_state_that_nobody_knows_is_not_sent_again_and_that_is_told() {
    let mut unclear = guest(1);
    unclear.record.guest.invitation = Invitation::Unrecognised;
    let rule = PENDING.replace("guest.pending_days >= 30", "guest.account_age_days >= 0");
    let mut tenant = tenant([unclear], &rule);
    let verdict = &tenant.verdicts()[0];
    assert!(
        matches!(verdict.conclusion, Conclusion::Unknown(_)),
        "{verdict:?}"
    );
    let reason = verdict.reason();
    assert!(reason.contains("pending_days is not known"), "{reason}");
    assert_eq!(tenant.cycle(), [""; 0]);
}

#[test]
fn both_are_capped_and_only_an_invitation_may_go_out_in_mode_warn() {
    let mut tenant = tenant((1..=9).map(pending), PENDING);
    let cap = |guests| Cap {
        guests,
        percent: 100.0,
    };
    tenant
        .policy
        .limits
        .set_cap(Action::ResendInvitation, cap(4));
    tenant.policy.limits.set_cap(Action::RemoveAppRoles, cap(3));
    let approved = |tenant: &Tenant, mode| {
        let approval = tenant
            .plan()
            .approve(mode, &tenant.policy.limits, &Ledger::default());
        approval.plan.steps().len()
    };
    assert_eq!(approved(&tenant, Mode::Observe), 0);
    assert_eq!(approved(&tenant, Mode::Warn), 4);
    assert_eq!(approved(&tenant, Mode::Enforce), 4);

    tenant
        .policy
        .limits
        .set_cap(Action::ResendInvitation, cap(9));
    tenant.cycle();
    tenant.pass(TimeDelta::days(7)).cycle();
    tenant.pass(TimeDelta::days(7));
    assert_eq!(approved(&tenant, Mode::Warn), 0);
    assert_eq!(approved(&tenant, Mode::Enforce), 3);
    tenant.healthy = false;
    assert_eq!(approved(&tenant, Mode::Enforce), 0);
}
