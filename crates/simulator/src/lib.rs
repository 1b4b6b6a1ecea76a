//! A simulated Entra tenant, served over HTTP as Microsoft Graph v1.0 serves a real one.
//!
//! It has its own token endpoint, a seeded population of guests, sponsors and groups that goes on
//! living on a virtual clock, the throttling and the error bodies of Graph, and faults that are
//! switched on by request. It depends on no other crate of this workspace: what Graph sends is
//! written down here a second time, so that a misreading in the client shows up in a test.
//!
//! Invariant: nothing happens by chance. The same options, the same advances of the clock and the
//! same requests give the same tenant, the same ids and the same answers.
//!
//! Table of contents, from the outside in:
//!
//! * `options`: what can be chosen at start; `server`: the listening socket and its life;
//! * `exchange`: one HTTP exchange, with the faults that may befall it; `wire`: how its answer is sent;
//! * `fault`: what a fault is; `faults`: which ones befall a request; `retries`: what one of them remembers;
//! * `control`: the API under `/_simulator` by which a test or a person drives the simulator;
//! * `graph`: the answers of Graph itself; `query` and `filter`: what it can be asked; `throttle`: its limits;
//! * `token`: the token endpoint and those of managed identities;
//! * `world`: everything that is behind the one lock;
//! * `tenant`: the directory and what happens in it; `population`: how it is filled;
//!   `life`: how it goes on;
//! * `clock`, `second`, `dice`: virtual time and seeded chance.

mod clock;
mod control;
mod dice;
mod exchange;
mod fault;
mod faults;
mod filter;
mod graph;
mod life;
mod options;
mod population;
mod query;
mod reply;
mod retries;
mod second;
mod server;
mod tenant;
mod throttle;
mod token;
mod wire;
mod world;

pub use dice::Dice;
pub use fault::{BatchAnswers, ErrorShape, Fault, FaultKind, Hostility, Moment, RowFault};
pub use options::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_PERMISSIONS, DEFAULT_TENANT_ID,
    IDENTITY_HEADER, Options, PopulationOptions,
};
pub use server::{Running, Simulator, Snapshot, StartError};
