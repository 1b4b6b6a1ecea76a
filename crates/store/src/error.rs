//! What can go wrong with the database, by what the caller can do about it.

use std::path::PathBuf;

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is neither of SQLite nor of Postgres. Only its scheme is told: the rest may hold a password.
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
    /// The file is none of SQLite's, or it is damaged.
    #[error("{} is no SQLite database, or is damaged; restore a back-up, or name another file", path.display())]
    NotADatabase {
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
    /// Another writer did not finish in time, or the database chose to end this one. Nothing was written; what was to
    /// be done can be done again.
    #[error(
        "the database is busy with another writer; nothing was written, and the next try may succeed"
    )]
    Busy(#[source] sqlx::Error),
    /// The disk is full.
    #[error("the database's disk is full; make room, nothing is written until then")]
    Full(#[source] sqlx::Error),
    /// What was to be written is there already.
    #[error("what was to be written is in the database already")]
    Conflict(#[source] sqlx::Error),
    /// The database has a schema that this version does not know.
    #[error(
        "the database was migrated by a newer version of Innkeeper (migration {version}); run that version, or restore a back-up"
    )]
    Newer {
        /// The unknown migration.
        version: i64,
    },
    /// A migration was applied in another wording than this version's.
    #[error(
        "migration {name} was applied in another wording than this version has; run the version that applied it, or restore a back-up"
    )]
    Edited {
        /// The migration.
        name: String,
    },
    /// A migration failed. Those before it are applied.
    #[error("the database cannot be migrated")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Another process has taken the lease: nothing more may be written.
    #[error("another process has taken over this tenant; nothing more is written")]
    LeaseLost,
    /// The intent has its outcome already, or is not known in this tenant.
    #[error("the intent has its outcome already, or is none of this tenant's")]
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
    /// Guests were given sponsors of whom nothing was told. Kept, it would look as if they had none.
    #[error(
        "{sponsors} sponsors were named of whom nothing is known, so none were kept; report this"
    )]
    UntoldSponsors {
        /// How many links to them.
        sponsors: u64,
    },
    /// Anything else that the driver says.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        let fault = match &source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Fault::Unreachable,
            sqlx::Error::PoolTimedOut => Fault::Busy,
            sqlx::Error::Database(error) => Fault::of(error.as_ref()),
            _ => Fault::Other,
        };
        match fault {
            Fault::Unreachable => Self::Unreachable { source },
            Fault::Busy => Self::Busy(source),
            Fault::Full => Self::Full(source),
            Fault::Conflict => Self::Conflict(source),
            Fault::Other => Self::Database(source),
        }
    }
}

/// What a driver's error is to a caller.
enum Fault {
    Unreachable,
    Busy,
    Full,
    Conflict,
    Other,
}

impl Fault {
    fn of(error: &dyn DatabaseError) -> Self {
        if error.is_unique_violation() {
            return Self::Conflict;
        }
        let code = error.code().unwrap_or_default();
        if error.try_downcast_ref::<SqliteError>().is_some() {
            return match sqlite_code(&code) {
                // SQLITE_BUSY, SQLITE_LOCKED
                Some(5 | 6) => Self::Busy,
                // SQLITE_FULL
                Some(13) => Self::Full,
                _ => Self::Other,
            };
        }
        match &*code {
            // lock_not_available, query_canceled (by the time limit), deadlock_detected, serialization_failure
            "55P03" | "57014" | "40P01" | "40001" => Self::Busy,
            // disk_full
            "53100" => Self::Full,
            // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
            "57P01" | "57P02" | "57P03" | "53300" => Self::Unreachable,
            // connection_exception
            code if code.starts_with("08") => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

/// The primary result code: the driver gives the extended one.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse().ok().map(|extended: u32| extended & 0xff)
}

impl StoreError {
    /// What a failure to open the file means.
    pub(crate) fn opening(path: PathBuf, source: sqlx::Error) -> Self {
        let code = source
            .as_database_error()
            .and_then(|error| sqlite_code(&error.code().unwrap_or_default()));
        match code {
            // SQLITE_CORRUPT, SQLITE_NOTADB
            Some(11 | 26) => Self::NotADatabase { path, source },
            Some(5 | 6 | 13) => source.into(),
            Some(_) | None => match source {
                sqlx::Error::PoolTimedOut => Self::Busy(source),
                source => Self::Unwritable { path, source },
            },
        }
    }

    pub(crate) fn corrupt(what: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt {
            what,
            value: value.into(),
        }
    }
}
