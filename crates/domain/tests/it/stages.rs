//! What is wrong with the stages of a rule.

use crate::policies::problems;

/// A rule with these stages, each on a line of its own: the first one on line 5.
pub fn with_stages(when: &str, stages: &str) -> String {
    format!("[[rule]]\nname = \"r\"\nwhen = '{when}'\nstages = [\n{stages}\n]\n")
}

#[test]
fn actions_recipients_and_groups_that_there_are_not_are_told() {
    let told = |stages: &str| problems(&with_stages("true", stages));
    for (stages, message) in [
        (
            "{ action = \"notfy\" },\n{ action = \"disable\" }",
            "policy.toml:5:12: rule \"r\", stage 1: there is no action \"notfy\"; did you mean notify?",
        ),
        (
            "{ action = \"email\" }",
            "policy.toml:5:12: rule \"r\", stage 1: there is no action \"email\"; there are flag, notify, add-sponsor, resend-invitation, remove-app-roles, remove-from-group, disable, delete",
        ),
        (
            "{ wait = \"3d\" }",
            "policy.toml:5:1: rule \"r\", stage 1: action is missing",
        ),
        (
            "{ action = \"flag\", after = \"3d\" }",
            "policy.toml:5:20: rule \"r\", stage 1: there is no key after; there are action, wait, to, from, of, repeat, attribute, value",
        ),
        (
            "{ action = \"notify\", to = [\"sponser\"] }",
            "policy.toml:5:28: rule \"r\", stage 1: there is no recipient \"sponser\"; did you mean sponsor?",
        ),
        (
            "{ action = \"notify\", to = [] }",
            "policy.toml:5:27: rule \"r\", stage 1: to is empty",
        ),
        (
            "{ action = \"notify\", to = [\"sponsor\", \"sponsor\"] }",
            "policy.toml:5:39: rule \"r\", stage 1: to has \"sponsor\" twice",
        ),
        (
            "{ action = \"notify\", to = \"sponsor\" }",
            "policy.toml:5:27: rule \"r\", stage 1: to must be a list of strings, and this is string",
        ),
        (
            "{ action = \"flag\", to = [\"sponsor\"] }",
            "policy.toml:5:25: rule \"r\", stage 1: only notify writes to anybody; flag has no to",
        ),
        (
            "{ action = \"notify\", from = \"ended-projects\" }",
            "policy.toml:5:29: rule \"r\", stage 1: only remove-from-group has from; notify takes nobody out of a group",
        ),
        (
            "{ action = \"notify\", of = [\"Travel Desk\"] }",
            "policy.toml:5:27: rule \"r\", stage 1: only remove-app-roles has of; notify takes no role in an application away",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-app-roles\", of = [] }",
            "policy.toml:6:37: rule \"r\", stage 2: of is empty",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = \"ended\" }",
            "policy.toml:6:40: rule \"r\", stage 2: from is \"ended-projects\", or a list of groups; write [\"ended\"] for one group",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = [] }",
            "policy.toml:6:40: rule \"r\", stage 2: from is empty",
        ),
        (
            "{ action = \"notify\" },\n{ action = \"remove-from-group\", from = [3] }",
            "policy.toml:6:41: rule \"r\", stage 2: from must be a list of strings, and this is integer",
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
                "policy.toml:5:29: rule \"r\", stage 1: wait = {calendar:?} counts in months or years, which differ in length; write days, such as \"30d\""
            )
        );
    }
    for (wait, message) in [
        (
            "\"500ms\"",
            "rule \"r\", stage 1: wait = \"500ms\" is finer than a second",
        ),
        (
            "14",
            "rule \"r\", stage 1: wait must be a time such as \"14d\", and this is integer",
        ),
        (
            "\"14\"",
            "rule \"r\", stage 1: wait = \"14\" is no time; write such as \"14d\", \"36h\", \"2w\" or \"1d 12h\"",
        ),
        (
            "\"soon\"",
            "rule \"r\", stage 1: wait = \"soon\" is no time; write such as \"14d\", \"36h\", \"2w\" or \"1d 12h\"",
        ),
        (
            "\"-3d\"",
            "rule \"r\", stage 1: wait = \"-3d\" is negative; time only goes forward",
        ),
        (
            "\"9999d\"",
            "rule \"r\", stage 1: wait = \"9999d\" is longer than ten years",
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
            "6:12: rule \"r\": delete needs a disable before it, so that a mistake is noticed while nothing is lost",
        ),
        (
            &[NOTIFY, disable, delete, NOTIFY],
            "8:12: rule \"r\": notify can never follow delete: the guest is gone",
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
            "7:12: rule \"r\": disable is there twice; only notify can be repeated",
        ),
        (
            &[NOTIFY, remove, flag, remove],
            "8:12: rule \"r\": remove-from-group is there twice; only notify can be repeated",
        ),
        (
            &[flag, flag],
            "6:12: rule \"r\": flag is there twice; only notify can be repeated",
        ),
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
    let message = |fact: &str| {
        format!(
            "policy.toml:7:12: rule \"r\": disable must wait at least 24h in a rule about {fact}: sign-in times lag by up to a day, so somebody who has just come back would not be seen"
        )
    };
    for (when, fact) in [
        ("guest.inactive_days > 90", "inactive_days"),
        ("guest.never_signed_in", "never_signed_in"),
        (
            "guest.pending_days > 3 || guest.inactive_days > 90",
            "inactive_days",
        ),
    ] {
        let message = message(fact);
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
fn the_order_of_the_stages_is_judged_even_if_the_name_and_the_condition_are_not_good() {
    let text = "[[rule]]\nwhen = 'guest.mial'\nstages = [{ action = \"notify\" }, { action = \"delete\" }]\n";
    insta::assert_snapshot!(problems(text), @r#"
    policy.toml:1:1: rule 1: name is missing
    policy.toml:2:15: rule 1: there is no fact guest.mial; did you mean mail?
    policy.toml:3:45: rule 1: delete needs a disable before it, so that a mistake is noticed while nothing is lost
    "#);
}
