//! What can be looked at on this machine: configuration, database, policy, credential, a followed clock.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::policy::{Policy, Problems, SetProject};
use innkeeper_engine::{Clock, SystemClock};
use innkeeper_graph::{Application, Credential};
use innkeeper_store::Store;

use super::directory::Told;
use super::finding::{Check, Finding};
use crate::config::{Config, ConfigError, TenantConfig};
use crate::installation::load_policy;
use crate::simulation::InstallationClock;

const CONFIGURATION_MATTERS: &str = "the daemon does not start with it; one that runs keeps the last good configuration until its next start";
const POLICY_MATTERS: &str = "the daemon does not start with it; one that runs keeps the last good policy until its next start";
const DATABASE_MATTERS: &str =
    "no cycle runs without it: before anything is done, the intent is written there";
const CREDENTIAL_MATTERS: &str = "without it Entra gives no token, and every cycle fails";

/// A certificate that ends sooner than in so many days is spoken of.
const SOON: i64 = 30;

/// Everything that is wrong with a configuration.
pub(super) fn broken(error: &ConfigError) -> Vec<Finding> {
    let wrong = |what: String| {
        Finding::wrong(
            Check::Configuration,
            what,
            CONFIGURATION_MATTERS,
            "correct it there; docs/configuration.md explains every key, and `innkeeper config check` reads it again",
        )
    };
    match error {
        ConfigError::Unreadable { .. } => vec![Finding::failed(
            Check::Configuration,
            error,
            CONFIGURATION_MATTERS,
            "name another file with --config, or make this one; config/innkeeper.toml is a sample",
        )],
        ConfigError::Invalid(problems) => problems
            .iter()
            .map(ToString::to_string)
            .map(wrong)
            .collect(),
    }
}

/// A configuration that could be read.
pub(super) fn configuration(config: &Config, file: &Path) -> Vec<Finding> {
    let read = format!("{}: {} tenants", file.display(), config.tenants.len());
    let warnings = config.warnings.iter().map(|warning| {
        Finding::warning(
            Check::Configuration,
            warning,
            "it keeps nobody from starting, but is seldom meant",
            "correct it there, or live with it",
        )
    });
    std::iter::once(Finding::ok(Check::Configuration, read))
        .chain(warnings)
        .collect()
}

/// Opens the database if it is there, and looks.
pub(super) async fn database(config: &Config) -> Finding {
    let url = &config.database.url;
    let failed = |error: &dyn std::error::Error| {
        Finding::failed(
            Check::Database,
            error,
            DATABASE_MATTERS,
            "look at the database itself, and at database.url",
        )
    };
    let store = match Store::open_existing(url.expose()).await {
        Ok(Some(store)) => store,
        Ok(None) => {
            return Finding::ok(
                Check::Database,
                format!(
                    "{url} is not there yet: the first start makes it; that its folder can be written was not tried"
                ),
            );
        }
        Err(error) => return failed(&error),
    };
    let looked = (store.takes_writes().await, store.pending().await);
    store.close().await;
    match looked {
        (Err(error), _) | (_, Err(error)) => failed(&error),
        (Ok(false), _) => Finding::wrong(
            Check::Database,
            format!("{url} can only be read"),
            DATABASE_MATTERS,
            "name the server that is written to in database.url, not one that copies it",
        ),
        (Ok(true), Ok(pending)) if pending.is_empty() => Finding::ok(
            Check::Database,
            format!("{url} opens, takes writes and has this version's schema"),
        ),
        (Ok(true), Ok(pending)) => Finding::warning(
            Check::Database,
            format!("{url} lacks migrations: {}", pending.join(", ")),
            "the daemon applies them when it starts, and there is no way back but a back-up",
            "back up the database, then run `innkeeper db migrate` or start the daemon",
        ),
    }
}

/// The projects that people set beside the policy of a tenant; none while there is no database.
pub(super) async fn projects(
    config: &Config,
    tenant: &TenantConfig,
) -> (Vec<SetProject>, Option<Finding>) {
    let read = async {
        let Some(store) = Store::open_existing(config.database.url.expose()).await? else {
            return Ok(Vec::new());
        };
        let set = async {
            // Without this version's schema there is nothing to look up; the database's own finding says so.
            if !store.pending().await?.is_empty() {
                return Ok(Vec::new());
            }
            store.read().await?.projects(tenant.id).await
        };
        let set = set.await;
        store.close().await;
        set
    };
    match read.await {
        Ok(set) => (set, None),
        Err(error) => {
            let error: innkeeper_store::StoreError = error;
            let finding = Finding::failed(
                Check::Groups,
                &error,
                "the projects set by `innkeeper projects set` were not looked up",
                "see what is said of the database, then run `innkeeper doctor` again",
            );
            (Vec::new(), Some(finding))
        }
    }
}

/// Reads the policy; it is absent where it is wrong.
pub(super) fn policy(tenant: &TenantConfig) -> (Option<Policy>, Vec<Finding>) {
    let wrong = |what: String| {
        let fix = "correct it there; docs/policy.md explains rules and facts, and `innkeeper policy check` reads it again";
        Finding::wrong(Check::Policy, what, POLICY_MATTERS, fix)
    };
    let error = match load_policy(&tenant.policy) {
        Ok(in_force) if in_force.policy.rules.is_empty() => {
            let finding = Finding::warning(
                Check::Policy,
                format!("{} has no rule", tenant.policy.display()),
                "nothing is ever done to any guest",
                "write rules; config/policy.toml is a sample",
            );
            return (Some(in_force.policy), vec![finding]);
        }
        Ok(in_force) => {
            let policy = in_force.policy;
            let read = format!(
                "{}: {} rules, {} protections, {} projects; hash {}",
                tenant.policy.display(),
                policy.rules.len(),
                policy.protections.len(),
                policy.projects.len(),
                policy.hash
            );
            return (Some(policy), vec![Finding::ok(Check::Policy, read)]);
        }
        Err(error) => error,
    };
    let found = match error.downcast_ref::<Problems>() {
        Some(problems) => problems
            .to_string()
            .lines()
            .map(str::to_owned)
            .map(wrong)
            .collect(),
        None => vec![Finding::failed(
            Check::Policy,
            error.as_ref(),
            POLICY_MATTERS,
            "name a file that can be read in tenants.policy",
        )],
    };
    (None, found)
}

/// What is known of the credential without showing it to anybody.
pub(super) fn credential(tenant: &TenantConfig, told: &Told) -> Finding {
    let credential = &tenant.credential;
    // It ends by the world's clock, whichever one the installation follows.
    let now = SystemClock.now();
    match credential.ends() {
        Ok(Some(ends)) => certificate(ends, now),
        Ok(None) => match credential {
            Credential::Application {
                client_id: _,
                application: Application::Secret(_),
            } => secret(tenant, told, now),
            Credential::Application {
                client_id: _,
                application: Application::Certificate(_) | Application::FederatedToken(_),
            }
            | Credential::ManagedIdentity { .. } => {
                Finding::ok(Check::Credential, described(credential))
            }
        },
        Err(error) => Finding::failed(
            Check::Credential,
            &error,
            CREDENTIAL_MATTERS,
            "put certificate and key into the file, in PEM, readable by the daemon's user",
        ),
    }
}

/// Until when the client secret is good: by Entra, else by the configuration, else nobody knows.
fn secret(tenant: &TenantConfig, told: &Told, now: DateTime<Utc>) -> Finding {
    let asked = match told {
        Told::Ends(end) => {
            let day = end.at.format("%Y-%m-%d");
            let which = if end.is_certain {
                ""
            } else {
                "; which of several is in use cannot be told, and this is the first of them to end"
            };
            let what = format!("a client secret, by Entra good until {day}{which}");
            if (end.at - now).num_days() < SOON {
                let why = "from then on Entra gives no token, and every cycle fails";
                let fix = "add a new secret to the app registration and to tenants.credential";
                return Finding::warning(Check::Credential, what, why, fix);
            }
            return Finding::ok(Check::Credential, what);
        }
        Told::Unknown => "Entra does not say until when",
        Told::Unasked => {
            "until when it is good, Entra tells only with the permission Application.Read.All"
        }
    };
    match tenant.secret_expires_on {
        Some(day) => Finding::ok(
            Check::Credential,
            format!("a client secret, by the configuration good until {day}; {asked}"),
        ),
        None => Finding::warning(
            Check::Credential,
            format!("a client secret, and nobody watches when it ends: {asked}"),
            "on the day it ends Entra gives no token any more, every cycle fails, and no alarm comes before",
            "write the day into tenants.credential.secret_expires_on, or grant Application.Read.All",
        ),
    }
}

fn described(credential: &Credential) -> String {
    match credential {
        Credential::Application {
            client_id: _,
            application,
        } => match application {
            Application::Secret(_) => "a client secret".to_owned(),
            Application::Certificate(file) => format!("the certificate {}", file.display()),
            Application::FederatedToken(file) => {
                format!("workload identity, with the token in {}", file.display())
            }
        },
        Credential::ManagedIdentity {
            client_id: Some(id),
            source: _,
        } => format!("the managed identity {id}"),
        Credential::ManagedIdentity {
            client_id: None,
            source: _,
        } => "the machine's own managed identity".to_owned(),
    }
}

fn certificate(ends: DateTime<Utc>, now: DateTime<Utc>) -> Finding {
    const RENEW: &str =
        "add a new certificate to the app registration and to tenants.credential.certificate_file";
    let left = ends - now;
    let day = ends.format("%Y-%m-%d");
    if left <= TimeDelta::zero() {
        let what = format!("the certificate ended on {day}");
        Finding::wrong(Check::Credential, what, CREDENTIAL_MATTERS, RENEW)
    } else if left.num_days() < SOON {
        let what = format!("the certificate ends on {day}, in {} days", left.num_days());
        let why = "from then on Entra gives no token, and every cycle fails";
        Finding::warning(Check::Credential, what, why, RENEW)
    } else {
        let what = format!("a certificate, good until {day}");
        Finding::ok(Check::Credential, what)
    }
}

/// Reads the simulator's clock where it is followed.
pub(super) async fn followed(clock: &InstallationClock) -> Option<Finding> {
    let InstallationClock::Followed { url, .. } = clock else {
        return None;
    };
    let finding = match clock.refresh().await {
        Ok(()) => Finding::ok(
            Check::Clock,
            format!(
                "follows the simulator at {url}, which shows {}",
                clock.now()
            ),
        ),
        Err(error) => Finding::failed(
            Check::Clock,
            error.as_ref(),
            "the daemon does not start without the clock that it follows",
            "start the simulator, or take clock.follow out of the configuration",
        ),
    };
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_spoken_of_a_month_before_it_ends_and_wrong_afterwards() {
        let now = DateTime::UNIX_EPOCH;
        let state = |left| certificate(now + left, now).state.as_str();
        assert_eq!(state(TimeDelta::days(30)), "ok");
        assert_eq!(state(TimeDelta::days(29)), "warning");
        assert_eq!(state(TimeDelta::seconds(1)), "warning");
        assert_eq!(state(TimeDelta::zero()), "wrong");
    }
}
