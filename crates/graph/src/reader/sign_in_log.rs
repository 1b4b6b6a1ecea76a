//! The sign-in log, the second sense: it shows who came back hours before `signInActivity` does, and costs as much as
//! people sign in, not as there are guests.

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::ids::GuestId;

use super::Reader;
use crate::budget::Kind;
use crate::error::GraphError;
use crate::page::pages;
use crate::wire::SignIn;

impl Reader {
    /// Successful interactive sign-ins since then, of anybody, the newest first: `GET /auditLogs/signIns`, pages of 1,000.
    /// Of non-interactive ones v1.0 tells nothing, and neither of any older than the log (30 days, 7 without a
    /// licence), without an error. So it proves activity, and never inactivity.
    ///
    /// Graph's report of a sign-in can take two hours to appear.
    pub fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let request = self
            .0
            .get(
                &["auditLogs", "signIns"],
                "/auditLogs/signIns",
                "AuditLog.Read.All and Directory.Read.All",
            )
            .with("$filter", &format!("createdDateTime ge {since}"))
            .of_kind(Kind::Reports);
        pages::<SignIn>(&self.0, request)
            .map_ok(|page| page.into_iter().filter_map(SignIn::success).collect())
    }
}
