//! Why nothing happens to a guest, when nothing does.

use innkeeper_domain::facts::Facts;
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::verdict::{Cause, Conclusion, Effect, Step, Uncertain, Verdict};

use super::super::judging::{Bench, shown};

/// The sentence about it; `None` when something happens.
pub(super) fn why(
    verdict: &Verdict,
    record: &GuestRecord,
    bench: &Bench,
    facts: &Facts<'_>,
) -> Option<String> {
    if let Some(gone) = record.gone {
        let gone = shown(Some(gone));
        return Some(format!("it is no longer in the directory since {gone}"));
    }
    match &verdict.conclusion {
        Conclusion::Keep => Some(no_rule(&bench.policy, facts)),
        Conclusion::Wait(waiting) => Some(match waiting.next {
            None => format!("every stage of {:?} is done", waiting.rule.as_str()),
            Some(next) => format!(
                "{} comes next, and not before {}{}",
                next.action,
                shown(Some(next.due)),
                if next.held {
                    ": the outcome of the last attempt is not known"
                } else {
                    ""
                }
            ),
        }),
        Conclusion::Protected(protector) => {
            Some(format!("it {protector}").replacen("it protected", "it is protected", 1))
        }
        Conclusion::Unknown(Uncertain { cause, .. }) => Some(match cause {
            Cause::Fact(fact) => format!(
                "guest.{fact} is not known, and unknown takes nothing away: {}",
                fact.absent_when()
            ),
            Cause::Unread(register) => format!(
                "{} cannot be read, and until it can nothing is taken away; grant the application permission {}",
                register.tells(),
                register.permission()
            ),
            Cause::ExemptGroup(group) => format!(
                "there is no single group {group:?}, which exempt_groups names, and until it is known who is in it nothing \
                 is taken from anybody"
            ),
            Cause::Succession(hop) => format!(
                "who should become the sponsor is not known ({hop}), and nobody is made one in the place of somebody who \
                 might be fit"
            ),
            Cause::BroughtBack(times) => format!(
                "somebody brought the account back {times} times after Innkeeper had taken it: it is left to a person"
            ),
        }),
        Conclusion::Act(steps) => not_allowed(steps, bench),
    }
}

fn no_rule(policy: &Policy, facts: &Facts<'_>) -> String {
    let rules: Vec<String> = policy
        .rules
        .iter()
        .map(|rule| format!("{:?} ({})", rule.name.as_str(), rule.when.because(facts)))
        .collect();
    match rules.as_slice() {
        [] => "the policy has no rule".to_owned(),
        rules => format!("no rule holds: not {}", rules.join(", not ")),
    }
}

/// Why no step that is due is carried out.
fn not_allowed(steps: &[Step], bench: &Bench) -> Option<String> {
    if bench.standing.is_held() {
        return Some(
            "no policy is in force until one is accepted: nothing is taken away".to_owned(),
        );
    }
    let is_harmless = |step: &Step| {
        matches!(
            step.effect,
            Effect::Flag | Effect::Mark { flagged: false, .. } | Effect::Notify { .. }
        )
    };
    match bench.mode {
        Mode::Observe => return Some("the mode is observe: nothing is carried out".to_owned()),
        Mode::Warn if !steps.iter().any(is_harmless) => {
            return Some("the mode is warn: nothing is taken away".to_owned());
        }
        Mode::Warn | Mode::Enforce => {}
    }
    let is_stopped = |step: &Step| {
        let action = step.effect.action();
        action.is_some_and(|action| bench.policy.limits.cap(action).of(u64::MAX) == 0)
    };
    steps
        .iter()
        .all(is_stopped)
        .then(|| "[limits] allows none of it".to_owned())
}
