//! The table of permissions, and what is granted held against it. Pure.
//!
//! The table says the same as README.md. What a higher permission covers, and the ids of the app roles, are from
//! Microsoft's "Microsoft Graph permissions reference".

use std::collections::BTreeSet;

use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Action, LEAVE, Policy};
use uuid::{Uuid, uuid};

/// A permission that something needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) name: &'static str,
    /// Its app role's id, the same in every tenant.
    pub(super) role: Uuid,
    from: Mode,
    by: Feature,
    pub(super) reason: &'static str,
    /// The higher ones that include it.
    covered_by: &'static [&'static str],
}

/// What needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    /// Reading the tenant.
    Observing,
    /// Reading what only a tenant with Entra ID P2 or Governance has.
    Governing,
    /// Reading when guests leave, if the policy takes that for a date.
    LeaveDates,
    /// Reading what roles in applications are called, if the policy asks.
    RoleNames,
    /// Carrying out an action, if the policy has it.
    Acting(Action),
}

const NEEDS: [Need; 18] = [
    Need {
        name: "User.Read.All",
        role: uuid!("df021288-bdef-4463-88db-98f22de89214"),
        from: Mode::Observe,
        by: Feature::Observing,
        reason: "guests, their attributes and their sponsors are read with it",
        // For sponsors no other is documented, not even those of the whole directory.
        covered_by: &["User.ReadWrite.All"],
    },
    Need {
        name: "AuditLog.Read.All",
        role: uuid!("b0afded3-3588-46d8-8b3d-9842eff778da"),
        from: Mode::Observe,
        by: Feature::Observing,
        reason: "signInActivity is read with it: without it nobody's inactivity is known; who invited whom too, if the policy follows it",
        covered_by: &[],
    },
    Need {
        name: "Directory.Read.All",
        role: uuid!("7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
        from: Mode::Observe,
        by: Feature::Observing,
        reason: "without it Graph sometimes answers that the tenant has no premium licence, and the cycle fails",
        covered_by: &["Directory.ReadWrite.All"],
    },
    Need {
        name: "GroupMember.Read.All",
        role: uuid!("98830695-27a2-44f7-8c18-0c3ebc9698f6"),
        from: Mode::Observe,
        by: Feature::Observing,
        reason: "members and owners of role-assignable groups, and of the groups that the policy names, are read with it",
        covered_by: &[
            "GroupMember.ReadWrite.All",
            "Group.Read.All",
            "Group.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
    },
    Need {
        name: "RoleManagement.Read.Directory",
        role: uuid!("483bed4a-2ad3-4361-a73b-c83ccdbdc53c"),
        from: Mode::Observe,
        by: Feature::Observing,
        reason: "it tells who holds a directory role, and is therefore never touched",
        covered_by: &[
            "RoleManagement.ReadWrite.Directory",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
    },
    Need {
        name: "RoleEligibilitySchedule.Read.Directory",
        role: uuid!("ff278e11-4a33-4d0c-83d2-d01dc58929a5"),
        from: Mode::Observe,
        by: Feature::Governing,
        reason: "it tells who may activate a directory role, and is therefore never touched; with a licence for that and without the permission nothing is taken from anybody",
        // Not those of the whole directory.
        covered_by: &[
            "RoleEligibilitySchedule.ReadWrite.Directory",
            "RoleManagement.Read.All",
            "RoleManagement.Read.Directory",
            "RoleManagement.ReadWrite.Directory",
        ],
    },
    Need {
        name: "EntitlementManagement.Read.All",
        role: uuid!("c74fd47d-ed3c-45c3-9a9e-b8676de685d2"),
        from: Mode::Observe,
        by: Feature::Governing,
        reason: "it tells whom entitlement management looks after, and who is therefore never touched; with a licence for that and without the permission nothing is taken from anybody",
        covered_by: &["EntitlementManagement.ReadWrite.All"],
    },
    Need {
        name: "AccessReview.Read.All",
        role: uuid!("d07a8cc0-3d51-4b77-b3b0-32704d1f69fa"),
        from: Mode::Observe,
        by: Feature::Governing,
        reason: "it tells on whom a running access review is about to decide, from whom nothing is taken meanwhile; with a licence for that and without the permission nothing is taken from anybody",
        covered_by: &["AccessReview.ReadWrite.All"],
    },
    Need {
        name: "User-LifeCycleInfo.Read.All",
        role: uuid!("8556a004-db57-4d7a-8b82-97a13428e96f"),
        from: Mode::Observe,
        by: Feature::LeaveDates,
        reason: "the policy takes employeeLeaveDateTime for the end of a stay",
        covered_by: &["User-LifeCycleInfo.ReadWrite.All"],
    },
    Need {
        name: "Application.Read.All",
        role: uuid!("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
        from: Mode::Observe,
        by: Feature::RoleNames,
        reason: "the policy asks for role_name of app roles, and only the applications themselves tell it; without the permission it is unknown",
        covered_by: &["Application.ReadWrite.All"],
    },
    Need {
        name: "Mail.Send",
        role: uuid!("b633e1c5-b582-4048-a93e-9f11b44c7e96"),
        from: Mode::Warn,
        by: Feature::Acting(Action::Notify),
        reason: "notices are sent with it, and no stage after a notice is reached before it was sent",
        covered_by: &[],
    },
    Need {
        name: "User.Invite.All",
        role: uuid!("09850681-111b-4a89-9bed-3f2cae46d706"),
        from: Mode::Warn,
        by: Feature::Acting(Action::ResendInvitation),
        reason: "the policy has invitations sent again that nobody redeemed",
        covered_by: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    },
    Need {
        name: "AppRoleAssignment.ReadWrite.All",
        role: uuid!("06b708a9-e830-4db3-a914-8e69da51d44f"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::RemoveAppRoles),
        reason: "the policy takes roles in applications away, and an undo assigns them again",
        covered_by: &[],
    },
    Need {
        name: "User.ReadWrite.All",
        role: uuid!("741f803b-c850-494e-b5df-cde7c675a1ca"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::AddSponsor),
        reason: "the policy makes whoever the sponsor chain finds a sponsor, and Graph asks for it",
        covered_by: &["Directory.ReadWrite.All"],
    },
    Need {
        name: "GroupMember.ReadWrite.All",
        role: uuid!("dbaae8cf-10b5-4b86-a4a1-f871c94c6695"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::RemoveFromGroup),
        reason: "the policy takes guests out of groups",
        covered_by: &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    },
    Need {
        name: "User.ReadWrite.All",
        role: uuid!("741f803b-c850-494e-b5df-cde7c675a1ca"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::Mark),
        reason: "the policy writes flags into an attribute of guests, and clears them when the reason goes away",
        covered_by: &["Directory.ReadWrite.All"],
    },
    Need {
        name: "User.EnableDisableAccount.All",
        role: uuid!("3011c876-62b7-4ada-afa2-506cbbecc68c"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::Disable),
        reason: "the policy disables guests, and what it disabled is enabled again when the reason goes away",
        covered_by: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    },
    Need {
        name: "User.DeleteRestore.All",
        role: uuid!("eccc023d-eccf-4e7b-9683-8813ab36cecc"),
        from: Mode::Enforce,
        by: Feature::Acting(Action::Delete),
        reason: "the policy deletes guests",
        covered_by: &["User.ReadWrite.All"],
    },
];

/// For groups of the policy that hide their members: whether there are any, only a look at each of them tells.
const HIDDEN: &str = "Member.Read.Hidden";
/// What the policy has to be permitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    actions: BTreeSet<Action>,
    names_groups: bool,
    leave_dates: bool,
    role_names: bool,
}

impl Uses {
    pub(super) fn of(policy: &Policy) -> Self {
        let stages = policy.rules.iter().flat_map(|rule| &rule.stages);
        Self {
            actions: stages.map(|stage| stage.action).collect(),
            names_groups: !policy.groups().is_empty(),
            leave_dates: policy.extras().attribute.as_deref() == Some(LEAVE),
            role_names: policy.asks_role_names(),
        }
    }
}

/// What is granted, held against what is needed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Each with what it is granted by: itself, or a higher one.
    pub(super) granted: Vec<(&'static Need, String)>,
    pub(super) missing: Vec<&'static Need>,
    /// Granted, and used only in place of something smaller.
    pub(super) too_broad: Vec<(String, Vec<&'static str>)>,
    pub(super) unneeded: Vec<String>,
}

/// Without a policy nobody knows what it uses: then nothing that it might use is missing or too much.
/// What only a tenant with Entra ID P2 or Governance has is needed unless it is known to have neither.
pub(super) fn compare(
    mode: Mode,
    uses: Option<&Uses>,
    governed: Option<bool>,
    granted: &BTreeSet<String>,
) -> Comparison {
    let is_allowed = |need: &&Need| need.from <= mode;
    let is_needed = |need: &&Need| match (need.by, uses) {
        (Feature::Observing, _) => true,
        (Feature::Governing, _) => governed != Some(false),
        (Feature::LeaveDates, uses) => uses.is_some_and(|uses| uses.leave_dates),
        (Feature::RoleNames, uses) => uses.is_some_and(|uses| uses.role_names),
        (Feature::Acting(action), Some(uses)) => uses.actions.contains(&action),
        (Feature::Acting(_), None) => false,
    };
    let allowed: Vec<&Need> = NEEDS.iter().filter(is_allowed).collect();
    let needed: Vec<&Need> = allowed.iter().copied().filter(is_needed).collect();
    let is_in_use = |name: &str| {
        let among = if uses.is_some() { &needed } else { &allowed };
        among.iter().any(|need| need.name == name)
            || allowed
                .iter()
                .any(|need| need.by == Feature::Governing && need.name == name)
            || (name == HIDDEN && uses.is_none_or(|uses| uses.names_groups))
    };

    let mut comparison = Comparison::default();
    for need in needed.iter().copied() {
        // One that is in use anyway covers better than one that would be there for nothing else.
        let covering = || {
            need.covered_by
                .iter()
                .filter(|name| granted.contains(**name))
        };
        let by = granted
            .get(need.name)
            .map(String::as_str)
            .or_else(|| covering().copied().find(|name| is_in_use(name)))
            .or_else(|| covering().copied().next());
        match by {
            Some(by) => comparison.granted.push((need, by.to_owned())),
            None => comparison.missing.push(need),
        }
    }
    for name in granted.iter().filter(|name| !is_in_use(name)) {
        let stands_for: Vec<&str> = comparison
            .granted
            .iter()
            .filter(|(_, by)| by == name)
            .map(|(need, _)| need.name)
            .collect();
        if stands_for.is_empty() {
            comparison.unneeded.push(name.clone());
        } else {
            comparison.too_broad.push((name.clone(), stands_for));
        }
    }
    comparison
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(names: &[&str]) -> BTreeSet<String> {
        names.iter().copied().map(str::to_owned).collect()
    }

    fn uses(actions: &[Action]) -> Uses {
        Uses {
            actions: actions.iter().copied().collect(),
            names_groups: false,
            leave_dates: false,
            role_names: false,
        }
    }

    fn missing(mode: Mode, actions: &[Action], names: &[&str]) -> Vec<&'static str> {
        let compared = compare(mode, Some(&uses(actions)), Some(false), &granted(names));
        compared.missing.iter().map(|need| need.name).collect()
    }

    const READING: [&str; 5] = [
        "User.Read.All",
        "AuditLog.Read.All",
        "Directory.Read.All",
        "GroupMember.Read.All",
        "RoleManagement.Read.Directory",
    ];

    #[test]
    fn observing_needs_what_reads_and_nothing_else() {
        let all = Action::ALL;
        assert_eq!(missing(Mode::Observe, &all, &[]), READING);
        let compared = compare(
            Mode::Observe,
            Some(&uses(&all)),
            Some(false),
            &granted(&READING),
        );
        let names: Vec<_> = compared
            .granted
            .iter()
            .map(|(need, by)| (need.name, by))
            .collect();
        assert!(names.iter().all(|(name, by)| name == by) && names.len() == READING.len());
        assert!(
            compared.missing.is_empty() && compared.unneeded.is_empty(),
            "{compared:?}"
        );
    }

    #[test]
    fn each_action_needs_its_permission_from_its_mode() {
        let cases = [
            (Action::Flag, None),
            (Action::Mark, Some((Mode::Enforce, "User.ReadWrite.All"))),
            (Action::Notify, Some((Mode::Warn, "Mail.Send"))),
            (
                Action::ResendInvitation,
                Some((Mode::Warn, "User.Invite.All")),
            ),
            (
                Action::RemoveAppRoles,
                Some((Mode::Enforce, "AppRoleAssignment.ReadWrite.All")),
            ),
            (
                Action::AddSponsor,
                Some((Mode::Enforce, "User.ReadWrite.All")),
            ),
            (
                Action::RemoveFromGroup,
                Some((Mode::Enforce, "GroupMember.ReadWrite.All")),
            ),
            (
                Action::Disable,
                Some((Mode::Enforce, "User.EnableDisableAccount.All")),
            ),
            (
                Action::Delete,
                Some((Mode::Enforce, "User.DeleteRestore.All")),
            ),
        ];
        for (action, expected) in cases {
            for mode in [Mode::Observe, Mode::Warn, Mode::Enforce] {
                let needed: Vec<&str> = expected
                    .filter(|(from, _)| *from <= mode)
                    .map(|(_, name)| name)
                    .into_iter()
                    .collect();
                assert_eq!(
                    missing(mode, &[action], &READING),
                    needed,
                    "{action} {mode:?}"
                );
            }
        }
    }

    #[test]
    fn a_higher_permission_covers_a_lower_one_and_never_the_other_way_round() {
        let read = ["AuditLog.Read.All", "Directory.Read.All"];
        assert_eq!(missing(Mode::Enforce, &[], &read), ["User.Read.All"]);
        let write = [&read[..], &["User.ReadWrite.All"]].concat();
        let actions = [Action::Disable, Action::Delete];
        assert_eq!(missing(Mode::Enforce, &actions, &write), [""; 0]);
        let lower = ["User.Read.All", "AuditLog.Read.All"];
        assert_eq!(
            missing(Mode::Observe, &[], &lower),
            [
                "Directory.Read.All",
                "GroupMember.Read.All",
                "RoleManagement.Read.Directory"
            ]
        );
    }

    #[test]
    fn what_is_too_broad_or_not_needed_is_told_apart() {
        let names = [&READING[..], &["User.ReadWrite.All", "Mail.Send", HIDDEN]].concat();
        let only_disable = uses(&[Action::Disable]);
        let compared = compare(
            Mode::Enforce,
            Some(&only_disable),
            Some(false),
            &granted(&names),
        );
        let disable = "User.EnableDisableAccount.All";
        assert_eq!(
            compared.too_broad,
            [("User.ReadWrite.All".to_owned(), vec![disable])]
        );
        assert_eq!(compared.unneeded, ["Mail.Send", HIDDEN]);
        let with_groups = Uses {
            names_groups: true,
            ..only_disable
        };
        let compared = compare(
            Mode::Enforce,
            Some(&with_groups),
            Some(false),
            &granted(&names),
        );
        assert_eq!(compared.unneeded, ["Mail.Send"]);
    }

    #[test]
    fn what_takes_a_licence_is_needed_unless_the_tenant_is_known_to_have_none() {
        let missing = |governed| {
            let granted = granted(&READING);
            let compared = compare(Mode::Observe, Some(&uses(&[])), governed, &granted);
            let names = compared.missing.iter().map(|need| need.name);
            names.collect::<Vec<_>>()
        };
        // That of roles is covered by what reads those that are held.
        let packages = "EntitlementManagement.Read.All";
        let reviews = "AccessReview.Read.All";
        assert_eq!(missing(Some(true)), [packages, reviews]);
        assert_eq!(missing(None), [packages, reviews]);
        assert_eq!(missing(Some(false)), [""; 0]);
        let with = granted(&[&READING[..], &[packages, reviews]].concat());
        let compared = compare(Mode::Observe, Some(&uses(&[])), Some(false), &with);
        assert!(compared.unneeded.is_empty(), "{compared:?}");
    }

    #[test]
    fn names_of_roles_need_a_permission_only_where_the_policy_asks_for_them() {
        let missing = |uses: Uses| {
            let compared = compare(Mode::Observe, Some(&uses), Some(false), &granted(&READING));
            let names = compared.missing.iter().map(|need| need.name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(missing(uses(&[])), [""; 0]);
        let asks = Uses {
            role_names: true,
            ..uses(&[])
        };
        assert_eq!(missing(asks), ["Application.Read.All"]);
    }

    #[test]
    fn what_is_needed_anyway_covers_before_what_is_not() {
        let names = ["Directory.Read.All", "Group.Read.All"];
        let compared = compare(
            Mode::Observe,
            Some(&uses(&[])),
            Some(false),
            &granted(&names),
        );
        assert_eq!(compared.too_broad, []);
        assert_eq!(compared.unneeded, ["Group.Read.All"]);
    }

    #[test]
    fn without_a_policy_nothing_that_it_might_use_is_missing_or_too_much() {
        let names = [
            &READING[..],
            &["User.DeleteRestore.All", "Sites.FullControl.All"],
        ]
        .concat();
        let compared = compare(Mode::Enforce, None, Some(false), &granted(&names));
        assert!(compared.missing.is_empty(), "{compared:?}");
        assert_eq!(compared.unneeded, ["Sites.FullControl.All"]);
    }

    #[test]
    fn the_readme_names_the_same_permissions_from_the_same_modes() {
        let readme = include_str!("../../../../../../README.md");
        let rows = readme.lines().filter_map(|line| {
            let mut cells = line.trim().strip_prefix("| `")?.split(" | ");
            let name = cells.next()?.trim_end_matches('`');
            let mode = cells.next()?.trim();
            let is_mode = matches!(mode, "observe" | "warn" | "enforce");
            is_mode.then_some((name, mode))
        });
        let rows: BTreeSet<_> = rows.collect();
        let table = NEEDS.iter().map(|need| (need.name, need.from.as_str()));
        assert_eq!(rows, table.collect());
    }
}
