//! Graph's behaviours that surprise, each switched on in the simulated tenant.
//!
//! | behaviour | test |
//! |---|---|
//! | 1. without `$select` properties are hidden | `truth::every_guest_is_read_once_with_its_true_times` |
//! | 2. smaller pages, 403 of licence and permission with sign-in activity | [`pages_of_sign_in_activity_that_are_capped_are_asked_for_smaller`], [`a_licence_that_graph_cannot_tell_is_an_error_and_not_an_inactive_guest`], [`a_permission_that_is_missing_for_sign_in_activity_is_named`]; its pace: `benches/limits.rs` |
//! | 3. encodings of "no sign-in", lag | [`every_way_to_tell_no_sign_in_is_no_sign_in`], [`a_sign_in_is_seen_once_graph_shows_it`] |
//! | 4. filters on sign-in activity, single users by id only | [`who_never_signed_in_is_read_as_well`], `fallbacks::where_a_list_of_ids_is_not_accepted_guests_are_read_again_one_by_one` |
//! | 5. advanced queries need their header | `truth::every_guest_is_read_once_with_its_true_times`, `values::the_count_is_an_advanced_query_of_plain_text` |
//! | 6. page tokens that are lost, empty pages | [`whatever_befalls_pages_every_guest_is_read`], [`a_link_out_of_an_answer_to_a_retried_request_loses_no_guest`] |
//! | 7. delta queries | [`no_delta_query_is_asked_for`] |
//! | 8. a reference is removed by `/$ref` only | `writing::a_member_is_removed_by_its_reference_and_never_itself`, `effects::what_is_written_takes_effect_once` |
//! | 9. up to five sponsors, users and groups | `truth::every_guest_is_read_with_its_true_sponsors` |
//! | 10. privileged targets, groups that take no change | [`a_privileged_guest_is_refused_for_good`], [`groups_that_take_no_change_refuse_it_for_good`] |
//! | 11. deletion for 30 days, restored with memberships | [`who_is_restored_is_a_member_again`]; sessions are never revoked |
//! | 12. replicas, 503 after the effect, 409 | [`a_conflict_that_passes_is_written_once`], `effects::a_write_whose_answer_is_lost_is_unclear_and_made_once`, [`a_replica_that_lags_behind_makes_no_guest_vanish`] |
//! | 13. throttling, its headers and bodies, in batches | [`throttled_requests_wait_as_long_as_they_are_told`], [`a_batch_that_is_throttled_in_part_is_completed`] |
//! | 14. the sign-in log's empty codes, seven digits | [`a_log_whose_place_is_lost_is_read_anew`], `paging::a_link_that_is_called_bad_is_lost_whatever_the_code` |
//! | 15. invitations by an application | none: nobody is invited |
//! | 16. token endpoints and managed identities | [`every_managed_identity_leads_to_the_tenant`], `credentials`, `tokens` |
//! | 17. deleted items by cast, members with an id only | `truth::a_fresh_look_tells_the_present_the_deleted_and_the_absent_apart`, [`members_of_whom_only_the_id_is_told_are_members`] |

use std::collections::BTreeSet;

use innkeeper_domain::activity::SignIns;
use innkeeper_domain::guest::Guest;
use innkeeper_domain::ids::GuestId;
use innkeeper_graph::{Credential, Depth, GraphError, IdentitySource, Reread, WriteError};
use serde_json::{Value, json};

use crate::simulated::{Simulated, id};
use crate::tenant::all;

/// Every guest, as listed.
async fn guests(tenant: &Simulated) -> Vec<Guest> {
    let pages = all(tenant.reader().guests()).await.expect("the guests");
    pages.into_iter().flat_map(|page| page.guests).collect()
}

/// A guest to whom anything may be done.
async fn plain(tenant: &Simulated) -> GuestId {
    let live = tenant.live().await;
    let plain = live.iter().find(|(_, row)| {
        row["enabled"] == true && row["privileged"] == false && row["synced"] != true
    });
    *plain.expect("a guest").0
}

async fn assert_all_are_read(tenant: &Simulated, what: &Value) {
    let read: BTreeSet<GuestId> = guests(tenant).await.iter().map(|guest| guest.id).collect();
    assert!(
        read.into_iter().eq(tenant.live().await.into_keys()),
        "{what}"
    );
}

#[tokio::test]
async fn pages_of_sign_in_activity_that_are_capped_are_asked_for_smaller() {
    let tenant = Simulated::start().await;
    let cap = json!({ "kind": "activity_cap" });
    tenant.post("faults", &cap).await;
    assert_all_are_read(&tenant, &cap).await;
    assert_eq!(tenant.hits().await, 1, "once, and no page after");
}

#[tokio::test]
async fn a_licence_that_graph_cannot_tell_is_an_error_and_not_an_inactive_guest() {
    let tenant = Simulated::start().await;
    let roles = json!({ "roles": ["User.Read.All", "AuditLog.Read.All"] });
    tenant.put("permissions", &roles).await;
    let premium = json!({ "kind": "premium", "without_role": "Directory.Read.All", "next": 1 });
    tenant.post("faults", &premium).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::NoLicence { .. }), "{error}");
    assert!(error.to_string().contains("Directory.Read.All"), "{error}");
    assert_all_are_read(&tenant, &premium).await;

    tenant.put("license", &json!({ "licensed": false })).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::NoLicence { .. }), "{error}");
}

#[tokio::test]
async fn a_permission_that_is_missing_for_sign_in_activity_is_named() {
    let tenant = Simulated::start().await;
    let roles = json!({ "roles": ["User.Read.All", "Directory.Read.All"] });
    tenant.put("permissions", &roles).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(
        matches!(
            error,
            GraphError::Forbidden {
                needs: "AuditLog.Read.All",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn every_way_to_tell_no_sign_in_is_no_sign_in() {
    let tenant = Simulated::start().await;
    for encoding in ["absent", "null", "min_date", "empty"] {
        let fault = json!({ "kind": "sign_in_activity", "encoding": encoding });
        tenant.post("faults", &fault).await;
        for guest in guests(&tenant).await {
            assert_eq!(guest.sign_ins, SignIns::default(), "{encoding}");
        }
        tenant.mend().await;
    }
}

#[tokio::test]
async fn a_sign_in_is_seen_once_graph_shows_it() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    tenant
        .put("sign-in-lag", &json!({ "seconds": 86_400 }))
        .await;
    let at = format!("users/{ann}/sign-in");
    tenant.post(&at, &json!({ "success": true })).await;
    let now = tenant.get("clock").await["now"].clone();
    let now = crate::simulated::time(&now);
    for (passed, is_shown) in [(86_000, false), (400, true)] {
        let by = json!({ "seconds": passed });
        tenant.post("clock/advance", &by).await;
        let read = tenant.reader().reread(&[ann], Depth::Whole).await;
        let Ok([Reread::Present { guest, .. }]) = read.as_deref() else {
            panic!("{read:?}");
        };
        assert_eq!(guest.sign_ins.successful >= now, is_shown);
    }
}

#[tokio::test]
async fn who_never_signed_in_is_read_as_well() {
    let tenant = Simulated::start().await;
    let live = tenant.live().await;
    let never = |row: &Value| row["last_interactive"].is_null() && row["last_success"].is_null();
    let of_truth = live.values().filter(|row| never(row)).count();
    let read = guests(&tenant).await;
    let of_read = read.iter().filter(|guest| {
        guest.sign_ins.interactive.is_none() && guest.sign_ins.successful.is_none()
    });
    assert!(of_truth > 0);
    assert_eq!(of_read.count(), of_truth);
}

#[tokio::test]
async fn whatever_befalls_pages_every_guest_is_read() {
    let tenant = Simulated::start().await;
    // A page of a hundred, so that there are several.
    tenant
        .post("faults", &json!({ "kind": "activity_cap" }))
        .await;
    for fault in [
        json!({ "kind": "expired_page", "next": 1 }),
        json!({ "kind": "empty_page", "next": 1, "skip": 2, "path": "/users" }),
        json!({ "kind": "duplicate_rows", "rows": 0.5 }),
        json!({ "kind": "reordered_rows" }),
        json!({ "kind": "fractions", "digits": 7 }),
        json!({ "kind": "slow_body", "millis": 20 }),
    ] {
        let strikes = tenant.post("faults", &fault).await;
        assert!(strikes["id"].is_u64());
        assert_all_are_read(&tenant, &fault).await;
    }
    assert!(tenant.hits().await >= 8);
}

#[tokio::test]
async fn a_link_out_of_an_answer_to_a_retried_request_loses_no_guest() {
    let tenant = Simulated::start().await;
    for fault in [
        json!({ "kind": "activity_cap" }),
        json!({ "kind": "retried_page" }),
        json!({ "kind": "unavailable", "retry_after": "0", "path": "/users", "skip": 1, "next": 1 }),
    ] {
        tenant.post("faults", &fault).await;
    }
    assert_all_are_read(&tenant, &json!("retried_page")).await;
    assert!(tenant.hits().await >= 3, "all of them struck");
}

#[tokio::test]
async fn no_delta_query_is_asked_for() {
    let tenant = Simulated::start().await;
    let reader = tenant.reader();
    reader.guest_count().await.expect("a count");
    guests(&tenant).await;
    all(reader.sponsors(7)).await.expect("the sponsors");
    reader.role_holders().await.expect("the holders");
    let requests = tenant.get("requests").await;
    let routes = requests["by_route"].as_object().expect("routes");
    assert!(routes.keys().all(|route| !route.contains("delta")));
}

#[tokio::test]
async fn a_privileged_guest_is_refused_for_good() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    let roles = json!({ "roles": ["Global Administrator"] });
    tenant.patch(&format!("users/{ann}"), &roles).await;
    let writer = tenant.writer().await;
    let before = tenant.graph().requests().retries;
    for outcome in [writer.disable(ann).await, writer.delete(ann).await] {
        let error = outcome.expect_err("it is refused");
        assert!(
            matches!(error, WriteError::Refused(GraphError::Forbidden { .. })),
            "{error}"
        );
        assert!(error.to_string().contains("privileged role"), "{error}");
    }
    assert_eq!(tenant.graph().requests().retries, before);
}

#[tokio::test]
async fn groups_that_take_no_change_refuse_it_for_good() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    let writer = tenant.writer().await;
    for kind in ["dynamic", "on-premises", "mail-enabled", "role-assignable"] {
        let body = json!({ "name": kind, "kind": kind, "members": [ann] });
        let group = id(&tenant.post("groups", &body).await["id"]);
        let outcome = writer.remove_from_group(group, ann).await;
        assert!(
            matches!(outcome, Err(WriteError::Refused(_))),
            "{kind}: {outcome:?}"
        );
        let members = all(tenant.reader().members(group)).await;
        assert_eq!(members.expect("the members").concat(), [ann], "{kind}");
    }
}

#[tokio::test]
async fn who_is_restored_is_a_member_again() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    let bridge = tenant.group("Bridge", &[ann], &[]).await;
    let writer = tenant.writer().await;
    let look = async || {
        let looks = tenant.reader().reread(&[ann], Depth::Whole).await;
        looks.expect("a look").remove(0)
    };
    writer.delete(ann).await.expect("it is deleted");
    assert_eq!(look().await, Reread::Deleted(ann));
    writer.restore(ann).await.expect("it is restored");
    let Reread::Present { groups, .. } = look().await else {
        panic!("it is there again");
    };
    assert!(groups.contains(&bridge));
    writer.delete(ann).await.expect("it is deleted");
    let days = json!({ "seconds": 31 * 86_400 });
    tenant.post("clock/advance", &days).await;
    assert_eq!(look().await, Reread::Absent(ann), "after 30 days");
}

#[tokio::test]
async fn a_conflict_that_passes_is_written_once() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    let before = tenant.written().await.len();
    let conflict = json!({ "kind": "concurrency", "method": "PATCH", "next": 2 });
    tenant.post("faults", &conflict).await;
    let writer = tenant.writer().await;
    writer.disable(ann).await.expect("the third time");
    assert_eq!(tenant.written().await.len(), before + 1);
}

#[tokio::test]
async fn a_replica_that_lags_behind_makes_no_guest_vanish() {
    let tenant = Simulated::start().await;
    let stale = json!({ "kind": "stale_read", "path": "/users" });
    tenant.post("faults", &stale).await;
    let ann = plain(&tenant).await;
    let writer = tenant.writer().await;
    writer.delete(ann).await.expect("it is deleted");
    let looks = tenant.reader().reread(&[ann], Depth::Whole).await;
    // As it was, or as it is; but not as if it had never been.
    let looks = looks.expect("a look");
    assert!(!matches!(looks[0], Reread::Absent(_)), "{looks:?}");
    writer.restore(ann).await.expect("it is restored");
    let missing = json!({ "kind": "missing_rows", "rows": 1.0, "path": "/users", "next": 1 });
    tenant.mend().await;
    tenant.post("faults", &missing).await;
    let looked = tenant.reader().reread(&[ann], Depth::Whole).await;
    assert!(
        matches!(looked, Err(GraphError::Malformed { .. })),
        "{looked:?}"
    );
}

#[tokio::test]
async fn throttled_requests_wait_as_long_as_they_are_told() {
    let tenant = Simulated::start().await;
    for (wait, shape) in [
        (Some("0.05"), None),
        (None, None),
        (Some("0.05"), Some("unknown_error")),
        (Some("0.05"), Some("json_message")),
        (Some("0.05"), Some("lower_case")),
        (Some("0.05"), Some("empty_code")),
        (Some("0.05"), Some("status")),
    ] {
        let mut throttle = json!({ "kind": "throttle", "path": "/users", "next": 1 });
        throttle["retry_after"] = wait.map(str::to_owned).into();
        tenant.post("faults", &throttle).await;
        if let Some(shape) = shape {
            let shape = json!({ "kind": "error_shape", "shape": shape });
            tenant.post("faults", &shape).await;
        }
        let before = tenant.graph().requests().throttled;
        let started = std::time::Instant::now();
        assert_all_are_read(&tenant, &throttle).await;
        let wait = wait.map_or(0, |_| 50);
        assert!(started.elapsed().as_millis() >= wait, "{throttle}");
        assert_eq!(tenant.graph().requests().throttled, before + 1);
        tenant.mend().await;
    }
}

#[tokio::test]
async fn a_batch_that_is_throttled_in_part_is_completed() {
    let tenant = Simulated::start().await;
    let ids: Vec<GuestId> = tenant.live().await.into_keys().take(10).collect();
    let expected = tenant.reader().reread(&ids, Depth::Whole).await;
    let expected = expected.expect("a look");
    for envelope in [None, Some("throttled_batch")] {
        let throttle = json!({
            "kind": "throttle", "path": "/users/", "share": 0.5, "next": 5, "retry_after": "0.01",
        });
        tenant.post("faults", &throttle).await;
        if let Some(kind) = envelope {
            tenant.post("faults", &json!({ "kind": kind })).await;
        }
        let looks = tenant.reader().reread(&ids, Depth::Whole).await;
        assert_eq!(looks.expect("a look"), expected);
        assert!(tenant.hits().await >= 5, "{envelope:?}");
        tenant.mend().await;
    }
}

#[tokio::test]
async fn a_log_whose_place_is_lost_is_read_anew() {
    let tenant = Simulated::start().await;
    let ann = plain(&tenant).await;
    let at = format!("users/{ann}/sign-in");
    tenant.post(&at, &json!({ "success": true })).await;
    let now = tenant.get("clock").await["now"].clone();
    let now = crate::simulated::time(&now).expect("a time");
    let since = now - chrono::TimeDelta::days(29);
    let entries = || async {
        let pages = all(tenant.reader().signed_in_since(since)).await;
        pages.expect("the log").concat()
    };
    let expected = entries().await;
    assert!(expected.iter().any(|(who, _)| *who == ann));
    for fault in [
        json!({ "kind": "expired_page", "path": "/auditLogs", "next": 1 }),
        json!({ "kind": "empty_page", "path": "/auditLogs", "next": 1 }),
        json!({ "kind": "fractions", "digits": 7 }),
    ] {
        tenant.post("faults", &fault).await;
        let read: BTreeSet<_> = entries().await.into_iter().map(|(who, _)| who).collect();
        let expected: BTreeSet<_> = expected.iter().map(|(who, _)| *who).collect();
        assert_eq!(read, expected, "{fault}");
        tenant.mend().await;
    }
}

#[tokio::test]
async fn every_managed_identity_leads_to_the_tenant() {
    let tenant = Simulated::start().await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let key_file = folder.path().join("1.key");
    std::fs::write(&key_file, "the-key").expect("the folder can be written");
    let arc = json!({ "key_file": key_file, "key": "the-key" });
    tenant.put("arc", &arc).await;
    let at = |path: &str| {
        format!("{}{path}", tenant.url())
            .parse()
            .expect("an address")
    };
    let header = tenant.get("info").await["identity_header"].clone();
    let header = header.as_str().expect("a header").to_owned();
    for (path, source) in [
        (
            "/metadata",
            IdentitySource::Vm {
                endpoint: at("/metadata/identity/oauth2/token"),
            },
        ),
        (
            "/msi",
            IdentitySource::AppService {
                endpoint: at("/msi/token"),
                header: header.into(),
            },
        ),
        (
            "/arc",
            IdentitySource::Arc {
                endpoint: at("/arc/identity/oauth2/token"),
                keys: folder.path().to_owned(),
            },
        ),
    ] {
        // As while the machine starts.
        let starting = json!({ "kind": "server_error", "status": 410, "path": path, "next": 1 });
        tenant.post("faults", &starting).await;
        let credential = Credential::ManagedIdentity {
            client_id: None,
            source,
        };
        let count = tenant.graph_with(credential).reader().guest_count().await;
        count.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

#[tokio::test]
async fn members_of_whom_only_the_id_is_told_are_members() {
    let tenant = Simulated::start().await;
    let ids: Vec<GuestId> = tenant.live().await.into_keys().take(3).collect();
    let bridge = tenant.group("Bridge", &ids, &[]).await;
    let roles = json!({ "roles": ["GroupMember.Read.All"] });
    tenant.put("permissions", &roles).await;
    let members = all(tenant.reader().members(bridge)).await;
    let mut members = members.expect("the members").concat();
    members.sort();
    assert_eq!(members, ids);
}
