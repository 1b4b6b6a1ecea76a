//! The daemon's look at its alarms, by a timer of its own: a cycle that hangs cannot tell that it does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use innkeeper_engine::Clock;
use innkeeper_store::Store;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Look, Silence, Watch};
use crate::simulation::InstallationClock;

/// A leap of the clock by more than this is no passing of time: the machine slept, or a clock was set.
const LEAP: TimeDelta = TimeDelta::minutes(10);

/// How long a followed clock may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks until asked to stop; `report` has the log.
pub(crate) async fn look_often(
    watch: Arc<Mutex<Arc<Watch>>>,
    store: Store,
    clock: Arc<InstallationClock>,
    stop: CancellationToken,
    report: impl Fn(&str, Look),
) {
    // A cycle that begins now has to have its chance first.
    let chance = match &*clock {
        InstallationClock::System => Duration::from_secs(600),
        InstallationClock::Followed { .. } => Duration::from_secs(10),
    };
    let started = clock.now();
    let (mut last, mut awake) = (started, Instant::now());
    while stop
        .run_until_cancelled(tokio::time::sleep(clock.patience()))
        .await
        .is_some()
    {
        // The daemon itself tells when it cannot be read.
        let _ = timeout(PATIENCE, clock.refresh()).await;
        let now = clock.now();
        if (now - last).abs() > LEAP {
            awake = Instant::now();
        }
        last = now;
        let silence = if awake.elapsed() >= chance {
            Silence::Judged
        } else {
            Silence::NotYet
        };
        let watch = watch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for watched in &watch.tenants {
            let look = watch.look(&store, watched, silence, started, now).await;
            report(&watched.name, look);
        }
    }
}
