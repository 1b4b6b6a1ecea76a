//! How fast the pages are served: a bucket that fills steadily.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Requests at once.
const BURST: f64 = 40.0;

/// Requests a second in the long run. People click; and even a link that is made up costs a hash.
const RATE: f64 = 10.0;

/// What is left in the bucket, and since when.
#[derive(Debug)]
pub(super) struct Pace(Mutex<(f64, Instant)>);

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new((BURST, Instant::now())))
    }
}

impl Pace {
    /// There is room for one more request.
    pub(super) fn admits(&self) -> bool {
        self.admits_at(Instant::now())
    }

    fn admits_at(&self, now: Instant) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = (now - bucket.1).as_secs_f64() * RATE;
        let left = (bucket.0 + filled).min(BURST);
        let is_room = left >= 1.0;
        *bucket = (if is_room { left - 1.0 } else { left }, now);
        is_room
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn after_a_burst_there_is_room_for_ten_a_second() {
        let pace = Pace::default();
        let start = pace.0.lock().expect("nobody panicked").1;
        let admitted = |seconds| {
            let now = start + Duration::from_secs(seconds);
            (0..1_000).filter(|_| pace.admits_at(now)).count()
        };
        assert_eq!(admitted(0), 40);
        assert_eq!(admitted(1), 10);
        assert_eq!(admitted(3_600), 40);
    }
}
