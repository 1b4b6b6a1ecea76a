//! Many rows for one statement.
//!
//! A statement about many rows reads them from `given`, as if that were a table: a list of `VALUES` on SQLite, arrays
//! taken apart by `UNNEST` on Postgres. So its text is one for both, whatever the number of rows. The first parameter
//! is the tenant.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::TenantId;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::error::StoreError;
use crate::moment;
use crate::open::Tx;
use crate::rows::micros;

/// Rows in one statement. Where SQLite stops gaining; the widest row (25 columns) is a third of its parameters.
const SQLITE_ROWS: usize = 500;

/// Rows in one statement. Where Postgres stops gaining.
const POSTGRES_ROWS: usize = 5_000;

/// The rows, column by column.
pub(crate) struct Given<'a> {
    rows: usize,
    columns: Vec<(&'static str, Column<'a>)>,
}

enum Column<'a> {
    Ids(Vec<Option<Uuid>>),
    Texts(Vec<Option<&'a str>>),
    Integers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Times(Vec<Option<DateTime<Utc>>>),
    Bytes(Vec<&'a [u8]>),
}

impl Column<'_> {
    /// None of these rows has a value in it.
    fn is_empty(&self, rows: Range<usize>) -> bool {
        match self {
            Self::Ids(values) => values[rows].iter().all(Option::is_none),
            Self::Texts(values) => values[rows].iter().all(Option::is_none),
            Self::Integers(values) => values[rows].iter().all(Option::is_none),
            Self::Flags(values) => values[rows].iter().all(Option::is_none),
            Self::Times(values) => values[rows].iter().all(Option::is_none),
            Self::Bytes(_) => false,
        }
    }
}

impl<'a> Given<'a> {
    /// So many rows, without a column yet.
    pub(crate) fn rows(rows: usize) -> Self {
        Self {
            rows,
            columns: Vec::new(),
        }
    }

    fn column(mut self, name: &'static str, rows: usize, column: Column<'a>) -> Self {
        assert_eq!(
            rows, self.rows,
            "the column {name} has a value for each row"
        );
        self.columns.push((name, column));
        self
    }

    pub(crate) fn ids<V: Into<Option<Uuid>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        self.column(name, values.len(), Column::Ids(values))
    }

    pub(crate) fn texts<V: Into<Option<&'a str>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        self.column(name, values.len(), Column::Texts(values))
    }

    pub(crate) fn integers<V: Into<Option<i64>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        self.column(name, values.len(), Column::Integers(values))
    }

    pub(crate) fn flags<V: Into<Option<bool>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        self.column(name, values.len(), Column::Flags(values))
    }

    /// Cut off to microseconds.
    pub(crate) fn times<V: Into<Option<DateTime<Utc>>>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(|at| at.into().map(micros)).collect();
        self.column(name, values.len(), Column::Times(values))
    }

    pub(crate) fn bytes(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        self.column(name, values.len(), Column::Bytes(values))
    }

    /// The ranges of the rows that make one statement each.
    fn chunks(&self, size: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let rows = self.rows;
        (0..rows)
            .step_by(size)
            .map(move |start| start..rows.min(start + size))
    }

    /// The statement after these rows, row by row, and its arguments.
    ///
    /// Parameters without a name, because SQLite seeks a name among all of a statement's. They are counted from the
    /// first argument, so the tenant is taken as one of them too; `$1` in the statement means the same argument.
    fn on_sqlite(
        &self,
        statement: &str,
        tenant: TenantId,
        rows: Range<usize>,
    ) -> Result<(AssertSqlSafe<String>, SqliteArguments), StoreError> {
        // Of a guest a third of the columns is hardly ever filled, and a parameter costs as much without a value.
        let (empty, filled): (Vec<_>, Vec<_>) = self
            .columns
            .iter()
            .partition(|(_, column)| column.is_empty(rows.clone()));
        let names: Vec<&str> = filled.iter().map(|(name, _)| *name).collect();
        let row = format!("({})", vec!["?"; filled.len()].join(", "));
        let mut sql = format!(
            "WITH tenant (tenant_id) AS (VALUES (?)), filled ({}) AS (VALUES ",
            names.join(", ")
        );
        for place in 0..rows.len() {
            sql.push_str(if place == 0 { "" } else { ", " });
            sql.push_str(&row);
        }
        sql.push_str("), given AS (SELECT *");
        for (name, _) in empty {
            sql.push_str(", NULL AS ");
            sql.push_str(name);
        }
        sql.push_str(" FROM filled) ");
        sql.push_str(statement);
        let columns: Vec<&Column<'_>> = filled.into_iter().map(|(_, column)| column).collect();
        let arguments = encoded(sqlite_arguments(&columns, tenant, rows))?;
        // Put together from literals.
        Ok((AssertSqlSafe(sql), arguments))
    }

    /// The statement after its rows, as one array in `$2` and so on for each column.
    fn on_postgres(&self, statement: &str) -> AssertSqlSafe<String> {
        let parameters: Vec<String> = (0..self.columns.len())
            .map(|column| format!("${}", column + 2))
            .collect();
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let (names, parameters) = (names.join(", "), parameters.join(", "));
        // Put together from literals and numbers.
        AssertSqlSafe(format!(
            "WITH given ({names}) AS (SELECT * FROM UNNEST({parameters})) {statement}"
        ))
    }

    fn postgres_arguments(
        &self,
        tenant: TenantId,
        rows: &Range<usize>,
    ) -> Result<PgArguments, BoxDynError> {
        let mut arguments = PgArguments::default();
        arguments.add(tenant.0)?;
        for (_, column) in &self.columns {
            match column {
                Column::Ids(values) => arguments.add(&values[rows.clone()])?,
                Column::Texts(values) => arguments.add(&values[rows.clone()])?,
                Column::Integers(values) => arguments.add(&values[rows.clone()])?,
                Column::Flags(values) => arguments.add(&values[rows.clone()])?,
                Column::Times(values) => arguments.add(&values[rows.clone()])?,
                Column::Bytes(values) => arguments.add(&values[rows.clone()])?,
            }
        }
        Ok(arguments)
    }
}

impl Tx {
    /// Runs a statement over the rows; the number of rows that it touched.
    pub(crate) async fn execute_given(
        &mut self,
        tenant: TenantId,
        given: &Given<'_>,
        statement: &str,
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        match self {
            Self::Sqlite(tx) => {
                for rows in given.chunks(SQLITE_ROWS) {
                    let whole = rows.len() == SQLITE_ROWS;
                    let (sql, arguments) = given.on_sqlite(statement, tenant, rows)?;
                    // Statements of every length would fill the cache with texts that hardly ever come again.
                    let query = sqlx::query_with(sql, arguments).persistent(whole);
                    touched += query.execute(&mut **tx).await?.rows_affected();
                }
            }
            Self::Postgres(tx) => {
                for rows in given.chunks(POSTGRES_ROWS) {
                    let sql = given.on_postgres(statement);
                    let arguments = encoded(given.postgres_arguments(tenant, &rows))?;
                    let query = sqlx::query_with(sql, arguments);
                    touched += query.execute(&mut **tx).await?.rows_affected();
                }
            }
        }
        Ok(touched)
    }

    /// Everything that a statement over the rows gives. An order holds only within 500 rows.
    pub(crate) async fn fetch_given<R>(
        &mut self,
        tenant: TenantId,
        given: &Given<'_>,
        statement: &str,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut all = Vec::new();
        match self {
            Self::Sqlite(tx) => {
                for rows in given.chunks(SQLITE_ROWS) {
                    let whole = rows.len() == SQLITE_ROWS;
                    let (sql, arguments) = given.on_sqlite(statement, tenant, rows)?;
                    let query = sqlx::query_as_with(sql, arguments).persistent(whole);
                    all.extend(query.fetch_all(&mut **tx).await?);
                }
            }
            Self::Postgres(tx) => {
                for rows in given.chunks(POSTGRES_ROWS) {
                    let sql = given.on_postgres(statement);
                    let arguments = encoded(given.postgres_arguments(tenant, &rows))?;
                    all.extend(
                        sqlx::query_as_with(sql, arguments)
                            .fetch_all(&mut **tx)
                            .await?,
                    );
                }
            }
        }
        Ok(all)
    }
}

fn sqlite_arguments(
    columns: &[&Column<'_>],
    tenant: TenantId,
    rows: Range<usize>,
) -> Result<SqliteArguments, BoxDynError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(1 + rows.len() * columns.len(), 0);
    arguments.add(tenant.0)?;
    let mut above: Vec<Arc<str>> = vec![Arc::default(); columns.len()];
    let mut time = String::new();
    for row in rows {
        for (column, above) in columns.iter().zip(&mut above) {
            match column {
                Column::Ids(values) => arguments.add(values[row])?,
                Column::Texts(values) => {
                    arguments.add(values[row].map(|text| shared(above, text)))?;
                }
                Column::Integers(values) => arguments.add(values[row])?,
                Column::Flags(values) => arguments.add(values[row])?,
                Column::Times(values) => arguments.add(values[row].map(|at| {
                    time.clear();
                    moment::write(&mut time, at);
                    shared(above, &time)
                }))?,
                Column::Bytes(values) => arguments.add(values[row])?,
            }
        }
    }
    Ok(arguments)
}

/// The text, in the memory of the one above it in its column where both are the same, as they often are.
fn shared(above: &mut Arc<str>, text: &str) -> Arc<str> {
    if **above != *text {
        *above = text.into();
    }
    above.clone()
}

fn encoded<A>(arguments: Result<A, BoxDynError>) -> Result<A, StoreError> {
    arguments.map_err(|error| sqlx::Error::Encode(error).into())
}
