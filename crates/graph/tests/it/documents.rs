//! Answers as Microsoft's documentation shows them, restated: filler shortened, odd values kept.

use innkeeper_domain::activity::SignIns;
use innkeeper_domain::guest::Invitation;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_graph::{Depth, Organization, Reread};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};
use wiremock::ResponseTemplate;

use crate::refusals::throttled;
use crate::tenant::{Tenant, all, guest_id, ok, text};

const ADELE: Uuid = uuid!("1aecaf40-dc3d-461f-88a8-d06994e12898");
const SARA: Uuid = uuid!("263a1289-0000-0000-0000-000000000001");
const SPONSORS: Uuid = uuid!("08143e93-0000-0000-0000-000000000002");

fn metadata(of: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/$metadata#{of}")
}

/// "List users, example 11", with what the client selects besides.
fn adele() -> Value {
    json!({
        "displayName": "Adele Vance",
        "userPrincipalName": "AdeleV_fabrikam.com#EXT#@contoso.com",
        "id": ADELE,
        "userType": "Guest",
        "mail": null,
        "otherMails": [],
        "accountEnabled": true,
        "createdDateTime": null,
        "externalUserState": null,
        "externalUserStateChangeDateTime": null,
        "onPremisesSyncEnabled": null,
        "companyName": null,
        "signInActivity": {
            "lastSignInDateTime": "2021-06-17T16:41:33Z",
            "lastSignInRequestId": "d4d31c40-4c36-4775-ad59-7d1e6a171f00",
            "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z",
            "lastNonInteractiveSignInRequestId": "",
            "lastSuccessfulSignInDateTime": "",
            "lastSuccessfulSignInRequestId": "",
        },
    })
}

/// "List sponsors": a user, and a group without a name.
fn sponsors() -> Value {
    json!({
        "@odata.context": metadata("directoryObjects"),
        "value": [
            {
                "@odata.type": "#microsoft.graph.user",
                "id": SARA,
                "displayName": "Sara Davis",
                "jobTitle": "Finance VP",
                "mail": "SaraD@contoso.com",
                "userPrincipalName": "SaraD@contoso.com",
            },
            {
                "@odata.type": "#microsoft.graph.group",
                "id": SPONSORS,
                "mail": "groupforsponsors@contoso.com",
                "mailEnabled": true,
                "mailNickname": "groupforsponsors",
                "securityEnabled": true,
            },
        ],
    })
}

/// The sponsors in it, once Sara was looked up.
fn their_sponsors() -> Vec<Sponsor> {
    let sara = Sponsor {
        id: SponsorId(SARA),
        kind: SponsorKind::User,
        display_name: Some("Sara Davis".to_owned()),
        mail: Some("SaraD@contoso.com".to_owned()),
        enabled: Some(true),
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    };
    let group = Sponsor {
        id: SponsorId(SPONSORS),
        kind: SponsorKind::Group,
        display_name: None,
        mail: Some("groupforsponsors@contoso.com".to_owned()),
        enabled: Some(true),
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    };
    vec![group, sara]
}

/// Sara as `/users` lists her.
fn sara() -> Value {
    let mut row = sponsors()["value"][0].clone();
    row["accountEnabled"] = json!(true);
    row["userType"] = json!("Member");
    row
}

/// Of users.
fn listing(rows: &[Value]) -> ResponseTemplate {
    ok(
        &json!({ "@odata.context": metadata("users(id)"), "@odata.count": rows.len(), "value": rows }),
    )
}

#[tokio::test]
async fn users_with_sign_in_activity() {
    let tenant = Tenant::start().await;
    // As an old observation has it of a user that was deleted.
    let stale =
        json!({ "id": SARA, "signInActivity": { "lastSignInDateTime": "2021-06-17T16:41:33Z" } });
    tenant
        .answers("GET", "/users", [listing(&[adele(), stale])])
        .await;
    let mut read = all(tenant.reader().guests()).await.expect("a page");
    let read = read.remove(0);
    assert_eq!(read.unreadable, [GuestId(SARA)]);
    let [adele] = read.guests.as_slice() else {
        panic!("{read:?}");
    };
    let interactive = Some("2021-06-17T16:41:33Z".parse().expect("a time"));
    let sign_ins = SignIns {
        interactive,
        ..SignIns::default()
    };
    assert_eq!(adele.sign_ins, sign_ins);
    assert_eq!((adele.enabled, adele.created), (Some(true), None));
    assert_eq!((&adele.mail, &adele.company), (&None, &None));
    assert_eq!(adele.invitation, Invitation::None);
    assert_eq!(adele.on_premises_sync, None);
}

#[tokio::test]
async fn sponsors_that_are_expanded() {
    let tenant = Tenant::start().await;
    let row = json!({ "id": ADELE, "sponsors": sponsors()["value"] });
    tenant
        .answers("GET", "/users", [listing(&[row]), listing(&[sara()])])
        .await;
    let read = all(tenant.reader().sponsors(7)).await.expect("a page");
    let mut told = read[0].sponsors.clone();
    told.sort_by_key(|sponsor| sponsor.id);
    assert_eq!(told, their_sponsors());
    let ids = told.iter().map(|sponsor| sponsor.id).collect();
    assert_eq!(read[0].guests, [(GuestId(ADELE), ids)]);
}

/// "JSON batching": the parts in any order, headers written in any case, one of them throttled.
#[tokio::test]
async fn a_batch_of_which_a_part_is_throttled() {
    let member_of = json!({
        "id": "1",
        "status": 200,
        "headers": { "Cache-Control": "no-cache", "x-ms-resource-unit": "1", "OData-Version": "4.0" },
        "body": {
            "@odata.context": metadata("directoryObjects"),
            "value": [
                { "@odata.type": "#microsoft.graph.group", "id": SPONSORS, "displayName": "All Users", "mailEnabled": false, "securityEnabled": true },
                {
                    "@odata.type": "#microsoft.graph.directoryRole",
                    "id": "21004afc-7bb2-4fe6-a1e1-074ebd3e52c1",
                    "deletedDateTime": null,
                    "description": "Can manage all aspects of users and groups, including resetting passwords for limited admins.",
                    "displayName": "User Administrator",
                    "roleTemplateId": "fe930be7-5e62-47db-91af-98c3a49a38b1",
                },
                // "Limited information": what may not be read comes with its type and id alone.
                { "@odata.type": "#microsoft.graph.administrativeUnit", "id": ADELE, "displayName": null },
            ],
        },
    });
    let throttled =
        json!({ "id": "0", "status": 429, "headers": { "Retry-After": "0" }, "body": throttled() });
    let later = json!({ "id": "0", "status": 200, "headers": {}, "body": sponsors() });
    // An older page has 424 for the whole.
    for status in [200, 424] {
        let tenant = Tenant::start().await;
        tenant
            .answers("GET", "/users", [listing(&[adele()]), listing(&[sara()])])
            .await;
        let first = json!({ "responses": [member_of, throttled] });
        let first = ResponseTemplate::new(status).set_body_json(first);
        let second = ok(&json!({ "responses": [later] }));
        tenant.answers("POST", "/$batch", [first, second]).await;
        let looks = tenant
            .reader()
            .reread(&[GuestId(ADELE)], Depth::Whole)
            .await;
        let looks = looks.expect("a look");
        let [
            Reread::Present {
                sponsors,
                groups,
                roles,
                ..
            },
        ] = looks.as_slice()
        else {
            panic!("{looks:?}");
        };
        assert_eq!(*sponsors, their_sponsors());
        assert_eq!(*groups, [GroupId(SPONSORS)]);
        assert_eq!(*roles, ["User Administrator"]);
    }
}

/// "Delete user" and "Get deleted item": a user that is gone from one place and found in the other.
#[tokio::test]
async fn a_deleted_user() {
    let tenant = Tenant::start().await;
    tenant.answers("GET", "/users", [listing(&[])]).await;
    let deleted = json!({
        "@odata.context": metadata("directoryObjects/$entity"),
        "@odata.type": "#microsoft.graph.user",
        "id": ADELE,
        "businessPhones": [],
        "displayName": "Adele Vance",
        "mail": null,
        "userPrincipalName": format!("{}AdeleV_fabrikam.com#EXT#@contoso.com", ADELE.simple()),
        "deletedDateTime": "2021-06-17T16:41:33.1234567Z",
    });
    let path = format!("/directory/deletedItems/{ADELE}");
    tenant.answers("GET", &path, [ok(&deleted)]).await;
    tenant
        .answers("POST", &format!("{path}/restore"), [ok(&deleted)])
        .await;
    let looks = tenant
        .reader()
        .reread(&[GuestId(ADELE)], Depth::Whole)
        .await;
    assert_eq!(looks.expect("a look"), [Reread::Deleted(GuestId(ADELE))]);
    let restored = tenant.writer().restore(GuestId(ADELE)).await;
    restored.expect("it is restored");
}

/// "List roleAssignments" has a property that the types lack; "List members" leaves out what was not selected.
#[tokio::test]
async fn assignments_of_roles_and_members() {
    let tenant = Tenant::start().await;
    let assignments = json!({
        "@odata.context": metadata("roleManagement/directory/roleAssignments"),
        "value": [{
            "id": "lAPpYvVpN0KRkAEhdxReEHJ1hPGqSKpHlqMuxhkE9B8-1",
            "principalId": SARA,
            "resourceScope": "/",
            "directoryScopeId": "/",
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
        }],
    });
    let groups = json!({ "@odata.context": metadata("groups"), "value": [{
        "id": SPONSORS, "displayName": "Admins", "groupTypes": [], "onPremisesSyncEnabled": null,
        "mailEnabled": false, "isAssignableToRole": true, "visibility": null,
    }] });
    let members = json!({ "@odata.context": metadata("directoryObjects"), "value": [
        { "@odata.type": "#microsoft.graph.user", "id": ADELE, "mail": "user1@contoso.com" },
        { "@odata.type": "#microsoft.graph.servicePrincipal", "id": SPONSORS },
    ] });
    let path = "/roleManagement/directory/roleAssignments";
    tenant.answers("GET", path, [ok(&assignments)]).await;
    tenant.answers("GET", "/groups", [ok(&groups)]).await;
    let below = |relation| format!("/groups/{SPONSORS}/{relation}");
    tenant
        .answers("GET", &below("members"), [ok(&members)])
        .await;
    tenant
        .answers("GET", &below("owners"), [ok(&json!({ "value": [] }))])
        .await;
    let holders = tenant.reader().role_holders().await.expect("the holders");
    let expected = [
        (ADELE, "of the role-assignable group Admins"),
        (SARA, "Global Administrator"),
    ];
    assert_eq!(
        holders,
        expected.map(|(id, role)| (GuestId(id), role.to_owned()))
    );
}

/// "Get organization".
#[tokio::test]
async fn the_organization() {
    let tenant = Tenant::start().await;
    let plan = json!({
        "assignedDateTime": "2024-01-01T00:00:00Z",
        "capabilityStatus": "Enabled",
        "service": "AADPremiumService",
        "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
    });
    let body = json!({ "@odata.context": metadata("organization"), "value": [{
        "id": SPONSORS, "displayName": "Contoso", "tenantType": "AAD", "assignedPlans": [plan],
        "verifiedDomains": [{ "name": "contoso.com", "isDefault": true, "isInitial": false, "type": "Managed", "capabilities": "Email" }],
    }] });
    tenant.answers("GET", "/organization", [ok(&body)]).await;
    let expected = Organization {
        id: TenantId(SPONSORS),
        display_name: Some("Contoso".to_owned()),
        premium: Some(true),
        governance: Some(false),
    };
    let read = tenant.reader().organization().await.expect("it is told");
    assert_eq!(read, expected);
}

/// "Users, $count": a plain text.
#[tokio::test]
async fn the_number_of_users() {
    for body in ["893", "\u{feff}893"] {
        let tenant = Tenant::start().await;
        let answers = [text(200, body)];
        tenant.answers("GET", "/users/$count", answers).await;
        assert_eq!(tenant.reader().guest_count().await.expect("a number"), 893);
    }
}

/// The token itself, with what comes along.
#[tokio::test]
async fn a_token() {
    let tenant = Tenant::locked().await;
    let token = json!({
        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
        "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.sig",
    });
    tenant.issues([ok(&token)]).await;
    let roles = tenant.graph().roles().await.expect("they are told");
    assert!(roles.is_empty(), "a token is issued to who may do nothing");
}

/// "Update user", "Delete user", "Remove member", "sendMail": done without a word.
#[tokio::test]
async fn writes_that_are_done() {
    let tenant = Tenant::start().await;
    let (ann, group) = (guest_id("ann"), GroupId(SPONSORS));
    let done = |status| [text(status, "")];
    let user = format!("/users/{ann}");
    let member = format!("/groups/{group}/members/{ann}/$ref");
    // Some tenants answer 200 to a PATCH.
    let patched = [text(204, ""), ok(&json!({}))];
    tenant.answers("PATCH", &user, patched).await;
    tenant.answers("DELETE", &user, done(204)).await;
    tenant.answers("DELETE", &member, done(204)).await;
    let writer = tenant.writer();
    for outcome in [
        writer.disable(ann).await,
        writer.enable(ann).await,
        writer.delete(ann).await,
        writer.remove_from_group(group, ann).await,
    ] {
        outcome.expect("it is done");
    }
}
