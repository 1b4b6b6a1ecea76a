//! Trying again.
//!
//! Invariants: attempts, each wait and the whole time are bounded; a write is tried again only where it certainly did
//! not happen.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tracing::warn;

use crate::client::Connection;
use crate::error::{GraphError, WriteError};

/// The longest wait between two attempts when Graph does not say how long.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// An attempt that failed.
pub(crate) struct Failed {
    pub(crate) error: GraphError,
    /// The request was certainly not carried out.
    pub(crate) certain: bool,
}

impl Failed {
    /// Nothing was sent, or what was sent was turned down.
    pub(crate) fn certainly(error: GraphError) -> Self {
        Self {
            error,
            certain: true,
        }
    }

    /// It may have been carried out.
    pub(crate) fn perhaps(error: GraphError) -> Self {
        Self {
            error,
            certain: false,
        }
    }

    /// Graph answered with a failure. Of these only a server's own troubles leave open what became of the request:
    /// Graph may answer 503 or 504 to a write that it carried out.
    pub(crate) fn answered(error: GraphError) -> Self {
        let certain = !matches!(error, GraphError::Unavailable { .. });
        Self { error, certain }
    }
}

impl From<Failed> for GraphError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl From<Failed> for WriteError {
    fn from(Failed { error, certain }: Failed) -> Self {
        if certain {
            Self::Refused(error)
        } else {
            Self::Unclear(error)
        }
    }
}

/// The attempts at one request.
pub(crate) struct Attempts<'c> {
    connection: &'c Connection,
    backoff: ExponentialBackoff,
    started: Instant,
}

impl Connection {
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        let settings = &self.settings;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(settings.backoff)
            .with_max_delay(LONGEST_BACKOFF.max(settings.backoff))
            .with_max_times(settings.attempts.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(self.counters.draw(settings.seed));
        Attempts {
            connection: self,
            backoff: backoff.build(),
            started: Instant::now(),
        }
    }
}

impl Attempts<'_> {
    /// After a failed attempt at a read: returns when it is time for another one, or with the failure when there is none.
    pub(crate) async fn again(&mut self, failed: Failed) -> Result<(), Failed> {
        let Self {
            connection,
            backoff,
            started,
        } = self;
        let settings = &connection.settings;
        if !failed.error.is_transient() {
            return Err(failed);
        }
        let Some(delay) = backoff.next() else {
            return Err(failed);
        };
        let wait = failed.error.retry_after().unwrap_or(delay);
        if wait > settings.patience || started.elapsed() + wait > settings.longest {
            return Err(failed);
        }
        // "On a new connection" is the advice for 503: the one at hand leads to a machine in trouble.
        if failed.error.answered().is_some_and(|it| it.status == 503) {
            connection.reconnect();
        }
        connection.counters.retries.fetch_add(1, Ordering::Relaxed);
        warn!(error = %failed.error, wait = wait.as_secs_f64(), "a request to Graph is tried again");
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The same for a write, for which there is no other attempt unless the one that failed certainly did nothing.
    pub(crate) async fn again_if_certain(&mut self, failed: Failed) -> Result<(), Failed> {
        if failed.certain {
            self.again(failed).await
        } else {
            Err(failed)
        }
    }
}
