//! A forecast: what a policy does to a population day by day, if nobody signs in and nothing else changes.
//!
//! It is made by the judge and the approval that cycles are made by; only the effects are carried out on the views
//! instead of in the directory. One cycle a day, in mode `enforce`, with healthy eyes and without a gap.
//!
//! Memory: the views are kept, and counts by week, rule and action; nothing grows with the days otherwise.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::approve::{Ledger, Purse};
use crate::case::{Case, CaseChange};
use crate::decide::{Judge, Judgement};
use crate::guest::GuestView;
use crate::ids::ObservationId;
use crate::mark::Written;
use crate::observation::{Counts, Health, Observation};
use crate::plan::{Mode, Plan, Refusal};
use crate::policy::{Action, Cap, Limits, RuleName};
use crate::verdict::{Effect, Step};

/// How many guests an action reaches under a rule in one week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The week's first day; the first week begins with the forecast.
    pub week: NaiveDate,
    /// The rule.
    pub rule: RuleName,
    /// The action's word, or "enable".
    pub action: &'static str,
    /// How many guests.
    pub guests: u64,
}

/// What is to be expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// By week, then by rule in the order of names, then from the mildest action to the gravest.
    pub tallies: Vec<Tally>,
    /// For each action the most guests that its limit held back on one day.
    pub held_back: BTreeMap<Action, u64>,
    /// The verdicts of the first day, by their words.
    pub first: BTreeMap<&'static str, u64>,
    /// The verdicts of the last day.
    pub last: BTreeMap<&'static str, u64>,
    /// Guests at the beginning.
    pub guests: u64,
    /// Guests left at the end, those disabled among them.
    pub left: u64,
    /// Accounts that Innkeeper has disabled by then and not deleted.
    pub disabled: u64,
}

/// The counts of one week.
type Week = BTreeMap<(RuleName, Purse), u64>;

/// Looks so many days ahead, from the judge's instant on.
#[must_use]
pub fn forecast(start: &Judge<'_>, mut guests: Vec<GuestView>, days: u32) -> Forecast {
    guests.sort_unstable_by_key(|view| view.record.guest.id);
    let mut limits: Limits = start.policy.limits.clone();
    limits.ceiling = Cap {
        guests: u64::MAX,
        percent: 100.0,
    };
    let mut forecast = Forecast {
        guests: guests.len() as u64,
        ..Forecast::default()
    };
    let mut week = Week::new();
    for day in 0..days {
        let passed = TimeDelta::days(i64::from(day));
        let judge = Judge {
            now: start.now + passed,
            watched: start.watched + passed,
            span: TimeDelta::days(i64::from(day.min(1))),
            ..*start
        };
        let (plan, verdicts) = decide(&judge, &mut guests);
        if day == 0 {
            forecast.first.clone_from(&verdicts);
        }
        forecast.last = verdicts;
        // One cycle a day, after which the day before is over; and whatever needs a person's word gets it.
        let approval = plan.approve(Mode::Enforce, &limits, &Ledger::default());
        forecast.hold_back(&approval.refusals);
        for step in approval.plan.steps() {
            execute(&judge, &mut guests, step);
            *week
                .entry((step.rule.clone(), step.effect.purse()))
                .or_default() += 1;
        }
        guests.retain(|view| view.record.gone.is_none());
        if day % 7 == 6 || day + 1 == days {
            let first = start.now.date_naive() + TimeDelta::days(i64::from(day - day % 7));
            forecast.close(first, std::mem::take(&mut week));
        }
    }
    forecast.left = guests.len() as u64;
    let is_disabled = |view: &&GuestView| view.record.disabled_by_us.is_some();
    forecast.disabled = guests.iter().filter(is_disabled).count() as u64;
    forecast
}

impl Forecast {
    fn close(&mut self, first: NaiveDate, week: Week) {
        let tally = |((rule, purse), guests): ((RuleName, Purse), u64)| Tally {
            week: first,
            rule,
            action: purse.as_str(),
            guests,
        };
        self.tallies.extend(week.into_iter().map(tally));
    }

    fn hold_back(&mut self, refusals: &[Refusal]) {
        for refusal in refusals {
            match refusal {
                Refusal::OverCap { action, steps, cap } => {
                    let most = self.held_back.entry(*action).or_default();
                    *most = (*most).max(steps.saturating_sub(*cap));
                }
                Refusal::OverDay { action, steps, .. }
                | Refusal::OverDomain { action, steps, .. }
                | Refusal::OverSponsor { action, steps, .. }
                | Refusal::LastOfGroup { action, steps }
                | Refusal::GroupUnknown { action, steps, .. } => {
                    let most = self.held_back.entry(*action).or_default();
                    *most = (*most).max(*steps);
                }
                Refusal::Mode { .. }
                | Refusal::OnlyFlagged { .. }
                | Refusal::Unhealthy { .. }
                | Refusal::OverCeiling { .. }
                | Refusal::NotAccepted { .. }
                | Refusal::Rejected { .. } => {}
            }
        }
    }
}

/// The plan of one day, with the verdicts that act and the number of all. What becomes of cases is done at once.
fn decide(judge: &Judge<'_>, guests: &mut [GuestView]) -> (Plan, BTreeMap<&'static str, u64>) {
    let counts = Counts {
        guests: guests.len() as u64,
        ..Counts::default()
    };
    let mut plan = Plan::empty(judge.tenant, observation(judge, counts), String::new());
    let mut verdicts = BTreeMap::new();
    for view in guests {
        let Judgement { verdict, cases } = judge.judge(view);
        for change in cases {
            follow(view, change);
        }
        *verdicts.entry(verdict.as_str()).or_default() += 1;
        // The caps are shares of everybody, also of those to whom nothing is done.
        plan.take(judge, view, verdict);
    }
    (plan, verdicts)
}

fn observation(judge: &Judge<'_>, counts: Counts) -> Observation {
    Observation {
        id: ObservationId::derived(&[]),
        started: judge.now,
        finished: judge.now,
        counts,
        health: Health::Healthy,
        watched: judge.watched,
    }
}

fn follow(view: &mut GuestView, change: CaseChange) {
    match change {
        CaseChange::Open { case, because: _ } => view.cases.push(case),
        CaseChange::Blind { case, span } => {
            for case in view.cases.iter_mut().filter(|of| of.id == case) {
                case.blind += span;
            }
        }
        CaseChange::Close { case, .. } => view.cases.retain(|of| of.id != case),
    }
}

fn execute(judge: &Judge<'_>, guests: &mut [GuestView], step: &Step) {
    let (now, watched) = (judge.now, judge.watched);
    let found = guests.binary_search_by_key(&step.guest, |view| view.record.guest.id);
    let Some(view) = found.ok().and_then(|place| guests.get_mut(place)) else {
        return;
    };
    for case in view.cases.iter_mut().filter(|case| case.id == step.case) {
        *case = Case::after(case.clone(), &step.effect, step.stage, now, now, watched);
    }
    if let Effect::Mark { mark, flagged: _ } = &step.effect {
        view.marks.push(Written {
            case: step.case,
            rule: step.rule.clone(),
            stage: step.stage,
            mark: mark.clone(),
        });
    }
    effect(view, &step.effect, now);
}

fn effect(view: &mut GuestView, effect: &Effect, now: DateTime<Utc>) {
    let record = &mut view.record;
    match effect {
        // Whom the chain would find is not forecast.
        Effect::Flag
        | Effect::Mark { .. }
        | Effect::Notify { .. }
        | Effect::ResendInvitation
        | Effect::AddSponsor
        | Effect::RemoveAppRoles { .. } => {}
        Effect::RemoveFromGroups { groups } => {
            view.groups.retain(|group| !groups.contains(&group.id));
        }
        // What was already so is not ours.
        Effect::Disable if record.guest.enabled == Some(false) => {}
        Effect::Disable => {
            record.guest.enabled = Some(false);
            record.disabled_by_us = Some(now);
        }
        Effect::Unmark { mark, closing: _ } => {
            view.marks.retain(|written| written.mark != *mark);
        }
        Effect::Enable { closing: _ } => {
            record.guest.enabled = Some(true);
            record.disabled_by_us = None;
        }
        Effect::Delete => record.gone = Some(now),
    }
}
