//! Trials: what a policy is expected to make of a guest of whom just these facts are known.
//!
//! A trial is judged by the very judge that judges guests; only the facts are given instead of observed. Time is
//! relative throughout, so that a trial comes out the same whenever it is run.

mod facts;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::access::Access;
use crate::activity::{Reading, SignIns};
use crate::case::Case;
use crate::decide::Judge;
use crate::decision::{Decision, Order};
use crate::facts::FactName;
use crate::group::NamedGroups;
use crate::guest::{Guest, GuestRecord, GuestView, Invitation, UserType};
use crate::ids::{GuestId, TenantId};
use crate::policy::{Action, Policy, Problems, RuleName, parse};
use crate::verdict::{Cause, Conclusion, Uncertain, Verdict};
use crate::watch::Watched;

pub use facts::{Given, GivenAppRole, Value};

/// Longer than any history.
const WATCHED: Watched = Watched(100 * 365 * 86_400);

/// One case of a file of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its name, unique in its file.
    pub name: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What is known of the guest.
    pub facts: Given,
    /// The cases that are open, at most one a rule.
    pub history: Vec<History>,
    /// What people decided about the guest, and did for it.
    pub people: People,
    /// What should come out.
    pub expect: Expectation,
}

/// What people decided about a guest, and did for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// In how many days its exemption has its last day; negative once that is over.
    pub exempt_days: Option<i64>,
    /// It is on hold.
    pub hold: bool,
    /// How often somebody brought its account back.
    pub brought_back: u32,
}

impl People {
    fn decisions(&self, now: DateTime<Utc>) -> Vec<Decision> {
        let Self {
            exempt_days,
            hold,
            brought_back: _,
        } = *self;
        let exempt = exempt_days.map(|days| Order::Exempt {
            until: now.date_naive() + TimeDelta::days(days),
        });
        let decision = |order| Decision {
            order,
            reason: "as the case has it".to_owned(),
            by: "the case".to_owned(),
            at: now,
        };
        exempt
            .into_iter()
            .chain(hold.then_some(Order::Hold))
            .map(decision)
            .collect()
    }
}

/// A case that is open already.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Its rule.
    pub rule: RuleName,
    /// The stages executed: the first ones of the rule.
    pub done: Vec<Action>,
    /// How long ago the last of them was executed, or the case opened.
    pub ago: TimeDelta,
}

/// What should come out; whatever is not given may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The verdict's word.
    pub verdict: String,
    /// The rule or protection that decides.
    pub rule: Option<String>,
    /// What comes next.
    pub action: Option<String>,
    /// In how many days it is due; 0 or less when it already is.
    pub due_in_days: Option<i64>,
    /// Which fact is missing.
    pub fact: Option<FactName>,
}

/// What came out of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What came out, with everything that an expectation can tell.
    pub actual: Expectation,
    /// Why.
    pub reason: String,
    /// It is what was expected.
    pub passed: bool,
}

/// Reads a file of cases for a policy.
///
/// # Errors
/// Everything that is wrong with it, each with its place. `file` is only the name shown.
pub fn read(file: &str, text: &str, policy: &Policy) -> Result<Vec<Trial>, Problems> {
    parse::trials(file, text, policy)
}

impl Trial {
    /// Judges it, as if it were `now`.
    #[must_use]
    pub fn run(&self, policy: &Policy, now: DateTime<Utc>) -> Outcome {
        let named_groups = NamedGroups::new();
        let judge = Judge {
            tenant: TenantId::derived(&[]),
            policy,
            named_groups: &named_groups,
            now,
            watched: WATCHED,
            span: TimeDelta::zero(),
        };
        let view = self.view(now);
        let facts = self.facts.facts(policy, now);
        let verdict = judge.judge_by(&view, facts).verdict;
        let actual = Expectation::of(&verdict, now);
        Outcome {
            passed: self.expect.is_met_by(&actual),
            reason: verdict.reason(),
            actual,
        }
    }

    /// The guest with its open cases. Its attributes are not looked at: the facts are given.
    fn view(&self, now: DateTime<Utc>) -> GuestView {
        let id = GuestId::derived(&[self.name.as_bytes()]);
        let case = |history: &History| {
            let opened = now - history.ago;
            let since = WATCHED + -history.ago;
            Case {
                done: history.done.clone(),
                ..Case::open(TenantId::derived(&[]), id, &history.rule, opened, since)
            }
        };
        // Whoever can sign in again has been enabled by somebody else.
        let is_enabled = self.facts.get(FactName::Enabled) == Some(&Value::Bool(true));
        let disabled = self
            .history
            .iter()
            .find(|history| !is_enabled && history.done.contains(&Action::Disable));
        GuestView {
            record: GuestRecord {
                guest: Guest {
                    id,
                    upn: String::new(),
                    mail: None,
                    display_name: None,
                    user_type: UserType::Guest,
                    enabled: None,
                    created: None,
                    invitation: Invitation::None,
                    on_premises_sync: None,
                    management_restricted: None,
                    company: None,
                    creation_type: None,
                    external: None,
                    attribute: None,
                    sign_ins: SignIns::default(),
                },
                reading: Reading::Never,
                logged_in: None,
                first_seen: now,
                gone: None,
                revived: match self.facts.get(FactName::RestoredDaysAgo) {
                    Some(Value::Int(days)) => Some(now - TimeDelta::days(*days)),
                    Some(_) | None => None,
                },
                disabled_by_us: disabled.map(|history| now - history.ago),
                deleted_by_us: None,
            },
            sponsors: Vec::new(),
            deleted_sponsors: None,
            groups: Vec::new(),
            roles: Vec::new(),
            access: Access::default(),
            cases: self.history.iter().map(case).collect(),
            previous_cases: 0,
            decisions: self.people.decisions(now),
            attestations: Vec::new(),
            invited_by: None,
            marks: Vec::new(),
            brought_back: self.people.brought_back,
        }
    }
}

impl Expectation {
    /// Everything about a verdict that can be expected.
    #[must_use]
    pub fn of(verdict: &Verdict, now: DateTime<Utc>) -> Self {
        let fact = match &verdict.conclusion {
            Conclusion::Unknown(Uncertain {
                cause: Cause::Fact(fact),
                ..
            }) => Some(*fact),
            Conclusion::Unknown(_)
            | Conclusion::Keep
            | Conclusion::Wait(_)
            | Conclusion::Act(_)
            | Conclusion::Protected(_) => None,
        };
        Self {
            verdict: verdict.as_str().to_owned(),
            rule: verdict.rule().map(ToString::to_string),
            action: verdict.action().map(ToOwned::to_owned),
            due_in_days: verdict.due().map(|due| (due - now).num_days()),
            fact,
        }
    }

    fn is_met_by(&self, actual: &Self) -> bool {
        fn fits<T: PartialEq>(expected: Option<&T>, actual: Option<&T>) -> bool {
            expected.is_none() || expected == actual
        }
        let Self {
            verdict,
            rule,
            action,
            due_in_days,
            fact,
        } = self;
        *verdict == actual.verdict
            && fits(rule.as_ref(), actual.rule.as_ref())
            && fits(action.as_ref(), actual.action.as_ref())
            && fits(due_in_days.as_ref(), actual.due_in_days.as_ref())
            && fits(fact.as_ref(), actual.fact.as_ref())
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verdict,
            rule,
            action,
            due_in_days,
            fact,
        } = self;
        f.write_str(verdict)?;
        if let Some(rule) = rule {
            write!(f, ", rule {rule:?}")?;
        }
        if let Some(action) = action {
            write!(f, ", action {action}")?;
        }
        if let Some(days) = due_in_days {
            write!(f, ", due in {days} days")?;
        }
        if let Some(fact) = fact {
            write!(f, ", fact {fact} not known")?;
        }
        Ok(())
    }
}
