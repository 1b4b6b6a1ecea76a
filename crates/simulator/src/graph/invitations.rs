//! `POST /invitations`: a new guest, or a guest that has not redeemed yet once more.

use serde_json::{Value, json};

use super::Call;
use crate::dice::Dice;
use crate::population::newcomer;
use crate::reply::{Outcome, Reply};
use crate::tenant::{
    CreationType, Habits, InvitationState, Mail, Origin, Persona, User, UserIx, WriteKind,
};
use crate::world::World;

/// Who signs what Microsoft sends.
const SENDER: &str = "invites@microsoft.com";

pub(super) fn invite(world: &mut World, call: &Call<'_>) -> Outcome {
    let text = |name: &str| {
        let text = call.body.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
            .ok_or_else(|| Reply::bad_request(format!("Property '{name}' is required.")))
    };
    let address = text("invitedUserEmailAddress")?;
    let redirect = text("inviteRedirectUrl")?;
    if !redirect.starts_with("https://") && !redirect.starts_with("http://") {
        return Err(Reply::bad_request("The invite redirect url is invalid."));
    }
    let Some((local, domain)) = address.split_once('@') else {
        return Err(Reply::bad_request(
            "The invited user email address is invalid.",
        ));
    };
    if local.is_empty() || domain.is_empty() {
        return Err(Reply::bad_request(
            "The invited user email address is invalid.",
        ));
    }
    if domain.eq_ignore_ascii_case(&world.tenant.directory.domain) {
        let text =
            "The invited user email address is a verified domain of this directory.".to_owned();
        return Err(Reply::bad_request(text));
    }
    let sends = call.body.get("sendInvitationMessage") == Some(&Value::Bool(true));
    let (ix, is_new) = match with_address(world, address) {
        Some(ix) => (again(world, ix)?, false),
        None => (newly(world, call, address), true),
    };
    let id = world.tenant.directory.user(ix).id;
    if sends {
        world.tenant.outbox.push(Mail {
            from: SENDER.to_owned(),
            to: vec![address.to_owned()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: "You are invited to access applications".to_owned(),
            content_type: "Text".to_owned(),
            content: format!("Accept the invitation: {redirect}"),
            by: call.caller.clone(),
        });
    }
    world
        .tenant
        .note(WriteKind::Invite, id, None, is_new, &call.caller);
    let invitation = call.caller.request_id;
    Ok(Reply::json(
        201,
        json!({
            "@odata.context": format!("https://{}/v1.0/$metadata#invitations/$entity", call.host),
            "id": invitation,
            "inviteRedeemUrl": format!("https://login.microsoftonline.com/redeem?ticket={invitation}"),
            "invitedUserDisplayName": null,
            "invitedUserType": "Guest",
            "invitedUserEmailAddress": address,
            "sendInvitationMessage": sends,
            "resetRedemption": false,
            "inviteRedirectUrl": redirect,
            "status": "PendingAcceptance",
            "invitedUserMessageInfo": {
                "messageLanguage": null,
                "customizedMessageBody": null,
                "ccRecipients": [{ "emailAddress": { "name": null, "address": null } }],
            },
            "invitedUser": { "id": id },
        }),
    ))
}

fn with_address(world: &World, address: &str) -> Option<UserIx> {
    let directory = &world.tenant.directory;
    (0..directory.users.len())
        .map(UserIx::from_index)
        .find(|ix| {
            let user = directory.user(*ix);
            user.is_live()
                && user.origin == Origin::External
                && directory.mail(*ix).eq_ignore_ascii_case(address)
        })
}

/// Somebody who is there: only while the invitation is pending is it sent again.
fn again(world: &World, ix: UserIx) -> Result<UserIx, Reply> {
    let user = world.tenant.directory.user(ix);
    let there = format!(
        "The invited user already exists in the directory as object ID: {}.",
        user.id
    );
    if !user.enabled {
        return Err(Reply::bad_request(format!(
            "{there} They can use that account to sign in to shared apps and resources, but the account is blocked from signing in."
        )));
    }
    match user.state {
        Some(InvitationState::PendingAcceptance) => Ok(ix),
        Some(InvitationState::Accepted) | None => Err(Reply::bad_request(format!(
            "{there} They can use that account to sign in to shared apps and resources."
        ))),
    }
}

fn newly(world: &mut World, call: &Call<'_>, address: &str) -> UserIx {
    let number = world.tenant.directory.users.len() as u64;
    let mut dice = Dice::of(&[world.tenant.seed, 0x1a7, number]);
    let user = User {
        persona: Persona::Scripted,
        habits: Habits::default(),
        state: Some(InvitationState::PendingAcceptance),
        state_changed: Some(call.now),
        creation_type: Some(CreationType::Invitation),
        groups: Vec::new(),
        sponsors: Vec::new(),
        ..newcomer(&world.tenant, call.now, &mut dice)
    };
    let directory = &mut world.tenant.directory;
    let ix = directory.add_user(user);
    directory.user_mut(ix).extras_mut().mail = Some(address.to_owned());
    ix
}
