//! What is not death, and as bad: answers that are lost, a lease that is taken away, a second process, a full disk.

use std::path::PathBuf;
use std::process::{Command, Output};

use innkeeper_store::Store;
use innkeeper_testdb::postgres_url;
use serde_json::json;

use crate::eventful::{Account, Eventful, finish_cycle, tenant_id};
use crate::tenant::{innkeeper, shown};

const SQLITE: &str = "sqlite://innkeeper.db";

/// How it comes out where nothing goes wrong, and how many mails that takes.
async fn undisturbed(eventful: &mut Eventful) -> (Account, u32) {
    eventful.turn_back().await;
    eventful.tenant.apply().await;
    finish_cycle(eventful).await;
    eventful.account().await.without_mails()
}

async fn no_faults(eventful: &Eventful) {
    let nothing = None;
    eventful
        .tenant
        .control(reqwest::Method::DELETE, "faults", nothing)
        .await;
}

/// How far the journal has come: whatever is written to the store about a cycle is in it.
async fn journal_head(eventful: &Eventful) -> i64 {
    let store = Store::open(eventful.tenant.database())
        .await
        .expect("it opens");
    let mut tx = store.read().await.expect("it can be read");
    let (head, _) = tx.journal_head(tenant_id()).await.expect("a head");
    drop(tx);
    store.close().await;
    head
}

#[tokio::test]
async fn a_write_that_is_done_and_answered_503_or_not_at_all_is_not_done_again() {
    let mut eventful = Eventful::on(SQLITE.to_owned()).await;
    let (expected, mails) = undisturbed(&mut eventful).await;
    for kind in ["unavailable", "drop"] {
        for (method, path) in [
            ("PATCH", "/users/"),
            ("DELETE", "/"),
            ("POST", "/users/"),
            ("POST", "/invitations"),
        ] {
            eventful.turn_back().await;
            let fault =
                json!({ "kind": kind, "method": method, "path": path, "after_effect": true });
            eventful.tenant.post("faults", fault).await;
            eventful.tenant.run(&["apply"]).await;
            no_faults(&eventful).await;
            finish_cycle(&eventful).await;
            let (account, sent) = eventful.account().await.without_mails();
            assert_eq!(account, expected, "{kind} {method} {path}");
            let again = if method == "POST" { mails } else { 0 };
            assert!(
                sent <= mails + again,
                "{kind} {method} {path}: {sent} mails instead of {mails}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_lease_is_taken_in_the_middle_of_a_call_writes_nothing_more() {
    for database in [SQLITE.to_owned(), postgres_url().await] {
        let mut eventful = Eventful::on(database).await;
        let (expected, mails) = undisturbed(&mut eventful).await;
        for (method, point) in [("PATCH", "before"), ("PATCH", "after"), ("DELETE", "after")] {
            eventful.turn_back().await;
            let hold = json!({ "kind": "hold", "when": point, "method": method, "next": 1 });
            eventful.tenant.post("faults", hold).await;
            let child = eventful.tenant.start(&["apply"]);
            let held = eventful.tenant.get("held?wait=60").await;
            assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");

            eventful.give_the_lease_away().await;
            let head = journal_head(&eventful).await;
            no_faults(&eventful).await;
            let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
            let ended = ended.await.expect("no panic").expect("it ends");
            assert!(!ended.status.success(), "{}", shown(&ended));
            let said = "another process has taken over";
            assert!(shown(&ended).contains(said), "{}", shown(&ended));
            assert_eq!(journal_head(&eventful).await, head, "{method} {point}");

            eventful.let_the_lease_run_out().await;
            finish_cycle(&eventful).await;
            let (account, sent) = eventful.account().await.without_mails();
            assert_eq!(account, expected, "{method} {point}");
            // A notice and an invitation may have been under way: whether they went out, the loser could not write down.
            assert!(
                sent <= mails + 2,
                "{method} {point}: {sent} mails instead of {mails}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_at_once_each_thing_is_done_by_one() {
    for database in [SQLITE.to_owned(), postgres_url().await] {
        let mut eventful = Eventful::on(database).await;
        let (expected, mails) = undisturbed(&mut eventful).await;
        eventful.turn_back().await;
        for _ in 0..3 {
            let both = [(); 2].map(|()| eventful.tenant.start(&["apply"]));
            for child in both {
                let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
                let ended = ended.await.expect("no panic").expect("it ends");
                // Whoever waits too long for its turn says so, and has done nothing.
                let text = shown(&ended);
                assert!(ended.status.success() || text.contains("lease"), "{text}");
            }
        }
        finish_cycle(&eventful).await;
        let (account, sent) = eventful.account().await.without_mails();
        assert_eq!((account, sent), (expected, mails));
    }
}

/// Runs `apply` where no file can get larger than so many kibibytes, as on a disk that is full.
async fn apply_within(eventful: &Eventful, kibibytes: u64) -> Output {
    // A write beyond the limit fails, instead of ending the process by a signal.
    let limited = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kibibytes * 2);
    let config: PathBuf = eventful.tenant.path("innkeeper.toml");
    let mut command = Command::new("sh");
    command
        .args(["-c", &limited, "sh"])
        .arg(innkeeper())
        .arg("apply")
        .arg("--config")
        .arg(config)
        .env_clear();
    tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic")
        .expect("a shell")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_anywhere_in_a_cycle_loses_nothing_and_does_nothing_twice() {
    let mut eventful = Eventful::on(SQLITE.to_owned()).await;
    let (expected, mails) = undisturbed(&mut eventful).await;
    let (mut failed, mut limit) = (0, 16);
    loop {
        eventful.turn_back().await;
        let ended = apply_within(&eventful, limit).await;
        if ended.status.success() {
            break;
        }
        failed += 1;
        eventful.let_the_lease_run_out().await;
        finish_cycle(&eventful).await;
        let (account, sent) = eventful.account().await.without_mails();
        assert_eq!(account, expected, "{limit} KiB: {}", shown(&ended));
        assert!(
            sent <= mails + 1,
            "{limit} KiB: {sent} mails instead of {mails}"
        );
        limit += 48;
    }
    assert!(failed >= 5, "the disk was full {failed} times");
}
