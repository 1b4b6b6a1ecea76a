//! What no order of stages may do.

use chrono::TimeDelta;

use super::reader::Reader;
use crate::policy::{Action, Condition, Stage};

/// How far sign-in times can lag behind; a shorter wait might disable somebody who signed in meanwhile.
pub(in crate::policy) const SIGN_IN_LAG: TimeDelta = TimeDelta::hours(24);

/// Reports every stage that can never come, or that comes too soon or unannounced.
pub(super) fn check(
    reader: &mut Reader<'_>,
    what: &str,
    when: Option<&Condition>,
    stages: &[(Stage, usize)],
    unannounced: bool,
) {
    let lags = when.and_then(Condition::lagging);
    let mut before: Vec<Action> = Vec::new();
    for (stage, at) in stages {
        let action = stage.action;
        let mut problem = |message: String| reader.problem(*at, format!("{what}: {message}"));
        if action != Action::Notify && before.contains(&action) {
            let action = called(action);
            problem(format!(
                "{action} is there twice; only notify can be repeated"
            ));
        } else if before.contains(&Action::Delete) {
            let action = called(action);
            problem(format!(
                "{action} can never follow delete: the guest is gone"
            ));
        } else {
            if action == Action::Delete && !before.contains(&Action::Disable) {
                problem(
                    "delete needs a disable before it, so that a mistake is noticed while nothing is lost"
                        .to_owned(),
                );
            }
            if action.is_destructive() && !before.contains(&Action::Notify) && !unannounced {
                problem(format!(
                    "{action} needs a notify before it; write unannounced = true in the rule if nobody is to be warned"
                ));
            }
            if let (Action::Disable | Action::Delete, Some(fact)) = (action, lags)
                && stage.wait < SIGN_IN_LAG
            {
                problem(format!(
                    "{action} must wait at least 24h in a rule about {fact}: sign-in times lag by up to a day, so somebody who has just come back would not be seen"
                ));
            }
        }
        before.push(action);
    }
}

/// What a person reads of an action who wrote a flag with an attribute.
fn called(action: Action) -> &'static str {
    match action {
        Action::Mark => "a flag with an attribute",
        Action::Flag
        | Action::Notify
        | Action::AddSponsor
        | Action::ResendInvitation
        | Action::RemoveAppRoles
        | Action::RemoveFromGroup
        | Action::Disable
        | Action::Delete => action.as_str(),
    }
}
