//! What a fixed population comes to by a fixed policy.
//!
//! Where this test fails for any other reason than a reworded sentence, deciding has changed: then raise
//! `DECISION_VERSION`, so that installations ask a person before more guests are affected.

use chrono::TimeDelta;
use innkeeper_domain::acceptance::DECISION_VERSION;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::decision::Order;
use innkeeper_domain::guest::{GuestView, Invitation};
use innkeeper_domain::verdict::{Conclusion, Verdict};

use crate::tenant::{Tenant, decision, exempt, group, guest, inactive, start};

/// Everything of a verdict but the wording of its reason.
fn shown(name: &str, verdict: &Verdict) -> String {
    let steps = match &verdict.conclusion {
        Conclusion::Act(steps) => steps
            .iter()
            .map(|step| format!("{} {}", step.effect.as_str(), step.rule))
            .collect::<Vec<_>>()
            .join(" + "),
        Conclusion::Keep
        | Conclusion::Wait(_)
        | Conclusion::Protected(_)
        | Conclusion::Unknown(_) => String::new(),
    };
    let rule = verdict.rule().map(ToString::to_string).unwrap_or_default();
    let due = verdict.due().map(|due| (due - start()).num_days());
    let due = due.map(|days| days.to_string()).unwrap_or_default();
    format!("{name}: {} [{rule}] {due} {steps}", verdict.as_str())
}

fn population() -> Vec<(&'static str, GuestView)> {
    let with = |number: u32, edit: &dyn Fn(&mut GuestView)| {
        let mut view = inactive(number);
        edit(&mut view);
        view
    };
    vec![
        ("active", guest(1)),
        ("inactive", inactive(2)),
        (
            "times vanished",
            with(3, &|view| view.record.reading = Reading::Vanished),
        ),
        (
            "never signed in",
            with(4, &|view| view.record.reading = Reading::Never),
        ),
        (
            "pending",
            with(5, &|view| {
                view.record.reading = Reading::Never;
                view.record.guest.created = Some(start() - TimeDelta::days(100));
                view.record.guest.invitation = Invitation::Pending {
                    since: Some(start() - TimeDelta::days(100)),
                };
            }),
        ),
        (
            "partner",
            with(6, &|view| {
                view.record.guest.mail = Some("p@partner.example".into());
            }),
        ),
        (
            "excepted by group",
            with(7, &|view| view.groups.push(group("exempt"))),
        ),
        (
            "in a project",
            with(8, &|view| view.groups.push(group("bridge"))),
        ),
        ("no sponsor", with(9, &|view| view.sponsors.clear())),
        (
            "held",
            with(10, &|view| view.decisions.push(decision(Order::Hold))),
        ),
        ("exempt", with(11, &|view| view.decisions.push(exempt(20)))),
        (
            "administrator",
            with(12, &|view| view.roles.push("Global Reader".into())),
        ),
        (
            "synchronised",
            with(13, &|view| view.record.guest.on_premises_sync = Some(true)),
        ),
        (
            "restored",
            with(14, &|view| {
                view.record.revived = Some(start() - TimeDelta::days(3));
            }),
        ),
        (
            "in the log",
            with(15, &|view| {
                view.record.logged_in = Some(start() - TimeDelta::days(2));
            }),
        ),
        (
            "attempts only",
            with(16, &|view| {
                view.record.guest.sign_ins.interactive =
                    view.record.guest.sign_ins.successful.take();
            }),
        ),
    ]
}

#[test]
fn a_fixed_population_comes_to_what_this_version_of_deciding_makes_of_it() {
    let (names, views): (Vec<&str>, Vec<GuestView>) = population().into_iter().unzip();
    let mut lines = vec![format!("version {DECISION_VERSION}")];
    let mut tenant = Tenant::of(views.clone());
    for day in [0, 14, 15, 44, 60] {
        let passed = start() + TimeDelta::days(day) - tenant.now;
        tenant.pass(passed.min(TimeDelta::days(7)));
        while tenant.now < start() + TimeDelta::days(day) {
            let left = start() + TimeDelta::days(day) - tenant.now;
            tenant.pass(left.min(TimeDelta::days(7)));
        }
        lines.push(format!("day {day}"));
        let verdicts = tenant.verdicts();
        for (name, view) in names.iter().zip(&views) {
            let id = view.record.guest.id;
            match verdicts.iter().find(|verdict| verdict.guest == id) {
                Some(verdict) => lines.push(shown(name, verdict).trim_end().to_owned()),
                None => lines.push(format!("{name}: gone")),
            }
        }
        tenant.cycle();
    }
    insta::assert_snapshot!(lines.join("\n"));
}
