//! What is odd about a policy, told once for each version of its text.

use anyhow::Result;
use innkeeper_domain::policy::Policy;
use innkeeper_store::Store;

use crate::installation::GraphTenant;

/// The warnings of the tenant's policy, if it was never told of before: a text is kept by its first cycle.
pub(crate) async fn unsaid(store: &Store, tenant: &GraphTenant) -> Result<Vec<String>> {
    let policy = &tenant.policy;
    let mut tx = store.read().await?;
    let kept = tx.policy_text(tenant.id, &policy.policy.hash).await?;
    if kept.is_some() {
        return Ok(Vec::new());
    }
    let (_, warnings) = Policy::check("policy", &policy.text)?;
    Ok(warnings.iter().map(ToString::to_string).collect())
}
