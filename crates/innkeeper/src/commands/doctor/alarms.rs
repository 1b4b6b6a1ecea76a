//! The alarms that are raised for a tenant, judged now from the database.

use innkeeper_engine::Clock;
use innkeeper_store::Store;

use super::finding::{Check, Finding};
use crate::alarms;
use crate::config::{Config, TenantConfig};
use crate::simulation::InstallationClock;

const MATTERS: &str = "operators are told of it until it is over";

pub(super) async fn raised(
    config: &Config,
    tenant: &TenantConfig,
    clock: &InstallationClock,
) -> Vec<Finding> {
    // What keeps the database from being opened is a finding of its own.
    let Ok(Some(store)) = Store::open_existing(config.database.url.expose()).await else {
        return Vec::new();
    };
    let found = match store.pending().await {
        Ok(pending) if pending.is_empty() => {
            match alarms::now(&store, config, tenant, clock.now()).await {
                Ok(raised) if raised.is_empty() => {
                    vec![Finding::ok(Check::Alarms, "none is raised")]
                }
                Ok(raised) => raised
                    .into_iter()
                    .map(|(alarm, _)| {
                        let what = alarm.to_string();
                        Finding::warning(Check::Alarms, what, MATTERS, alarm.advice())
                    })
                    .collect(),
                Err(error) => {
                    vec![Finding::failed(
                        Check::Alarms,
                        error.as_ref(),
                        MATTERS,
                        "look at the database itself",
                    )]
                }
            }
        }
        Ok(_) | Err(_) => Vec::new(),
    };
    store.close().await;
    found
}
