//! The client against scripted answers, and against the simulated tenant.

mod behaviours;
mod connections;
mod contract;
mod credentials;
mod diagnostics;
mod documents;
mod effects;
mod fallbacks;
mod hostile;
mod limits;
mod network;
mod paging;
mod refusals;
mod rereading;
mod retries;
mod secrecy;
mod simulated;
mod socket;
mod speed;
mod tenant;
mod tokens;
mod truth;
mod values;
mod writing;
