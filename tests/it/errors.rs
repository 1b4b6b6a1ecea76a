//! Whatever is wrong ends in one clear message, a non-zero exit, and no action.

use std::net::TcpListener;

use serde_json::json;

use crate::tenant::{Tenant, shown};

/// Runs `apply` and expects it to fail with this exit code, one message with these words, and no write.
async fn fails(tenant: &Tenant, code: i32, words: &[&str]) {
    let output = tenant.run(&["apply"]).await;
    let said = shown(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let messages = stderr
        .lines()
        .filter(|line| line.starts_with("innkeeper: "))
        .count();
    assert_eq!(messages, 1, "{said}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is missing in: {said}");
    }
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

async fn tenant() -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant
}

#[tokio::test]
async fn a_wrong_secret() {
    let tenant = tenant().await;
    tenant
        .configure(|config| config.replace("simulated-secret", "hunter2-not-it"))
        .await;
    fails(&tenant, 1, &["AADSTS7000215", "client secret"]).await;
    let said = shown(&tenant.run(&["apply"]).await);
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached() {
    let tenant = tenant().await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    let line = |key: &str| format!("{key} = \"http://{closed}\"");
    tenant
        .configure(|config| {
            let config = replace_line(&config, "graph_url", &line("graph_url"));
            replace_line(&config, "login_url", &line("login_url"))
        })
        .await;
    fails(&tenant, 1, &["127.0.0.1", "cannot be reached"]).await;
}

#[tokio::test]
async fn a_missing_permission() {
    let tenant = tenant().await;
    tenant
        .control(
            reqwest::Method::PUT,
            "permissions",
            Some(json!({ "roles": ["User.Read.All"] })),
        )
        .await;
    fails(&tenant, 1, &["AuditLog.Read.All", "grant"]).await;
}

#[tokio::test]
async fn a_broken_policy() {
    let tenant = tenant().await;
    tenant.write("policy.toml", "[[rule]]\nname = \"inactive\"\nwhen = 'guest.inactive_day >= 90'\nstages = [{ action = \"notify\" }]\n");
    fails(&tenant, 64, &["policy.toml:3:", "inactive_days"]).await;
}

#[tokio::test]
async fn a_broken_configuration() {
    let tenant = tenant().await;
    tenant
        .configure(|config| {
            config.replace("mode = \"enforce\"", "mode = \"enforce\"\npolcy = \"x\"")
        })
        .await;
    fails(&tenant, 64, &["innkeeper.toml:", "polcy", "policy"]).await;
}

#[tokio::test]
async fn a_configuration_that_is_not_there() {
    let tenant = tenant().await;
    std::fs::remove_file(tenant.path("innkeeper.toml")).expect("it is there");
    let words = [
        "innkeeper.toml cannot be read",
        "--config",
        "config/innkeeper.toml",
    ];
    fails(&tenant, 64, &words).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_written() {
    let tenant = tenant().await;
    tenant
        .configure(|config| {
            config.replace(
                "sqlite://innkeeper.db",
                "sqlite://missing/folder/innkeeper.db",
            )
        })
        .await;
    fails(&tenant, 1, &["missing/folder"]).await;
}

#[tokio::test]
async fn a_database_server_that_is_not_there() {
    let tenant = tenant().await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    tenant
        .configure(|config| {
            config.replace(
                "sqlite://innkeeper.db",
                &format!("postgres://innkeeper:hunter2@{closed}/innkeeper"),
            )
        })
        .await;
    fails(&tenant, 1, &["database"]).await;
    let said = shown(&tenant.run(&["apply"]).await);
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn sign_in_times_that_vanish_for_everybody() {
    let tenant = tenant().await;
    tenant.apply().await;
    let warned = tenant.writes().await;
    for _ in 0..2 {
        tenant.pass_days(7).await;
        tenant.json(&["plan"]).await;
    }
    for encoding in ["absent", "null", "min_date", "empty"] {
        tenant
            .post(
                "faults",
                json!({ "kind": "sign_in_activity", "encoding": encoding }),
            )
            .await;
        let output = tenant.run(&["apply"]).await;
        assert_eq!(
            output.status.code(),
            Some(1),
            "{encoding}: {}",
            shown(&output)
        );
        assert_eq!(tenant.writes().await, warned, "{encoding}");
        tenant
            .control(reqwest::Method::DELETE, "faults", None)
            .await;
    }
}

#[tokio::test]
async fn a_page_that_is_cut_off_discards_the_observation() {
    let tenant = tenant().await;
    tenant
        .post(
            "faults",
            json!({ "kind": "truncate", "method": "GET", "path": "/v1.0/users", "share": 1.0 }),
        )
        .await;
    fails(&tenant, 1, &["GET /users"]).await;
}

#[tokio::test]
async fn a_command_line_that_is_wrong() {
    let tenant = tenant().await;
    for arguments in [
        &["aply"][..],
        &["explain"],
        &["plan", "--tenant", "fabrikam"],
        &["explain", "nobody@nowhere.example"],
    ] {
        tenant.run(&["plan"]).await;
        let output = tenant.run(arguments).await;
        assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    }
}

fn replace_line(config: &str, key: &str, line: &str) -> String {
    let replaced = |old: &str| {
        if old.starts_with(key) {
            line.to_owned()
        } else {
            old.to_owned()
        }
    };
    config.lines().map(|old| replaced(old) + "\n").collect()
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_and_one_that_is_quite_wrong_ends_the_cycle() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("bob", 1).await;
    let skew = async |seconds: i64| {
        let body = serde_json::json!({ "seconds": seconds });
        tenant
            .control(reqwest::Method::PUT, "date-skew", Some(body))
            .await;
        tenant.run(&["plan"]).await
    };
    let output = skew(-120).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let plan = tenant.json(&["plan"]).await;
    let ahead = &plan["observation"]["health"]["counts"]["clock_ahead"];
    assert!(
        (119..=121).contains(&ahead.as_i64().expect("a number")),
        "{ahead}"
    );
    let output = skew(1_200).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("seconds behind Graph's"), "{said}");
}
