//! A backtest: what a policy would have done to a guest, and whether the guest came back afterwards.
//!
//! It is made by the judge and the watch that cycles are made by, at the healthy observations of the past. A guest is
//! replayed from its first kept state to the first step that takes its account, or until it left the directory: who has
//! left since counts like everybody else, or the share of those who came back would be of the ones who stayed. Limits are left out: they say when a guest
//! has its turn, not whether.

use chrono::{DateTime, TimeDelta, Utc};

use crate::attestation::Answer;
use crate::case::{Case, CaseChange};
use crate::decide::Judge;
use crate::decision::Order;
use crate::guest::GuestView;
use crate::past::{Since, State};
use crate::policy::{Action, RuleName};
use crate::sponsor::Membership;
use crate::verdict::{Conclusion, Effect, Step};
use crate::watch::Watched;

/// A healthy observation of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// When.
    pub at: DateTime<Utc>,
    /// What the watch showed.
    pub watched: Watched,
}

/// What became of one guest in the replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// From when on the guest was replayed; `None` when nothing is known of it in that time.
    pub from: Option<DateTime<Utc>>,
    /// When somebody would have been written to about it first.
    pub notified: Option<DateTime<Utc>>,
    /// At how many observations the verdict would have been that something is not known.
    pub unknown: u32,
    /// When and how its account would have been taken.
    pub taken: Option<Taken>,
}

/// An account that would have been taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When.
    pub at: DateTime<Utc>,
    /// By which rule.
    pub rule: RuleName,
    /// Disabled or deleted.
    pub action: Action,
    /// Why.
    pub because: String,
    /// How the guest came back after that, if it did.
    pub came_back: Option<CameBack>,
    /// When it was found to have left the directory after that, if it has.
    pub left: Option<DateTime<Utc>>,
}

/// A guest that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// When, as far as it is known: a sign-in that was followed by others within days can have been earlier.
    pub at: DateTime<Utc>,
    /// How.
    pub how: How,
}

/// How a guest came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It signed in.
    SignIn,
    /// Somebody brought its account back.
    Revived,
    /// A person exempted it.
    Exempted,
    /// Somebody answerable for the guest said that it is still needed.
    Attested,
}

impl How {
    /// The word shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Revived => "brought back",
            Self::Exempted => "exempted",
            Self::Attested => "attested",
        }
    }
}

/// Replays one guest. `states` and `instants` are in the order of time; of the judge's time only what is now is taken.
#[must_use]
pub fn replay(
    judge: &Judge<'_>,
    view: &GuestView,
    states: &[Since],
    instants: &[Instant],
) -> Replay {
    let mut replay = Replay::default();
    let mut cases: Vec<Case> = Vec::new();
    let mut before: Option<Watched> = None;
    let is_there = |instant: &Instant| view.record.gone.is_none_or(|gone| instant.at < gone);
    for Instant { at, watched } in instants.iter().copied().take_while(is_there) {
        let span = before.map_or(TimeDelta::zero(), |before| watched - before);
        before = Some(watched);
        let Some(state) = state_at(states, at) else {
            continue;
        };
        replay.from = replay.from.or(Some(at));
        let named_groups = state.named(judge.named_groups);
        let mut past = state.view(view, &named_groups, at);
        past.cases = std::mem::take(&mut cases);
        if judge.policy.sponsoring.group.is_some() {
            // Who was in the sponsor group then is not kept.
            for sponsor in &mut past.sponsors {
                sponsor.membership = Membership::Unknown;
            }
        }
        let judge = Judge {
            now: at,
            watched,
            span,
            named_groups: &named_groups,
            ..*judge
        };
        let judgement = judge.judge(&past);
        cases = past.cases;
        for change in judgement.cases {
            follow(&mut cases, change);
        }
        match judgement.verdict.conclusion {
            Conclusion::Act(steps) => {
                for step in steps {
                    if replay.take(&judge, view, states, &mut cases, step) {
                        return replay;
                    }
                }
            }
            Conclusion::Unknown(_) => replay.unknown += 1,
            Conclusion::Keep | Conclusion::Wait(_) | Conclusion::Protected(_) => {}
        }
    }
    replay
}

impl Replay {
    /// Carries out a step; `true` when it takes the account.
    fn take(
        &mut self,
        judge: &Judge<'_>,
        view: &GuestView,
        states: &[Since],
        cases: &mut [Case],
        step: Step,
    ) -> bool {
        let Judge { now, watched, .. } = *judge;
        for case in cases.iter_mut().filter(|case| case.id == step.case) {
            *case = Case::after(case.clone(), &step.effect, step.stage, now, now, watched);
        }
        let action = match step.effect {
            Effect::Disable => Action::Disable,
            Effect::Delete => Action::Delete,
            Effect::Notify { .. } => {
                self.notified = self.notified.or(Some(now));
                return false;
            }
            Effect::Flag
            | Effect::AddSponsor
            | Effect::Mark { .. }
            | Effect::Unmark { .. }
            | Effect::ResendInvitation
            | Effect::RemoveFromGroups { .. }
            | Effect::RemoveAppRoles { .. }
            | Effect::Enable { .. } => return false,
        };
        self.taken = Some(Taken {
            at: now,
            rule: step.rule,
            action,
            because: step.because,
            came_back: came_back(judge, view, states, now),
            left: view.record.gone,
        });
        true
    }
}

fn state_at(states: &[Since], at: DateTime<Utc>) -> Option<&State> {
    let after = states.partition_point(|state| state.since <= at);
    let last = after.checked_sub(1)?;
    states.get(last).map(|state| &state.state)
}

fn follow(cases: &mut Vec<Case>, change: CaseChange) {
    match change {
        CaseChange::Open { case, because: _ } => cases.push(case),
        CaseChange::Blind { case, span } => {
            for case in cases.iter_mut().filter(|of| of.id == case) {
                case.blind += span;
            }
        }
        CaseChange::Close { case, .. } => cases.retain(|of| of.id != case),
    }
}

/// The first sign of life after a time.
fn came_back(
    judge: &Judge<'_>,
    view: &GuestView,
    states: &[Since],
    after: DateTime<Utc>,
) -> Option<CameBack> {
    let now = State::of(view, judge.named_groups);
    let basis = judge.policy.basis;
    let states = states.iter().map(|state| &state.state).chain([&now]);
    let of_states = states.flat_map(|state| {
        let signed_in = state.sign_ins().last_by(basis).max(state.logged_in());
        [
            signed_in.map(|at| CameBack {
                at,
                how: How::SignIn,
            }),
            state.revived().map(|at| CameBack {
                at,
                how: How::Revived,
            }),
        ]
    });
    let exempted = view.decisions.iter().map(|decision| match decision.order {
        Order::Exempt { .. } => Some(CameBack {
            at: decision.at,
            how: How::Exempted,
        }),
        Order::Hold | Order::Expire { .. } => None,
    });
    let attested = view.attestations.iter().map(|attestation| {
        (attestation.answer == Answer::Keep).then_some(CameBack {
            at: attestation.at,
            how: How::Attested,
        })
    });
    of_states
        .chain(exempted)
        .chain(attested)
        .flatten()
        .filter(|back| back.at > after)
        .min_by_key(|back| back.at)
}
