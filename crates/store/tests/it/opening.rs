//! Opening and migrating.

use innkeeper_store::{Store, StoreError};
use tempfile::TempDir;

use crate::databases;

#[tokio::test]
async fn migrating_twice_applies_nothing_the_second_time() {
    let (_folder, sqlite) = databases::sqlite().await;
    for store in [sqlite, databases::postgres().await] {
        assert_eq!(
            store.migrate().await.expect("migrated"),
            Vec::<String>::new()
        );
        assert_eq!(store.pending().await.expect("read"), Vec::<String>::new());
        store.close().await;
    }
}

#[tokio::test]
async fn a_fresh_database_tells_which_migrations_are_pending() {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(&innkeeper_testdb::sqlite_url(folder.path()))
        .await
        .expect("a database");
    assert_eq!(
        store.pending().await.expect("read"),
        ["0001_start", "0002_present_guests"]
    );
    assert_eq!(
        store.migrate().await.expect("migrated"),
        ["0001_start", "0002_present_guests"]
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_and_a_file_that_is_no_database_are_named() {
    let folder = TempDir::new().expect("a folder");
    let missing = innkeeper_testdb::sqlite_url(&folder.path().join("missing"));
    let error = Store::open(&missing).await.expect_err("it is missing");
    assert!(
        matches!(&error, StoreError::Unwritable { path, .. } if path.ends_with("missing/innkeeper.db")),
        "{error}"
    );
    std::fs::write(
        folder.path().join("innkeeper.db"),
        "this is no database, but it is long enough to be read as one",
    )
    .expect("written");
    assert!(
        Store::open(&innkeeper_testdb::sqlite_url(folder.path()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_another_url_is_none() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    let error = Store::open(&format!("postgres://innkeeper@{closed}/innkeeper"))
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(matches!(
        Store::open("mysql://x/y").await,
        Err(StoreError::BadUrl(_))
    ));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let (_folder, store) = databases::sqlite().await;
    let Store::Sqlite { write, .. } = &store else {
        panic!("it is SQLite")
    };
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', TRUE, x'00', 0)";
    sqlx::query(newer).execute(write).await.expect("inserted");
    assert!(matches!(
        store.migrate().await,
        Err(StoreError::Newer { version: 9999 })
    ));
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (_folder, sqlite) = databases::sqlite().await;
    let Store::Sqlite { read, .. } = &sqlite else {
        panic!("it is SQLite")
    };
    let sql = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%' ORDER BY 1, 2";
    let on_sqlite: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(read).await.expect("read");
    let Store::Postgres(pool) = databases::postgres().await else {
        panic!("it is Postgres")
    };
    let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns \
               WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' ";
    let mut on_postgres: Vec<(String, String)> =
        sqlx::query_as(sql).fetch_all(&pool).await.expect("read");
    on_postgres.sort();
    assert_eq!(on_sqlite, on_postgres);
    assert!(on_sqlite.len() > 80);
}
