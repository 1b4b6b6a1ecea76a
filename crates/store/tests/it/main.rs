//! Every method of the store, on SQLite and on Postgres.

mod bulk;
mod concurrency;
mod databases;
mod decisions;
mod guests;
mod history;
mod opening;
mod people;
mod projects;
mod retention;
