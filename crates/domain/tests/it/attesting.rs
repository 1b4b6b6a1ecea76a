//! What the answers of those answerable for a guest change, and what they do not.

use chrono::TimeDelta;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::facts::{Fact, FactName};
use innkeeper_domain::guest::Invitation;
use innkeeper_domain::policy::Policy;

use crate::tenant::{Tenant, guest, inactive, start};

fn said(by: &str, answer: Answer, days_ago: i64) -> Attestation {
    Attestation {
        answer,
        means: Means::Command,
        at: start() - TimeDelta::days(days_ago),
        until: None,
        sponsor: None,
        word: Word {
            by: by.to_owned(),
            reason: "phase two".to_owned(),
        },
    }
}

fn tenant(view: innkeeper_domain::guest::GuestView, policy: &str) -> Tenant {
    let mut tenant = Tenant::of([view]);
    tenant.policy = Policy::parse("policy.toml", policy).expect("a good policy");
    tenant
}

const INACTIVE: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
unknown = "ask"
stages = [
  { action = "notify" },
  { action = "disable", wait = "20d" },
]
[limits]
disable = { guests = 100, percent = 100 }
"#;

#[test]
fn a_guest_about_whom_nobody_said_anything_is_not_attested_and_not_let_go() {
    let tenant = tenant(guest(1), INACTIVE);
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(facts.attested, Fact::Known(false));
    assert_eq!(facts.attested_days_ago, Fact::Nothing);
    assert_eq!(facts.attested_by, Fact::Nothing);
    assert_eq!(facts.let_go, Fact::Known(false));
}

#[test]
fn a_confirmation_is_told_with_its_giver_and_is_a_sign_of_life() {
    let mut tenant = tenant(inactive(1), INACTIVE);
    tenant.guests[0].attestations = vec![
        said("sara@contoso.example", Answer::Keep, 40),
        said("sven@contoso.example", Answer::LetGo, 3),
    ];
    let facts = tenant.judge().facts(&tenant.guests[0]);
    assert_eq!(facts.attested, Fact::Known(true));
    assert_eq!(facts.attested_days_ago, Fact::Known(40));
    assert_eq!(facts.shown(FactName::AttestedBy), "sara@contoso.example");
    assert_eq!(facts.let_go, Fact::Known(true));
    assert_eq!(facts.inactive_days, Fact::Known(40));
    assert_eq!(facts.last_seen_by, Fact::Known("confirmation"));
}

#[test]
fn a_confirmation_does_not_stand_in_for_sign_in_times_that_are_missing() {
    let mut tenant = tenant(inactive(1), INACTIVE);
    tenant.guests[0].attestations = vec![said("sara", Answer::Keep, 200)];
    for reading in [Reading::Never, Reading::Vanished, Reading::Regressed] {
        tenant.guests[0].record.reading = reading;
        let facts = tenant.judge().facts(&tenant.guests[0]);
        assert_eq!(facts.inactive_days, Fact::Unknown, "{reading:?}");
    }
}

#[test]
fn a_pending_invitation_and_the_longest_stay_begin_anew_with_a_confirmation() {
    let stay = format!("{INACTIVE}[expiry]\nmax_stay = \"365d\"\n");
    let mut tenant = tenant(guest(1), &stay);
    let expires = |tenant: &Tenant| tenant.judge().facts(&tenant.guests[0]).expires_in_days;
    assert_eq!(expires(&tenant), Fact::Known(365 - 499));
    tenant.guests[0].attestations = vec![said("sara", Answer::Keep, 10)];
    assert_eq!(expires(&tenant), Fact::Known(355));
    // One from before the redemption begins nothing, and one that is over neither.
    tenant.guests[0].attestations = vec![said("sara", Answer::Keep, 600)];
    assert_eq!(expires(&tenant), Fact::Known(365 - 499));
    tenant.guests[0].attestations = vec![Attestation {
        until: Some((start() - TimeDelta::days(5)).date_naive()),
        ..said("sara", Answer::Keep, 10)
    }];
    assert_eq!(expires(&tenant), Fact::Known(365 - 499));

    let pending = |tenant: &Tenant| tenant.judge().facts(&tenant.guests[0]).pending_days;
    tenant.guests[0].attestations = vec![said("sara", Answer::Keep, 10)];
    for (since, days) in [
        (Some(50), Fact::Known(10)),
        (Some(5), Fact::Known(5)),
        (None, Fact::Unknown),
    ] {
        let since = since.map(|days| start() - TimeDelta::days(days));
        tenant.guests[0].record.guest.created = since;
        tenant.guests[0].record.guest.invitation = Invitation::Pending { since };
        assert_eq!(pending(&tenant), days);
    }
}

#[test]
fn whoever_confirmed_a_guest_that_cannot_be_judged_is_not_asked_for_ninety_days() {
    let mut tenant = tenant(inactive(1), INACTIVE);
    tenant.guests[0].record.reading = Reading::Never;
    tenant.guests[0].attestations = vec![said("sara", Answer::Keep, 0)];
    let mut asked = Vec::new();
    for day in 1..=100 {
        if !tenant.pass(TimeDelta::days(1)).cycle().is_empty() {
            asked.push(day);
        }
    }
    assert_eq!(asked, [90, 97]);
}
