//! A whole reading is spread over a share of the time to the next run, and a restart goes on with it.
//!
//! On the machine's own clock: a daemon that follows a simulator's does not spread, since that time may fly.

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::tenant::Tenant;

/// Guests on three pages, read every minute, over two fifths of it: 24 seconds, so that a slow machine has some left.
async fn tenant(database: String) -> Tenant {
    let tenant = Tenant::present(1_200, database).await;
    tenant
        .configure(|config| {
            let config = config
                .replace(
                    "cycle = \"0 */6 * * *\"",
                    "cycle = \"* * * * *\"\nspread_percent = 40\nwhole_reading_hours = 0",
                )
                .replace(
                    "format = \"json\"",
                    "format = \"json\"\nlevel = \"info,innkeeper_engine=debug\"",
                )
                .replace("mode = \"enforce\"", "mode = \"observe\"");
            let is_clock = |line: &&str| *line == "[clock]" || line.starts_with("follow = ");
            let lines: Vec<&str> = config.lines().filter(|line| !is_clock(line)).collect();
            lines.join("\n") + "\n"
        })
        .await;
    tenant
}

const WAIT: &str = "the next page follows later";

fn is_wait(entry: &Value) -> bool {
    entry["fields"]["message"] == WAIT
}

fn seconds(entry: &Value) -> f64 {
    entry["fields"]["seconds"]
        .as_f64()
        .unwrap_or_else(|| panic!("{entry}"))
}

async fn a_reading_is_spread(database: String) {
    let tenant = tenant(database).await;
    let daemon = Daemon::start(&tenant);
    // While nobody knows how long it takes nothing is spread.
    let first = daemon.until("the next cycle is scheduled");
    assert!(!first.iter().any(is_wait), "{first:#?}");

    // From the next minute on two waits between three pages take the time that there is, evenly.
    let second = daemon.until("the next cycle is scheduled");
    let gaps: Vec<f64> = second
        .iter()
        .filter(|entry| is_wait(entry))
        .map(seconds)
        .collect();
    let [one, two] = gaps.as_slice() else {
        panic!("{second:#?}")
    };
    assert!(*one > 1.0 && *one <= 12.0, "{gaps:?}");
    assert!(*two > 1.0 && one + two <= 24.0, "{gaps:?}");

    // It stops while it waits for the second page.
    tenant.post("reset", json!({})).await;
    daemon.wait_for(WAIT);
    assert!(daemon.stop("TERM").success());
    let requests = tenant.get("requests").await;
    assert_eq!(requests["by_route"]["GET /users"], 1, "{requests}");

    let daemon = Daemon::start(&tenant);
    let gone_on = daemon.wait_for("a reading that broke off is gone on with");
    assert_eq!(gone_on["fields"]["guests"], 500, "{gone_on}");
    let observed = daemon.wait_for("observed");
    let guests = observed["fields"]["guests"].as_u64();
    assert!(guests > Some(1_000), "{observed}");
    daemon.wait_for("the cycle is complete");
    assert!(daemon.stop("TERM").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_spread_over_a_share_of_the_time_and_a_restart_goes_on_with_it() {
    a_reading_is_spread("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reading_is_spread_on_postgres() {
    a_reading_is_spread(innkeeper_testdb::postgres_url().await).await;
}
