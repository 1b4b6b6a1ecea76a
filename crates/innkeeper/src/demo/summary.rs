//! What the demo tells at its end: what was done under which rule, who was saved, and what a perfect observer would
//! have done differently.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::decide::Judge;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::Call;
use innkeeper_domain::policy::{Notice, Truth};
use innkeeper_domain::verdict::Conclusion;
use innkeeper_engine::Report;
use innkeeper_store::{IntentRow, Store};
use serde_json::{Value, json};

use super::folder::Folder;
use super::observer::Deed;
use super::world::World;
use crate::cli::Output;
use crate::installation::GraphTenant;
use crate::output::{Rows, print, print_json};

/// Guests read between two looks at the store.
const PAGE: u32 = 1_000;

/// When, to whom, what: one thing that was done, or should have been.
type Event = (DateTime<Utc>, GuestId, &'static str);

/// What happened, day by day, and in the end.
pub(super) struct Summary {
    days: u32,
    guests: usize,
    cycles: u64,
    expected: BTreeSet<Event>,
    warned: BTreeSet<GuestId>,
    came_back: BTreeSet<GuestId>,
    by_rule: BTreeMap<String, BTreeMap<&'static str, u64>>,
    done: BTreeSet<Event>,
    protected: u64,
    in_doubt: u64,
    requests: u64,
    to_try: Option<GuestId>,
}

impl Summary {
    pub(super) fn new(days: u32, guests: usize) -> Self {
        Self {
            days,
            guests,
            cycles: 0,
            expected: BTreeSet::new(),
            warned: BTreeSet::new(),
            came_back: BTreeSet::new(),
            by_rule: BTreeMap::new(),
            done: BTreeSet::new(),
            protected: 0,
            in_doubt: 0,
            requests: 0,
            to_try: None,
        }
    }

    /// Takes in one day: what was concluded, and what the perfect observer would do.
    pub(super) fn day(&mut self, report: &Report, expected: &BTreeSet<Deed>) {
        let now = report.plan.observation.finished;
        self.cycles += 1;
        self.expected.extend(
            expected
                .iter()
                .map(|(guest, _, effect)| (now, *guest, *effect)),
        );
        let notices = expected.iter().filter(|(_, _, effect)| *effect == "notify");
        self.warned.extend(notices.map(|(guest, _, _)| *guest));
        for closed in &report.closed {
            if closed.closing == Closing::RuleNoLongerHolds && self.warned.contains(&closed.guest) {
                self.came_back.insert(closed.guest);
            }
        }
        self.in_doubt = report.plan.count("unknown");
    }

    /// Looks at what was really done: in the directory by the simulator's own list, else by Innkeeper's.
    pub(super) async fn complete(
        &mut self,
        world: &World,
        store: &Store,
        tenant: &GraphTenant,
    ) -> Result<()> {
        self.requests = world.requests().await?;
        for write in world.writes().await? {
            let effect = match write.kind.as_str() {
                "disable" => "disable",
                "enable" => "enable",
                "delete" => "delete",
                "remove-app-role" => "remove-app-roles",
                "remove-member" => "remove-from-group",
                _ => continue,
            };
            self.done
                .extend(write.target.map(|guest| (write.at, guest, effect)));
        }
        let mut tx = store.read().await?;
        let Some(last) = tx.last_observation(tenant.id).await? else {
            return Ok(());
        };
        let actions = tx
            .actions_between(
                tenant.id,
                DateTime::UNIX_EPOCH,
                last.finished + TimeDelta::days(1),
            )
            .await?;
        for IntentRow {
            intent, outcome, ..
        } in actions
        {
            if !outcome.is_some_and(|(_, outcome)| outcome.is_in_effect()) {
                continue;
            }
            // No rule asks for it, so that no observer of rules expects it.
            if let Call::Notify {
                notice: Notice::LastDays,
                ..
            } = intent.call
            {
                continue;
            }
            *self
                .by_rule
                .entry(intent.rule.to_string())
                .or_default()
                .entry(intent.call.as_str())
                .or_default() += 1;
            match intent.call {
                Call::Flag
                | Call::Mark { .. }
                | Call::Notify { .. }
                | Call::ResendInvitation { .. } => {
                    _ = self
                        .done
                        .insert((intent.created, intent.guest, intent.call.as_str()));
                }
                Call::Disable => self.to_try = Some(intent.guest),
                Call::Enable
                | Call::Unmark { .. }
                | Call::Delete
                | Call::RemoveAppRole { .. }
                | Call::AddAppRole { .. }
                | Call::RemoveFromGroup { .. }
                | Call::Restore
                | Call::AddToGroup { .. }
                | Call::AddSponsor { .. }
                | Call::SetManager { .. }
                | Call::RemoveSponsor { .. } => {}
            }
        }
        let named_groups = tx.named_groups(tenant.id).await?;
        let policy = &tenant.policy.policy;
        let judge = Judge {
            tenant: tenant.id,
            policy,
            named_groups: &named_groups,
            now: last.finished,
            watched: last.watched,
            span: TimeDelta::zero(),
        };
        let mut after = None;
        loop {
            let rows = tx.guest_rows(tenant.id, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            for row in &rows {
                let facts = judge.facts(&row.view);
                let a_rule_holds = policy
                    .rules
                    .iter()
                    .any(|rule| rule.when.judge(&facts) == Truth::True);
                let is_protected = matches!(
                    judge.judge(&row.view).verdict.conclusion,
                    Conclusion::Protected(_)
                );
                self.protected += u64::from(is_protected && a_rule_holds);
            }
        }
        let deleted: BTreeSet<GuestId> = self
            .done
            .iter()
            .filter(|(_, _, effect)| *effect == "delete")
            .map(|(_, guest, _)| *guest)
            .collect();
        self.came_back.retain(|guest| !deleted.contains(guest));
        Ok(())
    }

    /// Done, though a perfect observer would not have.
    fn wrong(&self) -> usize {
        self.done.difference(&self.expected).count()
    }

    /// Not done, though a perfect observer would have.
    fn missed(&self) -> usize {
        self.expected.difference(&self.done).count()
    }

    /// Each difference, for whoever wants to look into it.
    fn differences(&self) -> Vec<Value> {
        let shown = |(at, guest, effect): &Event, done: bool| json!({ "at": at, "guest_id": guest, "action": effect, "done": done });
        let wrong = self
            .done
            .difference(&self.expected)
            .map(|event| shown(event, true));
        wrong
            .chain(
                self.expected
                    .difference(&self.done)
                    .map(|event| shown(event, false)),
            )
            .collect()
    }

    pub(super) fn differs(&self) -> bool {
        self.wrong() + self.missed() > 0
    }

    fn count(&self, effect: &str) -> usize {
        self.done
            .iter()
            .filter(|(_, _, done)| *done == effect)
            .count()
    }

    pub(super) fn print(&self, output: Output, folder: &Folder) -> Result<()> {
        match output {
            Output::Json => print_json(&json!({
                "days": self.days,
                "guests": self.guests,
                "cycles": self.cycles,
                "notified": self.count("notify"),
                "flagged": self.count("flag"),
                "removed_from_groups": self.count("remove-from-group"),
                "disabled": self.count("disable"),
                "deleted": self.count("delete"),
                "reenabled": self.count("enable"),
                "saved_by_coming_back": self.came_back.len(),
                "saved_by_protection": self.protected,
                "left_alone_in_doubt": self.in_doubt,
                "wrong_actions": self.wrong(),
                "missed_actions": self.missed(),
                "differences": self.differences(),
                "requests": self.requests,
                "by_rule": self.by_rule,
                "config": folder.config,
            })),
            Output::Csv => self.rows().print_csv(),
            Output::Table => self.tell(folder),
        }
    }

    fn rows(&self) -> Rows {
        let mut rows = Rows::new([
            "rule",
            "warned",
            "flagged",
            "out of groups",
            "disabled",
            "deleted",
            "enabled again",
        ]);
        for (rule, calls) in &self.by_rule {
            let count = |call: &str| calls.get(call).copied().unwrap_or_default().to_string();
            let [warned, flagged, removed] =
                [count("notify"), count("flag"), count("remove-from-group")];
            rows.push([
                rule.clone(),
                warned,
                flagged,
                removed,
                count("disable"),
                count("delete"),
                count("enable"),
            ]);
        }
        rows
    }

    fn tell(&self, folder: &Folder) -> Result<()> {
        let Self {
            days,
            guests,
            cycles,
            came_back,
            protected,
            in_doubt,
            requests,
            ..
        } = self;
        print(&format!(
            "{days} days in a simulated tenant of {guests} guests: {cycles} cycles, {requests} requests.\n\n"
        ))?;
        self.rows().print_table(usize::MAX)?;
        print(&format!(
            "\nSaved because they came back after the warning: {back}.\nSaved by a protection although a rule holds: {protected}.\n\
             Left alone because something about them is not known: {in_doubt}.\n\n\
             A perfect observer, who sees the simulated world as it is, would have\n  \
             not done {wrong} of these actions, and\n  done {missed} that are missing.\n",
            back = came_back.len(),
            wrong = self.wrong(),
            missed = self.missed(),
        ))?;
        let config = folder.config.display();
        let guest = self.to_try.map(|guest| format!("  innkeeper guests show --config {config} {guest}\n  innkeeper explain --config {config} {guest}\n"));
        print(&format!(
            "\nThe database and the configuration are left behind. Try:\n  innkeeper guests list --config {config}\n{}",
            guest.unwrap_or_default()
        ))
    }
}
