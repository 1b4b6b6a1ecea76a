//! How an answer is put on the wire: whole, in pieces, or cut in the middle.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::Frame;

use crate::reply::{Body, Reply};
use crate::server::{ReplyBody, whole};

/// How the body of an answer is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Cut in the middle.
    pub(crate) cut: bool,
    /// In pieces that take so long together.
    pub(crate) slow: Duration,
}

/// Pieces of a body that is sent slowly.
const PIECES: u32 = 8;

/// The headers that every answer of Graph has.
pub(crate) type Ids = Vec<(&'static str, String)>;

fn head(reply: &Reply, ids: &Ids) -> (http::response::Builder, Bytes) {
    let mut response = Response::builder().status(reply.status);
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "request-id")
        .chain(ids);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let (kind, body) = match &reply.body {
        Body::None => return (response, Bytes::new()),
        Body::Json(value) => (reply.json_type(), value.to_string()),
        Body::Written(text) => (reply.json_type(), text.clone()),
        Body::Text(kind, text) => (*kind, text.clone()),
    };
    (response.header(CONTENT_TYPE, kind), Bytes::from(body))
}

/// An answer, in the manner in which it is to be sent.
pub(crate) fn send(reply: &Reply, ids: &Ids, manner: Manner) -> Response<ReplyBody> {
    let Manner { cut, slow } = manner;
    let (response, body) = head(reply, ids);
    if !cut && slow.is_zero() {
        return whole(response, body);
    }
    // The length of the whole, of what is cut as well.
    let response = response.header(CONTENT_LENGTH, body.len());
    match cut {
        true => truncated(response, &body),
        false => slowly(response, body, slow),
    }
}

/// The body in pieces, with a pause before each.
fn slowly(response: http::response::Builder, body: Bytes, long: Duration) -> Response<ReplyBody> {
    let piece = body.len().div_ceil(PIECES as usize).max(1);
    let pieces = stream::unfold(body, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(long / PIECES).await;
        let next = left.split_to(piece.min(left.len()));
        Some((Ok(Frame::data(next)), left))
    });
    response
        .body(StreamBody::new(pieces).boxed())
        .expect("headers are built from plain text")
}

/// Half of the body under the length of the whole.
fn truncated(response: http::response::Builder, body: &Bytes) -> Response<ReplyBody> {
    let half = body.slice(..body.len() / 2);
    let broken = stream::unfold(Some(half), |left| async {
        match left {
            Some(half) if !half.is_empty() => Some((Ok(Frame::data(half)), Some(Bytes::new()))),
            Some(_) => {
                // The half must be on its way before the connection breaks: a pause lets the server send it.
                tokio::task::yield_now().await;
                let cut = std::io::Error::other("a fault cuts the answer short");
                Some((Err(cut), None))
            }
            None => None,
        }
    });
    response
        .body(StreamBody::new(broken).boxed())
        .expect("headers are built from plain text")
}
