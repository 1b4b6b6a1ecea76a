//! Every method of the store, on SQLite and on Postgres.

mod access;
mod attestations;
mod bulk;
mod concurrency;
mod databases;
mod decisions;
mod guests;
mod history;
mod opening;
mod projects;
mod retention;
mod untouched;
