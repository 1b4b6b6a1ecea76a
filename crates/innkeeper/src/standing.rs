//! Where a tenant's own policy stands, in words.

use innkeeper_domain::acceptance::count;
use innkeeper_engine::PolicyStanding;
use serde_json::{Value, json};

/// What people are told of a policy that waits.
pub(crate) fn told(tenant: &str, standing: &PolicyStanding) -> Option<String> {
    match standing {
        PolicyStanding::Accepted => None,
        PolicyStanding::Waits {
            affected,
            before,
            allowed,
            is_news: _,
            in_force,
        } => {
            let until_then = match in_force {
                Some(hash) => format!("until then the policy accepted last decides ({hash})"),
                None => "until then nothing is taken away and nobody is written to".to_owned(),
            };
            Some(format!(
                "{tenant}: the policy waits to be accepted: {}; {until_then}. See innkeeper policy accept",
                count(*affected, *before, *allowed)
            ))
        }
    }
}

/// Enough of a hash to know it by.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The same in a document; `null` when nothing waits.
pub(crate) fn object(standing: &PolicyStanding) -> Value {
    match standing {
        PolicyStanding::Accepted => Value::Null,
        PolicyStanding::Waits {
            affected,
            before,
            allowed,
            is_news: _,
            in_force,
        } => {
            json!({ "newly_affected": affected, "affected_before": before, "allowed": allowed, "in_force": in_force })
        }
    }
}
