//! Cases of a policy: what comes out, and what is wrong with a file of them.

use innkeeper_domain::policy::Policy;
use innkeeper_domain::trial::{self, Outcome};

use crate::tenant::{POLICY, start};

fn policy() -> Policy {
    Policy::parse("policy.toml", POLICY).expect("a good policy")
}

fn outcome(text: &str) -> Outcome {
    let policy = policy();
    let trials =
        trial::read("cases", text, &policy).unwrap_or_else(|problems| panic!("{problems}"));
    trials[0].run(&policy, start())
}

const DEFAULTS: &str = "[defaults]\nenabled = true\nsynced = false\ninactive_days = 1\nprojects = []\ngroups = []\n\
                        domain = \"elsewhere.example\"\nsponsors = [{ enabled = true }]\n";

fn case(text: &str) -> Outcome {
    outcome(&format!("{DEFAULTS}[[case]]\nname = \"c\"\n{text}\n"))
}

#[test]
fn what_is_not_given_is_not_known() {
    let unknown =
        outcome("[[case]]\nname = \"nothing is known\"\nexpect = { verdict = \"unknown\" }\n");
    assert_eq!(
        unknown.actual.to_string(),
        "unknown, rule \"partners\", fact domain not known"
    );
    assert!(unknown.passed);
    assert_eq!(
        case("expect = { verdict = \"keep\" }").actual.to_string(),
        "keep"
    );
    let taken_back = case(
        "facts = { unknown = [\"inactive_days\"] }\nexpect = { verdict = \"unknown\", fact = \"inactive_days\" }",
    );
    assert!(taken_back.passed, "{taken_back:?}");
    let none = case(
        "facts = { none = [\"domain\"] }\nexpect = { verdict = \"unknown\", rule = \"partners\" }",
    );
    assert!(none.passed, "{none:?}");
}

#[test]
fn an_expectation_that_is_not_met_fails_with_what_came_out() {
    let failed = case(
        "facts = { inactive_days = 100 }\nexpect = { verdict = \"act\", action = \"disable\" }",
    );
    assert!(!failed.passed);
    assert_eq!(
        failed.actual.to_string(),
        "act, rule \"inactive\", action notify, due in 0 days"
    );
    assert!(failed.reason.contains("inactive_days = 100"), "{failed:?}");
}

#[test]
fn groups_and_projects_and_histories_are_as_given() {
    let exempt = case(
        "facts = { inactive_days = 100, groups = [\"exempt\"] }\nexpect = { verdict = \"protected\", rule = \"exempt\" }",
    );
    assert!(exempt.passed, "{exempt:?}");
    let ended = case(
        "facts = { projects = [{ name = \"bridge\", ends_in_days = -1 }] }\nhistory = [{ rule = \"project ended\", done = [\"notify\"], days_ago = 3 }]\nexpect = { verdict = \"wait\", action = \"remove-from-group\", due_in_days = 4 }",
    );
    assert!(ended.passed, "{ended:?}");
    let disabled =
        "history = [{ rule = \"inactive\", done = [\"notify\", \"disable\"], days_ago = 3 }]";
    let waits = case(&format!(
        "facts = {{ inactive_days = 100 }}\n{disabled}\nexpect = {{ verdict = \"wait\", action = \"delete\", due_in_days = 27 }}"
    ));
    assert!(waits.passed, "{waits:?}");
    let revived = case(&format!(
        "facts = {{ inactive_days = 100, enabled = true }}\n{disabled}\nexpect = {{ verdict = \"keep\" }}"
    ));
    assert!(revived.passed, "{revived:?}");
}

#[test]
fn everything_that_is_wrong_with_a_file_is_told_with_its_line() {
    let policy = policy();
    let rows = [
        (
            "[[case]]\nname = \"c\"\nfacts = { inactve_days = 3 }\nexpect = { verdict = \"keep\" }",
            "cases:3:11: case \"c\", facts: there is no key inactve_days; did you mean inactive_days?",
        ),
        (
            "[[case]]\nname = \"c\"\nfacts = { inactive_days = true }\nexpect = { verdict = \"keep\" }",
            "cases:3:27: case \"c\", inactive_days: this fact is int, and this is boolean",
        ),
        (
            "[[case]]\nname = \"c\"\nexpect = { verdict = \"kept\" }",
            "cases:3:22: case \"c\", expect: there is no verdict \"kept\"; did you mean keep?",
        ),
        (
            "[[case]]\nname = \"c\"\nexpect = { verdict = \"keep\", rule = \"inactiv\" }",
            "cases:3:37: case \"c\", expect: there is no rule or protection \"inactiv\"; did you mean inactive?",
        ),
        (
            "[[case]]\nname = \"c\"\nfacts = { groups = [\"exmpt\"] }\nexpect = { verdict = \"keep\" }",
            "cases:3:21: case \"c\", groups: the policy names no group \"exmpt\"; did you mean exempt?",
        ),
        (
            "[[case]]\nname = \"c\"\nhistory = [{ rule = \"inactive\", done = [\"disable\"], days_ago = 3 }]\nexpect = { verdict = \"keep\" }",
            "the stages of \"inactive\" are notify, disable, delete; what was done are the first of them",
        ),
        (
            "[[case]]\nname = \"c\"\nhistory = [{ rule = \"inactive\" }]\nexpect = { verdict = \"keep\" }",
            "cases:3:12: case \"c\", history: days_ago is missing",
        ),
        (
            "[[case]]\nname = \"c\"",
            "cases:1:1: case \"c\": expect is missing",
        ),
        (
            "[[case]]\nname = \"c\"\nfacts = { user_type = \"alien\" }\nexpect = { verdict = \"keep\" }",
            "never \"alien\"",
        ),
        ("", "there is no [[case]] in it"),
        ("[[case]", "not TOML"),
        (
            "[[cases]]\nname = \"c\"",
            "there is no key cases; did you mean case?",
        ),
    ];
    for (text, message) in rows {
        let problems = trial::read("cases", text, &policy)
            .expect_err(text)
            .to_string();
        assert!(problems.contains(message), "{text}\n{problems}");
    }
}

#[test]
fn a_case_can_have_an_exemption_a_hold_and_a_person_who_brings_the_account_back() {
    let facts = "facts = { inactive_days = 100 }\n";
    let outcome = |people: &str, expect: &str| {
        let outcome = case(&format!("{facts}{people}\nexpect = {{ {expect} }}"));
        assert!(outcome.passed, "{people}: {outcome:?}");
    };
    outcome("", "verdict = \"act\", action = \"notify\"");
    outcome("exempt_days = 0", "verdict = \"protected\"");
    outcome("exempt_days = -1", "verdict = \"act\", rule = \"inactive\"");
    outcome("hold = true", "verdict = \"protected\"");
    outcome("hold = false", "verdict = \"act\"");
    let warned = "history = [{ rule = \"inactive\", done = [\"notify\"], days_ago = 20 }]\n";
    outcome(warned, "verdict = \"act\", action = \"disable\"");
    outcome(
        &format!("{warned}brought_back = 2"),
        "verdict = \"unknown\", rule = \"inactive\"",
    );
    let bad = format!(
        "{DEFAULTS}[[case]]\nname = \"c\"\nhold = 1\nbrought_back = -1\nexpect = {{ verdict = \"keep\" }}\n"
    );
    let problems = trial::read("cases", &bad, &policy()).expect_err("two mistakes");
    assert_eq!(problems.problems.len(), 2, "{problems}");
}
