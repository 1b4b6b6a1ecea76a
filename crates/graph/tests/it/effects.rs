//! What becomes of writes, and of reads while connections break.

use innkeeper_graph::{Mail, WriteError};
use serde_json::json;

use crate::simulated::Simulated;
use crate::tenant::all;

#[tokio::test]
async fn what_is_written_takes_effect_once() {
    let tenant = Simulated::start().await;
    let live = tenant.live().await;
    let plain = live.iter().find(|(_, row)| {
        row["enabled"] == true && row["privileged"] == false && row["synced"] != true
    });
    let ann = *plain.expect("a guest").0;
    let bridge = tenant.group("Bridge", &[ann], &[]).await;
    let writer = tenant.writer().await;
    let before = tenant.written().await.len();
    let mail = Mail {
        to: vec!["sara@contoso.example".to_owned()],
        subject: "A guest".to_owned(),
        text: "Hello.\n".to_owned(),
    };
    let done = [
        writer.disable(ann).await,
        writer.enable(ann).await,
        writer.remove_from_group(bridge, ann).await,
        writer.delete(ann).await,
        writer.restore(ann).await,
        writer.send_mail(&mail).await,
    ];
    for outcome in done {
        assert!(outcome.expect("it is done").request_id.is_some());
    }
    let written = tenant.written().await.split_off(before);
    let kinds: Vec<&str> = written.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        "disable",
        "enable",
        "remove-member",
        "delete",
        "restore",
        "send-mail",
    ];
    assert_eq!(kinds, expected);
    assert!(written[..5].iter().all(|(_, target)| *target == ann));
    let outbox = tenant.get("outbox").await;
    assert_eq!(outbox[0]["to"], json!(["sara@contoso.example"]));
    assert_eq!(outbox[0]["body"], "Hello.\n");
    assert_eq!(
        all(tenant.reader().members(bridge))
            .await
            .expect("the members")
            .concat(),
        []
    );
}

#[tokio::test]
async fn connections_that_break_are_survived_while_reading() {
    let tenant = Simulated::start().await;
    for kind in ["drop", "truncate", "unavailable", "server_error"] {
        let fault = json!({ "kind": kind, "path": "/v1.0/users", "next": 1 });
        tenant.post("faults", &fault).await;
        let pages = all(tenant.reader().guests()).await.expect("the guests");
        let read: usize = pages.iter().map(|page| page.guests.len()).sum();
        assert_eq!(read, tenant.live().await.len(), "{kind}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unclear_and_made_once() {
    let tenant = Simulated::start().await;
    let ann = *tenant.live().await.keys().next().expect("a guest");
    let writer = tenant.writer().await;
    for kind in ["drop", "unavailable"] {
        let before = tenant.written().await.len();
        let fault = json!({ "kind": kind, "path": "/v1.0/users", "next": 1, "after_effect": true });
        tenant.post("faults", &fault).await;
        let outcome = writer.disable(ann).await;
        assert!(
            matches!(outcome, Err(WriteError::Unclear(_))),
            "{kind}: {outcome:?}"
        );
        assert_eq!(tenant.written().await.len(), before + 1, "{kind}");
    }
}
