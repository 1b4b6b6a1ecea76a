//! Judging stored guests now, by the policy in force: what `explain` and `guests` show.

mod standing;

use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::observation::Observation;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::Clock;
use innkeeper_store::{GuestRow, Tx};

use self::standing::Standing;
use crate::cli::{Global, Output};
use crate::exit::UsageError;
use crate::installation::Installation;

/// What is needed to judge stored guests as they would be judged now.
pub(crate) struct Bench {
    pub(crate) tenant: TenantId,
    pub(crate) policy: Policy,
    /// How that stands to what decides.
    pub(crate) standing: Standing,
    pub(crate) named_groups: NamedGroups,
    pub(crate) observation: Observation,
    pub(crate) mode: Mode,
    /// The instant of judging.
    pub(crate) now: DateTime<Utc>,
    /// By how much that is later than now.
    ahead: TimeDelta,
}

/// Guests read between two looks at the store.
const PAGE: u32 = 1_000;

/// Facts of a day further off than this say nothing.
const FURTHEST: TimeDelta = TimeDelta::days(3650);

impl Bench {
    /// Reads it for the tenant that the command is about: by the policy in force, unless the file of another is named.
    pub(crate) async fn read(
        installation: &Installation,
        global: &Global,
        tried: Option<&Path>,
        tx: &mut Tx,
    ) -> Result<Self> {
        let config = installation.tenant(global)?;
        let (policy, standing) = Standing::read(config, tried, tx).await?;
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
            standing,
            named_groups,
            observation,
            mode: config.mode,
            now: installation.clock.now(),
            ahead: TimeDelta::zero(),
        })
    }

    /// When the command began, whatever instant it judges for.
    pub(crate) fn read_at(&self) -> DateTime<Utc> {
        self.now - self.ahead
    }

    /// The same on a later day, as if the tenant were watched without a gap until then.
    pub(crate) fn on(mut self, day: NaiveDate) -> Result<Self> {
        let today = self.now.date_naive();
        if day < today {
            return Err(UsageError(format!(
                "{day} is past: only today ({today}) and later days can be judged, since facts of the past are not kept"
            ))
            .into());
        }
        let ahead = day - today;
        if ahead > FURTHEST {
            return Err(UsageError(format!("{day} is more than ten years off")).into());
        }
        self.now += ahead;
        self.ahead = ahead;
        Ok(self)
    }

    /// A judge for the bench's instant. The watch is taken as if it had run since the last observation.
    pub(crate) fn judge(&self) -> Judge<'_> {
        self.judge_by(&self.policy)
    }

    /// The same by another policy than the one in force.
    pub(crate) fn judge_by<'b>(&'b self, policy: &'b Policy) -> Judge<'b> {
        let Observation {
            watched, finished, ..
        } = self.observation;
        Judge {
            tenant: self.tenant,
            policy,
            named_groups: &self.named_groups,
            now: self.now,
            watched: watched.advanced(finished, self.read_at(), policy.limits.longest_gap)
                + self.ahead,
            span: TimeDelta::zero(),
        }
    }

    /// Says by which policy it judges, where that is not plain, and what it cannot see.
    pub(crate) fn tell(&self, output: Output) -> Result<()> {
        self.standing.tell(output)?;
        for key in self.unread(&self.policy) {
            eprintln!(
                "doubt: the group {key:?} was never read; what depends on it is unknown here"
            );
        }
        Ok(())
    }

    /// The groups that a policy names and that were never read: what depends on them is unknown here.
    pub(crate) fn unread(&self, policy: &Policy) -> Vec<String> {
        let is_unread = |key: &&str| !self.named_groups.contains_key(*key);
        let groups = policy.groups().into_iter().filter(is_unread);
        groups.map(ToOwned::to_owned).collect()
    }

    /// Every guest that is in the directory, with everything known of it.
    pub(crate) async fn guests(&self, tx: &mut Tx) -> Result<Vec<GuestView>> {
        let mut guests = Vec::new();
        let mut after = None;
        loop {
            let page = tx.guest_rows(self.tenant, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(guests);
            };
            after = Some(last.key);
            guests.extend(page.into_iter().map(|row| row.view));
        }
    }

    /// The guest that a person names, with everything known of it, and what is needed to judge it.
    pub(crate) async fn with_guest(
        global: &Global,
        tried: Option<&Path>,
        text: &str,
    ) -> Result<(Self, Tx, GuestRow)> {
        let installation = Installation::open(global).await?;
        let mut tx = installation.store.read().await?;
        let bench = Self::read(&installation, global, tried, &mut tx).await?;
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
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            let ids = ids.join(", ");
            Err(UsageError(format!("several guests have {text:?}; name one by its object id: {ids}")).into())
        }
    }
}

/// A time as tables show it.
pub(crate) fn shown(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
