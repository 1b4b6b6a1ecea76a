//! What conditions are worth, over one guest.

use innkeeper_domain::facts::FactName;
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::SponsorId;
use innkeeper_domain::policy::Truth::{self, False, True};
use innkeeper_domain::policy::{Condition, ConditionError};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};

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
    }
}

/// Ann: an account of 500 days that signed in yesterday; in the project "bridge", which ends in 30 days; sponsored by
/// Sara, by a group without an address, by a guest, and by Max, of whom it is not known whether he is enabled.
fn ann() -> Tenant {
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
            ..sponsor("gus", Some(true))
        },
        sponsor("max", None),
    ];
    let mut tenant = Tenant::of([view]);
    tenant.named_groups.insert("lost".into(), Found::Missing);
    tenant.named_groups.insert("many".into(), Found::Ambiguous);
    tenant
}

fn judge(tenant: &Tenant, condition: &str) -> Truth {
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

fn refused(condition: &str) -> ConditionError {
    match Condition::parse(condition) {
        Ok(_) => panic!("{condition} is accepted"),
        Err(error) => error,
    }
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
fn a_sum_of_constants_that_has_no_result_is_refused() {
    for (marked, message) in [
        ("1 ^/ 0 == 1", "this divides by zero"),
        (
            "guest.inactive_days ^% (1 - 1) == 1",
            "this divides by zero",
        ),
        (
            "9223372036854775807 ^+ 1 > 0",
            "the result of this is too large a number",
        ),
        (
            "^-(-9223372036854775807 - 1) > 0",
            "the result of this is too large a number",
        ),
        ("^9223372036854775808 > 0", "this number is too large"),
        (
            "1 ^/ (size(\"a\") - 1) == 1",
            "this asks about no fact; write its result in its place",
        ),
    ] {
        let error = refused(&marked.replacen('^', "", 1));
        let at = marked.find('^').unwrap();
        // The innermost operation that cannot be reckoned is the one told.
        if message.starts_with("this asks") {
            assert_eq!(error.message, message, "{marked}");
        } else {
            assert_eq!(
                (error.offset, error.message.as_str()),
                (at, message),
                "{marked}"
            );
        }
    }
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

/// Each condition carries a `^` in front of the place that the error must point at.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let rows: &[(&str, &str)] = &[
        ("^", "the condition is empty"),
        ("guest.inactive_days >= ^", "the condition ends too early"),
        (
            "guest.^inactve_days > 1",
            "there is no fact guest.inactve_days; did you mean inactive_days?",
        ),
        (
            "1 > 0 && guest.^color",
            "there is no fact guest.color; there are inactive_days, never_signed_in, ",
        ),
        (
            "^inactive_days > 1",
            "there is no variable inactive_days; write guest.inactive_days",
        ),
        (
            "^user.mail == \"x\"",
            "there is no variable user; facts are written guest.inactive_days, strings \"in quotes\"",
        ),
        (
            "has(guest.^mial)",
            "there is no fact guest.mial; did you mean mail?",
        ),
        ("^guest", "guest is no value by itself"),
        (
            "^guest.inactive_days",
            "a condition must be true or false, and this is int; compare it",
        ),
        (
            "^guest.roles",
            "a condition must be true or false, and this is list of string",
        ),
        (
            "^guest.sponsors",
            "a condition must be true or false, and this is list of sponsor",
        ),
        (
            "true && ^guest.mail",
            "a condition must be true or false, and this is string",
        ),
        (
            "guest.mail ^> 3",
            "string cannot be compared with int this way",
        ),
        (
            "guest.inactive_days ^> \"90\"",
            "int cannot be compared with string this way; write 90 without quotes",
        ),
        (
            "guest.enabled ^== \"true\"",
            "bool cannot be compared with string this way; write true without quotes",
        ),
        (
            "guest.enabled ^< true",
            "true and false have no order; compare with == or !=",
        ),
        (
            "guest.roles ^== guest.roles",
            "list of string cannot be compared with list of string this way",
        ),
        (
            "^guest.mail + \"x\" == \"y\"",
            "an int is needed here, and this is string",
        ),
        (
            "-^guest.mail == 1",
            "an int is needed here, and this is string",
        ),
        (
            "guest.mail.startsWith(^3)",
            "a string is needed here, and this is int",
        ),
        (
            "guest.mail == ^null",
            "a fact is never null; has(guest.mail) asks whether there is one",
        ),
        (
            "guest.inactive_days > ^90.0",
            "numbers are whole and plain; write 90, not 90.0 or 90u",
        ),
        (
            "guest.inactive_days > ^90u",
            "numbers are whole and plain; write 90, not 90.0 or 90u",
        ),
        ("guest.mail == ^b\"x\"", "no fact is made of bytes"),
        (
            "^{\"a\": 1} == 3",
            "maps and messages are not used in conditions",
        ),
        (
            "guest.sponsors.exists(s, s.^mial == \"x\")",
            "a sponsor has no field mial; did you mean mail?",
        ),
        (
            "guest.projects.exists(p, p.^end)",
            "a project has no field end; did you mean ended?",
        ),
        ("guest.mail.^length > 3", "string has no field length"),
        (
            "guest.sponsors.^enabled",
            "a list has no field enabled; its elements do: write .exists(x, x.enabled)",
        ),
        (
            "guest.sponsors.exists(sponsor, ^sponser.guest)",
            "there is no variable sponser; did you mean sponsor?",
        ),
        (
            "guest.sponsors.exists(s, ^s)",
            "a condition must be true or false, and this is sponsor",
        ),
        (
            "guest.sponsors.exists(s, true) && ^s.guest",
            "there is no variable s; facts are written guest.inactive_days",
        ),
        (
            "^guest.mail.exists(c, true)",
            "exists goes through a list of sponsors, projects or strings, and this is string",
        ),
        (
            "^guest.groups.exists(g, g == \"x\")",
            "of guest.groups only \"name or id\" in guest.groups can be asked",
        ),
        (
            "size(^guest.groups) > 0",
            "of guest.groups only \"name or id\" in guest.groups can be asked",
        ),
        (
            "^guest.domain in guest.groups",
            "of guest.groups only \"name or id\" in guest.groups can be asked",
        ),
        (
            "guest.groups ^== \"x\"",
            "of guest.groups only \"name or id\" in guest.groups can be asked",
        ),
        (
            "has(^guest.groups)",
            "of guest.groups only \"name or id\" in guest.groups can be asked",
        ),
        ("^\" \" in guest.groups", "a group has a name or an id"),
        (
            "has(^guest.projects)",
            "of a list ask whether it is empty: size(guest.projects) > 0",
        ),
        (
            "has(^guest.sponsors)",
            "of a list ask whether it is empty: size(guest.sponsors) > 0",
        ),
        ("has(^1)", "has() asks for a fact, as in has(guest.mail)"),
        (
            "^guest.roles.contains(\"x\")",
            "a string is needed here, and this is list of string; membership is written \"...\" in list",
        ),
        (
            "\"x\" in ^guest.mail",
            "after in comes a list, and this is string",
        ),
        (
            "guest.roles.exists(^\"x\", true)",
            "the first argument of exists is a name for the element, such as x",
        ),
        (
            "guest.domain == ^\"Partner.example\"",
            "guest.domain is lower case; write \"partner.example\"",
        ),
        (
            "guest.domain in ^[\"a.example\", \"B.example\"]",
            "guest.domain is lower case; write \"b.example\"",
        ),
        (
            "guest.domain.endsWith(^\".Example\")",
            "guest.domain is lower case; write \".example\"",
        ),
        (
            "guest.user_type == ^\"Guest\"",
            "this is \"guest\" or \"member\", never \"Guest\"",
        ),
        (
            "guest.sponsors.exists(s, ^\"robot\" == s.kind)",
            "this is \"user\" or \"group\", never \"robot\"",
        ),
        ("^1 in guest.roles", "int cannot be in list of string"),
        ("^guest.mail in [1, 2]", "string cannot be in list of int"),
        (
            "guest.mail in ^[1, \"a\"]",
            "a list holds strings or ints, not both",
        ),
        (
            "guest.mail in [^true]",
            "a list holds strings or ints, and this is bool",
        ),
        (
            "\"x\" in [^guest.mail.lowerAscii()]",
            "a list holds strings as they are, none made by lowerAscii, upperAscii or ?:",
        ),
        (
            "size(^3) > 0",
            "size() is of a list or a string, and this is int",
        ),
        (
            "true ? 1 > 0 : ^\"a\"",
            "both sides of ?: must be bool, int or string, and the same; these are bool and string",
        ),
        (
            "guest.mail.matches(^guest.domain)",
            "the pattern of matches() must be a string, written out",
        ),
        (
            "guest.mail.matches(^\"(\")",
            "not a regular expression: unclosed group",
        ),
    ];
    let mut wrong = Vec::new();
    for (marked, message) in rows {
        let at = marked.find('^').unwrap();
        let error = refused(&marked.replacen('^', "", 1));
        if error.offset != at || !error.message.starts_with(message) || error.message.contains('\n')
        {
            wrong.push(format!("{marked}: at {}: {}", error.offset, error.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_usual_slips_of_the_pen_are_told_with_what_to_write() {
    for (marked, message) in [
        ("guest.enabled ^and guest.synced", "\"and\" is written &&"),
        ("guest.enabled ^or guest.synced", "\"or\" is written ||"),
        ("not ^guest.synced", "\"not\" is written !"),
        (
            "guest.inactive_days ^= 90",
            "equality is written ==, with two signs",
        ),
        (
            "guest.inactive_days ^=> 90",
            "the sign = comes last: >= or <=",
        ),
        ("guest.inactive_days <^> 90", "inequality is written !="),
        (
            "guest.enabled ^& guest.synced",
            "\"and\" is written &&, with two signs",
        ),
        (
            "guest.enabled ^| guest.synced",
            "\"or\" is written ||, with two signs",
        ),
        (
            "guest.domain == ^\"partner.example",
            "this string is not closed, or has a bad escape",
        ),
        (
            "guest.mail.matches(^\"\\d\")",
            "this string is not closed, or has a bad escape",
        ),
        ("(guest.enabled^", "a bracket is not closed"),
        ("guest.enabled &&^", "the condition ends too early"),
        (
            "guest.enabled ^)",
            "not a CEL expression: extraneous input ')'",
        ),
        (
            "guest.sponsors^.?mail",
            "not a CEL expression: unsupported syntax '.?'",
        ),
    ] {
        let error = refused(&marked.replacen('^', "", 1));
        assert_eq!(
            (error.offset, error.message.as_str()),
            (marked.find('^').unwrap(), message),
            "{marked}"
        );
    }
}

#[test]
fn functions_and_macros_that_there_are_not_are_refused_with_a_suggestion() {
    for (condition, message) in [
        (
            "guest.mail.startswith(\"x\")",
            "there is no function startswith; did you mean startsWith?",
        ),
        (
            "now() > 3",
            "there is no function now; there are size, has, exists, exists_one, all, filter, startsWith, endsWith, contains, matches, lowerAscii, upperAscii",
        ),
        (
            "guest.mail.contains(\"x\", \"y\")",
            "contains is used as string.contains(\"...\")",
        ),
        (
            "guest.roles.exists(r)",
            "exists is used as list.exists(x, condition)",
        ),
        (
            "size(guest.roles.map(r, r)) > 0",
            "there is no map; there are exists, exists_one, all and filter",
        ),
        (
            "size(guest.roles.map(r, r == \"a\", \"b\")) > 0",
            "there is no map; there are exists, exists_one, all and filter",
        ),
        (
            "guest.roles[0] == \"x\"",
            "lists have no numbered elements here; write .exists(x, ...) or .all(x, ...)",
        ),
    ] {
        assert_eq!(refused(condition).message, message, "{condition}");
    }
}

#[test]
fn the_place_is_counted_in_bytes_also_after_other_alphabets_and_lines() {
    for marked in [
        "guest.company == \"Bäckerei 🥐\" && guest.^foo",
        "guest.company == \"Bäckerei 🥐\" &&\n  guest.^foo",
        "guest.company == \"Bäckerei 🥐\" && ^$",
        "guest.company == \"ä\"\r\n  && ^$",
        "// Größe\n^$",
    ] {
        let at = marked.find('^').unwrap();
        assert_eq!(refused(&marked.replacen('^', "", 1)).offset, at, "{marked}");
    }
}

#[test]
fn a_condition_beyond_all_measure_is_refused_and_does_not_overflow_the_stack() {
    let long = format!("{}true", "true && ".repeat(1_000));
    assert_eq!(refused(&long).message, "a condition has at most 4096 bytes");
    for condition in [
        format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}true", "true ? true : ".repeat(290)),
        format!("1{} > 0", " - 1".repeat(1_000)),
        format!("{}true", "true && ".repeat(500)),
        format!("{}true", "!".repeat(4_000)),
        format!("{}1 == 1", "-".repeat(4_000)),
        format!("guest{}", ".mail".repeat(800)),
        "[".repeat(4_096),
        "(1+1==".repeat(600),
        format!("{}guest.enabled{}", "!(".repeat(30), ")".repeat(30)),
        format!("1{} > 0", " - guest.inactive_days".repeat(90)),
    ] {
        if let Ok(condition) = Condition::parse(&condition) {
            let tenant = ann();
            let _ = condition.judge(&tenant.judge().facts(&tenant.guests[0]));
        }
    }
}

fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "guest",
            ".",
            "mail",
            "inactive_days",
            "sponsors",
            "projects",
            "groups",
            "roles",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            "?",
            ":",
            "&&",
            "||",
            "!",
            "==",
            "!=",
            "<",
            ">=",
            "+",
            "-",
            "*",
            "/",
            "%",
            "in",
            "true",
            "false",
            "null",
            "1",
            "0",
            "1.5",
            "2u",
            "\"a\"",
            "'b'",
            "r\"\\d\"",
            "\"",
            "has(",
            "size(",
            ".all(",
            ".exists(",
            ".exists_one(",
            ".filter(",
            ".map(",
            ".matches(",
            "s",
            "s.mail",
            ", s",
            "s, ",
            "guest.sponsors",
            "ä",
            "🥐",
            "//",
            "\n",
            "\r\n",
            " ",
        ])
        .prop_map(str::to_owned),
        Just("guest.sponsors.exists(s, s.eligible)".to_owned()),
        Just("guest.inactive_days >= 90".to_owned()),
        Just("\"x\" in guest.groups".to_owned()),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// Whatever the text, parsing it ends; what is accepted can be judged, and what is refused points into the text.
fn survives(source: &str) {
    match Condition::parse(source) {
        Ok(_) => {
            judge(&ann(), source);
        }
        Err(error) => {
            assert!(
                source.is_char_boundary(error.offset),
                "{source:?}: {error:?}"
            );
            assert!(!error.message.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(source in "\\PC{0,80}") {
        survives(&source);
    }

    #[test]
    fn no_soup_of_tokens_makes_the_parser_panic(source in soup()) {
        survives(&source);
    }
}
