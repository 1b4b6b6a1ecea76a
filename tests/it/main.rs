//! The whole binary, against the simulator over real HTTP and a real database.

mod commands;
mod daemon;
mod demo;
mod errors;
mod evidence;
mod kill;
mod once;
mod outage;
mod tenant;
