//! Notices that execute no stage: those that go out again, and those that ask.

use chrono::TimeDelta;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::policy::{OnUnknown, Policy, Recipient};

use crate::tenant::{Tenant, guest, inactive};

const REPEAT: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
unknown = "ask"
stages = [
  { action = "notify", to = ["sponsor", "guest"], repeat = "7d" },
  { action = "disable", wait = "20d" },
]
[limits]
disable = { guests = 100, percent = 100 }
"#;

fn tenant(inactive: innkeeper_domain::guest::GuestView) -> Tenant {
    let mut tenant = Tenant::of([inactive]);
    tenant.policy = Policy::parse("policy.toml", REPEAT).expect("a good policy");
    tenant
}

fn days(tenant: &mut Tenant, days: i64) -> Vec<(i64, String)> {
    let mut done = Vec::new();
    for day in 1..=days {
        let cycle = tenant.pass(TimeDelta::days(1)).cycle();
        done.extend(cycle.into_iter().map(|step| (day, step)));
        let at_once = tenant.pass(TimeDelta::zero()).cycle();
        assert_eq!(at_once, Vec::<String>::new());
    }
    done
}

#[test]
fn a_notice_is_repeated_until_the_next_stage_which_it_does_not_put_off() {
    let mut tenant = tenant(inactive(1));
    assert_eq!(
        tenant.policy.rules[0].stages[0].to,
        [Recipient::Sponsor, Recipient::Guest]
    );
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    assert_eq!(
        days(&mut tenant, 60),
        [
            (7, "notify (inactive)".to_owned()),
            (14, "notify (inactive)".to_owned()),
            (20, "disable (inactive)".to_owned()),
        ]
    );
}

#[test]
fn a_rule_that_cannot_be_judged_asks_once_a_week_and_never_acts() {
    let mut dark = guest(1);
    dark.record.reading = Reading::Vanished;
    let mut tenant = tenant(dark);
    assert_eq!(tenant.policy.rules[0].unknown, OnUnknown::Ask);
    let reason = tenant.verdicts()[0].reason();
    assert!(
        reason.starts_with("\"inactive\" cannot be judged (guest.inactive_days is not known: ")
            && reason.ends_with("the sponsors are asked"),
        "{reason}"
    );
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    let asked = days(&mut tenant, 30);
    let on: Vec<i64> = asked.iter().map(|(day, _)| *day).collect();
    assert_eq!(on, [7, 14, 21, 28], "{asked:?}");
    assert!(tenant.guests[0].cases[0].done.is_empty());
    // Known at last: it begins with its first stage, as any other case.
    tenant.guests[0].record.reading = Reading::Fresh;
    tenant.guests[0].record.guest.sign_ins.successful = Some(tenant.now - TimeDelta::days(100));
    assert_eq!(
        days(&mut tenant, 21),
        [
            (1, "notify (inactive)".to_owned()),
            (8, "notify (inactive)".to_owned()),
            (15, "notify (inactive)".to_owned()),
            (21, "disable (inactive)".to_owned()),
        ]
    );
}

#[test]
fn nobody_is_asked_unless_the_policy_says_so_and_a_case_that_was_asked_about_closes() {
    let mut dark = guest(1);
    dark.record.reading = Reading::Vanished;
    let mut tenant = tenant(dark);
    tenant.cycle();
    tenant.guests[0].record.reading = Reading::Fresh;
    assert_eq!(days(&mut tenant, 1), []);
    assert!(tenant.guests[0].cases.is_empty());

    tenant.guests[0].record.reading = Reading::Vanished;
    tenant.policy.rules[0].unknown = OnUnknown::Hold;
    assert_eq!(days(&mut tenant, 30), []);
}
