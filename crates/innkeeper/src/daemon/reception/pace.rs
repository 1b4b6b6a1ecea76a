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
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
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

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_there_is_room_for_ten_a_second() {
        let pace = Pace::default();
        let mut admitted = || (0..1_000).filter(|_| pace.admits()).count();
        assert_eq!(admitted(), 40);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(admitted(), 10);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(admitted(), 40);
    }
}
