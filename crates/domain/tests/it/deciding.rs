//! What is decided.

use chrono::TimeDelta;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::group::Found;
use innkeeper_domain::guest::Invitation;
use innkeeper_domain::policy::RuleName;

use crate::tenant::{Tenant, group, guest, inactive, start};

fn verdicts(tenant: &Tenant) -> Vec<String> {
    tenant
        .verdicts()
        .iter()
        .map(|verdict| format!("{}: {}", verdict.as_str(), verdict.reason()))
        .collect()
}

#[test]
fn every_guest_gets_a_verdict_with_a_reason() {
    let mut partner = inactive(2);
    partner.record.guest.mail = Some("pat@partner.example".into());
    let mut admin = inactive(3);
    admin.roles = vec!["Global Reader".into()];
    let mut dark = guest(4);
    dark.record.reading = Reading::Vanished;
    let tenant = Tenant::of([guest(0), inactive(1), partner, admin, dark]);
    let mut verdicts = verdicts(&tenant);
    verdicts.sort();
    insta::assert_debug_snapshot!(verdicts);
}

#[test]
fn the_stages_follow_each_other_with_their_waits() {
    let mut tenant = Tenant::of([inactive(1)]);
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    assert_eq!(
        tenant.until_something_is_done(),
        (14, vec!["disable (inactive)".to_owned()])
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (30, vec!["delete (inactive)".to_owned()])
    );
    assert!(tenant.guests.is_empty());
}

#[test]
fn a_second_cycle_right_after_a_first_one_does_nothing() {
    let mut tenant = Tenant::of([guest(0), inactive(1)]);
    assert_eq!(tenant.cycle().len(), 1);
    assert_eq!(tenant.cycle(), Vec::<String>::new());
}

#[test]
fn a_daemon_that_slept_for_two_months_warns_first_when_it_wakes() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.pass(TimeDelta::days(60));
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
}

#[test]
fn an_outage_in_the_middle_of_a_wait_counts_no_more_than_the_longest_gap() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.pass(TimeDelta::days(60));
    assert_eq!(tenant.cycle(), Vec::<String>::new());
    assert_eq!(
        tenant.until_something_is_done(),
        (7, vec!["disable (inactive)".to_owned()])
    );
}

#[test]
fn time_in_which_a_guest_cannot_be_judged_does_not_count_for_it() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.pass(TimeDelta::days(1)).cycle();
    tenant.guests[0].record.reading = Reading::Vanished;
    for _ in 0..20 {
        assert_eq!(
            tenant.pass(TimeDelta::days(1)).cycle(),
            Vec::<String>::new()
        );
    }
    tenant.guests[0].record.reading = Reading::Fresh;
    assert_eq!(
        tenant.until_something_is_done(),
        (13, vec!["disable (inactive)".to_owned()])
    );
}

#[test]
fn a_guest_who_comes_back_closes_the_case_and_starts_anew_later() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.pass(TimeDelta::days(5));
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(tenant.cycle(), Vec::<String>::new());
    assert!(tenant.guests[0].cases.is_empty());
    assert_eq!(
        tenant.until_something_is_done(),
        (90, vec!["notify (inactive)".to_owned()])
    );
}

#[test]
fn what_we_disabled_is_enabled_again_when_no_case_requires_it() {
    let mut tenant = Tenant::of([guest(1)]);
    tenant.guests[0].groups = vec![group("bridge")];
    tenant.pass(TimeDelta::days(31));
    // Signs in all the while: only the project's end counts.
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now + TimeDelta::days(15));
    assert_eq!(tenant.cycle(), ["notify (project ended)"]);
    tenant.guests[0].groups = Vec::new();
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        Vec::<String>::new()
    );

    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.until_something_is_done();
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        ["enable (inactive)"]
    );
    assert_eq!(tenant.guests[0].record.guest.enabled, Some(true));
    assert_eq!(tenant.cycle(), Vec::<String>::new());
    assert!(tenant.guests[0].cases.is_empty());
}

#[test]
fn what_somebody_else_disabled_stays_disabled_when_the_case_closes() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.guests[0].record.guest.enabled = Some(false);
    tenant.cycle();
    tenant.until_something_is_done();
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        Vec::<String>::new()
    );
    assert!(tenant.guests[0].cases.is_empty());
}

#[test]
fn closing_one_case_does_not_undo_what_another_still_requires() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.guests[0].groups = vec![group("bridge")];
    tenant.pass(TimeDelta::days(31));
    let mut done = Vec::new();
    for _ in 0..20 {
        done.extend(tenant.pass(TimeDelta::days(1)).cycle());
    }
    assert_eq!(
        tenant.guests[0].record.guest.enabled,
        Some(false),
        "{done:?}"
    );
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    let next = tenant.pass(TimeDelta::days(1)).cycle();
    assert!(
        !next
            .iter()
            .any(|step| step.starts_with("enable (inactive)"))
            || tenant.guests[0].cases.len() == 1,
        "{next:?}"
    );
}

#[test]
fn an_account_that_somebody_brought_back_is_warned_about_before_it_is_taken_again() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.until_something_is_done();
    tenant.guests[0].record.guest.enabled = Some(true);
    tenant.guests[0].record.disabled_by_us = None;
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        Vec::<String>::new()
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (1, vec!["notify (inactive)".to_owned()])
    );
    assert_eq!(
        tenant.until_something_is_done(),
        (14, vec!["disable (inactive)".to_owned()])
    );
}

#[test]
fn a_group_that_is_not_found_makes_what_depends_on_it_unknown_and_nothing_is_done() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant
        .named_groups
        .insert("exempt".to_owned(), Found::Missing);
    assert_eq!(tenant.cycle(), Vec::<String>::new());
    insta::assert_debug_snapshot!(verdicts(&tenant), @r#"
    [
        "unknown: protection \"exempt\" cannot be judged: guest.groups is not known (the group asked about was not found, or several have its name)",
    ]
    "#);
}

#[test]
fn a_redeemed_guest_without_sign_in_times_is_unknown_and_a_pending_one_is_not() {
    let mut redeemed = guest(1);
    redeemed.record.guest.sign_ins.successful = None;
    redeemed.record.reading = Reading::Never;
    let mut pending = redeemed.clone();
    pending.record.guest.invitation = Invitation::Pending {
        since: Some(start() - TimeDelta::days(200)),
    };
    pending.record.guest.created = Some(start() - TimeDelta::days(200));
    assert_eq!(Tenant::of([redeemed]).verdicts()[0].as_str(), "unknown");
    assert_eq!(Tenant::of([pending]).verdicts()[0].as_str(), "act");
}

#[test]
fn a_protection_lifts_a_case_and_gives_back_what_we_took() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.cycle();
    tenant.until_something_is_done();
    tenant.guests[0].groups = vec![group("exempt")];
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        ["enable (inactive)"]
    );
    tenant.pass(TimeDelta::days(1)).cycle();
    assert!(tenant.guests[0].cases.is_empty());
    assert_eq!(tenant.verdicts()[0].as_str(), "protected");
}

#[test]
fn a_verdict_is_told_with_the_facts_that_its_rule_or_protection_asked_about() {
    let mut partner = inactive(2);
    partner.record.guest.mail = Some("pat@partner.example".into());
    let mut admin = inactive(3);
    admin.roles = vec!["Global Reader".into()];
    let mut dark = guest(4);
    dark.record.reading = Reading::Vanished;
    let guests = [guest(0), inactive(1), partner, admin, dark];
    let tenant = Tenant::of(guests.clone());
    let judge = tenant.judge();
    let before = RuleName::from("inactive");
    let grounds = guests.each_ref().map(|view| {
        let verdict = judge.judge(view).verdict;
        let told = judge.grounds(view, &verdict, Some(&before));
        assert!(told.iter().all(|fact| !fact.source.is_empty()), "{told:?}");
        let facts: Vec<String> = told.iter().map(ToString::to_string).collect();
        format!("{}: {}", verdict.as_str(), facts.join(", "))
    });
    assert_eq!(
        grounds,
        [
            "keep: inactive_days = 1",
            "act: inactive_days = 100",
            "protected: domain = partner.example",
            "protected: roles = [Global Reader]",
            "unknown: inactive_days = not known",
        ]
    );
}
