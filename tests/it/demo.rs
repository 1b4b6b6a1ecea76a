//! The demo.

use crate::tenant::{Tenant, shown};

#[tokio::test]
async fn a_perfect_observer_would_have_done_nothing_differently() {
    let tenant = Tenant::empty().await;
    let folder = tenant.path("demo");
    let folder = folder.to_str().expect("a plain path");
    for seed in ["1", "2"] {
        let demo = tenant
            .json(&[
                "demo",
                "--guests",
                "120",
                "--days",
                "120",
                "--seed",
                seed,
                "--directory",
                folder,
            ])
            .await;
        assert_eq!(demo["days"], 120);
        assert_eq!(demo["cycles"], 120);
        assert_eq!(demo["wrong_actions"], 0, "{demo:#}");
        assert_eq!(demo["missed_actions"], 0, "{demo:#}");
        for key in ["guests", "notified", "disabled", "deleted", "requests"] {
            assert!(
                demo[key].as_u64().is_some_and(|count| count > 0),
                "{key}: {demo:#}"
            );
        }
    }
    let config = format!("{folder}/innkeeper.toml");
    let mut command = std::process::Command::new(crate::tenant::innkeeper());
    let output = command
        .args(["guests", "list", "--config", &config])
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[tokio::test]
async fn a_folder_that_is_not_an_earlier_demos_is_left_alone() {
    let tenant = Tenant::empty().await;
    tenant.write("precious.txt", "mine");
    let folder = tenant.path("");
    let output = tenant
        .run(&[
            "demo",
            "--directory",
            folder.to_str().expect("a plain path"),
        ])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    assert!(tenant.path("precious.txt").exists());
}
