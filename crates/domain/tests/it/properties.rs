//! What holds for every tenant.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::{Assignment, Told};
use innkeeper_domain::activity::Reading;
use innkeeper_domain::decision::Order;
use innkeeper_domain::guest::{GuestView, Invitation};
use innkeeper_domain::policy::Action;
use innkeeper_domain::verdict::{Conclusion, Effect};
use proptest::prelude::*;

use crate::actions::{PENDING, policy_with};
use crate::marks::MARKING;
use crate::tenant::{Tenant, decision, exempt, group, guest, start};

/// A guest in any state that matters.
fn any_guest() -> impl Strategy<Value = GuestView> {
    let reading = prop_oneof![
        Just(Reading::Fresh),
        Just(Reading::Never),
        Just(Reading::Vanished),
        Just(Reading::Regressed)
    ];
    (0u32..1_000_000, 0i64..400, reading, any::<[bool; 8]>()).prop_map(
        |(number, days, reading, flags)| {
            let [
                partner,
                role,
                sponsored,
                in_project,
                excepted,
                pending,
                exempted,
                held,
            ] = flags;
            let mut view = guest(number);
            view.record.reading = reading;
            view.record.guest.sign_ins.successful =
                (reading != Reading::Never).then(|| start() - TimeDelta::days(days));
            if partner {
                view.record.guest.mail = Some("pat@partner.example".into());
            }
            if role {
                view.roles = vec!["Global Reader".into()];
            }
            if !sponsored {
                view.sponsors.clear();
            }
            if in_project {
                view.groups.push(group("bridge"));
            }
            if excepted {
                view.groups.push(group("exempt"));
            }
            if exempted && number % 4 == 0 {
                view.decisions.push(exempt(days));
            }
            if held && number % 4 == 1 {
                view.decisions.push(decision(Order::Hold));
            }
            if number % 5 == 0 {
                view.record.revived = Some(start() - TimeDelta::days(days % 20));
            }
            match number % 7 {
                0 => view.access.eligible_roles = vec!["Global Reader".into()],
                1 => view.access.packages = vec![governed()],
                2 => view.access.packages_told = Told::Refused,
                3 => view.access.eligible_told = Told::Refused,
                4 => view.record.guest.invitation = Invitation::Unrecognised,
                _ => {}
            }
            if pending {
                view.record.guest.invitation = Invitation::Pending {
                    since: Some(start() - TimeDelta::days(days)),
                };
            }
            view
        },
    )
}

/// An access package by which entitlement management looks after a guest.
fn governed() -> Assignment {
    Assignment {
        id: uuid::Uuid::nil(),
        package: "Suppliers".to_owned(),
        ends: None,
        ended: None,
        governed: true,
    }
}

fn any_tenant() -> impl Strategy<Value = Tenant> {
    prop::collection::vec(any_guest(), 1..20).prop_map(|mut guests| {
        guests.sort_by_key(|view| view.record.guest.id);
        guests.dedup_by_key(|view| view.record.guest.id);
        let mut tenant = Tenant::of(guests);
        tenant.policy = policy_with(&format!("{PENDING}{MARKING}"));
        tenant
    })
}

fn is_protected(view: &GuestView, now: DateTime<Utc>) -> bool {
    view.decisions
        .iter()
        .any(|decision| decision.order.is_in_force(now))
        || !view.roles.is_empty()
        || !view.access.eligible_roles.is_empty()
        || view.access.governed_by().is_some()
        || view.record.guest.mail.as_deref() == Some("pat@partner.example")
        || view.groups.iter().any(|group| group.name == "exempt")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_protected_guest_is_never_acted_on(mut tenant in any_tenant(), days in prop::collection::vec(0i64..40, 1..12)) {
        for span in days {
            let now = tenant.now + TimeDelta::days(span);
            // What is ours may be undone: a guest can be disabled when an exemption begins.
            let protected: Vec<_> = tenant.guests.iter().filter(|view| is_protected(view, now)).map(|view| view.record.guest.id).collect();
            let plan = tenant.pass(TimeDelta::days(span)).plan();
            prop_assert!(plan.steps().all(|step| !protected.contains(&step.guest)));
            // What cannot be read takes nothing away.
            let unread: Vec<_> = tenant.guests.iter().filter(|view| view.access.unread().is_some()).map(|view| view.record.guest.id).collect();
            prop_assert!(plan.steps().all(|step| !step.effect.is_destructive() || !unread.contains(&step.guest)));
            tenant.cycle();
        }
    }

    #[test]
    fn a_guest_who_is_exempted_or_held_midway_loses_nothing_more(mut tenant in any_tenant(), days in prop::collection::vec(0i64..40, 2..12), held in any::<bool>()) {
        for (round, span) in days.into_iter().enumerate() {
            if round == 1 {
                let order = if held { Order::Hold } else { exempt(10_000).order };
                for view in &mut tenant.guests {
                    view.decisions = vec![decision(order)];
                }
            }
            let plan = tenant.pass(TimeDelta::days(span)).plan();
            if round > 0 {
                prop_assert!(plan.steps().all(|step| !held && matches!(step.effect, Effect::Enable { .. } | Effect::Unmark { .. })), "{:?}", plan.steps);
            }
            tenant.cycle();
        }
    }

    #[test]
    fn a_revived_guest_loses_nothing_while_immune(mut tenant in any_tenant(), days in prop::collection::vec(0i64..10, 1..12)) {
        for span in days {
            let plan = tenant.pass(TimeDelta::days(span)).plan();
            for step in plan.steps().filter(|step| step.effect.action().is_some_and(Action::is_destructive)) {
                let view = tenant.guests.iter().find(|view| view.record.guest.id == step.guest).expect("a known guest");
                prop_assert!(view.record.revived.is_none_or(|at| at + tenant.policy.limits.immunity <= tenant.now));
            }
            tenant.cycle();
        }
    }

    #[test]
    fn what_is_not_known_never_destroys(mut tenant in any_tenant(), days in prop::collection::vec(0i64..40, 1..12)) {
        for span in days {
            let plan = tenant.pass(TimeDelta::days(span)).plan();
            for step in plan.steps().filter(|step| step.rule.as_str() == "inactive" && step.effect.action().is_some_and(Action::is_destructive)) {
                let view = tenant.guests.iter().find(|view| view.record.guest.id == step.guest).expect("a known guest");
                let is_pending = matches!(view.record.guest.invitation, Invitation::Pending { .. });
                prop_assert!(view.record.reading == Reading::Fresh || (view.record.reading == Reading::Never && is_pending));
            }
            tenant.cycle();
        }
    }

    #[test]
    fn deciding_again_after_acting_changes_nothing(mut tenant in any_tenant()) {
        while !tenant.cycle().is_empty() {}
        prop_assert_eq!(tenant.plan().steps().count(), 0);
        prop_assert_eq!(tenant.decided().1, vec![]);
    }

    #[test]
    fn the_order_of_the_reading_does_not_matter(tenant in any_tenant()) {
        let plan = tenant.plan();
        let mut turned = Tenant::of(tenant.guests.iter().rev().cloned());
        turned.now = tenant.now;
        turned.policy = tenant.policy.clone();
        prop_assert_eq!(turned.plan(), plan);
    }

    #[test]
    fn no_stage_is_skipped_and_time_only_moves_a_case_forward(mut tenant in any_tenant(), days in prop::collection::vec(0i64..100, 1..20)) {
        for span in days {
            let before: Vec<_> = tenant.guests.iter().flat_map(|view| view.cases.clone()).collect();
            tenant.pass(TimeDelta::days(span)).cycle();
            for case in tenant.guests.iter().flat_map(|view| &view.cases) {
                let stages = &tenant.policy.rule(&case.rule).expect("its rule").stages;
                let prefix: Vec<_> = stages.iter().map(|stage| stage.action).take(case.done.len()).collect();
                prop_assert_eq!(&case.done, &prefix);
                if let Some(earlier) = before.iter().find(|earlier| earlier.id == case.id) {
                    prop_assert!(case.done.len() >= earlier.done.len());
                    prop_assert!(case.done.len() <= earlier.done.len() + 1);
                }
            }
        }
    }

    #[test]
    fn a_guest_gets_at_most_one_destructive_step_a_cycle(mut tenant in any_tenant(), days in prop::collection::vec(0i64..40, 1..12)) {
        for span in days {
            let verdicts = tenant.pass(TimeDelta::days(span)).verdicts();
            for verdict in &verdicts {
                if let Conclusion::Act(steps) = &verdict.conclusion {
                    let gives = steps.iter().any(|step| matches!(step.effect, Effect::Enable { .. }));
                    let takes = steps.iter().filter(|step| step.effect.action().is_some_and(Action::is_destructive)).count();
                    prop_assert!(takes <= 1 && !(gives && takes == 1 && steps.iter().any(|step| step.effect == Effect::Disable)));
                }
            }
            tenant.cycle();
        }
    }

    #[test]
    fn the_order_of_the_rules_does_not_change_what_becomes_of_anybody(tenant in any_tenant(), turns in 1usize..3, days in prop::collection::vec(0i64..40, 1..8)) {
        let mut turned = Tenant::of(tenant.guests.clone());
        // Without the rules that give one guest more steps in a cycle than a small tenant's caps let through.
        let mut tenant = Tenant { policy: turned.policy.clone(), ..tenant };
        turned.policy.rules.rotate_left(turns);
        turned.policy.protections.reverse();
        for span in days {
            let became = [&mut tenant, &mut turned].map(|tenant| {
                let verdicts = tenant.pass(TimeDelta::days(span)).verdicts();
                let all: Vec<_> = verdicts.iter().map(|verdict| {
                    let mut effects: Vec<_> = match &verdict.conclusion {
                        Conclusion::Act(steps) => steps.iter().map(|step| step.effect.as_str()).collect(),
                        Conclusion::Keep | Conclusion::Wait(_) | Conclusion::Protected(_) | Conclusion::Unknown(_) => Vec::new(),
                    };
                    effects.sort_unstable();
                    (verdict.guest, verdict.as_str(), effects)
                }).collect();
                tenant.cycle();
                all
            });
            prop_assert_eq!(&became[0], &became[1]);
        }
    }

    #[test]
    fn after_any_outage_each_wait_is_watched_in_full_from_the_stage_before(mut tenant in any_tenant(), days in prop::collection::vec((0i64..100, any::<bool>()), 1..20)) {
        for (span, healthy) in days {
            tenant.healthy = healthy;
            let before: Vec<_> = tenant.guests.iter().flat_map(|view| view.cases.clone()).collect();
            tenant.pass(TimeDelta::days(span)).cycle();
            for case in tenant.guests.iter().flat_map(|view| &view.cases) {
                let Some(earlier) = before.iter().find(|earlier| earlier.id == case.id) else { continue };
                let stages = &tenant.policy.rule(&case.rule).expect("its rule").stages;
                if case.done.len() > earlier.done.len() {
                    prop_assert_eq!(case.done.len(), earlier.done.len() + 1);
                    prop_assert!(tenant.watched - earlier.since >= stages[earlier.done.len()].wait);
                }
            }
        }
    }
}
