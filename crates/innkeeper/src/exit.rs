//! What a command ends with.

use std::process::ExitCode;

use innkeeper_domain::policy::Problems;

use crate::config::ConfigError;

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Ok,
    /// Failed, or refused for safety.
    Failed,
    /// There is something to do.
    SomethingToDo,
    /// The command line or the configuration is wrong.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::SomethingToDo => 2,
            Exit::Usage => 64,
        })
    }
}

/// Something that the person at the command line can mend there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

impl Exit {
    /// What an error ends with.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let is_usage = error.chain().any(|cause| {
            cause.is::<UsageError>() || cause.is::<ConfigError>() || cause.is::<Problems>()
        });
        if is_usage { Self::Usage } else { Self::Failed }
    }
}
