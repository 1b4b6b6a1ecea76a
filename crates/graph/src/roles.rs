//! Names of directory roles: an assignment carries only the id of the role's definition, which for built-in roles is
//! the same in every tenant (Entra's page "built-in roles").

use uuid::{Uuid, uuid};

const BUILT_IN: [(Uuid, &str); 14] = [
    (
        uuid!("62e90394-69f5-4237-9190-012177145e10"),
        "Global Administrator",
    ),
    (
        uuid!("f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
        "Global Reader",
    ),
    (
        uuid!("fe930be7-5e62-47db-91af-98c3a49a38b1"),
        "User Administrator",
    ),
    (
        uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814"),
        "Privileged Role Administrator",
    ),
    (
        uuid!("7be44c8a-adaf-4e2a-84d6-ab2649e08a13"),
        "Privileged Authentication Administrator",
    ),
    (
        uuid!("c4e39bd9-1100-46d3-8c65-fb160da0071f"),
        "Authentication Administrator",
    ),
    (
        uuid!("194ae4cb-b126-40b2-bd5b-6091b380977d"),
        "Security Administrator",
    ),
    (
        uuid!("5d6b6bb7-de71-4623-b4af-96380a352509"),
        "Security Reader",
    ),
    (
        uuid!("729827e3-9c14-49f7-bb1b-9608f156bbb8"),
        "Helpdesk Administrator",
    ),
    (
        uuid!("fdd7a751-b60b-444a-984c-02652fe8fa1c"),
        "Groups Administrator",
    ),
    (
        uuid!("95e79109-95c0-4d8e-aee3-d01accf2d47b"),
        "Guest Inviter",
    ),
    (
        uuid!("88d8e3e3-8f55-4a1e-953a-9b9898b8876b"),
        "Directory Readers",
    ),
    (
        uuid!("9360feb5-f418-4baa-8175-e2a00bac4301"),
        "Directory Writers",
    ),
    (
        uuid!("4a5d8f65-41da-4de4-8968-e035b65339cf"),
        "Reports Reader",
    ),
];

/// The name of a role, or its id where the name is not known.
pub(crate) fn name(definition: Uuid) -> String {
    let known = BUILT_IN.iter().find(|(id, _)| *id == definition);
    known.map_or_else(|| definition.to_string(), |(_, name)| (*name).to_owned())
}

/// What makes a member or owner of a role-assignable group privileged: it holds whatever the group holds, and Entra
/// guards it as if it held that itself.
pub(crate) fn of_group(group: &str) -> String {
    format!("those of the role-assignable group {group}")
}
