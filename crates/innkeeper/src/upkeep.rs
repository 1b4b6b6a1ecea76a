//! What follows a cycle: what has had its time is let go, and the journal's head is written down elsewhere.
//!
//! Invariant: nothing here fails a cycle; a cycle lets go of a bounded number of things, and of no fewer than it can add.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Anchor;
use innkeeper_engine::Clock;
use innkeeper_store::Store;
use tokio_util::sync::CancellationToken;

use crate::anchor;
use crate::config::Retention;
use crate::installation::Installation;

/// Things of each kind let go in one transaction.
const PRUNED: u32 = 1_000;

/// Guests whose data is erased in one transaction.
const ERASED: u32 = 200;

/// Transactions after one cycle at most: enough for whatever a cycle can add, or old things would pile up behind.
const ROUNDS: usize = 200;

/// What was let go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LetGo {
    pub(crate) observations: u64,
    pub(crate) plans: u64,
    pub(crate) actions: u64,
    /// Whose data was erased.
    pub(crate) guests: u64,
}

/// What upkeep came to.
pub(crate) struct Upkeep {
    pub(crate) let_go: LetGo,
    /// The journal's head; `None` while it has none.
    pub(crate) head: Option<Anchor>,
    /// What went wrong.
    pub(crate) warnings: Vec<anyhow::Error>,
}

/// After a cycle of a tenant. Nothing is let go after one that failed.
pub(crate) async fn after_cycle(
    installation: &Installation,
    tenant: TenantId,
    has_succeeded: bool,
    stop: &CancellationToken,
) -> Upkeep {
    let Installation {
        config,
        store,
        clock,
    } = installation;
    let now = clock.now();
    let mut upkeep = Upkeep {
        let_go: LetGo::default(),
        head: None,
        warnings: Vec::new(),
    };
    if has_succeeded {
        let judged = config.alarms.idle_cycles.max(config.alarms.growing_cycles);
        let mut let_go = LetGo::default();
        for _ in 0..ROUNDS {
            match round(config.retention, store, tenant, judged, now).await {
                Ok(Round { gone, is_last }) => {
                    let_go.add(gone);
                    if is_last || stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    upkeep.warnings.push(error);
                    break;
                }
            }
        }
        upkeep.let_go = let_go;
    }
    match head(store, tenant, now).await {
        Ok(Some(head)) => {
            let failures = anchor::write(&config.journal, &head, stop).await;
            upkeep.warnings.extend(failures);
            upkeep.head = Some(head);
        }
        Ok(None) => {}
        Err(error) => upkeep.warnings.push(error),
    }
    upkeep
}

impl LetGo {
    fn add(&mut self, other: Self) {
        let Self {
            observations,
            plans,
            actions,
            guests,
        } = other;
        self.observations += observations;
        self.plans += plans;
        self.actions += actions;
        self.guests += guests;
    }
}

/// One transaction's worth of letting go.
struct Round {
    gone: LetGo,
    /// Nothing is left of what has had its time.
    is_last: bool,
}

async fn round(
    retention: Retention,
    store: &Store,
    tenant: TenantId,
    judged: u32,
    now: DateTime<Utc>,
) -> Result<Round> {
    let Retention {
        observations_days,
        plans_days,
        actions_days,
        removed_guests_days,
    } = retention;
    let before = |days: u32| now - TimeDelta::days(days.into());
    let pruned = async {
        let mut tx = store.begin().await?;
        let (seen, acted) = (before(observations_days), before(actions_days));
        let observations = tx.prune_observations(tenant, seen, PRUNED).await?;
        let states = tx.prune_states(tenant, seen, PRUNED).await?;
        tx.prune_cycle_ends(tenant, seen, judged).await?;
        let plans = tx.prune_plans(tenant, before(plans_days), PRUNED).await?;
        let actions = tx.prune_actions(tenant, acted, now, PRUNED).await?;
        let cases = tx.prune_cases(tenant, acted, PRUNED).await?;
        let answers = tx.prune_attestations(tenant, acted, PRUNED).await?;
        let erased = match removed_guests_days {
            Some(days) => tx.erase_guests(tenant, before(days), now, ERASED).await?,
            None => Vec::new(),
        };
        let forgotten = tx.prune_guests(tenant, acted, PRUNED).await?;
        tx.prune_sponsors(tenant).await?;
        tx.commit().await?;
        let guests = erased.len() as u64;
        let is_last = guests < ERASED.into()
            && [
                observations,
                states,
                plans,
                actions,
                cases,
                answers,
                forgotten,
            ]
            .iter()
            .all(|many| *many < PRUNED.into());
        let gone = LetGo {
            observations,
            plans,
            actions,
            guests,
        };
        anyhow::Ok(Round { gone, is_last })
    };
    pruned
        .await
        .context("what has had its time was not let go; the next cycle tries again")
}

async fn head(store: &Store, tenant: TenantId, now: DateTime<Utc>) -> Result<Option<Anchor>> {
    let read = async {
        let mut tx = store.read().await?;
        anyhow::Ok(tx.journal_head(tenant).await?)
    };
    let (seq, hash) = read.await.context("the journal's head was not anchored")?;
    Ok((seq > 0).then(|| Anchor::of(tenant, seq, &hash, now)))
}
