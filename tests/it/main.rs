//! The whole binary, against the simulator over real HTTP and a real database.

mod changes;
mod chaos;
mod commands;
mod daemon;
mod demo;
mod doctor;
mod errors;
mod evidence;
mod kill;
mod once;
mod outage;
mod policies;
mod tenant;
mod undo;
