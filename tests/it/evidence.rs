//! The record: proven whole, taken out, anchored, shown, and let go of in part.

use std::path::Path;
use std::process::{Command, Output};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::daemon::Daemon;
use crate::tenant::{POLICY, Tenant, innkeeper, shown};

/// A tenant whose one idle guest was warned of, disabled and deleted.
async fn removed() -> (Tenant, String, String) {
    let tenant = Tenant::empty().await;
    let id = tenant.add_guest("ann", 100).await;
    let active = tenant.add_guest("active", 1).await;
    tenant.write("policy.toml", &format!("{POLICY}longest_gap = \"60d\"\n"));
    for _ in 0..4 {
        tenant.apply().await;
        pass_days(&tenant, 16, &active).await;
    }
    (tenant, id, active)
}

/// After which a guest signs in.
async fn pass_days(tenant: &Tenant, days: i64, guest: &str) {
    tenant.pass_days(days).await;
    let now = tenant.get("clock").await["now"].clone();
    let signed_in = json!({ "last_success": now, "last_interactive": now });
    tenant
        .control(Method::PATCH, &format!("users/{guest}"), Some(signed_in))
        .await;
}

/// Runs the binary where there is neither configuration nor database.
fn alone(arguments: &[&str]) -> Output {
    let folder = tempfile::TempDir::new().expect("a folder");
    Command::new(innkeeper())
        .args(arguments)
        .env_clear()
        .current_dir(folder.path())
        .output()
        .expect("the binary starts")
}

/// What is found out about an export, which must be broken, or not.
fn verified(file: &Path, further: &[&str], code: i32) -> Value {
    let file = file.to_str().expect("a path");
    let arguments = [
        &["journal", "verify", "--output", "json", "--file", file],
        further,
    ]
    .concat();
    let output = alone(&arguments);
    assert_eq!(output.status.code(), Some(code), "{}", shown(&output));
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    all[0].clone()
}

async fn export(tenant: &Tenant, arguments: &[&str]) -> String {
    let output = tenant
        .run(&[&["journal", "export"], arguments].concat())
        .await;
    assert!(output.status.success(), "{}", shown(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Does something to the database that no command does.
async fn damage(tenant: &Tenant, sql: &'static str) {
    let url = format!("sqlite://{}", tenant.path("innkeeper.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a database");
    let done = sqlx::query(sql).execute(&mut connection).await;
    assert!(done.expect("damaged").rows_affected() > 0, "{sql}");
    connection.close().await.expect("closed");
}

#[tokio::test]
async fn a_journal_is_proven_whole_also_as_an_export_alone() {
    let (tenant, _, _) = removed().await;
    let all = tenant.json(&["journal", "verify"]).await;
    assert_eq!(all[0]["intact"], true, "{all:#}");
    let entries = all[0]["entries"].as_u64().expect("a number");
    assert!(entries > 15, "{all:#}");
    for (form, file) in [("json", "journal.jsonl"), ("csv", "journal.csv")] {
        let text = export(&tenant, &["--output", form]).await;
        tenant.write(file, &text);
        let found = verified(&tenant.path(file), &[], 0);
        assert_eq!(found["entries"], entries, "{form}: {found:#}");
        assert_eq!(found["head"], all[0]["head"], "{form}");
        assert_eq!(found["note"], Value::Null, "{form}");
    }
}

#[tokio::test]
async fn whatever_is_done_to_an_entry_of_an_export_is_found_and_named() {
    let (tenant, _, _) = removed().await;
    for (form, before) in [("json", 1), ("csv", 2)] {
        let text = export(&tenant, &["--output", form]).await;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // The line of the entry numbered 7.
        let seventh = before + 6;
        let altered = lines[seventh].replacen("2027", "2026", 1);
        assert_ne!(altered, lines[seventh]);
        let mut damaged = Vec::new();
        let mut with = |what, entry, why, change: &dyn Fn(&mut Vec<String>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            damaged.push((what, lines, entry, why));
        };
        with("altered", 7, "was altered", &|lines| {
            lines[seventh] = altered.clone();
        });
        with("removed", 7, "is missing", &|lines| {
            lines.remove(seventh);
        });
        with("inserted", 7, "was inserted", &|lines| {
            lines.insert(seventh + 1, lines[seventh].clone());
        });
        with("moved", 7, "was moved", &|lines| {
            lines.swap(seventh, seventh + 1);
        });
        let end = lines.len() - before;
        with("cut off", end, "is missing", &|lines| {
            lines.pop();
        });
        with("garbled", 7, "cannot be read", &|lines| {
            lines[seventh] = "garble".to_owned();
        });
        for (what, lines, entry, why) in damaged {
            tenant.write("damaged", &(lines.join("\n") + "\n"));
            let found = verified(&tenant.path("damaged"), &[], 1);
            assert_eq!(found["intact"], false, "{form}, {what}");
            assert_eq!(found["broken"]["entry"], entry, "{form}, {what}: {found:#}");
            let told = found["broken"]["why"].as_str().expect("a reason");
            assert!(told.contains(why), "{form}, {what}: {told}");
        }
    }
}

#[tokio::test]
async fn whatever_is_done_to_an_entry_in_the_database_is_found_and_named() {
    for (sql, entry, why) in [
        (
            "UPDATE journal SET body = body || ' ' WHERE seq = 7",
            7,
            "was altered",
        ),
        (
            "UPDATE journal SET details = replace(details, '100', '200') WHERE seq = 4",
            4,
            "its details",
        ),
        (
            "UPDATE journal SET details = NULL, salt = NULL WHERE seq = 4",
            4,
            "its details are missing",
        ),
        ("DELETE FROM journal WHERE seq = 7", 7, "is missing"),
        (
            "UPDATE journal SET seq = CASE seq WHEN 7 THEN -8 ELSE -7 END WHERE seq IN (7, 8)",
            -8,
            "was put before the first",
        ),
        (
            "INSERT INTO journal SELECT tenant_id, seq + 1000, at, guest_id, body, hash, details, salt FROM journal WHERE seq = 7",
            0,
            "is missing",
        ),
    ] {
        let (tenant, _, _) = removed().await;
        damage(&tenant, sql).await;
        let output = tenant.run(&["journal", "verify", "--output", "json"]).await;
        assert_eq!(output.status.code(), Some(1), "{sql}: {}", shown(&output));
        let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        if entry != 0 {
            assert_eq!(all[0]["broken"]["entry"], entry, "{sql}: {all:#}");
        }
        let told = all[0]["broken"]["why"].as_str().expect("a reason");
        assert!(told.contains(why), "{sql}: {told}");
    }
}

#[tokio::test]
async fn a_part_and_one_guests_entries_are_verified_by_themselves() {
    let (tenant, id, _) = removed().await;
    let part = export(&tenant, &["--from", "2027-01-15", "--to", "2027-02-10"]).await;
    tenant.write("part", &part);
    let header: Value = serde_json::from_str(part.lines().next().expect("a header")).expect("JSON");
    assert!(header["first"].as_i64() > Some(1), "{header:#}");
    assert!(
        header["last"].as_i64() < header["head"].as_i64(),
        "{header:#}"
    );
    let found = verified(&tenant.path("part"), &[], 0);
    assert!(
        found["note"].as_str().expect("a note").contains("a part"),
        "{found:#}"
    );
    assert_eq!(found["head"]["seq"], header["last"]);

    let about = export(&tenant, &["--guest", &id]).await;
    tenant.write("about", &about);
    let found = verified(&tenant.path("about"), &[], 0);
    assert!(found["entries"].as_u64() > Some(5), "{found:#}");
    let lines: Vec<&str> = about.lines().collect();
    let third: Value = serde_json::from_str(lines[3]).expect("JSON");
    let without = [&lines[..3], &lines[4..]].concat().join("\n");
    tenant.write("about", &without);
    let found = verified(&tenant.path("about"), &[], 1);
    assert_eq!(found["broken"]["entry"], third["seq"], "{found:#}");
}

#[tokio::test]
async fn anchors_find_a_journal_that_was_rewritten_as_a_whole() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    let hook = wire::Hook::listen().await;
    let url = hook.url.clone();
    tenant
        .configure(move |config| {
            format!(
                "{config}\n[journal]\nanchor_file = \"anchors.jsonl\"\nanchor_url = \"{url}\"\n"
            )
        })
        .await;
    tenant.apply().await;
    tenant.pass_days(16).await;
    tenant.apply().await;
    let anchors = tenant.path("anchors.jsonl");
    let written = std::fs::read_to_string(&anchors).expect("anchors");
    let told: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(told.len(), 2, "{written}");
    assert_eq!(hook.told(), told, "the webhook is told the same");
    let anchors = anchors.to_str().expect("a path");
    let all = tenant
        .json(&["journal", "verify", "--anchor", anchors])
        .await;
    assert_eq!(
        (&all[0]["intact"], &all[0]["anchors"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(all[0]["head"]["hash"], told[1]["hash"]);

    let text = export(&tenant, &[]).await;
    tenant.write("journal.jsonl", &text);
    let export = tenant.path("journal.jsonl");
    let found = verified(&export, &["--anchor", anchors], 0);
    assert_eq!(found["anchors"], 2, "{found:#}");

    // The last entries are cut off, and the head is put back: of itself that is a whole journal.
    damage(&tenant, "DELETE FROM journal WHERE seq > 3").await;
    damage(
        &tenant,
        "UPDATE journal_heads SET seq = 3, hash = (SELECT hash FROM journal WHERE seq = 3)",
    )
    .await;
    let output = tenant.run(&["journal", "verify"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    let output = tenant
        .run(&["journal", "verify", "--anchor", anchors])
        .await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(
        shown(&output).contains("entry 4 is missing"),
        "{}",
        shown(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_tells_the_log_the_head_after_each_cycle() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    let daemon = Daemon::start(&tenant);
    let told = daemon.wait_for("the journal's head");
    assert!(daemon.stop("TERM").success());
    let all = tenant.json(&["journal", "verify"]).await;
    for key in ["seq", "hash"] {
        assert_eq!(all[0]["head"][key], told["fields"][key], "{told:#}");
    }
}

#[tokio::test]
async fn an_anchor_that_cannot_be_written_is_a_warning() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    tenant
        .configure(|config| {
            format!(
                "{config}\n[journal]\nanchor_file = \"no/such/folder\"\nanchor_url = \"http://127.0.0.1:1/s3cret\"\n"
            )
        })
        .await;
    let output = tenant.run(&["apply"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    let told = shown(&output);
    assert!(
        told.contains("journal.anchor_file") && told.contains("journal.anchor_url"),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_hangs_holds_neither_the_work_nor_a_stop() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 100).await;
    // A file whose other end nobody reads, and a webhook that hears and says nothing.
    let file = tenant.path("anchors.fifo");
    let made = Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo exists").success());
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let silent = silent.expect("a port");
    let address = silent.local_addr().expect("its address");
    tenant
        .configure(move |config| {
            format!(
                "{config}\n[journal]\nanchor_file = \"anchors.fifo\"\nanchor_url = \"http://{address}/\"\n"
            )
        })
        .await;
    let daemon = Daemon::start(&tenant);
    let (_heard, _) = silent.accept().await.expect("it calls");
    let told = daemon.stop_and_tell();
    for key in ["journal.anchor_file", "journal.anchor_url"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    assert!(told.contains("innkeeper has stopped"), "{told}");
}

#[tokio::test]
async fn the_personal_data_of_a_removed_guest_is_erased_and_the_journal_stays_whole() {
    let (tenant, id, active) = removed().await;
    let before = tenant.json(&["guests", "show", &id]).await;
    assert_eq!(before["mail"], "ann@partner.example");
    tenant
        .configure(|config| {
            format!("{config}\n[retention]\nobservations_days = 30\nremoved_guests_days = 31\n")
        })
        .await;
    pass_days(&tenant, 40, &active).await;
    tenant.apply().await;
    let after = tenant.json(&["guests", "show", &id]).await;
    assert_eq!(
        (&after["mail"], &after["upn"], &after["display_name"]),
        (&Value::Null, &json!("erased"), &Value::Null)
    );
    let url = format!("sqlite://{}", tenant.path("innkeeper.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a database");
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    checkpoint
        .execute(&mut connection)
        .await
        .expect("everything is in the file");
    connection.close().await.expect("closed");
    let bytes = std::fs::read(tenant.path("innkeeper.db")).expect("a file");
    let mail = b"ann@partner.example";
    let left = bytes.windows(mail.len()).filter(|bytes| bytes == mail);
    assert_eq!(left.count(), 0, "nothing is left between the rows");
    let all = tenant.json(&["journal", "verify"]).await;
    assert_eq!(all[0]["intact"], true, "{all:#}");
    let text = export(&tenant, &[]).await;
    assert!(!text.contains("operators@contoso.example"), "{text}");
    tenant.write("journal.jsonl", &text);
    assert_eq!(
        verified(&tenant.path("journal.jsonl"), &[], 0)["intact"],
        true
    );
    let about = export(&tenant, &["--guest", &id]).await;
    tenant.write("about.jsonl", &about);
    assert_eq!(
        verified(&tenant.path("about.jsonl"), &[], 0)["intact"],
        true
    );
}

#[tokio::test]
async fn a_guests_report_has_everything_with_its_proof_and_no_way_out_for_a_hostile_name() {
    let (tenant, id, _) = removed().await;
    let report = tenant.json(&["report", "guest", &id]).await;
    assert_eq!(report["guest"]["mail"], "ann@partner.example");
    assert_eq!(report["cases"][0]["rule"], "inactive");
    assert_eq!(
        report["cases"][0]["done"],
        json!(["notify", "disable", "delete"])
    );
    let actions = report["actions"].as_array().expect("a list");
    let calls: Vec<_> = actions
        .iter()
        .map(|action| &action["call"]["call"])
        .collect();
    assert_eq!(calls, ["notify", "disable", "delete"]);
    let request_id = &actions[2]["outcome"]["request_id"];
    assert!(request_id.is_string(), "{report:#}");
    assert_eq!(report["proof"]["intact"], true);
    let journal = report["journal"].as_array().expect("a list");
    assert!(journal.iter().all(|entry| entry["hash"].is_string()));
    assert!(
        journal
            .iter()
            .any(|entry| entry["event"]["kind"] == "intended"
                && entry["event"]["call"]["to"] == json!(["operators@contoso.example"])),
        "{report:#}"
    );

    let hostile = tenant.add_guest("mallory", 1).await;
    let name = json!({ "display_name": "<img src=x onerror=alert(1)>\u{202e}" });
    tenant
        .control(Method::PATCH, &format!("users/{hostile}"), Some(name))
        .await;
    tenant.apply().await;
    let page = tenant.run(&["report", "guest", &hostile]).await;
    let page = String::from_utf8(page.stdout).expect("text");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(!page.contains("<img") && page.contains("&lt;img"), "{page}");
    assert!(
        !page.contains("http://") && !page.contains("<script"),
        "{page}"
    );

    let file = tenant.path("ann.html");
    let out = file.to_str().expect("a path");
    let output = tenant
        .run(&["report", "guest", &id, "--format", "html", "--out", out])
        .await;
    assert!(output.status.success(), "{}", shown(&output));
    let page = std::fs::read_to_string(&file).expect("a page");
    let request_id = request_id.as_str().expect("a text");
    assert!(
        page.contains(request_id) && page.contains("is intact"),
        "{page}"
    );
    damage(
        &tenant,
        "UPDATE journal SET body = body || ' ' WHERE seq = 2",
    )
    .await;
    let page = tenant.run(&["report", "guest", &id]).await;
    assert!(
        shown(&page).contains("is BROKEN: entry 2"),
        "{}",
        shown(&page)
    );
}

#[tokio::test]
async fn a_periods_report_tells_who_was_removed_and_who_was_kept_and_why() {
    let (tenant, id, _) = removed().await;
    let kept = tenant.add_guest("vip", 200).await;
    let gone = tenant.add_guest("gone", 1).await;
    let policy = format!(
        "[[protect]]\nname = \"vips\"\nwhen = 'guest.mail == \"vip@partner.example\"'\n{POLICY}shrink_percent = 90\n"
    );
    tenant.write("policy.toml", &policy);
    tenant.apply().await;
    tenant
        .control(
            Method::PATCH,
            &format!("users/{gone}"),
            Some(json!({ "user_type": "Member" })),
        )
        .await;
    tenant.apply().await;
    let period = [
        "report",
        "period",
        "--from",
        "2027-01-01",
        "--to",
        "2027-03-31",
    ];
    let report = tenant.json(&period).await;
    let lists = &report["lists"];
    for (list, guest, by) in [
        ("removed", &id, "Innkeeper, by the rule \"inactive\""),
        ("disabled", &id, "Innkeeper, by the rule \"inactive\""),
        ("removed-by-others", &gone, "somebody in the directory"),
        ("kept", &kept, "the protection \"vips\""),
    ] {
        assert_eq!(report["counts"][list], 1, "{list}: {report:#}");
        assert_eq!(lists[list][0]["guest_id"], guest.as_str(), "{report:#}");
        assert_eq!(lists[list][0]["by"], by, "{report:#}");
    }
    assert_eq!(lists["kept"][0]["rule"], "inactive");
    assert!(lists["removed"][0]["request_id"].is_string(), "{report:#}");
    assert_eq!(report["intact"], true);
    let before = [
        "report",
        "period",
        "--from",
        "2026-01-01",
        "--to",
        "2026-12-31",
    ];
    assert_eq!(tenant.json(&before).await["counts"]["removed"], 0);
    let csv = tenant
        .run(&[&period[..], &["--output", "csv"]].concat())
        .await;
    let csv = String::from_utf8(csv.stdout).expect("text");
    assert!(
        csv.starts_with("what,guest_id,display_name,mail,upn,rule,by,at,detail,until,reason,request_id,client_request_id\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let page = tenant.run(&period).await;
    let page = String::from_utf8(page.stdout).expect("text");
    assert!(page.contains("Kept although a rule holds (1)"), "{page}");
    let output = tenant
        .run(&[
            "report",
            "period",
            "--from",
            "2027-02-01",
            "--to",
            "2027-01-01",
        ])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
}

/// A webhook.
mod wire {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    pub struct Hook {
        pub url: String,
        told: Arc<Mutex<Vec<Value>>>,
    }

    impl Hook {
        pub async fn listen() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("its address");
            let told = Arc::new(Mutex::new(Vec::new()));
            let heard = told.clone();
            #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
            tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let body = taken(client).await;
                    heard.lock().expect("no panic").push(body);
                }
            });
            Self {
                url: format!("http://{address}/anchors?key=1"),
                told,
            }
        }

        pub fn told(&self) -> Vec<Value> {
            self.told.lock().expect("no panic").clone()
        }
    }

    async fn taken(mut client: TcpStream) -> Value {
        let mut text = String::new();
        loop {
            let mut part = [0; 1024];
            let read = client.read(&mut part).await.expect("a request");
            text += std::str::from_utf8(&part[..read]).expect("text");
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
            if let Some(body) = body.and_then(|body| serde_json::from_str(body).ok()) {
                assert!(text.starts_with("POST /anchors?key=1 "), "{text}");
                let answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                client.write_all(answer.as_bytes()).await.expect("told");
                return body;
            }
        }
    }
}
