//! Access reviews.

use uuid::Uuid;

use super::user::UserIx;
use crate::second::Second;

/// An access review with one run.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: Uuid,
    pub(crate) run: Uuid,
    pub(crate) name: String,
    /// The same word for the review and its run, which are no enumeration.
    pub(crate) status: String,
    /// `settings.autoApplyDecisionsEnabled`.
    pub(crate) acts: bool,
    pub(crate) began: Second,
    /// On whom it decides.
    pub(crate) reviewed: Vec<UserIx>,
}
