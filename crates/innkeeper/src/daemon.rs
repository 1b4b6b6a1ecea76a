//! `run`: the daemon. A cycle at start and then by the schedule, until asked to stop.
//!
//! Invariant: a cycle that fails leaves the daemon running; a broken configuration or policy leaves the last good
//! one in force; a stop is in order, after the step in hand.

mod health;
mod metrics;
mod reception;
mod reload;
mod spreading;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use innkeeper_domain::alarm::telling::Message;
use innkeeper_domain::journal::Anchor;
use innkeeper_engine::{Clock, CycleError, Engine, PolicyStanding, Silent};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::alarms::{self, Look, Watch};
use crate::cli::Global;
use crate::exit::Exit;
use crate::installation::{GraphTenant, Installation};
use crate::oddities;
use crate::standing;
use crate::telemetry;
use crate::upkeep::{self, LetGo, Upkeep};
use health::Status;
use reception::Desks;
use reload::InForce;
use spreading::Spreading;

pub(crate) async fn run(global: &Global) -> Result<Exit> {
    let config = crate::installation::load_config(&global.config)?;
    telemetry::init(config.log.format, &config.log.level)?;
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let stop = CancellationToken::new();
    let _signals = stop_on_signal(&stop)?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut in_force = InForce::of(&config)?;
    let installation = Installation::of(config).await?;
    let status = Arc::new(Status::default());
    let tasks = TaskTracker::new();
    if let Some(listen) = installation.config.http.listen {
        health::serve(
            listen,
            status.clone(),
            installation.store.clone(),
            in_force.watch.clone(),
            stop.clone(),
            &tasks,
        )
        .await?;
    }
    let desks = Arc::new(Desks::of(&in_force.tenants));
    if let Some(answers) = &installation.config.answers {
        reception::serve(answers, &desks, &installation, stop.clone(), &tasks).await?;
    }
    tasks.spawn(watchdog(stop.clone()));
    tasks.spawn(alarms::look_often(
        in_force.watch.clone(),
        installation.store.clone(),
        installation.clock.clone(),
        stop.clone(),
        tell,
    ));
    notify(&[NotifyState::Ready]);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        tenants = in_force.tenants.len(),
        "innkeeper runs"
    );

    let daemon = Daemon {
        engine: installation.engine(),
        installation: &installation,
        status: &status,
        desks: &desks,
        stop: &stop,
        spreading: Spreading::default(),
    };
    let mut next = installation.clock.now();
    while daemon
        .wait_until(next, &mut reload, global, &mut in_force)
        .await
    {
        daemon.cycles(&mut in_force).await;
        next = in_force.schedule.next_after(installation.clock.now());
        info!(%next, "the next cycle is scheduled");
    }
    notify(&[NotifyState::Stopping]);
    tasks.close();
    tasks.wait().await;
    drop(daemon);
    installation.store.close().await;
    info!("innkeeper has stopped");
    Ok(Exit::Ok)
}

struct Daemon<'d> {
    engine: Engine,
    installation: &'d Installation,
    status: &'d Status,
    desks: &'d Desks,
    stop: &'d CancellationToken,
    spreading: Spreading,
}

impl Daemon<'_> {
    /// Waits, reloading when asked to; `false` when asked to stop.
    async fn wait_until(
        &self,
        mut next: DateTime<Utc>,
        reload: &mut tokio::signal::unix::Signal,
        global: &Global,
        in_force: &mut InForce,
    ) -> bool {
        let clock = &self.installation.clock;
        loop {
            if self.stop.is_cancelled() {
                return false;
            }
            if let Err(error) = clock.refresh().await {
                warn!(
                    error = format!("{error:#}"),
                    "the simulated clock cannot be read"
                );
            }
            let left = (next - clock.now()).to_std().unwrap_or(Duration::ZERO);
            if left.is_zero() {
                return true;
            }
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = tokio::time::sleep(left.min(clock.patience())) => {}
                _ = reload.recv() => {
                    notify(&[NotifyState::Reloading]);
                    in_force.reload(global);
                    self.desks.renew(&in_force.tenants);
                    notify(&[NotifyState::Ready]);
                    next = in_force.schedule.next_after(clock.now());
                    info!(%next, "the next cycle is scheduled");
                }
            }
        }
    }

    /// One cycle of each tenant, side by side: a reading that takes its time holds up no other tenant, and what goes wrong
    /// in one does not keep another from its turn.
    async fn cycles(&self, in_force: &mut InForce) {
        let started = self.installation.clock.now();
        let due = in_force.schedule.next_after(started);
        for tenant in &mut in_force.tenants {
            let percent = in_force.spread_percent;
            tenant.spread_until = self.spreading.until(tenant.id, started, due, percent);
        }
        let watch = in_force.watch();
        let cycles = in_force.tenants.iter();
        join_all(cycles.map(|tenant| self.cycle(tenant, &watch))).await;
    }

    async fn cycle(&self, tenant: &GraphTenant, watch: &Watch) {
        if self.stop.is_cancelled() {
            return;
        }
        match oddities::unsaid(&self.installation.store, tenant).await {
            Ok(oddities) => {
                for oddity in oddities {
                    warn!(tenant = tenant.name, "{oddity}");
                }
            }
            Err(error) => warn!(
                tenant = tenant.name,
                error = format!("{error:#}"),
                "whether the policy's warnings were told already is not known"
            ),
        }
        let started = self.installation.clock.now();
        let ended = self.engine.cycle(tenant, &Silent, self.stop).await;
        let has_succeeded = ended.is_ok();
        match &ended {
            Ok(report) => {
                let took = self.installation.clock.now() - started;
                self.spreading.took(tenant.id, took, report.waited);
                self.status
                    .succeeded(&tenant.name, report.plan.observation.health.is_healthy());
                for refusal in &report.approval.refusals {
                    warn!(tenant = tenant.name, %refusal, "refused");
                }
                match &report.standing {
                    PolicyStanding::Waits { is_news: true, .. } => {
                        let text = standing::told(&tenant.name, &report.standing);
                        warn!(
                            tenant = tenant.name,
                            "{}",
                            text.as_deref().unwrap_or_default()
                        );
                    }
                    PolicyStanding::Waits { .. } => {
                        info!(
                            tenant = tenant.name,
                            "the policy still waits to be accepted"
                        );
                    }
                    PolicyStanding::Accepted => {}
                }
                let waiting = report.approval.waiting.len();
                if waiting > 0 {
                    let plan = report.recorded;
                    warn!(
                        tenant = tenant.name,
                        plan.id = %plan,
                        steps = waiting,
                        "the plan waits for a person: innkeeper plans show {plan}, then innkeeper plans approve {plan} --reason \"...\", or reject"
                    );
                }
                info!(
                    tenant = tenant.name,
                    guests = report.plan.observation.counts.guests,
                    steps = report.plan.steps().count(),
                    effects = report.deeds.effects(),
                    failures = report.deeds.failures.len(),
                    "the cycle is complete"
                );
            }
            Err(CycleError::Stopped) => {
                return info!(
                    tenant = tenant.name,
                    "stopped before the cycle did anything"
                );
            }
            Err(error) => {
                self.status.failed(&tenant.name, &error.to_string());
                error!(
                    tenant = tenant.name,
                    error = in_full(error),
                    "the cycle failed; nothing more is done until the next"
                );
            }
        }
        self.upkeep(tenant, has_succeeded).await;
        if let Some(watched) = watch.tenant(tenant.id) {
            let now = self.installation.clock.now();
            let store = &self.installation.store;
            let look = watch.after_cycle(store, watched, ended.as_ref(), now).await;
            tell(&tenant.name, look);
        }
    }

    async fn upkeep(&self, tenant: &GraphTenant, has_succeeded: bool) {
        let Upkeep {
            let_go,
            head,
            warnings,
        } = upkeep::after_cycle(self.installation, tenant.id, has_succeeded, self.stop).await;
        let LetGo {
            observations,
            plans,
            actions,
            guests,
        } = let_go;
        if (observations, plans, actions, guests) != (0, 0, 0, 0) {
            info!(
                tenant = tenant.name,
                observations,
                plans,
                actions,
                guests,
                "observations, plans and actions that have had their time were removed, and the personal data of guests long gone was erased"
            );
        }
        if let Some(Anchor { seq, hash, .. }) = head {
            info!(tenant = tenant.name, tenant.id = %tenant.id, seq, hash, "the journal's head");
        }
        for warning in warnings {
            warn!(tenant = tenant.name, "{warning:#}");
        }
    }
}

/// Asks for a stop at SIGTERM and SIGINT, as long as the guard lives.
pub(crate) fn stop_on_signal(stop: &CancellationToken) -> Result<DropGuard> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listening = CancellationToken::new();
    let (stop, ended) = (stop.clone(), listening.clone());
    TaskTracker::new().spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = ended.cancelled() => return,
        }
        info!("asked to stop: the step in hand is finished");
        stop.cancel();
    });
    Ok(listening.drop_guard())
}

/// Writes what was found into the log.
fn tell(tenant: &str, look: Look) {
    for (message, alarm) in look.lines {
        let kind = alarm.kind().as_str();
        match message {
            Message::Raised | Message::Still => {
                error!(tenant, alarm = kind, "alarm: {alarm}; {}", alarm.advice());
            }
            Message::Cleared => info!(tenant, alarm = kind, "the alarm is over: {alarm}"),
        }
    }
    for warning in look.warnings {
        warn!(tenant, error = format!("{warning:#}"), "alarms");
    }
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Tells systemd twice in its interval that the daemon is alive.
async fn watchdog(stop: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled() else {
        return;
    };
    while stop
        .run_until_cancelled(tokio::time::sleep(interval / 2))
        .await
        .is_some()
    {
        notify(&[NotifyState::Watchdog]);
    }
}

/// Tells systemd, where it is the one who started us.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "the service manager cannot be told");
    }
}
