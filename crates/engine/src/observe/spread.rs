//! Spreading the pages of a whole reading over time, instead of asking for them as fast as Graph allows.
//!
//! Invariants: it waits between two pages and holds nothing meanwhile, so that no other request waits for it; and it
//! never waits beyond the time that it was given.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The longest time between two pages. How long Graph knows a place in a listing is not documented; of the logs' places
/// minutes are reported.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait for the next page, so that the last one is asked for when the time is over: `done` of about `of` guests
/// were read, so many a page.
pub(super) fn gap(
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    done: u64,
    of: u64,
    a_page: u64,
) -> Duration {
    let left = (until - now).to_std().unwrap_or(Duration::ZERO);
    let pages = of.saturating_sub(done).div_ceil(a_page.max(1)).max(1);
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    (left / pages).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn start() -> DateTime<Utc> {
        "2027-01-04T06:00:00Z".parse().unwrap()
    }

    /// When each page of so many guests is asked for, in seconds, where an answer takes so long.
    async fn asked(guests: u64, a_page: u64, answer: Duration, time: Duration) -> Vec<u64> {
        let began = Instant::now();
        let (mut done, mut asked) = (0, Vec::new());
        while done < guests {
            asked.push(began.elapsed().as_secs());
            tokio::time::sleep(answer).await;
            done += a_page;
            if done < guests {
                let now = start() + began.elapsed();
                tokio::time::sleep(gap(now, start() + time, done, guests, a_page)).await;
            }
        }
        asked
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_spread_evenly_and_the_last_is_asked_for_when_the_time_is_over() {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let asked = asked(100_000, 500, Duration::from_secs(1), minutes(100)).await;
        assert_eq!(asked.len(), 200);
        let gaps: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // The answers take their share of what is left.
        assert!(gaps.iter().all(|gap| (26..=32).contains(gap)), "{gaps:?}");
        assert_eq!(asked.last(), Some(&6_000));
    }

    #[tokio::test(start_paused = true)]
    async fn between_two_pages_no_more_than_a_minute_passes() {
        let asked = asked(2_000, 500, Duration::ZERO, Duration::from_secs(86_400)).await;
        assert_eq!(asked, [0, 60, 120, 180]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_time_is_over_there_is_no_wait() {
        let asked = asked(
            2_000,
            500,
            Duration::from_secs(50),
            Duration::from_secs(100),
        )
        .await;
        assert_eq!(asked, [0, 66, 116, 166]);
    }

    #[test]
    fn more_guests_than_were_counted_and_a_clock_set_back_make_no_long_wait() {
        let until = start() + LONGEST * 10;
        assert_eq!(gap(start(), until, 900, 800, 500), LONGEST);
        assert_eq!(gap(until, until, 900, 800, 500), Duration::ZERO);
        assert_eq!(gap(start() - LONGEST * 999, until, 0, 800, 0), LONGEST);
        assert_eq!(gap(until + LONGEST, until, 0, 800, 500), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_at_once() {
        let stop = CancellationToken::new();
        let wait = gap(start(), start() + LONGEST * 9, 500, 1_000, 500);
        let waiting = stop.run_until_cancelled(tokio::time::sleep(wait));
        let began = Instant::now();
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.cancel();
        };
        let (waited, ()) = tokio::join!(waiting, stopping);
        assert_eq!(waited, None);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }
}
