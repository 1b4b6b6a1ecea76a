//! What can be chosen when a simulator is started. Every field has a default that works.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::{Uuid, uuid};

use crate::fault::Fault;

/// The tenant id unless another one is chosen.
pub const DEFAULT_TENANT_ID: Uuid = uuid!("5d0a7f3e-2f64-4c39-9a51-6b0de1c7a001");
/// The application (client) id unless another one is chosen.
pub const DEFAULT_CLIENT_ID: Uuid = uuid!("c1a9b4d2-7e35-4b8a-8f10-93d2e6f4b002");
/// The object id of that application's service principal, which its tokens name.
pub(crate) const SERVICE_PRINCIPAL_ID: Uuid = uuid!("7f2d1c9b-0a4e-4f6d-9b53-2c8e5a1fb003");
/// The client secret unless another one is chosen.
pub const DEFAULT_CLIENT_SECRET: &str = "simulated-secret";
/// What App Service's endpoint wants to see in `X-IDENTITY-HEADER`.
pub const IDENTITY_HEADER: &str = "simulated-identity-header";

/// The application permissions granted unless others are chosen: all that a daemon needs which
/// reads guests and their sign-in activity, notifies, flags, disables, removes and restores.
pub const DEFAULT_PERMISSIONS: &[&str] = &[
    "AccessReview.Read.All",
    "AuditLog.Read.All",
    "Directory.Read.All",
    "EntitlementManagement.Read.All",
    "Group.Read.All",
    "GroupMember.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "User.Invite.All",
    "LicenseAssignment.Read.All",
    "Mail.Send",
    "Organization.Read.All",
    "RoleManagement.Read.Directory",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "User-LifeCycleInfo.ReadWrite.All",
];

/// How a simulator is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Port 0 (the default) takes a free one.
    pub listen: SocketAddr,
    /// Size and seed of the tenant.
    pub population: PopulationOptions,
    /// The virtual time at start; `None` means the present.
    pub start: Option<DateTime<Utc>>,
    /// Virtual seconds for each real second. 0 makes the clock stand still except when it is
    /// advanced through the control API, which is what tests want.
    pub speed: f64,
    /// Whether Graph's limits are enforced.
    pub throttling: bool,
    /// A delay before every answer.
    pub latency: Duration,
    /// The id of the tenant.
    pub tenant_id: Uuid,
    /// The application that may ask for tokens.
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: String,
    /// Its application permissions, by name. A token keeps those granted when it was issued.
    pub permissions: Vec<String>,
    /// Whether the tenant has an Entra ID P1/P2 licence; without one, sign-in data is refused.
    pub licensed: bool,
    /// Whether that licence is P2, or one of Entra ID Governance: without it nobody may activate roles, and there are no
    /// access packages.
    pub governance: bool,
    /// How long a sign-in takes to show in `signInActivity` (Graph: up to 24 hours).
    pub sign_in_lag: Duration,
    /// Lifetime of an access token, in virtual time.
    pub token_lifetime: Duration,
    /// Lifetime of a page token (`$skiptoken`) of the directory, in virtual time.
    pub page_token_lifetime: Duration,
    /// Faults that are active from the first request on.
    pub faults: Vec<Fault>,
}

/// Size and seed of the tenant.
#[derive(Debug, Clone)]
pub struct PopulationOptions {
    /// Users with `userType` Guest at start, soft-deleted ones included. Employees, external
    /// members and groups come on top, in proportion.
    pub guests: usize,
    /// Everything is derived from it: the same seed gives the same tenant.
    pub seed: u64,
    /// Whether the tenant goes on living as virtual time passes (sign-ins, invitations, ends of
    /// projects, departures). Soft-deleted users are purged after 30 days in any case.
    pub life: bool,
}

impl Default for PopulationOptions {
    fn default() -> Self {
        Self {
            guests: 200,
            seed: 1,
            life: true,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            population: PopulationOptions::default(),
            start: None,
            speed: 1.0,
            throttling: true,
            latency: Duration::ZERO,
            tenant_id: DEFAULT_TENANT_ID,
            client_id: DEFAULT_CLIENT_ID,
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            permissions: DEFAULT_PERMISSIONS
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            licensed: true,
            governance: true,
            sign_in_lag: Duration::ZERO,
            token_lifetime: Duration::from_secs(3599),
            page_token_lifetime: Duration::from_secs(24 * 3600),
            faults: Vec::new(),
        }
    }
}
