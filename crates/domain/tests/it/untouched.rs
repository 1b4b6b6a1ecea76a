//! Whom nothing is taken from, besides holders of roles: under a review, the only owner of a group, out of reach, exempt
//! by a group.

use chrono::TimeDelta;
use innkeeper_domain::access::{Access, Told};
use innkeeper_domain::group::Found;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::verdict::{Conclusion, Protector};

use crate::tenant::{POLICY, Tenant, group, inactive};

fn with(edit: impl Fn(&mut GuestView)) -> Tenant {
    let mut view = inactive(1);
    edit(&mut view);
    Tenant::of([view])
}

/// Everything that is done in 60 days.
fn done(tenant: &mut Tenant) -> Vec<String> {
    let mut done = Vec::new();
    for _ in 0..60 {
        done.extend(tenant.pass(TimeDelta::days(1)).cycle());
    }
    done
}

fn protector(tenant: &Tenant) -> Protector {
    match tenant.verdicts().remove(0).conclusion {
        Conclusion::Protected(protector) => protector,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_under_a_review_that_acts_is_warned_and_nothing_is_taken_until_it_is_over() {
    let review = "Quarterly".to_owned();
    let mut tenant = with(|view| view.access.reviews.push(review.clone()));
    assert_eq!(done(&mut tenant), ["notify (inactive)"]);
    assert_eq!(protector(&tenant), Protector::UnderReview(review));
    tenant.guests[0].access.reviews.clear();
    assert_eq!(tenant.cycle(), ["disable (inactive)"]);
}

#[test]
fn the_only_owner_of_a_group_keeps_its_account_until_the_group_has_another() {
    let bridge = "Bridge".to_owned();
    let mut tenant = with(|view| view.access.sole_owner_of.push(bridge.clone()));
    assert_eq!(done(&mut tenant), ["notify (inactive)"]);
    assert_eq!(protector(&tenant), Protector::SoleOwner(bridge));
    tenant.guests[0].access.sole_owner_of.clear();
    assert_eq!(tenant.cycle(), ["disable (inactive)"]);
}

#[test]
fn what_was_taken_before_is_given_back_to_the_only_owner_of_a_group() {
    let mut tenant = with(|_| {});
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    assert_eq!(tenant.until_something_is_done().1, ["disable (inactive)"]);
    tenant.guests[0].access.sole_owner_of = vec!["Bridge".to_owned()];
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now);
    assert_eq!(tenant.cycle(), ["enable (inactive)"]);
}

#[test]
fn who_is_in_a_restricted_management_unit_is_left_alone() {
    let mut tenant = with(|view| view.record.guest.management_restricted = Some(true));
    assert!(done(&mut tenant).is_empty());
    assert_eq!(protector(&tenant), Protector::Restricted);
    // What Graph does not say is no protection, and neither is what it denies.
    for said in [None, Some(false)] {
        let mut tenant = with(|view| view.record.guest.management_restricted = said);
        assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    }
}

#[test]
fn reviews_that_cannot_be_read_hold_back_what_takes_something_away() {
    let refused = Access {
        reviews_told: Told::Refused,
        ..Access::default()
    };
    let mut tenant = with(|view| view.access = refused.clone());
    assert_eq!(done(&mut tenant), ["notify (inactive)"]);
    let reason = tenant.verdicts()[0].reason();
    assert!(reason.contains("AccessReview.Read.All"), "{reason}");
}

fn exempting() -> Policy {
    let text = format!("exempt_groups = [\"Spared\"]\n{POLICY}");
    Policy::parse("policy.toml", &text).expect("good")
}

#[test]
fn whoever_is_in_a_group_that_exempts_however_deeply_is_left_alone() {
    let spared = group("Spared");
    let deeply = with(|view| view.access.exempt_by.push(spared.id));
    let directly = with(|view| view.groups.push(group("Spared")));
    for mut tenant in [deeply, directly] {
        tenant.policy = exempting();
        let found = Found::One(spared.clone());
        tenant.named_groups.insert("Spared".to_owned(), found);
        assert!(done(&mut tenant).is_empty());
        let expected = Protector::ExemptGroup("Spared".to_owned());
        assert_eq!(protector(&tenant), expected);
        tenant.guests[0].access.exempt_by.clear();
        tenant.guests[0].groups.clear();
        assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    }
}

#[test]
fn as_long_as_a_group_that_exempts_is_not_found_nothing_is_taken_from_anybody() {
    for found in [None, Some(Found::Missing), Some(Found::Ambiguous)] {
        let mut tenant = with(|_| {});
        tenant.policy = exempting();
        if let Some(found) = found {
            tenant.named_groups.insert("Spared".to_owned(), found);
        }
        assert_eq!(done(&mut tenant), ["notify (inactive)"]);
        let reason = tenant.verdicts()[0].reason();
        assert!(reason.contains("exempt_groups"), "{reason}");
        let found = Found::One(group("Spared"));
        tenant.named_groups.insert("Spared".to_owned(), found);
        assert_eq!(tenant.cycle(), ["disable (inactive)"]);
    }
}
