//! The whole binary, against the simulator over real HTTP and a real database.

mod changes;
mod chaos;
mod commands;
mod daemon;
mod demo;
mod doctor;
mod errors;
mod evidence;
mod exemptions;
mod expiry;
mod kill;
mod limits;
mod notices;
mod once;
mod outage;
mod policies;
mod projects;
mod sponsors;
mod tenant;
mod undo;
