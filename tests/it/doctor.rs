//! `doctor`: what would stop the daemon, said before it does.

use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{POLICY, Tenant, shown};

/// What the README grants for the mode `enforce`.
const GRANTED: [&str; 12] = [
    "User.Read.All",
    "AuditLog.Read.All",
    "Directory.Read.All",
    "GroupMember.Read.All",
    "RoleManagement.Read.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "EntitlementManagement.Read.All",
    "AccessReview.Read.All",
    "Mail.Send",
    "User.EnableDisableAccount.All",
    "User.DeleteRestore.All",
    "GroupMember.ReadWrite.All",
];

/// A tenant in which nothing is wrong, with a database.
async fn well() -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    grant(&tenant, &GRANTED).await;
    let migrated = tenant.run(&["db", "migrate"]).await;
    assert!(migrated.status.success(), "{}", shown(&migrated));
    tenant
}

async fn grant(tenant: &Tenant, roles: &[&str]) {
    let body = json!({ "roles": roles });
    tenant.control(Method::PUT, "permissions", Some(body)).await;
}

/// Runs it, and expects this exit code; what it says, with `healthy` held against the code, and nothing written.
async fn examine(tenant: &Tenant, code: i32) -> Value {
    let output = tenant.run(&["doctor", "--output", "json"]).await;
    assert_eq!(output.status.code(), Some(code), "{}", shown(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["healthy"], code == 0, "{report:#}");
    assert_eq!(tenant.writes().await, Vec::<String>::new());
    report
}

fn of_check<'r>(report: &'r Value, check: &str) -> Vec<&'r Value> {
    let checks = report["checks"].as_array().expect("a list");
    let of_check = checks.iter().filter(|entry| entry["check"] == check);
    of_check.collect()
}

/// The one finding of a check that is not well.
fn finding<'r>(report: &'r Value, check: &str, state: &str) -> &'r Value {
    let found = of_check(report, check);
    let found: Vec<_> = found
        .into_iter()
        .filter(|entry| entry["state"] != "ok")
        .collect();
    let [only] = found.as_slice() else {
        panic!("{check}: {report:#}");
    };
    assert_eq!(only["state"], state, "{only:#}");
    only
}

fn says(finding: &Value, words: &[&str]) {
    for word in words {
        assert!(finding.to_string().contains(word), "{word}: {finding:#}");
    }
    for key in ["what", "why", "fix"] {
        let text = finding[key].as_str().expect("a text");
        assert!(!text.is_empty(), "{finding:#}");
    }
}

#[tokio::test]
async fn where_all_is_well_every_check_says_so_and_the_next_runs_are_shown() {
    let tenant = well().await;
    tenant
        .configure(|config| {
            let line = "cycle = \"0 */6 * * *\"";
            let kind = "kind = \"client-secret\"";
            config
                .replace(line, &format!("{line}\ntime_zone = \"Europe/Berlin\""))
                .replace(kind, &format!("{kind}\nsecret_expires_on = \"2099-12-31\""))
        })
        .await;
    let report = examine(&tenant, 0).await;
    let mut keys: Vec<_> = report.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["checks", "healthy", "next_runs", "time_zone"]);
    for check in [
        "configuration",
        "database",
        "schedule",
        "policy",
        "credential",
        "reachability",
        "token",
        "clock",
        "permissions",
        "licence",
        "groups",
        "mailbox",
    ] {
        let found = of_check(&report, check);
        // One for each permission, with its reason; of the others one.
        let expected = if check == "permissions" {
            GRANTED.len()
        } else {
            1
        };
        assert_eq!(found.len(), expected, "{check}: {report:#}");
        let is_everybodys = ["configuration", "database", "schedule", "clock"].contains(&check);
        let about = if is_everybodys {
            Value::Null
        } else {
            json!("contoso")
        };
        for one in found {
            assert_eq!(one["state"], "ok", "{one:#}");
            assert!(one["why"].is_null() && one["fix"].is_null(), "{one:#}");
            assert_eq!(one["tenant"], about, "{one:#}");
        }
    }
    assert_eq!(
        report["next_runs"],
        json!([
            "2027-01-04T12:00:00+01:00",
            "2027-01-04T18:00:00+01:00",
            "2027-01-05T00:00:00+01:00",
            "2027-01-05T06:00:00+01:00",
            "2027-01-05T12:00:00+01:00"
        ])
    );
    // What was granted is enough for a cycle too.
    tenant.apply().await;
    let table = tenant.run(&["doctor"]).await;
    let said = shown(&table);
    assert_eq!(table.status.code(), Some(0), "{said}");
    for words in [
        "Mon 2027-01-04 12:00 CET",
        "Nothing is wrong.",
        "guests@contoso.example",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_with_its_reason_and_the_command_that_grants_it() {
    let tenant = well().await;
    let ids = [
        ("Mail.Send", "b633e1c5-b582-4048-a93e-9f11b44c7e96"),
        (
            "User.EnableDisableAccount.All",
            "3011c876-62b7-4ada-afa2-506cbbecc68c",
        ),
        (
            "EntitlementManagement.Read.All",
            "c74fd47d-ed3c-45c3-9a9e-b8676de685d2",
        ),
        ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ];
    let client = tenant.get("info").await["client_id"].to_string();
    for (missing, id) in ids {
        let rest: Vec<_> = GRANTED
            .into_iter()
            .filter(|name| *name != missing)
            .collect();
        grant(&tenant, &rest).await;
        let report = examine(&tenant, 1).await;
        let found = finding(&report, "permissions", "wrong");
        says(found, &[missing, id, client.trim_matches('"'), "az rest"]);
    }
    let table = tenant.run(&["doctor"]).await;
    let said = shown(&table);
    for words in [
        "what is wrong:  the application permission AuditLog.Read.All is missing",
        "why it matters: signInActivity",
        "what to do:     in a shell",
        "\nsp=$(az ad sp show",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test]
async fn what_is_granted_and_not_needed_is_a_warning() {
    let tenant = well().await;
    let granted = [&GRANTED[..], &["Sites.FullControl.All"]].concat();
    grant(&tenant, &granted).await;
    let report = examine(&tenant, 0).await;
    let found = finding(&report, "permissions", "warning");
    says(found, &["Sites.FullControl.All"]);

    tenant
        .configure(|config| config.replace("mode = \"enforce\"", "mode = \"warn\""))
        .await;
    grant(&tenant, &GRANTED).await;
    let report = examine(&tenant, 0).await;
    let found = finding(&report, "permissions", "warning");
    says(
        found,
        &["User.DeleteRestore.All", "GroupMember.ReadWrite.All"],
    );
}

#[tokio::test]
async fn a_tenant_without_licence_stops_the_daemon() {
    let tenant = well().await;
    let none = json!({ "licensed": false });
    tenant.control(Method::PUT, "license", Some(none)).await;
    let report = examine(&tenant, 1).await;
    says(finding(&report, "licence", "wrong"), &["P1 or P2"]);
}

#[tokio::test]
async fn a_licence_that_graph_does_not_see_now_and_then_is_a_warning() {
    let tenant = well().await;
    tenant.post("faults", json!({ "kind": "premium" })).await;
    let report = examine(&tenant, 0).await;
    let found = finding(&report, "licence", "warning");
    says(found, &["Directory.Read.All"]);
}

#[tokio::test]
async fn groups_that_are_missing_ambiguous_or_not_to_be_written_are_warnings() {
    let tenant = well().await;
    tenant.control(Method::DELETE, "groups/bridge", None).await;
    let report = examine(&tenant, 0).await;
    says(
        finding(&report, "groups", "warning"),
        &["bridge", "not there"],
    );

    let group = |kind: &str| json!({ "name": "bridge", "kind": kind });
    tenant.post("groups", group("dynamic")).await;
    let report = examine(&tenant, 0).await;
    says(finding(&report, "groups", "warning"), &["dynamic"]);

    tenant.post("groups", group("security")).await;
    let report = examine(&tenant, 0).await;
    says(finding(&report, "groups", "warning"), &["several"]);
}

#[tokio::test]
async fn a_sender_that_does_not_exist_stops_notices() {
    let tenant = well().await;
    tenant
        .configure(|config| config.replace("guests@contoso.example", "nobody@contoso.example"))
        .await;
    let report = examine(&tenant, 1).await;
    let found = finding(&report, "mailbox", "wrong");
    says(found, &["nobody@contoso.example"]);
    assert_eq!(tenant.get("outbox").await, json!([]));

    tenant.write(
        "policy.toml",
        "[[rule]]\nname = \"inactive\"\nwhen = 'guest.inactive_days >= 90'\nstages = [{ action = \"flag\" }]\n",
    );
    let report = examine(&tenant, 0).await;
    let mailbox = of_check(&report, "mailbox")[0];
    assert!(mailbox.to_string().contains("no notices"), "{mailbox}");
    says(finding(&report, "permissions", "warning"), &["Mail.Send"]);
}

#[tokio::test]
async fn a_followed_clock_that_cannot_be_read_stops_the_daemon() {
    let tenant = well().await;
    tenant
        .configure(|config| config.replace("/_simulator/clock", "/_simulator/nothing"))
        .await;
    let report = examine(&tenant, 1).await;
    says(finding(&report, "clock", "wrong"), &["/_simulator/nothing"]);
    assert_eq!(report["next_runs"], json!([]));
}

#[tokio::test]
async fn a_graph_that_does_not_answer_leaves_the_rest_unchecked_and_says_so() {
    let tenant = well().await;
    tenant
        .post("faults", json!({ "kind": "drop", "path": "/organization" }))
        .await;
    let report = examine(&tenant, 1).await;
    let found = finding(&report, "reachability", "wrong");
    says(found, &["127.0.0.1", "broke off the connection"]);
    for check in ["licence", "groups", "mailbox"] {
        says(finding(&report, check, "warning"), &["not checked"]);
    }
    for check in ["token", "permissions", "policy", "database"] {
        assert_eq!(of_check(&report, check)[0]["state"], "ok", "{report:#}");
    }

    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    tenant
        .configure(|config| {
            let line = |old: &str| match old.split_once(" = ") {
                Some((key @ ("graph_url" | "login_url"), _)) => {
                    format!("{key} = \"http://{closed}\"\n")
                }
                _ => format!("{old}\n"),
            };
            config.lines().map(line).collect()
        })
        .await;
    let report = examine(&tenant, 1).await;
    for check in ["reachability", "token"] {
        says(finding(&report, check, "wrong"), &["cannot be reached"]);
    }
    says(finding(&report, "permissions", "warning"), &["not checked"]);
}

#[tokio::test]
async fn a_wrong_secret_is_not_shown_and_what_needs_no_token_is_checked() {
    let tenant = well().await;
    tenant
        .configure(|config| config.replace("simulated-secret", "hunter2-not-it"))
        .await;
    let report = examine(&tenant, 1).await;
    says(finding(&report, "token", "wrong"), &["AADSTS7000215"]);
    assert_eq!(of_check(&report, "reachability")[0]["state"], "ok");
    for check in ["permissions", "licence", "groups", "mailbox"] {
        says(finding(&report, check, "warning"), &["not checked"]);
    }
    assert!(!report.to_string().contains("hunter2"), "{report:#}");
}

#[tokio::test]
async fn a_broken_policy_is_reported_with_everything_else() {
    let tenant = well().await;
    let broken = POLICY.replace("inactive_days >=", "inactive_day >=");
    tenant.write("policy.toml", &broken);
    let report = examine(&tenant, 64).await;
    let found = finding(&report, "policy", "wrong");
    says(found, &["policy.toml:4:", "inactive_days"]);
    let found = finding(&report, "permissions", "warning");
    says(found, &["not checked", "policy"]);
    says(finding(&report, "groups", "warning"), &["not checked"]);
    for check in ["permissions", "licence", "mailbox"] {
        assert_eq!(of_check(&report, check)[0]["state"], "ok", "{report:#}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_tenant_is_not_said_of_another() {
    let tenant = well().await;
    tenant
        .configure(|config| {
            let (_, contoso) = config.split_once("[[tenants]]").expect("a tenant");
            let id = contoso.lines().find(|line| line.starts_with("tenant_id"));
            let fabrikam = contoso.replace("\"contoso\"", "\"fabrikam\"").replace(
                id.expect("its id"),
                "tenant_id = \"11111111-2222-3333-4444-555555555555\"",
            );
            format!("{config}\n[[tenants]]{fabrikam}")
        })
        .await;
    let report = examine(&tenant, 1).await;
    let checks = report["checks"].as_array().expect("a list");
    let wrong: Vec<_> = checks
        .iter()
        .filter(|check| check["state"] == "wrong")
        .collect();
    let [token] = wrong.as_slice() else {
        panic!("{report:#}");
    };
    assert_eq!(
        (&token["tenant"], &token["check"]),
        (&json!("fabrikam"), &json!("token"))
    );
    let output = tenant.run(&["doctor", "--tenant", "contoso"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[tokio::test]
async fn a_broken_configuration_is_a_report_too() {
    let tenant = well().await;
    tenant
        .configure(|config| {
            config
                .replace("mode = \"enforce\"", "mode = \"enforced\"")
                .replace("lease_seconds", "lease_second")
        })
        .await;
    let report = examine(&tenant, 64).await;
    let found = of_check(&report, "configuration");
    assert_eq!(found.len(), 2, "{report:#}");
    says(found[0], &["innkeeper.toml:3:", "lease_seconds"]);
    says(found[1], &["did you mean `enforce`"]);
    assert_eq!(report["next_runs"], json!([]));
}

#[tokio::test]
async fn a_database_is_looked_at_and_never_made_or_migrated() {
    let tenant = Tenant::empty().await;
    grant(&tenant, &GRANTED).await;
    let report = examine(&tenant, 0).await;
    let database = of_check(&report, "database")[0];
    assert!(database.to_string().contains("not there yet"), "{database}");
    assert!(!tenant.path("innkeeper.db").exists());

    std::fs::write(tenant.path("innkeeper.db"), "").expect("a file");
    for _ in 0..2 {
        let report = examine(&tenant, 0).await;
        let found = finding(&report, "database", "warning");
        says(found, &["0001_start", "innkeeper db migrate"]);
    }

    tenant
        .configure(|config| config.replace("sqlite://innkeeper.db", "sqlite://missing/it.db"))
        .await;
    let report = examine(&tenant, 1).await;
    says(finding(&report, "database", "wrong"), &["missing/it.db"]);
}

#[tokio::test]
async fn csv_has_every_finding_and_a_tenant_that_is_not_there_is_a_usage_error() {
    let tenant = well().await;
    let csv = tenant.run(&["doctor", "--output", "csv"]).await;
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert!(
        csv.starts_with("state,tenant,check,what,why,fix\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 13 + GRANTED.len(), "{csv}");
    let output = tenant.run(&["doctor", "--tenant", "fabrikam"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
}

#[tokio::test]
async fn keys_of_links_that_are_missing_short_or_open_to_others_are_wrong() {
    use std::os::unix::fs::PermissionsExt;
    let tenant = well().await;
    let answers = "\n[answers]\npublic_url = \"https://guests.contoso.example\"\nlisten = \"127.0.0.1:0\"\nkey_file = \"answer-keys\"\n";
    tenant.configure(|config| config + answers).await;
    let report = examine(&tenant, 1).await;
    let missing = finding(&report, "answers", "wrong");
    assert!(
        missing["what"].to_string().contains("cannot be read"),
        "{missing}"
    );
    let permit = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(tenant.path("answer-keys"), permissions).expect("set");
    };
    tenant.write("answer-keys", "secret\n");
    permit(0o600);
    let report = examine(&tenant, 1).await;
    let short = finding(&report, "answers", "wrong");
    assert!(
        short["what"].to_string().contains("32 characters"),
        "{short}"
    );
    assert!(!short.to_string().contains("secret"), "{short}");
    tenant.write(
        "answer-keys",
        "rP0mZkq2Jt6Yv8cX1nB4sD7gH3kL5wQ9eR2tU6iO0pA=\n",
    );
    permit(0o640);
    let report = examine(&tenant, 1).await;
    let open = finding(&report, "answers", "wrong");
    assert!(open["fix"].to_string().contains("chmod 600"), "{open}");
    permit(0o600);
    let report = examine(&tenant, 0).await;
    assert_eq!(of_check(&report, "answers").len(), 2);
}
