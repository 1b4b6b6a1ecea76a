//! Access reviews: definitions, their runs, and on whom a run decides.

use serde_json::{Value, json};

use super::Call;
use super::listing::{CUSTOMARY, page, place, slice};
use crate::dice::Dice;
use crate::reply::{Outcome, Reply};
use crate::tenant::Review;
use crate::world::World;

/// What a person is who has not been one yet.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// `identityGovernance/accessReviews/definitions` and below.
pub(super) fn get(world: &mut World, call: &Call<'_>, below: &[&str]) -> Outcome {
    call.query.only(&["$top", "$skip", "$select", "$orderby"])?;
    if !world.is_governed() {
        return Err(Reply::error(
            403,
            "NoLicense",
            "User is not authorized to perform the operation. Reason: Tenant does not meet license requirement!",
        ));
    }
    let (context, rows) = match below {
        [] => {
            let rows = world.tenant.reviews.iter().map(definition).collect();
            (String::new(), rows)
        }
        [id, "instances"] => {
            let review = find(world, id)?;
            (format!("('{id}')/instances"), vec![run(review)])
        }
        [id, "instances", run, "decisions"] => {
            let review = find(world, id)?;
            if review.run.to_string() != *run {
                return Err(Reply::not_found(run));
            }
            let context = format!("('{id}')/instances('{run}')/decisions");
            (context, decisions(world, review))
        }
        other => return Err(Reply::no_such_segment(other.last().unwrap_or(&""))),
    };
    let context = format!("identityGovernance/accessReviews/definitions{context}");
    let (items, next) = slice(
        rows,
        place(world, call)?,
        call.query.top(CUSTOMARY, CUSTOMARY)?,
    );
    Ok(page(call, &context, items, next, None))
}

fn find<'w>(world: &'w World, id: &str) -> Result<&'w Review, Reply> {
    let mut reviews = world.tenant.reviews.iter();
    let found = reviews.find(|review| review.id.to_string() == id);
    found.ok_or_else(|| Reply::not_found(id))
}

fn definition(review: &Review) -> Value {
    json!({
        "id": review.id,
        "displayName": review.name,
        "status": review.status,
        "createdDateTime": review.began.to_string(),
        "lastModifiedDateTime": review.began.to_string(),
        "scope": scope(),
        "settings": {
            "mailNotificationsEnabled": true,
            "reminderNotificationsEnabled": true,
            "justificationRequiredOnApproval": true,
            "defaultDecisionEnabled": false,
            "defaultDecision": "None",
            "instanceDurationInDays": 14,
            "recommendationsEnabled": true,
            "autoApplyDecisionsEnabled": review.acts,
            "applyActions": [],
        },
    })
}

fn run(review: &Review) -> Value {
    json!({
        "id": review.run,
        "startDateTime": review.began.to_string(),
        "endDateTime": review.began.plus(14 * 86_400).to_string(),
        "status": review.status,
        "scope": scope(),
    })
}

fn scope() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.accessReviewQueryScope",
        "query": "./members/microsoft.graph.user/?$count=true&$filter=(userType eq 'Guest')",
        "queryType": "MicrosoftGraph",
        "queryRoot": null,
    })
}

fn decisions(world: &World, review: &Review) -> Vec<Value> {
    let directory = &world.tenant.directory;
    let nobody = json!({ "id": NOBODY, "displayName": "", "userPrincipalName": "" });
    let row = |(number, ix): (u64, &crate::tenant::UserIx)| {
        let user = directory.user(*ix);
        json!({
            "id": Dice::for_object(review.run, number).uuid(),
            "accessReviewId": review.run,
            "reviewedDateTime": null,
            "decision": "NotReviewed",
            "justification": "",
            "appliedDateTime": null,
            "applyResult": "New",
            "recommendation": "Deny",
            "principalLink": format!("https://graph.microsoft.com/v1.0/users/{}", user.id),
            "resourceLink": null,
            "resource": null,
            "reviewedBy": nobody,
            "appliedBy": nobody,
            "principal": {
                "@odata.type": "#microsoft.graph.userIdentity",
                "id": user.id,
                "displayName": directory.display_name(*ix),
                "userPrincipalName": directory.upn(*ix),
            },
        })
    };
    (0..).zip(&review.reviewed).map(row).collect()
}
