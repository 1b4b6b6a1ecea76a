//! The schema, and bringing a database to it.
//!
//! An applied migration is never edited: its checksum is kept in the database and compared.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::error::StoreError;
use crate::open::Store;

/// Version, name, and the text for either database.
type Texts = (i64, &'static str, &'static str, &'static str);

const MIGRATIONS: [Texts; 2] = [
    (
        1,
        "start",
        include_str!("../../../migrations/sqlite/0001_start.sql"),
        include_str!("../../../migrations/postgres/0001_start.sql"),
    ),
    (
        2,
        "present_guests",
        include_str!("../../../migrations/sqlite/0002_present_guests.sql"),
        include_str!("../../../migrations/postgres/0002_present_guests.sql"),
    ),
];

impl Store {
    /// Applies the migrations that are missing; returns their names.
    ///
    /// # Errors
    /// `Newer` when the database is ahead of this version, `Migration` when one fails or was edited.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let pending = self.pending().await?;
        let migrated = match self {
            Self::Sqlite { write, .. } => migrator(|(_, _, sqlite, _)| sqlite).run(write).await,
            Self::Postgres(pool) => migrator(|(_, _, _, postgres)| postgres).run(pool).await,
        };
        migrated.map_err(|error| match error {
            MigrateError::VersionMissing(version) => StoreError::Newer { version },
            MigrateError::Execute(source) => source.into(),
            other => StoreError::Migration(other),
        })?;
        Ok(pending)
    }

    /// The names of the migrations that are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending(&self) -> Result<Vec<String>, StoreError> {
        let applied = self.applied().await?;
        let missing = MIGRATIONS
            .iter()
            .filter(|(version, ..)| !applied.contains(version));
        Ok(missing
            .map(|(version, name, ..)| format!("{version:04}_{name}"))
            .collect())
    }

    async fn applied(&self) -> Result<Vec<i64>, StoreError> {
        const TABLE: &str = "_sqlx_migrations";
        const APPLIED: &str = "SELECT version FROM _sqlx_migrations";
        Ok(match self {
            Self::Sqlite { write, .. } => {
                let exists = "SELECT COUNT(*) FROM sqlite_master WHERE name = $1";
                match sqlx::query_scalar::<_, i64>(exists)
                    .bind(TABLE)
                    .fetch_one(write)
                    .await?
                {
                    0 => Vec::new(),
                    _ => sqlx::query_scalar(APPLIED).fetch_all(write).await?,
                }
            }
            Self::Postgres(pool) => {
                let exists = "SELECT to_regclass($1) IS NOT NULL";
                match sqlx::query_scalar::<_, bool>(exists)
                    .bind(TABLE)
                    .fetch_one(pool)
                    .await?
                {
                    false => Vec::new(),
                    true => sqlx::query_scalar(APPLIED).fetch_all(pool).await?,
                }
            }
        })
    }
}

fn migrator(text: impl Fn(Texts) -> &'static str) -> Migrator {
    let migration = |of: Texts| {
        Migration::new(
            of.0,
            Cow::Borrowed(of.1),
            MigrationType::Simple,
            text(of).into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect())
}
