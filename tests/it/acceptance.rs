//! A changed policy that affects many waits for a person.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::tenant::{Tenant, shown};

/// Nobody is inactive for so long.
const MILD: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 9000'
stages = [
  { action = "notify" },
  { action = "disable", wait = "7d" },
]
"#;

const GUESTS: usize = 8;

async fn watched(database: String) -> Tenant {
    let tenant = Tenant::with(0, database).await;
    tenant.write("policy.toml", MILD);
    for number in 0..GUESTS {
        tenant.add_guest(&format!("guest{number}"), 100).await;
    }
    tenant
}

async fn kinds(tenant: &Tenant) -> Vec<Value> {
    let output = tenant.run(&["journal", "export"]).await;
    let text = String::from_utf8(output.stdout).expect("text");
    let entries = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let entries: Vec<Value> = entries.collect();
    let of_policy = |entry: &&Value| entry.to_string().contains("policy-");
    entries.iter().filter(of_policy).cloned().collect()
}

async fn waits_and_is_accepted(database: String) {
    let tenant = watched(database).await;
    tenant.apply().await;
    let status = tenant.json(&["policy", "status"]).await;
    assert_eq!(status[0]["accepted"]["by"], Value::Null, "{status:#}");
    assert_eq!(status[0]["waiting"], Value::Null);
    let mild = status[0]["accepted"]["hash"].clone();

    let harsh = MILD.replace("9000", "90");
    tenant.write("policy.toml", &harsh);
    for _ in 0..2 {
        let plan = tenant.json(&["plan"]).await;
        assert_eq!(plan["policy_waits"]["newly_affected"], GUESTS, "{plan:#}");
        assert_eq!(plan["policy_waits"]["allowed"], 5);
        assert_eq!(plan["policy_hash"], mild, "the accepted one decides");
        tenant.apply().await;
    }
    assert_eq!(tenant.writes().await, Vec::<String>::new());

    // Whoever edits the policy again, or asks for less than a word, accepts nothing.
    let output = tenant.run(&["policy", "accept"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(
        shown(&output).contains("8 guests newly in scope"),
        "{}",
        shown(&output)
    );
    let output = tenant.run(&["policy", "accept", "--yes"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    tenant.apply().await;
    assert_eq!(tenant.writes().await, Vec::<String>::new());

    let word = [
        "policy",
        "accept",
        "--yes",
        "--by",
        "ann",
        "--reason",
        "ticket 4711",
    ];
    let output = tenant.run(&word).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let status = tenant.json(&["policy", "status"]).await;
    assert_eq!(status[0]["accepted"]["by"], "ann");
    assert_eq!(status[0]["accepted"]["reason"], "ticket 4711");
    assert_eq!(status[0]["waiting"], Value::Null);
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["policy_waits"], Value::Null);
    assert_eq!(plan["policy_hash"], status[0]["accepted"]["hash"]);
    tenant.apply().await;
    assert!(
        !tenant.writes().await.is_empty(),
        "the sponsors are written to"
    );

    let entries = kinds(&tenant).await;
    let count = |kind: &str| {
        entries
            .iter()
            .filter(|entry| entry["event"]["kind"] == kind)
            .count()
    };
    assert_eq!(count("policy-waits"), 1, "told once: {entries:#?}");
    assert_eq!(count("policy-accepted"), 2, "{entries:#?}");
    assert!(tenant.run(&["journal", "verify"]).await.status.success());
}

#[tokio::test]
async fn a_policy_that_affects_many_waits_until_a_person_accepts_it_on_sqlite() {
    waits_and_is_accepted("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test]
async fn a_policy_that_affects_many_waits_until_a_person_accepts_it_on_postgres() {
    waits_and_is_accepted(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test]
async fn a_policy_that_affects_few_is_accepted_by_itself_and_the_limit_is_not_the_policys_to_raise()
{
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.apply().await;
    tenant.write("policy.toml", &MILD.replace("9000", "90"));
    tenant
        .configure(|config| config.replace("mode =", "max_newly_affected_percent = 8\nmode ="))
        .await;
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["policy_waits"], Value::Null, "{plan:#}");
    tenant.write(
        "policy.toml",
        &format!("{MILD}\n[limits]\nmax_newly_affected = 1000\n"),
    );
    let output = tenant.run(&["plan"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
}

#[tokio::test]
async fn a_protection_taken_away_waits_although_no_rule_changes() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    let rule = MILD.replace("9000", "90");
    let protected = format!(
        "{rule}\n[[protect]]\nname = \"all\"\nwhen = 'guest.domain != \"nowhere.example\"'\n"
    );
    tenant.write("policy.toml", &protected);
    tenant.apply().await;
    tenant.write("policy.toml", &rule);
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["policy_waits"]["newly_affected"], GUESTS, "{plan:#}");
    tenant.apply().await;
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

/// The policy that begins after so many days, with nobody held up by any limit.
fn after(days: u32) -> String {
    MILD.replace("9000", &days.to_string())
}

async fn waits(tenant: &Tenant) -> Value {
    tenant.json(&["plan"]).await["policy_waits"].clone()
}

async fn affected_so_far(tenant: &Tenant) -> Value {
    let status = tenant.json(&["policy", "status"]).await;
    status[0]["accepted"]["affected_since_a_person"].clone()
}

async fn small_edits_add_up(database: String) {
    let tenant = Tenant::with(0, database).await;
    for number in 0..20 {
        let days = 100 + i64::from(number / 2) * 10;
        tenant.add_guest(&format!("guest{number}"), days).await;
    }
    tenant.write("policy.toml", &after(195));
    tenant.apply().await;
    // Two guests more with each edit, and five may be in all.
    for (days, affected) in [(185, 2), (175, 4)] {
        tenant.write("policy.toml", &after(days));
        assert_eq!(waits(&tenant).await, Value::Null, "{days}");
        assert_eq!(affected_so_far(&tenant).await, affected, "{days}");
    }
    // Nobody new, and the same two once more.
    for same in [
        format!("# why\n{}", after(175)),
        after(175).replace("7d", "6d"),
    ] {
        tenant.write("policy.toml", &same);
        let told = waits(&tenant).await;
        assert_eq!(told, Value::Null, "{same}: {told:#}");
    }
    let so_far = affected_so_far(&tenant).await;
    tenant.write("policy.toml", &after(165));
    let told = waits(&tenant).await;
    assert_eq!(
        (
            &told["newly_affected"],
            &told["affected_before"],
            &told["allowed"]
        ),
        (&json!(2), &so_far, &json!(5)),
        "{told:#}"
    );
    assert_eq!(so_far, 4, "each guest counts once");

    let word = ["policy", "accept", "--yes", "--by", "ann", "--reason", "ok"];
    let output = tenant.run(&word).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert_eq!(affected_so_far(&tenant).await, 0);
    tenant.write("policy.toml", &after(155));
    assert_eq!(waits(&tenant).await, Value::Null);
    assert_eq!(affected_so_far(&tenant).await, 2);
    // A person's word for what decides already begins the count anew.
    let output = tenant.run(&["policy", "accept"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("newly affected 2 guests"));
    assert!(tenant.run(&word).await.status.success());
    assert_eq!(affected_so_far(&tenant).await, 0);
    assert!(tenant.run(&["journal", "verify"]).await.status.success());
}

#[tokio::test]
async fn edits_that_each_affect_few_add_up_to_a_question_to_a_person_on_sqlite() {
    small_edits_add_up("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test]
async fn edits_that_each_affect_few_add_up_to_a_question_to_a_person_on_postgres() {
    small_edits_add_up(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test]
async fn guests_who_drift_into_scope_of_an_unchanged_policy_are_never_asked_about() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.write("policy.toml", &after(105));
    tenant.apply().await;
    for _ in 0..3 {
        tenant.pass_days(3).await;
        assert_eq!(waits(&tenant).await, Value::Null);
    }
    let due = tenant.json(&["guests", "list", "--verdict", "act"]).await;
    assert_eq!(due.as_array().map(Vec::len), Some(GUESTS), "{due:#}");
    assert_eq!(affected_so_far(&tenant).await, 0);
    // Nor does an edit that changes nothing for them.
    tenant.write("policy.toml", &format!("# why\n{}", after(105)));
    assert_eq!(waits(&tenant).await, Value::Null);
}

#[tokio::test]
async fn who_looks_is_shown_what_the_policy_in_force_does_and_told_that_another_waits() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.apply().await;
    tenant.write("policy.toml", &after(90));
    let file = tenant.path("policy.toml");
    let file = file.to_str().expect("a text");
    let status = tenant.json(&["policy", "status"]).await;
    let in_force = status[0]["accepted"]["hash"].clone();

    let forecast = tenant.json(&["forecast", "--days", "30"]).await;
    assert_eq!(forecast["weeks"], json!([]), "{forecast:#}");
    assert_eq!(forecast["policy"]["standing"], "in-force");
    assert_eq!(forecast["policy"]["in_force"], in_force);
    assert_eq!(forecast["policy"]["waiting"]["since"], Value::Null);
    let unseen = tenant.run(&["forecast"]).await;
    assert!(shown(&unseen).contains("which no cycle has weighed yet"));

    tenant.apply().await;
    for command in [
        &["explain", "guest1@partner.example"][..],
        &["guests", "show", "guest1@partner.example"],
        &["guests", "list"],
        &["forecast"],
    ] {
        let table = tenant.run(command).await;
        assert!(
            shown(&table).contains(
                "waits for `innkeeper policy accept`: it newly affects 8 guests, and more than 5 need a person"
            ),
            "{}",
            shown(&table)
        );
        let csv = tenant.run(&[command, &["--output", "csv"]].concat()).await;
        assert!(
            String::from_utf8_lossy(&csv.stderr).contains("waits for"),
            "{}",
            shown(&csv)
        );
    }
    let ann = ["explain", "guest1@partner.example"];
    let by_force = tenant.json(&ann).await;
    assert_eq!(by_force["verdict"], "keep", "{by_force:#}");
    assert_eq!(by_force["policy"]["waiting"]["newly_affected"], GUESTS);
    let tried = tenant.json(&[&ann[..], &["--policy", file]].concat()).await;
    assert_eq!(tried["verdict"], "act", "{tried:#}");
    assert_eq!(tried["policy"]["standing"], "tried");
    assert_eq!(tried["policy"]["in_force"], in_force);
    let listed = tenant.json(&["guests", "list", "--verdict", "act"]).await;
    assert_eq!(listed, json!([]));
    let listed = ["guests", "list", "--verdict", "act", "--policy", file];
    let listed = tenant.json(&listed).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(GUESTS));
    assert_eq!(listed[0]["policy"]["standing"], "tried");
    let tried = tenant.json(&["forecast", "--policy", file]).await;
    assert_eq!(tried["weeks"][0]["guests"], GUESTS, "{tried:#}");
    let report = ["report", "guest", "guest1@partner.example"];
    let report = tenant.json(&report).await;
    assert_eq!(report["policy_hash"], in_force);
    assert_eq!(report["verdict"]["verdict"], "keep");

    let word = ["policy", "accept", "--yes", "--by", "ann", "--reason", "ok"];
    assert!(tenant.run(&word).await.status.success());
    let table = tenant.run(&ann).await;
    assert!(
        !shown(&table).contains("policy accept"),
        "{}",
        shown(&table)
    );
    let now = tenant.json(&ann).await;
    assert_eq!(
        (&now["verdict"], &now["policy"]["waiting"]),
        (&json!("act"), &Value::Null)
    );
}

#[tokio::test]
async fn operators_are_told_once_that_a_policy_waits_and_once_that_it_does_no_more() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.apply().await;
    tenant.write("policy.toml", &after(90));
    for _ in 0..3 {
        tenant.apply().await;
    }
    let raised = tenant.json(&["alarms", "list"]).await;
    assert_eq!(raised[0]["kind"], "policy-waits", "{raised:#}");
    assert_eq!(raised[0]["numbers"]["affected"], GUESTS);
    let mails = |outbox: Value, what: &str| {
        let mails = outbox.as_array().expect("a list");
        let told = |mail: &&Value| mail.to_string().contains(what);
        mails.iter().filter(told).count()
    };
    let hash = raised[0]["numbers"]["hash"].as_str().expect("a hash");
    let told = format!(
        "the policy {hash} waits to be accepted: it newly affects 8 guests, and more than 5 need a person"
    );
    assert_eq!(mails(tenant.get("outbox").await, &told), 1);
    assert_eq!(
        mails(tenant.get("outbox").await, "innkeeper policy accept --yes"),
        1
    );
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(mails(tenant.get("outbox").await, &told), 2, "after a day");
    tenant.write("policy.toml", MILD);
    tenant.apply().await;
    assert_eq!(tenant.json(&["alarms", "list"]).await, json!([]));
    assert_eq!(mails(tenant.get("outbox").await, "policy-waits: over"), 1);
}

#[tokio::test]
async fn where_nothing_decides_any_more_whoever_looks_is_told_that_nothing_is_taken_away() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.write("policy.toml", &after(90));
    tenant.apply().await;
    let writes = tenant.writes().await;
    // The accepted policy was for another version of deciding.
    let path = tenant.path("innkeeper.db");
    let url = format!("sqlite://{}", path.to_str().expect("a text"));
    let mut connection = SqliteConnection::connect(&url).await.expect("opened");
    let sql = "UPDATE accepted_policies SET decision_version = 0";
    sqlx::query(sql)
        .execute(&mut connection)
        .await
        .expect("done");
    connection.close().await.expect("closed");
    let renamed = after(60).replace("\"inactive\"", "\"dormant\"");
    tenant.write("policy.toml", &renamed);
    tenant.pass_days(8).await;
    tenant.run(&["apply"]).await;
    assert_eq!(tenant.writes().await, writes, "nothing is done");

    let held = "no policy is in force, and nothing is taken away";
    let explained = tenant.run(&["explain", "guest1@partner.example"]).await;
    assert!(shown(&explained).contains(held), "{}", shown(&explained));
    let explained = tenant.json(&["explain", "guest1@partner.example"]).await;
    assert_eq!(explained["verdict"], "act", "{explained:#}");
    assert_eq!(explained["policy"]["standing"], "held");
    assert_eq!(explained["policy"]["in_force"], Value::Null);
    assert_eq!(
        explained["nothing_happens_because"],
        "no policy is in force until one is accepted: nothing is taken away"
    );
    let forecast = tenant.run(&["forecast"]).await;
    assert!(shown(&forecast).contains(held), "{}", shown(&forecast));
    let raised = tenant.json(&["alarms", "list"]).await;
    assert_eq!(raised[0]["numbers"]["held"], true, "{raised:#}");
    let status = tenant.json(&["policy", "status"]).await;
    assert_eq!(status[0]["waiting"]["held"], true, "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_comes_while_the_tenant_is_read_counts_at_once() {
    let tenant = watched("sqlite://innkeeper.db".to_owned()).await;
    tenant.apply().await;
    tenant.write("policy.toml", &after(90));
    tenant.apply().await;
    let fault = json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "next": 1 });
    tenant.post("faults", fault).await;
    let mut applying = tenant.start(&["apply"]);
    let held = tenant.get("held?wait=60").await;
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    let word = ["policy", "accept", "--yes", "--by", "ann", "--reason", "ok"];
    let output = tenant.run(&word).await;
    assert!(output.status.success(), "{}", shown(&output));
    tenant.control(Method::DELETE, "faults", None).await;
    assert!(applying.wait().expect("it ends").success());
    let status = tenant.json(&["policy", "status"]).await;
    assert_eq!(status[0]["waiting"], Value::Null, "{status:#}");
    assert_eq!(status[0]["accepted"]["by"], "ann");
    assert_eq!(tenant.json(&["alarms", "list"]).await, json!([]));
    assert!(
        !tenant.writes().await.is_empty(),
        "the sponsors are written to"
    );
}
