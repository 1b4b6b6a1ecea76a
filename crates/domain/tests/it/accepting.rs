//! Whom a changed policy newly affects.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use innkeeper_domain::acceptance::{Acceptance, is_affected_beyond, is_newly_affected};
use innkeeper_domain::activity::Reading;
use innkeeper_domain::decide::Judge;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::policy::{Policy, RuleName};
use proptest::prelude::*;

use crate::tenant::{POLICY, Tenant, group, guest, inactive, start};

fn policy(text: &str) -> Policy {
    Policy::parse("policy.toml", text).expect("a good policy")
}

/// Whether the edited policy newly affects the guest.
fn is_affected(old: &str, new: &str, view: GuestView) -> bool {
    let tenant = Tenant::of([view]);
    let (old, new) = (policy(old), policy(new));
    let judge = |policy| Judge {
        policy,
        ..tenant.judge()
    };
    is_newly_affected(&judge(&old), &judge(&new), &tenant.guests[0])
}

#[test]
fn an_unchanged_policy_affects_nobody_newly_and_a_lower_threshold_those_whom_it_reaches() {
    assert!(!is_affected(POLICY, POLICY, inactive(1)));
    assert!(!is_affected(POLICY, POLICY, guest(1)));
    let lower = POLICY.replace(">= 90", ">= 1");
    assert!(is_affected(POLICY, &lower, guest(1)));
    assert!(!is_affected(POLICY, &lower, inactive(1)));
}

#[test]
fn a_protection_that_is_taken_away_affects_those_whom_it_kept() {
    let mut partner = inactive(1);
    partner.record.guest.mail = Some("pat@partner.example".to_owned());
    let bare = POLICY.replace("partner.example", "other.example");
    assert!(is_affected(POLICY, &bare, partner.clone()));
    assert!(!is_affected(&bare, POLICY, partner));
}

#[test]
fn a_group_that_exempts_no_more_affects_those_whom_it_kept() {
    let sparing = format!("exempt_groups = [\"exempt\"]\n{POLICY}");
    let mut nested = inactive(1);
    nested.access.exempt_by = vec![group("exempt").id];
    assert!(is_affected(&sparing, POLICY, nested.clone()));
    assert!(!is_affected(POLICY, &sparing, nested));
}

#[test]
fn who_is_spared_for_a_time_only_counts_as_affected() {
    let lower = POLICY.replace(">= 90", ">= 1");
    let mut reviewed = guest(1);
    reviewed.access.reviews = vec!["Quarterly".to_owned()];
    assert!(is_affected(POLICY, &lower, reviewed));
}

#[test]
fn a_rule_that_takes_sooner_or_more_affects_those_it_had_in_scope_and_a_milder_one_nobody() {
    let sooner = POLICY.replace(
        r#"{ action = "disable", wait = "14d" }"#,
        r#"{ action = "disable", wait = "1d" }"#,
    );
    assert!(is_affected(POLICY, &sooner, inactive(1)));
    assert!(!is_affected(&sooner, POLICY, inactive(1)));
    let without_deletion = POLICY.replace(r#"  { action = "delete", wait = "30d" },"#, "");
    assert!(is_affected(&without_deletion, POLICY, inactive(1)));
    assert!(!is_affected(POLICY, &without_deletion, inactive(1)));
}

#[test]
fn what_cannot_be_told_counts_as_affected_where_the_rule_is_another_one() {
    let mut blind = inactive(1);
    blind.record.reading = Reading::Vanished;
    let lower = POLICY.replace(">= 90", ">= 60");
    assert!(is_affected(POLICY, &lower, blind.clone()));
    assert!(!is_affected(POLICY, POLICY, blind.clone()));
    let renamed = POLICY.replace("\"inactive\"", "\"dormant\"");
    assert!(is_affected(POLICY, &renamed, blind));
}

#[test]
fn a_group_that_was_never_read_hides_nobody() {
    let named = format!(
        "{POLICY}\n[[rule]]\nname = \"everybody\"\nwhen = '\"unread\" in guest.groups'\nstages = [{{ action = \"notify\" }}, {{ action = \"disable\", wait = \"14d\" }}]\n"
    );
    assert!(is_affected(POLICY, &named, guest(1)));
}

#[test]
fn a_rule_that_only_flags_affects_nobody() {
    let flags = format!(
        "{POLICY}\n[[rule]]\nname = \"all\"\nwhen = 'true'\nstages = [{{ action = \"flag\" }}]\n"
    );
    assert!(!is_affected(POLICY, &flags, guest(1)));
}

#[test]
fn another_version_of_deciding_is_held_against_cases_and_verdicts() {
    let mut tenant = Tenant::of([inactive(1)]);
    let rule = RuleName::from("inactive");
    let beyond =
        |tenant: &Tenant, rule| is_affected_beyond(&tenant.judge(), &tenant.guests[0], rule, false);
    assert!(beyond(&tenant, None));
    assert!(!beyond(&tenant, Some(&rule)));
    tenant.cycle();
    assert!(!beyond(&tenant, None), "its case is open");
}

/// Edits, one after the other, as far as they are accepted without a person: what is in force in the end, and whether the
/// last one needs a person.
fn edited(tenant: &Tenant, first: &str, edits: &[String], allowed: u64) -> (String, bool) {
    let (mut in_force, mut so_far) = (first.to_owned(), BTreeSet::new());
    for edit in edits {
        let (old, new) = (policy(&in_force), policy(edit));
        let judge = |policy| Judge {
            policy,
            ..tenant.judge()
        };
        let is_newly = |view: &&GuestView| is_newly_affected(&judge(&old), &judge(&new), view);
        let newly = tenant.guests.iter().filter(is_newly);
        let newly: BTreeSet<_> = newly.map(|view| view.record.guest.id).collect();
        let (affected, before) = (newly.len() as u64, so_far.difference(&newly).count() as u64);
        if Acceptance::without_a_person(affected, before, allowed).is_none() {
            return (in_force, true);
        }
        so_far.extend(newly);
        in_force.clone_from(edit);
    }
    (in_force, false)
}

fn away(number: u32, days: i64) -> GuestView {
    let mut view = guest(number);
    view.record.guest.sign_ins.successful = Some(start() - TimeDelta::days(days));
    view
}

fn from(days: i64) -> String {
    POLICY.replace(">= 90", &format!(">= {days}"))
}

#[test]
fn ten_edits_of_twenty_guests_each_end_in_a_question_at_the_second_where_twenty_five_are_allowed() {
    let guests = (0..200).map(|number| away(number, i64::from(number) / 20));
    let tenant = Tenant::of(guests);
    let edits: Vec<String> = (0..10).rev().map(from).collect();
    assert_eq!(edited(&tenant, &from(10), &edits, 25), (from(9), true));
    assert_eq!(edited(&tenant, &from(10), &edits, 200), (from(0), false));
}

#[test]
fn edits_that_reach_others_each_time_are_counted_together_although_none_is_reached_for_long() {
    let tenant = Tenant::of((0..60).map(|number| away(number, i64::from(number) / 20)));
    let only = |days: i64| POLICY.replace(">= 90", &format!("== {days}"));
    let edits = [only(0), only(1), only(2)];
    assert_eq!(edited(&tenant, &from(90), &edits, 25), (only(0), true));
}

#[test]
fn a_guest_whom_several_edits_affect_counts_once() {
    let tenant = Tenant::of((0..20).map(|number| away(number, 100)));
    let waits = |days: u32| POLICY.replace("wait = \"14d\"", &format!("wait = \"{days}d\""));
    let edits = [waits(10), waits(5), waits(1)];
    assert_eq!(edited(&tenant, POLICY, &edits, 25), (waits(1), false));
    assert_eq!(
        edited(&tenant, POLICY, &edits, 19),
        (POLICY.to_owned(), true)
    );
}

#[test]
fn an_edit_that_affects_nobody_is_never_asked_about_whatever_came_before() {
    for (before, allowed) in [(0, 0), (25, 25), (u64::MAX, 0)] {
        assert!(Acceptance::without_a_person(0, before, allowed).is_some());
        assert!(Acceptance::without_a_person(allowed + 1, before, allowed).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However edits are cut up, no more guests come into scope without a person than may.
    #[test]
    fn no_row_of_edits_brings_more_guests_into_scope_than_may_be_without_a_person(
        days in proptest::collection::vec(0i64..60, 1..60),
        thresholds in proptest::collection::vec(0i64..60, 1..12),
        allowed in 0u64..30,
    ) {
        let guests = (0..).zip(&days).map(|(number, days)| away(number, *days));
        let tenant = Tenant::of(guests);
        let edits: Vec<String> = thresholds.iter().copied().map(from).collect();
        let (in_force, _) = edited(&tenant, &from(90), &edits, allowed);
        let (first, last) = (policy(&from(90)), policy(&in_force));
        let judge = |policy| Judge { policy, ..tenant.judge() };
        let newly = |view: &&GuestView| is_newly_affected(&judge(&first), &judge(&last), view);
        let affected = tenant.guests.iter().filter(newly).count() as u64;
        prop_assert!(affected <= allowed, "{affected} of {allowed}");
    }
}
