//! What is in force, and how it is exchanged: all of it, or nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use innkeeper_engine::schedule::Schedule;
use tracing::{error, info};

use crate::alarms::Watch;
use crate::cli::Global;
use crate::config::Config;
use crate::installation::{Access, GraphTenant, connect, load_config, load_policy};

/// The schedule and the tenants with their policies.
pub(super) struct InForce {
    pub(super) schedule: Schedule,
    /// Over how much of the time to its next run a whole reading is spread.
    pub(super) spread_percent: u32,
    pub(super) tenants: Vec<GraphTenant>,
    /// Shared with the timer that looks at alarms.
    pub(super) watch: Arc<Mutex<Arc<Watch>>>,
}

impl InForce {
    /// What a configuration says, with its policies.
    pub(super) fn of(config: &Config) -> Result<Self> {
        let tenant = |tenant| -> Result<GraphTenant> {
            let tenant: &crate::config::TenantConfig = tenant;
            let policy = Arc::new(load_policy(&tenant.policy)?);
            Ok(GraphTenant {
                whole_every: config.whole_every(),
                ..connect(tenant, policy, Access::Mode)?
            })
        };
        let tenants: Vec<GraphTenant> = config.tenants.iter().map(tenant).collect::<Result<_>>()?;
        Ok(Self {
            schedule: config.schedule.clone(),
            // A simulator's time may fly, and a wait cannot.
            spread_percent: match &config.clock.follow {
                Some(_) => 0,
                None => config.spread_percent,
            },
            watch: Arc::new(Mutex::new(Arc::new(Watch::of(config, &tenants)))),
            tenants,
        })
    }

    /// From where on who is told of what.
    pub(super) fn watch(&self) -> Arc<Watch> {
        lock(&self.watch).clone()
    }

    /// Reads configuration and policies again. When anything is wrong with them, everything stays as it was.
    pub(super) fn reload(&mut self, global: &Global) {
        match load_config(&global.config).and_then(|config| Self::of(&config)) {
            Ok(read) => {
                let shared = self.watch.clone();
                *lock(&shared) = read.watch();
                *self = Self {
                    watch: shared,
                    ..read
                };
                info!(
                    tenants = self.tenants.len(),
                    "configuration and policies were read again"
                );
            }
            Err(error) => {
                error!(
                    error = format!("{error:#}"),
                    "the new configuration is not taken; the last good one stays in force"
                );
            }
        }
    }
}

fn lock(watch: &Mutex<Arc<Watch>>) -> MutexGuard<'_, Arc<Watch>> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}
