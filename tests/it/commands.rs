//! What the commands print.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

async fn tenant() -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant
}

#[tokio::test]
async fn plan_prints_one_object_and_tells_by_its_exit_code_whether_there_is_something_to_do() {
    let tenant = tenant().await;
    let output = tenant.run(&["plan", "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut keys: Vec<&str> = plan
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "approved",
            "backlog",
            "observation",
            "plan_hash",
            "plan_id",
            "policy_hash",
            "policy_waits",
            "refusals",
            "tenant",
            "verdicts",
            "waiting"
        ]
    );
    assert_eq!(plan["tenant"], "contoso");
    assert_eq!(plan["observation"]["guests"], 2);
    assert_eq!(plan["observation"]["complete"], true);
    assert_eq!(plan["observation"]["health"]["healthy"], true);
    for key in ["id", "started", "finished"] {
        assert!(plan["observation"][key].is_string(), "{plan:#}");
    }
    let verdicts = plan["verdicts"].as_array().expect("a list");
    assert_eq!(verdicts.len(), 2);
    let act = verdicts
        .iter()
        .find(|verdict| verdict["verdict"] == "act")
        .expect("one guest is acted on");
    assert_eq!(act["rule"], "inactive");
    assert_eq!(act["stage"], 0);
    assert_eq!(act["action"], "notify");
    assert!(
        act["reason"]
            .as_str()
            .expect("a reason")
            .contains("inactive_days = 100"),
        "{act:#}"
    );
    for key in ["guest_id", "upn", "due"] {
        assert!(act[key].is_string(), "{act:#}");
    }
    assert!(verdicts.iter().any(|verdict| verdict["verdict"] == "keep"));
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn plan_without_anything_to_do_ends_with_zero_and_in_observe_mode_says_that_nothing_is_done()
{
    let tenant = Tenant::empty().await;
    tenant.add_guest("active", 1).await;
    let output = tenant.run(&["plan"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    tenant.add_guest("ann", 100).await;
    tenant
        .configure(|config| config.replace("mode = \"enforce\"", "mode = \"observe\""))
        .await;
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["approved"], false);
    assert_eq!(plan["refusals"][0]["refusal"], "mode");
    tenant.apply().await;
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn warn_mode_sends_notices_and_takes_nothing() {
    let tenant = tenant().await;
    tenant
        .configure(|config| config.replace("mode = \"enforce\"", "mode = \"warn\""))
        .await;
    for _ in 0..4 {
        tenant.apply().await;
        tenant.pass_days(7).await;
    }
    assert_eq!(tenant.writes().await, ["send-mail"]);
    let outbox = tenant.get("outbox").await;
    let text = outbox[0].to_string();
    assert!(
        text.contains("ann@partner.example") && text.contains("inactive_days = 100"),
        "{text}"
    );
}

#[tokio::test]
async fn guests_are_found_by_object_id_upn_and_mail_and_explained() {
    let tenant = Tenant::empty().await;
    let id = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let explained = tenant.json(&["explain", &id]).await;
    let upn = explained["upn"].as_str().expect("a UPN").to_owned();
    for name in [id.as_str(), upn.as_str(), "ANN@partner.example"] {
        let explained = tenant.json(&["explain", name]).await;
        assert_eq!(explained["guest_id"], id.as_str());
        assert_eq!(explained["verdict"], "wait");
        assert_eq!(explained["action"], "disable");
        let facts = explained["facts"].as_array().expect("a list");
        assert!(
            facts
                .iter()
                .any(|fact| fact["fact"] == "inactive_days" && fact["value"] == "100"),
            "{explained:#}"
        );
        assert_eq!(explained["rules"][0]["holds"], "yes");
    }
    let shown = tenant.json(&["guests", "show", &id]).await;
    assert_eq!(shown["actions"][0]["call"]["call"], "notify");
    assert_eq!(shown["actions"][0]["outcome"]["outcome"], "done");
    let table = tenant.run(&["explain", &id]).await;
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.contains("inactive_days") && table.contains("Verdict: wait"),
        "{table}"
    );
}

#[tokio::test]
async fn guests_are_listed_as_table_json_and_csv() {
    let tenant = tenant().await;
    tenant.apply().await;
    assert_eq!(
        tenant
            .json(&["guests", "list"])
            .await
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        tenant
            .json(&["guests", "list", "--verdict", "wait"])
            .await
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        tenant
            .json(&["guests", "list", "--rule", "nothing"])
            .await
            .as_array()
            .map(Vec::len),
        Some(0)
    );
    let csv = tenant.run(&["guests", "list", "--output", "csv"]).await;
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert!(
        csv.starts_with(
            "guest_id,upn,mail,enabled,last_sign_in,verdict,rule,next,due,reason,final_day\n"
        ),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 3);
    let table = tenant.run(&["guests", "list"]).await;
    assert!(
        String::from_utf8_lossy(&table.stdout).contains("2 guests"),
        "{}",
        shown(&table)
    );
}

#[tokio::test]
async fn checks_say_that_nothing_is_wrong_and_show_hides_the_secret() {
    let tenant = tenant().await;
    for arguments in [
        &["config", "check"][..],
        &["policy", "check"],
        &["db", "migrate"],
    ] {
        let output = tenant.run(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    }
    let output = shown(&tenant.run(&["config", "show"]).await);
    assert!(
        output.contains("contoso") && !output.contains("simulated-secret"),
        "{output}"
    );
}

#[tokio::test]
async fn every_command_has_help_with_an_example() {
    let tenant = tenant().await;
    for command in [
        "run", "plan", "apply", "doctor", "explain", "simulate", "demo",
    ] {
        let output = tenant.run(&[command, "--help"]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("Example"),
            "{}",
            shown(&output)
        );
    }
}

#[tokio::test]
async fn a_plan_asks_for_its_token_once_and_tells_once_why_it_gets_none() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 5).await;
    tenant.post("reset", json!({})).await;
    tenant.json(&["plan"]).await;
    let requests = tenant.get("requests").await;
    assert_eq!(requests["by_route"]["POST /token"], 1, "{requests}");

    tenant
        .configure(|config| config.replace(innkeeper_simulator::DEFAULT_CLIENT_SECRET, "another"))
        .await;
    let refused = shown(&tenant.run(&["plan"]).await);
    assert_eq!(refused.matches("AADSTS7000215").count(), 1, "{refused}");
}
