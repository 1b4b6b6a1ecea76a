//! What is wrong with a condition, and where.

use innkeeper_domain::policy::{Condition, ConditionError};

use crate::conditions::ann;

fn refused(condition: &str) -> ConditionError {
    match Condition::parse(condition) {
        Ok(_) => panic!("{condition} is accepted"),
        Err(error) => error,
    }
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
fn everything_wrong_with_a_condition_is_told_at_once() {
    let error = refused(
        "guest.inactiv_days > guest.acount_age_days && (guest.enabld ? guest.Domain == \"a\" : 3) || guest.mail in guest.group",
    );
    let told = std::iter::once(&error).chain(&error.others);
    let told: Vec<(usize, &str)> = told
        .map(|error| {
            let (message, _) = error.message.split_once(';').unwrap_or_default();
            (error.offset, message)
        })
        .collect();
    assert_eq!(
        told,
        [
            (6, "there is no fact guest.inactiv_days"),
            (27, "there is no fact guest.acount_age_days"),
            (53, "there is no fact guest.enabld"),
            (68, "there is no fact guest.Domain"),
            (110, "there is no fact guest.group"),
        ]
    );
}

#[test]
fn what_is_written_as_in_a_letter_is_told_in_words() {
    for (condition, message) in [
        ("guest.domain == “a.example”", "no quotation mark of CEL"),
        ("guest.inactive_days >= 90 days", "without a unit"),
        ("guest.inactive_days >= 90d", "without a unit"),
        ("NOT guest.enabled", "\"not\" is written !"),
        ("guest.enabled AND guest.synced", "\"and\" is written &&"),
        ("guest.enabled Or guest.synced", "\"or\" is written ||"),
    ] {
        let error = refused(condition);
        assert!(error.message.contains(message), "{condition}: {error}");
    }
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
    let padded = |bytes: usize| format!("{:<bytes$}", "true");
    assert!(Condition::parse(&padded(4096)).is_ok());
    assert_eq!(refused(&padded(4097)).offset, 4096);
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
