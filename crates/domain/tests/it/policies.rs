//! What is wrong with a policy file, and where.

use chrono::TimeDelta;
use innkeeper_domain::policy::{Action, FromGroups, Policy, Recipient};

/// Everything wrong with a policy, as a person reads it.
fn problems(text: &str) -> String {
    match Policy::parse("policy.toml", text) {
        Ok(_) => "nothing".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

/// A rule with these stages, each on a line of its own: the first one on line 5.
fn with_stages(when: &str, stages: &str) -> String {
    format!("[[rule]]\nname = \"r\"\nwhen = '{when}'\nstages = [\n{stages}\n]\n")
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
            "policy.toml:1:3: the policy has no key rules; did you mean rule?",
        ),
        (
            "mode = \"enforce\"\n",
            "policy.toml:1:1: the policy has no key mode; it has rule, protect, project, partner, limits",
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
            "policy.toml:4:1: a protection has no key stages; it has name, when",
        ),
        (
            "[[project]]\ngroup = \"g\"\nends = 2027-01-01\nend = 2027-01-01\n",
            "policy.toml:4:1: a project has no key end; did you mean ends?",
        ),
        (
            "[[partner]]\ndomain = \"d.example\"\nsync = true\n",
            "policy.toml:3:1: a partner has no key sync; did you mean synced?",
        ),
        (
            "[limits]\ndelte = { guests = 1 }\n",
            "policy.toml:2:1: [limits] has no key delte; did you mean delete?",
        ),
        (
            "[limits]\ndelete = { guest = 1 }\n",
            "policy.toml:2:12: a cap has no key guest; did you mean guests?",
        ),
        (
            "[[rule]]\nname = \"r\"\nwen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:1: rule \"r\" lacks when\npolicy.toml:3:1: a rule has no key wen; did you mean when?",
        ),
    ]);
}

#[test]
fn what_a_table_lacks_or_has_of_the_wrong_type_is_told() {
    check(&[
        (
            "[[rule]]\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:1: a rule lacks name",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\n",
            "policy.toml:2:1: a rule lacks stages, such as stages = [{ action = \"notify\" }]",
        ),
        (
            "[[rule]]\nname = \" \"\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:8: a rule: name is empty",
        ),
        (
            "[[rule]]\nname = 3\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n",
            "policy.toml:2:8: a rule: name must be a string, and this is integer",
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
            "policy.toml:4:15: a rule: unannounced must be true or false, and this is string",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = []\n",
            "policy.toml:4:10: a rule needs at least one stage",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = \"flag\"\n",
            "policy.toml:4:10: stages is a list, such as stages = [{ action = \"notify\" }]",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = [\"flag\"]\n",
            "policy.toml:4:11: each of stages is a table, such as { action = \"notify\" }",
        ),
        (
            "[[project]]\nends = 2027-01-01\n",
            "policy.toml:2:1: a project lacks group",
        ),
        (
            "[[partner]]\nsynced = true\n",
            "policy.toml:2:1: a partner lacks domain",
        ),
        (
            "[[partner]]\ndomain = \"d.example\"\nsynced = 1\n",
            "policy.toml:3:10: a partner: synced must be true or false, and this is integer",
        ),
    ]);
}

#[test]
fn a_condition_is_told_at_the_very_place_that_is_wrong() {
    check(&[
        (
            "[[protect]]\nname = \"p\"\nwhen = 'guest.inactve_days > 1'\n",
            "policy.toml:3:9: protection \"p\": there is no fact guest.inactve_days; did you mean inactive_days?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = 'true && guest.mail'\n",
            "policy.toml:3:17: protection \"p\": a condition must be true or false, and this is string",
        ),
        // Escapes are longer in the file than in the condition.
        (
            "[[protect]]\nname = \"p\"\nwhen = \"guest.mail == \\\"\\u00e4\\\" && guest.mial == 'x'\"\n",
            "policy.toml:3:37: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = 'guest.mail == \"ä\" && guest.mial == \"x\"'\n",
            "policy.toml:3:30: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = '''\nguest.mail == \"x\"\n  && guest.mial == \"x\"'''\n",
            "policy.toml:5:6: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\nname = \"p\"\nwhen = \"\"\"guest.mail == 'x' \\\n  && guest.mial == 'x'\"\"\"\n",
            "policy.toml:4:6: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
        (
            "[[protect]]\r\nname = \"p\"\r\nwhen = '''\r\nguest.mail == \"x\"\r\n  && guest.mial == \"x\"'''\r\n",
            "policy.toml:5:6: protection \"p\": there is no fact guest.mial; did you mean mail?",
        ),
    ]);
}

#[test]
fn actions_recipients_and_groups_that_there_are_not_are_told() {
    let told = |stages: &str| problems(&with_stages("true", stages));
    for (stages, message) in [
        (
            "{ action = \"notfy\" },\n{ action = \"disable\" }",
            "policy.toml:5:12: there is no action notfy; did you mean notify?",
        ),
        (
            "{ action = \"email\" }",
            "policy.toml:5:12: there is no action email; there are flag, notify, remove-from-group, disable, delete",
        ),
        ("{ wait = \"3d\" }", "policy.toml:5:3: a stage lacks action"),
        (
            "{ action = \"flag\", after = \"3d\" }",
            "policy.toml:5:20: a stage has no key after; it has action, wait, to, from",
        ),
        (
            "{ action = \"notify\", to = [\"sponser\"] }",
            "policy.toml:5:28: there is no recipient sponser; did you mean sponsor?",
        ),
        (
            "{ action = \"notify\", to = [] }",
            "policy.toml:5:27: a notice needs somebody to go to: sponsor or operators",
        ),
        (
            "{ action = \"notify\", to = \"sponsor\" }",
            "policy.toml:5:27: to must be a list of strings, and this is string",
        ),
        (
            "{ action = \"flag\", to = [\"sponsor\"] }",
            "policy.toml:5:25: only notify has to; flag has nobody to write to",
        ),
        (
            "{ action = \"notify\", from = \"ended-projects\" }",
            "policy.toml:5:29: only remove-from-group has from, and this is notify",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = \"ended\" }",
            "policy.toml:6:40: from is \"ended-projects\" or a list of groups, such as [\"Bridge Renovation\"]",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = [] }",
            "policy.toml:6:40: from is \"ended-projects\" or a list of groups, such as [\"Bridge Renovation\"]",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = [3] }",
            "policy.toml:6:41: from must be a list of strings, and this is integer",
        ),
    ] {
        assert_eq!(told(stages), message, "{stages}");
    }
}

#[test]
fn a_wait_is_a_time_in_days_or_shorter_units() {
    let told = |wait: &str| {
        problems(&with_stages(
            "true",
            &format!("{{ action = \"notify\", wait = {wait} }}"),
        ))
    };
    for good in [
        "14d",
        "14 days",
        "1day",
        "36h",
        "1d 12h",
        "2w",
        "90m",
        "0s",
        "1w 2days 3hours",
    ] {
        assert_eq!(told(&format!("{good:?}")), "nothing", "{good}");
    }
    for calendar in ["1M", "2months", "1 month", "1y", "3 years", "1d 1M"] {
        assert_eq!(
            told(&format!("{calendar:?}")),
            format!(
                "policy.toml:5:29: a stage: wait = {calendar:?} counts in months or years, which differ in length; write days, such as \"30d\""
            )
        );
    }
    for (wait, message) in [
        (
            "14",
            "a stage: wait must be a time such as \"14d\", and this is integer",
        ),
        (
            "\"14\"",
            "a stage: wait = \"14\" is no time; write such as \"14d\", \"36h\" or \"1d 12h\"",
        ),
        (
            "\"soon\"",
            "a stage: wait = \"soon\" is no time; write such as \"14d\", \"36h\" or \"1d 12h\"",
        ),
        (
            "\"-3d\"",
            "a stage: wait = \"-3d\" is no time; write such as \"14d\", \"36h\" or \"1d 12h\"",
        ),
        (
            "\"9999d\"",
            "a stage: wait = \"9999d\" is longer than ten years",
        ),
    ] {
        assert_eq!(told(wait), format!("policy.toml:5:29: {message}"), "{wait}");
    }
}

#[test]
fn stages_have_an_order_that_leaves_time_to_notice() {
    const NOTIFY: &str = "{ action = \"notify\" }";
    let told = |stages: &[&str]| problems(&with_stages("true", &stages.join(",\n")));
    let disable = "{ action = \"disable\" }";
    let delete = "{ action = \"delete\" }";
    let remove = "{ action = \"remove-from-group\" }";
    let flag = "{ action = \"flag\" }";
    for good in [
        &[NOTIFY, disable, delete][..],
        &[NOTIFY, NOTIFY, remove, disable, NOTIFY, delete],
        &[flag],
        &[flag, NOTIFY, remove],
    ] {
        assert_eq!(told(good), "nothing", "{good:?}");
    }
    for (stages, message) in [
        (
            &[NOTIFY, delete][..],
            "6:12: rule \"r\": delete needs a disable before it, so that somebody notices while it can still be undone in full",
        ),
        (
            &[NOTIFY, disable, delete, NOTIFY],
            "8:12: rule \"r\": nothing can follow delete",
        ),
        (
            &[disable],
            "5:12: rule \"r\": disable needs a notify before it; write unannounced = true in the rule if nobody is to be warned",
        ),
        (
            &[flag, remove, NOTIFY],
            "6:12: rule \"r\": remove-from-group needs a notify before it; write unannounced = true in the rule if nobody is to be warned",
        ),
        (
            &[NOTIFY, disable, disable],
            "7:12: rule \"r\": disable is there twice",
        ),
        (
            &[NOTIFY, remove, flag, remove],
            "8:12: rule \"r\": remove-from-group is there twice",
        ),
        (&[flag, flag], "6:12: rule \"r\": flag is there twice"),
    ] {
        assert_eq!(told(stages), format!("policy.toml:{message}"), "{stages:?}");
    }
}

#[test]
fn a_rule_may_say_that_nobody_is_to_be_warned() {
    let text = "[[rule]]\nname = \"r\"\nwhen = 'true'\nunannounced = true\nstages = [{ action = \"disable\" }, { action = \"delete\" }]\n";
    assert_eq!(problems(text), "nothing");
}

#[test]
fn a_rule_about_sign_ins_waits_longer_than_sign_in_times_can_lag() {
    let stages = |wait: &str| {
        format!(
            "{{ action = \"notify\" }},\n{{ action = \"remove-from-group\" }},\n{{ action = \"disable\"{wait} }},\n{{ action = \"delete\", wait = \"1d\" }}"
        )
    };
    let message = "policy.toml:7:12: rule \"r\": disable must wait at least 24h: sign-in times can lag by a day, so somebody who has just come back would not be seen";
    for when in [
        "guest.inactive_days > 90",
        "guest.never_signed_in",
        "guest.pending_days > 3 || guest.inactive_days > 90",
    ] {
        assert_eq!(problems(&with_stages(when, &stages(""))), message, "{when}");
        assert_eq!(
            problems(&with_stages(when, &stages(", wait = \"23h 59m\""))),
            message,
            "{when}"
        );
        assert_eq!(
            problems(&with_stages(when, &stages(", wait = \"24h\""))),
            "nothing",
            "{when}"
        );
    }
    assert_eq!(
        problems(&with_stages("guest.pending_days > 3", &stages(""))),
        "nothing"
    );
}

#[test]
fn names_groups_and_domains_are_there_once() {
    let rule = "[[rule]]\nname = \"r\"\nwhen = 'true'\nstages = [{ action = \"flag\" }]\n";
    let protect = "[[protect]]\nname = \"r\"\nwhen = 'false'\n";
    assert_eq!(problems(&format!("{rule}{protect}")), "nothing");
    for (text, message) in [
        (
            rule.repeat(2),
            "6:8: rule \"r\": there is another rule of this name",
        ),
        (
            protect.repeat(2),
            "5:8: protection \"r\": there is another protection of this name",
        ),
        (
            "[[project]]\ngroup = \"g\"\nends = 2027-01-01\n".repeat(2),
            "5:9: the group \"g\" has another [[project]]; a group ends once",
        ),
        (
            "[[partner]]\ndomain = \"D.example\"\n[[partner]]\ndomain = \"d.example\"\n".to_owned(),
            "4:10: the domain d.example has another [[partner]]",
        ),
        (
            "[[partner]]\ndomain = \"ann@d.example\"\n".to_owned(),
            "2:10: \"ann@d.example\" is no domain; write such as \"partner.example\"",
        ),
    ] {
        assert_eq!(problems(&text), format!("policy.toml:{message}"), "{text}");
    }
}

#[test]
fn the_end_of_a_project_is_a_day() {
    let told = |ends: &str| problems(&format!("[[project]]\ngroup = \"g\"\nends = {ends}\n"));
    for good in ["2027-03-31", "\"2027-03-31\""] {
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
            "policy.toml:3:8: ends is the project's last day, such as ends = 2027-03-31",
            "{bad}"
        );
    }
    assert_eq!(
        problems("[[project]]\ngroup = \"g\"\n"),
        "policy.toml:2:1: a project lacks ends, its last day, such as ends = 2027-03-31"
    );
}

#[test]
fn limits_are_numbers_that_can_be_kept() {
    let told = |limit: &str| problems(&format!("[limits]\n{limit}\n"));
    for (limit, message) in [
        (
            "disable = 50",
            "2:11: a cap is a table, such as disable = { guests = 50, percent = 5 }",
        ),
        (
            "disable = { guests = -1 }",
            "2:22: guests is a number of guests, 0 or more",
        ),
        (
            "disable = { guests = 1.5 }",
            "2:22: guests is a number of guests, 0 or more",
        ),
        (
            "disable = { percent = 101 }",
            "2:23: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = -1 }",
            "2:23: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = nan }",
            "2:23: percent is a number from 0 to 100",
        ),
        (
            "disable = { percent = \"5\" }",
            "2:23: percent is a number from 0 to 100",
        ),
        (
            "shrink_percent = 200",
            "2:18: shrink_percent is a number from 0 to 100",
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
            "longest_gap = \"0s\"",
            "2:15: [limits]: with a longest_gap of nothing no wait would ever end",
        ),
    ] {
        assert_eq!(told(limit), format!("policy.toml:{message}"), "{limit}");
    }
    assert_eq!(
        problems("limits = 3\n"),
        "policy.toml:1:10: limits is a table: write [limits]"
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
    policy.toml:2:18: shrink_percent is a number from 0 to 100
    policy.toml:6:9: rule "inactive": there is no fact guest.inactve_days; did you mean inactive_days?
    policy.toml:7:22: there is no action notfy; did you mean notify?
    policy.toml:13:14: rule "pending": disable needs a notify before it; write unannounced = true in the rule if nobody is to be warned
    policy.toml:13:32: a stage: wait = "1M" counts in months or years, which differ in length; write days, such as "30d"
    policy.toml:17:1: a project lacks ends, its last day, such as ends = 2027-03-31
    policy.toml:19:3: the policy has no key protekt; did you mean protect?
    "#);
}

#[test]
fn a_byte_order_mark_and_the_line_ends_of_windows_move_nothing() {
    let text = "[[protect]]\nname = \"p\"\nwhen = 'guest.mial == \"x\"'\n";
    let told = problems(text);
    assert!(told.starts_with("policy.toml:3:9: "), "{told}");
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
