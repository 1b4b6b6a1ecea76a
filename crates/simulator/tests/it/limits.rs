//! The numbers of Graph's limits, and the headers that go with them.

use serde_json::{Value, json};

use crate::tenant::{SPRING, Tenant, text};

/// A tenant whose limits are on.
async fn limited(guests: usize) -> Tenant {
    Tenant::with(guests, |options| {
        options.start = Some(SPRING.parse().expect("a time"));
    })
    .await
}

const ACTIVITY: &str = "/users?$select=id,signInActivity&$top=500";

#[tokio::test]
async fn sign_in_activity_is_read_ten_times_a_minute_and_five_times_in_ten_seconds() {
    let tenant = limited(30).await;
    for _ in 0..2 {
        for _ in 0..5 {
            assert_eq!(tenant.get(ACTIVITY).await.status, 200);
        }
        tenant.pass(10).await;
    }
    let refused = tenant.get(ACTIVITY).await;
    assert_eq!((refused.status, refused.code()), (429, "UnknownError"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(
        (35..=40).contains(&wait),
        "until the minute is over: {wait}"
    );
    assert!(
        refused
            .header("x-ms-throttle-scope")
            .unwrap()
            .starts_with("Tenant_Application/Read/")
    );
    assert!(refused.header("x-ms-throttle-information").is_some());
    assert_eq!(
        tenant.get("/users?$select=id").await.status,
        200,
        "other reading goes on"
    );
    tenant.pass(40).await;
    assert_eq!(tenant.get(ACTIVITY).await.status, 200);
}

#[tokio::test]
async fn reports_are_read_five_times_in_ten_seconds_and_refused_requests_count() {
    let tenant = limited(30).await;
    for number in 1..=5 {
        let answer = tenant.get("/auditLogs/signIns?$top=1").await;
        assert_eq!(answer.status, 200);
        let used = answer.header("x-ms-throttle-limit-percentage");
        assert_eq!(
            used.is_some(),
            number >= 4,
            "a warning from 0.8 on, at {number}"
        );
    }
    for _ in 0..4 {
        let refused = tenant.get("/auditLogs/signIns?$top=1").await;
        assert_eq!(refused.status, 429);
    }
    let refused = tenant.get("/auditLogs/signIns?$top=1").await;
    assert_eq!(
        refused.header("x-ms-throttle-limit-percentage"),
        Some("1.80"),
        "at most"
    );
    assert_eq!(tenant.tell("requests").await["throttled"], 5);
}

#[tokio::test]
async fn a_request_costs_what_the_table_says() {
    let tenant = Tenant::quiet(30).await;
    let id = text(&tenant.truth().await[0]["id"]);
    let group = tenant.group("security", &[]).await;
    for (path, units) in [
        ("/users".to_owned(), "2"),
        ("/users?$select=id".to_owned(), "1"),
        ("/users?$top=5".to_owned(), "1"),
        ("/users?$top=20".to_owned(), "2"),
        ("/users?$expand=sponsors".to_owned(), "3"),
        ("/users?$select=id&$expand=sponsors".to_owned(), "2"),
        ("/users?$select=id&$top=5".to_owned(), "1"),
        (format!("/users/{id}/memberOf"), "2"),
        (format!("/groups/{group}/members"), "3"),
        (format!("/groups/{group}/members?$select=id"), "2"),
        ("/subscribedSkus".to_owned(), "3"),
        ("/groups".to_owned(), "1"),
    ] {
        let answer = tenant.get(&path).await;
        assert_eq!(answer.header("x-ms-resource-unit"), Some(units), "{path}");
    }
}

#[tokio::test]
async fn resource_units_run_out_with_a_whole_number_of_seconds_to_wait() {
    // A tenant of fewer than 50 users: 3,500 units in 10 seconds.
    let tenant = limited(10).await;
    let item = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": "/users?$expand=sponsors" });
    let batch = json!({ "requests": (0..20).map(item).collect::<Vec<_>>() });
    let mut refused: Option<Value> = None;
    for _ in 0..65 {
        let answer = tenant.post("/$batch", &batch).await;
        assert_eq!(answer.status, 200, "the envelope stays good");
        let responses = answer.body["responses"].as_array().unwrap();
        let found = responses.iter().find(|response| response["status"] == 429);
        refused = refused.or_else(|| found.cloned());
    }
    let refused = refused.expect("65 times 20 times 3 units are too many");
    let error = &refused["body"]["error"];
    assert_eq!(error["code"], "TooManyRequests");
    assert_eq!(
        (&error["innerError"]["code"], &error["innerError"]["status"]),
        (&json!("429"), &json!("429"))
    );
    let wait: u64 = text(&refused["headers"]["Retry-After"]).parse().unwrap();
    assert!((1..=10).contains(&wait));
    tenant.pass(10).await;
    assert_eq!(tenant.get("/users").await.status, 200);
}
