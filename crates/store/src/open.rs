//! Opening a database, and transactions on it.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Sqlite, Transaction};
use tracing::trace;

use crate::error::StoreError;

/// The target of the events right before and right after each commit. A process that dies there is what tests are for.
const BOUNDARY: &str = "innkeeper_store::boundary";

/// How long a statement waits for another writer.
const BUSY: Duration = Duration::from_secs(30);

/// Rows that SQLite's thread hands over before it waits for the reader: as many as a statement about guests gives, so that
/// the two do not wake each other for every few of them.
const ROWS_AHEAD: usize = 500;

/// Memory for pages of the file while it is written, in KiB, as SQLite's `cache_size` has it: a transaction of a reading
/// dirties more than SQLite's own two MiB hold, and what does not fit is written and read again.
const CACHE: &str = "-8192";

/// Pages in the log of writes before they are copied into the file (16 MiB): a reading dirties the same pages of the index
/// in each of its transactions, and copies them once for several of these.
const CHECKPOINT: &str = "4000";

/// How long a connection is waited for.
const CONNECT: Duration = Duration::from_secs(10);

/// What keeps a statement or a forgotten transaction from holding up others for ever. A URL with `?options[..]=..`
/// sets its own.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "300s"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "300s"),
];

/// A database.
#[derive(Clone, Debug)]
pub enum Store {
    /// One file. SQLite has one writer at a time, so there is one connection for writing.
    Sqlite {
        /// For writing.
        write: SqlitePool,
        /// For reading.
        read: SqlitePool,
    },
    /// A server.
    Postgres(PgPool),
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// Let every call on it come to its end: a future that a timeout or a `select!` drops halfway leaves the connection in
/// an unknown state. What takes too long is ended by the database.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On Postgres.
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens the database at `sqlite://path` (made if it is not there) or `postgres://..`.
    ///
    /// # Errors
    /// `BadUrl`, `Unwritable`, `NotADatabase`, `Unreachable` or `Busy`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Self::open_sqlite(url).await,
            Some("postgres" | "postgresql") => Self::open_postgres(url).await,
            Some(scheme) => Err(StoreError::BadUrl(format!("{scheme}:..."))),
            None => Err(StoreError::BadUrl(url.to_owned())),
        }
    }

    /// Opens the database, unless it would be a new one.
    ///
    /// # Errors
    /// As [`Store::open`]; `Unwritable` also when there is no folder to make it in.
    pub async fn open_existing(url: &str) -> Result<Option<Self>, StoreError> {
        if url.starts_with("sqlite:") {
            let path = PathBuf::from(sqlite_options(url)?.get_filename());
            let source = match std::fs::metadata(&path) {
                Ok(_) => return Self::open(url).await.map(Some),
                Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
                    Some(folder) if folder.is_dir() => return Ok(None),
                    Some(_) | None => error.into(),
                },
                Err(error) => error.into(),
            };
            return Err(StoreError::Unwritable { path, source });
        }
        Self::open(url).await.map(Some)
    }

    /// Whether it takes writes: a server that copies another one does not. A file that is open does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn takes_writes(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite { .. } => Ok(true),
            Self::Postgres(pool) => {
                let read_only = "SELECT current_setting('transaction_read_only') = 'on'";
                let read_only = sqlx::query_scalar::<_, bool>(read_only);
                Ok(!read_only.fetch_one(pool).await?)
            }
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, StoreError> {
        let options = sqlite_options(url)?;
        let path = PathBuf::from(options.get_filename());
        let opening = |source| StoreError::opening(path.clone(), source);
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An intent must outlive a power failure, or its effect would be found without a cause. `NORMAL` keeps
            // the file whole, but may forget the last commits.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is erased is overwritten where its page is written anyway.
            .pragma("secure_delete", "FAST")
            .busy_timeout(BUSY)
            .row_buffer_size(ROWS_AHEAD);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .connect_with(
                options
                    .clone()
                    .pragma("cache_size", CACHE)
                    .pragma("wal_autocheckpoint", CHECKPOINT),
            )
            .await;
        let write = write.map_err(opening)?;
        // A database that can be read but not written is found out now, and not in the middle of a cycle.
        let probe = write.begin_with("BEGIN IMMEDIATE").await.map_err(opening)?;
        probe.rollback().await.map_err(opening)?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await
            .map_err(opening)?;
        Ok(Self::Sqlite { write, read })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::BadUrl("postgres://...".to_owned()))?;
        let given = options.get_options().unwrap_or_default().to_owned();
        let limits = LIMITS.into_iter().filter(|(name, _)| !given.contains(name));
        let options = options.application_name("innkeeper").options(limits);
        let pool = PgPoolOptions::new()
            .max_connections(5)
            .acquire_timeout(CONNECT)
            // A `begin` that was dropped halfway can hand its connection back inside an open transaction, in which
            // later writes would be lost: such a connection is thrown away.
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    sqlx::query_scalar::<_, bool>("SELECT now() = statement_timestamp()")
                        .fetch_one(connection)
                        .await
                })
            })
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Unreachable { source })?;
        Ok(Self::Postgres(pool))
    }

    /// A transaction that writes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction that reads one state of the database, whatever is written meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        })
    }

    /// Closes it, waiting for what is under way.
    pub async fn close(self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    SqliteConnectOptions::from_str(url).map_err(|_| StoreError::BadUrl(url.to_owned()))
}

impl Tx {
    /// Keeps what was written.
    ///
    /// # Errors
    /// When the database fails; then nothing is kept.
    pub async fn commit(self) -> Result<(), StoreError> {
        trace!(target: BOUNDARY, "before a commit");
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        trace!(target: BOUNDARY, "after a commit");
        Ok(())
    }
}
