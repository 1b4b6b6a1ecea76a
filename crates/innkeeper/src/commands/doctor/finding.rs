//! What the checks found.

use std::error::Error;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::exit::Exit;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Configuration,
    Database,
    Answers,
    Schedule,
    Policy,
    Credential,
    Reachability,
    Token,
    Clock,
    Permissions,
    Licence,
    Groups,
    Mailbox,
    Alarms,
}

impl Check {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Database => "database",
            Self::Answers => "answers",
            Self::Schedule => "schedule",
            Self::Policy => "policy",
            Self::Credential => "credential",
            Self::Reachability => "reachability",
            Self::Token => "token",
            Self::Clock => "clock",
            Self::Permissions => "permissions",
            Self::Licence => "licence",
            Self::Groups => "groups",
            Self::Mailbox => "mailbox",
            Self::Alarms => "alarms",
        }
    }
}

/// How it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// It keeps the daemon from nothing, or that is not known.
    Warning(Advice),
    /// It would stop the daemon, or keep it from something that the policy asks for.
    Wrong(Advice),
}

impl State {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning(_) => "warning",
            Self::Wrong(_) => "wrong",
        }
    }

    pub(super) fn advice(&self) -> Option<&Advice> {
        match self {
            Self::Ok => None,
            Self::Warning(advice) | Self::Wrong(advice) => Some(advice),
        }
    }
}

/// Why it matters, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) why: String,
    pub(super) fix: String,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) what: String,
    pub(super) state: State,
}

impl Finding {
    pub(super) fn ok(check: Check, what: impl Into<String>) -> Self {
        Self {
            check,
            what: what.into(),
            state: State::Ok,
        }
    }

    pub(super) fn warning(
        check: Check,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check,
            what: what.into(),
            state: State::Warning(Advice {
                why: why.into(),
                fix: fix.into(),
            }),
        }
    }

    pub(super) fn wrong(
        check: Check,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check,
            what: what.into(),
            state: State::Wrong(Advice {
                why: why.into(),
                fix: fix.into(),
            }),
        }
    }

    /// A check that failed, with what the error itself advises: messages are of the form "what happened; what to do".
    pub(super) fn failed(check: Check, error: &dyn Error, why: &str, otherwise: &str) -> Self {
        let message = error.to_string();
        let (what, fix) = message
            .split_once("; ")
            .unwrap_or((message.as_str(), otherwise));
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        let what = causes.fold(what.to_owned(), |what, cause| format!("{what}: {cause}"));
        Self::wrong(check, what, why, fix)
    }

    /// A check that had no chance.
    pub(super) fn unchecked(check: Check, because: &str, why: &str) -> Self {
        Self::warning(
            check,
            format!("not checked: {because}"),
            why,
            "mend what is wrong, and run `innkeeper doctor` again",
        )
    }
}

/// Everything found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Each with the tenant that it is about; `None` where it is about all of them.
    pub(super) findings: Vec<(Option<String>, Finding)>,
    /// Absent where the configuration is broken, or the clock that is followed cannot be read.
    pub(super) runs: Option<Runs>,
}

/// When the daemon would run.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) zone: Tz,
    pub(super) next: Vec<DateTime<Utc>>,
}

impl Report {
    pub(super) fn add(&mut self, tenant: Option<&str>, found: impl IntoIterator<Item = Finding>) {
        let about = |finding| (tenant.map(str::to_owned), finding);
        self.findings.extend(found.into_iter().map(about));
    }

    pub(super) fn wrong(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .map(|(_, finding)| finding)
            .filter(|finding| matches!(finding.state, State::Wrong(_)))
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.wrong().next().is_none()
    }

    /// What the command ends with. Files that are wrong stay wrong however often one tries.
    pub(super) fn exit(&self) -> Exit {
        let is_usage =
            |finding: &Finding| matches!(finding.check, Check::Configuration | Check::Policy);
        if self.wrong().any(is_usage) {
            Exit::Usage
        } else if self.is_healthy() {
            Exit::Ok
        } else {
            Exit::Failed
        }
    }
}
