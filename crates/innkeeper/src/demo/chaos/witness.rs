//! The witness: holds each thing that was done against the simulated world as it was at that moment.
//!
//! Invariant: it takes what was done from the directory and the outbox. Innkeeper's own record tells it only under
//! which rule; what is not on that record is wrong.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GroupId, GuestId, TenantId};
use innkeeper_domain::intent::{Call, Intent};
use innkeeper_domain::policy::{Action, Ends, Policy, Rule, Truth};
use innkeeper_domain::verdict::Conclusion;
use innkeeper_domain::watch::Watched;
use serde_json::{Value, json};

use super::super::observer::Observer;
use super::super::world::{Mail, TrueGuest, Write};
use super::people::Meddling;

/// The witness.
pub(super) struct Witness {
    tenant: TenantId,
    eyes: Observer,
    today: Today,
    /// Since when each rule holds for each guest without a day between.
    holds: BTreeMap<(GuestId, String), DateTime<Utc>>,
    /// Since when each account cannot be used.
    disabled: BTreeMap<GuestId, DateTime<Utc>>,
    /// When each guest was named in an accepted mail under each rule.
    notices: BTreeMap<(GuestId, String), Vec<DateTime<Utc>>>,
    /// Who was invited again, and when.
    invited: BTreeSet<(GuestId, DateTime<Utc>)>,
    /// Accounts that somebody disabled or deleted by hand: theirs, whatever Innkeeper wanted.
    by_hand: BTreeSet<GuestId>,
    pub(super) findings: Findings,
}

/// The world this morning.
struct Today {
    now: DateTime<Utc>,
    views: BTreeMap<GuestId, GuestView>,
    named_groups: NamedGroups,
    addresses: BTreeMap<String, GuestId>,
}

/// What must not be.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) wrong: u64,
    pub(super) double: u64,
    pub(super) skipped: u64,
    pub(super) unwarned: u64,
    /// Accounts enabled again although a rule that takes them holds. It errs to the guest's side, and is only told.
    pub(super) lenient: u64,
    /// Each of them, for whoever wants to look into it.
    pub(super) told: Vec<Value>,
}

impl Witness {
    pub(super) fn new(tenant: TenantId, eyes: Observer) -> Self {
        Self {
            tenant,
            eyes,
            today: Today {
                now: DateTime::UNIX_EPOCH,
                views: BTreeMap::new(),
                named_groups: NamedGroups::new(),
                addresses: BTreeMap::new(),
            },
            holds: BTreeMap::new(),
            disabled: BTreeMap::new(),
            notices: BTreeMap::new(),
            invited: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            findings: Findings::default(),
        }
    }

    /// Takes in the world before a cycle. The clock stands still until the cycle is over.
    pub(super) fn morning(
        &mut self,
        policy: &Policy,
        truth: &[TrueGuest],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let named_groups = self.eyes.named_groups(truth)?;
        let views = self.eyes.look(truth, &named_groups, now)?;
        let views = views.into_iter().map(|view| (view.record.guest.id, view));
        let address = |guest: &TrueGuest| guest.mail.clone().unwrap_or_else(|| guest.upn.clone());
        self.today = Today {
            now,
            views: views.collect(),
            named_groups,
            addresses: truth
                .iter()
                .map(|guest| (address(guest), guest.id))
                .collect(),
        };
        let mut holds = BTreeMap::new();
        for (guest, view) in &self.today.views {
            let facts = self.judge(policy).facts(view);
            for rule in &policy.rules {
                if rule.when.judge(&facts) == Truth::True {
                    let key = (*guest, rule.name.to_string());
                    let since = self.holds.get(&key).copied().unwrap_or(now);
                    holds.insert(key, since);
                }
            }
        }
        self.holds = holds;
        self.disabled = truth
            .iter()
            .filter(|guest| !guest.enabled)
            .map(|guest| {
                let since = self.disabled.get(&guest.id).copied();
                (guest.id, since.unwrap_or(now))
            })
            .collect();
        Ok(())
    }

    fn judge<'j>(&'j self, policy: &'j Policy) -> Judge<'j> {
        Judge {
            tenant: self.tenant,
            policy,
            named_groups: &self.today.named_groups,
            now: self.today.now,
            watched: Watched::default(),
            span: TimeDelta::zero(),
        }
    }

    /// Somebody did this by hand.
    pub(super) fn meddled(&mut self, guest: GuestId, meddling: Meddling) {
        match meddling {
            Meddling::Disabled | Meddling::Deleted => _ = self.by_hand.insert(guest),
            Meddling::Enabled => _ = self.by_hand.remove(&guest),
            Meddling::SignedIn
            | Meddling::SignedInQuietly
            | Meddling::GaveRole
            | Meddling::TookRole
            | Meddling::Spared
            | Meddling::SparedNoMore
            | Meddling::SponsorLeft
            | Meddling::LeftWithoutSponsors
            | Meddling::GaveAppRole
            | Meddling::JoinedProject => {}
        }
    }

    /// A person had something undone: these begin anew, and nobody loses anything.
    pub(super) fn undone(&mut self, writes: &[Write], revived: &BTreeSet<GuestId>) {
        for write in writes {
            let Some(guest) = write.target else {
                continue;
            };
            let gives = matches!(
                write.kind.as_str(),
                "enable"
                    | "restore"
                    | "add-member"
                    | "add-sponsor"
                    | "add-app-role"
                    | "set-manager"
                    | "remove-sponsor"
                    | "update"
            );
            if !gives {
                self.findings.wrong += 1;
                self.tell("wrong", write, guest, "an undo took something away");
            }
            self.examine_return(write, guest);
            self.remember(write, guest);
        }
        for guest in revived {
            if let Some(record) = self.eyes.records.get_mut(guest) {
                record.revived = Some(self.today.now);
            }
        }
    }

    /// What comes back was Innkeeper's to give back, and had been taken.
    fn examine_return(&mut self, write: &Write, guest: GuestId) {
        if !matches!(write.kind.as_str(), "enable" | "restore") {
            return;
        }
        if !write.changed {
            self.findings.double += 1;
            self.tell("double", write, guest, "nothing was left to do");
        } else if self.by_hand.contains(&guest) {
            self.findings.wrong += 1;
            self.tell("wrong", write, guest, "somebody else had taken the account");
        }
    }

    /// Holds what a cycle did against the world as it was before it.
    pub(super) fn evening(
        &mut self,
        policy: &Policy,
        intents: &[Intent],
        writes: &[Write],
        mails: &[Mail],
    ) {
        for write in writes {
            let Some((guest, action)) = deed(write) else {
                continue;
            };
            // Who is invited again was there before, so that changes nothing.
            let is_double = match action {
                Some(Action::ResendInvitation) => !self.invited.insert((guest, self.today.now)),
                Some(_) => !write.changed,
                None => false,
            };
            if is_double {
                self.findings.double += 1;
                self.tell("double", write, guest, "nothing was left to do");
            }
            match action {
                Some(action) => self.examine(policy, intents, write, guest, action),
                None => {
                    self.examine_return(write, guest);
                    self.examine_enabling(policy, write, guest);
                }
            }
            self.remember(write, guest);
        }
        // After the writes: a mail of the same cycle warns nobody of what the cycle does.
        for mail in mails {
            for (address, rule) in named_in(&mail.body) {
                if let Some(guest) = self.today.addresses.get(address) {
                    let key = (*guest, rule.to_owned());
                    self.notices.entry(key).or_default().push(self.today.now);
                }
            }
        }
    }

    fn remember(&mut self, write: &Write, guest: GuestId) {
        let now = self.today.now;
        let Some(record) = self.eyes.records.get_mut(&guest) else {
            return;
        };
        match write.kind.as_str() {
            "disable" => {
                record.disabled_by_us = Some(now);
                self.disabled.entry(guest).or_insert(now);
            }
            "enable" => {
                record.disabled_by_us = None;
                self.disabled.remove(&guest);
            }
            "delete" => {
                record.deleted_by_us = Some(now);
                record.gone = Some(now);
            }
            "restore" => {
                record.deleted_by_us = None;
                record.gone = None;
                record.revived = Some(now);
            }
            _ => {}
        }
    }

    /// Something was taken away from a guest: was that right, and was it announced?
    fn examine(
        &mut self,
        policy: &Policy,
        intents: &[Intent],
        write: &Write,
        guest: GuestId,
        action: Action,
    ) {
        let rules: BTreeSet<&str> = intents
            .iter()
            .filter(|intent| intent.guest == guest && is_call(&intent.call, action, write.group))
            .map(|intent| intent.rule.as_str())
            .collect();
        let right: Vec<&Rule> = policy
            .rules
            .iter()
            .filter(|rule| rules.contains(rule.name.as_str()))
            .filter(|rule| self.holds.contains_key(&(guest, rule.name.to_string())))
            .collect();
        let is_protected = self.today.views.get(&guest).is_none_or(|view| {
            let verdict = self.judge(policy).judge(view).verdict;
            matches!(verdict.conclusion, Conclusion::Protected(_))
        });
        let is_over = |group: GroupId| {
            let mut projects = policy.projects.iter();
            projects.any(|project| {
                let is_past =
                    matches!(project.ends, Ends::On(day) if day < self.today.now.date_naive());
                project.group == group.to_string() && is_past
            })
        };
        if right.is_empty() || is_protected || !write.group.is_none_or(is_over) {
            self.findings.wrong += 1;
            let why = format!("rules {rules:?}, protected: {is_protected}");
            self.tell("wrong", write, guest, &why);
            return;
        }
        let faults: Vec<Shortcoming> = right
            .iter()
            .filter_map(|rule| self.shortcoming(rule, guest, action))
            .collect();
        // It was right if it was right under one of the rules.
        if faults.len() < right.len() {
            return;
        }
        match faults.first() {
            Some(Shortcoming::Unwarned) => {
                self.findings.unwarned += 1;
                self.tell("unwarned", write, guest, "no mail named the guest");
            }
            Some(Shortcoming::Skipped(why)) => {
                self.findings.skipped += 1;
                self.tell("skipped", write, guest, why);
            }
            None => {}
        }
    }

    fn examine_enabling(&mut self, policy: &Policy, write: &Write, guest: GuestId) {
        let takes = |rule: &&Rule| {
            let mut stages = rule.stages.iter();
            stages.any(|stage| stage.action == Action::Disable)
                && self.holds.contains_key(&(guest, rule.name.to_string()))
        };
        if policy.rules.iter().any(|rule| takes(&rule)) {
            self.findings.lenient += 1;
            self.tell("lenient", write, guest, "a rule that disables holds");
        }
    }

    /// Whether a stage before this one is missing, or was not long enough ago.
    fn shortcoming(&self, rule: &Rule, guest: GuestId, action: Action) -> Option<Shortcoming> {
        let key = (guest, rule.name.to_string());
        let since = *self.holds.get(&key)?;
        let index = rule
            .stages
            .iter()
            .position(|stage| stage.action == action)?;
        for (earlier, stage) in rule.stages.iter().enumerate().take(index) {
            let waits = rule.stages[earlier + 1..=index].iter();
            let wait = waits.fold(TimeDelta::zero(), |sum, stage| sum + stage.wait);
            let latest = self.today.now - wait;
            match stage.action {
                Action::Notify => {
                    let notices = self.notices.get(&key).into_iter().flatten();
                    let mut notices = notices.filter(|at| **at >= since).peekable();
                    if notices.peek().is_none() {
                        return Some(Shortcoming::Unwarned);
                    }
                    if !notices.any(|at| *at <= latest) {
                        return Some(Shortcoming::Skipped("the notice is too recent"));
                    }
                }
                Action::Disable => match self.disabled.get(&guest) {
                    Some(at) if *at <= latest => {}
                    Some(_) => {
                        return Some(Shortcoming::Skipped("it was disabled too recently"));
                    }
                    None => return Some(Shortcoming::Skipped("it was not disabled")),
                },
                // Neither comes before another stage in the policy of these runs.
                Action::Flag
                | Action::AddSponsor
                | Action::Mark
                | Action::ResendInvitation
                | Action::RemoveAppRoles
                | Action::RemoveFromGroup
                | Action::Delete => {}
            }
        }
        None
    }

    fn tell(&mut self, what: &str, write: &Write, guest: GuestId, why: &str) {
        let at = self.today.now;
        self.findings.told.push(
            json!({ "what": what, "at": at, "guest_id": guest, "action": write.kind, "why": why }),
        );
    }
}

/// What is amiss with the stages before one.
enum Shortcoming {
    Unwarned,
    Skipped(&'static str),
}

/// Whom a write befalls, and what it takes away, if it takes away anything.
fn deed(write: &Write) -> Option<(GuestId, Option<Action>)> {
    let action = match write.kind.as_str() {
        "disable" => Some(Action::Disable),
        "delete" => Some(Action::Delete),
        "remove-app-role" => Some(Action::RemoveAppRoles),
        "remove-member" => Some(Action::RemoveFromGroup),
        "add-sponsor" => Some(Action::AddSponsor),
        "invite" => Some(Action::ResendInvitation),
        "enable" => None,
        _ => return None,
    };
    write.target.map(|guest| (guest, action))
}

fn is_call(call: &Call, action: Action, of: Option<GroupId>) -> bool {
    match call {
        Call::Disable => action == Action::Disable,
        Call::Delete => action == Action::Delete,
        Call::RemoveAppRole { .. } => action == Action::RemoveAppRoles,
        Call::RemoveFromGroup { group } => {
            action == Action::RemoveFromGroup && of.is_none_or(|of| of == *group)
        }
        Call::ResendInvitation { .. } => action == Action::ResendInvitation,
        Call::AddSponsor { .. } => action == Action::AddSponsor,
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::AddAppRole { .. }
        | Call::Enable
        | Call::Restore
        | Call::AddToGroup { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => false,
    }
}

/// Each guest of a notice, by its address, and the rule that it is named under.
fn named_in(body: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines: Vec<&str> = body.lines().collect();
    let pairs: Vec<_> = lines
        .windows(2)
        .filter_map(|pair| {
            let (_, address) = pair[0].trim_end().strip_suffix('>')?.rsplit_once('<')?;
            let (rule, _) = pair[1]
                .trim_start()
                .strip_prefix("Why:")?
                .split_once(" (")?;
            Some((address, rule.trim()))
        })
        .collect();
    pairs.into_iter()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use innkeeper_domain::ids::{CaseId, IntentId, PlanId};
    use innkeeper_domain::policy::RuleName;
    use innkeeper_engine::PolicyInForce;

    use super::*;

    const POLICY: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "disable", wait = "14d" },
  { action = "delete", wait = "30d" },
]
"#;

    fn guest() -> GuestId {
        GuestId::derived(&[b"ann"])
    }

    fn on(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * 86_400, 0).expect("a day of our time")
    }

    struct Story {
        policy: Policy,
        witness: Witness,
    }

    impl Story {
        fn begin() -> Self {
            let policy = Policy::parse("policy.toml", POLICY).expect("a policy");
            let in_force = Arc::new(PolicyInForce {
                policy: policy.clone(),
                text: POLICY.to_owned(),
            });
            let tenant = TenantId(uuid::Uuid::nil());
            let witness = Witness::new(tenant, Observer::new(tenant, in_force, &[]));
            Self { policy, witness }
        }

        /// A day on which the guest has last signed in on `last`, and this is done.
        fn day(&mut self, day: i64, last: i64, roles: &[&str], deeds: &[&str]) {
            let is_disabled = self.witness.disabled.contains_key(&guest());
            let truth = json!([{
                "id": guest(), "upn": "ann", "mail": "ann@partner.example", "user_type": "Guest",
                "created": on(1), "external_state": "Accepted", "external_state_changed": on(1),
                "enabled": !is_disabled, "deleted": null, "purged": false,
                "last_success": on(last), "last_interactive": null, "last_non_interactive": null,
                "synced": null, "roles": roles, "privileged": false, "restricted": false, "sponsors": [], "groups": [],
                "eligible_roles": [], "access_packages": [],
            }]);
            let truth: Vec<TrueGuest> = serde_json::from_value(truth).expect("the truth");
            let Self { policy, witness } = self;
            witness.morning(policy, &truth, on(day)).expect("a morning");
            let mut mails = Vec::new();
            let mut writes = Vec::new();
            let mut intents = Vec::new();
            for deed in deeds {
                let call = match *deed {
                    "disable" | "disable again" => Call::Disable,
                    "delete" => Call::Delete,
                    _ => {
                        let body =
                            "These:\n\n  Ann <ann@partner.example>\n    Why:  inactive (because)\n";
                        mails.push(Mail {
                            body: body.to_owned(),
                        });
                        continue;
                    }
                };
                writes.push(Write {
                    at: on(day),
                    kind: call.as_str().to_owned(),
                    target: Some(guest()),
                    group: None,
                    changed: *deed != "disable again",
                });
                intents.push(Intent {
                    id: IntentId::derived(&[deed.as_bytes()]),
                    plan: PlanId::derived(&[]),
                    case: CaseId::derived(&[]),
                    guest: guest(),
                    rule: RuleName::from("inactive"),
                    stage: 0,
                    call,
                    created: on(day),
                });
            }
            witness.evening(policy, &intents, &writes, &mails);
        }

        /// Wrong, double, skipped, unwarned.
        fn found(&self) -> [u64; 4] {
            let Findings {
                wrong,
                double,
                skipped,
                unwarned,
                lenient: _,
                told: _,
            } = self.witness.findings;
            [wrong, double, skipped, unwarned]
        }
    }

    #[test]
    fn what_is_done_in_order_and_in_time_is_right() {
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(114, 5, &[], &["disable"]);
        story.day(144, 5, &[], &["delete"]);
        assert_eq!(story.found(), [0, 0, 0, 0]);
    }

    #[test]
    fn who_was_there_yesterday_or_holds_a_role_is_wronged() {
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(114, 113, &[], &["disable"]);
        assert_eq!(story.found(), [1, 0, 0, 0]);
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(114, 5, &["Global Reader"], &["disable"]);
        assert_eq!(story.found(), [1, 0, 0, 0]);
    }

    #[test]
    fn a_stage_too_early_or_left_out_is_skipped() {
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(113, 5, &[], &["disable"]);
        assert_eq!(story.found(), [0, 0, 1, 0], "a day too early");
        story.day(144, 5, &[], &["delete"]);
        assert_eq!(story.found(), [0, 0, 1, 0], "in time again");
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(144, 5, &[], &["delete"]);
        assert_eq!(story.found(), [0, 0, 1, 0], "never disabled");
    }

    #[test]
    fn a_mail_before_the_guest_came_back_or_none_at_all_is_no_warning() {
        let mut story = Story::begin();
        story.day(100, 5, &[], &["disable"]);
        assert_eq!(story.found(), [0, 0, 0, 1]);
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(110, 109, &[], &[]);
        story.day(200, 109, &[], &["disable"]);
        assert_eq!(story.found(), [0, 0, 0, 1]);
    }

    #[test]
    fn the_same_thing_done_again_is_double() {
        let mut story = Story::begin();
        story.day(100, 5, &[], &["notify"]);
        story.day(114, 5, &[], &["disable"]);
        story.day(115, 5, &[], &["disable again"]);
        assert_eq!(story.found(), [0, 1, 0, 0]);
    }
}
