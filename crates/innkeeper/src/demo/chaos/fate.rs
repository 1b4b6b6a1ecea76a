//! What befalls the process itself: it dies, its database goes away, its lease is taken. By the seed, at a boundary.
//!
//! A boundary is the moment right before or right after a commit or a request. Both are told of by an event in the one
//! place that commits and the one place that sends, so a new step has its boundaries without being listed anywhere.
//!
//! Invariant: whoever dies at a boundary goes no further than it. The work is unwound from there, which runs no more of it
//! than a process that is killed: nothing is committed, sent or given back after it.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use anyhow::Result;
use chrono::TimeDelta;
use futures_util::FutureExt;
use innkeeper_domain::ids::TenantId;
use innkeeper_engine::{Clock, SystemClock};
use innkeeper_simulator::Dice;
use innkeeper_store::Store;
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use uuid::Uuid;

/// What happens to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lives,
    /// It dies at this boundary.
    Dies(u64),
    /// Its database cannot be reached from this boundary on.
    LosesDatabase(u64),
    /// Another process takes its lease around this boundary.
    LosesLease(u64),
}

/// Boundaries of a cycle, about.
const BOUNDARIES: u64 = 220;

/// Days out of a thousand on which something befalls the process.
const EVENTFUL: u64 = 350;

/// Times out of a thousand that whoever is started again fares no better.
const AGAIN: u64 = 300;

/// What befalls the processes of a day, one after the other. The last one lives.
pub(super) fn of_day(seed: u64, day: u32) -> Vec<Fate> {
    let mut dice = Dice::of(&[seed, u64::from(day), 0x000f_a7e5]);
    let mut fates = Vec::new();
    let mut chance = EVENTFUL;
    while dice.per_mille(chance) {
        // Early and late boundaries alike, and steps more often than pages.
        let at = 1 + match dice.below(3) {
            0 => dice.below(BOUNDARIES / 8),
            1 => dice.below(BOUNDARIES / 2),
            _ => dice.below(BOUNDARIES),
        };
        fates.push(match dice.below(6) {
            0 => Fate::LosesDatabase(at),
            1 => Fate::LosesLease(at),
            _ => Fate::Dies(at),
        });
        chance = AGAIN;
    }
    fates.push(Fate::Lives);
    fates
}

/// How a piece of work ended.
pub(super) enum Ended<T> {
    /// By itself, whatever it came to.
    Alive(T),
    Dead,
}

/// What unwinds.
struct Death;

/// Counts boundaries, and carries out the fate.
struct Teller {
    fate: Fate,
    passed: AtomicU64,
    is_due: Arc<AtomicBool>,
    store: Store,
}

/// Does a piece of work that a fate awaits. `store` is the one that it works on.
pub(super) async fn befall<T>(
    fate: Fate,
    store: &Store,
    tenant: TenantId,
    url: &str,
    work: impl Future<Output = T>,
) -> Result<Ended<T>> {
    if fate == Fate::Lives {
        return Ok(Ended::Alive(work.await));
    }
    let is_due = Arc::new(AtomicBool::new(false));
    let teller = Teller {
        fate,
        passed: AtomicU64::new(0),
        is_due: is_due.clone(),
        store: store.clone(),
    };
    let work = AssertUnwindSafe(work.with_subscriber(teller)).catch_unwind();
    let mut work = std::pin::pin!(work);
    loop {
        // Only between two steps of the work: so the same seed takes the lease at the same place.
        let ended = std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if is_due.swap(false, Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match ended.await {
            Some(Ok(done)) => return Ok(Ended::Alive(done)),
            Some(Err(death)) if death.is::<Death>() => return Ok(Ended::Dead),
            Some(Err(panic)) => resume_unwind(panic),
            // Whoever writes just then is let go on, and keeps its lease.
            None => _ = tokio::time::timeout(PATIENCE, take_lease(url, tenant)).await,
        }
    }
}

/// How long a transaction that is under way may keep the lease from being taken.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(300);

/// Takes the lease from whoever holds it, and lets it run out at once.
pub(super) async fn take_lease(url: &str, tenant: TenantId) -> Result<()> {
    let store = Store::open(url).await?;
    let later = SystemClock.now() + TimeDelta::hours(1);
    let mut tx = store.begin().await?;
    tx.acquire_lease(tenant, Uuid::from_u128(7), later, TimeDelta::hours(-2))
        .await?;
    tx.commit().await?;
    store.close().await;
    Ok(())
}

impl Subscriber for Teller {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target().ends_with("::boundary")
    }

    fn event(&self, _: &Event<'_>) {
        let passed = 1 + self.passed.fetch_add(1, Ordering::Relaxed);
        match self.fate {
            Fate::Dies(at) if at == passed => resume_unwind(Box::new(Death)),
            Fate::LosesDatabase(at) if at == passed => match &self.store {
                // They are closed to newcomers when this returns; nobody waits for those who are inside.
                Store::Sqlite { write, read } => drop((write.close(), read.close())),
                Store::Postgres(pool) => drop(pool.close()),
            },
            Fate::LosesLease(at) if at == passed => self.is_due.store(true, Ordering::Relaxed),
            Fate::Lives | Fate::Dies(_) | Fate::LosesDatabase(_) | Fate::LosesLease(_) => {}
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
