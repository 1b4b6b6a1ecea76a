//! What is wrong with a policy file, and where.

use chrono::TimeDelta;
use innkeeper_domain::policy::{Action, Cap, FromGroups, KeepLast, Policy, Recipient};
use proptest::prelude::{ProptestConfig, prop_assert, proptest};

use crate::stages::with_stages;

/// Everything wrong with a policy, as a person reads it.
pub fn problems(text: &str) -> String {
    match Policy::parse("policy.toml", text) {
        Ok(_) => "nothing".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

/// Holds a table of texts against what is told about them.
fn check(rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(text, expected)| (text, expected, problems(text)))
        .filter(|(_, expected, told)| *expected != told)
        .map(|(text, expected, told)| format!("{text}\n  told:     {told}\n  expected: {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_not_toml_is_told_with_its_place() {
    check(&[
        (
            "[[rule]\nname = \"r\"\n",
            "policy.toml:1:8: not TOML: unclosed array table, expected `]`",
        ),
        (
            "[limits]\ndisable = { guests = 1\n",
            "policy.toml:2:23: not TOML: unclosed inline table, expected `}`",
        ),
        (
            "[limits]\nshrink_percent = 1\nshrink_percent = 2\n",
            "policy.toml:3:1: not TOML: duplicate key",
        ),
        (
            "[[project]]\ngroup = \"g\"\nends = 2027-02-30\n",
            "policy.toml:3:8: not TOML: invalid date, expected day between 01 and 28",
        ),
        (
            "é = = 3\n",
            "policy.toml:1:5: not TOML: extra `=`, expected nothing",
        ),
    ]);
}

#[test]
fn an_empty_policy_is_a_policy_without_rules() {
    assert_eq!(problems(""), "nothing");
    assert!(Policy::parse("policy.toml", "").unwrap().rules.is_empty());
}

#[test]
fn tables_and_keys_that_there_are_not_are_told_with_the_nearest_one() {
    check(&[
        (
            "[[rules]]\nname = \"r\"\n",
            "policy.toml:1:3: the policy: there is no key rules; did you mean rule?",
        ),
        (
            "mode = \"enforce\"\n",
            "policy.toml:1:1: the policy: there is no key mode; there are rule, protect, project, partner, exempt_groups, expiry, activity, limits, sponsors, steward",
        ),
        (
            "[rule]\nname = \"r\"\n",
            "policy.toml:1:1: write [[rule]], with two brackets: there can be several",
        ),
        (
            "rule = 3\n",
            "policy.toml:1:8: write [[rule]], with two brackets: there can be several",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = 'true'\nstages = []\n",
            "policy.toml:4:1: protection \"p\": there is no key stages; there are name, when",
        ),
        (
            "[[project]]\ngroup = \"g\"\nends = 2027-01-01\nend = 2027-01-01\n",
            "policy.toml:4:1: project \"g\": there is no key end; did you mean ends?",
        ),
        (
            "[[partner]]\ndomain = \"d.example\"\nsync = true\n",
            "policy.toml:3:1: partner \"d.example\": there is no key sync; did you mean synced?",
        ),
        (
            "[limits]\ndelte = { guests = 1 }\n",
            "policy.toml:2:1: [limits]: there is no key delte; did you mean delete?",
        ),
        (
            "[limits]\ndelete = { guest = 1 }\n",
            "policy.toml:2:12: [limits] delete: there is no key guest; did you mean guests?",
        ),
        (
            "[[rule]]\nname = \"r\"\nwen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:1:1: rule \"r\": when is missing\npolicy.toml:3:1: rule \"r\": there is no key wen; did you mean when?",
        ),
    ]);
}

#[test]
fn what_a_table_lacks_or_has_of_the_wrong_type_is_told() {
    check(&[
        (
            "[[rule]]\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:1:1: rule 1: name is missing",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\n",
            "policy.toml:1:1: rule \"r\": stages is missing; write such as stages = [{ action = \"notify\" }]",
        ),
        (
            "[[rule]]\nname = \" \"\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:8: rule 1: name is empty",
        ),
        (
            "[[rule]]\nname = 3\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:8: rule 1: name must be a string, and this is integer",
        ),
        (
            "[[protect]]\nname = \"a\\nb\"\nwhen = 'true'\n",
            "policy.toml:2:8: protection \"a\\nb\": a name is one line of at most 80 characters",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = true\n",
            "policy.toml:3:8: protection \"p\": when must be a string, and this is boolean",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = ''\n",
            "policy.toml:3:8: protection \"p\": when is empty",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nunannounced = \"yes\"\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:4:15: rule \"r\": unannounced must be true or false, and this is string",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = []\n",
            "policy.toml:4:10: rule \"r\": stages is empty; write such as stages = [{ action = \"notify\" }]",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = \"flag\"\n",
            "policy.toml:4:10: rule \"r\": stages is a list, such as [{ action = \"notify\" }]",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = [\"flag\"]\n",
            "policy.toml:4:11: rule \"r\": a table such as { action = \"notify\" } is needed here, and this is string",
        ),
        (
            "[[project]]\nends = 2027-01-01\n",
            "policy.toml:1:1: project 1: group is missing",
        ),
        (
            "[[partner]]\nsynced = true\n",
            "policy.toml:1:1: partner 1: domain is missing",
        ),
        (
            "[[partner]]\ndomain = \"d.example\"\nsynced = 1\n",
            "policy.toml:3:10: partner \"d.example\": synced must be true or false, and this is integer",
        ),
    ]);
}

#[test]
fn a_condition_is_told_at_the_very_place_that_is_wrong() {
    check(&[
        (
            "[[protect]]\nname = \"p\"\nwhen = 'guest.inactve_days > 1'\n",
            "policy.toml:3:15: protection \"p\": there is no fact guest.inactve_days; did you mean inactive_days?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = 'true && guest.mail'\n",
            "policy.toml:3:17: protection \"p\": a condition must be true or false, and this is string; compare it, as in guest.domain == \"partner.example\"",
        ),
        // Escapes are longer in the file than in the condition.
        (
            "[[protect]]\nname = \"p\"\nwhen = \"guest.mail == \\\"\\u00e4\\\" && guest.mial == 'x'\"\n",
            "policy.toml:3:43: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = 'guest.mail == \"ä\" && guest.mial == \"x\"'\n",
            "policy.toml:3:36: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = '''\nguest.mail == \"x\"\n  && guest.mial == \"x\"'''\n",
            "policy.toml:5:12: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = \"\"\"guest.mail == 'x' \\\n  && guest.mial == 'x'\"\"\"\n",
            "policy.toml:4:12: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\r\nname = \"p\"\r\nwhen = '''\r\nguest.mail == \"x\"\r\n  && guest.mial == \"x\"'''\r\n",
            "policy.toml:5:12: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
    ]);
}

#[test]
fn names_groups_and_domains_are_there_once() {
    let rule = "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n";
    let protect = "[[protect]]\nname = \"r\"\nwhen = 'false'\n";
    assert_eq!(problems(&format!("{rule}{protect}")), "nothing");
    for (text, message) in [
        (
            rule.repeat(2),
            "6:8: rule \"r\": another rule has this name",
        ),
        (
            protect.repeat(2),
            "5:8: protection \"r\": another protection has this name",
        ),
        (
            "[[project]]\ngroup = \"g\"\nends = 2027-01-01\n".repeat(2),
            "5:9: project \"g\": another [[project]] has this group; a group ends once",
        ),
        (
            "[[partner]]\ndomain = \"D.example\"\n[[partner]]\ndomain = \"d.example\"\n".to_owned(),
            "4:10: partner \"d.example\": another [[partner]] has this domain",
        ),
        (
            "[[partner]]\ndomain = \"ann@d.example\"\n".to_owned(),
            "2:10: partner \"ann@d.example\": a domain is written such as \"partner.example\", in full and without @ or *",
        ),
    ] {
        assert_eq!(problems(&text), format!("policy.toml:{message}"), "{text}");
    }
}

#[test]
fn the_end_of_a_project_is_a_day() {
    let told = |ends: &str| problems(&format!("[[project]]\ngroup = \"g\"\nends = {ends}\n"));
    for good in ["2027-03-31", "\"2027-03-31\"", "\"expirationDateTime\""] {
        assert_eq!(told(good), "nothing", "{good}");
    }
    for bad in [
        "2027-03-31T12:00:00Z",
        "2027-03-31T12:00:00",
        "12:00:00",
        "\"31.3.2027\"",
        "\"2027-02-30\"",
        "2027",
        "true",
    ] {
        assert_eq!(
            told(bad),
            "policy.toml:3:8: project \"g\": ends is the last day and nothing else, such as 2027-03-31; or \"expirationDateTime\", for that of the group",
            "{bad}"
        );
    }
    assert_eq!(
        problems("[[project]]\ngroup = \"g\"\n"),
        "policy.toml:1:1: project \"g\": ends is missing; it is the last day, such as ends = 2027-03-31"
    );
}

#[test]
fn limits_are_numbers_that_can_be_kept() {
    let told = |limit: &str| problems(&format!("[limits]\n{limit}\n"));
    for (limit, message) in [
        (
            "disable = 50",
            "2:11: [limits]: a cap is a table, such as disable = { guests = 50, percent = 5 }",
        ),
        (
            "disable = { guests = -1 }",
            "2:22: [limits] disable: guests is a whole number, 0 or more",
        ),
        (
            "disable = { guests = 1.5 }",
            "2:22: [limits] disable: guests is a whole number, 0 or more",
        ),
        (
            "disable = { percent = 101 }",
            "2:23: [limits] disable: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = -1 }",
            "2:23: [limits] disable: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = nan }",
            "2:23: [limits] disable: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = \"5\" }",
            "2:23: [limits] disable: percent is a number from 0 to 100",
        ),
        (
            "disable = { guest_per_day = 1 }",
            "2:13: [limits] disable: there is no key guest_per_day; did you mean guests_per_day?",
        ),
        (
            "disable = { guests_per_day = true }",
            "2:30: [limits] disable: guests_per_day is a whole number, 0 or more",
        ),
        (
            "ceiling = 500",
            "2:11: [limits]: a cap is a table, such as ceiling = { guests = 50, percent = 5 }",
        ),
        (
            "per_domain = { guests_per_day = 1 }",
            "2:16: [limits] per_domain: there is no key guests_per_day; there are guests, percent",
        ),
        (
            "per_sponser = { guests = 1 }",
            "2:1: [limits]: there is no key per_sponser; did you mean per_sponsor?",
        ),
        (
            "shrink_percent = 200",
            "2:18: [limits]: shrink_percent is a number from 0 to 100",
        ),
        (
            "longest_gap = 7",
            "2:15: [limits]: longest_gap must be a time such as \"14d\", and this is integer",
        ),
        (
            "longest_gap = \"1M\"",
            "2:15: [limits]: longest_gap = \"1M\" counts in months or years, which differ in length; write days, such as \"30d\"",
        ),
        (
            "longest_gap = \"59m\"",
            "2:15: [limits]: longest_gap is at least 1h, or no wait would ever end",
        ),
        (
            "longest_gap = \"0s\"",
            "2:15: [limits]: longest_gap is at least 1h, or no wait would ever end",
        ),
    ] {
        assert_eq!(told(limit), format!("policy.toml:{message}"), "{limit}");
    }
    assert_eq!(
        problems("limits = 3\n"),
        "policy.toml:1:10: [limits] is a table, with one pair of brackets"
    );
}

#[test]
fn several_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"[limits]
shrink_percent = 200

[[rule]]
name = "inactive"
when = 'guest.inactve_days >= 90'
stages = [{ action = "notfy" }]

[[rule]]
name = "pending"
when = 'guest.pending_days >= 30'
stages = [
  { action = "disable", wait = "1M" },
]

[[project]]
group = "bridge"

[[protekt]]
"#;
    insta::assert_snapshot!(problems(text), @r#"
    policy.toml:2:18: [limits]: shrink_percent is a number from 0 to 100
    policy.toml:6:15: rule "inactive": there is no fact guest.inactve_days; did you mean inactive_days?
    policy.toml:7:22: rule "inactive", stage 1: there is no action "notfy"; did you mean notify?
    policy.toml:13:32: rule "pending", stage 1: wait = "1M" counts in months or years, which differ in length; write days, such as "30d"
    policy.toml:16:1: project "bridge": ends is missing; it is the last day, such as ends = 2027-03-31
    policy.toml:19:3: the policy: there is no key protekt; did you mean protect?
    "#);
}

#[test]
fn the_hash_is_that_of_every_byte_of_the_file() {
    let hash = |text: &str| Policy::parse("policy.toml", text).unwrap().hash;
    assert_eq!(
        hash(""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_ne!(hash("\u{feff}"), hash(""));
    assert_ne!(hash("# a comment\n"), hash(""));
}

#[test]
fn a_byte_order_mark_and_the_line_ends_of_windows_move_nothing() {
    let text = "[[protect]]\nname = \"p\"\nwhen = 'guest.mial == \"x\"'\n";
    let told = problems(text);
    assert!(told.starts_with("policy.toml:3:15: "), "{told}");
    assert_eq!(problems(&format!("\u{feff}{text}")), told);
    assert_eq!(problems(&text.replace('\n', "\r\n")), told);
    assert_eq!(
        problems(&format!("\u{feff}{}", text.replace('\n', "\r\n"))),
        told
    );
    assert_eq!(
        problems("\u{feff}mode = 3\r\n").split_once(": ").unwrap().0,
        "policy.toml:1:1"
    );
}

#[test]
fn what_a_policy_leaves_out_has_a_customary_value() {
    let policy = Policy::parse(
        "policy.toml",
        &with_stages(
            "true",
            "{ action = \"notify\" }, { action = \"remove-from-group\", wait = \"36h\" }, { action = \"notify\", to = [\"operators\", \"sponsor\"] }",
        ),
    )
    .unwrap();
    let [notify, remove, again] = policy.rules[0].stages.as_slice() else {
        panic!("three stages");
    };
    assert_eq!(notify.to, [Recipient::Sponsor]);
    assert_eq!(notify.wait, TimeDelta::zero());
    assert_eq!(remove.wait, TimeDelta::hours(36));
    assert_eq!(remove.from, FromGroups::EndedProjects);
    assert_eq!(again.to, [Recipient::Operators, Recipient::Sponsor]);
    assert_eq!(policy.limits.longest_gap, TimeDelta::days(7));
    let disable = policy.limits.cap(Action::Disable);
    assert_eq!((disable.guests, disable.percent), (50, 5.0));
}

#[test]
fn a_limit_that_is_given_in_part_keeps_the_customary_rest() {
    let policy = Policy::parse(
        "policy.toml",
        "[limits]\ndelete = { guests = 3 }\ndisable = { percent = 0.5 }\n",
    )
    .unwrap();
    let cap = |action| {
        let cap = policy.limits.cap(action);
        (cap.guests, cap.percent)
    };
    assert_eq!(cap(Action::Delete), (3, 2.0));
    assert_eq!(cap(Action::Disable), (50, 0.5));
    assert_eq!(cap(Action::Notify), (500, 100.0));
}

#[test]
fn a_day_a_domain_a_sponsor_and_the_ceiling_have_limits_of_their_own() {
    let text = "[limits]\ndelete = { guests = 3, guests_per_day = 5 }\nper_domain = { guests = 7 }\n\
                per_sponsor = { percent = 50 }\nceiling = { guests = 0 }\n";
    let limits = Policy::parse("policy.toml", text).unwrap().limits;
    let pair = |cap: Cap| (cap.guests, cap.percent);
    assert_eq!(pair(limits.day(Action::Delete)), (5, 8.0));
    assert_eq!(pair(limits.day(Action::Disable)), (200, 20.0));
    assert_eq!(pair(limits.per_domain), (7, 100.0));
    assert_eq!(pair(limits.per_sponsor), (25, 50.0));
    assert_eq!(limits.ceiling_of(100_000), 0);
}

#[test]
fn a_rule_keeps_the_last_guest_of_projects_or_of_groups() {
    let rule = |keep: &str| {
        format!(
            "[[rule]]\nname = \"r\"\nwhen = 'guest.inactive_days > 1'\n{keep}\nstages = [{{ action = \"notify\" }}]\n\
             [[project]]\ngroup = \"bridge\"\nends = 2027-01-31\n"
        )
    };
    let parsed = |keep: &str| Policy::parse("policy.toml", &rule(keep)).unwrap();
    assert_eq!(parsed("").rules[0].keep_last, KeepLast::Nowhere);
    let projects = parsed("keep_last_of_group = \"projects\"");
    let kept: Vec<_> = projects.rules[0]
        .keeps_last_of(&projects.projects)
        .collect();
    assert_eq!(kept, ["bridge"]);
    let named = parsed("keep_last_of_group = [\"a\", \"b\"]");
    assert_eq!(
        named.rules[0].keep_last,
        KeepLast::Named(vec!["a".into(), "b".into()])
    );
    assert!(named.groups().contains("b"));
    assert_eq!(
        problems(&rule("keep_last_of_group = \"bridge\"")),
        "policy.toml:4:22: rule \"r\": keep_last_of_group is \"projects\", or a list of groups; write [\"bridge\"] for one group"
    );
    assert_eq!(
        problems(&rule("keep_last_of_groups = \"projects\"")),
        "policy.toml:4:1: rule \"r\": there is no key keep_last_of_groups; did you mean keep_last_of_group?"
    );
}

#[test]
fn every_group_that_a_policy_names_is_told_once() {
    let text = r#"
[[rule]]
name = "r"
when = '"a" in guest.groups || "b" in guest.groups'
stages = [{ action = "notify" }, { action = "remove-from-group", from = ["c", "a"] }]

[[protect]]
name = "p"
when = '"d" in guest.groups'

[[project]]
group = "e"
ends = 2027-01-01
"#;
    let policy = Policy::parse("policy.toml", text).unwrap();
    assert_eq!(
        policy.groups().into_iter().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A policy with any byte changed is read or refused, and what is refused has a place in it.
    #[test]
    fn no_change_of_a_policy_makes_the_reader_panic(at in 0usize..700, to in "\\PC|[\"'\\[\\]{}=\n\\\\]") {
        let mut text = crate::tenant::POLICY.to_owned();
        let at = text.floor_char_boundary(at);
        text.replace_range(at..at + 1, &to);
        if let Err(problems) = Policy::parse("policy.toml", &text) {
            prop_assert!(!problems.problems.is_empty());
            for problem in problems.problems {
                let line = text.split('\n').nth(problem.line - 1);
                prop_assert!(line.is_some_and(|line| problem.column <= line.chars().count() + 1), "{:?}", problem);
            }
        }
    }
}

#[test]
fn where_an_expiry_comes_from_is_checked() {
    for (text, message) in [
        (
            "attribute = \"extensionAttribute3\"\nformat = \"%d.%m.%Y\"",
            "",
        ),
        (
            "attribute = \"employeeLeaveDateTime\"\nmax_stay = \"365d\"",
            "",
        ),
        (
            "attribute = \"extensionAttribute16\"",
            "2:13: [expiry]: there is no attribute \"extensionAttribute16\"; did you mean extensionAttribute1?",
        ),
        (
            "attribute = \"extensionAttribute1\"\nformat = \"%d.%m.\"",
            "3:10: [expiry]: by the format \"%d.%m.\" no day can be written and read again; write such as \"%Y-%m-%d\" or \"%d.%m.%Y\"",
        ),
        (
            "attribute = \"employeeLeaveDateTime\"\nformat = \"%d.%m.%Y\"",
            "3:10: [expiry]: employeeLeaveDateTime is a time as Graph writes it; it has no format",
        ),
        (
            "format = \"%Y-%m-%d\"",
            "2:10: [expiry]: format without attribute means nothing",
        ),
        (
            "max_stay = \"1h\"",
            "2:12: [expiry]: max_stay is at least a day",
        ),
        (
            "max_days = 3",
            "2:1: [expiry]: there is no key max_days; did you mean max_stay?",
        ),
    ] {
        let expected = match message {
            "" => "nothing".to_owned(),
            message => format!("policy.toml:{message}"),
        };
        assert_eq!(problems(&format!("[expiry]\n{text}\n")), expected, "{text}");
    }
    assert_eq!(
        problems("[activity]\nbasis = \"succesful\"\n"),
        "policy.toml:2:9: [activity]: there is no basis \"succesful\"; did you mean successful?"
    );
}

#[test]
fn what_is_done_about_the_unknown_and_how_often_a_notice_is_repeated_is_checked() {
    let told = |rule: &str, stage: &str| {
        problems(&format!(
            "[[rule]]\nname = \"r\"\nwhen = 'guest.synced'\n{rule}\nstages = [{{ {stage} }}]\n"
        ))
    };
    assert_eq!(
        told(
            "unknown = \"ask\"",
            "action = \"notify\", repeat = \"7d\", to = [\"guest\"]"
        ),
        "nothing"
    );
    assert_eq!(
        told("unknown = \"aks\"", "action = \"flag\""),
        "policy.toml:4:11: rule \"r\": unknown cannot be \"aks\"; did you mean ask?"
    );
    assert_eq!(
        told("", "action = \"flag\", repeat = \"7d\""),
        "policy.toml:5:39: rule \"r\", stage 1: only notify can be repeated; flag is done once"
    );
    assert_eq!(
        told("", "action = \"notify\", repeat = \"1h\""),
        "policy.toml:5:41: rule \"r\", stage 1: repeat is at least 1d, or nobody reads it"
    );
}
