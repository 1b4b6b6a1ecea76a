//! Writes: repeated only where they certainly did not happen.

use innkeeper_domain::app_role::AssignmentId;
use innkeeper_domain::ids::GroupId;
use innkeeper_domain::mark::MarkAttribute;
use innkeeper_graph::{Done, GraphError, Mail, WriteError};
use serde_json::{Value, json};
use wiremock::Request;

use crate::tenant::{ATTEMPTS, Tenant, failure, guest_id, text, token};

fn ann() -> String {
    format!("/users/{}", guest_id("ann"))
}

fn body(request: &Request) -> Value {
    request.body_json().expect("a body")
}

#[tokio::test]
async fn what_is_done_comes_with_the_id_of_the_request() {
    let tenant = Tenant::start().await;
    let done = text(204, "").insert_header("request-id", "req-7");
    tenant.answers("PATCH", &ann(), [done]).await;
    let writer = tenant.writer();
    let request_id = Some("req-7".to_owned());
    for outcome in [
        writer.disable(guest_id("ann")).await,
        writer.enable(guest_id("ann")).await,
    ] {
        assert_eq!(
            outcome.expect("it is done"),
            Done {
                request_id: request_id.clone()
            }
        );
    }
    let asked = tenant.asked().await;
    let bodies: Vec<Value> = asked.iter().map(body).collect();
    assert_eq!(
        bodies,
        [
            json!({ "accountEnabled": false }),
            json!({ "accountEnabled": true })
        ]
    );
    for request in &asked {
        assert_eq!(
            request.headers["content-length"],
            request.body.len().to_string().as_str()
        );
        assert!(!request.headers.contains_key("transfer-encoding"));
    }
}

#[tokio::test]
async fn an_attribute_is_written_by_itself_and_cleared_with_null() {
    let tenant = Tenant::start().await;
    tenant.answers("PATCH", &ann(), [text(204, "")]).await;
    let writer = tenant.writer();
    let attribute = MarkAttribute::parse("extensionAttribute7").expect("an attribute");
    for value in [Some("leaving"), None] {
        let done = writer
            .set_attribute(guest_id("ann"), attribute, value)
            .await;
        done.expect("it is done");
    }
    let asked = tenant.asked().await;
    let bodies: Vec<Value> = asked.iter().map(body).collect();
    let expected = [json!("leaving"), Value::Null]
        .map(|value| json!({ "onPremisesExtensionAttributes": { "extensionAttribute7": value } }));
    assert_eq!(bodies, expected);
}

#[tokio::test]
async fn a_write_without_a_body_says_that_it_has_none() {
    let tenant = Tenant::start().await;
    let restore = format!("/directory/deletedItems/{}/restore", guest_id("ann"));
    tenant.answers("DELETE", &ann(), [text(204, "")]).await;
    tenant.answers("POST", &restore, [text(200, "{}")]).await;
    tenant
        .writer()
        .delete(guest_id("ann"))
        .await
        .expect("it is done");
    tenant
        .writer()
        .restore(guest_id("ann"))
        .await
        .expect("it is done");
    for request in tenant.asked().await {
        assert_eq!(request.headers["content-length"], "0");
        assert!(!request.headers.contains_key("transfer-encoding"));
    }
}

#[tokio::test]
async fn a_member_is_removed_by_its_reference_and_never_itself() {
    let tenant = Tenant::start().await;
    let group = GroupId::derived(&[b"bridge"]);
    let member = format!("/groups/{group}/members/{}", guest_id("ann"));
    tenant
        .answers("DELETE", &format!("{member}/$ref"), [text(204, "")])
        .await;
    let outcome = tenant
        .writer()
        .remove_from_group(group, guest_id("ann"))
        .await;
    outcome.expect("it is done");
    let asked = tenant.asked().await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.path(), format!("/v1.0{member}/$ref"));
    assert_eq!(asked[0].headers["content-length"], "0");
}

#[tokio::test]
async fn an_assignment_is_removed_by_its_own_address_and_never_the_guest() {
    let tenant = Tenant::start().await;
    let ann = guest_id("ann");
    let id = "41W1zT6z1U-kJxf62svfp1HFE8pMZhxDun-ThPczmJE";
    let path = format!("/users/{ann}/appRoleAssignments/{id}");
    tenant.answers("DELETE", &path, [text(204, "")]).await;
    let assignment = AssignmentId::try_from(id.to_owned()).expect("an id");
    let outcome = tenant.writer().remove_app_role(ann, &assignment).await;
    outcome.expect("it is done");
    let asked = tenant.asked().await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.path(), format!("/v1.0{path}"));
}

#[tokio::test]
async fn an_assignment_without_a_whole_id_or_of_somebody_else_is_an_error_and_never_left_out() {
    let ann = guest_id("ann");
    let assignment = |id: &str, kind: &str| {
        json!({
            "id": id, "principalId": ann.0, "principalType": kind, "resourceId": ann.0,
            "resourceDisplayName": "Travel Desk", "appRoleId": uuid::Uuid::nil(),
        })
    };
    for (row, is_good) in [
        (assignment("a-1", "User"), true),
        (assignment("a-1", "Group"), true),
        (assignment("", "User"), false),
        (assignment("..", "User"), false),
        (assignment("a-1", "ServicePrincipal"), false),
    ] {
        let tenant = Tenant::start().await;
        let body = json!({ "value": [row] });
        let response = json!({ "responses": [{ "id": "0", "status": 200, "body": body }] });
        tenant
            .answers("POST", "/$batch", [text(200, &response.to_string())])
            .await;
        let found = tenant.reader().app_roles(&[ann]).await;
        assert_eq!(found.is_ok(), is_good, "{row}: {found:?}");
        if let Ok(found) = found {
            let of_group = row["principalType"] == "Group";
            assert_eq!(found[0].direct.len(), usize::from(!of_group));
            assert_eq!(found[0].through_groups.len(), usize::from(of_group));
        }
    }
}

#[tokio::test]
async fn an_invitation_that_reached_another_account_is_no_success() {
    for (invited, is_good) in [("ann", true), ("bob", false)] {
        let tenant = Tenant::start().await;
        let answer = json!({ "invitedUser": { "id": guest_id(invited) }, "status": "Completed" });
        tenant
            .answers("POST", "/invitations", [text(201, &answer.to_string())])
            .await;
        let outcome = tenant
            .writer()
            .resend_invitation(guest_id("ann"), "ann@partner.example")
            .await;
        let asked = tenant.asked().await;
        let sent = body(&asked[0]);
        assert_eq!(sent["invitedUserEmailAddress"], "ann@partner.example");
        assert_eq!(sent["sendInvitationMessage"], true);
        assert_eq!(asked.len(), 1, "an invitation is never repeated blindly");
        match outcome {
            Ok(_) => assert!(is_good),
            Err(WriteError::Unclear(_)) => assert!(!is_good),
            Err(WriteError::Refused(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_mail_goes_to_everybody_whom_it_is_for() {
    let tenant = Tenant::start().await;
    let path = "/users/sender@contoso.example/sendMail";
    tenant.answers("POST", path, [text(202, "")]).await;
    let mail = Mail {
        to: ["sara@contoso.example", "omar@contoso.example"]
            .map(str::to_owned)
            .to_vec(),
        subject: "A guest".to_owned(),
        text: "Hello.\n".to_owned(),
    };
    tenant.writer().send_mail(&mail).await.expect("it is taken");
    let asked = tenant.asked().await;
    let message = &body(&asked[0])["message"];
    assert_eq!(message["subject"], "A guest");
    assert_eq!(
        message["body"],
        json!({ "contentType": "Text", "content": "Hello.\n" })
    );
    let to = json!([
        { "emailAddress": { "address": "sara@contoso.example" } },
        { "emailAddress": { "address": "omar@contoso.example" } },
    ]);
    assert_eq!(message["toRecipients"], to);
}

#[tokio::test]
async fn a_sender_cannot_lead_a_mail_astray() {
    let tenant = Tenant::start().await;
    let mail = Mail {
        to: Vec::new(),
        subject: String::new(),
        text: String::new(),
    };
    let writer = tenant.graph().writer("a/../../x?y#z".to_owned());
    writer.send_mail(&mail).await.unwrap_err();
    let asked = tenant.asked().await;
    assert_eq!(
        asked[0].url.path(),
        "/v1.0/users/a%2F..%2F..%2Fx%3Fy%23z/sendMail"
    );
    assert_eq!(asked[0].url.query(), None);
}

#[tokio::test]
async fn a_refusal_is_final_and_names_the_permission() {
    let tenant = Tenant::start().await;
    let refused = failure(403, "Authorization_RequestDenied");
    tenant.answers("DELETE", &ann(), [refused]).await;
    let outcome = tenant.writer().delete(guest_id("ann")).await;
    let Err(WriteError::Refused(GraphError::Forbidden { needs, answered })) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(needs, "User.DeleteRestore.All");
    assert_eq!(answered.request_id.as_deref(), Some("req-1"));
    assert_eq!(tenant.asked().await.len(), 1);
}

#[tokio::test]
async fn what_may_have_happened_is_unclear_and_never_repeated() {
    for status in [500, 502, 503, 504] {
        let tenant = Tenant::start().await;
        let out = text(status, "<html>").insert_header("retry-after", "0");
        tenant.answers("PATCH", &ann(), [out, text(204, "")]).await;
        let outcome = tenant.writer().disable(guest_id("ann")).await;
        assert!(
            matches!(
                outcome,
                Err(WriteError::Unclear(GraphError::Unavailable { .. }))
            ),
            "{outcome:?}"
        );
        assert_eq!(tenant.asked().await.len(), 1);
    }
}

#[tokio::test]
async fn what_certainly_did_not_happen_is_repeated() {
    let busy = [
        failure(429, "TooManyRequests"),
        failure(429, "TooManyRequests").insert_header("retry-after", "0"),
        failure(409, "Directory_ConcurrencyViolation"),
    ];
    for first in busy {
        let tenant = Tenant::start().await;
        tenant
            .answers("PATCH", &ann(), [first, text(204, "")])
            .await;
        let outcome = tenant.writer().disable(guest_id("ann")).await;
        outcome.expect("the second time");
        assert_eq!(tenant.asked().await.len(), 2);
    }
}

#[tokio::test]
async fn a_conflict_that_stays_is_a_refusal() {
    let tenant = Tenant::start().await;
    tenant
        .answers(
            "PATCH",
            &ann(),
            [failure(409, "Directory_ConcurrencyViolation")],
        )
        .await;
    let outcome = tenant.writer().disable(guest_id("ann")).await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Refused(GraphError::Conflict { .. }))
        ),
        "{outcome:?}"
    );
    assert_eq!(tenant.asked().await.len(), ATTEMPTS);
}

#[tokio::test]
async fn a_write_whose_token_is_not_accepted_is_made_with_a_new_one() {
    let tenant = Tenant::locked().await;
    tenant.issues([token("first"), token("second")]).await;
    let refused = failure(401, "InvalidAuthenticationToken");
    tenant
        .answers("DELETE", &ann(), [refused.clone(), text(204, "")])
        .await;
    let writer = tenant.writer();
    writer
        .delete(guest_id("ann"))
        .await
        .expect("the second time");

    let tenant = Tenant::start().await;
    tenant.answers("DELETE", &ann(), [refused]).await;
    let outcome = tenant.writer().delete(guest_id("ann")).await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Refused(GraphError::Unauthorized { .. }))
        ),
        "{outcome:?}"
    );
    assert_eq!(tenant.asked().await.len(), 2);
}

#[tokio::test]
async fn who_is_not_there_cannot_be_written_to() {
    let tenant = Tenant::start().await;
    let missing = failure(404, "Request_ResourceNotFound");
    tenant.answers("DELETE", &ann(), [missing]).await;
    let outcome = tenant.writer().delete(guest_id("ann")).await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Refused(GraphError::NotFound { .. }))
        ),
        "{outcome:?}"
    );
}
