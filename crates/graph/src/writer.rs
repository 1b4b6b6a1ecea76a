//! Writing to a tenant.
//!
//! Invariant: a write is repeated only where it certainly did not happen. Where Graph's answer is lost or says nothing,
//! [`WriteError::Unclear`] makes the caller look before anything else is done.

use std::sync::Arc;

use innkeeper_domain::app_role::AssignmentId;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_domain::mark::MarkAttribute;
use innkeeper_domain::snapshot::AppRole;
use reqwest::Method;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use crate::answer::{decode, malformed};
use crate::budget::Kind;
use crate::client::Connection;
use crate::error::WriteError;
use crate::request::Request;

/// Writes to a tenant.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(crate) connection: Arc<Connection>,
    pub(crate) sender: String,
    /// Where a guest comes to who accepts an invitation.
    pub(crate) redirect: Url,
    /// The `client-request-id` of what it sends.
    pub(crate) sent_as: Option<Uuid>,
}

/// Graph said that it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Graph's `request-id`.
    pub request_id: Option<String>,
}

/// A mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The addresses that it goes to.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

type Outcome = Result<Done, WriteError>;

impl Writer {
    /// The same, with another place where a guest comes to who accepts an invitation.
    #[must_use]
    pub fn inviting_to(self, redirect: Url) -> Self {
        Self { redirect, ..self }
    }

    /// The same, for one thing to be done: every attempt at it has this `client-request-id`, by which Microsoft finds it
    /// also where no answer came.
    #[must_use]
    pub fn sent_as(&self, id: Uuid) -> Self {
        Self {
            sent_as: Some(id),
            ..self.clone()
        }
    }

    /// `PATCH /users/{id}` with `accountEnabled: false`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn disable(&self, guest: GuestId) -> Outcome {
        self.set_enabled(guest, false).await
    }

    /// `PATCH /users/{id}` with `accountEnabled: true`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn enable(&self, guest: GuestId) -> Outcome {
        self.set_enabled(guest, true).await
    }

    async fn set_enabled(&self, guest: GuestId, enabled: bool) -> Outcome {
        let needs = "User.EnableDisableAccount.All";
        let request = self.connection.request(
            Method::PATCH,
            &["users", &guest.to_string()],
            "/users/{id}",
            needs,
        );
        self.send(Request {
            body: Some(json!({ "accountEnabled": enabled })),
            ..request
        })
        .await
    }

    /// `PATCH /users/{id}` with one of `onPremisesExtensionAttributes`; the others stay as they are. `None` clears it.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn set_attribute(
        &self,
        guest: GuestId,
        attribute: MarkAttribute,
        value: Option<&str>,
    ) -> Outcome {
        let request = self.connection.request(
            Method::PATCH,
            &["users", &guest.to_string()],
            "/users/{id}",
            "User.ReadWrite.All",
        );
        let attributes = Map::from_iter([(attribute.to_string(), json!(value))]);
        self.send(Request {
            body: Some(json!({ "onPremisesExtensionAttributes": attributes })),
            ..request
        })
        .await
    }

    /// `DELETE /users/{id}`: Entra keeps the account among the deleted ones for 30 days.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn delete(&self, guest: GuestId) -> Outcome {
        let segments = ["users", &guest.to_string()];
        self.send(self.connection.request(
            Method::DELETE,
            &segments,
            "/users/{id}",
            "User.DeleteRestore.All",
        ))
        .await
    }

    /// `POST /directory/deletedItems/{id}/restore`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn restore(&self, guest: GuestId) -> Outcome {
        let segments = ["directory", "deletedItems", &guest.to_string(), "restore"];
        self.send(self.connection.request(
            Method::POST,
            &segments,
            "/directory/deletedItems/{id}/restore",
            "User.DeleteRestore.All",
        ))
        .await
    }

    /// `DELETE /users/{id}/appRoleAssignments/{id}`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn remove_app_role(&self, guest: GuestId, assignment: &AssignmentId) -> Outcome {
        self.send(self.assignment(guest, assignment)).await
    }

    /// The request that removes an assignment. One segment less and it would be the user's whole list, three less the user:
    /// an [`AssignmentId`] is never empty and never leads elsewhere, and no such request is made in any other place.
    fn assignment(&self, guest: GuestId, assignment: &AssignmentId) -> Request {
        self.connection.request(
            Method::DELETE,
            &[
                "users",
                &guest.to_string(),
                "appRoleAssignments",
                &assignment.to_string(),
            ],
            "/users/{id}/appRoleAssignments/{id}",
            "AppRoleAssignment.ReadWrite.All",
        )
    }

    /// `POST /users/{id}/appRoleAssignments`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn add_app_role(&self, guest: GuestId, app_role: &AppRole) -> Outcome {
        let segments = ["users", &guest.to_string(), "appRoleAssignments"];
        let body = json!({
            "principalId": guest.0,
            "resourceId": app_role.resource,
            "appRoleId": app_role.role,
        });
        let request = self.connection.post(
            &segments,
            "/users/{id}/appRoleAssignments",
            "AppRoleAssignment.ReadWrite.All",
            body,
        );
        self.send(request).await
    }

    /// `POST /invitations` with the address of a guest that is there and has not redeemed: Microsoft sends it the
    /// invitation again, and the account stays the same.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear. That another account was invited is unclear too: the mail went out.
    pub async fn resend_invitation(&self, guest: GuestId, to: &str) -> Outcome {
        let body = json!({
            "invitedUserEmailAddress": to,
            "inviteRedirectUrl": self.redirect.as_str(),
            "sendInvitationMessage": true,
        });
        let request =
            self.connection
                .post(&["invitations"], "/invitations", "User.Invite.All", body);
        let request = Request {
            id: self.sent_as,
            ..request
        };
        let answer = self.connection.write(&request).await?;
        let invited: Value = decode(&request, &answer.body).map_err(WriteError::Unclear)?;
        let id = invited["invitedUser"]["id"].as_str();
        if id.is_some_and(|id| id.eq_ignore_ascii_case(&guest.to_string())) {
            Ok(Done {
                request_id: answer.request_id(),
            })
        } else {
            let why = "it is about another user than the one invited again";
            Err(WriteError::Unclear(malformed(&request, why)))
        }
    }

    /// `DELETE /groups/{id}/members/{id}/$ref`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn remove_from_group(&self, group: GroupId, guest: GuestId) -> Outcome {
        let parts = ["groups", &group.to_string(), "members", &guest.to_string()];
        let request = self.reference(
            parts,
            "/groups/{id}/members/{id}/$ref",
            "GroupMember.ReadWrite.All",
        );
        self.send(request).await
    }

    /// `POST /groups/{id}/members/$ref`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn add_to_group(&self, group: GroupId, guest: GuestId) -> Outcome {
        let segments = ["groups", &group.to_string(), "members", "$ref"];
        let body = json!({ "@odata.id": self.object(guest.0) });
        let needs = "GroupMember.ReadWrite.All";
        let request = self
            .connection
            .post(&segments, "/groups/{id}/members/$ref", needs, body);
        self.send(request).await
    }

    /// `POST /users/{id}/sponsors/$ref`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn add_sponsor(&self, guest: GuestId, sponsor: SponsorId) -> Outcome {
        let segments = ["users", &guest.to_string(), "sponsors", "$ref"];
        let body = json!({ "@odata.id": self.object(sponsor.0) });
        let request = self.connection.post(
            &segments,
            "/users/{id}/sponsors/$ref",
            "User.ReadWrite.All",
            body,
        );
        self.send(request).await
    }

    /// `DELETE /users/{id}/sponsors/{id}/$ref`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn remove_sponsor(&self, guest: GuestId, sponsor: SponsorId) -> Outcome {
        let parts = [
            "users",
            &guest.to_string(),
            "sponsors",
            &sponsor.to_string(),
        ];
        let request = self.reference(
            parts,
            "/users/{id}/sponsors/{id}/$ref",
            "User.ReadWrite.All",
        );
        self.send(request).await
    }

    /// `PUT /users/{id}/manager/$ref`.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn set_manager(&self, guest: GuestId, manager: SponsorId) -> Outcome {
        let request = self.connection.request(
            Method::PUT,
            &["users", &guest.to_string(), "manager", "$ref"],
            "/users/{id}/manager/$ref",
            "User.ReadWrite.All",
        );
        self.send(Request {
            body: Some(json!({ "@odata.id": self.object(manager.0) })),
            ..request
        })
        .await
    }

    /// The address by which a reference names an object.
    fn object(&self, id: Uuid) -> String {
        let id = id.to_string();
        let request = self.connection.get(&["directoryObjects", &id], "", "");
        request.url.to_string()
    }

    /// The request that removes a reference. Without `/$ref` Graph would delete the member or sponsor itself, so no such request is
    /// made anywhere else.
    fn reference(
        &self,
        [kind, id, relation, target]: [&str; 4],
        template: &'static str,
        needs: &'static str,
    ) -> Request {
        let segments = [kind, id, relation, target, "$ref"];
        self.connection
            .request(Method::DELETE, &segments, template, needs)
    }

    /// `POST /users/{sender}/sendMail`. Graph accepts it for delivery, which is not the same as delivering it.
    ///
    /// # Errors
    /// Whether it was refused, or whether it is unclear.
    pub async fn send_mail(&self, mail: &Mail) -> Outcome {
        let Mail { to, subject, text } = mail;
        let recipients: Vec<_> = to
            .iter()
            .map(|address| json!({ "emailAddress": { "address": address } }))
            .collect();
        let body = json!({
            "message": {
                "subject": subject,
                "body": { "contentType": "Text", "content": text },
                "toRecipients": recipients,
            },
            "saveToSentItems": true,
        });
        self.send(
            self.connection
                .post(
                    &["users", &self.sender, "sendMail"],
                    "/users/{sender}/sendMail",
                    "Mail.Send",
                    body,
                )
                .of_kind(Kind::Mail),
        )
        .await
    }

    async fn send(&self, request: Request) -> Outcome {
        let request = Request {
            id: self.sent_as,
            ..request
        };
        let answer = self.connection.write(&request).await?;
        Ok(Done {
            request_id: answer.request_id(),
        })
    }
}
