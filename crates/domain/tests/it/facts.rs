//! What is known of a guest.

use chrono::TimeDelta;
use innkeeper_domain::facts::{Fact, FactName};
use innkeeper_domain::group::Found;
use innkeeper_domain::guest::Invitation;

use crate::tenant::{Tenant, group, guest, start};

#[test]
fn a_project_has_ended_when_its_last_day_is_over() {
    let mut tenant = Tenant::of([guest(1)]);
    tenant.guests[0].groups = vec![group("bridge")];
    tenant.now = "2027-01-31T23:59:59Z".parse().expect("a time");
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).expires_in_days,
        Fact::Known(0)
    );
    tenant.now += TimeDelta::seconds(1);
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(facts.expires_in_days, Fact::Known(-1));
    assert_eq!(
        facts.shown(FactName::Projects),
        "[bridge (ended 2027-01-31)]"
    );
}

#[test]
fn a_guest_without_a_project_has_no_expiry_and_one_with_a_project_not_found_an_unknown_one() {
    let mut tenant = Tenant::of([guest(1)]);
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).expires_in_days,
        Fact::Nothing
    );
    tenant
        .named_groups
        .insert("bridge".into(), Found::Ambiguous);
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).expires_in_days,
        Fact::Unknown
    );
}

#[test]
fn an_invitation_is_pending_for_no_days_once_redeemed_and_for_unknown_days_in_an_unknown_state() {
    let mut tenant = Tenant::of([guest(1)]);
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).pending_days,
        Fact::Known(0)
    );
    tenant.guests[0].record.guest.invitation = Invitation::Unrecognised;
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).pending_days,
        Fact::Unknown
    );
    tenant.guests[0].record.guest.invitation = Invitation::Pending {
        since: Some(start() - TimeDelta::days(40)),
    };
    assert_eq!(
        tenant.judge().facts(&tenant.guests[0]).pending_days,
        Fact::Known(40)
    );
}

#[test]
fn every_fact_has_a_name_that_finds_it_and_can_be_shown() {
    let tenant = Tenant::of([guest(1)]);
    let facts = tenant.judge().facts(&tenant.guests[0]);
    for name in FactName::ALL {
        assert_eq!(FactName::parse(name.as_str()), Some(*name));
        assert!(!facts.shown(*name).is_empty());
    }
}
