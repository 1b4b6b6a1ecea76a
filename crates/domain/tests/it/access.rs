//! What guests were given access to: the facts that follow, whom it protects, and what a list that cannot be read takes.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::{Access, Assignment, Held, HeldRole, Told};
use innkeeper_domain::facts::FactName;
use innkeeper_domain::policy::Policy;
use uuid::Uuid;

use crate::tenant::{Tenant, guest, inactive, start};

fn package(number: u128, ends: Option<i64>, ended: Option<i64>) -> Assignment {
    let at = |days: i64| start() + TimeDelta::days(days);
    Assignment {
        id: Uuid::from_u128(number),
        package: format!("Package {number}"),
        ends: ends.map(at),
        ended: ended.map(at),
        governed: false,
    }
}

fn read(packages: Vec<Assignment>) -> Access {
    Access {
        eligible_told: Told::Read,
        packages,
        packages_told: Told::Read,
        ..Access::default()
    }
}

fn of(access: Access) -> Tenant {
    let mut tenant = Tenant::of([guest(1)]);
    tenant.guests[0].access = access;
    tenant
}

fn shown<const N: usize>(tenant: &Tenant, names: [FactName; N]) -> [String; N] {
    let judge = tenant.judge();
    let facts = judge.facts(&tenant.guests[0]);
    names.map(|name| facts.shown(name))
}

#[test]
fn access_packages_are_had_lost_or_not_known() {
    let names = [
        FactName::AccessPackages,
        FactName::LostAccessPackages,
        FactName::LostAccessPackagesDays,
    ];
    let gone = package(1, Some(-9), Some(-9));
    for (access, expected) in [
        (read(Vec::new()), ["[]", "false", "none"]),
        (read(vec![gone.clone()]), ["[]", "true", "9"]),
        (
            read(vec![gone.clone(), package(2, Some(20), None)]),
            ["[Package 2 (ends 2027-01-21)]", "false", "none"],
        ),
        (
            Access {
                packages_told: Told::NoLicence,
                ..read(vec![gone.clone()])
            },
            ["not known"; 3],
        ),
        (
            Access {
                packages_told: Told::Refused,
                ..read(vec![gone])
            },
            ["not known"; 3],
        ),
    ] {
        assert_eq!(shown(&of(access.clone()), names), expected, "{access:?}");
    }
}

#[test]
fn roles_and_groups_are_not_known_until_they_were_read() {
    let names = [
        FactName::EligibleRoles,
        FactName::AppRoles,
        FactName::GroupCount,
        FactName::MailGroupCount,
    ];
    assert_eq!(shown(&of(Access::default()), names), ["not known"; 4]);
    let role = |application: &str, since: Option<DateTime<Utc>>| HeldRole {
        application: application.to_owned(),
        role: "default".to_owned(),
        role_name: None,
        resource: None,
        since,
    };
    let held = Held {
        app_roles: vec![
            role("Portal", Some(start() - TimeDelta::days(3))),
            role("Vault", None),
            HeldRole {
                role: "2a353749-3749-2a35-4937-352a4937352a".to_owned(),
                role_name: Some("Auditor".to_owned()),
                ..role("Register", None)
            },
        ],
        groups: 2,
        mail_groups: 1,
    };
    let access = Access {
        held: Some(held),
        ..read(Vec::new())
    };
    assert_eq!(
        shown(&of(access), names),
        [
            "[]",
            "[Portal (default; for 3d), Vault (default), Register (Auditor)]",
            "2",
            "1"
        ]
    );
}

#[test]
fn the_end_of_the_last_access_package_counts_where_the_policy_says_so() {
    let names = [FactName::ExpiresInDays, FactName::ExpiresBy];
    let policy = |text: &str| Policy::parse("policy.toml", text).expect("good");
    let with = "[expiry]\naccess_packages = true\nmax_stay = \"600d\"\n";
    let longest = ["101 (2027-04-12; longest stay)", "max-stay"];
    let last = [
        "40 (2027-02-10; end of the last access package)",
        "access-package",
    ];
    let both = vec![package(1, Some(3), None), package(2, Some(40), None)];
    let endless = vec![package(1, Some(3), None), package(2, None, None)];
    for (access, text, expected) in [
        (read(both.clone()), with, last),
        (read(endless), with, longest),
        (read(Vec::new()), with, longest),
        (Access::default(), with, ["not known"; 2]),
        (read(both), "[expiry]\nmax_stay = \"600d\"\n", longest),
    ] {
        let mut tenant = of(access.clone());
        tenant.policy = policy(text);
        assert_eq!(shown(&tenant, names), expected, "{access:?} {text}");
    }
}

#[test]
fn who_may_activate_a_role_or_is_governed_is_protected_even_where_no_newer_list_is_read() {
    let governed = Assignment {
        governed: true,
        ..package(1, None, None)
    };
    let eligible = Access {
        eligible_roles: vec!["User Administrator".to_owned()],
        ..read(Vec::new())
    };
    let governed = read(vec![governed]);
    for (access, why) in [
        (
            eligible,
            "may activate the directory role User Administrator",
        ),
        (governed, "came by the access package \"Package 1\""),
    ] {
        for told in [Told::Read, Told::NoLicence, Told::Refused] {
            let mut tenant = Tenant::of([inactive(1)]);
            tenant.guests[0].access = Access {
                eligible_told: told,
                packages_told: told,
                ..access.clone()
            };
            let verdict = &tenant.verdicts()[0];
            assert_eq!(verdict.as_str(), "protected", "{told:?}");
            assert!(verdict.reason().contains(why), "{}", verdict.reason());
        }
    }
}

#[test]
fn a_list_that_is_refused_lets_notices_go_and_holds_back_what_takes_something() {
    let mut tenant = Tenant::of([inactive(1)]);
    tenant.guests[0].access.packages_told = Told::Refused;
    assert_eq!(tenant.cycle(), ["notify (inactive)"]);
    for _ in 0..60 {
        let nothing: [&str; 0] = [];
        assert_eq!(tenant.pass(TimeDelta::days(1)).cycle(), nothing);
    }
    let verdict = &tenant.verdicts()[0];
    assert_eq!(verdict.as_str(), "unknown");
    let permission = "EntitlementManagement.Read.All";
    assert!(
        verdict.reason().contains(permission),
        "{}",
        verdict.reason()
    );
    tenant.guests[0].access = read(Vec::new());
    assert_eq!(tenant.cycle(), ["disable (inactive)"]);
}
