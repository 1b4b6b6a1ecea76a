//! What the cycle needs of a directory. Reading and writing are two handles, so that a cycle without a writer
//! cannot write: that is all that a dry run is.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use innkeeper_domain::access::{Assignment, Held, RoleNames};
use innkeeper_domain::app_role::{AssignmentId, Assignments};
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_domain::mark::{Extension, MarkAttribute};
use innkeeper_domain::observation::SecretEnd;
use innkeeper_domain::snapshot::{AppRole, Holdings};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_graph::{
    Audited, ChangePage, ChangesSince, Depth, Done, GraphError, GroupChange, GuestPage, Invited,
    Lists, Looked, Lost, Mail, Organization, Reader, Requests, Reread, SponsorPage, UserChange,
    WriteError, Writer,
};
use uuid::Uuid;

/// Reads a directory. Each method reads everything or fails; none ever answers with half.
pub trait ReadDirectory: Send + Sync {
    /// What the directory's clock shows, by its newest answer.
    fn server_clock(&self) -> Option<DateTime<Utc>>;
    /// How much was asked of it so far.
    fn requests(&self) -> Requests;
    /// The application permissions that it is read with.
    fn roles(&self) -> impl Future<Output = Result<BTreeSet<String>, GraphError>> + Send;
    /// When the client secret in use ends, which is read with a permission that hardly anything else needs.
    fn own_secret_end(
        &self,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<SecretEnd>, GraphError>> + Send;
    /// Which properties of a guest are read: what was read with others is not gone on with.
    fn selected(&self) -> String;
    /// How many guests the directory counts.
    fn guest_count(&self) -> impl Future<Output = Result<u64, GraphError>> + Send;
    /// Every guest with its sign-in times, page by page; or those from a place on that an earlier reading came to.
    fn guests_from(
        &self,
        place: Option<&str>,
    ) -> impl Stream<Item = Result<GuestPage, GraphError>> + Send;
    /// A point from which the changes of users can be read.
    fn users_from_now(&self) -> impl Future<Output = Result<ChangesSince, GraphError>> + Send;
    /// Points from which the changes of these groups' members can be read.
    fn members_from_now(
        &self,
        groups: &[GroupId],
    ) -> impl Future<Output = Result<Vec<ChangesSince>, GraphError>> + Send;
    /// The changes of users since then, page by page.
    fn user_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<UserChange>, Lost>, GraphError>> + Send;
    /// The changes of groups' members since then, page by page.
    fn member_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<GroupChange>, Lost>, GraphError>> + Send;
    /// Every guest's sponsors, page by page; about so many guests are there.
    fn sponsors(&self, guests: u64) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send;
    /// The sponsors of each of these guests by itself; who is not there is left out.
    fn sponsors_of_each(
        &self,
        guests: &[GuestId],
    ) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send;
    /// The group with this id or exact name.
    fn find_group(&self, key: &str) -> impl Future<Output = Result<Found, GraphError>> + Send;
    /// A group's direct members that are users, page by page.
    fn members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send;
    /// A group's owners.
    fn owners(
        &self,
        group: GroupId,
    ) -> impl Future<Output = Result<Vec<Sponsor>, GraphError>> + Send;
    /// Every principal that a directory role is assigned to, with the role's name.
    fn role_holders(
        &self,
    ) -> impl Future<Output = Result<Vec<(GuestId, String)>, GraphError>> + Send;
    /// The tenant itself, with what it has licences for.
    fn organization(&self) -> impl Future<Output = Result<Organization, GraphError>> + Send;
    /// The directory roles that may be activated, by whom.
    fn eligible_roles(&self) -> impl Future<Output = Result<Lists<String>, GraphError>> + Send;
    /// The same of a few: an answer for each.
    fn eligible_roles_of(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Lists<String>, GraphError>> + Send;
    /// All assignments of access packages, by whom they are given to.
    fn access_packages(&self)
    -> impl Future<Output = Result<Lists<Assignment>, GraphError>> + Send;
    /// The same of a few: an answer for each.
    fn access_packages_of(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Lists<Assignment>, GraphError>> + Send;
    /// The running access reviews that act by themselves, by whom they decide on.
    fn access_reviews(&self) -> impl Future<Output = Result<Lists<String>, GraphError>> + Send;
    /// The groups that each of a few guests is the only owner of: an answer for each that is there.
    fn sole_owned(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Lists<String>, GraphError>> + Send;
    /// Users in a group however deeply, page by page.
    fn nested_members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send;
    /// Those of these groups that each of a few guests is in, however deeply: an answer for each that is there.
    fn nested_in(
        &self,
        guests: &[GuestId],
        groups: &BTreeSet<GroupId>,
    ) -> impl Future<Output = Result<Lists<GroupId>, GraphError>> + Send;
    /// The directory roles that each of a few guests holds in whatever scope, and the role-assignable groups that it owns:
    /// an answer for each that is there.
    fn privileges_of(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Lists<String>, GraphError>> + Send;
    /// Whether each of these sponsors is in a group, however deeply: an answer for each that is there.
    fn sponsors_in(
        &self,
        sponsors: &BTreeMap<SponsorId, SponsorKind>,
        group: GroupId,
    ) -> impl Future<Output = Result<BTreeMap<SponsorId, bool>, GraphError>> + Send;
    /// What each of a few guests holds in applications and groups; those who are not there are left out.
    fn held(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<BTreeMap<GuestId, Held>, GraphError>> + Send;
    /// The names of the roles that each of these applications defines.
    fn role_names(
        &self,
        applications: &[Uuid],
    ) -> impl Future<Output = Result<RoleNames, GraphError>> + Send;
    /// Successful sign-ins since then that the log has, of anybody, page by page.
    fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send;
    /// The same between two times.
    fn signed_in_between(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send;
    /// When anybody last signed in, or failed to, as the log has it; `None` where it has nothing.
    fn newest_sign_in(
        &self,
    ) -> impl Future<Output = Result<Option<DateTime<Utc>>, GraphError>> + Send;
    /// Those of these users that are there.
    fn people(
        &self,
        ids: &[SponsorId],
    ) -> impl Future<Output = Result<Vec<Sponsor>, GraphError>> + Send;
    /// Those of these users that are not there: deleted, or for good.
    fn gone(
        &self,
        ids: &[SponsorId],
    ) -> impl Future<Output = Result<Vec<SponsorId>, GraphError>> + Send;
    /// The managers of these users: of each the manager, or that it has none.
    fn managers(
        &self,
        of: &[Uuid],
    ) -> impl Future<Output = Result<Vec<(Uuid, Option<Sponsor>)>, GraphError>> + Send;
    /// Everything in a group, nested groups included.
    fn everybody_in(
        &self,
        group: GroupId,
    ) -> impl Future<Output = Result<Vec<SponsorId>, GraphError>> + Send;
    /// Invitations since then that the audit log has, page by page.
    fn invited_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<Invited>, GraphError>> + Send;
    /// What was done to users since then by one kind of activity, as the audit log tells.
    fn audited(
        &self,
        activity: &str,
        since: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Audited>, GraphError>> + Send;
    /// What is assigned to a few guests: one answer for each, in their order.
    fn holdings(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Vec<Holdings>, GraphError>> + Send;
    /// The roles in applications of a few guests: one answer for each, in their order.
    fn app_roles(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<Vec<Assignments>, GraphError>> + Send;
    /// What stands in the attributes of a few guests; those who are not there are left out.
    fn extensions(
        &self,
        guests: &[GuestId],
    ) -> impl Future<Output = Result<BTreeMap<GuestId, Extension>, GraphError>> + Send;
    /// A fresh look at a few guests: one answer for each.
    fn reread(
        &self,
        guests: &[GuestId],
        depth: Depth,
    ) -> impl Future<Output = Result<Vec<Reread>, GraphError>> + Send;
    /// The same, with when it was asked for.
    fn look(
        &self,
        guests: &[GuestId],
        depth: Depth,
    ) -> impl Future<Output = Result<Looked, GraphError>> + Send;
}

/// Writes to a directory.
pub trait WriteDirectory: Send + Sync {
    /// The same for one intent: what it sends can be found again by this id, whatever the answer.
    #[must_use]
    fn sent_as(&self, id: Uuid) -> Self;
    /// Disables an account.
    fn disable(&self, guest: GuestId) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Enables an account.
    fn enable(&self, guest: GuestId) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Writes a text into an attribute, or clears it.
    fn set_attribute(
        &self,
        guest: GuestId,
        attribute: MarkAttribute,
        value: Option<&str>,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Deletes an account; Entra keeps it for 30 days.
    fn delete(&self, guest: GuestId) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Has the invitation sent again to a guest that has not redeemed it.
    fn resend_invitation(
        &self,
        guest: GuestId,
        to: &str,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Takes a role in an application from a guest.
    fn remove_app_role(
        &self,
        guest: GuestId,
        assignment: &AssignmentId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Assigns a role in an application to a guest.
    fn add_app_role(
        &self,
        guest: GuestId,
        app_role: &AppRole,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Takes a guest out of a group.
    fn remove_from_group(
        &self,
        group: GroupId,
        guest: GuestId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Brings a deleted account back.
    fn restore(&self, guest: GuestId) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Makes a guest a member of a group.
    fn add_to_group(
        &self,
        group: GroupId,
        guest: GuestId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Gives a guest a sponsor.
    fn add_sponsor(
        &self,
        guest: GuestId,
        sponsor: SponsorId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Takes a sponsor from a guest that Innkeeper had given it.
    fn remove_sponsor(
        &self,
        guest: GuestId,
        sponsor: SponsorId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;

    /// Gives a guest its manager.
    fn set_manager(
        &self,
        guest: GuestId,
        manager: SponsorId,
    ) -> impl Future<Output = Result<Done, WriteError>> + Send;
    /// Sends mail.
    fn send_mail(&self, mail: &Mail) -> impl Future<Output = Result<Done, WriteError>> + Send;
}

impl ReadDirectory for Reader {
    fn server_clock(&self) -> Option<DateTime<Utc>> {
        Self::server_clock(self)
    }

    fn requests(&self) -> Requests {
        Self::requests(self)
    }

    async fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        Self::roles(self).await
    }

    async fn own_secret_end(&self, now: DateTime<Utc>) -> Result<Option<SecretEnd>, GraphError> {
        Self::own_secret_end(self, now).await
    }

    fn selected(&self) -> String {
        Self::selected(self)
    }

    async fn guest_count(&self) -> Result<u64, GraphError> {
        Self::guest_count(self).await
    }

    fn guests_from(
        &self,
        place: Option<&str>,
    ) -> impl Stream<Item = Result<GuestPage, GraphError>> + Send {
        Self::guests_from(self, place)
    }

    async fn users_from_now(&self) -> Result<ChangesSince, GraphError> {
        Self::users_from_now(self).await
    }

    async fn members_from_now(&self, groups: &[GroupId]) -> Result<Vec<ChangesSince>, GraphError> {
        Self::members_from_now(self, groups).await
    }

    fn user_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<UserChange>, Lost>, GraphError>> + Send {
        Self::user_changes(self, since)
    }

    fn member_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<GroupChange>, Lost>, GraphError>> + Send {
        Self::member_changes(self, since)
    }

    fn sponsors(&self, guests: u64) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send {
        Self::sponsors(self, guests)
    }

    fn sponsors_of_each(
        &self,
        guests: &[GuestId],
    ) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send {
        Self::sponsors_of_each(self, guests)
    }

    async fn find_group(&self, key: &str) -> Result<Found, GraphError> {
        Self::find_group(self, key).await
    }

    fn members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send {
        Self::members(self, group)
    }

    async fn owners(&self, group: GroupId) -> Result<Vec<Sponsor>, GraphError> {
        Self::owners(self, group).await
    }

    async fn role_holders(&self) -> Result<Vec<(GuestId, String)>, GraphError> {
        Self::role_holders(self).await
    }

    async fn organization(&self) -> Result<Organization, GraphError> {
        Self::organization(self).await
    }

    async fn eligible_roles(&self) -> Result<Lists<String>, GraphError> {
        Self::eligible_roles(self).await
    }

    async fn eligible_roles_of(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        Self::eligible_roles_of(self, guests).await
    }

    async fn access_packages(&self) -> Result<Lists<Assignment>, GraphError> {
        Self::access_packages(self).await
    }

    async fn access_packages_of(
        &self,
        guests: &[GuestId],
    ) -> Result<Lists<Assignment>, GraphError> {
        Self::access_packages_of(self, guests).await
    }

    async fn access_reviews(&self) -> Result<Lists<String>, GraphError> {
        Self::access_reviews(self).await
    }

    async fn sole_owned(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        Self::sole_owned(self, guests).await
    }

    fn nested_members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send {
        Self::nested_members(self, group)
    }

    async fn nested_in(
        &self,
        guests: &[GuestId],
        groups: &BTreeSet<GroupId>,
    ) -> Result<Lists<GroupId>, GraphError> {
        Self::nested_in(self, guests, groups).await
    }

    async fn privileges_of(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        Self::privileges_of(self, guests).await
    }

    async fn sponsors_in(
        &self,
        sponsors: &BTreeMap<SponsorId, SponsorKind>,
        group: GroupId,
    ) -> Result<BTreeMap<SponsorId, bool>, GraphError> {
        Self::sponsors_in(self, sponsors, group).await
    }

    async fn held(&self, guests: &[GuestId]) -> Result<BTreeMap<GuestId, Held>, GraphError> {
        Self::held(self, guests).await
    }

    async fn role_names(&self, applications: &[Uuid]) -> Result<RoleNames, GraphError> {
        Self::role_names(self, applications).await
    }

    fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send {
        Self::signed_in_since(self, since)
    }

    fn signed_in_between(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send {
        Self::signed_in_between(self, since, until)
    }

    async fn newest_sign_in(&self) -> Result<Option<DateTime<Utc>>, GraphError> {
        Self::newest_sign_in(self).await
    }

    async fn people(&self, ids: &[SponsorId]) -> Result<Vec<Sponsor>, GraphError> {
        Self::people(self, ids).await
    }

    async fn gone(&self, ids: &[SponsorId]) -> Result<Vec<SponsorId>, GraphError> {
        Self::gone(self, ids).await
    }

    async fn managers(&self, of: &[Uuid]) -> Result<Vec<(Uuid, Option<Sponsor>)>, GraphError> {
        Self::managers(self, of).await
    }

    async fn everybody_in(&self, group: GroupId) -> Result<Vec<SponsorId>, GraphError> {
        Self::everybody_in(self, group).await
    }

    fn invited_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<Invited>, GraphError>> + Send {
        Self::invited_since(self, since)
    }

    async fn audited(
        &self,
        activity: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<Audited>, GraphError> {
        Self::audited(self, activity, since).await
    }

    async fn holdings(&self, guests: &[GuestId]) -> Result<Vec<Holdings>, GraphError> {
        Self::holdings(self, guests).await
    }

    async fn extensions(
        &self,
        guests: &[GuestId],
    ) -> Result<BTreeMap<GuestId, Extension>, GraphError> {
        Self::extensions(self, guests).await
    }

    async fn app_roles(&self, guests: &[GuestId]) -> Result<Vec<Assignments>, GraphError> {
        Self::app_roles(self, guests).await
    }

    async fn reread(&self, guests: &[GuestId], depth: Depth) -> Result<Vec<Reread>, GraphError> {
        Self::reread(self, guests, depth).await
    }

    async fn look(&self, guests: &[GuestId], depth: Depth) -> Result<Looked, GraphError> {
        Self::look(self, guests, depth).await
    }
}

impl WriteDirectory for Writer {
    fn sent_as(&self, id: Uuid) -> Self {
        Self::sent_as(self, id)
    }

    async fn disable(&self, guest: GuestId) -> Result<Done, WriteError> {
        Self::disable(self, guest).await
    }

    async fn enable(&self, guest: GuestId) -> Result<Done, WriteError> {
        Self::enable(self, guest).await
    }

    async fn set_attribute(
        &self,
        guest: GuestId,
        attribute: MarkAttribute,
        value: Option<&str>,
    ) -> Result<Done, WriteError> {
        Self::set_attribute(self, guest, attribute, value).await
    }

    async fn delete(&self, guest: GuestId) -> Result<Done, WriteError> {
        Self::delete(self, guest).await
    }

    async fn resend_invitation(&self, guest: GuestId, to: &str) -> Result<Done, WriteError> {
        Self::resend_invitation(self, guest, to).await
    }

    async fn remove_app_role(
        &self,
        guest: GuestId,
        assignment: &AssignmentId,
    ) -> Result<Done, WriteError> {
        Self::remove_app_role(self, guest, assignment).await
    }

    async fn add_app_role(&self, guest: GuestId, app_role: &AppRole) -> Result<Done, WriteError> {
        Self::add_app_role(self, guest, app_role).await
    }

    async fn remove_from_group(&self, group: GroupId, guest: GuestId) -> Result<Done, WriteError> {
        Self::remove_from_group(self, group, guest).await
    }

    async fn restore(&self, guest: GuestId) -> Result<Done, WriteError> {
        Self::restore(self, guest).await
    }

    async fn add_to_group(&self, group: GroupId, guest: GuestId) -> Result<Done, WriteError> {
        Self::add_to_group(self, group, guest).await
    }

    async fn add_sponsor(&self, guest: GuestId, sponsor: SponsorId) -> Result<Done, WriteError> {
        Self::add_sponsor(self, guest, sponsor).await
    }

    async fn remove_sponsor(&self, guest: GuestId, sponsor: SponsorId) -> Result<Done, WriteError> {
        Self::remove_sponsor(self, guest, sponsor).await
    }

    async fn set_manager(&self, guest: GuestId, manager: SponsorId) -> Result<Done, WriteError> {
        Self::set_manager(self, guest, manager).await
    }

    async fn send_mail(&self, mail: &Mail) -> Result<Done, WriteError> {
        Self::send_mail(self, mail).await
    }
}
