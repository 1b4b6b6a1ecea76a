//! Invitations, and roles in applications that are assigned and taken away.

use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

async fn set(tenant: &Tenant, id: &str, body: Value) {
    tenant.drive("PATCH", &format!("users/{id}"), body).await;
}

#[tokio::test]
async fn only_a_pending_invitation_is_sent_again_and_to_the_same_account() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let mail = text(&tenant.truth_of(&id).await["mail"]);
    let invitation = json!({
        "invitedUserEmailAddress": mail,
        "inviteRedirectUrl": "https://portal.contoso.example",
        "sendInvitationMessage": true,
    });
    let answer = tenant.post("/invitations", &invitation).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert!(answer.message().contains(&id), "{answer:?}");

    let pending = json!({ "external_state": "PendingAcceptance" });
    set(&tenant, &id, pending).await;
    let answer = tenant.post("/invitations", &invitation).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["invitedUser"]["id"], id.as_str());
    assert_eq!(tenant.tell("outbox").await[0]["to"], json!([mail]));

    set(&tenant, &id, json!({ "enabled": false })).await;
    let answer = tenant.post("/invitations", &invitation).await;
    assert!(answer.message().contains("blocked"), "{answer:?}");
    assert_eq!(tenant.writes().await, ["invite"]);
}

#[tokio::test]
async fn an_address_that_is_new_becomes_a_new_guest_without_a_mail_unless_asked_for() {
    let tenant = Tenant::still(0).await;
    let invitation = json!({
        "invitedUserEmailAddress": "zoe@partner.example",
        "inviteRedirectUrl": "https://portal.contoso.example",
    });
    let made = tenant.post("/invitations", &invitation).await.ok();
    let id = text(&made.body["invitedUser"]["id"]);
    let zoe = tenant.truth_of(&id).await;
    assert_eq!(zoe["external_state"], "PendingAcceptance");
    assert_eq!(tenant.tell("outbox").await, json!([]));
    for wrong in [
        json!({}),
        json!({ "invitedUserEmailAddress": "zoe@partner.example" }),
        json!({ "invitedUserEmailAddress": "zoe", "inviteRedirectUrl": "https://a.example" }),
        json!({ "invitedUserEmailAddress": "z@a.example", "inviteRedirectUrl": "a" }),
    ] {
        let answer = tenant.post("/invitations", &wrong).await;
        assert_eq!(answer.refusal(), (400, "Request_BadRequest"), "{wrong}");
    }
}

#[tokio::test]
async fn a_role_in_an_application_is_taken_away_and_assigned_by_its_principal_alone() {
    let tenant = Tenant::still(0).await;
    let [ann, bob] = [tenant.add_guest("ann").await, tenant.add_guest("bob").await];
    for application in ["Travel Desk", "Supplier Portal", "Design Vault"] {
        set(&tenant, &ann, json!({ "add_app_role": application })).await;
    }
    let path = format!("/users/{ann}/appRoleAssignments");
    let rows = tenant.get(&path).await.ok().rows().to_vec();
    assert_eq!(rows.len(), 3);
    let one = format!("{path}/{}", text(&rows[0]["id"]));
    let of_bob = format!("/users/{bob}/appRoleAssignments/{}", text(&rows[0]["id"]));
    assert_eq!(tenant.delete(&of_bob).await.status, 404);
    assert_eq!(tenant.delete(&path).await.status, 405);
    assert_eq!(tenant.delete(&one).await.status, 204);
    assert_eq!(tenant.delete(&one).await.status, 404);
    assert_eq!(tenant.get(&path).await.rows().len(), 2);
    assert_eq!(tenant.get(&format!("/users/{ann}")).await.status, 200);

    let assignment = |principal: &str| {
        json!({
            "principalId": principal,
            "resourceId": rows[0]["resourceId"],
            "appRoleId": rows[0]["appRoleId"],
        })
    };
    let answer = tenant.post(&path, assignment(&bob)).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    let answer = tenant.post(&path, assignment(&ann)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let answer = tenant.post(&path, assignment(&ann)).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert_eq!(tenant.get(&path).await.rows().len(), 3);
    assert_eq!(tenant.writes().await, ["remove-app-role", "add-app-role"]);
}

#[tokio::test]
async fn both_take_a_permission_of_their_own() {
    let mut tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    set(&tenant, &ann, json!({ "add_app_role": "Travel Desk" })).await;
    tenant
        .permit(&["Directory.Read.All", "User.Read.All"])
        .await;
    let path = format!("/users/{ann}/appRoleAssignments");
    let rows = tenant.get(&path).await.ok().rows().to_vec();
    let one = format!("{path}/{}", text(&rows[0]["id"]));
    assert_eq!(tenant.delete(&one).await.status, 403);
    assert_eq!(tenant.post(&path, json!({})).await.status, 403);
    assert_eq!(tenant.post("/invitations", json!({})).await.status, 403);
}
