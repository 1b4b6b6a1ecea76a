//! Whom people spare: the exempt, the held, and those whose account somebody brought back.

use chrono::TimeDelta;
use innkeeper_domain::decision::Order;

use crate::tenant::{Tenant, decision, exempt, inactive, start};

fn nothing() -> Vec<String> {
    Vec::new()
}

fn reason(tenant: &Tenant) -> String {
    let verdicts = tenant.verdicts();
    format!("{}: {}", verdicts[0].as_str(), verdicts[0].reason())
}

/// A guest whom Innkeeper has just disabled.
fn disabled() -> Tenant {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    assert_eq!(tenant.until_something_is_done().1, ["disable (inactive)"]);
    tenant
}

#[test]
fn an_exempt_guest_is_left_alone_until_its_last_day_is_over_and_then_warned_first() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.guests[0].decisions = vec![exempt(20)];
    assert_eq!(tenant.cycle(), nothing());
    assert_eq!(
        reason(&tenant),
        "protected: exempt until 2027-01-21, by olga: an audit"
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (21, vec!["notify (inactive)".to_owned()])
    );
}

#[test]
fn what_we_disabled_is_enabled_again_when_the_guest_is_exempted() {
    let mut tenant = disabled();
    tenant.guests[0].decisions = vec![exempt(400)];
    assert_eq!(tenant.cycle(), ["enable (inactive)"]);
    assert_eq!(tenant.cycle(), nothing());
    assert!(tenant.guests[0].cases.is_empty());
}

#[test]
fn a_held_guest_stays_as_it_is_and_the_case_goes_on_when_the_hold_is_lifted() {
    let mut tenant = disabled();
    tenant.guests[0].decisions = vec![exempt(400), decision(Order::Hold)];
    for _ in 0..60 {
        assert_eq!(tenant.pass(TimeDelta::days(1)).cycle(), nothing());
    }
    assert_eq!(
        reason(&tenant),
        "protected: on hold, by olga: an audit; nothing is done or undone until it is lifted"
    );
    // Not even a guest who has come back is enabled.
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(tenant.pass(TimeDelta::zero()).cycle(), nothing());
    assert_eq!(tenant.guests[0].cases.len(), 1);
    tenant.guests[0].record.guest.sign_ins.successful = Some(start() - TimeDelta::days(100));
    tenant.guests[0].decisions.clear();
    assert_eq!(
        tenant.until_something_is_done(),
        (30, vec!["delete (inactive)".to_owned()])
    );
}

#[test]
fn what_is_ours_is_undone_when_the_hold_is_lifted() {
    let mut tenant = disabled();
    tenant.guests[0].decisions = vec![decision(Order::Hold)];
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(tenant.cycle(), nothing());
    tenant.guests[0].decisions.clear();
    assert_eq!(tenant.cycle(), ["enable (inactive)"]);
}

#[test]
fn a_hold_goes_before_every_other_protection() {
    let mut guest = inactive(1);
    guest.roles = vec!["Global Reader".into()];
    guest.decisions = vec![exempt(1), decision(Order::Hold)];
    assert!(reason(&Tenant::of([guest])).starts_with("protected: on hold"));
}

#[test]
fn a_guest_brought_back_is_immune_and_no_wait_ends_before() {
    let mut tenant = Tenant::of([inactive(1)]);
    let policy = crate::tenant::POLICY
        .replace("wait = \"14d\"", "wait = \"2d\"")
        .replace(
            "when = 'guest.inactive_days >= 90'",
            "when = 'guest.account_age_days >= 90'",
        );
    tenant.policy = innkeeper_domain::policy::Policy::parse("policy.toml", &policy).expect("good");
    tenant.guests[0].record.revived = Some(tenant.now - TimeDelta::days(4));
    // A notice takes nothing away.
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    assert!(
        reason(&tenant).ends_with(
            "disable on 2027-01-11 at the earliest; immune until 2027-01-11 because somebody brought the account back"
        ),
        "{}",
        reason(&tenant)
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (10, vec!["disable (inactive)".to_owned()])
    );
}

#[test]
fn immunity_is_as_long_as_the_policy_says() {
    let mut tenant = Tenant::of([inactive(1)]);
    let policy =
        crate::tenant::POLICY.replace("guest.inactive_days >= 90", "guest.account_age_days >= 90");
    let policy = policy.replace("[limits]", "[limits]\nimmunity = \"40d\"");
    tenant.policy = innkeeper_domain::policy::Policy::parse("policy.toml", &policy).expect("good");
    assert_eq!(tenant.policy.limits.immunity, TimeDelta::days(40));
    tenant.guests[0].record.revived = Some(tenant.now);
    tenant.cycle();
    assert_eq!(tenant.until_something_is_done().0, 40);
}
