//! What Graph sends of access reviews (`accessReviewScheduleDefinition`, `accessReviewInstance`,
//! `accessReviewInstanceDecisionItem`).

use innkeeper_domain::ids::GuestId;
use serde::Deserialize;
use uuid::Uuid;

/// A review, once or again and again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReviewDefinition {
    pub(crate) id: String,
    display_name: Option<String>,
    status: Option<String>,
    settings: Option<ReviewSettings>,
}

/// What a review does with what was decided (`accessReviewScheduleSettings`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewSettings {
    auto_apply_decisions_enabled: Option<bool>,
}

/// One run of a review.
#[derive(Deserialize)]
pub(crate) struct ReviewInstance {
    pub(crate) id: String,
    status: Option<String>,
}

/// On whom a run decides.
#[derive(Deserialize)]
pub(crate) struct ReviewDecision {
    principal: Option<ReviewedIdentity>,
}

/// Somebody on whom is decided (`identity`).
#[derive(Deserialize)]
pub(super) struct ReviewedIdentity {
    id: Option<String>,
}

impl ReviewDefinition {
    /// It carries out what was decided, and may have a run that is not over. One that does not say acts.
    pub(crate) fn may_act(&self) -> bool {
        let acts = self
            .settings
            .as_ref()
            .and_then(|settings| settings.auto_apply_decisions_enabled);
        acts != Some(false) && !is_over(self.status.as_deref())
    }

    pub(crate) fn name(&self) -> String {
        self.display_name.clone().unwrap_or_else(|| self.id.clone())
    }
}

impl ReviewInstance {
    /// It has begun and is not over. The words are no enumeration, and one that is not known here counts as running.
    pub(crate) fn is_running(&self) -> bool {
        let status = self.status.as_deref();
        let is_to_come = matches!(status, Some("NotStarted" | "Initializing" | "Starting"));
        !is_to_come && !is_over(status)
    }
}

impl ReviewDecision {
    /// On whom, if it is an object of the directory.
    pub(crate) fn guest(&self) -> Option<GuestId> {
        let id = self.principal.as_ref()?.id.as_deref()?;
        Uuid::try_parse(id).ok().map(GuestId)
    }
}

fn is_over(status: Option<&str>) -> bool {
    matches!(status, Some("Completed" | "Applied"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_review_that_only_recommends_or_is_over_does_not_act() {
        let acts = |status: &str, applies: serde_json::Value| {
            let body = json!({ "id": "1", "status": status, "settings": applies });
            let read: ReviewDefinition = serde_json::from_value(body).expect("a review");
            read.may_act()
        };
        let applies = |applies: bool| json!({ "autoApplyDecisionsEnabled": applies });
        assert!(acts("InProgress", applies(true)));
        assert!(acts("InProgress", json!(null)) && acts("new to us", json!({})));
        assert!(!acts("InProgress", applies(false)) && !acts("Applied", applies(true)));
    }

    #[test]
    fn a_run_with_a_word_that_nobody_knows_is_held_to_go_on() {
        let runs = |status: serde_json::Value| {
            let body = json!({ "id": "1", "status": status });
            let read: ReviewInstance = serde_json::from_value(body).expect("a run");
            read.is_running()
        };
        for status in ["InProgress", "Completing", "AutoReviewed", "new to us"] {
            assert!(runs(json!(status)), "{status}");
        }
        assert!(runs(json!(null)));
        for status in ["NotStarted", "Initializing", "Completed", "Applied"] {
            assert!(!runs(json!(status)), "{status}");
        }
    }
}
