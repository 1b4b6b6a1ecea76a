//! What the client asks for and writes, against Graph's own types. Where those are absent a test says so and passes.
//!
//! The other end is made of the types alone: an address leads where they say, and answers with what they declare. What
//! came is judged as it came, so nothing that the client asks for can be forgotten here; and every address that its
//! source names must have been asked for.

mod asked;
mod made;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::app_role::AssignmentId;
use innkeeper_domain::group::Membership;
use innkeeper_domain::guest::Invitation;
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::mark::MarkAttribute;
use innkeeper_domain::snapshot::AppRole;
use innkeeper_domain::sponsor::SponsorKind;
use innkeeper_graph::{Depth, GraphError, Mail, Reread};
use innkeeper_testschema::{SAMPLE_ID, Schema, members};
use serde_json::{Value, json};
use wiremock::Mock;
use wiremock::matchers::path_regex;

use self::asked::Asked;
use self::made::Made;
use crate::tenant::{Tenant, all, guest, guest_id, ok, page, token};

/// What the client asks of a Graph that is made of its types when it does everything that it can do.
async fn asked(schema: &Arc<Schema>, stubborn: bool) -> Vec<Asked> {
    let tenant = Tenant::start().await;
    let made = Made {
        schema: schema.clone(),
        stubborn,
    };
    let mock = Mock::given(path_regex("^/v1.0/")).respond_with(made);
    mock.mount(&tenant.server).await;
    let id: uuid::Uuid = SAMPLE_ID.parse().expect("an id");
    let (guest, nobody) = (GuestId(id), guest_id("nobody"));

    let reader = tenant.reader();
    assert_eq!(reader.guest_count().await.expect("a number"), 7);
    let read = all(reader.guests()).await.expect("the guests");
    assert!(read[0].unreadable.is_empty());
    all(reader.sponsors(7)).await.expect("the sponsors");
    for key in [SAMPLE_ID, "Bridge"] {
        reader.find_group(key).await.expect("an answer");
    }
    let members = all(reader.members(id.into())).await.expect("the members");
    assert_eq!(members.concat(), [guest]);
    assert_eq!(reader.owners(id.into()).await.expect("the owners").len(), 1);
    assert!(!reader.role_holders().await.expect("holders").is_empty());
    all(reader.signed_in_since(chrono::DateTime::UNIX_EPOCH))
        .await
        .expect("the sign-in log");
    let epoch = chrono::DateTime::UNIX_EPOCH;
    all(reader.signed_in_between(epoch, epoch))
        .await
        .expect("a part of the sign-in log");
    reader.newest_sign_in().await.expect("its first entry");
    reader.own_secret_end(epoch).await.expect("its secrets");
    all(reader.invited_since(chrono::DateTime::UNIX_EPOCH))
        .await
        .expect("the audit log");
    reader
        .audited("Disable account", epoch)
        .await
        .expect("the audit log");
    reader.people(&[id.into()]).await.expect("people");
    let gone = reader.gone(&[guest_id("nobody").0.into()]).await;
    assert_eq!(gone.expect("who is gone").len(), 1);
    reader.managers(&[id]).await.expect("managers");
    reader.everybody_in(id.into()).await.expect("members");
    // The types do not say how a round of changes ends.
    reader.users_from_now().await.expect_err("no end");
    reader
        .members_from_now(&[id.into()])
        .await
        .expect_err("no end");
    reader.holdings(&[guest]).await.expect("holdings");
    for eligible in [
        reader.eligible_roles().await,
        reader.eligible_roles_of(&[guest]).await,
    ] {
        assert!(eligible.expect("who may what")[&guest].len() == 1);
    }
    for packages in [
        reader.access_packages().await,
        reader.access_packages_of(&[guest]).await,
    ] {
        assert!(packages.expect("who has what")[&guest].len() == 1);
    }
    let reviews = reader.access_reviews().await.expect("who is reviewed");
    assert!(reviews[&guest].len() == 1);
    let sole = reader.sole_owned(&[guest]).await.expect("what it owns");
    assert_eq!(sole[&guest].len(), 1);
    let nested = all(reader.nested_members(id.into()))
        .await
        .expect("members");
    assert_eq!(nested.concat(), [guest]);
    let groups = [GroupId::from(id)].into();
    let nested = reader.nested_in(&[guest], &groups).await.expect("groups");
    assert_eq!(nested[&guest], [GroupId::from(id)]);
    let sponsors = [
        (id.into(), SponsorKind::User),
        (guest_id("nobody").0.into(), SponsorKind::Group),
    ];
    let inside = reader
        .sponsors_in(&sponsors.into(), id.into())
        .await
        .expect("who is in the group");
    assert!(inside.values().all(|is_in| *is_in) && inside.len() == 2);
    let privileges = reader.privileges_of(&[guest]).await.expect("roles");
    assert!(!privileges[&guest].is_empty(), "{privileges:?}");
    let held = reader.held(&[guest]).await.expect("what it holds");
    assert_eq!(held[&guest].app_roles.len(), 1);
    let names = reader.role_names(&[id]).await.expect("its roles");
    assert_eq!(names[&id].len(), 1, "{names:?}");
    let extensions = reader.extensions(&[guest]).await.expect("attributes");
    assert!(extensions.contains_key(&guest), "{extensions:?}");
    reader.organization().await.expect("the organization");
    let looks = reader
        .reread(&[guest, nobody], Depth::Whole)
        .await
        .expect("a look at each");
    assert!(matches!(looks[0], Reread::Present { .. }), "{looks:?}");
    assert_eq!(matches!(looks[1], Reread::Absent(_)), stubborn);

    let assignment =
        AssignmentId::try_from("41W1zT6z1U-kJxf62svfp1HFE8pMZhxDun-ThPczmJE".to_owned());
    let assignment = assignment.expect("an id");
    let app_role = AppRole {
        resource: id,
        resource_name: None,
        role: id,
    };
    let attribute = MarkAttribute::parse("extensionAttribute7").expect("a name");
    let writer = tenant.writer();
    let mail = Mail {
        to: vec!["sara@contoso.example".to_owned()],
        subject: "A guest".to_owned(),
        text: "Hello.".to_owned(),
    };
    for done in [
        writer.disable(guest).await,
        writer.enable(guest).await,
        writer
            .set_attribute(guest, attribute, Some("leaving"))
            .await,
        writer.set_attribute(guest, attribute, None).await,
        writer.delete(guest).await,
        writer.remove_from_group(id.into(), guest).await,
        writer.remove_app_role(guest, &assignment).await,
        writer.add_app_role(guest, &app_role).await,
        writer.resend_invitation(guest, "ann@partner.example").await,
        writer.add_to_group(id.into(), guest).await,
        writer.add_sponsor(guest, id.into()).await,
        writer.remove_sponsor(guest, id.into()).await,
        writer.set_manager(guest, id.into()).await,
        writer.send_mail(&mail).await,
    ] {
        done.expect("it is done");
    }
    let restored = writer.restore(guest).await;
    assert_eq!(restored.is_ok(), !stubborn, "{restored:?}");
    tenant.asked().await.iter().flat_map(Asked::of).collect()
}

/// The addresses that the source names, for messages, as segments; `None` for an id.
fn named() -> BTreeSet<Vec<Option<String>>> {
    let mut names = BTreeSet::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).expect("a directory");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let text = std::fs::read_to_string(path).expect("source");
        for found in text.split("\"/").skip(1) {
            let (name, _) = found.split_once('"').expect("it ends");
            let (path, _) = name.split_once('?').unwrap_or((name, ""));
            let segment = |part: &str| (!part.starts_with('{')).then(|| part.to_owned());
            // A batch is not of the types, the version no address, and the tokens' address not Graph's.
            if !matches!(path, "" | "$batch")
                && !path.starts_with("v1.0")
                && !path.contains("oauth2")
            {
                names.insert(path.split('/').map(segment).collect());
            }
        }
    }
    names
}

/// Whether a segment is the one of this name, which may hold a key: `applications(appId='{id}')`.
fn is_named(segment: &str, name: &str) -> bool {
    let key_of = |text: &str| text.split_once("='").map(|(key, _)| key.to_owned());
    segment == name || key_of(segment).is_some_and(|key| key_of(name) == Some(key))
}

#[tokio::test]
async fn what_is_asked_for_and_written_is_there() {
    let Some(schema) = Schema::load().map(Arc::new) else {
        return;
    };
    let mut all = Box::pin(asked(&schema, false)).await;
    all.extend(Box::pin(asked(&schema, true)).await);
    for one in &all {
        let faults = one.faults(&schema);
        assert!(faults.is_empty(), "{} {}: {faults:#?}", one.method, one.url);
    }
    let named = named();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        let is = |asked: &Asked| {
            let segments = asked.segments();
            segments.len() == name.len()
                && segments
                    .iter()
                    .zip(&name)
                    .all(|(segment, name)| name.as_ref().is_none_or(|name| is_named(segment, name)))
        };
        assert!(all.iter().any(is), "nobody asked for {name:?}");
    }
}

#[test]
fn what_is_not_there_is_found_out() {
    let Some(schema) = Schema::load() else { return };
    let asked = |method: &str, below: &str, body: Value| Asked {
        method: method.to_owned(),
        url: format!("http://localhost/v1.0{below}")
            .parse()
            .expect("an address"),
        body,
    };
    for (method, below, body) in [
        ("GET", "/guests", Value::Null),
        ("GET", "/users/x/friends", Value::Null),
        ("GET", "/users?$select=id,lastSeen", Value::Null),
        ("GET", "/users?$expand=friends", Value::Null),
        ("GET", "/users?$filter=userType eq 'Visitor'", Value::Null),
        ("GET", "/users?$filter=accountEnabled eq 'yes'", Value::Null),
        ("GET", "/users?$filter=isGuest eq true", Value::Null),
        ("GET", "/users?$top=1000", Value::Null),
        ("GET", "/users?$skip=5", Value::Null),
        ("PATCH", "/users/x", json!({ "enabled": false })),
        ("PATCH", "/users/x", json!({ "accountEnabled": "false" })),
        ("POST", "/users/x/sendMail", json!({ "mail": {} })),
        (
            "POST",
            "/users/x/sendMail",
            json!({ "message": { "body": { "contentType": "rtf" } } }),
        ),
        ("POST", "/users", json!({})),
    ] {
        let faults = asked(method, below, body.clone()).faults(&schema);
        assert_eq!(faults.len(), 1, "{method} {below} {body}: {faults:?}");
    }
}

fn documented(kind: &str, property: &str) -> &'static [&'static str] {
    members(kind, property).expect("its values are documented")
}

#[tokio::test]
async fn every_documented_value_of_a_user_is_told_from_the_others() {
    for property in ["externalUserState", "userType"] {
        let values = documented("user", property);
        let row = |value: &&str| {
            let mut row = guest(value);
            row[property] = json!(value);
            row
        };
        let rows: Vec<Value> = values.iter().map(row).collect();
        let tenant = Tenant::start().await;
        tenant.answers("GET", "/users", [page(&rows, None)]).await;
        let read = all(tenant.reader().guests()).await.expect("a page");
        assert!(read[0].unreadable.is_empty());
        let told: BTreeSet<String> = read[0]
            .guests
            .iter()
            .map(|guest| format!("{:?} {:?}", guest.invitation, guest.user_type))
            .collect();
        assert_eq!(told.len(), values.len(), "{told:?}");
        assert!(
            read[0]
                .guests
                .iter()
                .all(|guest| guest.invitation != Invitation::Unrecognised)
        );
    }
}

#[tokio::test]
async fn every_documented_value_of_a_group_or_a_plan_is_told_from_the_others() {
    let group = GroupId::derived(&[b"bridge"]);
    let row = |types: &[&str], visibility: &str| json!({ "id": group, "displayName": "Bridge", "groupTypes": types, "mailEnabled": true, "visibility": visibility });
    let kinds = documented("group", "groupTypes").iter();
    let kinds = kinds.map(|kind| row(&[kind], "Private"));
    let visibilities = documented("group", "visibility").iter();
    let visibilities = visibilities.map(|visibility| row(&[], visibility));
    let mut told = Vec::new();
    for row in kinds.chain(visibilities) {
        let tenant = Tenant::locked().await;
        // A token that may read nothing that is hidden.
        tenant.issues([token("e30.eyJyb2xlcyI6W119.e30")]).await;
        tenant
            .answers("GET", &format!("/groups/{group}"), [ok(&row)])
            .await;
        told.push(match tenant.reader().find_group(&group.to_string()).await {
            Ok(found) => Some(found.group().expect("it is there").membership),
            Err(GraphError::HiddenMembers { .. }) => None,
            Err(error) => panic!("{error}"),
        });
    }
    let exchange = Some(Membership::Exchange);
    let expected = [
        Some(Membership::Assigned),
        Some(Membership::Dynamic),
        exchange,
        exchange,
        None,
    ];
    assert_eq!(told, expected);

    let mut working = Vec::new();
    for status in documented("assignedPlan", "capabilityStatus") {
        let plan = json!({ "capabilityStatus": status, "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d" });
        let organization = json!({ "id": group, "assignedPlans": [plan] });
        let tenant = Tenant::start().await;
        let answer = page(&[organization], None);
        tenant.answers("GET", "/organization", [answer]).await;
        let read = tenant.reader().organization().await.expect("it is told");
        if read.premium == Some(true) {
            working.push(*status);
        }
    }
    assert_eq!(working, ["Enabled", "Warning"]);
}
