//! Directory roles, and which of them put a user out of an application's reach.

use uuid::{Uuid, uuid};

/// A built-in role of Entra.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// `roleTemplateId`, which is also the id of the role definition.
    pub(crate) template: Uuid,
    /// The id of the activated directoryRole object of this tenant.
    pub(crate) object: Uuid,
    /// Whether sensitive actions on a holder demand a role that an app does not have
    /// ("sensitive actions" on the users resource page: who can perform them).
    pub(crate) privileged: bool,
}

/// The roles of the simulated tenant.
pub(crate) const ROLES: &[Role] = &[
    Role {
        name: "Directory Readers",
        template: uuid!("88d8e3e3-8f55-4a1e-953a-9b9898b8876b"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000001"),
        privileged: false,
    },
    Role {
        name: "Guest Inviter",
        template: uuid!("95e79109-95c0-4d8e-aee3-d01accf2d47b"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000002"),
        privileged: false,
    },
    Role {
        name: "Reports Reader",
        template: uuid!("4a5d8f65-41da-4de4-8968-e035b65339cf"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000003"),
        privileged: false,
    },
    Role {
        name: "User Administrator",
        template: uuid!("fe930be7-5e62-47db-91af-98c3a49a38b1"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000004"),
        privileged: false,
    },
    Role {
        name: "Authentication Administrator",
        template: uuid!("c4e39bd9-1100-46d3-8c65-fb160da0071f"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000005"),
        privileged: true,
    },
    Role {
        name: "Privileged Role Administrator",
        template: uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000006"),
        privileged: true,
    },
    Role {
        name: "Global Administrator",
        template: uuid!("62e90394-69f5-4237-9190-012177145e10"),
        object: uuid!("d0000000-5a11-4c3e-9b51-000000000007"),
        privileged: true,
    },
];

/// The index of a role in [`ROLES`].
pub(crate) fn role_named(name: &str) -> Option<usize> {
    ROLES
        .iter()
        .position(|role| role.name.eq_ignore_ascii_case(name))
}
