//! What is known of a guest.

use chrono::TimeDelta;
use innkeeper_domain::activity::SignIns;
use innkeeper_domain::decision::Order;
use innkeeper_domain::facts::{Fact, FactName};
use innkeeper_domain::group::{Found, Group};
use innkeeper_domain::guest::{Attribute, Extras, Invitation};
use innkeeper_domain::policy::{Condition, Policy, SetProject, Truth};
use innkeeper_domain::sponsor::Sponsor;

use crate::tenant::{Tenant, decision, group, guest, start};

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

/// A tenant with one guest, in the bridge's group, under a policy with this `[expiry]`.
fn expiring(expiry: &str) -> Tenant {
    let mut tenant = Tenant::of([guest(1)]);
    let rule = "[[rule]]\nname = \"r\"\nwhen = 'guest.expires_in_days < 0'\nstages = [{ action = \"flag\" }]\n";
    let text = format!("{rule}\n[[project]]\ngroup = \"bridge\"\nends = 2027-01-31\n\n{expiry}");
    tenant.policy = Policy::parse("policy.toml", &text).expect("good");
    tenant.guests[0].groups = vec![group("bridge")];
    tenant
}

fn shown(tenant: &Tenant, name: FactName) -> String {
    tenant.judge().facts(&tenant.guests[0]).shown(name)
}

#[test]
fn the_first_source_that_says_when_a_stay_ends_counts() {
    let all = "[expiry]\nattribute = \"extensionAttribute3\"\nformat = \"%d.%m.%Y\"\nmax_stay = \"365d\"\n";
    let mut tenant = expiring(all);
    let attribute = |value: Option<&str>| {
        Some(Attribute {
            name: "extensionAttribute3".into(),
            value: value.map(str::to_owned),
        })
    };
    assert_eq!(
        tenant.policy.extras().attribute.as_deref(),
        Some("extensionAttribute3")
    );
    let by = |tenant: &Tenant| {
        let both = [FactName::ExpiresInDays, FactName::ExpiresBy];
        both.map(|name| shown(tenant, name)).join(" ")
    };
    // Not read, or another one read: it might say something.
    assert_eq!(by(&tenant), "not known not known");
    tenant.guests[0].record.guest.attribute = Some(Attribute {
        name: "extensionAttribute4".into(),
        value: None,
    });
    assert_eq!(by(&tenant), "not known not known");
    for nothing in [None, Some("  ")] {
        tenant.guests[0].record.guest.attribute = attribute(nothing);
        assert_eq!(
            by(&tenant),
            "30 (2027-01-31; end of the last project) projects"
        );
    }
    tenant.guests[0].record.guest.attribute = attribute(Some("03.01.2027"));
    assert_eq!(by(&tenant), "2 (2027-01-03; extensionAttribute3) attribute");
    tenant.guests[0].record.guest.attribute = attribute(Some("2027-01-03"));
    assert_eq!(
        by(&tenant),
        "not known (\"2027-01-03\" is no date) not known"
    );
    tenant.guests[0].decisions = vec![decision(Order::Expire {
        on: "2026-12-30".parse().expect("a day"),
    })];
    assert_eq!(by(&tenant), "-2 (2026-12-30; set by olga) person");

    tenant.guests[0].decisions.clear();
    tenant.guests[0].groups.clear();
    tenant.guests[0].record.guest.attribute = attribute(None);
    assert_eq!(by(&tenant), "-134 (2026-08-20; longest stay) max-stay");
    tenant.guests[0].record.guest.invitation = Invitation::Pending { since: None };
    assert_eq!(by(&tenant), "none none");
    tenant.guests[0].record.guest.invitation = Invitation::Unrecognised;
    assert_eq!(by(&tenant), "not known not known");
    tenant.guests[0].record.guest.invitation = Invitation::None;
    assert_eq!(by(&tenant), "-135 (2026-08-19; longest stay) max-stay");
}

#[test]
fn an_attribute_is_read_only_where_a_rule_asks_for_it() {
    let text = "[expiry]\nattribute = \"employeeLeaveDateTime\"\n";
    let policy = Policy::parse("policy.toml", text).expect("good");
    assert_eq!(policy.extras(), Extras::default());
    let extras = expiring(text).policy.extras();
    assert_eq!(extras.attribute.as_deref(), Some("employeeLeaveDateTime"));
    assert!(!extras.identities);
}

#[test]
fn facts_about_the_account_and_its_past_are_absent_when_they_say_they_are() {
    let mut tenant = Tenant::of([guest(1)]);
    let names = [
        FactName::RedeemedOn,
        FactName::RedeemedDays,
        FactName::CreationType,
        FactName::External,
        FactName::LastSeenBy,
        FactName::RestoredDaysAgo,
        FactName::DisabledByInnkeeperDays,
        FactName::PreviousCases,
        FactName::SponsorCount,
        FactName::EligibleSponsorCount,
        FactName::DeletedSponsors,
    ];
    let all = |tenant: &Tenant| names.map(|name| shown(tenant, name)).join(", ");
    assert_eq!(
        all(&tenant),
        "2025-08-20, 499, none, not known, sign-in, none, none, 0, 1, 1, 0"
    );
    let view = &mut tenant.guests[0];
    view.record.guest.creation_type = Some("Invitation".into());
    view.record.guest.external = Some(true);
    view.record.revived = Some(start() - TimeDelta::hours(3));
    view.record.disabled_by_us = Some(start() - TimeDelta::days(3));
    view.record.guest.invitation = Invitation::Pending { since: None };
    view.previous_cases = 2;
    view.deleted_sponsors = None;
    view.sponsors.push(Sponsor {
        enabled: None,
        ..view.sponsors[0].clone()
    });
    assert_eq!(
        all(&tenant),
        "none, none, Invitation, true, restore, 0, 3, 2, 2, not known, not known"
    );
}

#[test]
fn attempts_count_as_signs_of_life_where_the_policy_says_so() {
    let mut tenant = Tenant::of([guest(1)]);
    tenant.guests[0].record.guest.sign_ins = SignIns {
        successful: Some(start() - TimeDelta::days(100)),
        interactive: Some(start() - TimeDelta::days(7)),
        non_interactive: None,
    };
    let both = [FactName::InactiveDays, FactName::LastSeenBy];
    assert_eq!(both.map(|name| shown(&tenant, name)), ["100", "sign-in"]);
    let text = "[activity]\nbasis = \"attempts\"\n";
    tenant.policy = Policy::parse("policy.toml", text).expect("good");
    assert_eq!(both.map(|name| shown(&tenant, name)), ["7", "attempt"]);
}
