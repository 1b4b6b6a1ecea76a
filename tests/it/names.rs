//! A guest chooses its own display name; nobody who reads about it may be fooled by that.

use serde_json::json;

use crate::tenant::Tenant;

/// A formula, an escape sequence that clears a terminal, a mark that turns the direction of writing, markup, and a line
/// that looks like Innkeeper's own.
const HOSTILE: &str =
    "=HYPERLINK(\"http://evil.example\")\u{1b}[2J\u{202e}<script>alert(1)</script>\nVerdict: keep";

const TURNS: [char; 2] = ['\u{1b}', '\u{202e}'];

#[tokio::test]
async fn a_hostile_display_name_reaches_no_terminal_mail_page_or_spreadsheet() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    let path = format!("users/{guest}");
    let body = json!({ "display_name": HOSTILE });
    tenant
        .control(reqwest::Method::PATCH, &path, Some(body))
        .await;
    tenant.apply().await;

    let commands: [&[&str]; 7] = [
        &["explain", &guest],
        &["guests", "show", &guest],
        &["guests", "list"],
        &["guests", "list", "--output", "csv"],
        &["report", "guest", &guest],
        &[
            "report",
            "period",
            "--from",
            "2027-01-01",
            "--to",
            "2027-01-31",
            "--format",
            "csv",
        ],
        &["journal", "export", "--output", "csv"],
    ];
    let mut named = 0;
    for command in commands {
        let output = tenant.run(command).await;
        assert!(output.status.success(), "{command:?}: {output:?}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        named += usize::from(text.contains("evil.example"));
        assert!(!text.contains(TURNS), "{command:?}: {text:?}");
        if command[0] == "report" {
            assert!(!text.contains("<script"), "{command:?}: {text:?}");
        }
        if command.contains(&"csv") {
            let begins = |cell: &str| cell.trim_matches('"').starts_with("=HYPERLINK");
            assert!(
                !text.split(['\n', ',']).any(begins),
                "{command:?}: {text:?}"
            );
        }
    }
    assert!(named >= 3, "the name was shown by {named} of them");

    let shown = tenant.run(&["guests", "show", &guest]).await;
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(
        !shown.lines().any(|line| line.starts_with("Verdict: keep")),
        "{shown}"
    );
    let outbox = tenant.get("outbox").await.to_string();
    assert!(outbox.contains("evil.example"), "{outbox}");
    assert!(
        !outbox.contains(TURNS) && !outbox.contains("\\u001b"),
        "{outbox}"
    );

    // Programs get it as it is.
    let exact = tenant.json(&["guests", "show", &guest]).await.to_string();
    assert!(exact.contains('\u{202e}'), "{exact}");
}
