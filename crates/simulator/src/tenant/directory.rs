//! The objects of the tenant and the ways to find them.
//!
//! Invariant: an object keeps its place for ever, even when it is gone. A page of a listing is then
//! "from this place on", which stays right while objects come and go in between.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::change::Changes;
use super::group::{Group, GroupIx};
use super::role::ROLES;
use super::user::{Origin, User, UserIx};
use crate::population::names;

/// A domain name, stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DomainIx(pub(crate) u32);

/// A domain: the tenant's own, or that of a partner.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    pub(crate) name: String,
    /// Its users are provisioned here by cross-tenant synchronisation. Graph v1.0 has no mark for
    /// it on the user.
    pub(crate) cross_tenant_sync: bool,
    /// The tenant in which its users are at home.
    pub(crate) tenant: Uuid,
}

/// Users, groups and domains.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) tenant_id: Uuid,
    /// `contoso.example`
    pub(crate) domain: String,
    /// `contoso.onmicrosoft.example`
    pub(crate) initial_domain: String,
    pub(crate) users: Vec<User>,
    user_ids: HashMap<Uuid, UserIx>,
    /// Names that were set by hand, in lower case.
    given_names: HashMap<String, UserIx>,
    pub(crate) groups: Vec<Group>,
    group_ids: HashMap<Uuid, GroupIx>,
    pub(crate) domains: Vec<Domain>,
    /// Soft-deleted and not yet purged.
    pub(crate) deleted: BTreeSet<UserIx>,
    /// Holders of directory roles.
    pub(crate) role_holders: BTreeSet<UserIx>,
    /// Role-assignable groups: few, and asked for with every sensitive write.
    privileged_groups: Vec<GroupIx>,
    /// The dynamic group that takes in all users of a domain.
    pub(crate) dynamic: HashMap<DomainIx, GroupIx>,
    pub(crate) changes: Changes,
}

impl Directory {
    pub(crate) fn new(tenant_id: Uuid, domain: &str, initial_domain: &str) -> Self {
        Self {
            tenant_id,
            domain: domain.to_owned(),
            initial_domain: initial_domain.to_owned(),
            users: Vec::new(),
            user_ids: HashMap::new(),
            given_names: HashMap::new(),
            groups: Vec::new(),
            group_ids: HashMap::new(),
            domains: vec![Domain {
                name: domain.to_owned(),
                cross_tenant_sync: false,
                tenant: tenant_id,
            }],
            deleted: BTreeSet::new(),
            role_holders: BTreeSet::new(),
            privileged_groups: Vec::new(),
            dynamic: HashMap::new(),
            changes: Changes::new(),
        }
    }

    pub(crate) fn reserve(&mut self, users: usize) {
        self.users.reserve(users);
        self.user_ids.reserve(users);
    }

    pub(crate) fn add_user(&mut self, mut user: User) -> UserIx {
        let ix = UserIx::from_index(self.users.len());
        self.user_ids.insert(user.id, ix);
        if let Some(upn) = user.extras.as_ref().and_then(|extras| extras.upn.as_ref()) {
            self.given_names.insert(upn.to_lowercase(), ix);
        }
        if !user.roles().is_empty() {
            self.role_holders.insert(ix);
        }
        user.changed = self.changes.count();
        self.users.push(user);
        ix
    }

    pub(crate) fn add_group(&mut self, mut group: Group) -> GroupIx {
        let ix = GroupIx::from_index(self.groups.len());
        self.group_ids.insert(group.id, ix);
        for member in group.members.clone() {
            self.user_quietly(member).groups.push(ix);
            self.changes.moved(member, ix);
        }
        group.changed = self.changes.count();
        if group.confers_privilege() {
            self.privileged_groups.push(ix);
        }
        self.groups.push(group);
        ix
    }

    pub(crate) fn user(&self, ix: UserIx) -> &User {
        &self.users[ix.at()]
    }

    /// A user, to be changed in a way that delta queries tell.
    pub(crate) fn user_mut(&mut self, ix: UserIx) -> &mut User {
        let changed = self.changes.count();
        let user = self.user_quietly(ix);
        user.changed = changed;
        user
    }

    /// A user, to be changed in what delta queries do not follow: sign-ins, relationships, plans.
    pub(crate) fn user_quietly(&mut self, ix: UserIx) -> &mut User {
        &mut self.users[ix.at()]
    }

    pub(crate) fn group(&self, ix: GroupIx) -> &Group {
        &self.groups[ix.at()]
    }

    /// A group, to be changed in anything but its members.
    pub(crate) fn group_mut(&mut self, ix: GroupIx) -> &mut Group {
        let changed = self.changes.count();
        let group = &mut self.groups[ix.at()];
        group.changed = changed;
        group
    }

    pub(crate) fn domain_of(&self, ix: UserIx) -> &Domain {
        &self.domains[self.user(ix).domain.0 as usize]
    }

    /// Any user that ever existed.
    pub(crate) fn user_by_id(&self, id: Uuid) -> Option<UserIx> {
        self.user_ids.get(&id).copied()
    }

    /// A user that `/users` shows, by object id or user principal name.
    pub(crate) fn live_user(&self, key: &str) -> Option<UserIx> {
        let found = match Uuid::try_parse(key) {
            Ok(id) => self.user_by_id(id),
            Err(_) => self.user_by_upn(key),
        };
        found.filter(|ix| self.user(*ix).is_live())
    }

    /// A generated name ends in the place of its user, so that it need not be indexed.
    fn user_by_upn(&self, upn: &str) -> Option<UserIx> {
        if let Some(ix) = self.given_names.get(&upn.to_lowercase()) {
            return Some(*ix);
        }
        let local = upn.split(['_', '@']).next()?;
        let digits = local.trim_start_matches(|c: char| !c.is_ascii_digit());
        let ix = UserIx(digits.parse().ok()?);
        self.users.get(ix.at())?;
        self.upn(ix).eq_ignore_ascii_case(upn).then_some(ix)
    }

    pub(crate) fn live_group(&self, id: Uuid) -> Option<GroupIx> {
        self.group_ids
            .get(&id)
            .copied()
            .filter(|ix| !self.group(*ix).deleted)
    }

    pub(crate) fn display_name(&self, ix: UserIx) -> String {
        let user = self.user(ix);
        match user
            .extras
            .as_ref()
            .and_then(|extras| extras.display_name.as_ref())
        {
            Some(name) => name.clone(),
            None => format!(
                "{} {}",
                names::given(user.given_name),
                names::surname(user.surname)
            ),
        }
    }

    /// `given.surname123`, in lower case: what stands before the `@` of the mail address.
    fn local_part(&self, ix: UserIx) -> String {
        let user = self.user(ix);
        let mut local = format!(
            "{}.{}{}",
            names::given(user.given_name),
            names::surname(user.surname),
            ix.0
        );
        local.make_ascii_lowercase();
        local
    }

    pub(crate) fn mail(&self, ix: UserIx) -> String {
        match self
            .user(ix)
            .extras
            .as_ref()
            .and_then(|extras| extras.mail.as_ref())
        {
            Some(mail) => mail.clone(),
            None => format!("{}@{}", self.local_part(ix), self.domain_of(ix).name),
        }
    }

    /// Guests: `local_domain#EXT#@tenant.onmicrosoft`.
    pub(crate) fn upn(&self, ix: UserIx) -> String {
        let user = self.user(ix);
        if let Some(upn) = user.extras.as_ref().and_then(|extras| extras.upn.as_ref()) {
            return upn.clone();
        }
        let local = self.local_part(ix);
        let domain = &self.domain_of(ix).name;
        match user.origin {
            Origin::External => format!("{local}_{domain}#EXT#@{}", self.initial_domain),
            Origin::Internal => format!("{local}@{domain}"),
        }
    }

    /// Sets what a user is called, keeping the index of names right.
    pub(crate) fn rename_user(&mut self, ix: UserIx, upn: String) {
        self.given_names.insert(upn.to_lowercase(), ix);
        self.user_mut(ix).extras_mut().upn = Some(upn);
    }

    pub(crate) fn set_roles(&mut self, ix: UserIx, roles: Vec<usize>) {
        self.user_quietly(ix).extras_mut().roles = roles;
        self.note_role_holder(ix);
    }

    pub(crate) fn set_scoped_roles(&mut self, ix: UserIx, roles: Vec<usize>) {
        self.user_quietly(ix).extras_mut().scoped_roles = roles;
        self.note_role_holder(ix);
    }

    fn note_role_holder(&mut self, ix: UserIx) {
        let user = self.user(ix);
        if user.roles().is_empty() && user.scoped_roles().is_empty() {
            self.role_holders.remove(&ix);
        } else {
            self.role_holders.insert(ix);
        }
    }

    /// Whether an application without a role of its own is refused sensitive actions on this user:
    /// holders of privileged roles, members and owners of role-assignable groups.
    pub(crate) fn is_privileged(&self, ix: UserIx) -> bool {
        let user = self.user(ix);
        user.roles().iter().any(|role| ROLES[*role].privileged)
            || self.privileged_groups.iter().any(|group| {
                let group = self.group(*group);
                group.confers_privilege()
                    && (group.members.contains(&ix) || group.owners.contains(&ix))
            })
    }

    pub(crate) fn join(&mut self, ix: UserIx, group: GroupIx) -> bool {
        let new = self.groups[group.at()].members.insert(ix);
        if new {
            self.user_quietly(ix).groups.push(group);
            self.changes.moved(ix, group);
        }
        new
    }

    pub(crate) fn leave(&mut self, ix: UserIx, group: GroupIx) -> bool {
        let was = self.expel(ix, group);
        self.user_quietly(ix).groups.retain(|other| *other != group);
        was
    }

    /// Ends a membership on the side of the group.
    pub(super) fn expel(&mut self, ix: UserIx, group: GroupIx) -> bool {
        let was = self.groups[group.at()].members.remove(&ix);
        if was {
            self.changes.moved(ix, group);
        }
        was
    }
}
