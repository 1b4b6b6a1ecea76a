//! Whether the tenant's licence lets Graph tell sign-in activity.

use innkeeper_graph::{GraphError, Reader};

use super::finding::{Check, Finding};

const LICENCE_MATTERS: &str =
    "without Entra ID P1 or P2 Graph tells no sign-in activity, and every cycle fails";

/// Asks for the sign-in activity of one guest, as a cycle does for all. Graph's word that there is no licence is not
/// believed without a look at the tenant's plans: it says so now and then where there is one.
pub(super) async fn examine(reader: Result<&Reader, &'static str>) -> Finding {
    let reader = match reader {
        Ok(reader) => reader,
        Err(because) => return Finding::unchecked(Check::Licence, because, LICENCE_MATTERS),
    };
    let error = match reader.sign_ins_are_told().await {
        Ok(()) => {
            let told = "Entra ID P1 or P2: Graph tells sign-in activity";
            return Finding::ok(Check::Licence, told);
        }
        Err(error) => error,
    };
    let premium = reader
        .organization()
        .await
        .ok()
        .and_then(|organization| organization.premium);
    match (&error, premium) {
        (GraphError::NoLicence { .. }, Some(true)) => Finding::warning(
            Check::Licence,
            "Graph says that there is no licence, although the tenant has the plan Entra ID P1 or P2",
            "a cycle that Graph tells so fails, and the next one tries again",
            "grant Directory.Read.All if it is missing; with a licence that is new, try again in an hour",
        ),
        (GraphError::NoLicence { .. }, None | Some(false)) | (_, Some(false)) => Finding::wrong(
            Check::Licence,
            "the tenant has no Entra ID P1 or P2",
            LICENCE_MATTERS,
            "get a licence (Entra admin center, Billing, Licenses); where there is one, grant Directory.Read.All, without which Graph sometimes cannot tell",
        ),
        (GraphError::Forbidden { .. }, Some(true)) => Finding::ok(
            Check::Licence,
            "Entra ID P1 or P2, by the tenant's plans; sign-in activity itself is refused, see permissions",
        ),
        (other, None | Some(true)) => Finding::failed(
            Check::Licence,
            other,
            LICENCE_MATTERS,
            "run `innkeeper doctor` again",
        ),
    }
}
