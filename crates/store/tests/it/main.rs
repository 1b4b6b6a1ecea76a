//! Every method of the store, on SQLite and on Postgres.

mod acceptance;
mod access;
mod alarms;
mod attestations;
mod bulk;
mod concurrency;
mod databases;
mod decisions;
mod guests;
mod history;
mod marks;
mod opening;
mod people;
mod projects;
mod pruning;
mod retention;
mod untouched;
