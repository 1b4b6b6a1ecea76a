//! The simulator over real HTTP, as a client and as a driver see it.

mod batch;
mod connections;
mod contract;
mod control;
mod credentials;
mod days;
mod delta;
mod faults;
mod filters;
mod groups;
mod life;
mod lifecycle;
mod limits;
mod mail;
mod oddities;
mod paging;
mod people;
mod permissions;
mod queries;
mod relations;
mod senses;
mod sign_ins;
mod tenant;
mod throttling;
mod tokens;
mod traps;
