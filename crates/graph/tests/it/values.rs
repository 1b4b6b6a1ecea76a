//! What Graph's values become.

use innkeeper_domain::activity::SignIns;
use innkeeper_domain::guest::{Guest, Invitation, UserType};
use innkeeper_graph::GraphError;
use serde_json::{Value, json};

use crate::tenant::{Tenant, all, guest, guest_id, page, text};

/// The only guest of a tenant whose row has these properties besides.
async fn read(properties: &Value) -> Guest {
    let mut row = guest("ann");
    for (name, value) in properties.as_object().expect("an object") {
        row[name] = value.clone();
    }
    let tenant = Tenant::start().await;
    tenant.answers("GET", "/users", [page(&[row], None)]).await;
    let mut pages = all(tenant.reader().guests()).await.expect("a page");
    pages.remove(0).guests.remove(0)
}

#[tokio::test]
async fn the_four_ways_to_say_that_there_is_no_time_are_one() {
    let least = "0001-01-01T00:00:00Z";
    for activity in [
        json!({}),
        json!({ "signInActivity": null }),
        json!({ "signInActivity": {} }),
        json!({ "signInActivity": { "lastSignInDateTime": null, "lastNonInteractiveSignInDateTime": null, "lastSuccessfulSignInDateTime": null } }),
        json!({ "signInActivity": { "lastSignInDateTime": least, "lastNonInteractiveSignInDateTime": least, "lastSuccessfulSignInDateTime": least } }),
        json!({ "signInActivity": { "lastSignInDateTime": "", "lastNonInteractiveSignInDateTime": "", "lastSuccessfulSignInDateTime": "" } }),
    ] {
        assert_eq!(
            read(&activity).await.sign_ins,
            SignIns::default(),
            "{activity}"
        );
    }
    for created in [
        json!({ "createdDateTime": null }),
        json!({ "createdDateTime": least }),
        json!({ "createdDateTime": "" }),
    ] {
        assert_eq!(read(&created).await.created, None, "{created}");
    }
}

#[tokio::test]
async fn each_time_is_read_for_itself() {
    let sign_ins = json!({ "signInActivity": {
        "lastSignInDateTime": "2026-03-01T10:00:00Z",
        "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z",
        "lastSuccessfulSignInDateTime": "2026-02-28T23:59:59.1234567Z",
    } });
    let sign_ins = read(&sign_ins).await.sign_ins;
    let at = |text: &str| Some(text.parse().expect("a time"));
    assert_eq!(sign_ins.interactive, at("2026-03-01T10:00:00Z"));
    assert_eq!(sign_ins.non_interactive, None);
    assert_eq!(sign_ins.successful, at("2026-02-28T23:59:59.123456Z"));
}

#[tokio::test]
async fn what_graph_does_not_say_stays_unsaid() {
    let silent = read(&json!({})).await;
    assert_eq!((silent.enabled, silent.on_premises_sync), (None, None));
    assert_eq!((silent.mail, silent.created), (None, None));
    assert_eq!(silent.invitation, Invitation::None);
    let odd =
        read(&json!({ "externalUserState": "Postponed", "mail": "", "otherMails": [] })).await;
    assert_eq!((odd.invitation, odd.mail), (Invitation::Unrecognised, None));
}

#[tokio::test]
async fn a_guest_without_mail_is_reached_by_its_other_address() {
    let other = json!({ "mail": null, "otherMails": ["ann@partner.example"] });
    let mail = read(&other).await.mail;
    assert_eq!(mail.as_deref(), Some("ann@partner.example"));
}

#[tokio::test]
async fn the_count_is_an_advanced_query_of_plain_text() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users/$count", [text(200, "\u{feff}1234")])
        .await;
    assert_eq!(tenant.reader().guest_count().await.expect("a count"), 1234);
    let asked = tenant.asked().await;
    assert_eq!(asked[0].headers["consistencylevel"], "eventual");
    let filter = asked[0]
        .url
        .query_pairs()
        .find(|(option, _)| option == "$filter");
    assert_eq!(filter.expect("a filter").1, "userType eq 'Guest'");
}

#[tokio::test]
async fn a_guest_whose_sponsors_are_not_told_is_not_one_without_sponsors() {
    let mut untold = guest("ann");
    let mut partly = guest("bob");
    partly["sponsors"] = json!([]);
    partly["sponsors@odata.nextLink"] = json!("https://graph.microsoft.com/v1.0/more");
    let mut told = guest("cem");
    told["sponsors"] = json!([]);
    for _ in ["left out", "null"] {
        let tenant = Tenant::start().await;
        let rows = [untold.clone(), partly.clone(), told.clone()];
        tenant.answers("GET", "/users", [page(&rows, None)]).await;
        let read = all(tenant.reader().sponsors(7)).await.expect("a page");
        assert_eq!(read[0].guests, [(guest_id("cem"), Vec::new())]);
        untold["sponsors"] = Value::Null;
    }
}

#[tokio::test]
async fn a_type_that_is_null_is_the_one_filtered_by_and_an_unknown_one_is_unreadable() {
    let [mut null, mut unknown] = ["ann", "bob"].map(guest);
    null["userType"] = Value::Null;
    unknown["userType"] = json!("Robot");
    let tenant = Tenant::start().await;
    let rows = page(&[null, unknown], None);
    tenant.answers("GET", "/users", [rows]).await;
    let read = all(tenant.reader().guests()).await.expect("a page");
    assert_eq!(read[0].guests[0].user_type, UserType::Guest);
    assert_eq!(read[0].unreadable, [guest_id("bob")]);
}

#[tokio::test]
async fn an_assignment_that_names_no_role_protects_its_holder_and_one_without_a_holder_is_an_error()
{
    let assignments = "/roleManagement/directory/roleAssignments";
    let unnamed = json!({ "principalId": guest_id("ann"), "roleDefinitionId": null });
    let unheld = json!({ "principalId": null, "roleDefinitionId": guest_id("role") });
    let tenant = Tenant::start().await;
    let answers = [page(&[unnamed], None), page(&[unheld], None)];
    tenant.answers("GET", assignments, answers).await;
    tenant.answers("GET", "/groups", [page(&[], None)]).await;
    let holders = tenant.reader().role_holders().await.expect("the holders");
    let unnamed = "a role that Graph does not name".to_owned();
    assert_eq!(holders, [(guest_id("ann"), unnamed)]);
    let error = tenant.reader().role_holders().await.unwrap_err();
    let GraphError::Malformed { call, why } = &error else {
        panic!("{error}");
    };
    assert_eq!(*call, format!("GET {assignments}"));
    assert_eq!(why, "an assignment of a role came without its holder");
}
