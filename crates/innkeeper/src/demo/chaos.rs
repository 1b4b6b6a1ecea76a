//! `demo --chaos`: months with a simulated tenant in which everything breaks, held against a perfect observer.
//!
//! Graph fails and lies, people meddle, and the process itself is killed at any boundary, loses its database or its lease,
//! and is started again at once: into a world that people have changed meanwhile.
//!
//! Under faults Innkeeper may be later than the perfect observer, but never wrong. By the simulator's own list of what
//! was done, and its truth at that moment:
//!
//! * a wrong action takes something away from a guest for whom the rule does not hold, or who is protected;
//! * a double one asks for what is so already, without a change between;
//! * a skipped stage is one that the rule has before this one, and that was not, or not long enough ago;
//! * a missed warning is a guest from whom something was taken, and whom no accepted mail had named.

mod account;
mod fate;
mod people;
mod trouble;
mod witness;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::Intent;
use innkeeper_domain::journal::Anchors;
use innkeeper_engine::{Asked, Clock, Engine, ManualClock, Silent, is_undoable};
use innkeeper_simulator::{Dice, Options, PopulationOptions, Simulator};
use innkeeper_store::{IntentRow, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::folder::Besides;
use super::observer::Observer;
use super::world::{World, Write};
use super::{LEASE, folder, progress};
use crate::cli::{Demo, Global};
use crate::config::Config;
use crate::exit::Exit;
use crate::installation::{GraphTenant, open_broken_tenant};
use account::{Account, Outcome};
use fate::{Fate, befall};
use people::{Meddling, People};
use trouble::Trouble;
use witness::Witness;

/// When every run begins: the same seed has to live through the same days.
const START: &str = "2027-01-04T06:00:00Z";

/// How old a whole reading may be. Between two, only what changed is read.
const WHOLE_EVERY: TimeDelta = TimeDelta::days(3);

/// So that everything that can be done is: also to guests who stay.
const RULES: &str = r#"
[[rule]]
name = "left behind"
when = 'guest.projects.exists(p, p.ended) && guest.projects.exists(p, !p.ended)'
stages = [
  { action = "notify", to = ["sponsor"] },
  { action = "remove-from-group", wait = "7d" },
]

[[rule]]
name = "idle"
when = 'guest.inactive_days >= 45'
stages = [
  { action = "notify", to = ["sponsor"] },
  { action = "remove-app-roles", wait = "7d" },
]

[[rule]]
name = "invited"
when = 'guest.pending_days >= 10'
stages = [{ action = "resend-invitation" }]

[[rule]]
name = "orphan"
when = 'size(guest.sponsors) == 0'
stages = [
  { action = "flag", attribute = "extensionAttribute7" },
  { action = "add-sponsor" },
]

[sponsors]
write_back = true
"#;

/// Days out of a thousand on which somebody has something undone.
const UNDONE: u64 = 80;

/// How far back what is undone was done, and whom people have an eye on.
const LATELY: TimeDelta = TimeDelta::days(28);

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
    let exempt = world.add_group("never touched").await?;
    let besides = Besides {
        before: format!("exempt_groups = [\"{exempt}\"]\n\n"),
        rules: RULES.to_owned(),
    };
    let folder = folder::prepare(directory, &world, &besides).await?;
    let config = Config::load(&folder.config, std::iter::empty())?;
    let mut tenant = open_broken_tenant(&config.tenants[0], seed)?;
    tenant.whole_every = Some(WHOLE_EVERY);
    let database = config.database.url.expose().to_owned();
    let store = Store::open(&database).await?;
    store.migrate().await?;
    let clock = Arc::new(ManualClock::at(world.now().await?));
    let projects = world.projects().await?;
    let new_observer = || Observer::new(tenant.id, tenant.policy.clone(), &projects);
    let to_join = projects
        .iter()
        .filter(|project| matches!(project.kind.as_str(), "security" | "m365"))
        .map(|project| project.id.to_string());
    let mut life = Life {
        seed,
        engine: Engine::new(store.clone(), clock.clone(), Uuid::nil(), LEASE),
        store,
        database,
        clock,
        observer: new_observer(),
        witness: Witness::new(tenant.id, new_observer()),
        account: Account::new(seed, *days, *guests),
        people: People::new(seed, exempt.to_string(), to_join.collect()),
        starts: 0,
        tenant,
        world,
    };
    let bar = progress(global, *days);
    for day in 0..*days {
        life.day(day).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let outcome = life.conclude().await?;
    outcome.print(global.output, &folder)?;
    running.stop().await;
    Ok(if outcome.is_clean() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

/// A run under way.
struct Life {
    seed: u64,
    world: World,
    tenant: GraphTenant,
    database: String,
    store: Store,
    engine: Engine,
    clock: Arc<ManualClock>,
    observer: Observer,
    witness: Witness,
    account: Account,
    people: People,
    /// How often the process was started again.
    starts: u128,
}

impl Life {
    async fn day(&mut self, day: u32) -> Result<()> {
        let now = self.world.advance(TimeDelta::days(1)).await?;
        self.clock.set(now);
        self.meddle((day, 0), now).await?;
        let truth = self.world.truth().await?;
        let without_us = self.account.without_us(&truth, &self.observer, now);
        let expected = self.observer.day(&without_us, now)?;
        self.account.expect(expected, now);
        let troubles = trouble::of_day(self.seed, day);
        for (attempt, fate) in fate::of_day(self.seed, day).into_iter().enumerate() {
            if attempt > 0 {
                self.meddle((day, attempt), now).await?;
            }
            let policy = self.tenant.policy.clone();
            let truth = self.world.truth().await?;
            self.witness.morning(&policy.policy, &truth, now)?;
            switch_on(&self.world, &troubles).await?;
            let stop = CancellationToken::new();
            let cycle = self.engine.cycle(&self.tenant, &Silent, &stop);
            let cycle = befall(fate, &self.store, self.tenant.id, &self.database, cycle);
            let ended = Box::pin(cycle).await?;
            let counted = if attempt == 0 { &troubles[..] } else { &[] };
            self.account
                .troubles(&self.world.faults().await?, counted)?;
            switch_off(&self.world, &troubles).await?;
            let has_ended = self.account.cycle(fate, ended)?;
            if fate != Fate::Lives {
                self.start_again().await?;
            }
            let (intents, writes) = self.done(now).await?;
            let mails = self.world.outbox().await?;
            self.witness
                .evening(&policy.policy, &intents, &writes, &mails);
            self.account.evening(&writes);
            self.world.forget().await?;
            if has_ended {
                break;
            }
        }
        self.have_undone(day, now).await
    }

    /// What was intended today, and what was really done since it was looked last.
    async fn done(&self, now: DateTime<Utc>) -> Result<(Vec<Intent>, Vec<Write>)> {
        let mut tx = self.store.read().await?;
        let actions = tx
            .actions_between(self.tenant.id, now, now + TimeDelta::days(1))
            .await?;
        drop(tx);
        let intents = actions.into_iter().map(|row| row.intent).collect();
        Ok((intents, self.world.writes().await?))
    }

    /// Another process, on the database that the one before left.
    async fn start_again(&mut self) -> Result<()> {
        self.store.clone().close().await;
        fate::take_lease(&self.database, self.tenant.id).await?;
        self.store = Store::open(&self.database).await?;
        self.starts += 1;
        let holder = Uuid::from_u128(self.starts);
        self.engine = Engine::new(self.store.clone(), self.clock.clone(), holder, LEASE);
        Ok(())
    }

    async fn meddle(&mut self, when: (u32, usize), now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.store.read().await?;
        let rows = tx
            .actions_between(self.tenant.id, now - LATELY, now + TimeDelta::days(1))
            .await?;
        drop(tx);
        let in_hand: Vec<GuestId> = rows.iter().map(|row| row.intent.guest).collect();
        let done = self.people.meddle(&self.world, when, &in_hand, now).await?;
        for (guest, meddling) in done {
            self.account.meddled(guest, meddling);
            self.witness.meddled(guest, meddling);
            if meddling == Meddling::Enabled && self.observer.has_disabled(guest) {
                self.observer.revive(guest, now);
            }
        }
        Ok(())
    }

    /// Now and then a person has something undone, and the process dies over that too.
    async fn have_undone(&mut self, day: u32, now: DateTime<Utc>) -> Result<()> {
        let mut dice = Dice::of(&[self.seed, u64::from(day), 0x0000_d0d0]);
        if !dice.per_mille(UNDONE) {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let rows = tx
            .actions_between(self.tenant.id, now - LATELY, now + TimeDelta::days(1))
            .await?;
        let undoable: Vec<IntentRow> = rows.into_iter().filter(is_undoable).collect();
        if undoable.is_empty() {
            return Ok(());
        }
        let Intent { guest, plan, .. } = dice.pick(&undoable).intent;
        let taken = if dice.per_mille(300) {
            tx.intents_of_plan(self.tenant.id, plan).await?
        } else {
            tx.intents_of(self.tenant.id, guest).await?
        };
        drop(tx);
        let taken: Vec<IntentRow> = taken.into_iter().filter(is_undoable).collect();
        let fate = match dice.per_mille(500) {
            true => Fate::Dies(1 + dice.below(40)),
            false => Fate::Lives,
        };
        let asked = Asked {
            by: "somebody".to_owned(),
            reason: "chaos".to_owned(),
        };
        for fate in [fate, Fate::Lives] {
            let policy = self.tenant.policy.clone();
            let truth = self.world.truth().await?;
            self.witness.morning(&policy.policy, &truth, now)?;
            let Some(writer) = &self.tenant.writer else {
                bail!("the tenant of a chaos run can be written to");
            };
            let stop = CancellationToken::new();
            let taken = taken.clone();
            let undo = self
                .engine
                .undo(&self.tenant, writer, taken, &asked, &Silent, &stop);
            let undo = befall(fate, &self.store, self.tenant.id, &self.database, undo);
            let ended = Box::pin(undo).await?;
            let revived = self.account.undo(ended)?;
            let has_died = revived.is_none();
            if fate != Fate::Lives {
                self.start_again().await?;
            }
            let writes = self.world.writes().await?;
            // One that died has begun anew whomever it gave something.
            let given = writes.iter().filter(|write| write.kind != "remove-sponsor");
            let given = given.filter_map(|write| write.target);
            let revived: BTreeSet<GuestId> = revived.into_iter().flatten().chain(given).collect();
            self.witness.undone(&writes, &revived);
            self.account.evening(&writes);
            for guest in revived {
                self.observer.revive(guest, now);
            }
            self.world.forget().await?;
            if !has_died {
                break;
            }
        }
        Ok(())
    }

    async fn conclude(self) -> Result<Outcome> {
        let tenant = self.tenant.id;
        let mut tx = self.store.read().await?;
        let is_intact = tx
            .verify_journal(tenant, &Anchors::default())
            .await?
            .is_ok();
        let until = self.clock.now() + TimeDelta::days(1);
        let actions = tx
            .actions_between(tenant, DateTime::UNIX_EPOCH, until)
            .await?;
        drop(tx);
        self.store.close().await;
        let findings = self.witness.findings;
        Ok(self
            .account
            .conclude(&actions, &self.observer, findings, is_intact))
    }
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
