//! Telling a person how far a cycle is, and what it concludes.

use innkeeper_domain::guest::GuestView;
use innkeeper_domain::verdict::Verdict;

/// What a cycle is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the guests.
    Guests,
    /// Reading their sponsors.
    Sponsors,
    /// Reading the groups that the policy names.
    Groups,
    /// Judging the guests.
    Verdicts,
    /// Carrying out the approved steps.
    Steps,
}

/// Receives how far a cycle is, and each verdict as it comes about: a cycle does not keep them.
pub trait Progress: Send + Sync {
    /// `done` of `total` are through, when the total is known.
    fn at(&self, phase: Phase, done: u64, total: Option<u64>);

    /// What was concluded for a guest, in the order of the store. It counts only when the cycle ends well.
    fn concluded(&self, _: &GuestView, _: &Verdict) {}
}

/// Nobody is looking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _: Phase, _: u64, _: Option<u64>) {}
}
