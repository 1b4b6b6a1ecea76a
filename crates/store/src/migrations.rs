//! The schema, and bringing a database to it.
//!
//! An applied migration is never edited: its checksum is kept in the database and compared.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqliteConnection};

use crate::error::StoreError;
use crate::open::Store;

/// Version, name, and the text for either database.
type Texts = (i64, &'static str, &'static str, &'static str);

const MIGRATIONS: [Texts; 18] = [
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
    (
        3,
        "sign_in_log",
        include_str!("../../../migrations/sqlite/0003_sign_in_log.sql"),
        include_str!("../../../migrations/postgres/0003_sign_in_log.sql"),
    ),
    (
        4,
        "evidence",
        include_str!("../../../migrations/sqlite/0004_evidence.sql"),
        include_str!("../../../migrations/postgres/0004_evidence.sql"),
    ),
    (
        5,
        "plan_decisions",
        include_str!("../../../migrations/sqlite/0005_plan_decisions.sql"),
        include_str!("../../../migrations/postgres/0005_plan_decisions.sql"),
    ),
    (
        6,
        "readings",
        include_str!("../../../migrations/sqlite/0006_readings.sql"),
        include_str!("../../../migrations/postgres/0006_readings.sql"),
    ),
    (
        7,
        "decisions",
        include_str!("../../../migrations/sqlite/0007_decisions.sql"),
        include_str!("../../../migrations/postgres/0007_decisions.sql"),
    ),
    (
        8,
        "snapshots",
        include_str!("../../../migrations/sqlite/0008_snapshots.sql"),
        include_str!("../../../migrations/postgres/0008_snapshots.sql"),
    ),
    (
        9,
        "people",
        include_str!("../../../migrations/sqlite/0009_people.sql"),
        include_str!("../../../migrations/postgres/0009_people.sql"),
    ),
    (
        10,
        "marks",
        include_str!("../../../migrations/sqlite/0010_marks.sql"),
        include_str!("../../../migrations/postgres/0010_marks.sql"),
    ),
    (
        11,
        "acceptance_and_history",
        include_str!("../../../migrations/sqlite/0011_acceptance_and_history.sql"),
        include_str!("../../../migrations/postgres/0011_acceptance_and_history.sql"),
    ),
    (
        12,
        "attestations",
        include_str!("../../../migrations/sqlite/0012_attestations.sql"),
        include_str!("../../../migrations/postgres/0012_attestations.sql"),
    ),
    (
        13,
        "access",
        include_str!("../../../migrations/sqlite/0013_access.sql"),
        include_str!("../../../migrations/postgres/0013_access.sql"),
    ),
    (
        14,
        "alarms",
        include_str!("../../../migrations/sqlite/0014_alarms.sql"),
        include_str!("../../../migrations/postgres/0014_alarms.sql"),
    ),
    (
        15,
        "never_touched",
        include_str!("../../../migrations/sqlite/0015_never_touched.sql"),
        include_str!("../../../migrations/postgres/0015_never_touched.sql"),
    ),
    (
        16,
        "newly_affected",
        include_str!("../../../migrations/sqlite/0016_newly_affected.sql"),
        include_str!("../../../migrations/postgres/0016_newly_affected.sql"),
    ),
    (
        17,
        "order_of_observations",
        include_str!("../../../migrations/sqlite/0017_order_of_observations.sql"),
        include_str!("../../../migrations/postgres/0017_order_of_observations.sql"),
    ),
    (
        19,
        "traces_and_retention",
        include_str!("../../../migrations/sqlite/0019_traces_and_retention.sql"),
        include_str!("../../../migrations/postgres/0019_traces_and_retention.sql"),
    ),
];

/// Where the applied ones are kept, with their checksums.
const TABLE: &str = "_sqlx_migrations";

/// That table on SQLite, as sqlx makes it.
const NEW_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
                         checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

type Applied = Vec<(i64, Vec<u8>)>;

impl Store {
    /// Applies the migrations that are missing; returns their names.
    ///
    /// # Errors
    /// `Newer` when the database is ahead of this version, `Edited` when it was migrated in another wording,
    /// `Migration` when one fails.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite { write, .. } => {
                // Taken before looking, so that of two processes the second finds everything done. One that fails
                // leaves nothing behind.
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
                let known = on_sqlite();
                let missing = missing(&known, &applied_on_sqlite(&mut tx).await?)?;
                let is_missing = |of: &&Migration| missing.contains(&name(of));
                apply_on_sqlite(&mut tx, known.iter().filter(is_missing)).await?;
                tx.commit().await?;
                Ok(missing)
            }
            Self::Postgres(pool) => {
                let missing = self.pending().await?;
                let migrated = Migrator::with_migrations(on_postgres()).run(pool).await;
                migrated.map_err(failed)?;
                Ok(missing)
            }
        }
    }

    /// The names of the migrations that are missing.
    ///
    /// # Errors
    /// `Newer` and `Edited`, as [`Store::migrate`].
    pub async fn pending(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite { read, .. } => {
                let mut connection = read.acquire().await?;
                missing(&on_sqlite(), &applied_on_sqlite(&mut connection).await?)
            }
            Self::Postgres(pool) => {
                let exists = sqlx::query_scalar::<_, bool>("SELECT to_regclass($1) IS NOT NULL");
                let applied: Applied = match exists.bind(TABLE).fetch_one(pool).await? {
                    false => Vec::new(),
                    true => sqlx::query_as(APPLIED).fetch_all(pool).await?,
                };
                missing(&on_postgres(), &applied)
            }
        }
    }
}

/// Applies these as sqlx's `Migrator` would, but each in one message to SQLite's thread instead of a dozen: most of the time
/// that a first start took was spent on waking each other.
async fn apply_on_sqlite(
    connection: &mut SqliteConnection,
    missing: impl Iterator<Item = &Migration>,
) -> Result<(), StoreError> {
    for migration in missing {
        let Migration {
            version,
            description,
            sql,
            checksum,
            ..
        } = migration;
        let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        // Put together from literals and numbers.
        let sql = AssertSqlSafe(format!(
            "{NEW_TABLE}; {sql}; INSERT INTO {TABLE} (version, description, success, checksum, execution_time) \
             VALUES ({version}, '{description}', TRUE, x'{checksum}', -1)",
            sql = sql.as_str(),
        ));
        let applied = sqlx::raw_sql(sql).execute(&mut *connection).await;
        let failed_in = |error| failed(MigrateError::ExecuteMigration(error, *version));
        applied.map_err(failed_in)?;
    }
    Ok(())
}

async fn applied_on_sqlite(connection: &mut SqliteConnection) -> Result<Applied, StoreError> {
    let exists = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM sqlite_master WHERE name = $1");
    Ok(
        match exists.bind(TABLE).fetch_one(&mut *connection).await? {
            0 => Vec::new(),
            _ => sqlx::query_as(APPLIED).fetch_all(connection).await?,
        },
    )
}

/// The names of those of `known` that are not applied. Whatever is applied must be known, to the letter.
fn missing(known: &[Migration], applied: &Applied) -> Result<Vec<String>, StoreError> {
    for (version, checksum) in applied {
        match known.iter().find(|known| known.version == *version) {
            None => return Err(StoreError::Newer { version: *version }),
            Some(known) if *known.checksum != **checksum => {
                return Err(StoreError::Edited { name: name(known) });
            }
            Some(_) => {}
        }
    }
    let is_applied = |version| applied.iter().any(|(applied, _)| *applied == version);
    Ok(known
        .iter()
        .filter(|known| !is_applied(known.version))
        .map(name)
        .collect())
}

fn name(migration: &Migration) -> String {
    format!("{:04}_{}", migration.version, migration.description)
}

fn failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(source) => source.into(),
        other => StoreError::Migration(other),
    }
}

fn on_sqlite() -> Vec<Migration> {
    migrations(|(_, _, sqlite, _)| sqlite)
}

fn on_postgres() -> Vec<Migration> {
    migrations(|(_, _, _, postgres)| postgres)
}

fn migrations(text: impl Fn(Texts) -> &'static str) -> Vec<Migration> {
    let migration = |of: Texts| {
        let sql = text(of).into_sql_str();
        Migration::new(of.0, of.1.into(), MigrationType::Simple, sql, false)
    };
    MIGRATIONS.into_iter().map(migration).collect()
}
