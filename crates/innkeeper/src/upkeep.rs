//! What follows a cycle: what has had its time is let go, and the journal's head is written down elsewhere.
//!
//! Invariant: nothing here fails a cycle; a cycle lets go of a bounded number of things.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Anchor;
use innkeeper_engine::Clock;
use innkeeper_store::Store;

use crate::anchor;
use crate::config::Retention;
use crate::installation::Installation;

/// Observations, and plans, let go in one cycle.
const PRUNED: u32 = 1_000;

/// Guests whose data is erased in one cycle.
const ERASED: u32 = 200;

/// What was let go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LetGo {
    pub(crate) observations: u64,
    pub(crate) plans: u64,
    pub(crate) guests: usize,
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
        match let_go(config.retention, store, tenant, now).await {
            Ok(let_go) => upkeep.let_go = let_go,
            Err(error) => upkeep.warnings.push(error),
        }
    }
    match head(store, tenant, now).await {
        Ok(Some(head)) => {
            let failures = anchor::write(&config.journal, &head).await;
            upkeep.warnings.extend(failures);
            upkeep.head = Some(head);
        }
        Ok(None) => {}
        Err(error) => upkeep.warnings.push(error),
    }
    upkeep
}

async fn let_go(
    retention: Retention,
    store: &Store,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<LetGo> {
    let Retention {
        observations_days,
        plans_days,
        removed_guests_days,
    } = retention;
    let before = |days: u32| now - TimeDelta::days(days.into());
    let pruned = async {
        let mut tx = store.begin().await?;
        let observations = tx.prune_observations(tenant, before(observations_days), PRUNED);
        let observations = observations.await?;
        let plans = tx.prune_plans(tenant, before(plans_days), PRUNED).await?;
        tx.prune_states(tenant, before(observations_days), PRUNED)
            .await?;
        let guests = match removed_guests_days {
            Some(days) => tx.erase_guests(tenant, before(days), now, ERASED).await?,
            None => Vec::new(),
        };
        tx.commit().await?;
        anyhow::Ok(LetGo {
            observations,
            plans,
            guests: guests.len(),
        })
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
