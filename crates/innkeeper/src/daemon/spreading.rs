//! Until when the daemon may take its time with a whole reading.
//!
//! Invariant: what follows the reading is left twice the time that it took the last time, and the next run is never
//! missed by waiting. While nobody knows how long it takes, in the first cycle after a start, nothing is spread.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;

/// How long the last cycle of each tenant took, but for waiting between pages.
#[derive(Debug, Default)]
pub(super) struct Spreading(Mutex<HashMap<TenantId, TimeDelta>>);

impl Spreading {
    fn lasted(&self) -> MutexGuard<'_, HashMap<TenantId, TimeDelta>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the pages of a reading that begins now may be spread, before the run that is due next.
    pub(super) fn until(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
        due: DateTime<Utc>,
        percent: u32,
    ) -> Option<DateTime<Utc>> {
        let needed = *self.lasted().get(&tenant)? * 2;
        let share = (due - now) / 100 * i32::try_from(percent).unwrap_or(0);
        let until = (now + share).min(due - needed);
        (until > now).then_some(until)
    }

    /// A cycle took so long, of which it waited so long between pages.
    pub(super) fn took(&self, tenant: TenantId, time: TimeDelta, waited: Duration) {
        let waited = TimeDelta::from_std(waited).unwrap_or_default();
        self.lasted()
            .insert(tenant, (time - waited).max(TimeDelta::zero()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        format!("2027-01-04T{hour:02}:{minute:02}:00Z")
            .parse()
            .unwrap()
    }

    fn tenant() -> TenantId {
        TenantId::derived(&[b"contoso"])
    }

    #[test]
    fn the_first_cycle_after_a_start_is_not_spread() {
        let spreading = Spreading::default();
        assert_eq!(spreading.until(tenant(), at(6, 0), at(12, 0), 50), None);
    }

    #[test]
    fn a_share_of_the_time_to_the_next_run_is_taken() {
        let spreading = Spreading::default();
        spreading.took(tenant(), TimeDelta::minutes(30), Duration::from_secs(1_200));
        let until = |percent| spreading.until(tenant(), at(6, 0), at(12, 0), percent);
        assert_eq!(until(50), Some(at(9, 0)));
        assert_eq!(until(80), Some(at(10, 48)));
        assert_eq!(until(0), None);
        let other = TenantId::derived(&[b"fabrikam"]);
        assert_eq!(spreading.until(other, at(6, 0), at(12, 0), 50), None);
    }

    #[test]
    fn what_follows_the_reading_is_left_twice_the_time_that_it_took() {
        let spreading = Spreading::default();
        spreading.took(tenant(), TimeDelta::minutes(150), Duration::ZERO);
        let until = |percent| spreading.until(tenant(), at(6, 0), at(12, 0), percent);
        assert_eq!(until(80), Some(at(7, 0)));
        spreading.took(tenant(), TimeDelta::hours(4), Duration::ZERO);
        assert_eq!(until(80), None);
    }
}
