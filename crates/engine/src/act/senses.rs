//! What a fresh look goes by: the sign-in log where it can be read, which costs one request for many guests, and else
//! `signInActivity`, which Graph gives out ten times a minute.
//!
//! Invariant: what is known of the log is never older than [`GOOD`] when a step is attempted, counted from before it was
//! asked for. Where so many people sign in that reading all of it again takes longer, only the newest part is read
//! again; where even that takes longer, the log is given up for this cycle.
//!
//! The log has interactive sign-ins alone. A whole reading has just seen those that are not; after a reading of changes
//! nobody has seen them for a day or more, so what takes something away goes by `signInActivity` then, besides the log.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::observation::Observation;
use innkeeper_domain::verdict::Step;
use innkeeper_graph::Depth;
use tokio::time::Instant;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::observe::SignedIn;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How long a reading of the log is good for.
const GOOD: Duration = Duration::from_secs(30);

/// By how much readings of the newest part overlap, since entries appear some minutes late. What appears later still is
/// seen by the next cycle.
const OVERLAP: TimeDelta = TimeDelta::minutes(15);

/// Readings, one after the other, that may come too late before the log is given up.
const TRIES: usize = 4;

/// Guests that Graph lets us look at again in one go: what one `id in (..)` filter holds.
const IN_ONE_GO: usize = 15;

/// Guests looked at together where the log pays for it.
const BY_LOG: usize = 60;

/// What is known of sign-ins since the observation began.
pub(super) struct Senses {
    /// When the observation began.
    started: DateTime<Utc>,
    /// It read no sign-in times.
    changes_only: bool,
    log: Log,
}

/// What is known of the log.
enum Log {
    /// It is not read in this cycle: it could not be, or it is slower than people sign in.
    Unread,
    /// It is to be read from the observation's beginning on.
    Due,
    /// It was read.
    Read {
        signed_in: SignedIn,
        /// Before it was asked for the last time.
        asked: Instant,
        /// From when on it is read the next time.
        since: DateTime<Utc>,
    },
}

impl Senses {
    pub(super) fn of(observation: &Observation) -> Self {
        let reads_log = observation.counts.logged_in.is_some();
        Self {
            started: observation.started,
            changes_only: observation.counts.changes_only,
            log: if reads_log { Log::Due } else { Log::Unread },
        }
    }

    /// How many guests are looked at together before steps like this one.
    pub(super) fn in_one_go(&self, step: &Step) -> usize {
        match self.log {
            Log::Unread => IN_ONE_GO,
            Log::Due | Log::Read { .. } if self.needs_times(step) => IN_ONE_GO,
            Log::Due | Log::Read { .. } => BY_LOG,
        }
    }

    /// How much is looked at before steps that are attempted together.
    pub(super) fn depth(&self, steps: &[&Step]) -> Depth {
        match self.log {
            Log::Unread | Log::Due => Depth::Whole,
            Log::Read { .. } if steps.iter().any(|step| self.needs_times(step)) => Depth::Whole,
            Log::Read { .. } => Depth::WithoutSignIns,
        }
    }

    /// Whether the log is too little to go by.
    fn needs_times(&self, step: &Step) -> bool {
        self.changes_only && step.effect.is_destructive()
    }

    /// Who signed in since the observation began; `None` without the log.
    pub(super) fn signed_in(&self) -> Option<&SignedIn> {
        match &self.log {
            Log::Unread | Log::Due => None,
            Log::Read { signed_in, .. } => Some(signed_in),
        }
    }

    /// Before the log was asked for the last time; `None` without it.
    pub(super) fn asked(&self) -> Option<Instant> {
        match self.log {
            Log::Unread | Log::Due => None,
            Log::Read { asked, .. } => Some(asked),
        }
    }

    /// Reads the log again where what is known of it is old.
    pub(super) async fn refresh<R: ReadDirectory, W: WriteDirectory>(
        &mut self,
        cycle: &Cycle<'_, R, W>,
    ) -> Result<(), CycleError> {
        let read = |since| cycle.signed_in_since(since);
        self.refresh_by(read, || cycle.clock.now()).await
    }

    async fn refresh_by<F: Future<Output = Result<Option<SignedIn>, CycleError>>>(
        &mut self,
        read: impl Fn(DateTime<Utc>) -> F,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<(), CycleError> {
        let (mut signed_in, mut since) = match &mut self.log {
            Log::Unread => return Ok(()),
            Log::Read { asked, .. } if asked.elapsed() < GOOD => return Ok(()),
            Log::Due => (SignedIn::new(), self.started),
            Log::Read {
                signed_in, since, ..
            } => (std::mem::take(signed_in), *since),
        };
        self.log = Log::Due;
        for _ in 0..TRIES {
            let (asked, began) = (Instant::now(), now());
            let Some(read) = read(since).await? else {
                self.log = Log::Unread;
                return Ok(());
            };
            for (user, at) in read {
                let last = signed_in.entry(user).or_insert(at);
                *last = at.max(*last);
            }
            let is_slow = asked.elapsed() >= GOOD;
            if is_slow {
                since = self.started.max(began - OVERLAP);
                continue;
            }
            // Once all of it was too slow, it is never read again from the beginning.
            let since = if since > self.started {
                self.started.max(began - OVERLAP)
            } else {
                self.started
            };
            self.log = Log::Read {
                signed_in,
                asked,
                since,
            };
            return Ok(());
        }
        warn!(
            "people sign in faster than the sign-in log can be read; before each step of this cycle the guest's sign-in activity is read again instead, at ten requests a minute"
        );
        self.log = Log::Unread;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use innkeeper_domain::ids::GuestId;

    use super::*;

    fn start() -> DateTime<Utc> {
        "2027-01-04T06:00:00Z".parse().unwrap()
    }

    fn due() -> Senses {
        Senses {
            started: start(),
            changes_only: false,
            log: Log::Due,
        }
    }

    /// A log whose readings take so many seconds each. From when on it was read is noted, in minutes since the
    /// observation began, and each reading shows another guest.
    struct Slow {
        takes: RefCell<Vec<u64>>,
        began: Instant,
        asked: RefCell<Vec<i64>>,
        guests: Cell<u128>,
    }

    impl Slow {
        fn taking(seconds: &[u64]) -> Self {
            Self {
                takes: RefCell::new(seconds.iter().rev().copied().collect()),
                began: Instant::now(),
                asked: RefCell::default(),
                guests: Cell::default(),
            }
        }

        fn now(&self) -> DateTime<Utc> {
            // The observation took an hour.
            start() + TimeDelta::hours(1) + self.began.elapsed()
        }

        async fn read(&self, since: DateTime<Utc>) -> Result<Option<SignedIn>, CycleError> {
            self.asked
                .borrow_mut()
                .push((since - start()).num_minutes());
            let takes = self.takes.borrow_mut().pop().expect("no reading more");
            tokio::time::sleep(Duration::from_secs(takes)).await;
            self.guests.set(self.guests.get() + 1);
            let guest = GuestId(uuid::Uuid::from_u128(self.guests.get()));
            Ok(Some(SignedIn::from([(guest, self.now())])))
        }

        async fn refresh(&self, senses: &mut Senses) {
            let read = |since| self.read(since);
            let refreshed = senses.refresh_by(read, || self.now()).await;
            refreshed.expect("it can be read");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_is_read_fast_is_read_from_the_beginning_each_time_it_is_old() {
        let (log, mut senses) = (Slow::taking(&[1, 1]), due());
        log.refresh(&mut senses).await;
        log.refresh(&mut senses).await;
        assert_eq!(*log.asked.borrow(), [0], "it is good for a while");
        tokio::time::sleep(GOOD).await;
        log.refresh(&mut senses).await;
        assert_eq!(*log.asked.borrow(), [0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_takes_minutes_is_read_once_and_then_only_what_is_new() {
        let (log, mut senses) = (Slow::taking(&[200, 5, 5]), due());
        log.refresh(&mut senses).await;
        assert_eq!(*log.asked.borrow(), [0, 45]);
        assert_eq!(senses.signed_in().map(SignedIn::len), Some(2), "both count");
        assert!(senses.asked().is_some_and(|asked| asked.elapsed() < GOOD));
        tokio::time::sleep(GOOD).await;
        log.refresh(&mut senses).await;
        assert_eq!(*log.asked.borrow(), [0, 45, 48]);
        assert_eq!(senses.signed_in().map(SignedIn::len), Some(3));
        assert_eq!(senses.depth(&[]), Depth::WithoutSignIns);
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_is_slower_than_people_sign_in_is_given_up_for_the_cycle() {
        let (log, mut senses) = (Slow::taking(&[200, 60, 60, 60]), due());
        log.refresh(&mut senses).await;
        assert_eq!(senses.depth(&[]), Depth::Whole);
        assert!(senses.signed_in().is_none());
        log.refresh(&mut senses).await;
        assert_eq!(log.asked.borrow().len(), TRIES, "it is not tried again");
    }
}
