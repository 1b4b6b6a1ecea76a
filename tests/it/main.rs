//! The whole binary, against the simulator over real HTTP and a real database.

mod acceptance;
mod access;
mod actions;
mod answers;
mod backtest;
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
mod names;
mod notices;
mod once;
mod outage;
mod policies;
mod projects;
mod tenant;
mod undo;
mod untouched;
