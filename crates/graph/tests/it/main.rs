//! The client against scripted answers, and against the simulated tenant.

mod paging;
mod rereading;
mod retries;
mod secrecy;
mod tenant;
mod tokens;
mod values;
mod writing;
