//! A tenant in which the next cycle has something of every kind to do, to be turned back and gone through again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitStatus;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Anchors;
use innkeeper_simulator::{DEFAULT_TENANT_ID, Snapshot};
use innkeeper_store::Store;
use innkeeper_testdb::copy_of;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tenant::{POLICY, Tenant, shown};

const MORTAL: &str = env!("CARGO_BIN_EXE_mortal");

/// What the last cycle has beside the rules before it.
const MORE: &str = r#"
[[rule]]
name = "marked"
when = 'guest.mail == "marked@partner.example"'
stages = [{ action = "flag" }]

[[rule]]
name = "labelled"
when = 'guest.mail == "labelled@partner.example"'
stages = [{ action = "flag", attribute = "extensionAttribute7" }]

[[rule]]
name = "invited"
when = 'guest.mail == "invited@partner.example"'
stages = [{ action = "resend-invitation" }]

[[rule]]
name = "roles"
when = 'guest.mail == "roles@partner.example"'
unannounced = true
stages = [{ action = "remove-app-roles" }]

[[rule]]
name = "orphan"
when = 'guest.mail == "orphan@partner.example"'
stages = [{ action = "add-sponsor" }]

[sponsors]
write_back = true

[[steward]]
domains = ["partner.example"]
to = ["STEWARD"]
"#;

const SPARED: &str = r#"
[[protect]]
name = "spared"
when = 'guest.mail == "spared@partner.example"'
"#;

/// A tenant in which the next cycle has a step of each kind before it, and what to turn it back to.
pub struct Eventful {
    pub tenant: Tenant,
    world: Snapshot,
    database: String,
    /// The guest who is disabled has a sponsor.
    pub sponsored: String,
}

impl Eventful {
    pub async fn on(database: String) -> Self {
        let mut tenant = Tenant::with(0, database.clone()).await;
        if database.starts_with("sqlite:") {
            let file = tenant.path("innkeeper.db");
            tenant.move_to(format!("sqlite://{}", file.display())).await;
        }
        for name in ["active", "quiet"] {
            tenant.add_guest(name, 1).await;
        }
        tenant.add_guest("deleted", 100).await;
        let sponsor = tenant.add_guest("sponsor", 1).await;
        let mut sponsored = String::new();
        for day in [0, 7, 14, 21, 28, 30, 37, 44] {
            match day {
                14 => _ = tenant.add_guest("spared", 100).await,
                30 => {
                    sponsored = tenant.add_guest("disabled", 100).await;
                    let body = json!({ "sponsors": [sponsor], "manager": sponsor });
                    change(&tenant, &sponsored, body).await;
                }
                37 => {
                    let guest = tenant.add_guest("removed", 1).await;
                    change(&tenant, &guest, json!({ "add_group": "bridge" })).await;
                }
                44 => {
                    tenant.add_guest("warned", 100).await;
                    tenant.add_guest("marked", 1).await;
                    tenant.add_guest("labelled", 1).await;
                    tenant.add_guest("orphan", 1).await;
                    let invited = tenant.add_guest("invited", 1).await;
                    let pending = json!({ "external_state": "PendingAcceptance" });
                    change(&tenant, &invited, pending).await;
                    let roles = tenant.add_guest("roles", 1).await;
                    change(&tenant, &roles, json!({ "add_app_role": "Travel Desk" })).await;
                    break;
                }
                _ => {}
            }
            tenant.apply().await;
            tenant
                .pass_days(if matches!(day, 28) { 2 } else { 7 })
                .await;
        }
        let steward = json!({ "mail": "steward@contoso.example", "user_type": "Member" });
        let steward = tenant.post("users", steward).await;
        let more = MORE.replace("STEWARD", steward["id"].as_str().expect("an id"));
        tenant.write("policy.toml", &format!("{POLICY}{more}{SPARED}"));
        let database = tenant.database().to_owned();
        Self {
            world: tenant.snapshot(),
            tenant,
            database,
            sponsored,
        }
    }

    /// Everything as it was at the start, in a database of its own.
    pub async fn turn_back(&mut self) {
        self.tenant.restore(&self.world);
        self.tenant.move_to(copy_of(&self.database).await).await;
    }

    /// From now on this is the start.
    pub fn go_on_from_here(&mut self) {
        self.world = self.tenant.snapshot();
        self.database = self.tenant.database().to_owned();
    }

    /// Runs a command that dies at a boundary; what it came to, by name.
    pub async fn mortal(
        &self,
        arguments: &[&str],
        dies_at: Option<usize>,
    ) -> (ExitStatus, Vec<String>) {
        let file = self.tenant.path("boundaries");
        _ = std::fs::remove_file(&file);
        let mut command = self.tenant.command_of(Path::new(MORTAL), arguments);
        command.env("MORTAL_WRITES", &file);
        if let Some(number) = dies_at {
            command.env("MORTAL_DIES_AT", number.to_string());
        }
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("no panic")
            .expect("the binary starts");
        if dies_at.is_none() {
            assert!(output.status.success(), "{}", shown(&output));
        }
        let passed = std::fs::read_to_string(file).unwrap_or_default();
        (output.status, passed.lines().map(str::to_owned).collect())
    }

    /// What has been done and is known, when everything has come to rest.
    pub async fn account(&self) -> Account {
        let store = Store::open(self.tenant.database()).await.expect("it opens");
        let mut tx = store.read().await.expect("it can be read");
        let open = tx.open_intents(tenant_id()).await.expect("intents");
        assert!(open.is_empty(), "{open:#?}");
        let verified = tx
            .verify_journal(tenant_id(), &Anchors::default())
            .await
            .expect("it can be read");
        assert!(verified.is_ok(), "{verified:?}");
        drop(tx);
        store.close().await;

        let mut writes = BTreeMap::new();
        for write in self.tenant.get("writes").await.as_array().expect("a list") {
            let text = |key: &str| write[key].to_string();
            *writes.entry((text("kind"), text("target"))).or_default() += 1;
        }
        let listed = self.tenant.json(&["guests", "list"]).await;
        let verdict =
            |guest: &Value| ["upn", "verdict", "rule", "stage"].map(|key| guest[key].to_string());
        let truth = self.tenant.get("truth").await;
        let state = |guest: &Value| {
            let keys = [
                "mail",
                "enabled",
                "deleted",
                "groups",
                "sponsors",
                "attributes",
                "manager",
                "app_roles",
            ];
            keys.map(|key| guest[key].to_string()).join(" ")
        };
        Account {
            writes,
            guests: truth
                .as_array()
                .expect("a list")
                .iter()
                .map(state)
                .collect(),
            verdicts: listed
                .as_array()
                .expect("a list")
                .iter()
                .map(verdict)
                .collect(),
        }
    }

    /// Another process takes the lease, whoever holds it.
    pub async fn give_the_lease_away(&self) {
        let store = Store::open(self.tenant.database()).await.expect("it opens");
        let (holder, to_come) = (Uuid::from_u128(7), time(4_000_000_000));
        let sql = "UPDATE leases SET epoch = epoch + 1, holder = $1, expires_at = $2";
        match &store {
            Store::Sqlite { write, .. } => {
                let query = sqlx::query(sql).bind(holder).bind(to_come);
                query.execute(write).await.expect("it is written");
            }
            Store::Postgres(pool) => {
                let query = sqlx::query(sql).bind(holder).bind(to_come);
                query.execute(pool).await.expect("it is written");
            }
        }
        store.close().await;
    }

    /// Has the lease of a process that died run out.
    pub async fn let_the_lease_run_out(&self) {
        let store = Store::open(self.tenant.database()).await.expect("it opens");
        let past = time(0);
        let sql = "UPDATE leases SET expires_at = $1";
        match &store {
            Store::Sqlite { write, .. } => {
                let query = sqlx::query(sql).bind(past);
                query.execute(write).await.expect("it is written");
            }
            Store::Postgres(pool) => {
                let query = sqlx::query(sql).bind(past);
                query.execute(pool).await.expect("it is written");
            }
        }
        store.close().await;
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

pub async fn change(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant
        .control(reqwest::Method::PATCH, &path, Some(body))
        .await;
}

pub fn tenant_id() -> TenantId {
    TenantId(DEFAULT_TENANT_ID)
}

#[derive(Debug, PartialEq)]
pub struct Account {
    /// How often each thing was done to whom.
    writes: BTreeMap<(String, String), u32>,
    guests: BTreeSet<String>,
    verdicts: BTreeSet<[String; 4]>,
}

impl Account {
    /// The same, but for mails, those that Microsoft sends to guests among them: whether one was sent cannot be read anywhere, so a death around it has it sent again a
    /// day later.
    pub fn without_mails(mut self) -> (Self, u32) {
        let is_mail = |kind: &str| kind.contains("send-mail") || kind.contains("invite");
        let mails = self.writes.iter().filter(|((kind, _), _)| is_mail(kind));
        let mails = mails.map(|(_, times)| times).sum();
        self.writes.retain(|(kind, _), _| !is_mail(kind));
        (self, mails)
    }
}

/// What follows a cycle, whether it lived or died.
pub async fn finish_cycle(eventful: &Eventful) {
    eventful.tenant.apply().await;
    // A stage whose mail may have been sent rests a day.
    eventful.tenant.pass_days(1).await;
    eventful.tenant.apply().await;
}
