//! What conditions are worth, over one guest.

use innkeeper_domain::facts::FactName;
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::SponsorId;
use innkeeper_domain::policy::Condition;
use innkeeper_domain::policy::Truth::{self, False, True};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};

use crate::tenant::{Tenant, group, guest};

/// `guest.enabled` is the fact that is not known of Ann.
const UNKNOWN: Truth = Truth::Unknown(FactName::Enabled);
fn sponsor(name: &str, enabled: Option<bool>) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[name.as_bytes()]),
        kind: SponsorKind::User,
        display_name: None,
        mail: Some(format!("{name}@contoso.example")),
        enabled,
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    }
}

/// Ann: an account of 500 days that signed in yesterday; in the project "bridge", which ends in 30 days; sponsored by
/// Sara, by a group without an address, by a guest, and by Max, of whom it is not known whether he is enabled.
pub fn ann() -> Tenant {
    let mut view = guest(1);
    view.record.guest.enabled = None;
    view.groups = vec![group("bridge")];
    view.roles = vec!["Global Reader".to_owned(), "Guest Inviter".to_owned()];
    view.sponsors = vec![
        sponsor("sara", Some(true)),
        Sponsor {
            kind: SponsorKind::Group,
            mail: None,
            ..sponsor("team", Some(true))
        },
        Sponsor {
            is_guest: true,
            membership: innkeeper_domain::sponsor::Membership::NotAsked,
            ..sponsor("gus", Some(true))
        },
        sponsor("max", None),
    ];
    let mut tenant = Tenant::of([view]);
    tenant.named_groups.insert("lost".into(), Found::Missing);
    tenant.named_groups.insert("many".into(), Found::Ambiguous);
    tenant
}

pub fn judge(tenant: &Tenant, condition: &str) -> Truth {
    let condition = Condition::parse(condition)
        .unwrap_or_else(|error| panic!("{condition}: at {}: {error}", error.offset));
    condition.judge(&tenant.judge().facts(&tenant.guests[0]))
}

/// Holds a table against Ann and reports every line that differs.
fn check(rows: &[(&str, Truth)]) {
    let tenant = ann();
    let wrong: Vec<String> = rows
        .iter()
        .map(|(condition, expected)| (condition, expected, judge(&tenant, condition)))
        .filter(|(_, expected, truth)| *expected != truth)
        .map(|(condition, expected, truth)| format!("{condition} is {truth:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn and_or_and_not_follow_kleene() {
    check(&[
        ("true && true", True),
        ("true && false", False),
        ("false && true", False),
        ("false && false", False),
        ("true && guest.enabled", UNKNOWN),
        ("guest.enabled && true", UNKNOWN),
        ("false && guest.enabled", False),
        ("guest.enabled && false", False),
        ("guest.enabled && guest.enabled", UNKNOWN),
        ("true || true", True),
        ("true || false", True),
        ("false || true", True),
        ("false || false", False),
        ("true || guest.enabled", True),
        ("guest.enabled || true", True),
        ("false || guest.enabled", UNKNOWN),
        ("guest.enabled || false", UNKNOWN),
        ("guest.enabled || guest.enabled", UNKNOWN),
        ("!true", False),
        ("!false", True),
        ("!guest.enabled", UNKNOWN),
        ("!!guest.enabled", UNKNOWN),
        ("guest.enabled == guest.enabled", UNKNOWN),
        ("guest.enabled != true", UNKNOWN),
        ("guest.enabled || !guest.enabled", UNKNOWN),
    ]);
}

#[test]
fn the_first_fact_that_is_missing_is_the_one_named() {
    let company = Truth::Unknown(FactName::Company);
    check(&[
        ("guest.enabled && guest.company == \"x\"", UNKNOWN),
        ("guest.company == \"x\" && guest.enabled", company),
        ("guest.company == \"x\" || guest.enabled", company),
        ("true && guest.company == \"x\"", company),
    ]);
}

#[test]
fn numbers_are_compared_and_counted_with_the_usual_precedence() {
    check(&[
        ("guest.inactive_days == 1", True),
        ("guest.inactive_days != 1", False),
        ("guest.inactive_days < 2", True),
        ("guest.inactive_days <= 1", True),
        ("guest.inactive_days > 1", False),
        ("guest.inactive_days >= 1", True),
        ("guest.account_age_days >= 500", True),
        ("guest.expires_in_days == 30", True),
        ("guest.pending_days == 0", True),
        ("1 + 2 * 3 == 7", True),
        ("(1 + 2) * 3 == 9", True),
        ("10 - 2 - 3 == 5", True),
        ("7 / 2 == 3 && 7 % 2 == 1", True),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("-guest.inactive_days == -1", True),
        ("true || true && false", True),
        ("(true || true) && false", False),
        ("!false && false", False),
        ("!(false && false)", True),
        ("1 < 2 == true", True),
        ("0x10 == 16", True),
        (
            "guest.account_age_days - guest.inactive_days * 2 == 498",
            True,
        ),
        ("guest.account_age_days\n  >= 500 // years\n", True),
    ]);
}

#[test]
fn a_division_by_zero_or_an_overflow_is_unknown_and_blames_the_first_fact_in_it() {
    let age = Truth::Unknown(FactName::AccountAgeDays);
    let pending = Truth::Unknown(FactName::PendingDays);
    check(&[
        ("guest.account_age_days / guest.pending_days > 3", age),
        ("1 / guest.pending_days == 1", pending),
        ("1 % guest.pending_days == 1", pending),
        ("9223372036854775807 + guest.account_age_days > 0", age),
        ("-9223372036854775807 - guest.account_age_days < 0", age),
        ("9223372036854775807 * guest.account_age_days > 0", age),
        (
            "(guest.pending_days - 9223372036854775807 - 1) / -1 > 0",
            pending,
        ),
        (
            "-(guest.pending_days - 9223372036854775807 - 1) > 0",
            pending,
        ),
        (
            "guest.projects.exists(p, 1 / (p.ends_in_days - 30) == 0)",
            Truth::Unknown(FactName::Projects),
        ),
        ("false && 1 / guest.pending_days == 1", False),
        ("true || 1 / guest.pending_days == 1", True),
    ]);
}

#[test]
fn strings_are_compared_searched_and_matched() {
    check(&[
        ("guest.domain == \"elsewhere.example\"", True),
        ("guest.domain == 'elsewhere.example'", True),
        ("guest.mail != \"GUEST1@elsewhere.example\"", True),
        ("guest.domain.upperAscii() == \"ELSEWHERE.EXAMPLE\"", True),
        ("\"a\" < \"b\" && \"b\" >= \"b\"", True),
        ("guest.mail.startsWith(\"guest1@\")", True),
        ("guest.mail.endsWith(\".example\")", True),
        ("guest.upn.contains(\"#EXT#\")", True),
        ("guest.upn.contains(\"#ext#\")", False),
        ("guest.upn.lowerAscii().contains(\"#ext#\")", True),
        ("\"ÄB\".lowerAscii() == \"Äb\"", True),
        ("size(guest.mail) == 24 && size(\"äöü\") == 3", True),
        ("guest.user_type == \"guest\"", True),
        ("guest.mail.matches(\"guest\")", True),
        ("guest.mail.matches(\"^guest$\")", False),
        (r#"guest.mail.matches("^[a-z]+\\d@")"#, True),
        (r#"guest.mail.matches(r"^[a-z]+\d@")"#, True),
        (r#""GUEST".matches("(?i)^guest$")"#, True),
        ("guest.company == \"x\"", Truth::Unknown(FactName::Company)),
        (
            "guest.company.startsWith(\"x\")",
            Truth::Unknown(FactName::Company),
        ),
        (
            "\"x\".contains(guest.company)",
            Truth::Unknown(FactName::Company),
        ),
        (
            "guest.company.matches(\"x\")",
            Truth::Unknown(FactName::Company),
        ),
        ("size(guest.company) > 0", Truth::Unknown(FactName::Company)),
    ]);
}

#[test]
fn membership_in_lists_written_out_in_roles_and_in_groups() {
    check(&[
        (
            "guest.domain in [\"a.example\", \"elsewhere.example\"]",
            True,
        ),
        ("guest.domain in [\"a.example\"]", False),
        ("guest.domain in []", False),
        ("!(guest.inactive_days in [0, 2])", True),
        ("guest.inactive_days in [0, guest.pending_days + 1]", True),
        ("1 in [1, 1 / guest.pending_days]", True),
        ("[\"a\", guest.company].exists(x, x == \"a\")", True),
        (
            "[\"a\", guest.company].all(x, x == \"a\")",
            Truth::Unknown(FactName::Company),
        ),
        ("size([\"a\", guest.company]) == 2", True),
        (
            "2 in [1, 1 / guest.pending_days]",
            Truth::Unknown(FactName::PendingDays),
        ),
        ("\"a\" in [\"a\", guest.company]", True),
        (
            "\"b\" in [\"a\", guest.company]",
            Truth::Unknown(FactName::Company),
        ),
        ("guest.company in []", Truth::Unknown(FactName::Company)),
        ("\"Guest Inviter\" in guest.roles", True),
        ("\"guest inviter\" in guest.roles", False),
        ("\"bridge\" in guest.groups", True),
        ("\"exempt\" in guest.groups", False),
        ("\"lost\" in guest.groups", Truth::Unknown(FactName::Groups)),
        ("\"many\" in guest.groups", Truth::Unknown(FactName::Groups)),
        (
            "\"not read\" in guest.groups",
            Truth::Unknown(FactName::Groups),
        ),
    ]);
}

#[test]
fn macros_go_through_lists_and_are_decided_as_soon_as_they_can_be() {
    let sponsors = Truth::Unknown(FactName::Sponsors);
    check(&[
        (
            "size(guest.sponsors) == 4 && guest.sponsors.size() == 4",
            True,
        ),
        ("guest.sponsors.exists(s, s.eligible)", True),
        (
            "guest.sponsors.exists(s, s.mail == \"max@contoso.example\")",
            True,
        ),
        ("guest.sponsors.exists(s, s.mail == \"nobody\")", sponsors),
        (
            "guest.sponsors.exists(s, s.mail.endsWith(\".test\"))",
            sponsors,
        ),
        ("guest.sponsors.all(s, s.eligible)", False),
        ("guest.sponsors.all(s, s.guest || s.enabled)", sponsors),
        (
            "guest.sponsors.all(s, s.kind in [\"user\", \"group\"])",
            True,
        ),
        ("guest.sponsors.exists_one(s, s.guest)", True),
        ("guest.sponsors.exists_one(s, s.kind == \"user\")", False),
        // Two are enabled for certain, so it cannot be one, whatever Max is.
        ("guest.sponsors.exists_one(s, s.enabled)", False),
        (
            "guest.sponsors.exists_one(s, s.enabled && s.mail.startsWith(\"sara\"))",
            sponsors,
        ),
        (
            "size(guest.sponsors.filter(s, s.kind == \"user\")) == 3",
            True,
        ),
        ("size(guest.sponsors.filter(s, s.enabled)) == 3", sponsors),
        (
            "guest.sponsors.filter(s, s.enabled).exists(s, s.kind == \"group\")",
            True,
        ),
        (
            "guest.sponsors.filter(s, s.enabled).all(s, s.kind == \"group\")",
            False,
        ),
        (
            "guest.sponsors.filter(s, s.enabled).all(s, s.kind in [\"user\", \"group\"])",
            sponsors,
        ),
        (
            "guest.sponsors.filter(s, s.kind == \"user\").filter(s, s.guest).exists(s, s.mail.startsWith(\"gus\"))",
            True,
        ),
        (
            "guest.sponsors.filter(s, s.guest).exists(s, s.kind == \"group\")",
            False,
        ),
        (
            "guest.projects.exists(p, p.name == \"bridge\" && !p.ended)",
            True,
        ),
        ("guest.projects.all(p, p.ends_in_days == 30)", True),
        ("guest.roles.exists(r, r.startsWith(\"Global\"))", True),
        ("guest.roles.all(r, r.startsWith(\"Global\"))", False),
        (
            "\"Guest Inviter\" in guest.roles.filter(r, r.contains(\" \"))",
            True,
        ),
        (
            "[\"elsewhere\", \"a\"].exists(d, guest.domain.contains(d))",
            True,
        ),
        ("[].all(x, x == \"a\") && ![].exists(x, x == \"a\")", True),
        (
            "guest.sponsors.exists(s, guest.projects.exists(p, p.name == \"bridge\" && s.guest))",
            True,
        ),
        (
            "guest.sponsors.exists(x, guest.roles.exists(x, x == \"Global Reader\"))",
            True,
        ),
        ("guest.sponsors.exists(guest, guest.guest)", True),
    ]);
}

#[test]
fn a_list_that_is_not_known_is_unknown_whatever_is_asked_of_it() {
    let mut tenant = ann();
    tenant.named_groups.insert("bridge".into(), Found::Missing);
    for condition in [
        "guest.projects.exists(p, true)",
        "guest.projects.all(p, true)",
        "guest.projects.exists_one(p, true)",
        "size(guest.projects) > 0",
        "size(guest.projects.filter(p, false)) == 0",
    ] {
        assert_eq!(
            judge(&tenant, condition),
            Truth::Unknown(FactName::Projects),
            "{condition}"
        );
    }
    assert_eq!(
        judge(&tenant, "guest.expires_in_days < 0"),
        Truth::Unknown(FactName::ExpiresInDays)
    );
}

#[test]
fn a_choice_judges_only_the_side_that_is_chosen_and_both_when_that_is_not_known() {
    check(&[
        ("true ? true : guest.enabled", True),
        ("false ? guest.enabled : false", False),
        ("true ? guest.enabled : true", UNKNOWN),
        ("guest.enabled ? true : true", True),
        ("guest.enabled ? false : 1 > 2", False),
        ("guest.enabled ? true : false", UNKNOWN),
        (
            "guest.inactive_days > (guest.domain == \"a.example\" ? 90 : 0)",
            True,
        ),
        (
            "(guest.pending_days > 0 ? \"new\" : \"old\") == \"old\"",
            True,
        ),
        ("(guest.enabled ? 1 : 2) > 0", UNKNOWN),
        ("(guest.enabled ? \"a\" : \"b\") == \"a\"", UNKNOWN),
        ("true ? false : true ? true : false", False),
    ]);
}

#[test]
fn has_tells_there_is_none_from_it_is_not_known() {
    check(&[
        ("has(guest.mail)", True),
        ("has(guest.company)", False),
        ("!has(guest.company) || guest.company == \"x\"", True),
        ("has(guest.enabled)", UNKNOWN),
        ("has(guest.expires_in_days)", True),
        ("guest.sponsors.exists(s, !has(s.mail))", True),
        // Somebody is enabled or is not: what Graph does not tell is not known, and never "none".
        (
            "guest.sponsors.exists(s, !has(s.enabled))",
            Truth::Unknown(FactName::Sponsors),
        ),
        (
            "guest.sponsors.exists(s, !has(s.eligible))",
            Truth::Unknown(FactName::Sponsors),
        ),
        ("guest.sponsors.all(s, has(s.kind) && has(s.guest))", True),
    ]);
    let mut tenant = ann();
    tenant.guests[0].groups.clear();
    assert_eq!(judge(&tenant, "has(guest.expires_in_days)"), False);
    assert_eq!(
        judge(&tenant, "guest.expires_in_days < 0"),
        Truth::Unknown(FactName::ExpiresInDays)
    );
}

#[test]
fn a_condition_knows_which_facts_and_groups_it_asks_about_and_tells_their_values() {
    let condition = Condition::parse(
        "guest.pending_days == 0 && guest.inactive_days > 0 && !(\"exempt\" in guest.groups) && \"bridge\" in guest.groups",
    )
    .unwrap();
    assert_eq!(
        condition.facts(),
        [
            FactName::PendingDays,
            FactName::InactiveDays,
            FactName::Groups
        ]
    );
    assert_eq!(condition.groups().collect::<Vec<_>>(), ["exempt", "bridge"]);
    let tenant = ann();
    assert_eq!(
        condition.because(&tenant.judge().facts(&tenant.guests[0])),
        "pending_days = 0, inactive_days = 1, \"exempt\" in groups = no, \"bridge\" in groups = yes"
    );
}
