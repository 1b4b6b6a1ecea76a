//! What a step draws on: each kind of step has a budget of its own, so that none can starve another.

use crate::policy::Action;

/// The budget of one kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    /// Enabling again.
    Enable,
    /// Clearing a mark.
    Unmark,
    /// An action.
    Action(Action),
}

impl Purse {
    /// The word used in tables, plans and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Unmark => "unmark",
            Self::Action(action) => action.as_str(),
        }
    }

    /// Whose caps it has. An undo can reach no more guests than the action that it undoes.
    #[must_use]
    pub fn capped(self) -> Action {
        match self {
            Self::Enable => Action::Disable,
            Self::Unmark => Action::Mark,
            Self::Action(action) => action,
        }
    }
}
