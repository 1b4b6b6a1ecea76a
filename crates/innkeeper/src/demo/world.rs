//! The simulated world, as its control interface tells of it.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_simulator::Fault;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::simulation::{ClockReading, Control};

/// The simulated world.
pub(super) struct World {
    control: Control,
    pub(super) url: String,
}

/// `GET info`.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    pub(super) tenant_id: Uuid,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) notify_sender: String,
    pub(super) operators: Vec<String>,
}

/// One of `GET projects`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ProjectGroup {
    pub(super) id: GroupId,
    pub(super) name: String,
    pub(super) ends: NaiveDate,
    pub(super) kind: String,
}

/// One of `GET partners`.
#[derive(Debug, Deserialize)]
pub(super) struct PartnerDomain {
    pub(super) domain: String,
    pub(super) cross_tenant_sync: bool,
}

/// One of `GET truth`: a guest as it really is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TrueGuest {
    pub(super) id: GuestId,
    pub(super) upn: String,
    pub(super) mail: Option<String>,
    pub(super) user_type: String,
    pub(super) created: Option<DateTime<Utc>>,
    pub(super) external_state: Option<String>,
    pub(super) external_state_changed: Option<DateTime<Utc>>,
    pub(super) enabled: bool,
    pub(super) deleted: Option<DateTime<Utc>>,
    pub(super) purged: bool,
    pub(super) last_success: Option<DateTime<Utc>>,
    pub(super) last_interactive: Option<DateTime<Utc>>,
    pub(super) last_non_interactive: Option<DateTime<Utc>>,
    pub(super) synced: Option<bool>,
    pub(super) roles: Vec<String>,
    pub(super) eligible_roles: Vec<String>,
    pub(super) access_packages: Vec<TruePackage>,
    pub(super) privileged: bool,
    pub(super) restricted: bool,
    pub(super) sponsors: Vec<TrueSponsor>,
    pub(super) groups: Vec<TrueGroup>,
}

/// A guest's sponsor as it really is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TrueSponsor {
    pub(super) id: SponsorId,
    pub(super) kind: String,
    pub(super) enabled: Option<bool>,
    pub(super) deleted: bool,
    pub(super) user_type: Option<String>,
}

/// An access package that a guest really has or had.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TruePackage {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) ends: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) governed: bool,
}

/// A group that a guest is really in.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TrueGroup {
    pub(super) id: GroupId,
    pub(super) name: String,
}

/// `GET requests`.
#[derive(Debug, Deserialize)]
pub(super) struct Requests {
    pub(super) total: u64,
}

/// One of `GET writes`: what was really done.
#[derive(Debug, Deserialize)]
pub(super) struct Write {
    pub(super) at: DateTime<Utc>,
    pub(super) kind: String,
    pub(super) target: Option<GuestId>,
    pub(super) group: Option<GroupId>,
    pub(super) changed: bool,
}

/// One of `GET outbox`: a mail that was accepted.
#[derive(Debug, Deserialize)]
pub(super) struct Mail {
    pub(super) body: String,
}

/// One of `GET faults`: a fault that is switched on, and how many requests it befell.
#[derive(Debug, Deserialize)]
pub(super) struct ActiveFault {
    pub(super) hits: u64,
    pub(super) fault: Fault,
}

impl World {
    pub(super) fn at(url: &str) -> Result<Self> {
        let control = Control::new(Url::parse(&format!("{url}/_simulator/"))?)?;
        Ok(Self {
            control,
            url: url.to_owned(),
        })
    }

    pub(super) async fn now(&self) -> Result<DateTime<Utc>> {
        Ok(self.control.get::<ClockReading>("clock").await?.now)
    }

    pub(super) async fn advance(&self, span: TimeDelta) -> Result<DateTime<Utc>> {
        let body = json!({ "seconds": span.num_seconds() });
        Ok(self
            .control
            .post::<ClockReading>("clock/advance", &body)
            .await?
            .now)
    }

    pub(super) async fn info(&self) -> Result<Info> {
        self.control.get("info").await
    }

    pub(super) async fn projects(&self) -> Result<Vec<ProjectGroup>> {
        self.control.get("projects").await
    }

    pub(super) async fn partners(&self) -> Result<Vec<PartnerDomain>> {
        self.control.get("partners").await
    }

    pub(super) async fn truth(&self) -> Result<Vec<TrueGuest>> {
        self.control.get("truth").await
    }

    pub(super) async fn requests(&self) -> Result<u64> {
        Ok(self.control.get::<Requests>("requests").await?.total)
    }

    pub(super) async fn outbox(&self) -> Result<Vec<Mail>> {
        self.control.get("outbox").await
    }

    /// Forgets the writes, the mails and the requests so far.
    pub(super) async fn forget(&self) -> Result<()> {
        self.control.post::<Value>("reset", &json!({})).await?;
        Ok(())
    }

    pub(super) async fn faults(&self) -> Result<Vec<ActiveFault>> {
        self.control.get("faults").await
    }

    pub(super) async fn switch_on(&self, fault: &Fault) -> Result<()> {
        let fault = serde_json::to_value(fault)?;
        self.control.post::<Value>("faults", &fault).await?;
        Ok(())
    }

    /// Takes back every fault.
    pub(super) async fn switch_off(&self) -> Result<()> {
        self.control.delete("faults").await
    }

    /// Sets something else of the tenant.
    pub(super) async fn set(&self, what: &str, value: &Value) -> Result<()> {
        self.control.put(what, value).await
    }

    /// Makes a security group; returns its id.
    pub(super) async fn add_group(&self, name: &str) -> Result<GroupId> {
        #[derive(Deserialize)]
        struct Made {
            id: GroupId,
        }
        let body = json!({ "name": name, "kind": "security" });
        Ok(self.control.post::<Made>("groups", &body).await?.id)
    }

    /// Changes a user, as somebody does by hand.
    pub(super) async fn change_user(&self, id: &str, body: &Value) -> Result<()> {
        self.control.patch(&format!("users/{id}"), body).await
    }

    /// Has a user sign in, with a prompt.
    pub(super) async fn sign_in(&self, id: &str, body: &Value) -> Result<()> {
        let path = format!("users/{id}/sign-in");
        self.control.post::<Value>(&path, body).await?;
        Ok(())
    }

    pub(super) async fn writes(&self) -> Result<Vec<Write>> {
        self.control.get("writes").await
    }
}
