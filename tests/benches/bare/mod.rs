//! A bare reader, to compare with: it follows the links, takes what it needs and writes it down, and thinks about nothing.
//! No retries, no budgets, no memory of what was there before. What it does is done as cheaply as is known: an integer
//! row key, a unique id of 16 bytes, 500 rows in a statement, 20 pages in a transaction, text as it came.

use std::path::Path;

use innkeeper_simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT_ID};
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, Connection as _};
use uuid::Uuid;

/// As Innkeeper's own reader does.
const PAGES_PER_TRANSACTION: usize = 20;

/// What Innkeeper selects where the policy asks for nothing besides.
const SELECT: &str = "id,userPrincipalName,mail,otherMails,displayName,userType,accountEnabled,createdDateTime,\
                      externalUserState,externalUserStateChangeDateTime,onPremisesSyncEnabled,companyName,creationType,signInActivity";

const TABLE: &str = "CREATE TABLE guests (guest_key INTEGER PRIMARY KEY, guest_id BLOB NOT NULL UNIQUE, upn TEXT, mail TEXT, \
                     display_name TEXT, user_type TEXT, enabled INTEGER, created_at TEXT, state TEXT, state_at TEXT, \
                     synced INTEGER, company TEXT, creation_type TEXT, successful_at TEXT, interactive_at TEXT, \
                     non_interactive_at TEXT)";

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<User>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: Uuid,
    user_principal_name: Option<String>,
    mail: Option<String>,
    display_name: Option<String>,
    user_type: Option<String>,
    account_enabled: Option<bool>,
    created_date_time: Option<String>,
    external_user_state: Option<String>,
    external_user_state_change_date_time: Option<String>,
    on_premises_sync_enabled: Option<bool>,
    company_name: Option<String>,
    creation_type: Option<String>,
    sign_in_activity: Option<Activity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    last_sign_in_date_time: Option<String>,
    last_non_interactive_sign_in_date_time: Option<String>,
    last_successful_sign_in_date_time: Option<String>,
}

/// Reads every guest into a new database; returns how many.
#[expect(
    clippy::disallowed_methods,
    reason = "it stands for a reader that has nothing of Innkeeper"
)]
pub async fn read(address: &str, database: &Path) -> usize {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .expect("a database");
    sqlx::query(TABLE).execute(&mut db).await.expect("a table");
    let http = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .expect("a client");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &DEFAULT_CLIENT_ID.to_string()),
        ("client_secret", DEFAULT_CLIENT_SECRET),
        ("scope", &format!("{address}/.default")),
    ];
    let token = http
        .post(format!("{address}/{DEFAULT_TENANT_ID}/oauth2/v2.0/token"))
        .form(&form)
        .send()
        .await
        .expect("an answer");
    let Token { access_token } = token.json().await.expect("a token");
    let mut url = url::Url::parse(&format!("{address}/v1.0/users")).expect("an address");
    url.query_pairs_mut()
        .append_pair("$filter", "userType eq 'Guest'")
        .append_pair("$select", SELECT)
        .append_pair("$top", "500");
    let (mut next, mut read) = (Some(url.to_string()), 0);
    while next.is_some() {
        let mut tx = db
            .begin_with("BEGIN IMMEDIATE")
            .await
            .expect("a transaction");
        for _ in 0..PAGES_PER_TRANSACTION {
            let Some(url) = next.take() else { break };
            let answer = http.get(url).bearer_auth(&access_token).send().await;
            let answer = answer.expect("an answer").error_for_status();
            let body = answer.expect("a page").bytes().await.expect("its body");
            let page: Page = serde_json::from_slice(&body).expect("a page");
            next = page.next;
            read += page.value.len();
            write(&mut tx, page.value).await;
        }
        tx.commit().await.expect("it is written");
    }
    db.close().await.expect("it is closed");
    read
}

async fn write(db: &mut SqliteConnection, users: Vec<User>) {
    if users.is_empty() {
        return;
    }
    let row = format!("({})", ["?"; 15].join(","));
    let sql = format!(
        "INSERT INTO guests (guest_id, upn, mail, display_name, user_type, enabled, created_at, state, state_at, synced, company, \
         creation_type, successful_at, interactive_at, non_interactive_at) VALUES {}",
        vec![row.as_str(); users.len()].join(",")
    );
    // Put together from literals.
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for user in users {
        let activity = user.sign_in_activity.unwrap_or_default();
        query = query
            .bind(user.id)
            .bind(user.user_principal_name)
            .bind(user.mail)
            .bind(user.display_name)
            .bind(user.user_type)
            .bind(user.account_enabled)
            .bind(user.created_date_time)
            .bind(user.external_user_state)
            .bind(user.external_user_state_change_date_time)
            .bind(user.on_premises_sync_enabled)
            .bind(user.company_name)
            .bind(user.creation_type)
            .bind(activity.last_successful_sign_in_date_time)
            .bind(activity.last_sign_in_date_time)
            .bind(activity.last_non_interactive_sign_in_date_time);
    }
    query.execute(db).await.expect("it is written");
}
