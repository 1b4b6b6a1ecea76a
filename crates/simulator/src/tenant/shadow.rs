//! Users as they were before they were last written to, which a replica that lags behind still shows.

use std::collections::BTreeMap;

use super::directory::Directory;
use super::user::{User, UserIx};

/// Kept only while a fault asks for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shadows {
    users: BTreeMap<UserIx, User>,
}

impl Shadows {
    pub(crate) fn keep(&mut self, before: Vec<(UserIx, User)>) {
        self.users.extend(before);
    }

    pub(crate) fn clear(&mut self) {
        self.users.clear();
    }

    /// Puts the shadows in the place of the users; done twice, all is as it was.
    pub(crate) fn exchange(&mut self, directory: &mut Directory) {
        for (ix, shadow) in &mut self.users {
            let shown = directory.user_quietly(*ix);
            std::mem::swap(shown, shadow);
            let (shown, hidden) = (directory.user(*ix).clone(), &*shadow);
            match shown.deleted.is_some() && !shown.purged {
                true => directory.deleted.insert(*ix),
                false => directory.deleted.remove(ix),
            };
            for group in &shown.groups {
                directory.groups[group.at()].members.insert(*ix);
            }
            for group in hidden
                .groups
                .iter()
                .filter(|group| !shown.groups.contains(group))
            {
                directory.groups[group.at()].members.remove(ix);
            }
        }
    }
}
