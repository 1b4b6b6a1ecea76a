//! Oddities of rules and their stages.

use super::{About, Found, Oddity, Subject};
use crate::facts::FactName;
use crate::policy::condition::Given;
use crate::policy::parse::{Places, Position, RulePlaces, SIGN_IN_LAG};
use crate::policy::{Action, Condition, FromGroups, Policy, Rule, in_days};

pub(super) fn all(policy: &Policy, places: &Places, found: &mut Found) {
    if policy.rules.is_empty() {
        let start = Position { line: 1, column: 1 };
        let about = (Subject::Policy, "");
        let message = "it has no rule: nothing is ever done, every open case closes, and whom Innkeeper disabled is enabled again";
        found.add(Oddity::NoRule, start, about, message);
    }
    for (protection, at) in policy.protections.iter().zip(&places.protections) {
        let about = (Subject::Protection, protection.name.as_str());
        if protection.when.is_never_true() {
            let message = "its condition can never be true: it protects nobody";
            found.add(Oddity::NeverMatches, *at, about, message);
        } else if protection.when.is_never_false() {
            let message = "its condition can never be false: no rule touches anybody";
            found.add(Oddity::AlwaysMatches, *at, about, message);
        }
    }
    for (rule, at) in policy.rules.iter().zip(&places.rules) {
        let about = (Subject::Rule, rule.name.as_str());
        if !condition(policy, rule, at.when, about, found) {
            continue;
        }
        stages(policy, rule, at, about, found);
    }
}

/// Whether the rule can ever touch anybody.
fn condition(
    policy: &Policy,
    rule: &Rule,
    at: Position,
    about: About<'_>,
    found: &mut Found,
) -> bool {
    let when = &rule.when;
    if when.is_never_true() {
        let message = "its condition can never be true: no case of it ever opens";
        found.add(Oddity::NeverMatches, at, about, message);
        return false;
    }
    if when.is_never_false() {
        let message = "its condition can never be false: it holds for every guest of whom the facts are known";
        found.add(Oddity::AlwaysMatches, at, about, message);
    }
    let built_in = [Given::Flag(FactName::Synced, false), Given::NoRoles];
    let protections = policy.protections.iter().map(|protection| &protection.when);
    let unprotected: Vec<Given<'_>> = protections
        // What protects everybody is told there.
        .filter(|when| !when.is_never_false())
        .map(Given::Not)
        .chain(built_in)
        .collect();
    let only_protected = when.is_never_true_given(&unprotected);
    if only_protected {
        let message = "every guest for whom it holds is protected: it never does anything";
        found.add(Oddity::OnlyProtected, at, about, message);
    }
    !only_protected
}

fn stages(policy: &Policy, rule: &Rule, at: &RulePlaces, about: About<'_>, found: &mut Found) {
    let lags = rule.when.lagging();
    let mut before: Vec<Action> = Vec::new();
    for ((index, stage), at) in rule.stages.iter().enumerate().zip(&at.stages) {
        let action = stage.action;
        if action.is_destructive() && !before.contains(&Action::Notify) {
            let message = format!("{action} comes without a notify before it: nobody is warned");
            found.add(Oddity::Unannounced, *at, about, message);
        }
        if let (true, Some(fact)) = (action.is_destructive(), lags)
            && stage.wait < SIGN_IN_LAG
        {
            let message = format!(
                "{action} waits {}, and guest.{fact} can lag by 24h: somebody who has just come back would not be seen",
                in_days(stage.wait)
            );
            found.add(Oddity::ShorterThanLag, *at, about, message);
        }
        if action == Action::RemoveFromGroup
            && stage.from == FromGroups::EndedProjects
            && policy.projects.is_empty()
        {
            let message = format!(
                "{action} takes guests out of ended projects, and the policy has no [[project]]"
            );
            found.add(Oddity::NothingToDo, *at, about, message);
        }
        let rest = rule.stages.len() - index - 1;
        if policy.limits.cap(action).of(u64::MAX) == 0 {
            let message = format!(
                "[limits] allows no {action}: this stage can never be reached{}",
                and_after(rest)
            );
            found.add(Oddity::Unreachable, *at, about, message);
            return;
        }
        if action == Action::Disable && ends_by_disabling(&rule.when) {
            let message = format!(
                "its condition is never true of a disabled account: once disabled, the account is enabled again{}",
                match rest {
                    0 => "",
                    _ => ", and no stage after this one can be reached",
                }
            );
            found.add(Oddity::Unreachable, *at, about, message);
            return;
        }
        before.push(action);
    }
}

fn and_after(rest: usize) -> &'static str {
    match rest {
        0 => "",
        1 => ", nor the one after it",
        _ => ", nor those after it",
    }
}

fn ends_by_disabling(when: &Condition) -> bool {
    when.is_never_true_given(&[Given::Flag(FactName::Enabled, false)])
}
