//! Links in notices: who gets one, what the pages behind them say and refuse, and what an answer comes to.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::tenant::{POLICY, Tenant, shown};

const KEY: &str = "rP0mZkq2Jt6Yv8cX1nB4sD7gH3kL5wQ9eR2tU6iO0pA=";
const NEXT: &str = "Zz1Xx2Cc3Vv4Bb5Nn6Mm7Aa8Ss9Dd0Ff1Gg2Hh3Jj4K=";
const PUBLIC: &str = "https://guests.contoso.example/a/";

const BY: [&str; 4] = [
    "--reason",
    "stays for phase two",
    "--by",
    "sara@contoso.example",
];

/// A tenant with links, a guest who is inactive, and two sponsors of it.
struct Place {
    tenant: Tenant,
    guest: String,
    sara: String,
}

impl Place {
    async fn on(database: String) -> Self {
        Self::among(0, database).await
    }

    /// The same among so many others.
    async fn among(guests: usize, database: String) -> Self {
        let tenant = Tenant::with(guests, database).await;
        tenant.write("answer-keys", KEY);
        let answers = format!(
            "\n[answers]\npublic_url = \"{PUBLIC}\"\nlisten = \"127.0.0.1:0\"\nkey_file = \"answer-keys\"\n"
        );
        tenant.configure(|config| config + &answers).await;
        let sara = member(&tenant, "sara").await;
        let sven = member(&tenant, "sven").await;
        let guest = tenant.add_guest("ann", 100).await;
        change(
            &tenant,
            &guest,
            json!({ "sponsors": [sara, sven], "display_name": "<b>Ann</b> & co" }),
        )
        .await;
        tenant.add_guest("active", 1).await;
        Self {
            tenant,
            guest,
            sara,
        }
    }

    async fn new() -> Self {
        Self::on("sqlite://innkeeper.db".to_owned()).await
    }

    /// Starts the daemon, whose first cycle sends the notices; and where it takes answers.
    fn open(&self) -> (Daemon, String) {
        let daemon = Daemon::start(&self.tenant);
        let listening = daemon.wait_for("answers are taken");
        let address = listening["fields"]["listen"].as_str().expect("an address");
        let address = format!("http://{address}/answer/");
        daemon.wait_for("the next cycle is scheduled");
        (daemon, address)
    }

    /// The token in the newest mail to somebody.
    async fn token(&self, to: &str) -> String {
        let mail = self.mail(to).await;
        let (_, rest) = mail.split_once(PUBLIC).expect("a link");
        let token = rest.strip_prefix("answer/").expect("its path");
        let end = token.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
        token[..end.unwrap_or(token.len())].to_owned()
    }

    async fn mail(&self, to: &str) -> String {
        let outbox = self.tenant.get("outbox").await;
        let mails = outbox.as_array().expect("a list").iter().rev();
        let mut to_them = mails.filter(|mail| mail["to"] == json!([to]));
        let mail = to_them
            .next()
            .unwrap_or_else(|| panic!("no mail to {to}: {outbox:#}"));
        mail["body"].as_str().expect("a text").to_owned()
    }

    async fn attestations(&self) -> Value {
        self.tenant.json(&["guests", "attestations"]).await
    }
}

async fn member(tenant: &Tenant, name: &str) -> String {
    let member = json!({
        "mail": format!("{name}@contoso.example"),
        "upn": format!("{name}@contoso.example"),
        "user_type": "Member",
        "external_state": null,
        "external_state_changed": null,
        "creation_type": null,
    });
    tenant.post("users", member).await["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn change(tenant: &Tenant, user: &str, body: Value) {
    let path = format!("users/{user}");
    tenant.control(Method::PATCH, &path, Some(body)).await;
}

#[expect(clippy::disallowed_methods, reason = "the daemon's own pages")]
async fn request(
    method: Method,
    url: &str,
    body: &str,
) -> (u16, reqwest::header::HeaderMap, String) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let answer = client
        .request(method, url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned())
        .send()
        .await
        .expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.text().await.expect("a body"))
}

async fn get(url: &str) -> (u16, String) {
    let (status, _, page) = request(Method::GET, url, "").await;
    (status, page)
}

async fn post(url: &str, body: &str) -> (u16, String) {
    let (status, _, page) = request(Method::POST, url, body).await;
    (status, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sponsor_who_opens_the_link_and_says_keep_keeps_the_guest_on_both_databases() {
    for database in [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ] {
        let place = Place::on(database).await;
        let (daemon, address) = place.open();
        // Each sponsor has a mail of its own, with a link of its own.
        assert_eq!(place.tenant.writes().await, ["send-mail", "send-mail"]);
        let token = place.token("sara@contoso.example").await;
        assert_ne!(token, place.token("sven@contoso.example").await);
        let url = format!("{address}{token}");

        // Opening changes nothing, however often.
        for _ in 0..3 {
            let (status, headers, page) = request(Method::GET, &url, "").await;
            assert_eq!(status, 200, "{page}");
            assert!(page.contains("&lt;b&gt;Ann&lt;/b&gt; &amp; co"), "{page}");
            assert!(page.contains("partner.example"), "{page}");
            assert!(page.contains("2026-09-26"), "the last sign-in: {page}");
            assert!(
                page.contains("the account is disabled on 2027-01-18"),
                "{page}"
            );
            assert!(page.contains("It is still needed"), "{page}");
            let security = headers["content-security-policy"].to_str().expect("text");
            assert!(security.contains("default-src 'none'"), "{security}");
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert_eq!(headers["x-frame-options"], "DENY");
            assert!(!headers.contains_key("set-cookie"));
        }
        assert_eq!(place.attestations().await, json!([]));

        let (status, page) = post(&url, "reason=phase+two%0Abegins&answer=keep").await;
        assert_eq!(status, 200, "{page}");
        assert!(
            page.contains("With your answer the account stays"),
            "{page}"
        );
        let said = place.attestations().await;
        assert_eq!(said.as_array().map(Vec::len), Some(1), "{said:#}");
        assert_eq!(said[0]["answer"], "keep");
        assert_eq!(said[0]["means"], "link");
        assert_eq!(said[0]["sponsor"], place.sara.as_str());
        assert_eq!(said[0]["word"]["by"], "sara@contoso.example");
        assert_eq!(said[0]["word"]["reason"], "phase two begins");
        assert_eq!(said[0]["counts"], true);

        // Whatever follows, the guest stays; and the case is closed in the ordinary way. Sara is told once what was said
        // in her name.
        for _ in 0..3 {
            place.tenant.pass_days(7).await;
            daemon.wait_for("the next cycle is scheduled");
        }
        assert_eq!(place.tenant.writes().await, ["send-mail"; 3]);
        let mail = place.mail("sara@contoso.example").await;
        assert!(mail.contains("said in your name"), "{mail}");
        assert!(mail.contains("is still needed:"), "{mail}");
        assert!(!mail.contains(PUBLIC), "{mail}");
        let ann = place.tenant.json(&["explain", &place.guest]).await;
        assert_eq!(ann["verdict"], "keep", "{ann:#}");
        let (status, page) = get(&url).await;
        assert_eq!(status, 410, "{page}");
        let intact = place.tenant.run(&["journal", "verify"]).await;
        assert!(intact.status.success(), "{}", shown(&intact));
        assert!(daemon.stop("TERM").success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_made_up_altered_or_called_back_tell_nothing_and_change_nothing() {
    let place = Place::new().await;
    let (daemon, address) = place.open();
    let token = place.token("sara@contoso.example").await;
    let mut altered = token.clone();
    altered.replace_range(30..31, if &token[30..31] == "A" { "B" } else { "A" });
    for token in [altered.as_str(), "x", "%2e%2e", &"A".repeat(2_000)] {
        for (status, page) in [
            get(&format!("{address}{token}")).await,
            post(&format!("{address}{token}"), "answer=keep").await,
        ] {
            assert_eq!(status, 404, "{page}");
            assert!(!page.contains("Ann"), "{page}");
        }
    }
    let url = format!("{address}{token}");
    assert_eq!(post(&url, "answer=perhaps").await.0, 400);
    assert_eq!(post(&url, "").await.0, 400);
    let long = format!("answer=keep&reason={}", "x".repeat(10_000));
    assert_eq!(post(&url, &long).await.0, 413);
    let (status, headers, _) = request(Method::PUT, &url, "answer=keep").await;
    assert_eq!(status, 405);
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(get(&address.replace("/answer/", "/healthz")).await.0, 404);

    // The key before the newest is good for a while; then it is not.
    place
        .tenant
        .write("answer-keys", &format!("{NEXT}\n{KEY}\n"));
    assert_eq!(get(&url).await.0, 200);
    place.tenant.write("answer-keys", NEXT);
    assert_eq!(get(&url).await.0, 404);
    assert_eq!(post(&url, "answer=keep").await.0, 404);
    fs::remove_file(place.tenant.path("answer-keys")).expect("it was there");
    assert_eq!(get(&url).await.0, 503);
    assert_eq!(place.attestations().await, json!([]));
    // What went wrong is in the log, and neither links nor people are.
    let log = daemon.stop_and_tell();
    assert!(log.contains("an answer could not be taken"), "{log}");
    for secret in [&token[..20], "sara@", "Ann", KEY, "partner.example"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_only_while_its_recipient_answers_for_the_guest_and_for_thirty_days() {
    let place = Place::new().await;
    place.tenant.write(
        "policy.toml",
        &POLICY.replace("wait = \"14d\"", "wait = \"60d\""),
    );
    let (daemon, address) = place.open();
    let url = format!("{address}{}", place.token("sara@contoso.example").await);
    change(&place.tenant, &place.sara, json!({ "enabled": false })).await;
    place.tenant.apply().await;
    let (status, page) = post(&url, "answer=keep").await;
    assert_eq!(status, 403, "{page}");
    assert!(!page.contains("Ann"), "{page}");
    change(&place.tenant, &place.sara, json!({ "enabled": true })).await;
    place.tenant.apply().await;
    assert_eq!(get(&url).await.0, 200);
    place.tenant.pass_days(31).await;
    daemon.wait_for("the next cycle is scheduled");
    let (status, page) = post(&url, "answer=keep").await;
    assert_eq!(status, 410, "{page}");
    assert_eq!(place.attestations().await, json!([]));
    assert!(daemon.stop("TERM").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_brings_no_disabled_account_back_but_a_command_does() {
    let place = Place::new().await;
    let (daemon, address) = place.open();
    let url = format!("{address}{}", place.token("sara@contoso.example").await);
    for _ in 0..2 {
        place.tenant.pass_days(7).await;
        daemon.wait_for("the next cycle is scheduled");
    }
    let disabled = ["send-mail", "send-mail", "disable"];
    assert_eq!(place.tenant.writes().await, disabled);
    let (status, page) = post(&url, "answer=keep").await;
    assert_eq!(status, 409, "{page}");
    assert!(page.contains("operators@contoso.example"), "{page}");
    place.tenant.pass_days(1).await;
    daemon.wait_for("the next cycle is scheduled");
    assert_eq!(place.tenant.writes().await, disabled);
    assert!(daemon.stop("TERM").success());
    let attest = [&["guests", "attest", &place.guest, "--keep"][..], &BY].concat();
    let output = place.tenant.run(&attest).await;
    assert!(output.status.success(), "{}", shown(&output));
    place.tenant.apply().await;
    assert_eq!(
        place.tenant.writes().await.last().map(String::as_str),
        Some("enable")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_arrives_between_the_plan_and_the_act_stops_the_step() {
    for database in [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ] {
        let place = Place::on(database).await;
        for _ in 0..2 {
            place.tenant.apply().await;
            place.tenant.pass_days(7).await;
        }
        let fault = json!({ "kind": "hold", "when": "before", "method": "POST", "path": "/v1.0/$batch", "next": 1 });
        place.tenant.post("faults", fault).await;
        let mut applying = place.tenant.start(&["apply"]);
        let held = place.tenant.get("held?wait=60").await;
        assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
        let attest = [&["guests", "attest", &place.guest][..], &BY].concat();
        let output = place.tenant.run(&attest).await;
        assert!(output.status.success(), "{}", shown(&output));
        place.tenant.control(Method::DELETE, "faults", None).await;
        let ended = applying.wait().expect("it ends");
        assert!(ended.success());
        let ann = place.tenant.json(&["guests", "show", &place.guest]).await;
        assert_eq!(place.tenant.writes().await, ["send-mail", "send-mail"]);
        let skipped = ann["actions"].to_string();
        assert!(
            skipped.contains("disable") && skipped.contains("skipped"),
            "{ann:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_let_go_takes_nothing_by_itself_and_another_sponsor_can_say_otherwise() {
    let place = Place::new().await;
    place.tenant.write(
        "policy.toml",
        &format!(
            "{POLICY}\n[[rule]]\nname = \"let go\"\nwhen = 'guest.let_go'\nstages = [{{ action = \"notify\" }}]\n"
        ),
    );
    let (daemon, address) = place.open();
    let [sara, sven] = [
        place.token("sara@contoso.example").await,
        place.token("sven@contoso.example").await,
    ];
    let (status, page) = post(&format!("{address}{sara}"), "answer=let-go").await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(place.tenant.writes().await.len(), 2);
    // The others hear of it by the rule's notice.
    place.tenant.pass_days(1).await;
    daemon.wait_for("the next cycle is scheduled");
    // Two notices, and that Sara is told what was said in her name.
    assert_eq!(place.tenant.writes().await.len(), 5);
    assert!(place.mail("sven@contoso.example").await.contains("let go"));
    let (status, page) = post(&format!("{address}{sven}"), "answer=keep").await;
    assert_eq!(status, 200, "{page}");
    place.tenant.pass_days(1).await;
    daemon.wait_for("the next cycle is scheduled");
    assert!(daemon.stop("TERM").success());
    let ann = place.tenant.json(&["explain", &place.guest]).await;
    assert_eq!(ann["verdict"], "keep", "{ann:#}");
    assert_eq!(place.tenant.writes().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_about_a_guest_who_cannot_be_judged_can_answer_by_the_link() {
    // Among many guests one that cannot be seen does not make the whole observation doubtful.
    let place = Place::among(200, "sqlite://innkeeper.db".to_owned()).await;
    place.tenant.write(
        "policy.toml",
        "[[rule]]\nname = \"inactive\"\nunknown = \"ask\"\n\
         when = 'guest.mail == \"ann@partner.example\" && guest.inactive_days >= 200'\n\
         stages = [{ action = \"notify\" }, { action = \"disable\", wait = \"14d\" }]\n",
    );
    place.tenant.apply().await;
    let unseen =
        json!({ "last_success": null, "last_interactive": null, "last_non_interactive": null });
    change(&place.tenant, &place.guest, unseen).await;
    let (daemon, address) = place.open();
    assert_eq!(place.tenant.writes().await, ["send-mail"; 2]);
    let mail = place.mail("sara@contoso.example").await;
    assert!(mail.contains("please confirm"), "{mail}");
    let url = format!("{address}{}", place.token("sara@contoso.example").await);
    let (status, page) = post(&url, "answer=keep").await;
    assert_eq!(status, 200, "{page}");
    // Told that she answered, and not asked again.
    for _ in 0..4 {
        place.tenant.pass_days(5).await;
        daemon.wait_for("the next cycle is scheduled");
    }
    assert_eq!(place.tenant.writes().await, ["send-mail"; 3]);
    assert!(daemon.stop("TERM").success());
}

#[tokio::test]
async fn what_was_said_is_listed_and_what_makes_no_sense_is_refused() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let attest = ["guests", "attest", guest.as_str()];
    for (more, says) in [
        (&["--until", "2027-01-03"][..], "is past"),
        (&["--let-go", "--keep"], "cannot be used with"),
        (
            &["--let-go", "--until", "2027-02-01"],
            "cannot be used with",
        ),
    ] {
        let output = tenant.run(&[&attest[..], more, &BY].concat()).await;
        assert!(
            matches!(output.status.code(), Some(64 | 2)),
            "{}",
            shown(&output)
        );
        assert!(shown(&output).contains(says), "{}", shown(&output));
    }
    for more in [&["--let-go"][..], &["--until", "2027-02-01"]] {
        let output = tenant.run(&[&attest[..], more, &BY].concat()).await;
        assert!(output.status.success(), "{}", shown(&output));
    }
    let listed = tenant.json(&["guests", "attestations", &guest]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed:#}");
    assert_eq!(listed[0]["counts"], false);
    assert_eq!(listed[1]["until"], "2027-02-01");
    let table = tenant.run(&["guests", "attestations"]).await;
    assert!(
        shown(&table).contains("stays for phase two"),
        "{}",
        shown(&table)
    );
    let csv = tenant
        .run(&["guests", "attestations", "--output", "csv"])
        .await;
    assert!(
        shown(&csv).contains("guest_id,guest,answer,by"),
        "{}",
        shown(&csv)
    );
    tenant.apply().await;
    let explained = tenant.json(&["explain", &guest]).await;
    assert_eq!(explained["verdict"], "keep");
    // It counts to its last day and no further.
    for _ in 0..5 {
        tenant.pass_days(6).await;
        tenant.apply().await;
    }
    assert_eq!(tenant.json(&["explain", &guest]).await["verdict"], "wait");
    assert_eq!(tenant.writes().await, ["send-mail", "send-mail"]);
}
