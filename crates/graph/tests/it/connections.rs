//! Connections that break, and when: before a request, after it, or in the middle of an answer.

use innkeeper_graph::{GraphError, WriteError};

use crate::socket::{Socket, broken, silence, whole};
use crate::tenant::guest_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_503_another_connection_is_opened() {
    let socket = Socket::start([
        whole("503 Service Unavailable", "retry-after: 0\r\n", ""),
        whole("200 OK", "", "7"),
    ]);
    let graph = socket.graph();
    assert_eq!(graph.reader().guest_count().await.expect("a count"), 7);
    let came = socket.came();
    let [_, (first, _), (second, _)] = came.as_slice() else {
        panic!("{came:?}");
    };
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_whose_connection_breaks_is_made_again() {
    for breaking in [silence(), broken("200 OK", "", "7")] {
        let socket = Socket::start([breaking, whole("200 OK", "", "7")]);
        let graph = socket.graph();
        assert_eq!(graph.reader().guest_count().await.expect("a count"), 7);
        assert_eq!(graph.requests().retries, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_connection_breaks_is_unclear_and_not_made_again() {
    let socket = Socket::start([silence(), whole("204 No Content", "", "")]);
    let outcome = socket
        .graph()
        .writer(String::new())
        .delete(guest_id("ann"))
        .await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Unclear(GraphError::Unreachable { .. }))
        ),
        "{outcome:?}"
    );
    assert_eq!(socket.came().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_breaks_off_is_unclear() {
    let socket = Socket::start([broken("200 OK", "", "{")]);
    let outcome = socket
        .graph()
        .writer(String::new())
        .restore(guest_id("ann"))
        .await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Unclear(GraphError::Malformed { .. }))
        ),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_breaks_off_is_a_refusal_all_the_same() {
    let socket = Socket::start([broken("403 Forbidden", "", "{\"error\"")]);
    let outcome = socket
        .graph()
        .writer(String::new())
        .delete(guest_id("ann"))
        .await;
    assert!(
        matches!(
            outcome,
            Err(WriteError::Refused(GraphError::Forbidden { .. }))
        ),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_throttled_by_half_an_answer_waits_as_long_as_it_was_told() {
    let socket = Socket::start([
        broken("429 Too Many Requests", "retry-after: 0.001\r\n", "{"),
        whole("204 No Content", "request-id: req-9\r\n", ""),
    ]);
    let outcome = socket
        .graph()
        .writer(String::new())
        .delete(guest_id("ann"))
        .await;
    let done = outcome.expect("the second time");
    assert_eq!(done.request_id.as_deref(), Some("req-9"));
}
