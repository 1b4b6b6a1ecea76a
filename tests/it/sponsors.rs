//! The sponsor chain: who is written to where the sponsor is missing or unfit, and who becomes the new sponsor.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

const POLICY: &str = r#"
[[rule]]
name = "review"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "add-sponsor", wait = "1d" },
]

[sponsors]
write_back = true
"#;

async fn person(tenant: &Tenant, name: &str, more: Value) -> String {
    let mut body = json!({ "mail": format!("{name}@contoso.example"), "user_type": "Member", "display_name": name });
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let added = tenant.post("users", body).await;
    added["id"].as_str().expect("an id").to_owned()
}

async fn patch(tenant: &Tenant, user: &str, body: Value) {
    let path = format!("users/{user}");
    tenant.control(Method::PATCH, &path, Some(body)).await;
}

/// The link, the person and the finding of each hop that `explain` shows.
async fn hops(tenant: &Tenant, guest: &str) -> Vec<String> {
    let explained = tenant.json(&["explain", guest]).await;
    let hops = explained["chains"][0]["hops"].as_array().expect("hops");
    let told = |hop: &Value| {
        let of = |key: &str| hop[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", of("link"), of("name"), of("finding"))
    };
    hops.iter().map(told).collect()
}

async fn databases() -> Vec<String> {
    vec![
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

#[tokio::test]
async fn when_the_sponsor_has_left_the_manager_is_written_to_and_becomes_the_sponsor_until_undone()
{
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        let mona = person(&tenant, "mona", json!({})).await;
        let sara = person(&tenant, "sara", json!({ "manager": mona })).await;
        let ann = tenant.add_guest("ann", 5).await;
        patch(&tenant, &ann, json!({ "sponsors": [sara] })).await;
        tenant.write("policy.toml", POLICY);
        tenant.apply().await;
        assert_eq!(hops(&tenant, &ann).await, ["sponsor sara chosen"]);

        patch(&tenant, &sara, json!({ "deleted": true })).await;
        tenant.pass_days(90).await;
        tenant.apply().await;
        let expected = ["sponsor sara deleted", "manager mona chosen"];
        assert_eq!(hops(&tenant, &ann).await, expected);
        let mail = tenant.get("outbox").await[0].to_string();
        assert!(mail.contains("mona@contoso.example"), "{mail}");
        assert!(!mail.contains("operators@contoso.example\""), "{mail}");

        let evidence = tenant.run(&["report", "guest", &ann]).await;
        let evidence = shown(&evidence);
        assert!(evidence.contains("chain-followed"), "{evidence}");
        assert!(evidence.contains(&mona), "{evidence}");
        let journal = shown(&tenant.run(&["journal", "export"]).await);
        let chained = journal.lines().find(|line| line.contains("chain-followed"));
        let chained = chained.expect("it is in the journal");
        assert!(
            !chained.contains("mona") && !chained.contains('@'),
            "{chained}"
        );

        tenant.pass_days(1).await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail", "add-sponsor"]);
        tenant.apply().await;
        assert_eq!(tenant.writes().await.len(), 2, "a second run adds nothing");
        let mut told = hops(&tenant, &ann).await;
        told.sort();
        assert_eq!(told, ["sponsor mona chosen", "sponsor sara deleted"]);

        let undo = [
            "undo",
            &ann,
            "--reason",
            "a mistake",
            "--by",
            "olga",
            "--yes",
        ];
        let output = tenant.run(&undo).await;
        assert!(output.status.success(), "{}", shown(&output));
        let writes = tenant.writes().await;
        assert_eq!(writes, ["send-mail", "add-sponsor", "remove-sponsor"]);
    }
}

#[tokio::test]
async fn an_inviter_answers_long_after_the_audit_log_has_forgotten_who_it_was() {
    let tenant = Tenant::empty().await;
    let ivo = person(&tenant, "ivo", json!({})).await;
    let ann = tenant.add_guest("ann", 5).await;
    patch(&tenant, &ann, json!({ "invited_by": ivo })).await;
    let policy = POLICY.replace(
        "write_back = true",
        "write_back = true\nchain = [\"sponsor\", \"inviter\"]",
    );
    tenant.write("policy.toml", &policy);
    tenant.apply().await;
    tenant.pass_days(100).await;
    tenant.apply().await;
    assert_eq!(
        hops(&tenant, &ann).await,
        ["sponsor - nobody", "inviter ivo chosen"]
    );
    let mail = tenant.get("outbox").await[0].to_string();
    assert!(mail.contains("ivo@contoso.example"), "{mail}");
    let explained = tenant.json(&["explain", &ann]).await.to_string();
    let fact = explained.find("\"invited_by\"").expect("the fact");
    assert!(explained[fact..].contains(&ivo), "{explained}");
}

#[tokio::test]
async fn without_the_audit_log_the_inviter_is_not_known_and_the_steward_answers() {
    let tenant = Tenant::empty().await;
    let ivo = person(&tenant, "ivo", json!({})).await;
    let ann = tenant.add_guest("ann", 5).await;
    patch(&tenant, &ann, json!({ "invited_by": ivo })).await;
    tenant
        .post(
            "faults",
            json!({ "kind": "server_error", "status": 403, "path": "/auditLogs/directoryAudits" }),
        )
        .await;
    let steward =
        "\n[[steward]]\ndomains = [\"partner.example\"]\nto = [\"steward@contoso.example\"]\n";
    tenant.write("policy.toml", &format!("{POLICY}{steward}"));
    // While the log still has it.
    tenant.apply().await;
    tenant.pass_days(90).await;
    tenant.apply().await;
    assert_eq!(
        hops(&tenant, &ann).await,
        [
            "sponsor - nobody",
            "manager - nobody",
            "project-owner - nobody",
            "inviter - not-read",
            "steward steward@contoso.example chosen",
        ]
    );
    let mail = tenant.get("outbox").await[0].to_string();
    assert!(mail.contains("steward@contoso.example"), "{mail}");
    // What is an address is no user: nobody is made a sponsor.
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test]
async fn a_sponsor_who_was_deleted_counts_and_one_who_was_taken_off_does_not() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        let policy = include_str!("../../config/policies/departed-sponsors.toml");
        tenant.write("policy.toml", policy);
        let mut guests = Vec::new();
        let mut sponsors = Vec::new();
        for (guest, sponsor) in [("ann", "sara"), ("ben", "carl")] {
            let sponsor = person(&tenant, sponsor, json!({})).await;
            let guest = tenant.add_guest(guest, 1).await;
            patch(&tenant, &guest, json!({ "sponsors": [sponsor] })).await;
            guests.push(guest);
            sponsors.push(sponsor);
        }
        let deleted = async |guest: &String| {
            let explained = tenant.json(&["explain", guest]).await;
            let facts = explained["facts"].as_array().expect("facts");
            let fact = facts.iter().find(|fact| fact["fact"] == "deleted_sponsors");
            fact.expect("the fact")["value"].clone()
        };
        tenant.apply().await;
        assert_eq!(deleted(&guests[0]).await, "0");
        patch(&tenant, &sponsors[0], json!({ "deleted": true })).await;
        patch(&tenant, &guests[1], json!({ "sponsors": [] })).await;
        tenant.apply().await;
        let told = [deleted(&guests[0]).await, deleted(&guests[1]).await];
        assert_eq!(told, ["1", "0"]);
        let mails = tenant.get("outbox").await;
        assert_eq!(mails.as_array().map(Vec::len), Some(1), "{mails}");
        assert!(mails[0].to_string().contains("ann@partner"), "{mails}");
    }
}

#[tokio::test]
async fn while_a_link_of_the_chain_cannot_be_read_nobody_after_it_becomes_the_sponsor() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        let ivo = person(&tenant, "ivo", json!({})).await;
        let stella = person(&tenant, "stella", json!({})).await;
        let ann = tenant.add_guest("ann", 100).await;
        patch(&tenant, &ann, json!({ "invited_by": ivo })).await;
        let refused =
            json!({ "kind": "server_error", "status": 403, "path": "/auditLogs/directoryAudits" });
        tenant.post("faults", refused).await;
        let steward =
            format!("\n[[steward]]\ndomains = [\"partner.example\"]\nto = [\"{stella}\"]\n");
        tenant.write("policy.toml", &format!("{POLICY}{steward}"));
        tenant.apply().await;
        let mail = tenant.get("outbox").await[0].to_string();
        assert!(mail.contains("stella@contoso.example"), "{mail}");
        tenant.pass_days(1).await;
        let plan = tenant.json(&["plan"]).await;
        let verdict = plan["verdicts"][0]["verdict"].as_str();
        assert_ne!(verdict, Some("act"), "{plan:#}");
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail"]);
        let why = "who should become the sponsor is not known (inviter: not known: not read)";
        let explained = shown(&tenant.run(&["explain", &ann]).await);
        assert!(explained.contains(why), "{explained}");
        let explained = tenant.json(&["explain", &ann]).await;
        assert_eq!(explained["verdict"], "unknown");

        tenant.control(Method::DELETE, "faults", None).await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail", "add-sponsor"]);
        let sponsors = tenant.get(&format!("truth/{ann}")).await["sponsors"].to_string();
        assert!(sponsors.contains(&ivo), "{sponsors}");
    }
}

#[tokio::test]
async fn whom_the_audit_log_has_no_record_of_keeps_nobody_from_becoming_the_sponsor() {
    let tenant = Tenant::empty().await;
    let stella = person(&tenant, "stella", json!({})).await;
    let ann = tenant.add_guest("ann", 100).await;
    let steward = format!("\n[[steward]]\ndomains = [\"partner.example\"]\nto = [\"{stella}\"]\n");
    tenant.write("policy.toml", &format!("{POLICY}{steward}"));
    tenant.apply().await;
    assert_eq!(
        hops(&tenant, &ann).await[3..],
        ["inviter - not-recorded", "steward stella chosen"]
    );
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "add-sponsor"]);
}

#[tokio::test]
async fn a_sponsor_has_to_be_in_the_group_and_a_nested_one_will_do() {
    let tenant = Tenant::empty().await;
    let nora = person(&tenant, "nora", json!({})).await;
    let sara = person(&tenant, "sara", json!({})).await;
    tenant
        .post("groups", json!({ "name": "inner", "members": [nora] }))
        .await;
    tenant
        .post("groups", json!({ "name": "hosts", "groups": ["inner"] }))
        .await;
    let ann = tenant.add_guest("ann", 100).await;
    patch(&tenant, &ann, json!({ "sponsors": [sara, nora] })).await;
    let policy = format!("{POLICY}group = \"hosts\"\n");
    tenant.write("policy.toml", &policy);
    tenant.apply().await;
    let mut told = hops(&tenant, &ann).await;
    told.sort();
    assert_eq!(told, ["sponsor nora chosen", "sponsor sara not-in-group"]);
    let mail = tenant.get("outbox").await[0].to_string();
    assert!(mail.contains("nora@contoso.example"), "{mail}");
    assert!(!mail.contains("sara@contoso.example"), "{mail}");
    tenant.write("policy.toml", &policy.replace("hosts", "nowhere"));
    tenant.run(&["plan"]).await;
    let told = hops(&tenant, &ann).await;
    assert!(told[0].ends_with("group-unknown"), "{told:?}");
}

#[tokio::test]
async fn a_notice_to_the_manager_goes_to_the_guests_own_first() {
    let tenant = Tenant::empty().await;
    let mona = person(&tenant, "mona", json!({})).await;
    let sara = person(&tenant, "sara", json!({ "manager": mona })).await;
    let gert = person(&tenant, "gert", json!({})).await;
    let ann = tenant.add_guest("ann", 100).await;
    let ben = tenant.add_guest("ben", 100).await;
    patch(
        &tenant,
        &ann,
        json!({ "sponsors": [sara], "manager": gert }),
    )
    .await;
    patch(&tenant, &ben, json!({ "sponsors": [sara] })).await;
    let policy = POLICY.replace("\"notify\"", "\"notify\", to = [\"manager\"]");
    tenant.write("policy.toml", &policy);
    tenant.apply().await;
    let outbox = tenant.get("outbox").await;
    let mails: Vec<String> = outbox
        .as_array()
        .expect("mails")
        .iter()
        .map(Value::to_string)
        .collect();
    let to = |guest: &str, to: &str| {
        mails
            .iter()
            .any(|mail| mail.contains(guest) && mail.contains(to))
    };
    assert!(to("ann@partner", "gert@contoso.example"), "{mails:?}");
    assert!(to("ben@partner", "mona@contoso.example"), "{mails:?}");
}

#[tokio::test]
async fn where_sponsors_are_not_listed_along_with_the_guests_each_guest_is_asked_for_its_own() {
    let mut tenant = Tenant::with(60, "sqlite://innkeeper.db".to_owned()).await;
    let sponsorless = r#"
[[rule]]
name = "sponsorless"
when = 'guest.sponsor_count == 0'
stages = [{ action = "flag" }]
"#;
    tenant.write("policy.toml", sponsorless);
    let verdicts = async |tenant: &Tenant| {
        let plan = tenant.json(&["plan"]).await;
        let health = &plan["observation"]["health"];
        assert_eq!(health["healthy"], true, "{health}");
        plan["verdicts"].clone()
    };
    let listed = verdicts(&tenant).await;
    let all = listed.as_array().expect("verdicts");
    for word in ["act", "keep"] {
        let is_there = all.iter().any(|of| of["verdict"] == word);
        assert!(is_there, "{word}: {listed}");
    }
    for kind in ["expand_refused", "expand_ignored"] {
        tenant.post("faults", json!({ "kind": kind })).await;
        tenant.move_to(format!("sqlite://{kind}.db")).await;
        assert_eq!(verdicts(&tenant).await, listed, "{kind}");
        let faults = tenant.get("faults").await;
        let hits = faults[0]["hits"].as_u64();
        assert!(hits.is_some_and(|hits| hits > 0), "{faults}");
        tenant.control(Method::DELETE, "faults", None).await;
    }
}
