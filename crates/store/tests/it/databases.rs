//! Runs one test on both databases.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::guest::{Guest, GuestRecord, Invitation, UserType};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_store::{Store, Tx};
use tempfile::TempDir;

/// Makes of an async function over a store two tests.
macro_rules! on_both {
    ($($name:ident)*) => {
        $(mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                let (_folder, store) = $crate::databases::sqlite().await;
                super::$name(store).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                super::$name($crate::databases::postgres().await).await;
            }
        })*
    };
}
pub(crate) use on_both;

pub async fn sqlite() -> (TempDir, Store) {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(&innkeeper_testdb::sqlite_url(folder.path()))
        .await
        .expect("a database");
    store.migrate().await.expect("a schema");
    (folder, store)
}

pub async fn postgres() -> Store {
    let store = Store::open(&innkeeper_testdb::postgres_url().await)
        .await
        .expect("a database");
    store.migrate().await.expect("a schema");
    store
}

pub async fn begin(store: &Store) -> Tx {
    store.begin().await.expect("a transaction")
}

pub fn tenant() -> TenantId {
    TenantId::derived(&[b"contoso"])
}

pub fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 123_456_000).expect("a time") + TimeDelta::days(day)
}

pub fn guest(number: u32) -> GuestRecord {
    GuestRecord {
        guest: Guest {
            id: GuestId::derived(&[&number.to_be_bytes()]),
            upn: format!("guest{number}_partner.example#EXT#@contoso.example"),
            mail: Some(format!("Guest{number}@partner.example")),
            display_name: Some("Zoë".into()),
            user_type: UserType::Guest,
            enabled: Some(true),
            created: Some(at(-400)),
            invitation: Invitation::Accepted { at: Some(at(-399)) },
            on_premises_sync: None,
            management_restricted: None,
            company: None,
            creation_type: None,
            external: None,
            attribute: None,
            sign_ins: SignIns {
                successful: Some(at(-3)),
                interactive: Some(at(-2)),
                non_interactive: None,
            },
        },
        reading: Reading::Fresh,
        first_seen: at(0),
        gone: None,
        logged_in: None,
        revived: None,
        disabled_by_us: None,
        deleted_by_us: None,
    }
}

/// Keeps guests; returns them as they were given.
pub async fn with_guests(store: &Store, count: u32) -> Vec<GuestRecord> {
    let records: Vec<GuestRecord> = (0..count).map(guest).collect();
    let mut tx = begin(store).await;
    let keys = tx
        .save_guests(tenant(), &records.iter().collect::<Vec<_>>())
        .await
        .expect("guests are kept");
    assert_eq!(keys.len(), records.len());
    tx.commit().await.expect("a commit");
    records
}
