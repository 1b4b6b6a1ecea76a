//! Graph's limits, kept from this side: a request waits for its turn instead of being refused.
//!
//! Invariants: no stretch of time of a limit's length sees more than the limit allows, as Graph counts it, since a request
//! is counted until so long after its answer; who comes first goes first; when Graph asks to slow down, the whole kind
//! stops until then. What is left for this process is learnt: from refusals, and from the share of a limit that Graph
//! says is used up, since other processes may use the same application.
//!
//! A plain rate limiter does not do: Graph counts in windows, and a bucket that refills evenly either wastes a window's
//! beginning or overruns its end.

mod admissions;
mod one;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use self::one::{Admitted, Budget};
use crate::limits::{Limits, Quota};

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

/// What was let through, until it is dropped: then its answer is there, or it is given up.
pub(crate) struct Ticket<'b> {
    _lane: Option<SemaphorePermit<'b>>,
    _admitted: Vec<Admitted<'b>>,
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
