//! Whom a changed policy newly affects.

use innkeeper_domain::acceptance::{is_affected_beyond, is_newly_affected};
use innkeeper_domain::activity::Reading;
use innkeeper_domain::decide::Judge;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::policy::{Policy, RuleName};

use crate::tenant::{POLICY, Tenant, group, guest, inactive};

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
