//! Lifecycle state in SQLite or Postgres: one SQL text, two drivers. The only crate that knows SQL.
//!
//! Every query is a method of [`Tx`], grouped by file. A `Tx` that is dropped rolls back; it is never held across a
//! call to Graph. Every table carries the tenant, and nothing crosses tenants.

#[macro_use]
mod sql;

mod acceptance;
mod access;
mod alarms;
mod attestations;
mod cases;
mod decisions;
mod error;
mod given;
mod groups;
mod guests;
mod history;
mod intents;
mod journal;
mod leases;
mod marks;
mod migrations;
mod moment;
mod observations;
mod open;
mod orders;
mod people;
mod plans;
mod policies;
mod projects;
mod pruning;
mod retention;
mod rows;
mod snapshots;
mod sponsors;
mod views;

pub use acceptance::{AcceptedPolicy, WaitingPolicy};
pub use access::RegisterRow;
pub use alarms::AlarmRow;
pub use attestations::Unconfirmed;
pub use cases::CaseRow;
pub use decisions::{DecisionRow, WaitingStep};
pub use error::StoreError;
pub use guests::{Added, RowKey, StoredVerdict};
pub use intents::IntentRow;
pub use leases::LeaseGrant;
pub use observations::{ObservationRow, ObservationState};
pub use open::{Store, Tx};
pub use people::{InvitedBy, SponsorGroup};
pub use plans::PlanRow;
pub use views::GuestRow;
