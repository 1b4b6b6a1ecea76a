//! What `plan` remembers of the verdicts as they come about: what it shows, and no more. A cycle does not keep them, and a
//! tenant can have a million guests of whom a screen shows twenty.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::policy::{Policy, RuleName};
use innkeeper_domain::verdict::{Conclusion, Verdict};
use innkeeper_engine::{Phase, Progress};

use crate::cli::Output;
use crate::progress::Bars;

/// Rows shown of what is due now.
pub(super) const DUE: usize = 1_000;

/// Rows shown of what comes next, and of what is not known.
pub(super) const COMING: usize = 20;

/// Bad dates shown one by one.
const BAD_DATES: usize = 5;

/// A verdict as it is shown.
pub(super) struct Row {
    pub(super) guest: GuestId,
    pub(super) upn: String,
    pub(super) verdict: &'static str,
    pub(super) rule: Option<RuleName>,
    pub(super) stage: Option<usize>,
    pub(super) action: Option<&'static str>,
    pub(super) due: Option<DateTime<Utc>>,
    pub(super) reason: String,
}

impl Row {
    fn of(view: &GuestView, verdict: &Verdict) -> Self {
        Self {
            guest: verdict.guest,
            upn: view.record.guest.upn.clone(),
            verdict: verdict.as_str(),
            rule: verdict.rule().cloned(),
            stage: verdict.stage(),
            action: verdict.action(),
            due: verdict.due(),
            reason: verdict.reason(),
        }
    }
}

/// The first rows by some order, and how many there are.
pub(super) struct First<K> {
    most: usize,
    rows: BTreeMap<K, Row>,
    all: usize,
}

impl<K: Ord> First<K> {
    fn of(most: usize) -> Self {
        Self {
            most,
            rows: BTreeMap::new(),
            all: 0,
        }
    }

    fn offer(&mut self, key: K, row: impl FnOnce() -> Row) {
        self.all += 1;
        let is_full = self.rows.len() >= self.most;
        let last = self.rows.last_key_value();
        if is_full && last.is_none_or(|(last, _)| *last < key) {
            return;
        }
        self.rows.insert(key, row());
        if self.rows.len() > self.most {
            self.rows.pop_last();
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// How many there are, shown or not.
    pub(super) fn all(&self) -> usize {
        self.all
    }
}

/// What is shown of the verdicts.
pub(super) struct Shown {
    /// Every verdict, where every one is asked for.
    pub(super) every: First<GuestId>,
    /// What is due now.
    pub(super) due: First<GuestId>,
    /// What comes next, the soonest first.
    pub(super) coming: First<(Option<DateTime<Utc>>, GuestId)>,
    /// What cannot be judged.
    pub(super) unknown: First<GuestId>,
    /// The first guests whose attribute is no date, by UPN, with what it is instead.
    pub(super) bad_dates: Vec<(String, String)>,
    /// How many have one.
    pub(super) bad_dates_in_all: usize,
}

/// Sees each verdict, while bars show how far the cycle is.
pub(super) struct Witness<'p> {
    pub(super) bars: Bars,
    policy: &'p Policy,
    wants_every: bool,
    shown: Mutex<Shown>,
}

impl<'p> Witness<'p> {
    pub(super) fn new(bars: Bars, policy: &'p Policy, output: Output) -> Self {
        let wants_every = match output {
            Output::Json | Output::Csv => true,
            Output::Table => false,
        };
        let shown = Shown {
            every: First::of(usize::MAX),
            due: First::of(DUE),
            coming: First::of(COMING),
            unknown: First::of(COMING),
            bad_dates: Vec::new(),
            bad_dates_in_all: 0,
        };
        Self {
            bars,
            policy,
            wants_every,
            shown: Mutex::new(shown),
        }
    }

    pub(super) fn shown(self) -> Shown {
        self.shown
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Witness<'_> {
    fn at(&self, phase: Phase, done: u64, total: Option<u64>) {
        self.bars.at(phase, done, total);
    }

    fn concluded(&self, view: &GuestView, verdict: &Verdict) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let row = || Row::of(view, verdict);
        if let Some(value) = self.policy.expiry.bad_date(&view.record.guest) {
            shown.bad_dates_in_all += 1;
            if shown.bad_dates.len() < BAD_DATES {
                let upn = view.record.guest.upn.clone();
                shown.bad_dates.push((upn, value.to_owned()));
            }
        }
        if self.wants_every {
            shown.every.offer(verdict.guest, row);
            return;
        }
        match &verdict.conclusion {
            Conclusion::Act(_) => shown.due.offer(verdict.guest, row),
            Conclusion::Wait(waiting) => {
                if waiting.next.is_some() {
                    shown.coming.offer((verdict.due(), verdict.guest), row);
                }
            }
            Conclusion::Unknown(_) => shown.unknown.offer(verdict.guest, row),
            Conclusion::Keep | Conclusion::Protected(_) => {}
        }
    }
}
