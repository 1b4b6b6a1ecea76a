//! Retention: what is let go after its time.
//!
//! Invariant: no entry of the journal is ever removed or changed in what its hash covers; the newest observation, the
//! newest one that could be believed and the newest plan stay whatever their age.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::Event;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{from_json, json, micros};

/// What stands where an erased UPN stood.
const ERASED: &str = "erased";

impl Tx {
    /// Removes at most `limit` observations that began before a time, the oldest first; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_observations(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let complete = self.last_observation(tenant).await?;
        let healthy = self.last_healthy_observation(tenant).await?;
        // An id that nothing has stands for none.
        let id = |kept: Option<innkeeper_domain::observation::Observation>| {
            kept.map_or(Uuid::nil(), |kept| kept.id.0)
        };
        let sql = "DELETE FROM observations WHERE observation_id IN (SELECT observation_id FROM observations \
                   WHERE tenant_id = $1 AND started_at < $2 AND observation_id <> $3 AND observation_id <> $4 \
                   ORDER BY started_at, number LIMIT $5)";
        let limit = i64::from(limit);
        Ok(execute!(
            self,
            sql,
            tenant.0,
            micros(before),
            id(complete),
            id(healthy),
            limit
        )?)
    }

    /// Removes at most `limit` plans that were made before a time, the oldest first, with what was decided about them;
    /// returns how many. A plan stays whose decision still counts: without its steps a *no* would be forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_plans(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let kept = self.last_plan(tenant).await?;
        let kept = kept.map_or(Uuid::nil(), |kept| kept.id.0);
        let sql = "SELECT p.plan_id FROM plans p WHERE p.tenant_id = $1 AND p.made_at < $2 AND p.plan_id <> $3 \
                   AND NOT EXISTS (SELECT 1 FROM plan_decisions d JOIN plan_steps s ON s.plan_id = d.plan_id \
                   WHERE d.plan_id = p.plan_id) ORDER BY p.made_at LIMIT $4";
        let old: Vec<(Uuid,)> = fetch_all!(
            self,
            (Uuid,),
            sql,
            tenant.0,
            micros(before),
            kept,
            i64::from(limit)
        )?;
        let statements = [
            "DELETE FROM plan_steps WHERE tenant_id = $1 AND plan_id IN (SELECT plan_id FROM given)",
            "DELETE FROM plan_decisions WHERE tenant_id = $1 AND plan_id IN (SELECT plan_id FROM given)",
            "DELETE FROM plans WHERE tenant_id = $1 AND plan_id IN (SELECT plan_id FROM given)",
        ];
        self.let_go(tenant, "plan_id", &old, &statements).await
    }

    /// Erases the personal data of at most `limit` guests who have been gone since before a time: names and addresses,
    /// ties to others, what plans and snapshots say of them, and the details of their entries in the journal, which says so
    /// in a new entry for each. A guest on hold keeps everything. Returns whose.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_guests(
        &mut self,
        tenant: TenantId,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<GuestId>, StoreError> {
        // Asked again in the update, for another process may have been there in between.
        let sql = "UPDATE guests SET upn = $3, mail = NULL, display_name = NULL, company = NULL, attribute_value = NULL, \
                   erased_at = $4 \
                   WHERE tenant_id = $1 AND gone_at < $2 AND (erased_at IS NULL OR erased_at < gone_at) \
                   AND guest_key IN (SELECT guest_key FROM guests WHERE tenant_id = $1 AND gone_at < $2 \
                   AND (erased_at IS NULL OR erased_at < gone_at) AND guest_id NOT IN \
                   (SELECT guest_id FROM decisions WHERE tenant_id = $1 AND kind = 'hold') \
                   ORDER BY gone_at LIMIT $5) RETURNING guest_id";
        let (before, now) = (micros(before), micros(at));
        let erased: Vec<(Uuid,)> = fetch_all!(
            self,
            (Uuid,),
            sql,
            tenant.0,
            before,
            ERASED,
            now,
            i64::from(limit)
        )?;
        let guests: Vec<GuestId> = erased.into_iter().map(|(id,)| id.into()).collect();
        let given = Given::rows(guests.len()).ids("guest_id", guests.iter().map(|guest| guest.0));
        for sql in [
            "DELETE FROM guest_sponsors WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM former_sponsors WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM inviters WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM managers WHERE tenant_id = $1 AND user_id IN (SELECT guest_id FROM given)",
            "DELETE FROM memberships WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM guest_states WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM guest_roles WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM marks WHERE tenant_id = $1 AND guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "DELETE FROM guest_access WHERE guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "UPDATE journal SET details = NULL, salt = NULL WHERE tenant_id = $1 AND details IS NOT NULL \
             AND guest_id IN (SELECT guest_id FROM given)",
            "UPDATE attestations SET said_by = 'erased', person = 'erased', reason = '' WHERE tenant_id = $1 \
             AND guest_id IN (SELECT guest_id FROM given)",
            "UPDATE outcomes SET outcome = '{\"outcome\":\"skipped\",\"because\":\"erased\"}' \
             WHERE tenant_id = $1 AND outcome LIKE '{\"outcome\":\"skipped\",%' AND intent_id IN \
             (SELECT intent_id FROM intents WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "UPDATE outcomes SET outcome = '{\"outcome\":\"failed\",\"error\":\"erased\"}' \
             WHERE tenant_id = $1 AND outcome LIKE '{\"outcome\":\"failed\",%' AND intent_id IN \
             (SELECT intent_id FROM intents WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "UPDATE intents SET call = '{\"call\":\"notify\",\"to\":[]}' WHERE tenant_id = $1 \
             AND call LIKE '{\"call\":\"notify\",%' AND guest_id IN (SELECT guest_id FROM given)",
            "UPDATE intents SET call = '{\"call\":\"resend-invitation\",\"to\":\"erased\"}' WHERE tenant_id = $1 \
             AND call LIKE '{\"call\":\"resend-invitation\",%' AND guest_id IN (SELECT guest_id FROM given)",
            // The order stays: whoever comes back is as exempt as before. What was said about the guest goes.
            "UPDATE decisions SET reason = 'erased' WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)",
            "UPDATE cases SET closing = '{\"why\":\"protected\",\"by\":\"erased\"}' WHERE tenant_id = $1 \
             AND closing LIKE '{\"why\":\"protected\",%' AND guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            "UPDATE cases SET closing = '{\"why\":\"undone\",\"reason\":\"erased\"}' WHERE tenant_id = $1 \
             AND closing LIKE '{\"why\":\"undone\",%' AND guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            // Nothing can be given back any more.
            "DELETE FROM snapshots WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)",
            "DELETE FROM plan_steps WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given)",
            "DELETE FROM affected_guests WHERE tenant_id = $1 AND guest_key IN \
             (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id IN (SELECT guest_id FROM given))",
            // A guest can have been the sponsor, or the manager, of others.
            "UPDATE sponsors SET display_name = NULL, mail = NULL WHERE tenant_id = $1 \
             AND sponsor_id IN (SELECT guest_id FROM given)",
        ] {
            self.execute_given(tenant, &given, sql).await?;
        }
        self.take_out_of_plans(tenant, &guests).await?;
        let events: Vec<_> = guests
            .iter()
            .map(|guest| (Some(*guest), Event::Erased))
            .collect();
        self.append(tenant, at, &events).await?;
        Ok(guests)
    }

    /// Takes the steps about these guests out of the plans that are kept. A plan's hash stays: it is over what it was.
    async fn take_out_of_plans(
        &mut self,
        tenant: TenantId,
        guests: &[GuestId],
    ) -> Result<(), StoreError> {
        let patterns: Vec<String> = guests.iter().map(|guest| format!("%{guest}%")).collect();
        let given = Given::rows(guests.len()).texts("pattern", patterns.iter().map(String::as_str));
        let sql = "SELECT plan_id, body FROM plans WHERE tenant_id = $1 \
                   AND EXISTS (SELECT 1 FROM given WHERE plans.body LIKE given.pattern)";
        let plans: Vec<(Uuid, String)> = self.fetch_given(tenant, &given, sql).await?;
        for (plan, body) in plans {
            let mut steps: Vec<Value> = from_json("plan", &body)?;
            steps.retain(|step| {
                let guest = step["guest_id"].as_str().and_then(|id| id.parse().ok());
                guest.is_none_or(|guest| !guests.contains(&guest))
            });
            let sql = "UPDATE plans SET body = $3 WHERE tenant_id = $1 AND plan_id = $2";
            execute!(self, sql, tenant.0, plan, json(&steps))?;
        }
        Ok(())
    }
}
