//! The client against scripted answers, and against the simulated tenant.

mod effects;
mod paging;
mod rereading;
mod retries;
mod secrecy;
mod simulated;
mod tenant;
mod tokens;
mod truth;
mod values;
mod writing;
