//! Guests, facts, policy, cases and plans.
//!
//! Pure: no async, no I/O, no clock. Whatever depends on the time takes `now` as an argument, so that a
//! decision can be repeated exactly, by a test or by an auditor.

pub mod acceptance;
pub mod access;
pub mod activity;
pub mod alarm;
pub mod app_role;
pub mod approve;
pub mod attestation;
pub mod backtest;
pub mod case;
pub mod comparison;
pub mod containment;
pub mod decide;
pub mod decision;
pub mod facts;
pub mod forecast;
pub mod group;
pub mod guest;
pub mod ids;
pub mod intent;
pub mod journal;
pub mod mark;
pub mod merge;
pub mod observation;
pub mod past;
pub mod plan;
pub mod policy;
pub mod shown;
pub mod snapshot;
pub mod sponsor;
pub mod standing;
pub mod trial;
pub mod verdict;
pub mod watch;
