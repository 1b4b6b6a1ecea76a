//! How fast guests are read. Graph gives 5,000 a minute, so this only has to be invisible beside it.

use std::time::Instant;

use futures_util::TryStreamExt;
use serde_json::json;

use crate::socket::{Socket, whole};
use crate::tenant::guest_id;

const PAGES: usize = 200;
const ON_A_PAGE: usize = 500;

/// A guest with everything that is selected.
fn row(nth: usize) -> serde_json::Value {
    json!({
        "id": guest_id(&nth.to_string()),
        "userPrincipalName": format!("guest.number.{nth}_partner.example#EXT#@contoso.onmicrosoft.com"),
        "mail": format!("guest.number.{nth}@partner.example"),
        "otherMails": [format!("guest.number.{nth}@partner.example")],
        "displayName": format!("Guest Number {nth}"),
        "userType": "Guest",
        "accountEnabled": true,
        "createdDateTime": "2024-03-13T19:15:41Z",
        "externalUserState": "Accepted",
        "externalUserStateChangeDateTime": "2024-03-14T08:00:00Z",
        "onPremisesSyncEnabled": null,
        "companyName": "Partner Ltd",
        "signInActivity": {
            "lastSignInDateTime": "2026-10-01T10:20:30Z",
            "lastSignInRequestId": "d4d31c40-4c36-4775-ad59-7d1e6a171f00",
            "lastNonInteractiveSignInDateTime": "2026-10-02T10:20:30.1234567Z",
            "lastNonInteractiveSignInRequestId": "d4d31c40-4c36-4775-ad59-7d1e6a171f01",
            "lastSuccessfulSignInDateTime": "2026-10-02T10:20:30Z",
            "lastSuccessfulSignInRequestId": "d4d31c40-4c36-4775-ad59-7d1e6a171f02",
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: cargo test --release -p innkeeper-graph --test it speed -- --ignored --nocapture"]
async fn a_hundred_thousand_guests_are_read_in_a_second() {
    let rows: Vec<_> = (0..ON_A_PAGE).map(row).collect();
    let rows = serde_json::to_string(&rows).expect("rows");
    let socket = Socket::scripted(|url| {
        let page = |nth: usize| {
            let next = if nth < PAGES {
                format!(r#","@odata.nextLink": "{url}v1.0/users?$skiptoken={nth}""#)
            } else {
                String::new()
            };
            whole("200 OK", "", &format!(r#"{{"value": {rows}{next}}}"#))
        };
        (1..=PAGES).map(page).collect()
    });
    let reader = socket.graph().reader();
    let started = Instant::now();
    let read: usize = reader
        .guests()
        .try_fold(0, async |read, page| Ok(read + page.guests.len()))
        .await
        .expect("the guests");
    let took = started.elapsed();
    assert_eq!(read, PAGES * ON_A_PAGE);
    println!(
        "{read} guests of {} bytes each in {took:?}: {:.0} a second",
        rows.len() / ON_A_PAGE,
        f64::from(u32::try_from(read).expect("not that many")) / took.as_secs_f64()
    );
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
}
