//! What the days bring: every kind of guest, and the log that goes with them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::tenant::{DAY, SPRING, Tenant, is_live, moment, text};

#[tokio::test]
async fn the_same_requests_get_the_same_answers_and_another_seed_gives_another_tenant() {
    let (one, other) = (Tenant::quiet(50).await, Tenant::quiet(50).await);
    for path in [
        "/users?$top=20",
        "/users/nobody",
        "/groups",
        "/auditLogs/signIns?$top=30",
    ] {
        let (here, there) = (one.get(path).await, other.get(path).await);
        let address = |body: &Value, tenant: &Tenant| body.to_string().replace(&tenant.url(), "");
        assert_eq!(
            address(&here.body, &one),
            address(&there.body, &other),
            "{path}"
        );
        assert_eq!(here.header("request-id"), there.header("request-id"));
    }
    let third = Tenant::with(50, |options| {
        options.start = Some(SPRING.parse().expect("a time"));
        options.population.seed = 8;
    })
    .await;
    assert_ne!(third.truth().await, one.truth().await);
}

#[tokio::test]
async fn every_kind_of_guest_is_there_and_behaves_as_its_kind() {
    let tenant = Tenant::quiet(2000).await;
    let start: DateTime<Utc> = SPRING.parse().unwrap();
    let truth = tenant.truth().await;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for guest in &truth {
        let persona = text(&guest["persona"]);
        let last = moment(&guest["last_success"]).max(moment(&guest["last_interactive"]));
        match persona.as_str() {
            "regular" if is_live(guest) && guest["synced"].is_null() => {
                assert!(
                    last.is_none_or(|last| last <= start),
                    "nobody signs in tomorrow"
                );
            }
            "never-redeemed" => {
                assert!(
                    guest["external_state"] == "PendingAcceptance"
                        || guest["external_state"] == "Accepted"
                );
            }
            "redeemed-without-data" => assert_eq!(last, None, "{guest}"),
            "disabled-by-admin" => assert_eq!(guest["enabled"], false),
            "gone" => assert!(
                last.is_none_or(|last| last < start - TimeDelta::days(25)),
                "{guest}"
            ),
            _ => {}
        }
        *kinds.entry(persona).or_default() += 1;
    }
    for kind in [
        "regular",
        "occasional",
        "fading",
        "gone",
        "returner",
        "never-redeemed",
        "redeemed-without-data",
        "disabled-by-admin",
    ] {
        assert!(
            kinds.get(kind).is_some_and(|count| *count > 20),
            "{kind}: {kinds:?}"
        );
    }
    let has =
        |what: &str, holds: &dyn Fn(&Value) -> bool| assert!(truth.iter().any(holds), "{what}");
    has("a synced guest", &|guest| guest["synced"] == true);
    has("a cross-tenant guest", &|guest| {
        guest["cross_tenant_synced"] == true
    });
    has("an external member", &|guest| {
        guest["user_type"] == "Member"
    });
    has("an internal guest", &|guest| {
        !text(&guest["upn"]).contains("#EXT#")
    });
    has("a holder of a role", &|guest| {
        guest["roles"]
            .as_array()
            .is_some_and(|roles| !roles.is_empty())
    });
    has("a guest of a role-assignable group", &|guest| {
        guest["privileged"] == true && guest["roles"] == serde_json::json!([])
    });
    has("a guest without a date of creation", &|guest| {
        guest["created"].is_null()
    });
    has("a guest in deleted items", &|guest| {
        guest["deleted"].is_string() && guest["purged"] == false
    });
    has("a guest sponsored by a guest", &|guest| {
        guest["sponsors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|of| of["user_type"] == "Guest")
    });
    has("a guest without sponsors", &|guest| {
        guest["sponsors"] == serde_json::json!([])
    });
    let most = truth
        .iter()
        .map(|guest| guest["groups"].as_array().unwrap().len())
        .max();
    assert!(most >= Some(3));
}

#[tokio::test]
async fn time_brings_returners_redemptions_departures_and_ends() {
    let mut tenant = Tenant::quiet(1500).await;
    let before = tenant.truth().await;
    let projects = tenant.tell("projects").await;
    tenant.pass(120 * DAY).await;
    let end = SPRING.parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(120);
    tenant.renew().await;
    let after: BTreeMap<String, Value> = tenant
        .truth()
        .await
        .into_iter()
        .map(|guest| (text(&guest["id"]), guest))
        .collect();
    let (mut returned, mut redeemed, mut faded) = (0, 0, 0);
    for guest in &before {
        let now = &after[&text(&guest["id"])];
        let away = |guest: &Value, at: DateTime<Utc>| {
            moment(&guest["last_success"]).is_some_and(|last| last < at - TimeDelta::days(80))
        };
        let start: DateTime<Utc> = SPRING.parse().unwrap();
        returned += usize::from(
            guest["persona"] == "returner"
                && away(guest, start)
                && !away(now, end)
                && now["enabled"] == true,
        );
        redeemed += usize::from(
            guest["external_state"] == "PendingAcceptance" && now["external_state"] == "Accepted",
        );
        faded += usize::from(guest["persona"] == "fading" && !away(guest, start) && away(now, end));
        for what in ["last_success", "last_interactive", "last_non_interactive"] {
            assert!(
                moment(&now[what]) >= moment(&guest[what]),
                "activity only moves forward"
            );
        }
    }
    assert!(
        returned > 5 && redeemed > 3 && faded > 5,
        "{returned} {redeemed} {faded}"
    );
    let newcomers = after.len() - before.len();
    assert!(
        (90..180).contains(&newcomers),
        "one for 200 guests a week: {newcomers}"
    );
    let ended = |project: &&Value| {
        let ends = text(&project["ends"]);
        ends.as_str() >= "2026-03-02" && ends.as_str() < "2026-06-30"
    };
    assert!(
        projects.as_array().unwrap().iter().filter(ended).count() > 3,
        "projects ended meanwhile"
    );
    let dead: BTreeSet<String> = after
        .values()
        .flat_map(|guest| guest["sponsors"].as_array().unwrap().clone())
        .filter(|sponsor| {
            sponsor["kind"] == "user" && (sponsor["deleted"] == true || sponsor["enabled"] == false)
        })
        .map(|sponsor| text(&sponsor["id"]))
        .collect();
    assert!(dead.len() > 4, "sponsors left: {}", dead.len());
}

#[tokio::test]
async fn who_is_disabled_tries_in_vain_and_who_is_deleted_does_nothing() {
    let mut tenant = Tenant::quiet(200).await;
    let truth = tenant.truth().await;
    let regular = truth.iter().filter(|guest| {
        guest["persona"] == "regular"
            && guest["privileged"] == false
            && guest["synced"].is_null()
            && is_live(guest)
    });
    let ids: Vec<String> = regular.take(40).map(|guest| text(&guest["id"])).collect();
    let (disabled, deleted) = ids.split_at(20);
    for id in disabled {
        let body = serde_json::json!({ "accountEnabled": false });
        assert_eq!(
            tenant.patch(&format!("/users/{id}"), &body).await.status,
            204
        );
    }
    for id in deleted {
        assert_eq!(tenant.delete(&format!("/users/{id}")).await.status, 204);
    }
    tenant.pass(25 * DAY).await;
    tenant.renew().await;
    let start: DateTime<Utc> = SPRING.parse().unwrap();
    let mut attempts = 0;
    for id in disabled {
        let guest = tenant.tell(&format!("truth/{id}")).await;
        assert!(moment(&guest["last_success"]).is_none_or(|last| last <= start));
        attempts += usize::from(moment(&guest["last_interactive"]) > Some(start));
    }
    assert!(attempts > 5, "they try: {attempts}");
    for id in deleted {
        let guest = tenant.tell(&format!("truth/{id}")).await;
        assert!(moment(&guest["last_interactive"]).is_none_or(|last| last <= start));
        tenant
            .post(
                &format!("/directory/deletedItems/{id}/restore"),
                &serde_json::json!({}),
            )
            .await;
    }
    tenant.pass(15 * DAY).await;
    let mut again = 0;
    for id in deleted {
        let guest = tenant.tell(&format!("truth/{id}")).await;
        again += usize::from(moment(&guest["last_success"]) > Some(start));
    }
    assert!(again > 10, "who is restored lives on: {again}");
}

#[tokio::test]
async fn a_clock_with_a_speed_runs_by_itself() {
    let tenant = Tenant::with(20, |options| options.speed = 86_400.0).await;
    let first = moment(&tenant.tell("clock").await["now"]);
    let later = moment(&tenant.tell("clock").await["now"]);
    assert!(later > first);
    tenant
        .drive("PUT", "clock", serde_json::json!({ "speed": 0 }))
        .await;
    let stopped = tenant.tell("clock").await;
    assert_eq!(stopped, tenant.tell("clock").await);
}

#[tokio::test]
async fn the_last_sign_in_of_each_guest_is_in_the_log_under_the_same_id() {
    let tenant = Tenant::quiet(150).await;
    let log = tenant.all("/auditLogs/signIns").await;
    let ids: HashSet<String> = log.iter().map(|row| text(&row["id"])).collect();
    let rows = tenant
        .all("/users?$filter=userType eq 'Guest'&$select=signInActivity&$top=500")
        .await;
    let mut recent = 0;
    for activity in rows.iter().filter_map(|row| row.get("signInActivity")) {
        let Some(at) = activity["lastSignInDateTime"].as_str() else {
            continue;
        };
        if at > "2026-02-01T00:00:00Z" {
            recent += 1;
            assert!(
                ids.contains(&text(&activity["lastSignInRequestId"])),
                "{activity}"
            );
        }
    }
    assert!(recent > 40, "{recent}");
}
