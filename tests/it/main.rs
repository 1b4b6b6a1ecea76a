//! The whole binary, against the simulator over real HTTP and a real database.

mod commands;
mod daemon;
mod demo;
mod doctor;
mod errors;
mod kill;
mod limits;
mod once;
mod outage;
mod tenant;
