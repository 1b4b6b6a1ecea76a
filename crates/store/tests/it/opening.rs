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
        [
            "0001_start",
            "0002_present_guests",
            "0003_sign_in_log",
            "0004_evidence",
            "0005_plan_decisions",
            "0006_readings",
            "0007_decisions",
            "0008_snapshots",
            "0009_people",
            "0010_marks",
            "0011_acceptance_and_history",
            "0012_attestations",
            "0013_access",
            "0014_alarms",
            "0015_never_touched",
            "0016_newly_affected",
            "0017_order_of_observations",
            "0019_traces_and_retention"
        ]
    );
    assert_eq!(
        store.migrate().await.expect("migrated"),
        [
            "0001_start",
            "0002_present_guests",
            "0003_sign_in_log",
            "0004_evidence",
            "0005_plan_decisions",
            "0006_readings",
            "0007_decisions",
            "0008_snapshots",
            "0009_people",
            "0010_marks",
            "0011_acceptance_and_history",
            "0012_attestations",
            "0013_access",
            "0014_alarms",
            "0015_never_touched",
            "0016_newly_affected",
            "0017_order_of_observations",
            "0019_traces_and_retention"
        ]
    );
}

#[tokio::test]
async fn looking_for_a_database_makes_none() {
    let folder = TempDir::new().expect("a folder");
    let url = innkeeper_testdb::sqlite_url(folder.path());
    let found = Store::open_existing(&url).await.expect("a look");
    assert!(found.is_none());
    let files = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 0);
    Store::open(&url).await.expect("a database").close().await;
    let found = Store::open_existing(&url).await.expect("a look");
    let found = found.expect("the database");
    assert!(found.takes_writes().await.expect("an answer"));

    let missing = innkeeper_testdb::sqlite_url(&folder.path().join("missing"));
    let error = Store::open_existing(&missing).await.expect_err("no folder");
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    let postgres = databases::postgres().await;
    assert!(postgres.takes_writes().await.expect("an answer"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_cannot_be_written_is_named() {
    let folder = TempDir::new().expect("a folder");
    let missing = innkeeper_testdb::sqlite_url(&folder.path().join("missing"));
    let a_file = folder.path().join("file");
    std::fs::write(&a_file, "").expect("written");
    for url in [
        missing,
        innkeeper_testdb::sqlite_url(&a_file),
        // Not even root can make a file here.
        "sqlite:///proc/innkeeper.db".to_owned(),
    ] {
        let error = Store::open(&url).await.expect_err(&url);
        assert!(
            matches!(&error, StoreError::Unwritable { path, .. } if path.ends_with("innkeeper.db")),
            "{url}: {error:?}"
        );
        assert!(error.to_string().contains("innkeeper.db"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = TempDir::new().expect("a folder");
    let text = "this is no database, but it is long enough to be read as one. ".repeat(20);
    std::fs::write(folder.path().join("innkeeper.db"), text).expect("written");
    let error = Store::open(&innkeeper_testdb::sqlite_url(folder.path()))
        .await
        .expect_err("it is no database");
    assert!(
        matches!(&error, StoreError::NotADatabase { path, .. } if path.ends_with("innkeeper.db")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_told_without_its_password() {
    for url in [
        "postgress://innkeeper:hunter2@db/x",
        "mysql://a:hunter2@b/c",
        "postgres://a:hunter2@:x",
    ] {
        let error = Store::open(url).await.expect_err(url);
        assert!(matches!(error, StoreError::BadUrl(_)), "{error:?}");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_socket_of_postgres_can_be_named() {
    for url in [
        "postgres:///innkeeper?host=/nonexistent/socket",
        "postgres://%2Fnonexistent%2Fsocket/innkeeper?user=innkeeper",
        "postgres://innkeeper@localhost/innkeeper?host=/nonexistent/socket",
    ] {
        let error = Store::open(url).await.expect_err(url);
        assert!(
            matches!(error, StoreError::Unreachable { .. }),
            "{url}: {error:?}"
        );
    }
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
    for refused in [store.migrate().await, store.pending().await] {
        assert!(
            matches!(refused, Err(StoreError::Newer { version: 9999 })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_was_applied_is_named() {
    let (_folder, sqlite) = databases::sqlite().await;
    let edited = "UPDATE _sqlx_migrations SET checksum = first.checksum FROM \
                  (SELECT checksum FROM _sqlx_migrations WHERE version = 1) AS first WHERE version = 2";
    for store in [sqlite, databases::postgres().await] {
        match &store {
            Store::Sqlite { write, .. } => sqlx::query(edited).execute(write).await.map(|_| ()),
            Store::Postgres(pool) => sqlx::query(edited).execute(pool).await.map(|_| ()),
        }
        .expect("edited");
        for refused in [store.migrate().await, store.pending().await] {
            assert!(
                matches!(&refused, Err(StoreError::Edited { name }) if name == "0002_present_guests"),
                "{refused:?}"
            );
        }
    }
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
