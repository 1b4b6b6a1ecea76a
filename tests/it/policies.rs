//! The tools for those who write policies: check, test, facts, diff, forecast, and a look at a later day.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::tenant::{POLICY, Tenant, innkeeper, shown};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs the binary where there is no installation.
fn run(arguments: &[&str]) -> Output {
    Command::new(innkeeper())
        .args(arguments)
        .env_clear()
        .output()
        .expect("the binary starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", shown(output)))
}

#[test]
fn the_facts_are_printed_for_people_and_programs_and_as_the_page() {
    let page = fs::read_to_string(repository("docs/facts.md")).expect("the page");
    assert_eq!(stdout(&run(&["policy", "facts", "--markdown"])), page);
    let facts = json(&run(&["policy", "facts", "--output", "json"]));
    let fact = |name: &str| {
        let all = facts.as_array().expect("a list");
        all.iter()
            .find(|fact| fact["fact"] == name)
            .cloned()
            .expect("the fact")
    };
    assert_eq!(fact("guest.inactive_days")["unit"], "days");
    assert_eq!(fact("guest.enabled")["unit"], Value::Null);
    assert!(
        fact("guest.sponsors")["fields"]
            .to_string()
            .contains("eligible")
    );
    let csv = stdout(&run(&["policy", "facts", "--output", "csv"]));
    assert!(
        csv.starts_with("fact,type,unit,meaning,source,absent_when\n"),
        "{csv}"
    );
    assert!(stdout(&run(&["policy", "facts"])).contains("guest.pending_days"));
}

#[test]
fn every_shipped_policy_passes_its_check_and_its_cases() {
    let folder = repository("config/policies");
    let templates = fs::read_dir(folder).expect("the templates");
    let templates = templates.map(|entry| entry.expect("an entry").path());
    let mut tried = 0;
    for path in templates.chain([repository("config/policy.toml")]) {
        let path = path.to_str().expect("a text");
        if path.ends_with(".test.toml") {
            continue;
        }
        let checked = run(&["policy", "check", path, "--output", "json"]);
        assert_eq!(checked.status.code(), Some(0), "{}", shown(&checked));
        assert_eq!(
            json(&checked)[0]["warnings"].as_array().map(Vec::len),
            Some(0),
            "{}",
            shown(&checked)
        );
        let tested = run(&["policy", "test", path]);
        assert_eq!(tested.status.code(), Some(0), "{}", shown(&tested));
        assert!(stdout(&tested).contains(" 0 failed"), "{}", shown(&tested));
        tried += 1;
    }
    assert!(tried > 7, "{tried}");
}

#[tokio::test]
async fn check_warns_of_what_is_odd_and_leaves_the_exit_code_alone() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", &POLICY.replace(">= 90", "< 0"));
    let output = tenant.run(&["policy", "check"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(
        stdout(&output).contains(
            "policy.toml:4:8: warning: rule \"inactive\": its condition can never be true"
        ),
        "{}",
        shown(&output)
    );
    let checked = tenant.json(&["policy", "check"]).await;
    let warning = &checked[0]["warnings"][0];
    assert_eq!(warning["kind"], "never-matches");
    assert_eq!(warning["line"], 4);
    assert_eq!(warning["subject"], "rule");
    assert_eq!(warning["name"], "inactive");
    let output = tenant.run(&["config", "check"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(
        shown(&output).contains("can never be true"),
        "{}",
        shown(&output)
    );

    tenant.write(
        "policy.toml",
        &POLICY.replace("inactive_days", "inactve_days"),
    );
    let output = tenant.run(&["policy", "check", "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    let problem = &json(&output)[0]["problems"][0];
    assert_eq!(problem["line"], 4);
    assert!(
        problem["message"]
            .to_string()
            .contains("did you mean inactive_days")
    );
}

const CASES: &str = r#"
[defaults]
enabled = true
account_age_days = 400
groups = []

[[case]]
name = "told first"
facts = { inactive_days = 90 }
expect = { verdict = "act", rule = "inactive", action = "notify" }

[[case]]
name = "gone at once"
facts = { inactive_days = 90 }
expect = { verdict = "act", rule = "inactive", action = "delete" }
"#;

#[tokio::test]
async fn test_runs_cases_like_unit_tests() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.test.toml", CASES);
    let output = tenant.run(&["policy", "test"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let text = stdout(&output);
    for part in [
        "ok      told first",
        "FAILED  gone at once",
        "policy.test.toml:12",
        "expected act, rule \"inactive\", action delete",
        "actual   act, rule \"inactive\", action notify, due in 0 days",
        "no case expects the rule \"project ended\"",
        "1 ok, 1 failed",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    let results = tenant.run(&["policy", "test", "--output", "json"]).await;
    let results = json(&results);
    assert_eq!(
        (&results[0]["passed"], &results[0]["failed"]),
        (&1.into(), &1.into())
    );

    tenant.write("good.toml", &CASES.replace("\"delete\"", "\"notify\""));
    let policy = tenant.path("policy.toml");
    let policy = policy.to_str().expect("a text");
    let cases = tenant.path("good.toml");
    let cases = cases.to_str().expect("a text");
    let output = tenant
        .run(&["policy", "test", policy, "--cases", cases])
        .await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));

    tenant.write("good.toml", &CASES.replace("inactive_days", "inactve_days"));
    let output = tenant
        .run(&["policy", "test", policy, "--cases", cases])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    assert!(
        shown(&output).contains("good.toml:9:11")
            && shown(&output).contains("did you mean inactive_days"),
        "{}",
        shown(&output)
    );
    let output = tenant
        .run(&["policy", "test", policy, "--cases", "nowhere.toml"])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
}

#[tokio::test]
async fn explain_judges_as_of_a_later_day_and_says_why_nothing_happens() {
    let tenant = Tenant::empty().await;
    let id = tenant.add_guest("ann", 60).await;
    tenant.apply().await;
    let today = tenant.json(&["explain", &id]).await;
    assert_eq!(today["verdict"], "keep");
    assert!(
        today["nothing_happens_because"]
            .to_string()
            .contains("inactive_days = 60"),
        "{today:#}"
    );
    // 2027-01-04 and 30 days: ninety since the last sign-in.
    for (day, verdict) in [("2027-02-02", "keep"), ("2027-02-03", "act")] {
        let then = tenant.json(&["explain", &id, "--at", day]).await;
        assert_eq!(then["verdict"], verdict, "{day}: {then:#}");
    }
    let then = tenant.json(&["explain", &id, "--at", "2027-02-03"]).await;
    assert_eq!(then["nothing_happens_because"], Value::Null);
    let table = tenant.run(&["explain", &id, "--at", "2027-01-04"]).await;
    assert!(
        stdout(&table).contains("Nothing happens: no rule holds"),
        "{}",
        shown(&table)
    );
    for (day, message) in [
        ("2027-01-03", "2027-01-03 is past"),
        ("2099-01-01", "more than ten years off"),
        ("soon", "such as 2027-03-31"),
    ] {
        let output = tenant.run(&["explain", &id, "--at", day]).await;
        assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
        assert!(shown(&output).contains(message), "{}", shown(&output));
    }
}

#[tokio::test]
async fn a_case_waits_on_a_later_day_as_if_watched_until_then() {
    let tenant = Tenant::empty().await;
    let id = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    // Notified today; the gap of two weeks without an observation counts all the same.
    for (day, verdict) in [("2027-01-17", "wait"), ("2027-01-18", "act")] {
        let then = tenant.json(&["explain", &id, "--at", day]).await;
        assert_eq!(then["verdict"], verdict, "{day}: {then:#}");
        assert_eq!(then["action"], "disable");
    }
}

#[tokio::test]
async fn forecast_tells_week_by_week_what_will_be_done_and_does_nothing() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("bea", 80).await;
    let output = tenant.run(&["forecast"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(
        shown(&output).contains("nothing is known of contoso yet"),
        "{}",
        shown(&output)
    );
    tenant.run(&["plan"]).await;
    let forecast = tenant.json(&["forecast", "--days", "70"]).await;
    let weeks: Vec<String> = forecast["weeks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tally| {
            format!("{} {} {}", tally["week"], tally["action"], tally["guests"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        weeks,
        [
            "2027-01-04 notify 1",
            "2027-01-11 notify 1",
            "2027-01-18 disable 1",
            "2027-01-25 disable 1",
            "2027-02-15 delete 1",
            "2027-02-22 delete 1",
        ],
        "{forecast:#}"
    );
    assert_eq!(
        (&forecast["guests"], &forecast["guests_left"]),
        (&2.into(), &0.into())
    );
    let csv = stdout(&tenant.run(&["forecast", "--output", "csv"]).await);
    assert!(
        csv.starts_with("week,rule,action,guests\n2027-01-04,inactive,notify,1\n"),
        "{csv}"
    );
    let table = stdout(&tenant.run(&["forecast"]).await);
    assert!(
        table.contains('█') && table.contains("0 guests are left"),
        "{table}"
    );
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn diff_tells_whom_another_policy_would_reach() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("bea", 80).await;
    tenant.run(&["plan"]).await;
    tenant.write("new.toml", &POLICY.replace(">= 90", ">= 70"));
    let (old, new) = (tenant.path("policy.toml"), tenant.path("new.toml"));
    let (old, new) = (old.to_str().expect("a text"), new.to_str().expect("a text"));
    let same = tenant.run(&["policy", "diff", old, old]).await;
    assert_eq!(same.status.code(), Some(0), "{}", shown(&same));
    let output = tenant.run(&["policy", "diff", old, new]).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(
        stdout(&output).contains("\"inactive\": 1 guests newly in scope, 0 no longer."),
        "{}",
        shown(&output)
    );
    let diff = tenant.json(&["policy", "diff", old, new]).await;
    let differences = diff["differences"].as_array().expect("a list");
    assert_eq!(differences.len(), 2, "{diff:#}");
    assert_eq!(differences[0]["change"], "enters");
    assert_eq!(differences[0]["rule"], "inactive");
    assert!(
        differences[0]["why"]
            .to_string()
            .contains("inactive_days = 80"),
        "{diff:#}"
    );
    assert_eq!(differences[1]["before"]["verdict"], "keep");
    assert_eq!(differences[1]["after"]["action"], "notify");
    let back = tenant.json(&["policy", "diff", new, old]).await;
    assert_eq!(back["differences"][0]["change"], "leaves");
    let csv = stdout(
        &tenant
            .run(&["policy", "diff", old, new, "--output", "csv"])
            .await,
    );
    assert!(
        csv.starts_with("guest_id,upn,change,rule,before,after,why\n"),
        "{csv}"
    );
    tenant.write("broken.toml", "[[rule]]\n");
    let broken = tenant.path("broken.toml");
    let output = tenant
        .run(&["policy", "diff", old, broken.to_str().expect("a text")])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
}

#[tokio::test]
async fn diff_knows_the_projects_that_people_set_beside_the_policy() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 5).await;
    let patch = Some(serde_json::json!({ "add_group": "bridge" }));
    tenant
        .control(reqwest::Method::PATCH, &format!("users/{ann}"), patch)
        .await;
    let set = [
        "projects",
        "set",
        "bridge",
        "--ends",
        "2027-01-02",
        "--by",
        "ann",
    ];
    let output = tenant.run(&set).await;
    assert!(output.status.success(), "{}", shown(&output));
    tenant.run(&["plan"]).await;
    let over = "[[rule]]\nname = \"over\"\nwhen = 'guest.all_projects_ended'\nstages = [{ action = \"notify\" }]\n";
    tenant.write("new.toml", &format!("{POLICY}\n{over}"));
    let (old, new) = (tenant.path("policy.toml"), tenant.path("new.toml"));
    let (old, new) = (old.to_str().expect("a text"), new.to_str().expect("a text"));
    let diff = tenant.json(&["policy", "diff", old, new]).await;
    assert_eq!(diff["differences"][0]["change"], "enters", "{diff:#}");
    assert_eq!(diff["differences"][0]["rule"], "over");
    assert_eq!(diff["differences"][0]["guest_id"], ann.as_str());
}

#[tokio::test]
async fn explain_says_as_of_when_each_fact_is_known() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 5).await;
    // The first reading is of everything, the second of what changed.
    for _ in 0..2 {
        let output = tenant.run(&["apply", "--changes"]).await;
        assert!(output.status.success(), "{}", shown(&output));
        tenant
            .post("clock/advance", serde_json::json!({ "seconds": 3600 }))
            .await;
    }
    let explained = tenant.json(&["explain", &ann]).await;
    let as_of = |fact: &str| {
        let facts = explained["facts"].as_array().expect("a list");
        let found = facts.iter().find(|of| of["fact"] == fact);
        let hour = found.expect("the fact")["as_of"]
            .as_str()
            .map(|at| at[..13].to_owned());
        hour.expect("a time")
    };
    assert_eq!(as_of("sponsors"), "2027-01-04T06");
    assert_eq!(as_of("inactive_days"), "2027-01-04T07");
    assert_eq!(as_of("previous_cases"), "2027-01-04T08");
    assert!(
        stdout(&tenant.run(&["explain", &ann]).await).contains("2027-01-04 07:"),
        "the table has it too"
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        &["policy", "check"][..],
        &["policy", "test"],
        &["policy", "facts"],
        &["policy", "diff"],
        &["forecast"],
        &["explain"],
    ] {
        let output = run(&[command, &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("Example"), "{}", shown(&output));
    }
}
