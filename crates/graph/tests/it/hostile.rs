//! What no Graph would answer: each is bounded, none is believed, and the token goes nowhere else.

use std::time::{Duration, Instant};

use innkeeper_graph::{Graph, GraphError, Settings};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::simulated::Simulated;
use crate::socket::{Socket, whole};
use crate::tenant::{Tenant, all, guest, guest_id, ids, ok, page, text};

/// DEFLATE with the codes that are fixed (RFC 1951, 3.2.6): so many times 258 blanks, in 13 bits each.
fn bomb(runs: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let (mut held, mut count) = (0_u32, 0);
    let mut put = |value: u32, bits: u32, bytes: &mut Vec<u8>| {
        held |= value << count;
        count += bits;
        while count >= 8 {
            bytes.push(u8::try_from(held & 0xff).expect("a byte"));
            held >>= 8;
            count -= 8;
        }
    };
    // Codes come with their highest bit first, everything else with its lowest.
    let code = |value: u32, bits: u32| value.reverse_bits() >> (32 - bits);
    put(0b011, 3, &mut bytes);
    put(code(0x30 + u32::from(b' '), 8), 8, &mut bytes);
    for _ in 0..runs {
        put(code(0b1100_0000 + (285 - 280), 8), 8, &mut bytes);
        put(0, 5, &mut bytes);
    }
    put(0, 7, &mut bytes);
    put(0, 7, &mut bytes);
    bytes
}

#[tokio::test]
async fn what_unpacks_to_more_than_any_answer_of_graph_is_not_unpacked() {
    let packed = bomb((70 << 20) / 258);
    assert!(packed.len() < 1 << 20);
    let tenant = Tenant::start().await;
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(packed);
    tenant.answers("GET", "/users", [answer]).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::TooLarge { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 1, "it is not asked for again");
}

#[tokio::test]
async fn more_headers_than_any_answer_of_graph_has_are_not_read() {
    for headers in [
        "x-flood: x\r\n".repeat(1_000),
        format!("x-flood: {}\r\n", "x".repeat(4 << 20)),
    ] {
        let answers = (0..8).map(|_| whole("200 OK", &headers, "7"));
        let socket = Socket::start(answers);
        let error = socket.graph().reader().guest_count().await.unwrap_err();
        assert!(matches!(error, GraphError::Unreachable { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up_when_its_time_is_over() {
    let tenant = Simulated::start().await;
    tenant
        .post(
            "faults",
            &json!({ "kind": "slow_body", "path": "/v1.0/users", "millis": 600_000 }),
        )
        .await;
    let graph = Graph::connect(Settings {
        timeout: Duration::from_millis(300),
        attempts: 2,
        ..tenant.settings()
    });
    let began = Instant::now();
    let error = all(graph.expect("a connection").reader().guests())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn the_secret_follows_no_redirection_of_the_token_endpoint() {
    let (tenant, stranger) = (Tenant::locked().await, Tenant::start().await);
    let elsewhere = format!("{}/", stranger.server.uri());
    for status in [302, 307, 308] {
        tenant.server.reset().await;
        let moved = text(status, "").insert_header("location", elsewhere.as_str());
        tenant.issues([moved]).await;
        tenant.reader().guest_count().await.expect_err("no token");
    }
    let came = stranger.server.received_requests().await;
    assert!(came.expect("they are recorded").is_empty());
}

#[tokio::test]
async fn a_text_with_u_0000_in_it_is_not_read_and_the_plain_letters_are() {
    let named = |name: &str| {
        let mut row = guest("ann");
        row["displayName"] = json!(name);
        row
    };
    let tenant = Tenant::start().await;
    let rows = [named("Ann\u{0}Lee")];
    tenant
        .answers("GET", "/users", vec![page(&rows, None); 8])
        .await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
    assert!(!error.to_string().contains("Lee"), "{error}");

    let tenant = Tenant::start().await;
    let rows = [named("Ann\\u0000Lee")];
    tenant.answers("GET", "/users", [page(&rows, None)]).await;
    let read = all(tenant.reader().guests()).await.expect("a page");
    let name = read[0].guests[0].display_name.as_deref();
    assert_eq!(name, Some("Ann\\u0000Lee"));
}

#[tokio::test]
async fn a_row_with_a_text_that_is_longer_than_any_of_entra_is_unreadable() {
    for key in [
        "displayName",
        "userPrincipalName",
        "mail",
        "companyName",
        "creationType",
    ] {
        let tenant = Tenant::start().await;
        let mut row = guest("ann");
        row[key] = "x".repeat(1 << 20).into();
        let rows = [row, guest("bob")];
        tenant.answers("GET", "/users", [page(&rows, None)]).await;
        let read = all(tenant.reader().guests()).await.expect("a page");
        assert_eq!(read[0].unreadable, [guest_id("ann")], "{key}");
        assert_eq!(ids(&read), [guest_id("bob")], "{key}");
    }
}

#[tokio::test]
async fn a_guest_with_a_million_sponsors_is_not_one_whose_sponsors_are_known() {
    let tenant = Simulated::start().await;
    let whole = all(tenant.graph().reader().sponsors(1)).await;
    let before: usize = whole
        .expect("pages")
        .iter()
        .map(|page| page.guests.len())
        .sum();
    tenant
        .post(
            "faults",
            &json!({ "kind": "hostile", "answer": "sponsors", "path": "/v1.0/users", "next": 1 }),
        )
        .await;
    match all(tenant.graph().reader().sponsors(1)).await {
        Ok(pages) => {
            let after: usize = pages.iter().map(|page| page.guests.len()).sum();
            assert_eq!(after, before - 1, "who has them is left out");
        }
        // So many need not even fit into one answer.
        Err(error) => assert!(matches!(error, GraphError::TooLarge { .. }), "{error}"),
    }
    assert_eq!(tenant.hits().await, 1);
}

#[tokio::test]
async fn a_guest_with_more_sponsors_than_a_guest_can_have_is_left_out_and_the_others_are_not() {
    let row = |name: &str, sponsors: usize| {
        let sponsor = |nth: usize| {
            let id = guest_id(&format!("sponsor {nth}"));
            json!({ "@odata.type": "#microsoft.graph.group", "id": id })
        };
        let sponsors: Vec<Value> = (0..sponsors).map(sponsor).collect();
        json!({ "id": guest_id(name), "sponsors": sponsors })
    };
    let tenant = Tenant::start().await;
    let rows = [row("ann", 101), row("bob", 5)];
    tenant.answers("GET", "/users", [page(&rows, None)]).await;
    let read = all(tenant.reader().sponsors(2)).await.expect("a page");
    let told: Vec<_> = read[0]
        .guests
        .iter()
        .map(|(id, of)| (*id, of.len()))
        .collect();
    assert_eq!(told, [(guest_id("bob"), 5)]);
}

#[tokio::test]
async fn a_guest_asked_by_itself_that_has_far_too_many_sponsors_is_not_one_without() {
    let sponsor = |nth: usize| {
        let id = guest_id(&format!("sponsor {nth}"));
        json!({ "@odata.type": "#microsoft.graph.group", "id": id })
    };
    let sponsors: Vec<Value> = (0..101).map(sponsor).collect();
    let body = json!({ "value": sponsors });
    let responses = json!([{ "id": "0", "status": 200, "body": body }]);
    let tenant = Tenant::start().await;
    let answer = ok(&json!({ "responses": responses }));
    tenant.answers("POST", "/$batch", [answer]).await;
    let ann = guest_id("ann");
    let read = all(tenant.reader().sponsors_of_each(&[ann])).await;
    let read = read.expect("a page");
    assert_eq!(read[0].guests.len(), 1);
    assert_eq!(read[0].guests[0].0, ann);
    assert_eq!(read[0].guests[0].1.len(), 100);
}

/// What the reading of guests comes to under a hostile answer of the simulator.
async fn met_with(answer: &str) -> GraphError {
    let tenant = Simulated::start().await;
    tenant
        .post(
            "faults",
            &json!({ "kind": "hostile", "answer": answer, "path": "/v1.0/users" }),
        )
        .await;
    all(tenant.graph().reader().guests())
        .await
        .expect_err("it is never believed")
}

#[tokio::test]
async fn each_hostile_answer_of_the_simulator_is_an_error_of_its_own() {
    let error = met_with("huge").await;
    assert!(matches!(error, GraphError::TooLarge { .. }), "{error}");
    let error = met_with("deep").await;
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
    let error = met_with("nul").await;
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
    let error = met_with("redirect").await;
    assert!(matches!(error, GraphError::Redirected { .. }), "{error}");
    let error = met_with("headers").await;
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error}");
}

/// A tenant with one guest whose fresh look is answered by these batches in turn; each is made of the answer to an item.
async fn batches(bodies: Vec<fn(&str) -> Vec<Value>>) -> Tenant {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users", [page(&[guest("ann")], None)])
        .await;
    let answers = bodies.into_iter().map(|of| {
        let responses: Vec<Value> = ["1", "0"].into_iter().flat_map(of).collect();
        ok(&json!({ "responses": responses }))
    });
    tenant.answers("POST", "/$batch", answers).await;
    tenant
}

fn none(id: &str) -> Vec<Value> {
    vec![json!({ "id": id, "status": 200, "body": { "value": [] } })]
}

#[tokio::test]
async fn a_batch_whose_answers_are_not_those_of_its_requests_is_asked_for_again() {
    type Answers = fn(&str) -> Vec<Value>;
    let first: Answers = |id| if id == "0" { none(id) } else { Vec::new() };
    let wrong: [Answers; 5] = [
        // Missing, so that this one alone is asked for again,
        |id| if id == "0" { Vec::new() } else { none(id) },
        // twice,
        |id| [none(id), none(id)].concat(),
        // what nobody asked for,
        |id| [none(id), none("7")].concat(),
        // without a body,
        |id| vec![json!({ "id": id, "status": 200 })],
        // and failed for the sake of another.
        |id| vec![json!({ "id": id, "status": 424 })],
    ];
    for (number, wrong) in wrong.into_iter().enumerate() {
        let then = if number == 0 { first } else { none };
        let tenant = batches(vec![wrong, then]).await;
        let depth = innkeeper_graph::Depth::Whole;
        let looks = tenant.reader().reread(&[guest_id("ann")], depth).await;
        assert_eq!(looks.expect("a look").len(), 1, "{number}");

        let tenant = batches(vec![wrong]).await;
        let error = tenant.reader().reread(&[guest_id("ann")], depth).await;
        let error = error.expect_err("it is never believed");
        let is_passing = matches!(
            error,
            GraphError::Malformed { .. } | GraphError::Unavailable { .. }
        );
        assert!(is_passing, "{number}: {error}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_batch_of_the_simulator_for_once_is_made_good() {
    for fault in [
        json!({ "kind": "batch_answers", "answers": "missing" }),
        json!({ "kind": "batch_answers", "answers": "twice" }),
        json!({ "kind": "batch_answers", "answers": "unknown" }),
        json!({ "kind": "batch_answers", "answers": "bodiless" }),
        json!({ "kind": "server_error", "status": 424, "empty": true, "path": "/users" }),
        json!({ "kind": "server_error", "status": 200, "empty": true, "path": "/users" }),
        json!({ "kind": "throttle", "retry_after": "0.01", "path": "/users" }),
    ] {
        let tenant = Simulated::start().await;
        let guest = *tenant.live().await.keys().next().expect("a guest");
        let mut once = fault.clone();
        once["next"] = json!(1);
        // The guest itself comes first, and by itself.
        if once["path"] == "/users" {
            once["path"] = json!(format!("/users/{guest}"));
        }
        tenant.post("faults", &once).await;
        let depth = innkeeper_graph::Depth::WithoutSignIns;
        let looks = tenant.graph().reader().reread(&[guest], depth).await;
        assert_eq!(looks.expect("a look").len(), 1, "{fault}");
        assert_eq!(tenant.hits().await, 1, "{fault}");
    }
}
