//! `$batch`.

use serde_json::{Value, json};

use crate::tenant::Tenant;

fn get(id: &str, url: &str) -> Value {
    json!({ "id": id, "method": "GET", "url": url })
}

fn batch(requests: &[Value]) -> Value {
    json!({ "requests": requests })
}

#[tokio::test]
async fn a_batch_holds_at_most_twenty_requests() {
    let tenant = Tenant::still(3).await;
    let requests: Vec<Value> = (0..21)
        .map(|number| get(&number.to_string(), "/users?$select=id"))
        .collect();
    assert_eq!(
        tenant.post("/$batch", batch(&requests[..20])).await.status,
        200
    );
    for body in [batch(&requests), batch(&[]), json!({})] {
        let answer = tenant.post("/$batch", body).await;
        assert_eq!(answer.refusal(), (400, "BadRequest"));
    }
}

#[tokio::test]
async fn an_id_that_comes_twice_spoils_the_whole_batch() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let delete = json!({ "id": "B", "method": "DELETE", "url": format!("/users/{id}") });
    let requests = [get("a", "/users"), get("b", "/groups"), delete];
    let answer = tenant.post("/$batch", batch(&requests)).await;
    assert_eq!(answer.refusal(), (400, "BadRequest"));
    assert!(tenant.writes().await.is_empty());
}

#[tokio::test]
async fn the_answers_come_in_another_order_each_with_its_own_outcome() {
    let tenant = Tenant::still(3).await;
    let id = tenant.add_guest("ann").await;
    let mut requests: Vec<Value> = (0..17)
        .map(|number| get(&number.to_string(), &format!("/users/{id}?$select=id")))
        .collect();
    requests.push(get(
        "missing",
        "/users/00000000-0000-0000-0000-00000000dead",
    ));
    let advanced = "users?$filter=userType ne 'Member'&$count=true&$select=id";
    requests.push(get("plain", advanced));
    let header = json!({ "ConsistencyLevel": "eventual" });
    requests.push(json!({ "id": "advanced", "method": "GET", "url": advanced, "headers": header }));
    let answer = tenant.post("/$batch", batch(&requests)).await.ok();
    let responses = answer.body["responses"].as_array().expect("a list");
    let asked: Vec<&Value> = requests.iter().map(|one| &one["id"]).collect();
    let mut answered: Vec<&Value> = responses.iter().map(|one| &one["id"]).collect();
    assert_ne!(asked, answered, "shuffled");
    let mut asked = asked;
    asked.sort_by_key(ToString::to_string);
    answered.sort_by_key(ToString::to_string);
    assert_eq!(asked, answered, "every one answered once");
    for response in responses {
        let expected = match response["id"].as_str() {
            Some("missing") => 404,
            Some("plain") => 400,
            _ => 200,
        };
        assert_eq!(response["status"], expected, "{response}");
    }
}

#[tokio::test]
async fn what_depends_on_a_failure_is_not_attempted() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let requests = [
        get("1", "/users/00000000-0000-0000-0000-00000000dead"),
        json!({ "id": "2", "method": "DELETE", "url": format!("/users/{id}"), "dependsOn": ["1"] }),
        json!({ "id": "3", "method": "GET", "url": format!("/users/{id}"), "dependsOn": ["2"] }),
        get("4", &format!("/users/{id}")),
    ];
    let answer = tenant.post("/$batch", batch(&requests)).await.ok();
    let responses = answer.body["responses"].as_array().expect("a list");
    for (id, status) in [("1", 404), ("2", 424), ("3", 424), ("4", 200)] {
        let response = responses.iter().find(|response| response["id"] == id);
        assert_eq!(response.expect("an answer")["status"], status, "{id}");
    }
    assert!(tenant.writes().await.is_empty());
}

#[tokio::test]
async fn items_are_throttled_one_by_one_and_the_envelope_is_not() {
    let tenant = Tenant::still(3).await;
    let requests: Vec<Value> = (0..12)
        .map(|number| get(&number.to_string(), "/users?$select=id,signInActivity"))
        .collect();
    let answer = tenant.post("/$batch", batch(&requests)).await;
    assert_eq!(answer.status, 200);
    let responses = answer.body["responses"].as_array().expect("a list");
    let throttled: Vec<&Value> = responses
        .iter()
        .filter(|response| response["status"] == 429)
        .collect();
    assert!((2..12).contains(&throttled.len()), "{}", throttled.len());
    for response in throttled {
        assert!(response["headers"]["Retry-After"].is_string());
        assert_eq!(response["body"]["error"]["code"], "UnknownError");
    }
}

#[tokio::test]
async fn an_item_without_content_has_no_body_and_batches_do_not_nest() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let json_type = json!({ "Content-Type": "application/json" });
    let requests = [
        json!({ "id": "1", "method": "DELETE", "url": format!("/users/{id}") }),
        json!({ "id": "2", "method": "POST", "url": "/$batch", "headers": json_type, "body": batch(&[]) }),
    ];
    let answer = tenant.post("/$batch", batch(&requests)).await.ok();
    let responses = answer.body["responses"].as_array().expect("a list");
    let of = |id: &str| {
        let mut found = responses.iter().filter(|response| response["id"] == id);
        found.next().expect("an answer")
    };
    assert_eq!(of("1")["status"], 204);
    assert!(of("1").get("body").is_none());
    assert_eq!(of("2")["status"], 400);
}
