//! Killed at any point around any call, and started again: each effect happens at most once, and nothing is lost.

use serde_json::{Value, json};

use crate::actions::{with_app_roles, with_invitation};
use crate::tenant::{Tenant, shown};

/// One kind of call, and the days after which it is due.
struct Kind {
    method: &'static str,
    path: &'static str,
    days: &'static [i64],
    /// What must have been done in the end, on top of what was done before.
    expected: &'static [&'static str],
}

const MAIL: Kind = Kind {
    method: "POST",
    path: "/v1.0/users/",
    days: &[],
    expected: &["send-mail"],
};
const REMOVE: Kind = Kind {
    method: "DELETE",
    path: "/v1.0/groups/",
    days: &[1],
    expected: &["send-mail", "remove-member"],
};
const DISABLE: Kind = Kind {
    method: "PATCH",
    path: "/v1.0/users/",
    days: &[7, 7],
    expected: &["send-mail", "disable"],
};
const DELETE: Kind = Kind {
    method: "DELETE",
    path: "/v1.0/users/",
    days: &[7, 7, 7, 7, 7, 7, 2],
    expected: &["send-mail", "disable", "delete"],
};

async fn tenant_at(kind: &Kind) -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.add_guest("active", 1).await;
    let last_sign_in = if kind.path.contains("groups") { 1 } else { 100 };
    let guest = tenant.add_guest("ann", last_sign_in).await;
    if kind.path.contains("groups") {
        let body = json!({ "add_group": "bridge" });
        tenant
            .control(
                reqwest::Method::PATCH,
                &format!("users/{guest}"),
                Some(body),
            )
            .await;
    }
    for (index, days) in kind.days.iter().enumerate() {
        tenant.apply().await;
        tenant.pass_days(*days).await;
        assert!(index < 10);
    }
    tenant
}

/// Kills the process while its next call of this kind is held, before or after it took effect.
pub async fn hold_and_kill(tenant: &Tenant, method: &str, path: &str, point: &str) {
    hold_and_kill_running(tenant, &["apply"], method, path, point).await;
}

pub async fn hold_and_kill_running(
    tenant: &Tenant,
    command: &[&str],
    method: &str,
    path: &str,
    point: &str,
) {
    let fault = json!({ "kind": "hold", "when": point, "method": method, "path": path, "next": 1 });
    tenant.post("faults", fault).await;
    let mut child = tenant.start(command);
    let held = tenant.get("held?wait=60").await;
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    tenant
        .control(reqwest::Method::DELETE, "faults", None)
        .await;
}

/// Kills the process while its call is held, before or after it took effect, and starts it again.
async fn kill_around(kind: Kind, after_effect: bool) {
    let tenant = tenant_at(&kind).await;
    let point = if after_effect { "after" } else { "before" };
    hold_and_kill(&tenant, kind.method, kind.path, point).await;

    // A mail may have been sent; its stage rests a day. Everything else is settled by the next start.
    let is_mail = kind.path.contains("users/") && kind.method == "POST";
    let before: Vec<String> = tenant.writes().await;
    tenant.apply().await;
    tenant.apply().await;
    if is_mail {
        assert_eq!(tenant.writes().await, before, "{point}");
        tenant.pass_days(1).await;
        tenant.apply().await;
        let sent: &[&str] = if after_effect {
            &["send-mail", "send-mail"]
        } else {
            &["send-mail"]
        };
        assert_eq!(tenant.writes().await, sent, "{point}");
    } else {
        assert_eq!(
            tenant.writes().await,
            kind.expected,
            "{} {}: {point}",
            kind.method,
            kind.path
        );
    }
    let ann = tenant
        .json(&["guests", "show", "ann@partner.example"])
        .await;
    let open = |action: &&Value| action["outcome"].is_null();
    assert_eq!(
        ann["actions"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(open)
            .count(),
        0,
        "{ann:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_mail_it_is_not_sent_twice_in_a_row_and_the_warning_is_not_lost() {
    kill_around(MAIL, false).await;
    kill_around(MAIL, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_disabling_it_happens_once() {
    kill_around(DISABLE, false).await;
    kill_around(DISABLE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_deletion_it_happens_once() {
    kill_around(DELETE, false).await;
    kill_around(DELETE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_removal_from_a_group_it_happens_once() {
    kill_around(REMOVE, false).await;
    kill_around(REMOVE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_the_removal_of_a_role_in_an_application_each_is_taken_once_and_assigned_once()
 {
    for point in ["before", "after"] {
        let (tenant, ann) = with_app_roles().await;
        let truth = tenant.get(&format!("truth/{ann}")).await;
        let had = truth["app_roles"].as_array().expect("a list").len();
        tenant.apply().await;
        tenant.pass_days(1).await;
        hold_and_kill(&tenant, "DELETE", "/v1.0/users/", point).await;
        tenant.apply().await;
        tenant.apply().await;
        let expected = [vec!["send-mail"], vec!["remove-app-role"; had]].concat();
        assert_eq!(tenant.writes().await, expected, "{point}");

        let path = format!("/v1.0/users/{ann}/appRoleAssignments");
        let undo = ["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"];
        hold_and_kill_running(&tenant, &undo, "POST", &path, point).await;
        let undone = tenant.json(&undo).await;
        assert_eq!(undone["failures"], json!([]), "{undone:#}");
        let expected = [expected, vec!["add-app-role"; had]].concat();
        assert_eq!(tenant.writes().await, expected, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_an_invitation_it_rests_a_day_and_is_not_sent_twice_in_a_row() {
    for (point, sent) in [("before", 1), ("after", 2)] {
        let (tenant, _) = with_invitation().await;
        hold_and_kill(&tenant, "POST", "/v1.0/invitations", point).await;
        let before = tenant.writes().await;
        tenant.apply().await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, before, "{point}");
        tenant.pass_days(1).await;
        tenant.apply().await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, vec!["invite"; sent], "{point}");
    }
}

/// An account that Innkeeper disabled, and that a protection gives back.
#[tokio::test(flavor = "multi_thread")]
async fn killed_around_an_enabling_it_happens_once() {
    for point in ["before", "after"] {
        let tenant = tenant_at(&DISABLE).await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
        let spared =
            "\n[[protect]]\nname = \"ann\"\nwhen = 'guest.mail == \"ann@partner.example\"'\n";
        tenant.write("policy.toml", &format!("{}{spared}", crate::tenant::POLICY));
        tenant.pass_days(1).await;
        hold_and_kill(&tenant, "PATCH", "/v1.0/users/", point).await;
        tenant.apply().await;
        tenant.apply().await;
        assert_eq!(
            tenant.writes().await,
            ["send-mail", "disable", "enable"],
            "{point}"
        );
    }
}

/// What Innkeeper knows of its only action of this kind.
async fn outcome_of(tenant: &Tenant, call: &str) -> String {
    let ann = tenant
        .json(&["guests", "show", "ann@partner.example"])
        .await;
    let actions = ann["actions"].as_array().expect("a list");
    let mut of_kind = actions
        .iter()
        .filter(|action| action["call"]["call"] == call);
    let outcome = of_kind.next().expect("it was intended")["outcome"].clone();
    assert!(of_kind.next().is_none(), "{actions:#?}");
    outcome["outcome"].as_str().expect("a word").to_owned()
}

async fn spare(tenant: &Tenant) {
    let spared = "\n[[protect]]\nname = \"ann\"\nwhen = 'guest.mail == \"ann@partner.example\"'\n";
    tenant.write("policy.toml", &format!("{}{spared}", crate::tenant::POLICY));
    tenant.pass_days(1).await;
    tenant.apply().await;
}

async fn by_hand(tenant: &Tenant, change: Value) {
    let ann = tenant
        .json(&["guests", "show", "ann@partner.example"])
        .await;
    let path = format!("users/{}", ann["guest_id"].as_str().expect("an id"));
    tenant
        .control(reqwest::Method::PATCH, &path, Some(change))
        .await;
}

#[tokio::test]
async fn a_disabling_found_after_a_death_is_taken_back_only_if_it_was_ours() {
    // Ours, as the audit log tells; somebody's by hand, before ours could be; and nobody knows whose.
    for (point, by_hand_too, is_told, expected) in [
        ("after", false, true, "done"),
        ("before", true, true, "found-so"),
        ("after", true, true, "found-so"),
        ("after", false, false, "found-so"),
    ] {
        let case = format!("{point} {by_hand_too} {is_told}");
        let tenant = tenant_at(&DISABLE).await;
        hold_and_kill(&tenant, DISABLE.method, DISABLE.path, point).await;
        if by_hand_too {
            by_hand(&tenant, json!({ "enabled": true })).await;
            by_hand(&tenant, json!({ "enabled": false })).await;
        }
        if !is_told {
            let fault = json!({ "kind": "server_error", "status": 403, "path": "/auditLogs/directoryAudits" });
            tenant.post("faults", fault).await;
        }
        let applied = tenant.run(&["apply"]).await;
        let said = shown(&applied);
        assert!(applied.status.success(), "{case}: {said}");
        assert_eq!(outcome_of(&tenant, "disable").await, expected, "{case}");
        let is_ours = expected == "done";
        assert_eq!(
            said.contains("it is left to whoever did it"),
            !is_ours,
            "{case}: {said}"
        );
        spare(&tenant).await;
        let writes = tenant.writes().await;
        assert_eq!(
            writes.contains(&"enable".to_owned()),
            is_ours,
            "{case}: {writes:?}"
        );
    }
}

#[tokio::test]
async fn who_was_enabled_by_hand_before_anybody_knew_of_the_disabling_is_not_disabled_again() {
    let tenant = tenant_at(&DISABLE).await;
    hold_and_kill(&tenant, DISABLE.method, DISABLE.path, "after").await;
    by_hand(&tenant, json!({ "enabled": true })).await;
    for _ in 0..4 {
        tenant.apply().await;
        tenant.pass_days(7).await;
    }
    assert_eq!(outcome_of(&tenant, "disable").await, "done");
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test]
async fn a_disabling_that_an_old_replica_hides_is_not_taken_for_not_done() {
    let tenant = tenant_at(&DISABLE).await;
    tenant.post("faults", json!({ "kind": "stale_read" })).await;
    let unheard =
        json!({ "kind": "drop", "method": "PATCH", "path": "/users", "after_effect": true });
    tenant.post("faults", unheard).await;
    tenant.run(&["apply"]).await;
    tenant
        .control(reqwest::Method::DELETE, "faults", None)
        .await;
    by_hand(&tenant, json!({ "enabled": true })).await;
    for _ in 0..4 {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
    assert_eq!(outcome_of(&tenant, "disable").await, "done");
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test]
async fn a_deletion_by_hand_found_after_a_death_is_not_undone() {
    let tenant = tenant_at(&DELETE).await;
    hold_and_kill(&tenant, DELETE.method, DELETE.path, "before").await;
    by_hand(&tenant, json!({ "deleted": true })).await;
    tenant.apply().await;
    assert_eq!(outcome_of(&tenant, "delete").await, "found-so");
    let undo = [
        "undo",
        "ann@partner.example",
        "--yes",
        "--reason",
        "a test",
        "--by",
        "jo",
    ];
    let undone = tenant.json(&undo).await;
    assert_eq!(undone["outcomes"], json!([]), "{undone:#}");
    let said = undone["remarks"].to_string();
    assert!(said.contains("left to whoever did it"), "{said}");
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}
