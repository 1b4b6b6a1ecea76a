//! The whole binary, against the simulator over real HTTP and a real database.

mod changes;
mod chaos;
mod commands;
mod daemon;
mod death;
mod demo;
mod doctor;
mod errors;
mod eventful;
mod evidence;
mod exemptions;
mod expiry;
mod kill;
mod limits;
mod names;
mod notices;
mod once;
mod outage;
mod policies;
mod projects;
mod tenant;
mod undo;
