//! `sendMail` and the outbox.

use serde_json::{Value, json};

use crate::tenant::{START, Tenant, text};

fn message() -> Value {
    let address = |mail: &str| json!({ "emailAddress": { "address": mail } });
    json!({ "message": {
        "subject": "Your access ends",
        "body": { "contentType": "Text", "content": "On Friday." },
        "toRecipients": [address("ann@partner.example")],
        "ccRecipients": [address("sara@contoso.example"), address("oli@contoso.example")],
    }, "saveToSentItems": false })
}

#[tokio::test]
async fn a_mail_that_is_accepted_lies_in_the_outbox() {
    let tenant = Tenant::still(0).await;
    let sender = text(&tenant.tell("info").await["notify_sender"]);
    let path = format!("/users/{sender}/sendMail");
    let answer = tenant.post(&path, message()).await;
    assert_eq!((answer.status, &answer.body), (202, &Value::Null));
    let outbox = tenant.tell("outbox").await;
    assert_eq!(outbox.as_array().map(Vec::len), Some(1));
    for (property, value) in [
        ("at", json!(START)),
        ("sender", json!(sender)),
        ("to", json!(["ann@partner.example"])),
        ("cc", json!(["sara@contoso.example", "oli@contoso.example"])),
        ("bcc", json!([])),
        ("subject", json!("Your access ends")),
        ("content_type", json!("Text")),
        ("body", json!("On Friday.")),
    ] {
        assert_eq!(outbox[0][property], value, "{property}");
    }
    assert_eq!(tenant.writes().await.len(), 1);
    tenant.drive("POST", "reset", json!({})).await;
    assert_eq!(tenant.tell("outbox").await, json!([]));
    assert!(tenant.writes().await.is_empty());
}

#[tokio::test]
async fn a_sender_without_a_mailbox_is_not_found() {
    let tenant = Tenant::still(0).await;
    let guest = tenant.add_guest("ann").await;
    for sender in ["nobody@contoso.example", &guest] {
        let path = format!("/users/{sender}/sendMail");
        let answer = tenant.post(&path, message()).await;
        assert_eq!(answer.refusal(), (404, "MailboxNotEnabledForRESTAPI"));
    }
    assert_eq!(tenant.tell("outbox").await, json!([]));
}

#[tokio::test]
async fn a_mail_to_nobody_is_refused() {
    let tenant = Tenant::still(0).await;
    let path = "/users/guests@contoso.example/sendMail";
    let nobody = json!({ "message": { "subject": "Hello", "toRecipients": [] } });
    let answer = tenant.post(path, nobody).await;
    assert_eq!(answer.refusal(), (400, "ErrorInvalidRecipients"));
    assert_eq!(tenant.post(path, json!({})).await.status, 400);
    assert_eq!(tenant.tell("outbox").await, json!([]));
}

#[tokio::test]
async fn the_parameters_are_named_as_in_the_samples_or_as_in_the_metadata() {
    let tenant = Tenant::still(0).await;
    let sender = text(&tenant.tell("info").await["notify_sender"]);
    let path = format!("/users/{sender}/sendMail");
    let body = json!({ "Message": message()["message"], "SaveToSentItems": true });
    assert_eq!(tenant.post(&path, body).await.status, 202);
    let outbox = tenant.tell("outbox").await;
    assert_eq!(outbox[0]["subject"], "Your access ends");
}
