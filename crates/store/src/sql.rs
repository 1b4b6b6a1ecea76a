//! One statement for both drivers. What differs is only the type of the connection, so the statement is spelled once and
//! expanded twice.

/// Runs a statement; the number of rows that it touched.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::Tx::Postgres(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
    };
}

/// All rows of a query.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **tx).await,
            $crate::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **tx).await,
        }
    };
}

/// The row of a query, if there is one.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **tx).await,
            $crate::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **tx).await,
        }
    };
}

/// The one row of a query.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_one(&mut **tx).await,
            $crate::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_one(&mut **tx).await,
        }
    };
}

/// Rows in one statement for each chunk: `head VALUES (..), (..) tail`. Five hundred at a time is where both databases
/// stop gaining; it stays below the number of parameters that either allows.
macro_rules! insert_rows {
    ($tx:expr, $head:expr, $rows:expr, |$values:ident, $row:pat_param| $push:block, $tail:expr) => {{
        let mut outcome: Result<(), sqlx::Error> = Ok(());
        for chunk in $rows.chunks(500) {
            let done = match $tx {
                $crate::Tx::Sqlite(tx) => {
                    let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new($head);
                    query.push_values(chunk, |mut $values, $row| $push);
                    query.push($tail);
                    query.build().execute(&mut **tx).await.map(|_| ())
                }
                $crate::Tx::Postgres(tx) => {
                    let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new($head);
                    query.push_values(chunk, |mut $values, $row| $push);
                    query.push($tail);
                    query.build().execute(&mut **tx).await.map(|_| ())
                }
            };
            if done.is_err() {
                outcome = done;
                break;
            }
        }
        outcome
    }};
}

/// All rows of a query that ends in `IN (..)`, asked for chunk by chunk: `head ($1, bound) .. IN (items) tail`.
macro_rules! fetch_in {
    ($tx:expr, $row:ty, $head:expr, $tenant:expr, $middle:expr, $items:expr, $tail:expr) => {{
        let mut outcome: Result<Vec<$row>, sqlx::Error> = Ok(Vec::new());
        for chunk in $items.chunks(500) {
            let rows = match $tx {
                $crate::Tx::Sqlite(tx) => {
                    let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new($head);
                    query.push_bind($tenant);
                    query.push($middle);
                    let mut list = query.separated(", ");
                    for item in chunk {
                        list.push_bind(item.0);
                    }
                    query.push($tail);
                    query.build_query_as::<$row>().fetch_all(&mut **tx).await
                }
                $crate::Tx::Postgres(tx) => {
                    let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new($head);
                    query.push_bind($tenant);
                    query.push($middle);
                    let mut list = query.separated(", ");
                    for item in chunk {
                        list.push_bind(item.0);
                    }
                    query.push($tail);
                    query.build_query_as::<$row>().fetch_all(&mut **tx).await
                }
            };
            match (rows, &mut outcome) {
                (Ok(rows), Ok(all)) => all.extend(rows),
                (Err(error), _) => {
                    outcome = Err(error);
                    break;
                }
                (Ok(_), Err(_)) => break,
            }
        }
        outcome
    }};
}

/// Reads a struct from a row of either driver, column by column.
macro_rules! from_row {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> for $name {
            fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
        impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for $name {
            fn from_row(row: &'r sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}
