//! What a verdict went by: the facts that stand behind it, for the record.

use super::Judge;
use crate::facts::{FactName, FactTold, Facts};
use crate::guest::GuestView;
use crate::policy::{Condition, RuleName};
use crate::verdict::{Conclusion, Protector, Verdict};

impl Judge<'_> {
    /// The facts that the rules or the protection behind a verdict asked about, each once. `before` is what decided the
    /// verdict before: where no rule holds any more, it is that one's facts that tell why.
    #[must_use]
    pub fn grounds(
        &self,
        guest: &GuestView,
        verdict: &Verdict,
        before: Option<&RuleName>,
    ) -> Vec<FactTold> {
        let facts = self.facts(guest);
        match &verdict.conclusion {
            Conclusion::Keep => self.asked(before, &facts),
            Conclusion::Wait(_) | Conclusion::Unknown(_) => self.asked(verdict.rule(), &facts),
            Conclusion::Act(steps) => {
                let mut told: Vec<FactTold> = Vec::new();
                for fact in steps
                    .iter()
                    .flat_map(|step| self.asked(Some(&step.rule), &facts))
                {
                    if !told.contains(&fact) {
                        told.push(fact);
                    }
                }
                told
            }
            Conclusion::Protected(protector) => match protector {
                Protector::Policy(name) => self.asked(Some(name), &facts),
                Protector::DirectoryRole(_) => vec![FactTold::of(FactName::Roles, &facts)],
                Protector::EligibleRole(_) => vec![FactTold::of(FactName::EligibleRoles, &facts)],
                Protector::Synced => vec![FactTold::of(FactName::Synced, &facts)],
                Protector::Governed(_) => vec![FactTold::of(FactName::AccessPackages, &facts)],
                // No fact that a policy can ask: the reason says it all.
                Protector::Restricted
                | Protector::UnderReview(_)
                | Protector::SoleOwner(_)
                | Protector::ExemptGroup(_)
                | Protector::Exempt { .. }
                | Protector::Hold { .. } => Vec::new(),
            },
        }
    }

    /// What the rule or protection of a name asks about.
    fn asked(&self, name: Option<&RuleName>, facts: &Facts<'_>) -> Vec<FactTold> {
        let condition = name.and_then(|name| self.condition(name));
        condition.map_or_else(Vec::new, |condition| condition.told(facts))
    }

    fn condition(&self, name: &RuleName) -> Option<&Condition> {
        let protections = self.policy.protections.iter();
        let protection = protections.filter(|of| of.name == *name).map(|of| &of.when);
        let rule = self.policy.rule(name).map(|rule| &rule.when);
        rule.into_iter().chain(protection).next()
    }
}
