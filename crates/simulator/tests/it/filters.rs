//! `$filter` finds all that it describes; what it cannot describe is refused, never ignored.

use serde_json::Value;

use crate::tenant::{Tenant, is_live, text};

async fn found(tenant: &Tenant, filter: &str) -> Vec<String> {
    let rows = tenant
        .all(&format!("/users?$select=id&$top=999&$filter={filter}"))
        .await;
    rows.iter().map(|row| text(&row["id"])).collect()
}

fn true_of(truth: &[Value], holds: impl Fn(&Value) -> bool) -> Vec<String> {
    let live = truth.iter().filter(|guest| is_live(guest) && holds(guest));
    live.map(|guest| text(&guest["id"])).collect()
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[tokio::test]
async fn a_filter_finds_all_that_it_describes_and_nothing_else() {
    let tenant = Tenant::quiet(400).await;
    let truth = tenant.truth().await;
    let guest = |row: &Value| row["user_type"] == "Guest";
    let created = |row: &Value| row["created"].as_str().map(str::to_owned);
    for (filter, expected) in [
        ("userType eq 'Guest'", true_of(&truth, guest)),
        (
            "userType eq 'guest' and accountEnabled eq false",
            true_of(&truth, |row| guest(row) && row["enabled"] == false),
        ),
        (
            "externalUserState eq 'PendingAcceptance'",
            true_of(&truth, |row| row["external_state"] == "PendingAcceptance"),
        ),
        (
            "creationType in ('EmailVerified','SelfServiceSignUp')",
            true_of(&truth, |row| {
                row["creation_type"] == "EmailVerified"
                    || row["creation_type"] == "SelfServiceSignUp"
            }),
        ),
        (
            "userType eq 'Guest' and createdDateTime le 2025-06-01T00:00:00Z",
            true_of(&truth, |row| {
                guest(row) && created(row).is_some_and(|at| at.as_str() <= "2025-06-01T00:00:00Z")
            }),
        ),
        (
            "userType eq 'Guest' and createdDateTime ge 2025-06-01T00:00:00.5Z",
            true_of(&truth, |row| {
                guest(row) && created(row).is_some_and(|at| at.as_str() >= "2025-06-01T00:00:00Z")
            }),
        ),
        (
            "onPremisesSyncEnabled eq true",
            true_of(&truth, |row| row["synced"] == true),
        ),
        (
            "userType eq 'Guest' and (startswith(userPrincipalName,'a') or startsWith(userPrincipalName,'B'))",
            true_of(&truth, |row| {
                guest(row) && text(&row["upn"]).starts_with(['a', 'b'])
            }),
        ),
    ] {
        let mut found = found(&tenant, filter).await;
        let mut expected = expected;
        found.sort();
        expected.sort();
        assert!(!expected.is_empty(), "{filter} describes somebody");
        assert_eq!(found, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_on_sign_ins_stands_alone_and_never_finds_who_never_signed_in() {
    let tenant = Tenant::quiet(300).await;
    let filter = "signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z";
    let truth = tenant.truth().await;
    let found = found(&tenant, filter).await;
    let expected = true_of(&truth, |guest| {
        guest["last_interactive"]
            .as_str()
            .is_some_and(|at| at <= "2026-01-01T00:00:00Z")
    });
    assert_eq!(found, expected);
    assert!(!found.is_empty());
    for joined in [
        format!("{filter} and userType eq 'Guest'"),
        format!("userType eq 'Guest' or {filter}"),
    ] {
        assert_eq!(
            tenant.get(&format!("/users?$filter={joined}")).await.status,
            400,
            "{joined}"
        );
    }
}

#[tokio::test]
async fn advanced_operators_take_the_header_and_the_count() {
    let tenant = Tenant::quiet(120).await;
    for filter in [
        "userType ne 'Member'",
        "not(userType eq 'Member')",
        "endsWith(mail,'.example')",
    ] {
        let path = format!("/users?$count=true&$filter={filter}");
        let refused = tenant.get(&path).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "Request_UnsupportedQuery"),
            "{filter}"
        );
        assert!(
            refused.message().contains("ConsistencyLevel:eventual"),
            "{}",
            refused.message()
        );
        let without_count = format!("/users?$filter={filter}");
        assert_eq!(
            tenant.get_eventual(&without_count).await.status,
            400,
            "{filter}"
        );
        assert_eq!(tenant.get_eventual(&path).await.status, 200, "{filter}");
    }
    let expanded = "/users?$count=true&$filter=userType ne 'Member'&$expand=sponsors";
    assert_eq!(
        tenant.get_eventual(expanded).await.status,
        400,
        "no $expand in advanced queries"
    );
}

#[tokio::test]
async fn what_is_not_served_is_refused_and_never_ignored() {
    let tenant = Tenant::quiet(20).await;
    for options in [
        "$filter=shoeSize eq 44",
        "$filter=userType eq true",
        "$filter=accountEnabled eq 'true'",
        "$filter=createdDateTime eq 'yesterday'",
        "$filter=createdDateTime gt 2025-01-01T00:00:00Z",
        "$filter=signInActivity/lastTea le 2025-01-01T00:00:00Z",
        "$filter=externalUserStateChangeDateTime le 2025-01-01T00:00:00Z",
        "$filter=userType eq 'Guest' and",
        "$filter=startswith(userType,'G')",
        "$filter=contains(displayName,'a')",
        "$filter=",
        "$skip=10",
        "$search=\"displayName:a\"",
        "$orderby=displayName",
        "$top=5&$top=6",
        "select=id",
        "$expand=manager,sponsors",
        "$expand=memberOf",
        "$expand=sponsors($select=id,shoeSize)",
    ] {
        let answer = tenant.get(&format!("/users?{options}")).await;
        assert_eq!(answer.status, 400, "{options}: {}", answer.body);
        assert!(answer.message().len() > 10, "{options}");
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_query_and_for_a_while() {
    let tenant = Tenant::with(120, |options| {
        options.page_token_lifetime = std::time::Duration::from_secs(300);
    })
    .await;
    let page = tenant.get("/users?$top=10").await;
    let next = page.next().unwrap().to_owned();
    let other = next
        .replace("$top=10", "$top=11")
        .replace("%24top=10", "%24top=11");
    assert_ne!(next, other);
    assert_eq!(tenant.get(&other).await.status, 400);
    assert_eq!(
        tenant
            .get("/users?$top=10&$skiptoken=nonsense")
            .await
            .status,
        400
    );
    tenant.pass(300).await;
    assert_eq!(tenant.get(&next).await.status, 200);
    tenant.pass(1).await;
    let answer = tenant.get(&next).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "Directory_ExpiredPageToken")
    );
}

#[tokio::test]
async fn who_goes_while_a_listing_is_read_makes_nobody_else_be_missed() {
    let tenant = Tenant::quiet(60).await;
    let everybody = ids(&tenant.all("/users?$select=id&$top=999").await);
    let group = tenant
        .group(
            "security",
            &everybody
                .iter()
                .map(String::as_str)
                .take(40)
                .collect::<Vec<_>>(),
        )
        .await;
    for path in [
        "/users?$select=id&$top=10".to_owned(),
        format!("/groups/{group}/members?$select=id&$top=10"),
    ] {
        let first = tenant.get(&path).await;
        let gone = &ids(first.rows())[3];
        let before = ids(&tenant.all(&path).await);
        let deleted = tenant.delete(&format!("/users/{gone}")).await;
        assert_eq!(deleted.status, 204, "{}", deleted.body);
        let mut seen = ids(first.rows());
        seen.extend(ids(&tenant.all(first.next().unwrap()).await));
        assert_eq!(seen, before, "{path}");
    }
}
