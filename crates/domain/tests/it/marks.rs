//! Flags that are written into an attribute, and cleared again.

use chrono::TimeDelta;
use innkeeper_domain::approve::{Ledger, Spent};
use innkeeper_domain::case::Closing;
use innkeeper_domain::decision::Order;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::intent::{Call, Outcome};
use innkeeper_domain::mark::{Mark, MarkAttribute};
use innkeeper_domain::plan::{Mode, Refusal};
use innkeeper_domain::policy::{Action, Cap, Policy};
use innkeeper_domain::verdict::{Conclusion, Effect};
use proptest::prelude::*;

use crate::actions::policy_with;
use crate::policies::problems;
use crate::stages::with_stages;
use crate::tenant::{Tenant, decision, exempt, guest, start};

/// A rule that marks, whoever is older than any guest of these tests but who is away for a while.
pub const MARKING: &str = r#"
[[rule]]
name = "quiet"
when = 'guest.inactive_days >= 60'
stages = [
  { action = "flag", attribute = "extensionAttribute7" },
  { action = "notify", wait = "20d" },
]
"#;

fn attribute(number: u8) -> MarkAttribute {
    MarkAttribute::parse(&format!("extensionAttribute{number}")).expect("an attribute")
}

pub fn mark(flagged: bool) -> Effect {
    Effect::Mark {
        mark: written("innkeeper:quiet"),
        flagged,
    }
}

fn written(value: &str) -> Mark {
    Mark {
        attribute: attribute(7),
        value: value.to_owned(),
    }
}

/// A guest who was away for so many days.
fn away(number: u32, days: i64) -> GuestView {
    let mut view = guest(number);
    view.record.guest.sign_ins.successful = Some(start() - TimeDelta::days(days));
    view
}

fn tenant(guests: impl IntoIterator<Item = GuestView>, rule: &str) -> Tenant {
    let mut tenant = Tenant::of(guests);
    tenant.policy = policy_with(rule);
    tenant
}

/// What is left when the guest has come back.
fn come_back(tenant: &mut Tenant) {
    let now = tenant.now;
    for view in &mut tenant.guests {
        view.record.guest.sign_ins.successful = Some(now);
    }
}

fn marks(tenant: &Tenant) -> Vec<&str> {
    let marks = tenant.guests.iter().flat_map(|view| &view.marks);
    marks.map(|written| written.mark.value.as_str()).collect()
}

#[test]
fn what_a_flag_writes_is_checked_with_its_place() {
    let told = |stage: &str| problems(&with_stages("true", stage));
    let expiry = |stage: &str| {
        let text = with_stages("true", stage);
        problems(&format!(
            "{text}\n[expiry]\nattribute = \"extensionAttribute7\"\n"
        ))
    };
    let flag = "{ action = \"flag\", attribute = \"extensionAttribute7\" }";
    assert_eq!(told(flag), "nothing");
    assert_eq!(told(&flag.replace(" }", ", value = \"a b\" }")), "nothing");
    for (stage, message) in [
        (
            "{ action = \"mark\" }",
            "5:12: rule \"r\", stage 1: there is no action \"mark\"; write such as { action = \"flag\", attribute = \"extensionAttribute7\" }",
        ),
        (
            "{ action = \"notify\", attribute = \"extensionAttribute7\" }",
            "5:34: rule \"r\", stage 1: only flag writes into an attribute; notify has no attribute",
        ),
        (
            "{ action = \"flag\", value = \"x\" }",
            "5:28: rule \"r\", stage 1: value without attribute means nothing; name the attribute, such as attribute = \"extensionAttribute7\"",
        ),
        (
            "{ action = \"flag\", attribute = \"extensionAttribute16\" }",
            "5:32: rule \"r\", stage 1: a flag cannot be written into \"extensionAttribute16\", only into extensionAttribute1 to extensionAttribute15; did you mean extensionAttribute1?",
        ),
        (
            "{ action = \"flag\", attribute = 7 }",
            "5:32: rule \"r\", stage 1: attribute must be a string, and this is integer",
        ),
        (
            "{ action = \"flag\", attribute = \"extensionAttribute7\", value = \" x\" }",
            "5:63: rule \"r\", stage 1: a value is one line of at most 1024 characters that begins and ends with no space, so that it is known again",
        ),
        (
            "{ action = \"flag\", attribute = \"extensionAttribute7\" },\n{ action = \"flag\", attribute = \"extensionAttribute8\" }",
            "6:12: rule \"r\": a flag with an attribute is there twice; only notify can be repeated",
        ),
    ] {
        assert_eq!(told(stage), format!("policy.toml:{message}"), "{stage}");
    }
    assert_eq!(
        expiry(flag),
        "policy.toml:5:32: a flag cannot be written into extensionAttribute7: [expiry] reads a date there"
    );
    let other = flag.replace('7', "8");
    assert_eq!(expiry(&other), "nothing");
}

#[test]
fn a_flag_without_a_value_says_which_rule_wrote_it() {
    let policy = policy_with(MARKING);
    let stage = &policy.rules.last().expect("a rule").stages[0];
    assert_eq!(stage.action, Action::Mark);
    assert_eq!(stage.mark, Some(written("innkeeper:quiet")));
}

#[test]
fn a_mark_is_written_once_and_cleared_when_the_rule_no_longer_holds() {
    let mut tenant = tenant([away(1, 61)], MARKING);
    assert_eq!(tenant.cycle(), ["mark (quiet)"]);
    assert_eq!(tenant.cycle(), [""; 0]);
    assert_eq!(
        tenant.until_something_is_done(),
        (20, vec!["notify (quiet)".to_owned()])
    );
    come_back(&mut tenant);
    let steps = tenant.plan().steps;
    let closing = Some(Closing::RuleNoLongerHolds);
    let mark = written("innkeeper:quiet");
    assert_eq!(steps[0].effect, Effect::Unmark { mark, closing });
    assert_eq!(tenant.cycle(), ["unmark (quiet)"]);
    assert_eq!(marks(&tenant), [""; 0]);
    assert_eq!(tenant.cycle(), [""; 0]);
}

#[test]
fn an_edited_rule_still_clears_what_it_had_written_and_a_removed_one_too() {
    for (edited, done) in [
        (
            MARKING.replace("Attribute7\"", "Attribute8\", value = \"new\""),
            vec![],
        ),
        (String::new(), vec!["unmark (quiet)"]),
        (
            MARKING.replace("quiet", "silent"),
            vec!["unmark (quiet)", "flag (silent)"],
        ),
    ] {
        let mut tenant = tenant([away(1, 61)], MARKING);
        tenant.cycle();
        tenant.policy = policy_with(&edited);
        assert_eq!(tenant.cycle(), done, "{edited}");
        if edited.contains("silent") {
            assert_eq!(tenant.cycle(), ["mark (silent)"], "once there is room");
        }
        come_back(&mut tenant);
        tenant.cycle();
        assert_eq!(marks(&tenant), [""; 0], "{edited}");
    }
}

#[test]
fn a_mark_that_another_open_case_requires_stays_until_that_one_closes_too() {
    let same = MARKING.replace("Attribute7\"", "Attribute7\", value = \"away\"");
    let longer = same.replace("quiet", "very quiet").replace("60", "70");
    let guests = [away(1, 75), away(2, 1)];
    let mut tenant = tenant(guests, &format!("{same}{longer}"));
    tenant.cycle();
    assert_eq!(marks(&tenant), ["away", "away"]);
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now - TimeDelta::days(65));
    assert_eq!(tenant.cycle(), [""; 0], "the other one still holds");
    assert_eq!(tenant.guests[0].cases.len(), 1);
    come_back(&mut tenant);
    assert_eq!(tenant.cycle(), ["unmark (quiet)"], "once for both");
    assert_eq!(marks(&tenant), [""; 0]);
}

#[test]
fn of_two_texts_for_one_attribute_the_second_waits_until_the_first_is_cleared() {
    let other = MARKING.replace("quiet", "very quiet").replace("60", "50");
    let guests = [away(1, 75), away(2, 1), away(3, 1)];
    let mut tenant = tenant(guests, &format!("{MARKING}{other}"));
    assert_eq!(tenant.cycle(), ["mark (quiet)"]);
    assert_eq!(tenant.cycle(), ["flag (very quiet)"]);
    assert_eq!(tenant.cycle(), [""; 0]);
    assert_eq!(marks(&tenant), ["innkeeper:quiet"]);
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now - TimeDelta::days(55));
    assert_eq!(tenant.cycle(), ["unmark (quiet)"]);
    assert_eq!(tenant.cycle(), ["mark (very quiet)"]);
    assert_eq!(marks(&tenant), ["innkeeper:very quiet"]);
    come_back(&mut tenant);
    assert_eq!(tenant.cycle(), ["unmark (very quiet)"]);
}

#[test]
fn a_mark_outlives_its_case_until_it_is_cleared() {
    let mut tenant = tenant([away(1, 61)], MARKING);
    tenant.cycle();
    tenant.guests[0].cases.clear();
    come_back(&mut tenant);
    let steps = tenant.plan().steps;
    let mark = written("innkeeper:quiet");
    assert_eq!(
        steps[0].effect,
        Effect::Unmark {
            mark,
            closing: None
        }
    );
    assert_eq!(
        steps[0].to_string(),
        "the case has closed (its mark is still there); clear extensionAttribute7 = \"innkeeper:quiet\", which \"quiet\" had written"
    );
}

#[test]
fn an_exemption_clears_a_mark_and_a_hold_or_a_directory_role_leaves_it() {
    let marked = || {
        let mut tenant = tenant([away(1, 61)], MARKING);
        tenant.cycle();
        tenant
    };
    let mut exempted = marked();
    exempted.guests[0].decisions = vec![exempt(10)];
    let verdict = &exempted.verdicts()[0];
    let Conclusion::Act(steps) = &verdict.conclusion else {
        panic!("{verdict:?}");
    };
    assert!(steps[0].effect.follows_from_protection(), "{steps:?}");
    assert_eq!(exempted.cycle(), ["unmark (quiet)"]);

    let mut held = marked();
    held.guests[0].decisions = vec![decision(Order::Hold)];
    assert_eq!(held.cycle(), [""; 0]);

    let mut privileged = marked();
    privileged.guests[0].roles = vec!["Global Reader".into()];
    assert_eq!(privileged.cycle(), [""; 0]);
    assert_eq!(privileged.guests[0].cases, []);
    privileged.guests[0].roles.clear();
    come_back(&mut privileged);
    assert_eq!(privileged.cycle(), ["unmark (quiet)"], "it is remembered");
}

#[test]
fn before_the_mode_is_enforce_a_mark_is_a_flag_in_innkeeper_and_is_written_after_all() {
    let mut tenant = tenant([away(1, 61)], MARKING);
    let approve = |tenant: &Tenant, mode| {
        tenant
            .plan()
            .approve(mode, &tenant.policy.limits, &Ledger::default())
    };
    assert_eq!(approve(&tenant, Mode::Observe).plan.steps(), []);
    let approval = approve(&tenant, Mode::Warn);
    assert_eq!(approval.plan.steps()[0].effect, Effect::Flag);
    let refusal = Refusal::OnlyFlagged {
        mode: Mode::Warn,
        steps: 1,
    };
    assert_eq!(approval.refusals, [refusal]);

    // As it is executed in mode warn.
    tenant.cycle();
    tenant.guests[0].cases[0].done = vec![Action::Flag];
    tenant.guests[0].marks.clear();
    let since = tenant.guests[0].cases[0].since;
    tenant.pass(TimeDelta::days(5));
    let approval = approve(&tenant, Mode::Warn);
    assert_eq!(approval.plan.steps(), [], "it is flagged already");
    assert_eq!(
        approval.refusals,
        [Refusal::Mode {
            mode: Mode::Warn,
            steps: 1
        }]
    );
    assert_eq!(tenant.plan().steps[0].effect, mark(true));
    assert_eq!(tenant.cycle(), ["mark (quiet)"]);
    assert_eq!(
        tenant.guests[0].cases[0].since, since,
        "no wait begins anew"
    );
    assert_eq!(tenant.guests[0].cases[0].done, [Action::Mark]);
    assert_eq!(tenant.cycle(), [""; 0]);
    assert_eq!(
        tenant.until_something_is_done(),
        (15, vec!["notify (quiet)".to_owned()])
    );
}

#[test]
fn a_flag_that_is_edited_into_a_mark_is_written_and_one_edited_back_repeats_nothing() {
    let flag = MARKING.replace(", attribute = \"extensionAttribute7\"", "");
    let mut tenant = tenant([away(1, 61)], &flag);
    assert_eq!(tenant.cycle(), ["flag (quiet)"]);
    tenant.until_something_is_done();
    tenant.policy = policy_with(MARKING);
    assert_eq!(tenant.cycle(), ["mark (quiet)"]);
    assert_eq!(
        tenant.guests[0].cases[0].done,
        [Action::Mark, Action::Notify]
    );
    tenant.policy = policy_with(&flag);
    assert_eq!(tenant.cycle(), [""; 0]);
}

#[test]
fn marks_have_a_cap_of_their_own_and_clearing_draws_on_neither_marks_nor_enabling() {
    let mut tenant = tenant((1..=9).map(|number| away(number, 61)), MARKING);
    let cap = |guests| Cap {
        guests,
        percent: 100.0,
    };
    tenant.policy.limits.set_cap(Action::Mark, cap(4));
    let approved = |tenant: &Tenant, ledger: &Ledger| {
        let approval = tenant
            .plan()
            .approve(Mode::Enforce, &tenant.policy.limits, ledger);
        approval.plan.steps().len()
    };
    let spent = |call: &Call, times: u32| {
        let mut spent = Spent::default();
        for number in 100..100 + times {
            let done = Outcome::Done { request_id: None };
            spent.note(guest(number).record.guest.id, call, Some(&done));
        }
        Ledger {
            spent,
            ..Ledger::default()
        }
    };
    let mark = written("innkeeper:quiet");
    let set = Call::Mark { mark: mark.clone() };
    let clear = Call::Unmark { mark };
    assert_eq!(approved(&tenant, &Ledger::default()), 4);
    assert_eq!(approved(&tenant, &spent(&set, 7)), 2);
    assert_eq!(approved(&tenant, &spent(&clear, 14)), 4);
    tenant.healthy = false;
    assert_eq!(approved(&tenant, &Ledger::default()), 0);
    tenant.healthy = true;

    tenant.policy.limits.set_cap(Action::Mark, cap(9));
    tenant.cycle();
    tenant.policy.limits.set_cap(Action::Mark, cap(4));
    come_back(&mut tenant);
    assert_eq!(approved(&tenant, &Ledger::default()), 4);
    assert_eq!(approved(&tenant, &spent(&set, 16)), 4);
    assert_eq!(approved(&tenant, &spent(&clear, 16)), 0);
    assert_eq!(approved(&tenant, &spent(&Call::Enable, 16)), 4);
}

#[test]
fn whom_a_person_brought_back_is_not_marked_while_it_is_spared() {
    let mut view = away(1, 61);
    view.record.guest.sign_ins.successful = Some(start() - TimeDelta::days(200));
    view.record.revived = Some(start());
    let policy = MARKING.replace("guest.inactive_days >= 60", "guest.account_age_days >= 0");
    let mut tenant = tenant([view], &policy);
    assert_eq!(tenant.cycle(), [""; 0]);
    assert_eq!(
        tenant.until_something_is_done(),
        (14, vec!["mark (quiet)".to_owned()])
    );
}

#[test]
fn a_word_for_a_mark_is_read_where_history_is_told() {
    let text =
        format!("{MARKING}\n[limits]\nmark = {{ guests = 5, percent = 50, guests_per_day = 7 }}\n");
    let policy = Policy::parse("policy.toml", &text).expect("a good policy");
    assert_eq!(policy.limits.cap(Action::Mark).guests, 5);
    assert_eq!(policy.limits.day(Action::Mark).guests, 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_a_mark_stands_exactly_where_an_open_case_has_written_it(
        guests in prop::collection::btree_map(0u32..40, 0i64..120, 1..10),
        days in prop::collection::vec((0i64..50, any::<[bool; 4]>()), 1..15),
    ) {
        let mut tenant = tenant(guests.into_iter().map(|(number, days)| away(number, days)), MARKING);
        let cap = Cap { guests: 1_000, percent: 100.0 };
        tenant.policy.limits.set_cap(Action::Mark, cap);
        for (span, [comes_back, exempted, removed, healthy]) in days {
            tenant.healthy = healthy;
            let rule = if removed { "" } else { MARKING };
            let limits = tenant.policy.limits.clone();
            tenant.policy = Policy { limits, ..policy_with(rule) };
            tenant.pass(TimeDelta::days(span));
            if comes_back {
                let now = tenant.now;
                tenant.guests[0].record.guest.sign_ins.successful = Some(now);
            }
            tenant.guests[0].decisions = if exempted { vec![exempt(10_000)] } else { Vec::new() };
            let before: Vec<usize> = tenant.guests.iter().map(|view| view.marks.len()).collect();
            tenant.cycle();
            for (view, before) in tenant.guests.iter().zip(before) {
                if !healthy {
                    prop_assert_eq!(view.marks.len(), before, "nothing is written or cleared with bad eyes");
                    continue;
                }
                let has = view.cases.iter().any(|case| case.done.first() == Some(&Action::Mark));
                prop_assert_eq!(!view.marks.is_empty(), has, "{:?} {:?}", view.cases, view.marks);
            }
        }
    }
}
