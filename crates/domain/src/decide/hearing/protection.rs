//! What protects a guest, and what becomes of the cases of one who is protected.

use super::Hearing;
use super::closing::Closable;
use crate::case::Closing;
use crate::decision::Decision;
use crate::facts::{Fact, FactName};
use crate::policy::{RuleName, Truth};
use crate::verdict::{Cause, Conclusion, Protector, Step, Uncertain};

impl Hearing<'_> {
    /// What protects the guest, or the first protection that cannot be judged while no other holds.
    pub(super) fn protection(&self) -> Result<Option<Protector>, (RuleName, FactName)> {
        if let Some(Decision { by, reason, .. }) = self.guest.hold() {
            return Ok(Some(Protector::Hold {
                by: by.clone(),
                reason: reason.clone(),
            }));
        }
        if let Some(role) = self.facts.roles.first() {
            return Ok(Some(Protector::DirectoryRole(role.clone())));
        }
        if let Some(role) = self.eligible_role() {
            return Ok(Some(Protector::EligibleRole(role.clone())));
        }
        if self.facts.synced == Fact::Known(true) {
            return Ok(Some(Protector::Synced));
        }
        if self.guest.record.guest.management_restricted == Some(true) {
            return Ok(Some(Protector::Restricted));
        }
        if let Some(governs) = self.guest.access.governed_by() {
            return Ok(Some(Protector::Governed(governs.package.clone())));
        }
        if let Some((until, Decision { by, reason, .. })) = self.guest.exemption(self.judge.now) {
            return Ok(Some(Protector::Exempt {
                until,
                by: by.clone(),
                reason: reason.clone(),
            }));
        }
        if let Some(group) = self.exempting_group() {
            return Ok(Some(Protector::ExemptGroup(group.to_owned())));
        }
        let mut uncertain = None;
        for protection in &self.judge.policy.protections {
            match protection.when.judge(&self.facts) {
                Truth::True => return Ok(Some(Protector::Policy(protection.name.clone()))),
                Truth::False => {}
                Truth::Unknown(fact) => {
                    uncertain = uncertain.or_else(|| Some((protection.name.clone(), fact)));
                }
            }
        }
        uncertain.map_or(Ok(None), Err)
    }

    /// A group that exempts it.
    fn exempting_group(&self) -> Option<&str> {
        let named = self.judge.named_groups;
        let mut groups = self.judge.policy.exempt_groups.iter();
        groups.find_map(|key| {
            let group = named.get(key)?.group()?;
            let is_in = self.guest.access.exempt_by.contains(&group.id)
                || self.guest.groups.iter().any(|of| of.id == group.id);
            is_in.then_some(group.name.as_str())
        })
    }

    /// A directory role that it may activate; one that was read once counts even where no newer list can be read.
    fn eligible_role(&self) -> Option<&String> {
        let given = match self.facts.eligible_roles {
            Fact::Known(roles) => roles,
            Fact::Nothing | Fact::Unknown => &[],
        };
        let mut roles = self.guest.access.eligible_roles.iter().chain(given);
        roles.next()
    }

    pub(super) fn protected(&mut self, protector: Protector) -> Conclusion {
        let by = protector.to_string();
        let closable = |case| Closable {
            case,
            closing: Closing::Protected { by: by.clone() },
            because: by.clone(),
        };
        let closable: Vec<Closable<'_>> = self.guest.cases.iter().map(closable).collect();
        match &protector {
            Protector::Policy(_) | Protector::ExemptGroup(_) | Protector::Exempt { .. } => {
                let mut undo: Vec<Step> = self.close(&closable, &[]).into_iter().collect();
                let closing = Closing::Protected { by: by.clone() };
                undo.extend(self.unmark(&closable, &[], Some((&closing, &by))));
                if undo.is_empty() {
                    Conclusion::Protected(protector)
                } else {
                    Conclusion::Act(undo)
                }
            }
            // Not even what is ours is undone where the account's authority is elsewhere.
            Protector::DirectoryRole(_)
            | Protector::EligibleRole(_)
            | Protector::Synced
            | Protector::Restricted
            | Protector::Governed(_) => {
                self.changes.extend(closable.iter().map(Closable::change));
                Conclusion::Protected(protector)
            }
            // The cases stay, so that what is ours can still be undone when the hold is lifted; until then time stands
            // still. (The others only bar what is due, and come of the rules.)
            Protector::Hold { .. } | Protector::UnderReview(_) | Protector::SoleOwner(_) => {
                for case in &self.guest.cases {
                    self.blind(case);
                }
                Conclusion::Protected(protector)
            }
        }
    }

    /// As long as a protection cannot be judged, the guest counts as protected and time stands still.
    pub(super) fn perhaps_protected(&mut self, rule: RuleName, fact: FactName) -> Conclusion {
        for case in &self.guest.cases {
            self.blind(case);
        }
        Conclusion::Unknown(Uncertain {
            rule,
            protection: true,
            cause: Cause::Fact(fact),
            stage: None,
        })
    }
}
