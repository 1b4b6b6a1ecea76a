//! What somebody with a good link is asked, and shown.

use chrono::{DateTime, Utc};
use innkeeper_domain::attestation::{Answer, Attestation};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::verdict::{Conclusion, Verdict};
use innkeeper_engine::{Answerer, what_follows};

/// The question about one guest.
#[derive(Debug)]
pub(super) struct Question {
    /// What the tenant is called.
    pub(super) tenant: String,
    pub(super) name: String,
    pub(super) domain: Option<String>,
    pub(super) last_sign_in: Option<DateTime<Utc>>,
    pub(super) prospect: Prospect,
    /// Who is asked.
    pub(super) answerer: Answerer,
    /// What they said last.
    pub(super) said: Option<Attestation>,
}

/// What the policy has in store, in a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    /// The account stays.
    Stays,
    /// This follows.
    Follows(String),
    /// It would follow if the tenant's mode let it.
    WouldFollow(String),
}

impl Question {
    pub(super) fn of(
        tenant: &str,
        mode: Mode,
        judge: &Judge<'_>,
        view: &GuestView,
        answerer: Answerer,
    ) -> Self {
        let guest = &view.record.guest;
        let name = guest.display_name.as_ref().or(guest.mail.as_ref());
        let by = answerer.address.to_lowercase();
        let said = view.attestations.iter().find(|said| said.person() == by);
        Self {
            tenant: tenant.to_owned(),
            name: name.unwrap_or(&guest.upn).clone(),
            domain: guest.domain(),
            last_sign_in: guest.sign_ins.last().max(view.record.logged_in),
            prospect: prospect(&judge.judge(view).verdict, judge, mode),
            said: said.cloned(),
            answerer,
        }
    }

    /// The answer in force of who is asked.
    pub(super) fn answered(&self) -> Option<Answer> {
        self.said.as_ref().map(|said| said.answer)
    }
}

fn prospect(verdict: &Verdict, judge: &Judge<'_>, mode: Mode) -> Prospect {
    let is_under_way = match &verdict.conclusion {
        Conclusion::Wait(_) | Conclusion::Act(_) => true,
        Conclusion::Keep | Conclusion::Protected(_) | Conclusion::Unknown(_) => false,
    };
    let rule = verdict.rule().and_then(|rule| judge.policy.rule(rule));
    let stages = rule
        .zip(verdict.stage())
        .and_then(|(rule, stage)| rule.stages.get(stage..));
    let (Some([first, ..]), true) = (stages, is_under_way) else {
        return Prospect::Stays;
    };
    if verdict.action() == Some("enable") {
        return Prospect::Stays;
    }
    let due = verdict.due().unwrap_or(judge.now).max(judge.now);
    let follows = what_follows(stages.unwrap_or_default(), due - first.wait);
    if follows == what_follows(&[], due) {
        return Prospect::Stays;
    }
    match mode {
        Mode::Enforce => Prospect::Follows(follows),
        Mode::Observe | Mode::Warn => Prospect::WouldFollow(follows),
    }
}
