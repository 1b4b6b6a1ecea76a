//! The configuration as it is written: every key optional, nothing judged.
//!
//! These types are the one list of keys. What is required is said by the checks, so that a misspelt key is reported
//! beside the missing one instead of after it.

use secrecy::SecretString;
use serde::Deserialize;

use super::keys::{Describe, Key, Kind};
use super::path::KeyPath;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        pub(super) struct $name {
            $($(#[$key_doc])* pub(super) $key: Option<$kind>,)*
        }

        impl Describe for $name {
            fn describe(path: KeyPath, keys: &mut Vec<Key>) {
                keys.push(Key { path: path.clone(), kind: Kind::Table });
                $(<$kind>::describe(path.child(stringify!($key)), keys);)*
            }
        }
    };
}

section!(
    /// The whole file.
    RawConfig {
        /// Where Innkeeper keeps what it knows.
        database: RawDatabase,
        /// When it looks.
        schedule: RawSchedule,
        /// Where it says how it is.
        http: RawHttp,
        /// How those who are written to can answer.
        answers: RawAnswers,
        /// What it writes down while it works.
        log: RawLog,
        /// Whose time it lives in.
        clock: RawClock,
        /// Where the heads of the journal are written down besides.
        journal: RawJournal,
        /// When operators are alarmed.
        alarms: RawAlarms,
        /// How long things are kept.
        retention: RawRetention,
        /// The tenants under management.
        tenants: Vec<RawTenant>,
    }
);

section!(
    /// `[database]`
    RawDatabase {
        /// `sqlite://file` or `postgres://...`; a secret, because it may hold a password.
        url: SecretString,
        /// How long a daemon that has died keeps others from acting.
        lease_seconds: u32,
    }
);

section!(
    /// `[schedule]`
    RawSchedule {
        /// Five crontab fields; every six hours when absent.
        cycle: String,
        /// The IANA name of the zone that they are meant in.
        time_zone: String,
        /// How old a whole reading of the directory may be.
        whole_reading_hours: u32,
        /// Over how much of the time to its next run the daemon spreads a whole reading.
        spread_percent: u32,
    }
);

section!(
    /// `[http]`
    RawHttp {
        /// Address and port.
        listen: String,
    }
);

section!(
    /// `[answers]`
    RawAnswers {
        /// Where those who are written to find the pages.
        public_url: String,
        /// Address and port that they are served at.
        listen: String,
        /// The keys that seal the links.
        key_file: String,
        /// Days that a link is good for.
        valid_days: u32,
    }
);

section!(
    /// `[log]`
    RawLog {
        /// `text` or `json`.
        format: String,
        /// Directives of tracing's `EnvFilter`.
        level: String,
    }
);

section!(
    /// `[clock]`
    RawClock {
        /// The simulator's clock.
        follow: String,
    }
);

section!(
    /// `[journal]`
    RawJournal {
        /// A file that a line is added to after each cycle.
        anchor_file: String,
        /// A webhook; a secret, because its address is often all that it asks for.
        anchor_url: SecretString,
    }
);

section!(
    /// `[alarms]`
    RawAlarms {
        /// A webhook; a secret, because its address is often all that it asks for.
        url: SecretString,
        /// Hours without a healthy cycle.
        silent_hours: u32,
        /// Per cent fewer guests than known,
        fewer_guests_percent: u32,
        /// and at least so many fewer.
        fewer_guests_least: u32,
        /// Cycles in which nothing is done of what is due.
        idle_cycles: u32,
        /// Cycles over which the backlog grows.
        growing_cycles: u32,
        /// Days before a certificate or secret ends,
        credential_days: u32,
        /// and the second time.
        credential_days_again: u32,
        /// Hours after which an alarm is told a second time.
        repeat_hours: u32,
        /// Days after which it is told each further time.
        repeat_days: u32,
    }
);

section!(
    /// `[retention]`
    RawRetention {
        /// Days that observations are kept.
        observations_days: u32,
        /// Days that plans are kept.
        plans_days: u32,
        /// Days that actions, closed cases and what hangs on them are kept.
        actions_days: u32,
        /// Days after which the personal data of guests who are gone is erased.
        removed_guests_days: u32,
    }
);

section!(
    /// `[[tenants]]`
    RawTenant {
        /// What people call it.
        name: String,
        /// Its id in Entra.
        tenant_id: String,
        /// How far Innkeeper goes.
        mode: String,
        /// The policy's file.
        policy: String,
        /// The national cloud that it is in.
        cloud: String,
        /// Microsoft Graph.
        graph_url: String,
        /// Where tokens come from.
        login_url: String,
        /// How much of Graph's limits is used.
        quota_percent: u32,
        /// How many guests a change of the policy may newly affect without a person,
        max_newly_affected: u32,
        /// and how many in a hundred.
        max_newly_affected_percent: u32,
        /// Further certificate authorities, PEM.
        ca_file: String,
        /// How it proves who it is.
        credential: RawCredential,
        /// Who writes to people and who is told.
        notify: RawNotify,
        /// Who expects a sign of life.
        heartbeat: RawHeartbeat,
    }
);

section!(
    /// `[tenants.credential]`
    RawCredential {
        /// `client-secret`, `certificate`, `workload-identity` or `managed-identity`
        kind: String,
        /// The application's id, or that of a user-assigned identity.
        client_id: String,
        /// Its secret,
        client_secret: SecretString,
        /// or the file that holds it.
        client_secret_file: String,
        /// The last day on which the secret is good.
        secret_expires_on: String,
        /// Its certificate and key.
        certificate_file: String,
        /// The token of another identity provider.
        token_file: String,
        /// Where the tokens of a managed identity come from.
        source: String,
    }
);

section!(
    /// `[tenants.notify]`
    RawNotify {
        /// The mailbox that notices are sent from.
        sender: String,
        /// Those who look after Innkeeper.
        operators: Vec<String>,
        /// Where a guest comes to who accepts an invitation that was sent again.
        invitation_redirect: String,
        /// Days before a deleted guest is gone for good that operators are told.
        days_before_final_day: u32,
    }
);

section!(
    /// `[tenants.heartbeat]`
    RawHeartbeat {
        /// Called after each healthy cycle.
        url: SecretString,
        /// Called after each other one.
        failure_url: SecretString,
    }
);

macro_rules! leaf {
    ($type:ty, $kind:expr) => {
        impl Describe for $type {
            fn describe(path: KeyPath, keys: &mut Vec<Key>) {
                keys.push(Key { path, kind: $kind });
            }
        }
    };
}

leaf!(String, Kind::Text);
leaf!(SecretString, Kind::Text);
leaf!(u32, Kind::Number);
leaf!(Vec<String>, Kind::Texts);

impl Describe for Vec<RawTenant> {
    fn describe(path: KeyPath, keys: &mut Vec<Key>) {
        let start = keys.len();
        RawTenant::describe(path, keys);
        if let Some(tenants) = keys.get_mut(start) {
            tenants.kind = Kind::Tables;
        }
    }
}
