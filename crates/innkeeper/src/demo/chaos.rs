//! `demo --chaos`: months with a simulated tenant in which everything breaks, held against a perfect observer.
//!
//! Under faults Innkeeper may be later than the perfect observer, but never wrong. By the simulator's own list of what
//! was done, and its truth at that moment:
//!
//! * a wrong action takes something away from a guest for whom the rule does not hold, or who is protected;
//! * a double one asks for what is so already, without a change between;
//! * a skipped stage is one that the rule has before this one, and that was not, or not long enough ago;
//! * a missed warning is a guest from whom something was taken, and whom no accepted mail had named.

mod account;
mod trouble;
mod witness;

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta};
use innkeeper_domain::journal::Anchors;
use innkeeper_engine::{Clock, Engine, ManualClock, Silent};
use innkeeper_simulator::{Options, PopulationOptions, Simulator};
use innkeeper_store::Store;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::observer::Observer;
use super::world::World;
use super::{LEASE, folder, progress};
use crate::cli::{Demo, Global};
use crate::config::Config;
use crate::exit::Exit;
use crate::installation::open_broken_tenant;
use account::Account;
use trouble::Trouble;
use witness::Witness;

/// When every run begins: the same seed has to live through the same days.
const START: &str = "2027-01-04T06:00:00Z";

/// How old a whole reading may be. Between two, only what changed is read.
const WHOLE_EVERY: TimeDelta = TimeDelta::days(3);

/// So that memberships are taken away as well, from guests who stay for another project.
const RULES: &str = r#"
[[rule]]
name = "left behind"
when = 'guest.projects.exists(p, p.ended) && guest.projects.exists(p, !p.ended)'
stages = [
  { action = "notify", to = ["sponsor"] },
  { action = "remove-from-group", wait = "7d" },
]
"#;

pub(super) async fn run(global: &Global, options: &Demo, seed: u64) -> Result<Exit> {
    let Demo {
        guests,
        days,
        seed: _,
        directory,
        chaos: _,
    } = options;
    let running = Simulator::start(Options {
        population: PopulationOptions {
            guests: *guests,
            seed,
            ..PopulationOptions::default()
        },
        start: Some(START.parse().context("the start of a chaos run")?),
        speed: 0.0,
        throttling: false,
        ..Options::default()
    })
    .await
    .context("the simulator cannot start")?;
    let world = World::at(&running.url())?;
    let folder = folder::prepare(directory, &world, RULES).await?;
    let config = Config::load(&folder.config, std::iter::empty())?;
    let mut tenant = open_broken_tenant(&config.tenants[0], seed)?;
    tenant.whole_every = Some(WHOLE_EVERY);
    let store = Store::open(config.database.url.expose()).await?;
    store.migrate().await?;
    let clock = Arc::new(ManualClock::at(world.now().await?));
    let engine = Engine::new(store.clone(), clock.clone(), Uuid::nil(), LEASE);
    let projects = world.projects().await?;
    let new_observer = || Observer::new(tenant.id, tenant.policy.clone(), &projects);
    let mut observer = new_observer();
    let mut witness = Witness::new(tenant.id, new_observer());
    let mut account = Account::new(seed, *days, *guests);
    let policy = &tenant.policy.policy;
    let bar = progress(global, *days);
    for day in 0..*days {
        let now = world.advance(TimeDelta::days(1)).await?;
        clock.set(now);
        let truth = world.truth().await?;
        let without_us = account.without_us(&truth, &observer, now);
        account.expect(observer.day(&without_us, now)?, now);
        witness.morning(policy, &truth, now)?;
        let troubles = trouble::of_day(seed, day);
        switch_on(&world, &troubles).await?;
        let result = engine
            .cycle(&tenant, &Silent, &CancellationToken::new())
            .await;
        account.troubles(&world.faults().await?, &troubles)?;
        switch_off(&world, &troubles).await?;
        account.cycle(result)?;
        let mut tx = store.read().await?;
        let actions = tx
            .actions_between(tenant.id, now, now + TimeDelta::days(1))
            .await?;
        drop(tx);
        let writes = world.writes().await?;
        let intents: Vec<_> = actions.iter().map(|row| row.intent.clone()).collect();
        witness.evening(policy, &intents, &writes, &world.outbox().await?);
        account.evening(&writes);
        world.forget().await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut tx = store.read().await?;
    let is_intact = tx
        .verify_journal(tenant.id, &Anchors::default())
        .await?
        .is_ok();
    let actions = tx
        .actions_between(
            tenant.id,
            DateTime::UNIX_EPOCH,
            clock.now() + TimeDelta::days(1),
        )
        .await?;
    drop(tx);
    let outcome = account.conclude(&actions, &observer, witness.findings, is_intact);
    outcome.print(global.output, &folder)?;
    store.close().await;
    running.stop().await;
    Ok(if outcome.is_clean() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

async fn switch_on(world: &World, troubles: &[Trouble]) -> Result<()> {
    for trouble in troubles {
        match trouble {
            Trouble::Fault(fault) => world.switch_on(fault).await?,
            Trouble::Setting { name, value, .. } => world.set(name, value).await?,
        }
    }
    Ok(())
}

async fn switch_off(world: &World, troubles: &[Trouble]) -> Result<()> {
    world.switch_off().await?;
    for trouble in troubles {
        match trouble {
            Trouble::Fault(_) => {}
            Trouble::Setting {
                name, customary, ..
            } => world.set(name, customary).await?,
        }
    }
    Ok(())
}
