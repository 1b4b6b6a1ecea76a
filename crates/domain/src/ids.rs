//! Identifiers as types of their own, so that a guest's id cannot be handed over where a group's belongs.
//!
//! Entra's objects keep the id that Entra gave them. What Innkeeper names itself (observations, plans, cases,
//! intents) gets an id derived from what it is, by SHA-256: the same thing always has the same id, so writing it
//! down a second time after a crash is seen to be a repetition.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The id of the thing that these parts name.
            #[must_use]
            pub fn derived(parts: &[&[u8]]) -> Self {
                Self(derive(stringify!($name), parts))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id!(
    /// An Entra tenant (`organization.id`).
    TenantId
);
id!(
    /// The Entra object id of a guest. Everything about a guest is keyed by it; UPN and mail are attributes.
    GuestId
);
id!(
    /// The Entra object id of a group.
    GroupId
);
id!(
    /// The Entra object id of a sponsor, who is a user or a group.
    SponsorId
);
id!(
    /// One reading of a tenant.
    ObservationId
);
id!(
    /// One cycle's plan.
    PlanId
);
id!(
    /// One guest under one rule.
    CaseId
);
id!(
    /// One effect that was about to be caused.
    IntentId
);

/// An RFC 9562 version 8 UUID over a kind and its parts; each part's length is hashed too, so that moving a
/// byte from one part to the next makes another id.
fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(kind);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_name_the_same_thing_and_moved_bytes_do_not() {
        assert_eq!(
            CaseId::derived(&[b"ab", b"c"]),
            CaseId::derived(&[b"ab", b"c"])
        );
        assert_ne!(
            CaseId::derived(&[b"ab", b"c"]),
            CaseId::derived(&[b"a", b"bc"])
        );
        assert_ne!(CaseId::derived(&[b"ab"]).0, PlanId::derived(&[b"ab"]).0);
    }
}
