//! The conditions under which a reading took place: clock, permissions, and what it asked of Graph.

use innkeeper_domain::observation::Counts;
use innkeeper_graph::Requests;
use tracing::warn;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// By so many seconds the clocks may differ before that is worth a word.
const WORTH_A_WORD: i64 = 60;

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

    /// Writes down what the reading asked of Graph, and with which permissions.
    pub(super) async fn note_conditions(&self, counts: &mut Counts, before: Requests) {
        let Requests {
            requests,
            retries,
            throttled,
        } = self.tenant.reader.requests();
        counts.requests = requests - before.requests;
        counts.retries = retries - before.retries;
        counts.throttled = throttled - before.throttled;
        counts.permissions = match self.tenant.reader.roles().await {
            Ok(roles) => Some(roles.into_iter().collect()),
            Err(error) => {
                warn!(%error, "the permissions cannot be told");
                None
            }
        };
    }
}
