//! The conditions under which a reading took place: clock, permissions, credential, and what it asked of Graph.

use innkeeper_domain::observation::Counts;
use innkeeper_graph::Requests;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// By so many seconds the clocks may differ before that is worth a word.
const WORTH_A_WORD: i64 = 60;

/// With one of these an application may read itself; none of them is needed for anything else.
const SELF: [&str; 3] = [
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
];

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Holds the clock against Graph's, after the first answer. When it is too far off nothing is concluded: a day that
    /// begins at the wrong hour, or a token that is not valid yet, is the least of it.
    pub(super) fn check_clock(&self) -> Result<Option<i64>, CycleError> {
        let Some(theirs) = self.tenant.reader.server_clock() else {
            return Ok(None);
        };
        let seconds = (self.clock.now() - theirs).num_seconds();
        if seconds.abs() > self.policy.limits.eyes.clock_skew.num_seconds() {
            return Err(CycleError::ClockSkew { seconds });
        }
        if seconds.abs() > WORTH_A_WORD {
            warn!(
                seconds,
                "this machine's clock differs from Graph's; let it be set by NTP"
            );
        }
        Ok(Some(seconds))
    }

    /// Writes down what the reading asked of Graph.
    pub(super) fn note_requests(&self, counts: &mut Counts, before: Requests) {
        let Requests {
            requests,
            retries,
            throttled,
        } = self.tenant.reader.requests();
        counts.requests = requests - before.requests;
        counts.retries = retries - before.retries;
        counts.throttled = throttled - before.throttled;
    }

    /// Notes with which permissions it is read, and where they allow it when the client secret ends.
    pub(super) async fn note_credential(&self, counts: &mut Counts) -> Result<(), CycleError> {
        let roles = match self.tenant.reader.roles().await {
            Ok(roles) => roles,
            Err(error) => {
                warn!(%error, "the permissions cannot be told");
                counts.permissions = None;
                return Ok(());
            }
        };
        counts.secret_ends = if SELF.iter().any(|role| roles.contains(*role)) {
            let now = self.clock.now();
            match self
                .unless_stopped(self.tenant.reader.own_secret_end(now))
                .await?
            {
                Ok(end) => end,
                Err(error) => {
                    warn!(%error, "when the client secret ends cannot be read; what was read last counts");
                    let mut tx = self.store.read().await?;
                    let last = tx.last_observation(self.tenant.id).await?;
                    last.and_then(|last| last.counts.secret_ends)
                }
            }
        } else {
            None
        };
        counts.permissions = Some(roles.into_iter().collect());
        Ok(())
    }
}
