//! `POST /users/{id}/sendMail`: accepted for delivery, and kept in the outbox.

use serde_json::Value;

use super::{Call, users};
use crate::reply::{Outcome, Reply};
use crate::tenant::{Mail, Origin, UserType, WriteKind};
use crate::world::World;

pub(super) fn send(world: &mut World, call: &Call<'_>, key: &str) -> Outcome {
    let no_mailbox = || {
        Reply::error(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    };
    let ix = users::find(world, key).map_err(|_| no_mailbox())?;
    let user = world.tenant.directory.user(ix);
    let has_mailbox = user.origin == Origin::Internal && user.user_type == UserType::Member;
    if !has_mailbox {
        return Err(no_mailbox());
    }
    let id = user.id;
    // The metadata spells the parameter `Message`, every sample of the documentation `message`.
    let mut parameters = call.body.as_object().into_iter().flatten();
    let (_, message) = parameters
        .find(|(name, _)| name.eq_ignore_ascii_case("message"))
        .ok_or_else(|| Reply::error(400, "ErrorInvalidRequest", "The message is missing."))?;
    let text = |pointer: &str| {
        message
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let addresses = |list: &str| -> Vec<String> {
        let items = message
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items
            .filter_map(|item| {
                item.pointer("/emailAddress/address")
                    .and_then(Value::as_str)
            })
            .map(str::to_owned)
            .collect()
    };
    let mail = Mail {
        from: world.tenant.directory.mail(ix),
        to: addresses("toRecipients"),
        cc: addresses("ccRecipients"),
        bcc: addresses("bccRecipients"),
        subject: text("/subject"),
        content_type: text("/body/contentType"),
        content: text("/body/content"),
        by: call.caller.clone(),
    };
    if mail.to.is_empty() && mail.cc.is_empty() && mail.bcc.is_empty() {
        return Err(Reply::error(
            400,
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid.",
        ));
    }
    world.tenant.outbox.push(mail);
    world
        .tenant
        .note(WriteKind::SendMail, id, None, true, &call.caller);
    Ok(Reply::empty(202))
}
