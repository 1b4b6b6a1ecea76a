//! Which policy decides as things stand: for cycles, and for whoever shows what cycles do.

use innkeeper_domain::acceptance::DECISION_VERSION;
use innkeeper_domain::policy::{Policy, SetProject};
use innkeeper_store::AcceptedPolicy;
use tracing::warn;

/// The policy that decides, beside the tenant's own.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// What decides, with the projects that people set beside it.
    pub policy: Policy,
    /// How the tenant's own policy stands to it.
    pub own: Own,
}

/// How the tenant's own policy stands to what decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// It decides.
    Accepted,
    /// Nothing was ever accepted: the next cycle accepts it.
    First,
    /// Another one decides until it is accepted.
    Behind,
    /// Until it is accepted nothing is taken away: what was accepted last was for another version of deciding, or is not
    /// understood any more.
    Alone,
}

impl Ruling {
    /// By the tenant's own policy, as its file has it, what was accepted last, and the projects that people set.
    #[must_use]
    pub fn of(own: &Policy, accepted: Option<&AcceptedPolicy>, set: &[SetProject]) -> Self {
        let own = own.with_projects(set);
        let Some(accepted) = accepted else {
            return Self {
                policy: own,
                own: Own::First,
            };
        };
        let is_same_version = accepted.decision_version == DECISION_VERSION;
        if is_same_version && accepted.hash == own.hash {
            return Self {
                policy: own,
                own: Own::Accepted,
            };
        }
        match Policy::parse("the accepted policy", &accepted.text) {
            Ok(policy) => Self {
                policy: policy.with_projects(set),
                own: if is_same_version {
                    Own::Behind
                } else {
                    Own::Alone
                },
            },
            Err(problems) => {
                warn!(
                    %problems,
                    "the accepted policy is not understood any more; nothing is taken away before another one is accepted"
                );
                Self {
                    policy: own,
                    own: Own::Alone,
                }
            }
        }
    }
}
