//! Configuration: one TOML file, environment variables laid over it, checked as a whole.
//!
//! The invariants: a [`Config`] is always a checked one with its secrets at hand; a key that means nothing is an
//! error; everything that is wrong is reported at once, each thing with its place; and no secret is ever printed,
//! neither by `Debug` nor in an error nor by `config show`.

mod address;
mod alarms;
mod answers;
mod check;
mod credential;
mod database;
mod environment;
mod error;
mod findings;
mod journal;
mod keys;
mod layers;
mod path;
mod raw;
mod read;
mod show;
mod tenant;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Cap;
use innkeeper_engine::link::Links;
use innkeeper_engine::schedule::Schedule;
use innkeeper_graph::Credential;
use url::Url;

use crate::telemetry::Format;

pub(crate) use alarms::Alarms;
pub(crate) use answers::Answers;
pub(crate) use database::DatabaseUrl;
pub(crate) use error::ConfigError;
use findings::Findings;
pub(crate) use journal::{Journal, Retention, Webhook};
use layers::Layers;
use path::KeyPath;

/// A configuration for strangers: every key, explained.
#[cfg_attr(not(test), allow(dead_code, reason = "the tests hold it to the keys"))]
pub(crate) const SAMPLE: &str = include_str!("../../../config/innkeeper.toml");

/// What the daemon works with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) database: Database,
    /// When cycles run.
    pub(crate) schedule: Schedule,
    /// How old a whole reading may be, in hours; until then a cycle of the daemon reads only what changed. 0: it reads
    /// everything each time.
    pub(crate) whole_reading_hours: u32,
    /// Over how much of the time to its next run the daemon spreads a whole reading, in percent. 0: it does not.
    pub(crate) spread_percent: u32,
    pub(crate) http: Http,
    /// Notices carry no links when it is absent.
    pub(crate) answers: Option<Answers>,
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) alarms: Alarms,
    pub(crate) retention: Retention,
    /// Never empty; names and ids are unique.
    pub(crate) tenants: Vec<TenantConfig>,
    /// What is not wrong but should be known.
    pub(crate) warnings: Vec<String>,
    /// Where each key was set that is not at its default.
    origins: BTreeMap<KeyPath, String>,
}

/// `[database]`
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) url: DatabaseUrl,
    /// How long a daemon that has died keeps others from acting.
    pub(crate) lease_seconds: u32,
}

/// `[http]`
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// Nothing listens when it is absent.
    pub(crate) listen: Option<SocketAddr>,
}

/// `[log]`
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) format: Format,
    /// Directives of tracing's `EnvFilter`, checked.
    pub(crate) level: String,
}

/// `[clock]`
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// The simulator's clock; present only when every tenant is a simulated one.
    pub(crate) follow: Option<Url>,
}

/// `[[tenants]]`
#[derive(Clone, Debug)]
pub(crate) struct TenantConfig {
    pub(crate) name: String,
    pub(crate) id: TenantId,
    pub(crate) mode: Mode,
    /// Absolute. Whether it can be read is not known yet.
    pub(crate) policy: PathBuf,
    /// HTTPS, or a loopback address; without the version.
    pub(crate) graph_url: Url,
    /// HTTPS, or a loopback address.
    pub(crate) login_url: Url,
    /// How much of Graph's limits is used, 5 to 100.
    pub(crate) quota_percent: u32,
    /// How many guests a change of the policy may newly affect without a person. Not in the policy, which could raise it.
    pub(crate) max_newly_affected: Cap,
    /// Absolute, and readable a moment ago.
    pub(crate) ca_file: Option<PathBuf>,
    /// With its files still to be read, except a secret's.
    pub(crate) credential: Credential,
    /// The last day on which a client secret is good, as far as somebody said.
    pub(crate) secret_expires_on: Option<NaiveDate>,
    /// Present for the modes warn and enforce.
    pub(crate) notify: Option<Notify>,
    /// How its notices get links to answer by: that of `[answers]`.
    pub(crate) links: Option<Links>,
    /// Called after each cycle.
    pub(crate) heartbeat: Option<Heartbeat>,
}

/// `[tenants.heartbeat]`
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    /// Called after a cycle that was complete and healthy.
    pub(crate) url: Webhook,
    /// Called after one that was not.
    pub(crate) failure_url: Option<Webhook>,
}

/// `[tenants.notify]`
#[derive(Clone, Debug)]
pub(crate) struct Notify {
    /// The mailbox that notices are sent from.
    pub(crate) sender: String,
    /// Never empty.
    pub(crate) operators: Vec<String>,
    /// Where a guest comes to who accepts an invitation that was sent again; by default the tenant's applications.
    pub(crate) invitation_redirect: Option<Url>,
    /// How many days before a deleted guest is gone for good operators are told; 0: not at all.
    pub(crate) days_before_final_day: u32,
}

impl Config {
    /// Reads a file and the environment variables laid over it.
    ///
    /// # Errors
    /// When the file cannot be read, or with everything that is wrong with it.
    pub(crate) fn load(
        file: &Path,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let (layers, problems) = Layers::read(file, env)?;
        let mut findings = Findings::new(&layers, problems);
        let raw = read::read(&mut findings);
        match check::check(raw, file, &mut findings) {
            Some(config) if findings.problems.is_empty() => Ok(config),
            _ => Err(findings.into_error()),
        }
    }

    /// How old a whole reading may be for a cycle that reads only what changed; `None`: there is no such cycle.
    pub(crate) fn whole_every(&self) -> Option<TimeDelta> {
        let hours = i64::from(self.whole_reading_hours);
        (hours > 0).then(|| TimeDelta::hours(hours))
    }

    /// What is in force, as a configuration file: defaults filled in, secrets struck out, and each key with where it
    /// comes from.
    pub(crate) fn show(&self) -> String {
        show::show(self)
    }
}
