//! Graph's limits, kept from this side: a request waits for its turn instead of being refused.
//!
//! Invariants: no stretch of time of a limit's length sees more than the limit allows, as Graph counts it, since a request
//! is counted until so long after its answer; who comes first goes first; when Graph asks to slow down, the whole kind
//! stops until then. What is left for this process is learnt: from refusals,
//! and from the share of a limit that Graph says is used up, since other processes may use the same application.
//!
//! A plain rate limiter does not do: Graph counts in windows, and a bucket that refills evenly either wastes a window's
//! beginning or overruns its end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::limits::{Limit, Limits, Quota};

/// Which of Graph's limits a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads of the directory: resource units.
    Directory,
    /// Reads of `signInActivity`, which are reports as well.
    SignIns,
    /// Reads of the logs.
    Reports,
    /// Everything that changes the directory: resource units as well.
    Write,
    /// Mail.
    Mail,
}

/// The shares that are tried, in percent of what a quota allows at first.
const LEAST: u32 = 5;
const STEP: u32 = 25;

/// How long a ceiling holds that Graph has shown.
const CEILING_HOLDS: Duration = Duration::from_secs(86_400);

/// How long a kind rests when Graph refuses without saying how long.
const REST: Duration = Duration::from_secs(10);

/// The budgets of one application in one tenant.
#[derive(Debug)]
pub(crate) struct Budgets {
    sign_ins: Budget,
    reports: Budget,
    directory: Budget,
    writes: Budget,
    mail: Budget,
    mails: Semaphore,
}

/// One kind's budget.
#[derive(Debug)]
struct Budget {
    name: &'static str,
    quota: Quota,
    /// In percent, how much of the quota is used at most.
    share: u32,
    /// Whose turn it is; handed on in the order of asking.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What was let through, until it is dropped: then its answer is there, or it is given up.
pub(crate) struct Ticket<'b> {
    _lane: Option<SemaphorePermit<'b>>,
    _admitted: Vec<Admitted<'b>>,
}

/// An amount that is on its way.
struct Admitted<'b> {
    budget: &'b Budget,
    amount: u32,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.budget.state().answered(self.amount, Instant::now());
    }
}

#[derive(Debug)]
struct State {
    /// What is on its way. When it arrives, and so from when on Graph counts it, is not known.
    on_its_way: u32,
    /// What was answered within the longest stretch, and when.
    admitted: VecDeque<(Instant, u32)>,
    /// Nothing is let through before.
    closed_until: Option<Instant>,
    /// How much of the quota is believed to be ours, in percent.
    percent: u32,
    /// Not more than this was right, as Graph has shown, and since when it is known.
    ceiling: Option<(u32, Instant)>,
    /// Since when nothing has spoken against `percent`.
    calm_since: Instant,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits) -> Self {
        let budget = |name, quota: &Quota| Budget::new(name, quota.clone(), limits.share_percent);
        Self {
            sign_ins: budget("sign-in activity", &limits.sign_ins),
            reports: budget("reports", &limits.reports),
            directory: budget("resource units", &limits.directory),
            writes: budget("writes", &limits.writes),
            mail: budget("mail", &limits.mail),
            mails: Semaphore::new(limits.mails_at_once.max(1)),
        }
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&Budget, bool)> {
        // The flag says whether the amount is in resource units; else it is one for a request.
        let budgets: [Option<(&Budget, bool)>; 2] = match kind {
            Kind::Directory => [Some((&self.directory, true)), None],
            Kind::SignIns => [Some((&self.sign_ins, false)), Some((&self.reports, false))],
            Kind::Reports => [Some((&self.reports, false)), None],
            Kind::Write => [Some((&self.writes, false)), Some((&self.directory, true))],
            Kind::Mail => [Some((&self.mail, false)), None],
        };
        budgets.into_iter().flatten()
    }

    /// Returns when a request of this kind, or a batch of so many, may be sent. What is returned is held until it is
    /// answered: of mail only so many are on their way at once.
    pub(crate) async fn admit(&self, kind: Kind, requests: u32, units: u32) -> Ticket<'_> {
        let lane = match kind {
            Kind::Mail => self.mails.acquire().await.ok(),
            Kind::Directory | Kind::SignIns | Kind::Reports | Kind::Write => None,
        };
        let mut admitted = Vec::with_capacity(2);
        for (budget, in_units) in self.of(kind) {
            admitted.extend(budget.admit(if in_units { units } else { requests }).await);
        }
        Ticket {
            _lane: lane,
            _admitted: admitted,
        }
    }

    /// Graph refused a request of this kind.
    pub(crate) fn refused(&self, kind: Kind, retry_after: Option<Duration>) {
        // Which of several limits it was is not said reliably; the first is the narrower one.
        if let Some((budget, _)) = self.of(kind).next() {
            budget.refused(retry_after.unwrap_or(REST));
        }
    }

    /// Graph answered, and said how much of the limit is used up, as 0.8 to 1.8. Of which one is not said: it is the
    /// one that is used up most.
    pub(crate) fn used(&self, kind: Kind, part: f64) {
        let now = Instant::now();
        let shares = self.of(kind).map(|(budget, _)| (budget, budget.share(now)));
        let explaining: Vec<_> = shares.filter(|(_, share)| *share >= 0.9 * part).collect();
        if explaining.is_empty() {
            // More is used up than by this process.
            if let Some((budget, _)) = self.of(kind).next() {
                budget.used(part);
            }
            return;
        }
        let counting = explaining.iter().filter(|(budget, _)| budget.counts(part));
        // It can be no other limit, and this process has used as much of it as Graph says.
        if let [(budget, share)] = counting.collect::<Vec<_>>().as_slice()
            && (share / part - 1.0).abs() < 0.05
        {
            budget.confirmed(now);
        }
    }
}

impl Budget {
    fn new(name: &'static str, quota: Quota, share: u32) -> Self {
        Self {
            name,
            quota,
            share: share.clamp(LEAST, 100),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                on_its_way: 0,
                admitted: VecDeque::new(),
                closed_until: None,
                percent: 100,
                ceiling: None,
                calm_since: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn admit(&self, amount: u32) -> Option<Admitted<'_>> {
        if self.quota.limits.is_empty() {
            return None;
        }
        // Held while waiting: whoever comes meanwhile queues up behind.
        let _turn = self.turn.lock().await;
        loop {
            let wait = self.state().admit(self, amount, Instant::now());
            match wait {
                None => {
                    return Some(Admitted {
                        budget: self,
                        amount,
                    });
                }
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// What a limit allows now.
    fn allowed(&self, limit: u32, percent: u32) -> u32 {
        let allowed = u64::from(limit) * u64::from(percent) * u64::from(self.share) / 10_000;
        u32::try_from(allowed).unwrap_or(u32::MAX).max(1)
    }

    fn longest(&self) -> Duration {
        let lengths = self.quota.limits.iter().map(|limit| limit.within);
        lengths.max().unwrap_or_default()
    }

    fn refused(&self, retry_after: Duration) {
        if self.quota.limits.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.state();
        let until = now + retry_after;
        let is_new = state.closed_until.is_none_or(|closed| now >= closed);
        state.closed_until = state.closed_until.max(Some(until));
        // Several requests on their way are refused together; that is one sign, not several.
        if is_new {
            if state.percent > 100 {
                state.ceiling = Some((100, now));
                state.percent = 100;
                self.drained_evenly(&mut state, retry_after, now);
            } else {
                state.percent = (state.percent / 2).max(LEAST);
            }
            info!(
                limit = self.name,
                percent = state.percent,
                wait = retry_after.as_secs_f64(),
                "Graph asked to slow down"
            );
        }
        state.calm_since = until;
    }

    /// A wait for one request's share of the stretch tells of a bucket that leaks, and that is full: from now on one
    /// request goes after the other, as it leaks. What was let through says less, since it was too much.
    fn drained_evenly(&self, state: &mut State, retry_after: Duration, now: Instant) {
        let Some(limit) = self.quota.limits.first() else {
            return;
        };
        let allowed = self.allowed(limit.requests, state.percent);
        let each = limit.within / allowed;
        if retry_after > each * 3 / 2 {
            return;
        }
        let leaking = (1..=allowed).filter_map(|nth| (now + each * nth).checked_sub(limit.within));
        state.admitted = leaking.map(|at| (at, 1)).collect();
    }

    /// How much of its fullest limit was used by this process.
    fn share(&self, now: Instant) -> f64 {
        let state = self.state();
        let share = |limit: &Limit| {
            f64::from(state.within(limit.within, now)) / f64::from(limit.requests.max(1))
        };
        self.quota.limits.iter().map(share).fold(0.0, f64::max)
    }

    /// Whether a whole number of requests makes such a part of a limit; of five, 0.9 does not.
    fn counts(&self, part: f64) -> bool {
        let is_whole = |limit: &Limit| {
            let used = f64::from(limit.requests) * part;
            // Parts have two decimals.
            (used - used.round()).abs() <= 0.005 * f64::from(limit.requests) + 0.01
        };
        self.quota.limits.iter().any(is_whole)
    }

    /// The limit is as documented: nothing above it need be tried.
    fn confirmed(&self, now: Instant) {
        let mut state = self.state();
        if state.percent <= 100 {
            state.ceiling = Some((100, now));
        }
    }

    fn used(&self, part: f64) {
        let Some(limit) = self.quota.limits.first() else {
            return;
        };
        let now = Instant::now();
        let mut state = self.state();
        let ours = state.within(limit.within, now);
        // So much is ours when nobody else uses the application; less when somebody does.
        let whole = f64::from(ours) / part.max(0.01);
        let percent = 100.0 * whole / f64::from(limit.requests.max(1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 5 and 1000"
        )]
        let percent = percent.clamp(f64::from(LEAST), 1_000.0) as u32;
        if percent < state.percent && part >= 0.95 {
            state.percent = percent;
            state.calm_since = now;
            debug!(limit = self.name, percent, "others use the same limit");
        }
    }
}

impl State {
    fn answered(&mut self, amount: u32, now: Instant) {
        self.on_its_way = self.on_its_way.saturating_sub(amount);
        self.admitted.push_back((now, amount));
    }

    /// Lets an amount through, or says how long to wait before asking again.
    fn admit(&mut self, budget: &Budget, amount: u32, now: Instant) -> Option<Duration> {
        let longest = budget.longest();
        while self
            .admitted
            .front()
            .is_some_and(|(at, _)| *at + longest <= now)
        {
            self.admitted.pop_front();
        }
        if let Some(until) = self.closed_until {
            if now < until {
                return Some(until - now);
            }
            self.closed_until = None;
        }
        let wait = self.wait(budget, amount, now);
        if wait.is_zero() {
            self.on_its_way = self.on_its_way.saturating_add(amount);
            return None;
        }
        // Having to wait shows that all of it is used; a whole stretch without a word of Graph's, that it is right.
        if now.saturating_duration_since(self.calm_since) >= longest {
            self.grow(budget, now);
        }
        Some(wait)
    }

    fn grow(&mut self, budget: &Budget, now: Instant) {
        let highest = match self.ceiling {
            Some((ceiling, since)) if now < since + CEILING_HOLDS => ceiling,
            Some(_) | None => budget.quota.at_best_percent.max(100),
        };
        self.calm_since = now;
        if self.percent < highest {
            self.percent = (self.percent + STEP).min(highest);
            debug!(limit = budget.name, percent = self.percent, "tried");
        }
    }

    /// How long to wait under all limits.
    fn wait(&self, budget: &Budget, amount: u32, now: Instant) -> Duration {
        let under = |limit: &Limit| {
            let allowed = budget.allowed(limit.requests, self.percent);
            // What is larger than the limit goes alone.
            let mut room = allowed.saturating_sub(amount);
            // What is on its way arrives now at the earliest.
            let on_its_way = (now, self.on_its_way);
            let newest_first = std::iter::once(&on_its_way).chain(self.admitted.iter().rev());
            for (at, amount) in newest_first {
                if *at + limit.within <= now {
                    break;
                }
                match room.checked_sub(*amount) {
                    Some(left) => room = left,
                    None => return *at + limit.within - now,
                }
            }
            Duration::ZERO
        };
        let limits = budget.quota.limits.iter();
        limits.map(under).max().unwrap_or_default()
    }

    /// What was let through in the last stretch of this length, and what is on its way.
    fn within(&self, length: Duration, now: Instant) -> u32 {
        let recent = self.admitted.iter().rev();
        recent
            .take_while(|(at, _)| *at + length > now)
            .fold(self.on_its_way, |sum, (_, amount)| {
                sum.saturating_add(*amount)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn budget(requests: u32, within: Duration, at_best_percent: u32) -> Budget {
        let limits = vec![Limit { requests, within }];
        let quota = Quota {
            limits,
            at_best_percent,
        };
        Budget::new("test", quota, 100)
    }

    /// The times, in seconds, at which so many requests are let through.
    async fn times(budget: &Budget, requests: usize) -> Vec<u64> {
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..requests {
            budget.admit(1).await;
            times.push(start.elapsed().as_secs());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn no_stretch_of_time_sees_more_than_its_limit_and_none_is_wasted() {
        let limits = [(5, 11), (10, 61)].map(|(requests, seconds)| Limit {
            requests,
            within: Duration::from_secs(seconds),
        });
        let quota = Quota {
            limits: limits.to_vec(),
            at_best_percent: 100,
        };
        let times = times(&Budget::new("test", quota, 100), 40).await;
        for limit in limits {
            let beyond = times.iter().skip(limit.requests as usize);
            for (first, beyond) in times.iter().zip(beyond) {
                assert!(beyond - first >= limit.within.as_secs());
            }
        }
        // Ten at once in two fives, and then ten a minute: not slower than the limits ask for.
        assert_eq!(times.last(), Some(&(3 * 61 + 11)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_never_spoken_against_is_tried_higher_until_the_best() {
        let budget = budget(10, MINUTE, 300);
        let times = times(&budget, 600).await;
        let in_minute = |from: u64| {
            times
                .iter()
                .filter(move |at| (from..from + 60).contains(*at))
        };
        let most = times.iter().map(|from| in_minute(*from).count()).max();
        assert_eq!(most, Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn after_one_refusal_of_a_higher_try_the_documented_limit_is_kept() {
        let budget = budget(10, MINUTE, 300);
        while budget.state().percent == 100 {
            budget.admit(1).await;
        }
        budget.refused(Duration::from_secs(30));
        let after = times(&budget, 200).await;
        assert_eq!(after[0], 30, "the whole kind rests");
        assert!(after[199] - after[0] >= 60 * 18, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_others_use_the_same_limit_half_is_taken_and_given_back_in_steps() {
        let budget = budget(100, MINUTE, 100);
        for _ in 0..50 {
            budget.admit(1).await;
        }
        // Fifty are ours, and yet the limit is used up.
        budget.used(1.0);
        assert_eq!(budget.state().percent, 50);
        times(&budget, 600).await;
        assert_eq!(budget.state().percent, 100, "nobody complained any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_polite_process_keeps_to_its_share() {
        let limits = vec![Limit {
            requests: 100,
            within: MINUTE,
        }];
        let quota = Quota {
            limits,
            at_best_percent: 100,
        };
        let times = times(&Budget::new("test", quota, 80), 240).await;
        assert_eq!(times.last(), Some(&120), "eighty a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_mails_are_on_their_way_at_once() {
        let budgets = Budgets::new(&Limits {
            mails_at_once: 2,
            ..Limits::none()
        });
        let first = budgets.admit(Kind::Mail, 1, 1).await;
        let _second = budgets.admit(Kind::Mail, 1, 1).await;
        let third = budgets.admit(Kind::Mail, 1, 1);
        assert!(
            tokio::time::timeout(MINUTE, third).await.is_err(),
            "the third waits"
        );
        drop(first);
        budgets.admit(Kind::Mail, 1, 1).await;
    }

    /// Graph's own count of the two limits of sign-in activity, in windows or in buckets.
    struct Counted {
        limits: [(f64, f64); 2],
        in_windows: bool,
        since: [Option<Instant>; 2],
        used: [f64; 2],
    }

    impl Counted {
        fn new(in_windows: bool) -> Self {
            Self {
                limits: [(10.0, 60.0), (5.0, 10.0)],
                in_windows,
                since: [None; 2],
                used: [0.0; 2],
            }
        }

        /// How much is used up, and how long to wait if that is too much.
        fn count(&mut self, now: Instant) -> (f64, Option<Duration>) {
            let (mut part, mut wait): (f64, f64) = (0.0, 0.0);
            for (index, (limit, seconds)) in self.limits.into_iter().enumerate() {
                let since = self.since[index].unwrap_or(now);
                let passed = (now - since).as_secs_f64();
                let ended = passed >= seconds;
                if !self.in_windows {
                    self.used[index] = (self.used[index] - passed * limit / seconds).max(0.0);
                } else if ended {
                    self.used[index] = 0.0;
                }
                let begins = ended || !self.in_windows;
                self.since[index] = Some(if begins { now } else { since });
                self.used[index] += 1.0;
                part = part.max(self.used[index] / limit);
                let over = self.used[index] - limit;
                if over > 1e-6 {
                    wait = wait.max(if self.in_windows {
                        seconds - passed
                    } else {
                        over * seconds / limit
                    });
                }
            }
            (part, (wait > 0.0).then(|| Duration::from_secs_f64(wait)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sign_in_activity_is_read_as_fast_as_graph_allows_and_tried_faster_once_at_most() {
        for (in_windows, tells_parts, most) in [
            (true, true, 0),
            (true, false, 1),
            (false, true, 1),
            (false, false, 1),
        ] {
            let budgets = Budgets::new(&Limits::documented());
            let mut graph = Counted::new(in_windows);
            let (started, mut refused) = (Instant::now(), 0);
            let mut pages = 0;
            while pages < 200 {
                // The way there takes now a moment, now longer.
                let way = if pages % 10 == 0 { 500 } else { 10 };
                let ticket = budgets.admit(Kind::SignIns, 1, 1).await;
                tokio::time::sleep(Duration::from_millis(way)).await;
                let (part, wait) = graph.count(Instant::now());
                tokio::time::sleep(Duration::from_millis(100)).await;
                if tells_parts && part >= 0.8 {
                    budgets.used(Kind::SignIns, part);
                }
                match wait {
                    None => pages += 1,
                    Some(wait) => {
                        refused += 1;
                        budgets.refused(Kind::SignIns, Some(wait));
                        drop(ticket);
                        tokio::time::sleep(wait).await;
                    }
                }
            }
            let ratio = (MINUTE * 19).as_secs_f64() / started.elapsed().as_secs_f64();
            let case =
                format!("{in_windows} {tells_parts}: {ratio} of the bound, {refused} refused");
            assert!(ratio >= 0.97 && refused <= most, "{case}");
        }
    }
}
