//! How much of a plan is carried out at once, and how a backlog drains.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::approve::{Answer, Approval, Decisions, Ledger, Spent, StepKey};
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::{CaseId, GroupId, GuestId, ObservationId, SponsorId, TenantId};
use innkeeper_domain::intent::{Call, Outcome};
use innkeeper_domain::observation::{Counts, Health, Observation};
use innkeeper_domain::plan::{Mode, Plan, Refusal};
use innkeeper_domain::policy::{Action, Cap, Limits, Policy, Recipient, RuleName};
use innkeeper_domain::standing::{Kept, Standing};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_domain::watch::Watched;
use proptest::prelude::*;
use uuid::Uuid;

use crate::marks::mark;
use crate::tenant::{POLICY, Tenant, group, guest, inactive, start};

/// Something that is due.
#[derive(Clone, Debug)]
struct Due {
    guest: u32,
    effect: Effect,
    days: i64,
    domain: u32,
    sponsors: Vec<u32>,
}

impl Due {
    fn of(guest: u32, effect: Effect) -> Self {
        Self {
            guest,
            effect,
            days: 0,
            domain: guest,
            sponsors: Vec::new(),
        }
    }

    fn step(&self) -> Step {
        Step {
            guest: id(self.guest),
            case: CaseId(Uuid::from_u128(self.guest.into())),
            rule: RuleName::from("inactive"),
            stage: match self.effect {
                Effect::Delete => 2,
                Effect::Disable => 1,
                _ => 0,
            },
            effect: self.effect.clone(),
            due: start() - TimeDelta::days(self.days),
            because: "guest.inactive_days = 100".into(),
        }
    }
}

fn id(guest: u32) -> GuestId {
    GuestId(Uuid::from_u128(guest.into()))
}

fn sponsor(number: u32) -> SponsorId {
    SponsorId(Uuid::from_u128(number.into()))
}

fn plan_at(now: DateTime<Utc>, guests: u64, due: &[Due]) -> Plan {
    let observation = Observation {
        id: ObservationId::derived(&[]),
        started: now,
        finished: now,
        counts: Counts {
            guests,
            ..Counts::default()
        },
        health: Health::Healthy,
        watched: Watched(0),
    };
    let mut plan = Plan::empty(TenantId::derived(&[]), observation, "policy".into());
    for due in due {
        let step = due.step();
        let domain = format!("{}.example", due.domain);
        let sponsors: Vec<SponsorId> = due.sponsors.iter().copied().map(sponsor).collect();
        *plan.population.domains.entry(domain.clone()).or_default() += 1;
        for sponsor in &sponsors {
            *plan.population.sponsors.entry(*sponsor).or_default() += 1;
        }
        plan.standings.insert(
            step.guest,
            Standing {
                domain: Some(domain),
                sponsors,
                enabled: step.effect == Effect::Disable,
                groups: Vec::new(),
                kept: Kept::Groups(Vec::new()),
            },
        );
        plan.steps.push(step);
    }
    plan.sorted()
}

fn plan(guests: u64, due: &[Due]) -> Plan {
    plan_at(start(), guests, due)
}

fn cap(guests: u64) -> Cap {
    Cap {
        guests,
        percent: 100.0,
    }
}

fn roomy() -> Limits {
    let mut limits = Limits::default();
    for action in Action::ALL {
        limits.set_cap(action, cap(u64::MAX));
    }
    limits.per_domain = cap(u64::MAX);
    limits.per_sponsor = cap(u64::MAX);
    limits.ceiling = cap(u64::MAX);
    limits
}

fn enforce(plan: &Plan, limits: &Limits, ledger: &Ledger) -> Approval {
    plan.approve(Mode::Enforce, limits, ledger)
}

fn told(approval: &Approval) -> Vec<String> {
    approval.refusals.iter().map(ToString::to_string).collect()
}

/// What a person says of all that waits.
fn decided(approval: &Approval, answer: Answer) -> Ledger {
    Ledger {
        decisions: Decisions::of(
            approval
                .waiting
                .iter()
                .map(|step| (StepKey::of(step), answer)),
        ),
        ..Ledger::default()
    }
}

fn of(approval: &Approval, effect: &Effect) -> u64 {
    approval
        .plan
        .steps()
        .iter()
        .filter(|step| step.effect == *effect)
        .count() as u64
}

fn many(guests: std::ops::Range<u32>, effect: &Effect) -> Vec<Due> {
    guests.map(|guest| Due::of(guest, effect.clone())).collect()
}

#[test]
fn a_day_has_a_cap_of_its_own_and_an_action_that_did_not_happen_draws_nothing() {
    let mut limits = roomy();
    limits.set_cap(Action::Disable, cap(4));
    limits.set_day(Action::Disable, cap(5));
    let mut ledger = Ledger::default();
    for guest in 100..103 {
        let outcome = Outcome::Done { request_id: None };
        ledger.spent.note(id(guest), &Call::Disable, Some(&outcome));
        ledger.spent.note(id(guest), &Call::Delete, Some(&outcome));
        let skipped = Outcome::Already;
        ledger
            .spent
            .note(id(guest + 50), &Call::Disable, Some(&skipped));
    }
    let approval = enforce(
        &plan(1_000, &many(0..10, &Effect::Disable)),
        &limits,
        &ledger,
    );
    assert_eq!(of(&approval, &Effect::Disable), 2);
    assert_eq!(
        told(&approval),
        [
            "disable waits for 8 guests: 5 in 24 hours are allowed, and 3 have been reached already; the others follow, oldest first"
        ]
    );
}

#[test]
fn one_domain_and_one_sponsor_lose_so_many_a_cycle_and_let_others_pass() {
    let mut limits = roomy();
    limits.per_domain = cap(2);
    limits.per_sponsor = cap(3);
    let mut due = many(0..10, &Effect::Disable);
    for (index, due) in due.iter_mut().enumerate() {
        due.days = 10 - i64::try_from(index).expect("small");
        due.domain = u32::from(index >= 4);
        due.sponsors = vec![if index >= 4 { 1 } else { 0 }, 7];
    }
    let approval = enforce(&plan(1_000, &due), &limits, &Ledger::default());
    // Two of the first domain, then one more of the second, for the third guest of the sponsor of all.
    let reached: BTreeSet<GuestId> = approval
        .plan
        .steps()
        .iter()
        .map(|step| step.guest)
        .collect();
    assert_eq!(reached, [0, 1, 4].map(id).into());
    insta::assert_debug_snapshot!(told(&approval), @r#"
    [
        "disable waits for 2 guests of 1 domains, of which enough are reached in this cycle; they follow in later cycles",
        "disable waits for 5 guests of 1 sponsors, of whose guests enough are reached in this cycle; they follow in later cycles",
    ]
    "#);
    assert_eq!(approval.backlog[0].cycles, Some(3));
}

#[test]
fn disabling_and_deleting_cannot_starve_each_other() {
    let mut limits = roomy();
    limits.set_cap(Action::Disable, cap(3));
    limits.set_cap(Action::Delete, cap(2));
    limits.per_domain = cap(3);
    let mut due = many(0..50, &Effect::Disable);
    due.extend(many(50..100, &Effect::Delete));
    due.iter_mut().for_each(|due| due.domain = 1);
    let approval = enforce(&plan(1_000, &due), &limits, &Ledger::default());
    assert_eq!(
        (
            of(&approval, &Effect::Disable),
            of(&approval, &Effect::Delete)
        ),
        (3, 2)
    );
}

#[test]
fn over_the_ceiling_everything_that_takes_waits_and_the_rest_goes_on() {
    let mut limits = roomy();
    limits.ceiling = cap(5);
    let mut due = many(0..6, &Effect::Disable);
    let notify = Effect::Notify {
        notice: innkeeper_domain::policy::Notice::Stage,
        to: vec![Recipient::Sponsor],
    };
    due.extend(many(10..20, &notify));
    let approval = enforce(&plan(1_000, &due), &limits, &Ledger::default());
    assert_eq!(
        (of(&approval, &Effect::Disable), of(&approval, &notify)),
        (0, 10)
    );
    assert_eq!(approval.waiting.len(), 6);
    assert_eq!(
        told(&approval),
        [
            "6 steps would take something away, and more than 5 need a person's approval: none of them is taken"
        ]
    );

    let yes = decided(&approval, Answer::Approved);
    assert_eq!(
        enforce(&plan(1_000, &due), &limits, &yes)
            .plan
            .steps()
            .len(),
        16
    );
    // Three more have come due: they were not shown to anybody, and are few enough.
    due.extend(many(30..33, &Effect::Disable));
    let later = enforce(&plan(1_000, &due), &limits, &yes);
    assert_eq!((of(&later, &Effect::Disable), later.waiting.len()), (9, 0));
    // With three more they are not: those wait, the approved ones go on.
    due.extend(many(40..43, &Effect::Disable));
    let later = enforce(&plan(1_000, &due), &limits, &yes);
    assert_eq!((of(&later, &Effect::Disable), later.waiting.len()), (6, 6));
    // Another stage of the same guest is another step.
    let deleted = plan(1_000, &many(0..6, &Effect::Delete));
    assert_eq!(enforce(&deleted, &limits, &yes).waiting.len(), 6);
}

#[test]
fn what_a_person_rejected_stays_undone_however_few_it_becomes() {
    let mut limits = roomy();
    limits.ceiling = cap(5);
    let due = many(0..6, &Effect::Disable);
    let no = decided(
        &enforce(&plan(1_000, &due), &limits, &Ledger::default()),
        Answer::Rejected,
    );
    let mut later = due[..2].to_vec();
    later.extend(many(30..33, &Effect::Disable));
    let approval = enforce(&plan(1_000, &later), &limits, &no);
    assert_eq!(of(&approval, &Effect::Disable), 3);
    assert_eq!(approval.refusals, [Refusal::Rejected { steps: 2 }]);
    assert_eq!(
        (approval.backlog[0].held, approval.backlog[0].left()),
        (2, 0)
    );
}

#[test]
fn who_is_due_the_longest_goes_first_whoever_it_is() {
    let mut limits = roomy();
    limits.set_cap(Action::Disable, cap(1));
    for oldest in 1..=3 {
        let due: Vec<Due> = (1..=3)
            .map(|guest| Due {
                days: if guest == oldest { 9 } else { 2 },
                ..Due::of(guest, Effect::Disable)
            })
            .collect();
        let approval = enforce(&plan(1_000, &due), &limits, &Ledger::default());
        let steps = approval.plan.steps();
        let gone: Vec<GuestId> = steps.iter().map(|step| step.guest).collect();
        assert_eq!(gone, [id(oldest)]);
    }
}

#[test]
fn the_last_guest_of_a_project_is_never_taken_by_a_rule_that_keeps_it() {
    let policy = POLICY.replace(
        "when = 'guest.inactive_days >= 90'",
        "when = 'guest.inactive_days >= 90'\nkeep_last_of_group = \"projects\"",
    );
    let in_bridge = |number| {
        let mut view = inactive(number);
        view.groups = vec![group("bridge")];
        view
    };
    let run = |tenant: &mut Tenant| {
        tenant.policy = Policy::parse("policy.toml", &policy).expect("a good policy");
        let mut done = Vec::new();
        for _ in 0..60 {
            done.extend(tenant.pass(TimeDelta::hours(12)).cycle());
        }
        done.retain(|done| done == "disable (inactive)");
        done.len()
    };
    // Of three in the project one stays; the two others, and the one in none, go.
    let mut tenant = Tenant::of([in_bridge(1), in_bridge(2), in_bridge(3), inactive(4)]);
    assert_eq!(run(&mut tenant), 3);
    let approval = tenant
        .plan()
        .approve(Mode::Enforce, &tenant.policy.limits, &Ledger::default());
    assert_eq!(
        told(&approval),
        [
            "disable is held for 1 guests, each the last one left in a group whose last guest the rule keeps"
        ]
    );
    // No passing of time will free it, so it is no backlog that drains.
    let mut backlogs = approval.backlog.iter();
    let disabling = backlogs.find(|backlog| backlog.action == "disable");
    let disabling = disabling.expect("it is due");
    assert_eq!((disabling.held, disabling.left()), (1, 0));
    // With somebody active left in it all three go.
    let mut active = guest(5);
    active.groups = vec![group("bridge")];
    let mut tenant = Tenant::of([in_bridge(1), in_bridge(2), in_bridge(3), active]);
    assert_eq!(run(&mut tenant), 3);
    // Somebody who is there but cannot sign in is nobody.
    let mut disabled = guest(5);
    disabled.groups = vec![group("bridge")];
    disabled.record.guest.enabled = Some(false);
    let mut tenant = Tenant::of([in_bridge(1), disabled]);
    assert_eq!(run(&mut tenant), 0);
    // A group that is not found may be anybody's.
    let mut tenant = Tenant::of([inactive(4)]);
    tenant.named_groups.insert("bridge".into(), Found::Missing);
    assert_eq!(run(&mut tenant), 0);
}

#[test]
fn who_was_brought_back_twice_is_not_taken_a_third_time_by_any_rule() {
    let mut view = inactive(1);
    view.brought_back = 2;
    view.sponsors.clear();
    let mut tenant = Tenant::of([view]);
    let mut done = Vec::new();
    for _ in 0..100 {
        done.extend(tenant.pass(TimeDelta::days(1)).cycle());
    }
    assert_eq!(
        done,
        [
            "flag (no sponsor)",
            "notify (inactive)",
            "notify (no sponsor)"
        ]
    );
    let verdict = &tenant.verdicts()[0];
    assert_eq!(verdict.as_str(), "unknown");
    insta::assert_snapshot!(verdict.reason(), @r#""inactive" holds, but somebody has brought the account back 2 times after Innkeeper had taken it: a person decides; write a protection, or disable or delete it by hand"#);
    tenant.guests[0].brought_back = 1;
    assert_eq!(
        tenant.pass(TimeDelta::days(1)).cycle(),
        ["disable (inactive)"]
    );
}

/// What a neglected tenant goes through, day by day, four cycles each.
struct Drain {
    limits: Limits,
    spent: Spent,
    /// Guests to be disabled, and those to be deleted with the day since when.
    disable: BTreeSet<u32>,
    disabled: BTreeMap<u32, i64>,
    deleted: u64,
    now: DateTime<Utc>,
    said: Vec<(StepKey, Answer)>,
    asked: u32,
}

impl Drain {
    fn of(limits: Limits, stale: u32) -> Self {
        Self {
            limits,
            spent: Spent::default(),
            disable: (0..stale).collect(),
            disabled: BTreeMap::new(),
            deleted: 0,
            now: start(),
            said: Vec::new(),
            asked: 0,
        }
    }

    fn due(&self) -> Vec<Due> {
        let day = (self.now - start()).num_days();
        let disable = self
            .disable
            .iter()
            .map(|guest| Due::of(*guest, Effect::Disable));
        let is_due = |(_, since): &(&u32, &i64)| day - **since >= 5;
        let delete = self
            .disabled
            .iter()
            .filter(is_due)
            .map(|(guest, _)| Due::of(*guest, Effect::Delete));
        let domains = |due: Due| Due {
            domain: due.guest % 400,
            sponsors: vec![due.guest % 1_500],
            ..due
        };
        disable.chain(delete).map(domains).collect()
    }

    /// A cycle, in which a person approves whatever waits once it was reported.
    fn cycle(&mut self, guests: u64) {
        let ledger = Ledger {
            spent: self.spent.clone(),
            decisions: Decisions::of(self.said.iter().cloned()),
            ..Ledger::default()
        };
        let approval = enforce(
            &plan_at(self.now, guests, &self.due()),
            &self.limits,
            &ledger,
        );
        if !approval.waiting.is_empty() {
            self.asked += 1;
            self.said.extend(
                approval
                    .waiting
                    .iter()
                    .map(|step| (StepKey::of(step), Answer::Approved)),
            );
        }
        let day = (self.now - start()).num_days();
        let numbers: BTreeMap<GuestId, u32> = self
            .disable
            .iter()
            .chain(self.disabled.keys())
            .map(|guest| (id(*guest), *guest))
            .collect();
        for step in approval.plan.steps() {
            let guest = numbers[&step.guest];
            let outcome = Outcome::Done { request_id: None };
            if step.effect == Effect::Delete {
                self.disabled.remove(&guest);
                self.deleted += 1;
                self.spent.note(step.guest, &Call::Delete, Some(&outcome));
            } else {
                self.disable.remove(&guest);
                self.disabled.insert(guest, day);
                self.spent.note(step.guest, &Call::Disable, Some(&outcome));
            }
        }
    }
}

#[test]
fn a_neglected_tenant_is_reported_first_waits_for_a_person_and_then_drains_to_the_end() {
    let (guests, stale) = (50_000, 30_000);
    let customary = Limits::default();
    let due: Vec<Due> = Drain::of(customary.clone(), stale).due();
    let report = plan(guests, &due).approve(Mode::Observe, &customary, &Ledger::default());
    assert_eq!(report.plan.steps(), []);
    let backlog = &report.backlog[0];
    assert_eq!(
        (backlog.action.as_str(), backlog.due, backlog.left()),
        ("disable", 30_000, 30_000)
    );
    // At 50 a cycle and 200 a day: 150 days.
    assert_eq!((backlog.cycles, backlog.days), (Some(600), Some(150)));
    assert_eq!(
        backlog.finish(start(), 4),
        Some(start() + TimeDelta::days(150))
    );
    assert_eq!(
        backlog.finish(start(), 1),
        Some(start() + TimeDelta::days(600))
    );
    let first = enforce(&plan(guests, &due), &customary, &Ledger::default());
    assert_eq!((first.plan.steps().len(), first.waiting.len()), (0, 30_000));
    assert_eq!(
        first.refusals,
        [Refusal::OverCeiling {
            steps: 30_000,
            ceiling: 500
        }]
    );

    let mut limits = customary;
    limits.set_cap(Action::Disable, cap(6_000));
    limits.set_cap(Action::Delete, cap(5_000));
    let mut drain = Drain::of(limits, stale);
    for _ in 0..100 {
        if drain.deleted == u64::from(stale) {
            break;
        }
        drain.spent = Spent::default();
        drain.cycle(guests);
        drain.now += TimeDelta::days(1);
    }
    assert_eq!(
        (drain.deleted, drain.disable.len(), drain.disabled.len()),
        (30_000, 0, 0)
    );
    // Once for the disabling of all of them; then as the deletions come due.
    assert!((2..40).contains(&drain.asked), "{}", drain.asked);
}

#[test]
fn a_plan_knows_how_many_guests_of_a_group_are_left() {
    let mut with = inactive(1);
    with.groups = vec![group("bridge")];
    let tenant = Tenant::of([with, inactive(2)]);
    let plan = tenant.plan();
    let bridge = GroupId::derived(&[b"bridge"]);
    assert_eq!(plan.population.enabled_in.get(&bridge), Some(&1));
    assert_eq!(plan.population.domains.get("elsewhere.example"), Some(&2));
}

fn any_due() -> impl Strategy<Value = Vec<Due>> {
    let effect = prop_oneof![
        Just(Effect::Disable),
        Just(Effect::Delete),
        Just(Effect::Flag),
        Just(mark(false))
    ];
    let due = (
        0u32..500,
        effect,
        0i64..20,
        0u32..4,
        prop::collection::vec(0u32..3, 0..3),
    );
    prop::collection::btree_map(0u32..500, due, 0..80).prop_map(|due| {
        due.into_iter()
            .map(|(guest, (_, effect, days, domain, mut sponsors))| {
                sponsors.sort_unstable();
                sponsors.dedup();
                Due {
                    guest,
                    effect,
                    days,
                    domain,
                    sponsors,
                }
            })
            .collect()
    })
}

prop_compose! {
    fn any_limits()(caps in prop::array::uniform4(1u64..12), percents in prop::array::uniform4(1u32..100), domain in 1u64..6, sponsor in 1u64..6, ceiling in 0u64..30) -> Limits {
        let mut limits = roomy();
        let cap = |index: usize| Cap { guests: caps[index], percent: f64::from(percents[index]) };
        limits.set_cap(Action::Disable, cap(0));
        limits.set_cap(Action::Delete, cap(1));
        limits.set_day(Action::Disable, cap(2));
        limits.set_day(Action::Delete, cap(3));
        limits.per_domain = Cap { guests: domain, percent: 50.0 };
        limits.per_sponsor = Cap { guests: sponsor, percent: 50.0 };
        limits.ceiling = Cap { guests: ceiling, percent: 100.0 };
        limits
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_in_which_steps_come_does_not_matter(due in any_due(), limits in any_limits()) {
        let approval = enforce(&plan(200, &due), &limits, &Ledger::default());
        let turned: Vec<Due> = due.into_iter().rev().collect();
        prop_assert_eq!(enforce(&plan(200, &turned), &limits, &Ledger::default()), approval);
    }

    #[test]
    fn no_cap_is_ever_exceeded_and_nothing_is_approved_that_is_not_due(due in any_due(), limits in any_limits(), spent in 0u32..10, approved in any::<bool>()) {
        let plan = plan(200, &due);
        let mut ledger = Ledger::default();
        if approved {
            ledger = decided(&enforce(&plan, &limits, &ledger), Answer::Approved);
        }
        for guest in 1_000..1_000 + spent {
            ledger.spent.note(id(guest), &Call::Disable, None);
        }
        let approval = enforce(&plan, &limits, &ledger);
        let steps = approval.plan.steps();
        prop_assert!(steps.iter().all(|step| plan.steps().any(|due| due == step)));
        let mut taken = 0;
        for (action, effect, spent) in [(Action::Disable, Effect::Disable, u64::from(spent)), (Action::Delete, Effect::Delete, 0)] {
            let steps: Vec<&Step> = steps.iter().filter(|step| step.effect == effect).collect();
            let count = steps.len() as u64;
            taken += count;
            prop_assert!(count <= limits.cap(action).of(200));
            prop_assert!(count == 0 || count + spent <= limits.day(action).of(200));
            let mut domains: BTreeMap<&str, u64> = BTreeMap::new();
            let mut sponsors: BTreeMap<SponsorId, u64> = BTreeMap::new();
            for step in steps {
                let standing = &plan.standings[&step.guest];
                *domains.entry(standing.domain.as_deref().expect("a domain")).or_default() += 1;
                for sponsor in &standing.sponsors {
                    *sponsors.entry(*sponsor).or_default() += 1;
                }
            }
            for (domain, count) in domains {
                prop_assert!(count <= limits.per_domain.of(plan.population.domains[domain]));
            }
            for (sponsor, count) in sponsors {
                prop_assert!(count <= limits.per_sponsor.of(plan.population.sponsors[&sponsor]));
            }
        }
        if !approved {
            prop_assert!(taken <= limits.ceiling_of(200));
        }
        for backlog in &approval.backlog {
            prop_assert!(backlog.approved + backlog.held <= backlog.due);
        }
    }

    #[test]
    fn with_caps_above_zero_every_backlog_drains_at_any_ceiling_and_no_later_than_steps_by_steps(due in any_due(), limits in any_limits()) {
        let mut due = due;
        let mut ledger = Ledger::default();
        let mut said: Vec<(StepKey, Answer)> = Vec::new();
        let mut cycles = 0;
        while !due.is_empty() {
            let approval = enforce(&plan(200, &due), &limits, &ledger);
            let done: BTreeSet<GuestId> = approval.plan.steps().iter().map(|step| step.guest).collect();
            prop_assert!(!done.is_empty() || !approval.waiting.is_empty());
            said.extend(approval.waiting.iter().map(|step| (StepKey::of(step), Answer::Approved)));
            ledger.decisions = Decisions::of(said.iter().cloned());
            due.retain(|due| !done.contains(&id(due.guest)));
            cycles += 1;
            prop_assert!(cycles <= 200);
        }
    }
}
