//! `demo`: half a year with a simulated tenant, watched by a perfect observer.
//!
//! Invariant: it goes the same way as every other caller: the real engine, over real HTTP, on a real database. Only
//! the clock is the simulator's.

mod chaos;
mod folder;
mod observer;
mod summary;
mod world;

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use indicatif::ProgressBar;
use innkeeper_engine::{Clock, Engine, ManualClock, Silent, SystemClock};
use innkeeper_simulator::{Options, PopulationOptions, Simulator};
use innkeeper_store::Store;
use std::io::{IsTerminal, stderr};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cli::{Demo, Global};
use crate::config::Config;
use crate::exit::Exit;
use crate::installation::{Access, open_tenant};
use folder::Besides;
use observer::Observer;
use summary::Summary;
use world::World;

/// How long a lease of the demo lasts: nobody else is on its database.
const LEASE: TimeDelta = TimeDelta::seconds(30);

pub(crate) async fn run(global: &Global, options: &Demo) -> Result<Exit> {
    let Demo {
        guests,
        days,
        seed,
        directory,
        chaos,
    } = options;
    if let Some(seed) = chaos {
        return chaos::run(global, options, *seed).await;
    }
    let start = SystemClock.now() - TimeDelta::days(i64::from(*days));
    let running = Simulator::start(Options {
        population: PopulationOptions {
            guests: *guests,
            seed: *seed,
            ..PopulationOptions::default()
        },
        start: Some(start),
        speed: 0.0,
        // Its clock stands still during a cycle, so no limit would ever have been waited for.
        throttling: false,
        ..Options::default()
    })
    .await
    .context("the simulator cannot start")?;
    let world = World::at(&running.url())?;
    let folder = folder::prepare(directory, &world, &Besides::default()).await?;
    let config = Config::load(&folder.config, std::iter::empty())?;
    let tenant = open_tenant(&config.tenants[0], Access::Mode)?;
    let store = Store::open(config.database.url.expose()).await?;
    store.migrate().await?;
    let clock = Arc::new(ManualClock::at(world.now().await?));
    let engine = Engine::new(store.clone(), clock.clone(), Uuid::nil(), LEASE);
    let mut observer = Observer::new(tenant.id, tenant.policy.clone(), &world.projects().await?);
    let mut summary = Summary::new(*days, *guests);
    let bar = progress(global, *days);
    for _ in 0..*days {
        clock.set(world.advance(TimeDelta::days(1)).await?);
        let expected = observer.day(&world.truth().await?, clock.now())?;
        let report = engine
            .cycle(&tenant, &Silent, &CancellationToken::new())
            .await?;
        summary.day(&report, &expected);
        bar.inc(1);
    }
    bar.finish_and_clear();
    summary.complete(&world, &store, &tenant).await?;
    summary.print(global.output, &folder)?;
    store.close().await;
    running.stop().await;
    Ok(if summary.differs() {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

fn progress(global: &Global, days: u32) -> ProgressBar {
    if global.quiet || !stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(u64::from(days))
    }
}
