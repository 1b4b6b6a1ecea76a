//! Sign-in activity of one user, as Graph keeps it: three moments, no history.

use crate::second::Second;

/// The moments of a `signInActivity`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// `lastSuccessfulSignInDateTime`: interactive or not; kept since 2023-12-01 only.
    pub(crate) success: Option<Second>,
    /// `lastSignInDateTime`: the last interactive attempt, failed ones included.
    pub(crate) interactive: Option<Second>,
    /// `lastNonInteractiveSignInDateTime`: the last attempt by a client, failed ones included.
    pub(crate) non_interactive: Option<Second>,
}

/// `lastSuccessfulSignInDateTime` "is available since December 1, 2023", not back-filled.
const SUCCESS_KEPT_SINCE: i64 = 1_701_388_800;

impl Activity {
    /// Takes in a sign-in.
    pub(crate) fn record(&mut self, at: Second, interactive: bool, success: bool) {
        if interactive {
            self.interactive = self.interactive.max(Some(at));
        } else {
            self.non_interactive = self.non_interactive.max(Some(at));
        }
        if success && at.unix() >= SUCCESS_KEPT_SINCE {
            self.success = self.success.max(Some(at));
        }
    }

    /// Whether Graph leaves the property out: "never signed in".
    pub(crate) fn is_absent(&self) -> bool {
        self.success.is_none() && self.interactive.is_none() && self.non_interactive.is_none()
    }

    /// The same activity as it was, or would have been, so many days earlier.
    pub(crate) fn older(&self, seconds: i64) -> Self {
        let back = |moment: Option<Second>| moment.map(|moment| moment.minus(seconds));
        Self {
            success: back(self.success),
            interactive: back(self.interactive),
            non_interactive: back(self.non_interactive),
        }
    }
}
