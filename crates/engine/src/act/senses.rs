//! What a fresh look goes by: the sign-in log where it can be read, which costs one request for many guests, and else
//! `signInActivity`, which Graph gives out ten times a minute.

use std::time::Duration;

use innkeeper_domain::observation::Observation;
use innkeeper_graph::Depth;
use tokio::time::Instant;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::observe::SignedIn;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How long a reading of the log is good for.
const GOOD: Duration = Duration::from_secs(30);

/// Guests that Graph lets us look at again in one go: what one `id in (..)` filter holds.
const IN_ONE_GO: usize = 15;

/// Guests looked at together where the log pays for it.
const BY_LOG: usize = 60;

/// What is known of sign-ins since the observation began.
pub(super) struct Senses<'p> {
    observation: &'p Observation,
    /// When the log was read last, and what it showed.
    log: Option<(Instant, SignedIn)>,
}

impl<'p> Senses<'p> {
    pub(super) fn of(observation: &'p Observation) -> Self {
        Self {
            observation,
            log: None,
        }
    }

    /// How many guests are looked at together.
    pub(super) fn in_one_go(&self) -> usize {
        if self.reads_log() { BY_LOG } else { IN_ONE_GO }
    }

    pub(super) fn depth(&self) -> Depth {
        if self.log.is_some() {
            Depth::WithoutSignIns
        } else {
            Depth::Whole
        }
    }

    /// Who signed in since the observation began; `None` without the log.
    pub(super) fn signed_in(&self) -> Option<&SignedIn> {
        self.log.as_ref().map(|(_, signed_in)| signed_in)
    }

    fn reads_log(&self) -> bool {
        self.observation.counts.logged_in.is_some()
    }

    /// Reads the log again where what is known of it is old.
    pub(super) async fn refresh<R: ReadDirectory, W: WriteDirectory>(
        &mut self,
        cycle: &Cycle<'_, R, W>,
    ) -> Result<(), CycleError> {
        let is_good = |(read, _): &(Instant, SignedIn)| read.elapsed() < GOOD;
        if !self.reads_log() || self.log.as_ref().is_some_and(is_good) {
            return Ok(());
        }
        let read = Instant::now();
        let signed_in = cycle.signed_in_since(self.observation.started).await?;
        self.log = signed_in.map(|signed_in| (read, signed_in));
        Ok(())
    }
}
