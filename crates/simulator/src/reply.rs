//! An answer before it is put on the wire, and the error bodies that Graph uses.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::fault::ErrorShape;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(Value),
    /// JSON that is written out already, because there is too much of it for a tree.
    Written(String),
    Text(&'static str, String),
}

/// The outcome of a request that can be refused.
pub(crate) type Outcome = Result<Reply, Reply>;

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn written(body: String) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Written(body),
        }
    }

    /// The media type of a JSON body: errors come with the plain one.
    pub(crate) fn json_type(&self) -> &'static str {
        match self.status {
            200..300 => {
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
            _ => "application/json",
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::None,
        }
    }

    pub(crate) fn text(status: u16, kind: &'static str, body: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Text(kind, body),
        }
    }

    /// Graph's error envelope. The ids and the date are put in when the answer is sent.
    pub(crate) fn error(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::json(
            status,
            json!({ "error": { "code": code, "message": message.into(), "innerError": {} } }),
        )
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::error(400, "Request_BadRequest", message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::error(400, "Request_UnsupportedQuery", message)
    }

    /// A query that cannot be read, a path that leads nowhere.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::error(400, "BadRequest", message)
    }

    pub(crate) fn no_such_segment(segment: &str) -> Self {
        Self::malformed(format!("Resource not found for the segment '{segment}'."))
    }

    /// A clause that is well formed and not served.
    pub(crate) fn unsupported_clause(property: &str, resource: &str) -> Self {
        Self::unsupported(format!(
            "Unsupported or invalid query filter clause specified for property '{property}' of resource '{resource}'."
        ))
    }

    pub(crate) fn needs_advanced(operator: &str) -> Self {
        Self::unsupported(format!(
            "Operator '{operator}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
        ))
    }

    pub(crate) fn expired_page() -> Self {
        Self::error(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    }

    /// A page token that is not known, or not of this request.
    pub(crate) fn lost_page() -> Self {
        Self::bad_request(
            "DirectoryPageTokenNotFoundException: the page token does not belong to this request.",
        )
    }

    /// An object that is mastered on-premises.
    pub(crate) fn mastered_elsewhere() -> Self {
        Self::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        )
    }

    /// 429 of the directory: its inner error repeats the status.
    pub(crate) fn throttled() -> Self {
        Self::json(
            429,
            json!({ "error": {
                "code": "TooManyRequests",
                "innerError": { "code": "429", "message": "Please retry after", "status": "429" },
                "message": "Please retry again later.",
            } }),
        )
    }

    /// 429 of the reporting service, which has a code of its own.
    pub(crate) fn report_throttled() -> Self {
        Self::error(
            429,
            "UnknownError",
            "This request is throttled. Please try again after the value specified in the Retry-After header.",
        )
    }

    pub(crate) fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::error(404, "Request_ResourceNotFound", message)
    }

    /// The same for a missing permission and for a privileged target.
    pub(crate) fn denied() -> Self {
        Self::error(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub(crate) fn premium() -> Self {
        Self::error(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Writes an error in another way.
    pub(crate) fn shaped(mut self, shape: ErrorShape) -> Self {
        let Body::Json(body) = &mut self.body else {
            return self;
        };
        let whole = body.to_string();
        let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) else {
            return self;
        };
        match shape {
            ErrorShape::EmptyCode => error["code"] = json!(""),
            ErrorShape::Status => error["code"] = json!(self.status.to_string()),
            ErrorShape::UnknownError => error["code"] = json!("UnknownError"),
            ErrorShape::JsonMessage => {
                error["code"] = json!("UnknownError");
                error["message"] = json!(whole);
            }
            ErrorShape::LowerCase => {
                let inner = error.remove("innerError");
                error.insert("innererror".to_owned(), inner.unwrap_or_default());
            }
        }
        self
    }

    /// Puts into an error's envelope what tells one refusal from another.
    pub(crate) fn traced(mut self, date: &str, request_id: Uuid, client_request_id: &str) -> Self {
        if let Body::Json(body) = &mut self.body
            && let Some(inner) = body.pointer_mut("/error/innerError")
        {
            inner["date"] = json!(date);
            inner["request-id"] = json!(request_id.to_string());
            inner["client-request-id"] = json!(client_request_id);
        }
        self
    }
}
