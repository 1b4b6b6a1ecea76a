//! The configuration in force, written out again.

use std::fmt::Write;

use innkeeper_graph::{Application, Credential, IdentitySource};
use serde_json::Value;

use super::path::KeyPath;
use super::{
    Alarms, Answers, Clock, Config, Database, Heartbeat, Http, Journal, Log, Notify, Retention,
    TenantConfig,
};
use innkeeper_domain::policy::Cap;

/// What stands for a secret.
const STRUCK_OUT: &str = "***";

pub(super) fn show(config: &Config) -> String {
    let Config {
        database: Database { url, lease_seconds },
        schedule,
        whole_reading_hours,
        spread_percent,
        http: Http { listen },
        answers,
        log: Log { format, level },
        clock: Clock { follow },
        journal: Journal {
            anchor_file,
            anchor_url,
        },
        alarms,
        retention:
            Retention {
                observations_days,
                plans_days,
                actions_days,
                removed_guests_days,
            },
        tenants,
        warnings,
        origins: _,
    } = config;
    let mut page = Page {
        config,
        text: String::new(),
    };
    for warning in warnings {
        page.line(&format!("# warning: {warning}"));
    }
    let at = page.section("[database]", &KeyPath::of("database"));
    page.pair(&at, "url", url.to_string());
    page.pair(&at, "lease_seconds", *lease_seconds);
    let at = page.section("[schedule]", &KeyPath::of("schedule"));
    page.pair(&at, "cycle", schedule.to_string());
    page.pair(&at, "time_zone", schedule.zone().name());
    page.pair(&at, "whole_reading_hours", *whole_reading_hours);
    page.pair(&at, "spread_percent", *spread_percent);
    if let Some(listen) = listen {
        let at = page.section("[http]", &KeyPath::of("http"));
        page.pair(&at, "listen", listen.to_string());
    }
    if let Some(Answers { listen, links }) = answers {
        let at = page.section("[answers]", &KeyPath::of("answers"));
        page.pair(&at, "public_url", links.public_url.as_str());
        page.pair(&at, "listen", listen.to_string());
        page.pair(&at, "key_file", links.key_file.display().to_string());
        page.pair(&at, "valid_days", links.valid.num_days());
    }
    let at = page.section("[log]", &KeyPath::of("log"));
    page.pair(&at, "format", format.as_str());
    page.pair(&at, "level", level.as_str());
    if let Some(follow) = follow {
        let at = page.section("[clock]", &KeyPath::of("clock"));
        page.pair(&at, "follow", follow.as_str());
    }
    if anchor_file.is_some() || anchor_url.is_some() {
        let at = page.section("[journal]", &KeyPath::of("journal"));
        if let Some(file) = anchor_file {
            page.pair(&at, "anchor_file", file.display().to_string());
        }
        if let Some(url) = anchor_url {
            page.pair(&at, "anchor_url", url.to_string());
        }
    }
    page.alarms(alarms);
    let at = page.section("[retention]", &KeyPath::of("retention"));
    page.pair(&at, "observations_days", *observations_days);
    page.pair(&at, "plans_days", *plans_days);
    page.pair(&at, "actions_days", *actions_days);
    if let Some(days) = removed_guests_days {
        page.pair(&at, "removed_guests_days", *days);
    }
    for (index, tenant) in tenants.iter().enumerate() {
        page.tenant(tenant, &KeyPath::of("tenants").entry(index));
    }
    page.text
}

struct Page<'a> {
    config: &'a Config,
    text: String,
}

/// Read as a whole number, kept as a share.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a percentage from 0 to 100"
)]
fn whole(percent: f64) -> i64 {
    percent as i64
}

impl Page<'_> {
    fn tenant(&mut self, tenant: &TenantConfig, path: &KeyPath) {
        let TenantConfig {
            name,
            id,
            mode,
            policy,
            graph_url,
            login_url,
            quota_percent,
            max_newly_affected: Cap { guests, percent },
            ca_file,
            credential,
            secret_expires_on,
            notify,
            links: _,
            heartbeat,
        } = tenant;
        let at = self.section("[[tenants]]", path);
        self.pair(&at, "name", name.as_str());
        self.pair(&at, "tenant_id", id.to_string());
        self.pair(&at, "mode", mode.as_str());
        self.pair(&at, "policy", policy.display().to_string());
        self.pair(&at, "graph_url", graph_url.as_str());
        self.pair(&at, "login_url", login_url.as_str());
        self.pair(&at, "quota_percent", *quota_percent);
        self.pair(&at, "max_newly_affected", guests.cast_signed());
        self.pair(&at, "max_newly_affected_percent", whole(*percent));
        if let Some(ca_file) = ca_file {
            self.pair(&at, "ca_file", ca_file.display().to_string());
        }
        let at = self.section("[tenants.credential]", &path.child("credential"));
        self.credential(&at, credential);
        if let Some(day) = secret_expires_on {
            self.pair(&at, "secret_expires_on", day.to_string());
        }
        if let Some(Notify {
            sender,
            operators,
            invitation_redirect,
            days_before_final_day,
        }) = notify
        {
            let at = self.section("[tenants.notify]", &path.child("notify"));
            self.pair(&at, "sender", sender.as_str());
            self.pair(&at, "operators", operators.as_slice());
            if let Some(redirect) = invitation_redirect {
                self.pair(&at, "invitation_redirect", redirect.as_str());
            }
            self.pair(&at, "days_before_final_day", *days_before_final_day);
        }
        if let Some(Heartbeat { url, failure_url }) = heartbeat {
            let at = self.section("[tenants.heartbeat]", &path.child("heartbeat"));
            self.pair(&at, "url", url.to_string());
            if let Some(url) = failure_url {
                self.pair(&at, "failure_url", url.to_string());
            }
        }
    }

    fn alarms(&mut self, alarms: &Alarms) {
        let Alarms {
            url,
            silent_hours,
            fewer_guests_percent,
            fewer_guests_least,
            idle_cycles,
            growing_cycles,
            credential_days,
            credential_days_again,
            repeat_hours,
            repeat_days,
        } = alarms;
        let at = self.section("[alarms]", &KeyPath::of("alarms"));
        if let Some(url) = url {
            self.pair(&at, "url", url.to_string());
        }
        if let Some(hours) = silent_hours {
            self.pair(&at, "silent_hours", *hours);
        }
        for (name, value) in [
            ("fewer_guests_percent", fewer_guests_percent),
            ("fewer_guests_least", fewer_guests_least),
            ("idle_cycles", idle_cycles),
            ("growing_cycles", growing_cycles),
            ("credential_days", credential_days),
            ("credential_days_again", credential_days_again),
            ("repeat_hours", repeat_hours),
            ("repeat_days", repeat_days),
        ] {
            self.pair(&at, name, *value);
        }
    }

    fn credential(&mut self, at: &KeyPath, credential: &Credential) {
        match credential {
            Credential::Application {
                client_id,
                application,
            } => {
                let (kind, key, value) = match application {
                    // Read from a file or not, the page has one form; the origin tells.
                    Application::Secret(_) => {
                        ("client-secret", "client_secret", STRUCK_OUT.to_owned())
                    }
                    Application::Certificate(file) => (
                        "certificate",
                        "certificate_file",
                        file.display().to_string(),
                    ),
                    Application::FederatedToken(file) => (
                        "workload-identity",
                        "token_file",
                        file.display().to_string(),
                    ),
                };
                self.pair(at, "kind", kind);
                self.pair(at, "client_id", client_id.as_str());
                self.pair(at, key, value);
            }
            Credential::ManagedIdentity { client_id, source } => {
                self.pair(at, "kind", "managed-identity");
                if let Some(client_id) = client_id {
                    self.pair(at, "client_id", client_id.as_str());
                }
                let source = match source {
                    IdentitySource::Vm { .. } => "vm",
                    IdentitySource::AppService { .. } => "app-service",
                    IdentitySource::Arc { .. } => "arc",
                };
                self.pair(at, "source", source);
            }
        }
    }

    fn section(&mut self, header: &str, path: &KeyPath) -> KeyPath {
        if !self.text.is_empty() {
            self.line("");
        }
        self.line(header);
        path.clone()
    }

    fn pair(&mut self, section: &KeyPath, name: &str, value: impl Into<Value>) {
        let origins = &self.config.origins;
        let origin = origins
            .get(&section.child(name))
            .or_else(|| origins.get(&section.child(&format!("{name}_file"))))
            .map_or("default", String::as_str);
        // Text, numbers and lists of text are written in JSON as in TOML, but for the one character DEL.
        let value: Value = value.into();
        let value = value.to_string().replace('\u{7f}', "\\u007f");
        self.line(&format!("{name} = {value}  # {origin}"));
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{text}");
    }
}
