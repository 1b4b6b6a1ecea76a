//! From signs to alarms.

use chrono::{DateTime, Utc};

use super::{Alarm, Bounds, CycleEnd, Ending, Signs, Work};
use crate::observation::{Doubt, Health, SecretEnd};

impl Alarm {
    /// What has to be told now, in the order of [`super::Kind::ALL`].
    #[must_use]
    pub fn all(signs: &Signs, bounds: &Bounds, now: DateTime<Utc>) -> Vec<Self> {
        let Signs {
            began,
            last_healthy,
            observation,
            cycles,
            credential_ends,
            waiting,
        } = signs;
        let health = observation.as_ref().map(|observation| &observation.health);
        let counts = observation.as_ref().map(|observation| &observation.counts);
        let doubts = match health {
            Some(Health::Unhealthy { reasons }) => reasons.as_slice(),
            Some(Health::Healthy) | None => &[],
        };
        let is_shrunk = doubts
            .iter()
            .any(|doubt| matches!(doubt, Doubt::Shrunk { .. }));
        let fewer = counts.and_then(|counts| Some((counts.guests, counts.before?)));
        [
            silent(*began, *last_healthy, bounds, now),
            (!doubts.is_empty()).then(|| Self::Unhealthy {
                doubts: doubts.to_vec(),
            }),
            // What is a doubt already needs no second alarm.
            fewer
                .filter(|_| !is_shrunk)
                .and_then(|(guests, before)| fewer_guests(guests, before, bounds)),
            nothing_done(cycles, bounds),
            backlog_grows(cycles, bounds),
            // What Entra says of the secret counts before what somebody once wrote down.
            match (
                counts.and_then(|counts| counts.secret_ends),
                credential_ends,
            ) {
                (Some(SecretEnd { at, is_certain }), _) => credential(at, !is_certain, bounds, now),
                (None, Some(at)) => credential(*at, false, bounds, now),
                (None, None) => None,
            },
            plan_waits(cycles),
            waiting.clone().map(Self::PolicyWaits),
            left_alone(cycles),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn silent(
    began: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
    bounds: &Bounds,
    now: DateTime<Utc>,
) -> Option<Alarm> {
    let since = last.unwrap_or(began);
    (now - since >= bounds.silent).then(|| Alarm::Silent {
        since,
        hours: (now - since).num_hours(),
        ever: last.is_some(),
    })
}

fn fewer_guests(guests: u64, before: u64, bounds: &Bounds) -> Option<Alarm> {
    let lost = before.saturating_sub(guests);
    let is_many = lost >= u64::from(bounds.fewer_least)
        && lost.saturating_mul(100) > before.saturating_mul(bounds.fewer_percent.into());
    is_many.then_some(Alarm::FewerGuests { guests, before })
}

/// The work of the newest `many` cycles, the newest first; `None` where there were not that many, or one failed or
/// was not to do anything.
fn work(cycles: &[CycleEnd], many: u32) -> Option<Vec<Work>> {
    let newest = cycles.get(..usize::try_from(many).ok()?)?;
    newest
        .iter()
        .map(|cycle| match &cycle.how {
            Ending::Complete { work, .. } => *work,
            Ending::Failed => None,
        })
        .collect()
}

fn nothing_done(cycles: &[CycleEnd], bounds: &Bounds) -> Option<Alarm> {
    let work = work(cycles, bounds.idle_cycles)?;
    let is_idle = work.iter().all(|work| work.due > 0 && work.done == 0);
    let due = work.first()?.due;
    is_idle.then_some(Alarm::NothingDone {
        due,
        cycles: bounds.idle_cycles,
    })
}

/// One leap, as after an edit of the policy, drains from the next cycle on and is no growth.
fn backlog_grows(cycles: &[CycleEnd], bounds: &Bounds) -> Option<Alarm> {
    let work = work(cycles, bounds.growing_cycles)?;
    let (to, from) = (work.first()?.left, work.last()?.left);
    let has_never_fallen = work.is_sorted_by(|newer, older| newer.left >= older.left);
    (has_never_fallen && from > 0 && to > from).then_some(Alarm::BacklogGrows {
        cycles: bounds.growing_cycles,
        from,
        to,
    })
}

fn credential(
    at: DateTime<Utc>,
    first_of_several: bool,
    bounds: &Bounds,
    now: DateTime<Utc>,
) -> Option<Alarm> {
    let days = (at - now).num_days();
    (days < bounds.credential_days.into()).then(|| Alarm::CredentialEnds {
        at,
        days,
        soon: days < bounds.credential_days_again.into(),
        first_of_several,
    })
}

fn plan_waits(cycles: &[CycleEnd]) -> Option<Alarm> {
    let newest = cycles.iter().find_map(|cycle| match &cycle.how {
        Ending::Complete { waiting, .. } => Some(*waiting),
        Ending::Failed => None,
    });
    let (plan, steps) = newest??;
    Some(Alarm::PlanWaits { plan, steps })
}

fn left_alone(cycles: &[CycleEnd]) -> Option<Alarm> {
    // A failed cycle says nothing of it.
    let newest = cycles.iter().find_map(|cycle| match &cycle.how {
        Ending::Complete { left_alone, .. } => Some(*left_alone),
        Ending::Failed => None,
    });
    newest
        .filter(|guests| *guests > 0)
        .map(|guests| Alarm::LeftAlone { guests })
}
