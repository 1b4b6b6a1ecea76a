//! An installation: the configuration with everything that it names opened.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::{Engine, PolicyInForce, Tenant};
use innkeeper_graph::{Graph, GraphError, Limits, Reader, Settings, Writer};
use innkeeper_store::Store;
use uuid::Uuid;

use crate::cli::Global;
use crate::config::{Config, TenantConfig};
use crate::exit::UsageError;
use crate::simulation::InstallationClock;

/// A tenant whose directory is Microsoft Graph.
pub(crate) type GraphTenant = Tenant<Reader, Writer>;

/// The configuration with the database opened and migrated.
pub(crate) struct Installation {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) clock: Arc<InstallationClock>,
}

/// Whether a cycle may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It may not, whatever the mode.
    Read,
    /// As far as the tenant's mode goes.
    Mode,
    /// A person has something undone, which no mode forbids: the mode may have been set back just because of it.
    Undo,
}

impl Installation {
    /// Opens what the configuration file names.
    pub(crate) async fn open(global: &Global) -> Result<Self> {
        Self::of(config(global)?).await
    }

    /// Opens what a configuration names.
    pub(crate) async fn of(config: Config) -> Result<Self> {
        let store = open_store(&config).await?;
        store
            .migrate()
            .await
            .context("the database cannot be brought to this version's schema")?;
        let clock = Arc::new(InstallationClock::of(&config));
        clock.refresh().await?;
        Ok(Self {
            config,
            store,
            clock,
        })
    }

    /// An engine over the database.
    pub(crate) fn engine(&self) -> Engine {
        let lease = TimeDelta::seconds(i64::from(self.config.database.lease_seconds));
        Engine::new(
            self.store.clone(),
            self.clock.clone(),
            Uuid::new_v4(),
            lease,
        )
    }

    /// The tenant that the command is about.
    pub(crate) fn tenant(&self, global: &Global) -> Result<&TenantConfig> {
        tenant_of(&self.config, global)
    }

    /// The tenants that the command is about: the one named, else all.
    pub(crate) fn tenants(&self, global: &Global) -> Result<Vec<&TenantConfig>> {
        tenants_of(&self.config, global)
    }
}

/// The configuration, its warnings told.
pub(crate) fn config(global: &Global) -> Result<Config> {
    let config = load_config(&global.config)?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(config)
}

pub(crate) fn tenant_of<'c>(config: &'c Config, global: &Global) -> Result<&'c TenantConfig> {
    let names = || {
        config
            .tenants
            .iter()
            .map(|tenant| tenant.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (&global.tenant, config.tenants.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(UsageError(format!(
            "there are several tenants; name one with --tenant: {}",
            names()
        ))
        .into()),
        (Some(name), tenants) => tenants
            .iter()
            .find(|tenant| &tenant.name == name)
            .ok_or_else(|| {
                UsageError(format!(
                    "there is no tenant {name:?} in the configuration; there are: {}",
                    names()
                ))
                .into()
            }),
    }
}

/// The tenants that the command is about: the one named, else all.
pub(crate) fn tenants_of<'c>(config: &'c Config, global: &Global) -> Result<Vec<&'c TenantConfig>> {
    match &global.tenant {
        Some(_) => Ok(vec![tenant_of(config, global)?]),
        None => Ok(config.tenants.iter().collect()),
    }
}

/// Reads the configuration with the environment over it.
pub(crate) fn load_config(path: &Path) -> Result<Config> {
    // A variable that is not text cannot be one of ours.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Ok(Config::load(path, std::env::vars_os().filter_map(text))?)
}

pub(crate) async fn open_store(config: &Config) -> Result<Store> {
    Ok(Store::open(config.database.url.expose()).await?)
}

/// Reads and checks a policy file.
pub(crate) fn load_policy(path: &Path) -> Result<PolicyInForce> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| UsageError(format!("the policy {} cannot be read: {error}; set tenants.policy to a policy file, such as a copy of config/policy.toml", path.display())))?;
    let policy = Policy::parse(&path.display().to_string(), &text)?;
    Ok(PolicyInForce { policy, text })
}

/// A tenant with its policy and its connection to Graph. Nothing is sent yet.
pub(crate) fn open_tenant(config: &TenantConfig, access: Access) -> Result<GraphTenant> {
    let policy = Arc::new(load_policy(&config.policy)?);
    connect(config, policy, access)
}

/// A tenant under a policy that was read before.
pub(crate) fn connect(
    config: &TenantConfig,
    policy: Arc<PolicyInForce>,
    access: Access,
) -> Result<GraphTenant> {
    connect_by(settings(config), config, policy, access)
}

/// A tenant that is to be broken on purpose: its Graph is on this machine, and nobody has to wait before it is asked
/// again.
pub(crate) fn open_broken_tenant(config: &TenantConfig, seed: u64) -> Result<GraphTenant> {
    let policy = Arc::new(load_policy(&config.policy)?);
    let settings = Settings {
        seed,
        timeout: Duration::from_secs(1),
        backoff: Duration::from_millis(1),
        patience: Duration::from_secs(1),
        ..settings(config)
    };
    connect_by(settings, config, policy, Access::Mode)
}

fn connect_by(
    settings: Settings,
    config: &TenantConfig,
    policy: Arc<PolicyInForce>,
    access: Access,
) -> Result<GraphTenant> {
    let graph = Graph::connect(settings).with_context(|| format!("tenant {}", config.name))?;
    let may_write = match (access, config.mode) {
        (Access::Read, _) | (Access::Mode, Mode::Observe) => false,
        (Access::Mode, Mode::Warn | Mode::Enforce) | (Access::Undo, _) => true,
    };
    // Without a sender no mail can be sent, and an undo sends none.
    let sender = match (access, &config.notify) {
        (_, Some(notify)) => Some(notify.sender.clone()),
        (Access::Undo, None) => Some(String::new()),
        (Access::Read | Access::Mode, None) => None,
    };
    let notify = config.notify.as_ref();
    let redirect = notify.and_then(|notify| notify.invitation_redirect.clone());
    Ok(Tenant {
        id: config.id,
        name: config.name.clone(),
        mode: config.mode,
        reader: graph.reader().with_extras(policy.policy.extras()),
        policy,
        links: config.links.clone(),
        max_newly_affected: config.max_newly_affected,
        whole_every: None,
        spread_until: None,
        writer: sender
            .filter(|_| may_write)
            .map(|sender| graph.writer(sender))
            .map(|writer| match redirect {
                Some(redirect) => writer.inviting_to(redirect),
                None => writer,
            }),
        before_final_day: notify.map_or(TimeDelta::zero(), |notify| {
            TimeDelta::days(notify.days_before_final_day.into())
        }),
        operators: config
            .notify
            .as_ref()
            .map(|notify| notify.operators.clone())
            .unwrap_or_default(),
    })
}

/// A connection for a look, which does not wait for long. Nothing is sent yet.
pub(crate) fn connect_for_a_look(config: &TenantConfig) -> Result<Graph, GraphError> {
    Graph::connect(Settings {
        timeout: Duration::from_secs(30),
        attempts: 2,
        patience: Duration::from_secs(30),
        ..settings(config)
    })
}

fn settings(config: &TenantConfig) -> Settings {
    let customary = Settings::new(
        config.graph_url.clone(),
        config.login_url.clone(),
        config.id,
        config.credential.clone(),
    );
    Settings {
        ca_file: config.ca_file.clone(),
        seed: Uuid::new_v4().as_u64_pair().0,
        limits: Limits {
            share_percent: config.quota_percent,
            ..customary.limits.clone()
        },
        ..customary
    }
}
