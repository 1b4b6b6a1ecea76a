//! Virtual time.
//!
//! Two clocks run here. The virtual one is the tenant's: it runs at a chosen speed and jumps when it
//! is advanced. The other one paces Graph's limits: real time plus every advance, so that a virtual
//! clock that stands still cannot lock a client out, and an advance of a day empties the windows.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::second::Second;

/// The clock of a simulated tenant.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Virtual time at the last change of speed or advance.
    anchor: DateTime<Utc>,
    /// Real time at that moment.
    anchored: Instant,
    speed: f64,
    started: Instant,
    advanced: Duration,
}

/// The real time, to which a clock is set when no start is chosen, and by which a client's assertion may go.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulator asks the system: a virtual clock must start somewhere, and clients sign assertions by the real one"
)]
pub(crate) fn real_now() -> DateTime<Utc> {
    Utc::now()
}

impl Clock {
    pub(crate) fn new(start: DateTime<Utc>, speed: f64) -> Self {
        let now = Instant::now();
        Self {
            anchor: start,
            anchored: now,
            speed,
            started: now,
            advanced: Duration::ZERO,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        let passed = self.anchored.elapsed().as_secs_f64() * self.speed;
        let passed = Duration::try_from_secs_f64(passed).unwrap_or(Duration::ZERO);
        self.anchor + TimeDelta::from_std(passed).unwrap_or(TimeDelta::zero())
    }

    pub(crate) fn second(&self) -> Second {
        Second::of(self.now())
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.anchor = self.now();
        self.anchored = Instant::now();
        self.speed = speed;
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.anchor = self.now() + TimeDelta::from_std(by).unwrap_or(TimeDelta::zero());
        self.anchored = Instant::now();
        self.advanced += by;
    }

    /// The time by which limits are counted: real time plus all advances, since the start.
    pub(crate) fn pace(&self) -> Duration {
        self.started.elapsed() + self.advanced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_speed_zero_moves_only_when_advanced() {
        let start = DateTime::from_timestamp(1_764_000_000, 0).unwrap();
        let mut clock = Clock::new(start, 0.0);
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), start + TimeDelta::seconds(90));
        assert!(clock.pace() >= Duration::from_secs(90));
    }
}
