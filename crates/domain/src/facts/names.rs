//! The names of the facts, and what each one means. The reference page and `policy check` are made from this.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a fact, in CEL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `int`.
    Int,
    /// `bool`.
    Bool,
    /// `string`.
    String,
    /// A list of strings.
    Strings,
    /// A list of sponsors.
    Sponsors,
    /// A list of projects.
    Projects,
    /// A list of roles in applications.
    AppRoles,
    /// A list of access packages.
    Packages,
}

impl Kind {
    /// The type as the documentation writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Strings => "list of string",
            Self::Sponsors => "list of sponsor",
            Self::Projects => "list of project",
            Self::AppRoles => "list of app role",
            Self::Packages => "list of access package",
        }
    }
}

macro_rules! facts {
    ($($variant:ident $name:literal $kind:ident $meaning:literal from $source:literal absent $absent:literal;)*) => {
        /// A fact about a guest.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FactName {
            $(#[doc = $meaning] $variant,)*
        }

        impl FactName {
            /// All of them, in the order of the reference page.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name after `guest.` in a condition.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its type.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// What it means, with its unit.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// Where it comes from.
            #[must_use]
            pub fn source(self) -> &'static str {
                match self { $(Self::$variant => $source,)* }
            }

            /// When it is absent.
            #[must_use]
            pub fn absent_when(self) -> &'static str {
                match self { $(Self::$variant => $absent,)* }
            }
        }
    };
}

facts! {
    InactiveDays "inactive_days" Int
        "Whole days since the newest known sign of life: sign-in (the last successful one; the last attempt where Entra records no success), redemption, invitation, restore, a sponsor's confirmation."
        from "user.signInActivity, externalUserStateChangeDateTime, createdDateTime; Innkeeper's own record of restores and confirmations"
        absent "the guest has redeemed, yet Graph gives no sign-in times; or a time known before is missing or went backwards";
    NeverSignedIn "never_signed_in" Bool
        "The guest has never signed in."
        from "user.signInActivity, externalUserState"
        absent "the guest has redeemed, yet Graph has never given a sign-in time: it does not tell never from unknown";
    PendingDays "pending_days" Int
        "Whole days that the invitation has not been redeemed, since it was sent or last confirmed; 0 once it is, and for accounts that were not invited."
        from "user.externalUserState, externalUserStateChangeDateTime, createdDateTime"
        absent "Graph gives no date of the invitation, or a state that Innkeeper does not know";
    ExpiresInDays "expires_in_days" Int
        "Days until the guest's stay ends; negative once past. The first source that says anything counts: a person, the attribute, the end of the last access package, the end of the last project, the longest stay."
        from "innkeeper guests expire; user.employeeLeaveDateTime or an extension attribute, as [expiry] says; the access packages, where [expiry] says so; the projects; max_stay after the redemption or the last confirmation"
        absent "no source says anything; or one that might was not read (as access packages without the licence), is no date, or is a project whose group was not found";
    ExpiresBy "expires_by" String
        "Which source expires_in_days comes from: \"person\", \"attribute\", \"access-package\", \"projects\" or \"max-stay\"."
        from "as expires_in_days"
        absent "as expires_in_days";
    LastSeenBy "last_seen_by" String
        "What showed the last sign of life: \"sign-in\", \"attempt\", \"sign-in-log\", \"redemption\", \"invitation\", \"creation\", \"restore\" or \"confirmation\"."
        from "as inactive_days"
        absent "as inactive_days";
    RedeemedOn "redeemed_on" String
        "The day on which the invitation was redeemed (UTC), such as \"2027-03-31\"; days written so can be compared with < and >."
        from "user.externalUserState, externalUserStateChangeDateTime"
        absent "the guest has not redeemed, or was not invited; Graph gives no date, or a state that Innkeeper does not know";
    RedeemedDays "redeemed_days" Int
        "Whole days since the invitation was redeemed."
        from "user.externalUserState, externalUserStateChangeDateTime"
        absent "as redeemed_on";
    RestoredDaysAgo "restored_days_ago" Int
        "Whole days since somebody brought the account back: restored it, or enabled what Innkeeper had disabled."
        from "Innkeeper's own record of restores"
        absent "nobody ever did";
    DisabledByInnkeeperDays "disabled_by_innkeeper_days" Int
        "Whole days since Innkeeper disabled the account, as long as that is why it is disabled."
        from "Innkeeper's own record"
        absent "Innkeeper has not disabled it";
    PreviousCases "previous_cases" Int
        "How many cases of the guest have closed, under any rule."
        from "Innkeeper's own record"
        absent "never";
    Attested "attested" Bool
        "Somebody answerable for the guest said that it is still needed, and did not take that back since, nor say so only until a day that is over."
        from "the answers to notices, innkeeper guests attest"
        absent "never";
    AttestedDaysAgo "attested_days_ago" Int
        "Whole days since somebody answerable for the guest last said that it is still needed."
        from "as attested"
        absent "nobody ever did, or only until a day that is over";
    AttestedBy "attested_by" String
        "Who said so last: an address, or the name given to innkeeper guests attest."
        from "as attested"
        absent "as attested_days_ago";
    LetGo "let_go" Bool
        "Somebody answerable for the guest said that it is not needed any more, and nobody has said otherwise since."
        from "as attested"
        absent "never";
    InvitedBy "invited_by" String
        "Who invited the guest: the object id of a user, or \"application\"."
        from "auditLogs/directoryAudits (\"Invite external user\"), which Entra keeps for 7 or 30 days; what was read once is kept"
        absent "the log was not read before it forgot, or may not be read; or nobody invited the guest";
    CreationType "creation_type" String
        "How the account was made: \"Invitation\", \"EmailVerified\", \"SelfServiceSignUp\" or \"LocalAccount\"."
        from "user.creationType"
        absent "Graph gives none, as for accounts made by an administrator";
    External "external" Bool
        "The guest authenticates elsewhere, and not with an account of this tenant."
        from "user.identities, #EXT# in the UPN, user.creationType"
        absent "the guest was not read since this is known";
    SponsorCount "sponsor_count" Int
        "How many sponsors the guest has."
        from "user.sponsors"
        absent "never";
    EligibleSponsorCount "eligible_sponsor_count" Int
        "How many of its sponsors are eligible: enabled, not guests themselves, and in the policy's sponsor group if it names one."
        from "user.sponsors; group.transitiveMembers of the sponsor group"
        absent "Graph gives no accountEnabled of one of them; or the sponsor group was not found, or one of them has just vanished from it";
    DeletedSponsors "deleted_sponsors" Int
        "How many users were sponsors of the guest until Entra deleted them, and have not come back. One that somebody took off the guest is not among them, nor a group, nor whoever was deleted before Innkeeper first read the guest's sponsors."
        from "user.sponsors, as read before: Graph leaves a deleted sponsor out, so whoever vanishes is looked for among the users and in directory/deletedItems, where the policy asks for this or follows the sponsor chain"
        absent "a sponsor has vanished, and it was not found out yet whether it was deleted or taken off";
    Sponsors "sponsors" Sponsors
        "The guest's sponsors that still exist. Each has kind (\"user\" or \"group\"), enabled, eligible (enabled, not itself a guest, and in the policy's sponsor group if it names one), guest, mail."
        from "user.sponsors"
        absent "never; of a single sponsor, enabled and eligible are absent when Graph gives no accountEnabled, eligible also when the sponsor group was not found, mail when it has none";
    Groups "groups" Strings
        "The groups of which the guest is a direct member, among those that the policy names. Only `\"name or id\" in guest.groups` can be asked, since no other group is read."
        from "group.members of the groups that the policy names"
        absent "the group asked about was not found, or several have its name";
    Projects "projects" Projects
        "The guest's projects. Each has name, ended, ends_in_days (negative once past; of a project that does not end there is none)."
        from "the policy's [[project]] tables, what people set with innkeeper projects, group.expirationDateTime; the members of the groups"
        absent "the group of any project was not found, or several have its name";
    AllProjectsEnded "all_projects_ended" Bool
        "The guest has been in projects, and every one of them has ended; false of a guest in no project."
        from "as projects"
        absent "the group of any project was not found, or several have its name";
    Domain "domain" String
        "The domain that the guest comes from, lower case."
        from "user.mail, else the UPN before #EXT#"
        absent "the guest has neither a mail address nor an external UPN";
    Enabled "enabled" Bool
        "The account can sign in."
        from "user.accountEnabled"
        absent "Graph gives no value";
    AccountAgeDays "account_age_days" Int
        "Whole days since the account was made."
        from "user.createdDateTime"
        absent "Graph gives no date, as for some accounts made before June 2018";
    Synced "synced" Bool
        "The account is mastered elsewhere: on-premises, or in a partner's tenant by cross-tenant synchronisation."
        from "user.onPremisesSyncEnabled; the policy's [[partner]] tables with synced = true"
        absent "never";
    Roles "roles" Strings
        "The directory roles assigned to the guest, directly or by a role-assignable group that it is a member or owner of."
        from "roleManagement/directory/roleAssignments; members and owners of role-assignable groups"
        absent "never";
    EligibleRoles "eligible_roles" Strings
        "The directory roles that the guest may activate, without holding them now."
        from "roleManagement/directory/roleEligibilityScheduleInstances"
        absent "the tenant has no Entra ID P2 or Governance licence, or the permission RoleEligibilitySchedule.Read.Directory is missing";
    AppRoles "app_roles" AppRoles
        "The roles in applications that are assigned to the guest, or to a group of which it is a direct member. Each has application (its name), role (the id of the role; \"default\" where the application defines none), role_name (what the application calls it), days (since it was assigned)."
        from "user.appRoleAssignments, two requests for each guest, together with group_count and mail_group_count; sent only where the policy asks for one of the three; servicePrincipal.appRoles, one request for each application, only where it asks for role_name"
        absent "the guest was not read since the policy asks for it; of a single one, days is absent when Graph gives no date, role_name when the application does not name the role or may not be read (Application.Read.All)";
    GroupCount "group_count" Int
        "In how many groups the guest is a direct member, whether the policy names them or not."
        from "user.memberOf; see app_roles for what it costs"
        absent "the guest was not read since the policy asks for it";
    MailGroupCount "mail_group_count" Int
        "How many of these groups serve mail alone: distribution lists, and security groups that take mail."
        from "as group_count"
        absent "as group_count";
    AccessPackages "access_packages" Packages
        "The access packages that the guest has now. Each has name, ends_in_days (of one that does not end there is none)."
        from "identityGovernance/entitlementManagement/assignments"
        absent "the tenant has no licence for entitlement management, or the permission EntitlementManagement.Read.All is missing";
    LostAccessPackages "lost_access_packages" Bool
        "The guest has had access packages, and none is left; false of a guest that never had one."
        from "as access_packages; Innkeeper's own record of those that are over"
        absent "as access_packages";
    LostAccessPackagesDays "lost_access_packages_days" Int
        "Whole days since the last of the guest's access packages was over."
        from "as lost_access_packages"
        absent "the guest has one, or never had one; and as access_packages";
    UserType "user_type" String
        "\"guest\" or \"member\"."
        from "user.userType"
        absent "never";
    Upn "upn" String
        "The user principal name."
        from "user.userPrincipalName"
        absent "never";
    Mail "mail" String
        "The mail address."
        from "user.mail, else the first of otherMails"
        absent "the guest has none";
    Company "company" String
        "The company's name."
        from "user.companyName"
        absent "the guest has none";
}

impl FactName {
    /// The fact of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fact| fact.as_str() == name)
    }
}

impl fmt::Display for FactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
