//! What is approved.

use chrono::TimeDelta;
use innkeeper_domain::approve::Ledger;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Action, Cap};

use crate::tenant::{Tenant, inactive};

fn all(count: u32) -> Tenant {
    Tenant::of((0..count).map(inactive))
}

fn approved(tenant: &Tenant, mode: Mode) -> (usize, Vec<String>) {
    let approval = tenant
        .plan()
        .approve(mode, &tenant.policy.limits, &Ledger::default());
    (
        approval.plan.steps().len(),
        approval.refusals.iter().map(ToString::to_string).collect(),
    )
}

#[test]
fn observe_approves_nothing_and_warn_only_warns() {
    let mut tenant = all(3);
    assert_eq!(
        approved(&tenant, Mode::Observe),
        (0, vec!["mode is observe: 3 steps are not taken".to_owned()])
    );
    assert_eq!(approved(&tenant, Mode::Warn), (3, Vec::new()));
    tenant.cycle();
    tenant.pass(TimeDelta::days(7)).cycle();
    tenant.pass(TimeDelta::days(7));
    assert_eq!(
        approved(&tenant, Mode::Warn),
        (0, vec!["mode is warn: 3 steps are not taken".to_owned()])
    );
    assert_eq!(approved(&tenant, Mode::Enforce), (3, Vec::new()));
}

#[test]
fn a_cap_lets_the_longest_due_through_first_and_the_rest_follow() {
    let mut tenant = all(4);
    tenant.policy.limits.set_cap(
        Action::Notify,
        Cap {
            guests: 3,
            percent: 100.0,
        },
    );
    let (count, refusals) = approved(&tenant, Mode::Enforce);
    assert_eq!(count, 3);
    assert_eq!(
        refusals,
        [
            "notify is due for 4 guests, 3 a cycle are allowed; the others follow in later cycles, oldest first"
        ]
    );
    assert_eq!(tenant.cycle().len(), 3);
    assert_eq!(tenant.cycle().len(), 1);
    assert_eq!(tenant.cycle().len(), 0);
}

#[test]
fn nothing_is_taken_away_on_an_observation_that_cannot_be_believed() {
    let mut tenant = all(3);
    tenant.cycle();
    tenant.pass(TimeDelta::days(7)).cycle();
    tenant.pass(TimeDelta::days(7));
    tenant.healthy = false;
    let (count, refusals) = approved(&tenant, Mode::Enforce);
    assert_eq!(count, 0);
    insta::assert_debug_snapshot!(refusals, @r#"
    [
        "the observation is not healthy (not one of 3 guests has a sign-in time; a licence or the permission AuditLog.Read.All is likely missing): 3 steps are not taken",
    ]
    "#);
}

#[test]
fn a_plans_hash_tells_what_it_does_and_nothing_else() {
    let tenant = all(3);
    let hash = tenant.plan().hash();
    let mut turned = all(3);
    turned.guests.reverse();
    assert_eq!(turned.plan().hash(), hash);
    assert_ne!(all(2).plan().hash(), hash);
}
