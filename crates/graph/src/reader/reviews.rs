//! Access reviews that are running and will carry out what they decide.

use futures_util::TryStreamExt;

use super::{Lists, Reader};
use crate::error::GraphError;
use crate::page::pages;
use crate::wire::reviews::{ReviewDecision, ReviewDefinition, ReviewInstance};

const PERMISSION: &str = "AccessReview.Read.All";

impl Reader {
    /// The running access reviews that act by themselves, by whom they decide on. On whom is read from the decisions of
    /// each run, which name everybody from its beginning on: what a review says of its scope is text.
    ///
    /// # Errors
    /// Why not.
    pub async fn access_reviews(&self) -> Result<Lists<String>, GraphError> {
        let request = self.0.get(
            &["identityGovernance", "accessReviews", "definitions"],
            "/identityGovernance/accessReviews/definitions",
            PERMISSION,
        );
        let definitions: Vec<ReviewDefinition> = pages(&self.0, request).try_concat().await?;
        let mut lists: Lists<String> = Lists::new();
        for definition in definitions.iter().filter(|review| review.may_act()) {
            for run in self.runs(definition).await? {
                for decision in self.decisions(definition, &run).await? {
                    if let Some(guest) = decision.guest() {
                        lists.entry(guest).or_default().push(definition.name());
                    }
                }
            }
        }
        for reviews in lists.values_mut() {
            reviews.sort();
            reviews.dedup();
        }
        Ok(lists)
    }

    async fn runs(&self, definition: &ReviewDefinition) -> Result<Vec<ReviewInstance>, GraphError> {
        let request = self.0.get(
            &[
                "identityGovernance",
                "accessReviews",
                "definitions",
                &definition.id,
                "instances",
            ],
            "/identityGovernance/accessReviews/definitions/{id}/instances",
            PERMISSION,
        );
        let mut runs: Vec<ReviewInstance> = pages(&self.0, request).try_concat().await?;
        runs.retain(ReviewInstance::is_running);
        Ok(runs)
    }

    async fn decisions(
        &self,
        definition: &ReviewDefinition,
        run: &ReviewInstance,
    ) -> Result<Vec<ReviewDecision>, GraphError> {
        let request = self.0.get(
            &[
                "identityGovernance",
                "accessReviews",
                "definitions",
                &definition.id,
                "instances",
                &run.id,
                "decisions",
            ],
            "/identityGovernance/accessReviews/definitions/{id}/instances/{id}/decisions",
            PERMISSION,
        );
        pages(&self.0, request).try_concat().await
    }
}
