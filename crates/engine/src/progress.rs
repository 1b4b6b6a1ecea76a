//! Telling a person how far a cycle is.

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

/// Receives how far a cycle is.
pub trait Progress: Send + Sync {
    /// `done` of `total` are through, when the total is known.
    fn at(&self, phase: Phase, done: u64, total: Option<u64>);
}

/// Nobody is looking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _: Phase, _: u64, _: Option<u64>) {}
}
