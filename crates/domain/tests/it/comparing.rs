//! Two policies compared.

use innkeeper_domain::comparison::{Change, Difference, differences};
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::policy::Policy;

use crate::tenant::{POLICY, Tenant, guest, inactive};

/// What an edit of the policy changes for a guest, in short.
fn changes(view: &GuestView, edit: impl Fn(&str) -> String) -> Vec<String> {
    let old = Tenant::of([]);
    let mut new = Tenant::of([]);
    new.policy =
        Policy::parse("new.toml", &edit(POLICY)).unwrap_or_else(|problems| panic!("{problems}"));
    let shown = |Difference { change, why }: Difference| match change {
        Change::Enters(rule) => format!("enters {rule}: {why}"),
        Change::Leaves(rule) => format!("leaves {rule}: {why}"),
        Change::Verdict { before, after } => {
            format!("{} to {}: {why}", before.verdict, after.verdict)
        }
    };
    differences(&old.judge(), &new.judge(), view)
        .into_iter()
        .map(shown)
        .collect()
}

#[test]
fn a_policy_is_no_different_from_itself_nor_by_a_comment() {
    for view in [guest(1), inactive(2)] {
        assert_eq!(changes(&view, str::to_owned), Vec::<String>::new());
        assert_eq!(
            changes(&view, |policy| format!("# nothing new\n{policy}")),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_stricter_rule_takes_guests_in_and_a_laxer_one_lets_them_out() {
    assert_eq!(
        changes(&inactive(1), |policy| policy.replace(">= 90", ">= 120")),
        [
            "leaves inactive: old: guest.inactive_days >= 90 is true (inactive_days = 100); new: guest.inactive_days >= 120 is false (inactive_days = 100)",
            "act to keep: old: \"inactive\" holds (inactive_days = 100); notify is due; new: no rule holds",
        ]
    );
    let entering = changes(&guest(1), |policy| policy.replace(">= 90", ">= 1"));
    assert!(
        entering[0].starts_with("enters inactive") && entering[1].starts_with("keep to act"),
        "{entering:?}"
    );
}

#[test]
fn a_rule_renamed_is_a_rule_gone_and_another_one() {
    let renamed = changes(&inactive(1), |policy| {
        policy.replace("\"inactive\"", "\"idle\"")
    });
    assert_eq!(renamed.len(), 3, "{renamed:?}");
    assert!(
        renamed[0].starts_with("leaves inactive") && renamed[0].contains("no such rule"),
        "{renamed:?}"
    );
    assert!(renamed[1].starts_with("enters idle"), "{renamed:?}");
}

#[test]
fn a_protection_takes_guests_out_of_every_rule() {
    let protected = changes(&inactive(1), |policy| {
        format!(
            "{policy}\n[[protect]]\nname = \"elsewhere\"\nwhen = 'guest.domain == \"elsewhere.example\"'\n"
        )
    });
    assert!(
        protected[0].starts_with("leaves inactive")
            && protected[0].ends_with("new: protected by \"elsewhere\""),
        "{protected:?}"
    );
    assert!(
        protected[1].starts_with("act to protected"),
        "{protected:?}"
    );
}
