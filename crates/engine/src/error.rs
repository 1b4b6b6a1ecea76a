//! Why a cycle ended early.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_graph::GraphError;
use innkeeper_store::StoreError;

/// Why a cycle ended early. Whatever it had done until then is recorded; the next cycle goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// Graph refused, lied or could not be reached.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process is running a cycle of this tenant.
    #[error(
        "another process is running a cycle of this tenant (its lease lasts until {until}); wait for it, or stop it"
    )]
    Busy {
        /// Until when its lease lasts.
        until: DateTime<Utc>,
    },
    /// Sponsors of many guests were not among those that Graph gave.
    #[error(
        "Graph gave the sponsors of {read} of {guests} guests; the observation is discarded, the next cycle tries again"
    )]
    SponsorsIncomplete {
        /// Guests whose sponsors were read.
        read: u64,
        /// Guests.
        guests: u64,
    },
    /// A listing went on far beyond what is there.
    #[error(
        "Graph listed {listed} guests and more where it counts {counted} and {known} were known to be there; the observation is discarded, the next cycle tries again (limits.surplus_percent)"
    )]
    TooMany {
        /// Rows so far.
        listed: u64,
        /// By Graph's own count.
        counted: u64,
        /// By the last observation that could be believed.
        known: u64,
    },
    /// A reading did not come to an end.
    #[error(
        "the tenant could not be read in {} minutes; the observation is discarded, the next cycle tries again (limits.longest_reading)", longest.num_minutes()
    )]
    TooLong {
        /// How long it may take.
        longest: TimeDelta,
    },
    /// This machine's clock or Graph's is wrong.
    #[error(
        "this machine's clock is {} seconds {} Graph's; nothing is concluded by it: set it (NTP), then try again", seconds.abs(), if *seconds > 0 { "ahead of" } else { "behind" }
    )]
    ClockSkew {
        /// By how many seconds it is ahead.
        seconds: i64,
    },
    /// The policy asks for what may not be read. To who may not, it looks as if nobody had it.
    #[error(
        "the policy takes {property} for a date, which is read with the application permission {permission}; grant it, or take the attribute out of the policy's [expiry]"
    )]
    NotPermitted {
        /// What.
        property: &'static str,
        /// With which permission it is read.
        permission: &'static str,
    },
    /// A stop was asked for before anything was done.
    #[error("stopped before the observation was complete")]
    Stopped,
}
