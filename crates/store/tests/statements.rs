//! What the statements about a page of guests go through on SQLite, which has no figures of its tables to plan by. A binary of
//! its own, because the statements are heard of by what the whole process logs.

#[path = "it/databases.rs"]
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the other binary needs more of it"
)]
mod databases;

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use innkeeper_store::Store;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::databases::{guest, tenant};

/// Steps through tables that have a few rows for each tenant, whatever the number of its guests.
const SMALL: [&str; 3] = [
    // `named_groups`
    "SEARCH n USING PRIMARY KEY (tenant_id=?)",
    "SEARCH registers USING PRIMARY KEY (tenant_id=?)",
    "SEARCH g USING INDEX sqlite_autoindex_sponsor_groups_1 (tenant_id=?)",
];

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes the statements that sqlx logs.
struct Listener;

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut Statement);
        }
    }
}

struct Statement;

impl Visit for Statement {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" {
            let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(value.trim().to_owned());
        }
    }
}

#[tokio::test]
async fn a_page_of_guests_is_found_by_its_keys_and_never_by_going_through_the_tenant() {
    let folder = TempDir::new().expect("a folder");
    let url = innkeeper_testdb::sqlite_url(folder.path());
    let store = Store::open(&url).await.expect("a database");
    store.migrate().await.expect("a schema");
    let tenant = tenant();
    let mut tx = store.begin().await.expect("a transaction");
    tx.save_guests(tenant, &[&guest(1)]).await.expect("kept");
    tracing_subscriber::registry().with(Listener).init();

    let rows = tx.guest_rows(tenant, None, 1_000).await.expect("a page");
    let key = rows[0].key;
    tx.last_states(tenant, key, key).await.expect("states");
    tx.states(tenant, key, key).await.expect("states");
    tx.commit().await.expect("kept");
    store.close().await;

    let heard = std::mem::take(&mut *HEARD.lock().unwrap_or_else(PoisonError::into_inner));
    let about_a_page = heard.iter().filter(|sql| sql.contains("BETWEEN"));
    assert!(about_a_page.count() > 12, "{heard:#?}");
    let mut database = SqliteConnection::connect(&url).await.expect("a database");
    for sql in heard.iter().filter(|sql| sql.starts_with("SELECT")) {
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explained)
            .fetch_all(&mut database)
            .await
            .expect("a plan");
        for (_, _, _, step) in &plan {
            // What a part of the statement itself put together can only be gone through.
            let is_put_together = step.contains("subquery") || step.starts_with("SCAN said");
            let is_all = step.starts_with("SCAN") && !is_put_together;
            let is_the_tenants = step.ends_with("(tenant_id=?)");
            assert!(
                SMALL.contains(&step.as_str()) || !(is_all || is_the_tenants),
                "{step}\nin {sql}\n{plan:#?}"
            );
        }
    }
}
