//! A changed policy that affects many waits for a person.

use serde_json::Value;

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
            .filter(|entry| entry.to_string().contains(kind))
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
