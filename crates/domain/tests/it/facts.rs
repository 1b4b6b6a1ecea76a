//! What is known of a guest.

use chrono::TimeDelta;
use innkeeper_domain::facts::{Fact, FactName};
use innkeeper_domain::group::{Found, Group};
use innkeeper_domain::guest::Invitation;
use innkeeper_domain::policy::{Condition, Policy, SetProject, Truth};

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
        "[bridge (ended 2027-01-31; policy)]"
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

/// Whether these three hold: all have ended; one has ended and another goes on; there is none.
fn cases(tenant: &Tenant) -> [Truth; 3] {
    let facts = tenant.judge().facts(&tenant.guests[0]);
    [
        "guest.all_projects_ended",
        "guest.projects.exists(p, p.ended) && guest.projects.exists(p, !p.ended)",
        "size(guest.projects) == 0",
    ]
    .map(|condition| Condition::parse(condition).expect("good").judge(&facts))
}

#[test]
fn all_projects_ended_one_still_going_on_and_none_are_three_cases() {
    let mut tenant = Tenant::of([guest(1)]);
    let (yes, no) = (Truth::True, Truth::False);
    assert_eq!(cases(&tenant), [no, no, yes]);
    tenant.guests[0].groups = vec![group("bridge")];
    assert_eq!(cases(&tenant), [no, no, no]);
    tenant.now = "2027-02-01T00:00:00Z".parse().expect("a time");
    assert_eq!(cases(&tenant), [yes, no, no]);
    let tunnel = SetProject {
        group: "tunnel".into(),
        ends: "2027-06-30".parse().expect("a day"),
        by: "olga".into(),
        at: start(),
    };
    tenant.policy = tenant.policy.with_projects(&[tunnel]);
    // The group of the new project was not looked up yet.
    let unknown = Truth::Unknown;
    let all = unknown(FactName::AllProjectsEnded);
    let any = unknown(FactName::Projects);
    assert_eq!(cases(&tenant), [all, any, any]);
    let found = Found::One(group("tunnel"));
    tenant.named_groups.insert("tunnel".into(), found);
    assert_eq!(cases(&tenant), [yes, no, no]);
    tenant.guests[0].groups.push(group("tunnel"));
    assert_eq!(cases(&tenant), [no, yes, no]);
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(
        facts.shown(FactName::Projects),
        "[bridge (ended 2027-01-31; policy), tunnel (ends 2027-06-30; set by olga)]"
    );
}

#[test]
fn a_project_can_end_when_its_group_expires_and_one_without_an_end_goes_on() {
    let mut tenant = Tenant::of([guest(1)]);
    let text = "[[project]]\ngroup = \"bridge\"\nends = \"expirationDateTime\"\n";
    tenant.policy = Policy::parse("policy.toml", text).expect("good");
    tenant.guests[0].groups = vec![group("bridge")];
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(facts.expires_in_days, Fact::Nothing);
    let has = Condition::parse("guest.projects.exists(p, has(p.ends_in_days))").expect("good");
    assert_eq!(has.judge(&facts), Truth::False);
    assert_eq!(cases(&tenant), [Truth::False; 3]);
    let expiring = Group {
        expires: Some(start() + TimeDelta::hours(30)),
        ..group("bridge")
    };
    tenant
        .named_groups
        .insert("bridge".into(), Found::One(expiring));
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(facts.expires_in_days, Fact::Known(1));
    assert_eq!(
        facts.shown(FactName::Projects),
        "[bridge (ends 2027-01-02; expirationDateTime of the group)]"
    );
}
