//! A small tenant, built by hand, that carries out its own plans.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::Access;
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::approve::Ledger;
use innkeeper_domain::case::{Case, CaseChange};
use innkeeper_domain::decide::{Judge, decide};
use innkeeper_domain::decision::{Decision, Order};
use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::guest::{Guest, GuestRecord, GuestView, Invitation, UserType};
use innkeeper_domain::ids::{GroupId, GuestId, ObservationId, SponsorId, TenantId};
use innkeeper_domain::mark::Written;
use innkeeper_domain::observation::{Counts, Health, Observation};
use innkeeper_domain::plan::{Mode, Plan};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_domain::verdict::{Effect, Step, Verdict};
use innkeeper_domain::watch::Watched;

pub const POLICY: &str = r#"
[[rule]]
name = "project ended"
when = 'size(guest.projects) > 0 && guest.projects.all(p, p.ended)'
stages = [
  { action = "notify" },
  { action = "remove-from-group", wait = "7d" },
  { action = "disable", wait = "7d" },
  { action = "delete", wait = "30d" },
]

[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "disable", wait = "14d" },
  { action = "delete", wait = "30d" },
]

[[rule]]
name = "no sponsor"
when = 'size(guest.sponsors) == 0'
stages = [{ action = "flag" }, { action = "notify", to = ["operators"] }]

[[protect]]
name = "partners"
when = 'guest.domain == "partner.example"'

[[protect]]
name = "exempt"
when = '"exempt" in guest.groups'

[[project]]
group = "bridge"
ends = 2027-01-31

[limits]
notify = { guests = 100, percent = 100 }
disable = { guests = 100, percent = 100 }
delete = { guests = 100, percent = 100 }
remove-from-group = { guests = 100, percent = 100 }
ceiling = { guests = 100, percent = 100 }
"#;

pub fn start() -> DateTime<Utc> {
    "2027-01-01T00:00:00Z".parse().expect("a time")
}

pub fn guest(number: u32) -> GuestView {
    let id = GuestId::derived(&[&number.to_be_bytes()]);
    GuestView {
        record: GuestRecord {
            guest: Guest {
                id,
                upn: format!("guest{number}_elsewhere.example#EXT#@contoso.example"),
                mail: Some(format!("guest{number}@elsewhere.example")),
                display_name: None,
                user_type: UserType::Guest,
                enabled: Some(true),
                created: Some(start() - TimeDelta::days(500)),
                invitation: Invitation::Accepted {
                    at: Some(start() - TimeDelta::days(499)),
                },
                on_premises_sync: None,
                management_restricted: None,
                company: None,
                creation_type: None,
                external: None,
                attribute: None,
                sign_ins: SignIns {
                    successful: Some(start() - TimeDelta::days(1)),
                    ..SignIns::default()
                },
            },
            reading: Reading::Fresh,
            first_seen: start(),
            gone: None,
            logged_in: None,
            revived: None,
            disabled_by_us: None,
            deleted_by_us: None,
        },
        sponsors: vec![Sponsor {
            id: SponsorId::derived(&[b"sara"]),
            kind: SponsorKind::User,
            display_name: None,
            mail: Some("sara@contoso.example".into()),
            enabled: Some(true),
            is_guest: false,
            membership: innkeeper_domain::sponsor::Membership::NotAsked,
        }],
        deleted_sponsors: Some(0),
        groups: Vec::new(),
        roles: Vec::new(),
        access: Access::default(),
        cases: Vec::new(),
        previous_cases: 0,
        decisions: Vec::new(),
        attestations: Vec::new(),
        invited_by: None,
        marks: Vec::new(),
        brought_back: 0,
    }
}

pub fn inactive(number: u32) -> GuestView {
    let mut view = guest(number);
    view.record.guest.sign_ins.successful = Some(start() - TimeDelta::days(100));
    view
}

pub fn decision(order: Order) -> Decision {
    Decision {
        order,
        reason: "an audit".into(),
        by: "olga".into(),
        at: start(),
    }
}

/// An exemption until so many days after the start.
pub fn exempt(days: i64) -> Decision {
    let until = (start() + TimeDelta::days(days)).date_naive();
    decision(Order::Exempt { until })
}

pub fn group(name: &str) -> Group {
    Group {
        id: GroupId::derived(&[name.as_bytes()]),
        name: name.to_owned(),
        membership: Membership::Assigned,
        expires: None,
    }
}

/// A tenant that lives: cycles see it, and their approved steps change it.
#[derive(Debug)]
pub struct Tenant {
    pub policy: Policy,
    pub named_groups: NamedGroups,
    pub guests: Vec<GuestView>,
    pub now: DateTime<Utc>,
    pub watched: Watched,
    pub span: TimeDelta,
    pub healthy: bool,
}

impl Tenant {
    pub fn of(guests: impl IntoIterator<Item = GuestView>) -> Self {
        let named = ["bridge", "exempt"].map(|name| (name.to_owned(), Found::One(group(name))));
        Self {
            policy: Policy::parse("policy.toml", POLICY).expect("a good policy"),
            named_groups: NamedGroups::from(named),
            guests: guests.into_iter().collect(),
            now: start(),
            watched: Watched::default(),
            span: TimeDelta::zero(),
            healthy: true,
        }
    }

    pub fn pass(&mut self, span: TimeDelta) -> &mut Self {
        let before = self.watched;
        if self.healthy {
            self.watched =
                before.advanced(self.now, self.now + span, self.policy.limits.longest_gap);
        }
        self.span = self.watched - before;
        self.now += span;
        self
    }

    pub fn observation(&self) -> Observation {
        let guests = self.guests.len() as u64;
        let with_sign_ins = if self.healthy { guests } else { 0 };
        let counts = Counts {
            guests,
            with_sign_ins,
            ..Counts::default()
        };
        Observation {
            id: ObservationId::derived(&[]),
            started: self.now,
            finished: self.now,
            health: Health::of(&counts, &self.policy.limits.eyes, self.now),
            counts,
            watched: self.watched,
        }
    }

    pub fn judge(&self) -> Judge<'_> {
        Judge {
            tenant: TenantId::derived(&[]),
            policy: &self.policy,
            named_groups: &self.named_groups,
            now: self.now,
            watched: self.watched,
            span: self.span,
        }
    }

    pub fn plan(&self) -> Plan {
        self.decided().0
    }

    /// The verdict for every guest, ordered by guest.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let judge = self.judge();
        let judged = self.guests.iter().map(|guest| judge.judge(guest).verdict);
        let mut verdicts: Vec<Verdict> = judged.collect();
        verdicts.sort_unstable_by_key(|verdict| verdict.guest);
        verdicts
    }

    pub fn decided(&self) -> (Plan, Vec<CaseChange>) {
        decide(&self.judge(), self.observation(), &self.guests)
    }

    /// A whole cycle; returns what was done, as "guest: effect (rule)".
    pub fn cycle(&mut self) -> Vec<String> {
        let (plan, changes) = self.decided();
        for change in &changes {
            self.change(change);
        }
        let approval = plan.approve(Mode::Enforce, &self.policy.limits, &Ledger::default());
        for step in approval.plan.steps() {
            self.execute(step);
        }
        approval
            .plan
            .steps()
            .iter()
            .map(|step| format!("{} ({})", step.effect.as_str(), step.rule))
            .collect()
    }

    /// Cycles, one a day, until something is done; returns it with the number of days that passed.
    pub fn until_something_is_done(&mut self) -> (i64, Vec<String>) {
        for days in 1..1_000 {
            let done = self.pass(TimeDelta::days(1)).cycle();
            if !done.is_empty() {
                return (days, done);
            }
        }
        panic!("nothing is ever done");
    }

    fn change(&mut self, change: &CaseChange) {
        let all = self.guests.iter_mut();
        match change {
            CaseChange::Open { case, .. } => {
                for view in all.filter(|view| view.record.guest.id == case.guest) {
                    view.cases.push(case.clone());
                }
            }
            CaseChange::Blind { case, span } => {
                for case in all
                    .flat_map(|view| &mut view.cases)
                    .filter(|of| of.id == *case)
                {
                    case.blind += *span;
                }
            }
            CaseChange::Close { case, .. } => {
                all.for_each(|view| view.cases.retain(|of| of.id != *case));
            }
        }
    }

    fn execute(&mut self, step: &Step) {
        let (now, watched) = (self.now, self.watched);
        let view = self
            .guests
            .iter_mut()
            .find(|view| view.record.guest.id == step.guest)
            .expect("a known guest");
        let after =
            |case: &Case| Case::after(case.clone(), &step.effect, step.stage, now, now, watched);
        view.cases
            .iter_mut()
            .filter(|case| case.id == step.case)
            .for_each(|case| *case = after(case));
        match &step.effect {
            Effect::Mark { mark, flagged: _ } => view.marks.push(Written {
                case: step.case,
                rule: step.rule.clone(),
                stage: step.stage,
                mark: mark.clone(),
            }),
            Effect::Unmark { mark, closing: _ } => {
                view.marks.retain(|written| written.mark != *mark);
            }
            Effect::Flag
            | Effect::Notify { .. }
            | Effect::ResendInvitation
            | Effect::AddSponsor
            | Effect::RemoveAppRoles { .. } => {}
            Effect::RemoveFromGroups { groups } => {
                view.groups.retain(|group| !groups.contains(&group.id));
            }
            Effect::Disable => {
                if view.record.guest.enabled == Some(true) {
                    view.record.disabled_by_us = Some(now);
                }
                view.record.guest.enabled = Some(false);
            }
            Effect::Enable { .. } => {
                view.record.disabled_by_us = None;
                view.record.guest.enabled = Some(true);
            }
            Effect::Delete => self
                .guests
                .retain(|view| view.record.guest.id != step.guest),
        }
    }
}
