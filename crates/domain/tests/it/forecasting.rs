//! What a forecast tells, held against a tenant that lives through the same days.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use innkeeper_domain::forecast::{Forecast, forecast};
use innkeeper_domain::policy::{Action, Policy};

use crate::tenant::{POLICY, Tenant, group, guest, inactive};

fn counts(forecast: &Forecast) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for tally in &forecast.tallies {
        *counts
            .entry(format!("{} ({})", tally.action, tally.rule))
            .or_default() += tally.guests;
    }
    counts
}

fn tenant() -> Tenant {
    let mut guests: Vec<_> = (0..5).map(guest).collect();
    guests[1].groups = vec![group("bridge")];
    guests[2].groups = vec![group("exempt")];
    guests[3].sponsors = Vec::new();
    guests.extend((5..9).map(inactive));
    Tenant::of(guests)
}

#[test]
fn a_forecast_is_what_the_days_bring() {
    let mut lived = tenant();
    let foretold = forecast(&lived.judge(), lived.guests.clone(), 200);
    let mut done: BTreeMap<String, u64> = BTreeMap::new();
    for day in 0..200 {
        if day > 0 {
            lived.pass(TimeDelta::days(1));
        }
        for deed in lived.cycle() {
            *done.entry(deed).or_default() += 1;
        }
    }
    assert_eq!(counts(&foretold), done);
    assert!(done.contains_key("delete (inactive)"), "{done:?}");
    assert_eq!(
        (foretold.guests, foretold.left),
        (9, lived.guests.len() as u64)
    );
    assert!(foretold.tallies.is_sorted_by_key(|tally| tally.week));
    assert_eq!(foretold.last.values().sum::<u64>(), foretold.left);
}

#[test]
fn limits_spread_what_is_due_and_the_forecast_tells_how_much_they_hold_back() {
    let mut tenant = Tenant::of((0..10).map(inactive));
    let policy = POLICY.replace(
        "disable = { guests = 100, percent = 100 }",
        "disable = { guests = 2 }",
    );
    tenant.policy = Policy::parse("policy.toml", &policy).expect("a good policy");
    let foretold = forecast(&tenant.judge(), tenant.guests.clone(), 30);
    // Ten are due on day 14, and five per cent of ten, rounded up, is one a day.
    assert_eq!(foretold.held_back.get(&Action::Disable), Some(&9));
    let disabled: Vec<u64> = foretold
        .tallies
        .iter()
        .filter(|tally| tally.action == "disable")
        .map(|tally| tally.guests)
        .collect();
    assert_eq!(disabled, [7, 3]);
    assert_eq!(foretold.disabled, 10);
}

#[test]
fn a_forecast_of_nothing_is_empty() {
    let tenant = tenant();
    assert_eq!(forecast(&tenant.judge(), Vec::new(), 30).tallies, []);
    assert_eq!(
        forecast(&tenant.judge(), tenant.guests.clone(), 0).tallies,
        []
    );
}
