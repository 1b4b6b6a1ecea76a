//! Months in which everything breaks. `docs/operations.md` tells how to run it for longer.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

const ZEROS: [&str; 4] = [
    "wrong_actions",
    "double_actions",
    "skipped_stages",
    "missed_warnings",
];

async fn chaos(seed: &str) -> Value {
    let tenant = Tenant::empty().await;
    let folder = tenant.path("demo");
    let folder = folder.to_str().expect("a plain path");
    let output = tenant
        .run(&[
            "demo",
            "--chaos",
            seed,
            "--guests",
            "40",
            "--days",
            "80",
            "--directory",
            folder,
            "--output",
            "json",
        ])
        .await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn whatever_breaks_innkeeper_is_at_most_late() {
    // In the last two the sign-in times are stale for longer than the policy waits, without a log to set them right.
    let (first, second, third) = tokio::join!(chaos("1"), chaos("13"), chaos("28"));
    for run in [first, second, third] {
        for zero in ZEROS {
            assert_eq!(run[zero], 0, "{zero}: {run:#}");
        }
        assert_eq!(run["journal_intact"], true, "{run:#}");
        let count = |value: &Value| value.as_u64().expect("a count");
        assert!(count(&run["cycles"]) > 80, "{run:#}");
        // The process died and people meddled, and each time somebody went on.
        assert!(count(&run["deaths"]) > 5, "{run:#}");
        let meddlings = run["meddlings"].as_object().expect("words").values();
        assert!(meddlings.map(count).sum::<u64>() > 10, "{run:#}");
        // Something broke, and something was done all the same.
        assert!(count(&run["faults"]) > 100, "{run:#}");
        assert!(count(&run["failed_cycles"]) > 2, "{run:#}");
        for action in ["notify", "disable"] {
            assert!(count(&run["done"][action]) > 0, "{action}: {run:#}");
        }
        assert_ne!(run["in_time_or_late"], json!(0));
    }
}
