//! What may be asked, and what is refused rather than ignored.

use serde_json::json;

use crate::tenant::{GUESTS, Tenant, days_ago, properties, text};

#[tokio::test]
async fn without_a_selection_only_the_default_properties_come() {
    let tenant = Tenant::still(3).await;
    let answer = tenant.get(&format!("/users?{GUESTS}")).await;
    let default = [
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    ];
    for row in answer.rows() {
        assert_eq!(properties(row), default);
    }
}

#[tokio::test]
async fn a_selection_leaves_out_the_rest() {
    let tenant = Tenant::still(3).await;
    let id = tenant.add_guest("ann").await;
    let path = "?$select=userType,accountEnabled,signInActivity";
    let listed = tenant.get(&format!("/users{path}")).await.ok();
    let row = listed.rows().last().expect("the guest added last");
    assert_eq!(
        properties(row),
        ["accountEnabled", "id", "signInActivity", "userType"],
        "a report carries the id"
    );
    let single = tenant.get(&format!("/users/{id}{path}")).await.ok();
    assert_eq!(
        properties(&single.body),
        ["accountEnabled", "signInActivity", "userType"]
    );
}

#[tokio::test]
async fn what_graph_does_not_support_is_refused() {
    let tenant = Tenant::still(3).await;
    for query in [
        "$skip=10",
        "$search=\"displayName:ann\"",
        "$select=id,favouriteColour",
        "$filter=userType eq 'Guest' and",
        "$filter=signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z and userType eq 'Guest'",
        "$expand=manager",
        "$expand=sponsors($levels=2)",
    ] {
        let answer = tenant.get(&format!("/users?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.code().is_empty(), "{query}");
    }
    for query in [
        "$filter=favouriteColour eq 'red'",
        "$filter=userType ne 'Member'",
        "$filter=endsWith(mail,'x')",
    ] {
        let answer = tenant.get(&format!("/users?{query}")).await;
        assert_eq!(
            answer.refusal(),
            (400, "Request_UnsupportedQuery"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_error_says_when_and_to_which_request_it_happened() {
    let tenant = Tenant::still(3).await;
    let answer = tenant.get("/users?$skip=10").await;
    let inner = &answer.body["error"]["innerError"];
    assert_eq!(inner["date"], "2027-01-04T06:00:00");
    assert_eq!(inner["request-id"].as_str(), answer.header("request-id"));
}

#[tokio::test]
async fn an_advanced_query_needs_its_header_and_a_count() {
    let tenant = Tenant::still(20).await;
    let filter = "$filter=userType ne 'Member'";
    let answer = tenant.get_eventual(&format!("/users?{filter}")).await;
    assert_eq!(answer.refusal(), (400, "Request_UnsupportedQuery"));
    let path = format!("/users?{filter}&$count=true");
    assert_eq!(tenant.get(&path).await.status, 400);
    let answer = tenant.get_eventual(&path).await.ok();
    let count = answer.body["@odata.count"].as_u64().expect("a count");
    assert_eq!(count, answer.rows().len() as u64);
    let guests = tenant.get(&format!("/users?{GUESTS}")).await;
    assert_eq!(guests.rows().len() as u64, count);
    let answer = tenant
        .get_eventual("/users?$expand=sponsors&$count=true")
        .await;
    assert_eq!(answer.refusal(), (400, "Request_UnsupportedQuery"));
}

#[tokio::test]
async fn a_count_without_its_header_is_refused_or_ignored() {
    let tenant = Tenant::still(20).await;
    let answer = tenant.get(&format!("/users/$count?{GUESTS}")).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert_eq!(answer.message(), "$count is not currently supported.");
    let answer = tenant
        .get_eventual(&format!("/users/$count?{GUESTS}"))
        .await
        .ok();
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain"))
    );
    let guests = tenant.all(&format!("/users?{GUESTS}")).await;
    assert_eq!(answer.body, json!(guests.len()));
    let answer = tenant.get("/users?$count=true").await.ok();
    assert!(answer.body.get("@odata.count").is_none());
}

#[tokio::test]
async fn a_list_of_ids_holds_at_most_fifteen() {
    let tenant = Tenant::still(40).await;
    let users = tenant.get("/users?$select=id").await;
    let ids: Vec<String> = users
        .rows()
        .iter()
        .map(|row| format!("'{}'", text(&row["id"])))
        .collect();
    let path = |count: usize| {
        format!(
            "/users?$select=id&$filter=id in ({})",
            ids[..count].join(",")
        )
    };
    assert_eq!(tenant.get(&path(15)).await.rows().len(), 15);
    assert_eq!(tenant.get(&path(16)).await.status, 400);
}

#[tokio::test]
async fn sign_in_activity_is_read_by_id_and_not_by_name() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let upn = "ann_partner.example%23EXT%23@contoso.onmicrosoft.example";
    let answer = tenant.get(&format!("/users/{upn}")).await.ok();
    assert_eq!(answer.body["id"], id.as_str());
    let answer = tenant
        .get(&format!("/users/{upn}?$select=signInActivity"))
        .await;
    assert_eq!(answer.refusal(), (400, "400"));
    assert_eq!(
        answer.message(),
        "Get By Key only supports UserId and the key has to be a valid Guid"
    );
}

#[tokio::test]
async fn a_filter_by_sign_in_activity_never_finds_who_never_signed_in() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let never = json!({ "mail": "never@partner.example" });
    tenant.drive("POST", "users", never).await;
    let path = |property: &str, days| {
        format!(
            "/users?$filter=signInActivity/{property} le {}",
            days_ago(days)
        )
    };
    let answer = tenant.get(&path("lastSuccessfulSignInDateTime", 5)).await;
    let ids: Vec<&str> = answer
        .rows()
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    assert!(ids.contains(&ann.as_str()));
    let truth = tenant.truth().await;
    for guest in truth.iter().filter(|guest| guest["last_success"].is_null()) {
        assert!(!ids.contains(&guest["id"].as_str().expect("an id")));
    }
    let answer = tenant.get(&path("lastSuccessfulSignInDateTime", 15)).await;
    let found = answer.rows().iter().any(|row| row["id"] == ann.as_str());
    assert!(!found, "ten days are not fifteen");
}
