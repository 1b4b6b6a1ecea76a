//! What is odd about a policy, and that nothing else is called odd.

use innkeeper_domain::policy::{Condition, Oddity, Policy, Warning};

fn condition(source: &str) -> Condition {
    Condition::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn what_can_never_be_true_is_seen() {
    for source in [
        "false",
        "guest.inactive_days > 5 && guest.inactive_days < 3",
        "guest.inactive_days > 5 && 3 > guest.inactive_days",
        "guest.inactive_days > 3 && guest.inactive_days < 5 && guest.inactive_days != 4",
        "guest.inactive_days < 0",
        "size(guest.sponsors) < 0",
        "guest.expires_in_days == 5 && guest.expires_in_days in [1, 2, 3]",
        "guest.enabled && !guest.enabled",
        "!(guest.enabled || !guest.enabled)",
        "guest.domain == \"a.example\" && guest.domain == \"b.example\"",
        "guest.domain == \"a.example\" && !(guest.domain in [\"a.example\", \"b.example\"])",
        "guest.domain in [\"a.example\", \"b.example\"] && guest.domain != \"a.example\" && guest.domain != \"b.example\"",
        "(guest.inactive_days > 9 || guest.enabled) && guest.inactive_days < 5 && !guest.enabled",
        "guest.projects.exists(p, p.ends_in_days > 3 && p.ends_in_days < 1)",
        "size(guest.sponsors.filter(s, s.enabled)) > 2 && size(guest.sponsors.filter(s, s.enabled)) < 2",
        "(guest.enabled ? guest.inactive_days > 5 : guest.synced) && !guest.synced && guest.inactive_days <= 5",
        "guest.enabled == guest.synced && guest.enabled && !guest.synced",
        "\"vip\" in guest.groups && !(\"vip\" in guest.groups)",
    ] {
        assert!(condition(source).is_never_true(), "{source}");
        let negated = condition(&format!("!({source})"));
        assert!(negated.is_never_false(), "!({source})");
        assert!(!negated.is_never_true(), "!({source})");
    }
}

#[test]
fn what_may_be_so_or_so_is_left_alone() {
    for source in [
        "guest.inactive_days >= 90",
        "guest.inactive_days > 3 && guest.inactive_days < 5",
        "guest.expires_in_days < 0",
        "guest.inactive_days > 5 && guest.pending_days < 3",
        "guest.domain == \"a.example\" || guest.domain == \"b.example\"",
        "guest.domain != \"a.example\" && guest.domain != \"b.example\"",
        "guest.projects.exists(p, p.ends_in_days > 3) && guest.projects.exists(p, p.ends_in_days < 1)",
        "guest.sponsors.exists(s, s.enabled) && guest.sponsors.exists(s, !s.enabled)",
        "size(guest.projects) > 0 && guest.projects.all(p, p.ended)",
        "guest.inactive_days >= (guest.enabled ? 90 : 30)",
        "guest.inactive_days + guest.pending_days > 5 && guest.inactive_days + guest.pending_days < 7",
        "guest.mail.startsWith(\"a\") && guest.mail.endsWith(\"b\")",
        "guest.inactive_days > 9223372036854775806",
        "guest.expires_in_days in [1, 9] && guest.expires_in_days > 1",
        "has(guest.mail) && guest.mail != \"a\"",
    ] {
        let condition = condition(source);
        assert!(!condition.is_never_true(), "{source}");
        assert!(!condition.is_never_false(), "{source}");
    }
}

#[test]
fn a_condition_with_too_many_alternatives_may_be_anything() {
    let pair = |fact: usize| format!("(guest.upn == \"{fact}\" || guest.mail == \"{fact}\")");
    let many: Vec<String> = (0..40).map(pair).collect();
    let source = format!("{} && false", many.join(" && "));
    assert!(!condition(&source).is_never_false());
    let wide: Vec<String> = (0..12)
        .map(|n| format!("(guest.inactive_days != {n} || guest.pending_days != {n})"))
        .collect();
    assert!(!condition(&wide.join(" && ")).is_never_true());
}

/// The warnings about this text, as "line: kind: message".
fn warnings(text: &str) -> Vec<String> {
    let (_, warnings) =
        Policy::check("policy.toml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let shown =
        |warning: Warning| format!("{}: {}: {warning}", warning.line, warning.kind.as_str());
    warnings.into_iter().map(shown).collect()
}

fn rule(when: &str, stages: &str) -> String {
    format!("[[rule]]\nname = \"r\"\nwhen = '{when}'\nstages = [\n{stages}\n]\n")
}

const NOTIFY: &str = "{ action = \"notify\" }";

#[test]
fn a_rule_that_can_never_do_anything_is_warned_of_once() {
    let never = rule("guest.inactive_days > 5 && guest.inactive_days < 3", NOTIFY);
    assert_eq!(
        warnings(&never),
        ["3: never-matches: rule \"r\": its condition can never be true: no case of it ever opens"]
    );
    let always = warnings(&rule("guest.inactive_days >= 0", NOTIFY));
    assert!(
        always[0].starts_with("3: always-matches: rule"),
        "{always:?}"
    );
    for when in ["guest.synced && guest.enabled", "size(guest.roles) >= 1"] {
        let protected = warnings(&rule(when, NOTIFY));
        assert!(protected[0].contains("only-protected"), "{protected:?}");
    }
    let partner = format!(
        "{}[[protect]]\nname = \"p\"\nwhen = 'guest.domain == \"a.example\" || guest.inactive_days < 90'\n",
        rule(
            "guest.domain == \"a.example\" && guest.inactive_days > 100",
            NOTIFY
        )
    );
    assert!(warnings(&partner)[0].contains("only-protected"));
}

#[test]
fn a_protection_of_nobody_or_of_everybody_is_warned_of() {
    let with = |when: &str| {
        warnings(&format!(
            "{}[[protect]]\nname = \"p\"\nwhen = '{when}'\n",
            rule("guest.inactive_days >= 90", NOTIFY)
        ))
    };
    assert!(
        with("guest.enabled && !guest.enabled")[0]
            .starts_with("9: never-matches: protection \"p\"")
    );
    assert_eq!(with("guest.inactive_days >= 0").len(), 1);
    assert!(with("guest.inactive_days >= 0")[0].contains("no rule touches anybody"));
}

#[test]
fn stages_that_cannot_come_or_come_unannounced_are_warned_of() {
    let stages = format!(
        "{NOTIFY},\n{{ action = \"disable\", wait = \"7d\" }},\n{{ action = \"delete\", wait = \"7d\" }}"
    );
    let enabled_only = warnings(&rule(
        "guest.enabled && guest.account_age_days > 9",
        &stages,
    ));
    assert_eq!(enabled_only.len(), 1, "{enabled_only:?}");
    assert!(
        enabled_only[0].starts_with("6: unreachable: rule"),
        "{enabled_only:?}"
    );
    assert!(
        enabled_only[0].contains("enabled again"),
        "{enabled_only:?}"
    );
    let stopped = format!(
        "{}[limits]\ndisable = {{ guests = 0 }}\n",
        rule("guest.account_age_days > 9", &stages)
    );
    assert!(
        warnings(&stopped)[0].starts_with("6: unreachable: rule \"r\": [limits] allows no disable")
    );
    let unannounced = "[[rule]]\nname = \"r\"\nwhen = 'guest.account_age_days > 9'\nunannounced = true\nstages = [{ action = \"disable\" }]\n";
    assert!(warnings(unannounced)[0].starts_with("5: unannounced"));
    let hasty =
        format!("{NOTIFY},\n{{ action = \"remove-from-group\", wait = \"2h\", from = [\"g\"] }}");
    let hasty = warnings(&rule("guest.inactive_days > 9", &hasty));
    assert!(
        hasty[0].starts_with("6: shorter-than-lag") && hasty[0].contains("waits 2h"),
        "{hasty:?}"
    );
    let nowhere = format!("{NOTIFY},\n{{ action = \"remove-from-group\", wait = \"2d\" }}");
    assert!(
        warnings(&rule("guest.account_age_days > 9", &nowhere))[0].starts_with("6: nothing-to-do")
    );
}

#[test]
fn two_projects_that_mean_one_group_are_warned_of() {
    let text = "[[project]]\ngroup = \"Bridge\"\nends = 2027-01-31\n[[project]]\ngroup = \"bridge\"\nends = 2027-02-28\n";
    let text = format!("{text}{}", rule("guest.inactive_days > 9", NOTIFY));
    let found = warnings(&text);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("5: same-group: project \"bridge\"") && found[0].contains("line 2"),
        "{found:?}"
    );
}

#[test]
fn a_policy_without_a_rule_is_warned_of_since_it_gives_everything_back() {
    for text in ["", "# nothing yet\n", "[limits]\nimmunity = \"7d\"\n"] {
        let found = warnings(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].starts_with("1: no-rule: the policy: it has no rule"),
            "{found:?}"
        );
    }
}

#[test]
fn each_oddity_has_a_word_of_its_own() {
    let words = [
        Oddity::NeverMatches,
        Oddity::AlwaysMatches,
        Oddity::OnlyProtected,
        Oddity::Unreachable,
        Oddity::ShorterThanLag,
        Oddity::Unannounced,
        Oddity::SameGroup,
        Oddity::NothingToDo,
        Oddity::NoRule,
    ]
    .map(Oddity::as_str);
    let distinct: std::collections::BTreeSet<_> = words.iter().collect();
    assert_eq!(distinct.len(), words.len());
}

#[test]
fn nothing_is_odd_about_the_shipped_policy() {
    let text = include_str!("../../../../config/policy.toml");
    assert_eq!(warnings(text), Vec::<String>::new());
}
