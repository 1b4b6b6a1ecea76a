//! What can go wrong with the database, by what the caller can do about it.

use std::path::PathBuf;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is neither of SQLite nor of Postgres.
    #[error(
        "{0:?} is no database URL; write such as sqlite://innkeeper.db or postgres://user@host/innkeeper"
    )]
    BadUrl(String),
    /// The SQLite file, or its folder, cannot be written.
    #[error("the database {} cannot be opened for writing; its folder must exist and be writable by the user that Innkeeper runs as", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The server does not answer.
    #[error(
        "the database cannot be reached; check database.url, and that the server runs and lets Innkeeper in"
    )]
    Unreachable {
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The database has a schema that this version does not know.
    #[error(
        "the database was migrated by a newer version of Innkeeper (migration {version}); run that version, or restore a back-up"
    )]
    Newer {
        /// The unknown migration.
        version: i64,
    },
    /// A migration failed, or was edited after it was applied.
    #[error("the database cannot be migrated")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Another process has taken the lease: nothing more may be written.
    #[error("another process has taken over this tenant; nothing more is written")]
    LeaseLost,
    /// The intent has its outcome already.
    #[error("the intent has its outcome already")]
    Concluded,
    /// The case to be written is not open.
    #[error("the case is no longer open")]
    CaseClosed,
    /// A value in the database is none that this version writes.
    #[error(
        "the database holds a {what} that cannot be read: {value:?}; restore a back-up, or report this"
    )]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// Anything else that the driver says.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        match source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unreachable { source },
            source => Self::Database(source),
        }
    }
}

impl StoreError {
    pub(crate) fn corrupt(what: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt {
            what,
            value: value.into(),
        }
    }
}
