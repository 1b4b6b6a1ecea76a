//! Judging stored guests now, by the policy in force: what `explain` and `guests` show.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::observation::Observation;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::Clock;
use innkeeper_store::{GuestRow, Tx};

use crate::cli::Global;
use crate::exit::UsageError;
use crate::installation::{Installation, load_policy};

/// What is needed to judge stored guests as they would be judged now.
pub(crate) struct Bench {
    pub(crate) tenant: TenantId,
    pub(crate) policy: Policy,
    pub(crate) named_groups: NamedGroups,
    pub(crate) observation: Observation,
    pub(crate) now: DateTime<Utc>,
}

impl Bench {
    /// Reads it for the tenant that the command is about.
    pub(crate) async fn read(
        installation: &Installation,
        global: &Global,
        tx: &mut Tx,
    ) -> Result<Self> {
        let config = installation.tenant(global)?;
        let policy = load_policy(&config.policy)?.policy;
        let observation = tx.last_observation(config.id).await?;
        let observation = observation.with_context(|| {
            format!(
                "nothing is known of {} yet; `innkeeper plan` observes it",
                config.name
            )
        })?;
        let named_groups = tx.named_groups(config.id).await?;
        Ok(Self {
            tenant: config.id,
            policy,
            named_groups,
            observation,
            now: installation.clock.now(),
        })
    }

    /// A judge for now. The watch is taken as if it had run since the last observation.
    pub(crate) fn judge(&self) -> Judge<'_> {
        let Observation {
            watched, finished, ..
        } = self.observation;
        Judge {
            tenant: self.tenant,
            policy: &self.policy,
            named_groups: &self.named_groups,
            now: self.now,
            watched: watched.advanced(finished, self.now, self.policy.limits.longest_gap),
            span: TimeDelta::zero(),
        }
    }

    /// The guest that a person names, with everything known of it, and what is needed to judge it.
    pub(crate) async fn with_guest(global: &Global, text: &str) -> Result<(Self, Tx, GuestRow)> {
        let installation = Installation::open(global).await?;
        let mut tx = installation.store.read().await?;
        let bench = Self::read(&installation, global, &mut tx).await?;
        let id = find(&mut tx, bench.tenant, text).await?;
        let row = tx.guest_row(bench.tenant, id).await?;
        let row = row.context("the guest vanished from the database while it was read")?;
        Ok((bench, tx, row))
    }
}

/// The guest that a person names by object id, UPN or mail address.
pub(crate) async fn find(tx: &mut Tx, tenant: TenantId, text: &str) -> Result<GuestId> {
    match tx.find_guests(tenant, text).await?.as_slice() {
        [guest] => Ok(*guest),
        [] => Err(UsageError(format!(
            "no guest has the object id, UPN or mail address {text:?}; `innkeeper guests list` shows those known"
        ))
        .into()),
        several => {
            let ids = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(UsageError(format!("several guests have {text:?}; name one by its object id: {ids}")).into())
        }
    }
}

/// A time as tables show it.
pub(crate) fn shown(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
