//! One alternative: what each number, text and flag must be for it to be true.
//!
//! Two expressions that are written alike have the same value for one guest, so an expression is known by how its
//! tree is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::FactName;
use crate::policy::condition::tree::{Bool, Comparison, Int, Text};

#[derive(Clone, Default)]
pub(super) struct World {
    ints: BTreeMap<String, Ints>,
    texts: BTreeMap<String, Texts>,
    flags: BTreeMap<String, bool>,
}

/// What a number can still be.
#[derive(Clone)]
struct Ints {
    least: i64,
    most: i64,
    not: BTreeSet<i64>,
}

/// What a text can still be.
#[derive(Clone)]
enum Texts {
    Among(BTreeSet<String>),
    NotAmong(BTreeSet<String>),
}

impl World {
    /// Claims a flag; tells whether that is possible.
    pub(super) fn flag(&mut self, tree: &Bool, value: bool) -> bool {
        *self.flags.entry(format!("{tree:?}")).or_insert(value) == value
    }

    /// Claims how a number compares; tells whether that is possible.
    pub(super) fn int(&mut self, int: &Int, comparison: Comparison, to: i64) -> bool {
        let ints = self.ints_of(int);
        match comparison {
            Comparison::Equal => {
                ints.least = ints.least.max(to);
                ints.most = ints.most.min(to);
            }
            Comparison::NotEqual => _ = ints.not.insert(to),
            Comparison::Less => match to.checked_sub(1) {
                Some(most) => ints.most = ints.most.min(most),
                None => return false,
            },
            Comparison::AtMost => ints.most = ints.most.min(to),
            Comparison::Greater => match to.checked_add(1) {
                Some(least) => ints.least = ints.least.max(least),
                None => return false,
            },
            Comparison::AtLeast => ints.least = ints.least.max(to),
        }
        ints.is_possible()
    }

    /// Claims that a number is one of these, or that it is none of them; tells whether that is possible.
    pub(super) fn int_among(&mut self, int: &Int, values: &[i64], is_among: bool) -> bool {
        let ints = self.ints_of(int);
        if !is_among {
            ints.not.extend(values);
            return ints.is_possible();
        }
        let fits =
            |value: &&i64| (ints.least..=ints.most).contains(*value) && !ints.not.contains(value);
        let fitting: Vec<i64> = values.iter().filter(fits).copied().collect();
        // Between the smallest and the largest there may be others; those are not told apart.
        if let (Some(least), Some(most)) = (fitting.iter().min(), fitting.iter().max()) {
            (ints.least, ints.most) = (*least, *most);
        }
        !fitting.is_empty()
    }

    /// Claims that a text is one of these, or that it is none of them; tells whether that is possible.
    pub(super) fn text_among(&mut self, text: &Text, values: &[&str], is_among: bool) -> bool {
        if let Some(text) = text.literal() {
            return values.contains(&text) == is_among;
        }
        let values: BTreeSet<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let texts = self
            .texts
            .entry(format!("{text:?}"))
            .or_insert_with(|| Texts::NotAmong(BTreeSet::new()));
        *texts = match (&*texts, is_among) {
            (Texts::Among(can), true) => Texts::Among(can & &values),
            (Texts::Among(can), false) => Texts::Among(can - &values),
            (Texts::NotAmong(not), true) => Texts::Among(&values - not),
            (Texts::NotAmong(not), false) => Texts::NotAmong(not | &values),
        };
        match texts {
            Texts::Among(can) => !can.is_empty(),
            Texts::NotAmong(_) => true,
        }
    }

    fn ints_of(&mut self, int: &Int) -> &mut Ints {
        let (least, most) = range(int);
        self.ints.entry(format!("{int:?}")).or_insert_with(|| Ints {
            least,
            most,
            not: BTreeSet::new(),
        })
    }
}

impl Ints {
    /// Some number is left. Only so many are looked at as are excluded, and one more.
    fn is_possible(&self) -> bool {
        self.least <= self.most
            && (self.least..=self.most)
                .take(self.not.len() + 1)
                .any(|value| !self.not.contains(&value))
    }
}

/// What a number can be at all. Of a number that is not known here, anything.
fn range(int: &Int) -> (i64, i64) {
    match int {
        Int::Literal(value) => (*value, *value),
        Int::Size(_)
        | Int::Length(_)
        | Int::Fact(
            FactName::InactiveDays
            | FactName::PendingDays
            | FactName::AccountAgeDays
            | FactName::AttestedDaysAgo
            | FactName::GroupCount
            | FactName::MailGroupCount
            | FactName::LostAccessPackagesDays
            | FactName::DeletedSponsors,
        ) => (0, i64::MAX),
        Int::Fact(_) | Int::Field(..) | Int::Negative(..) | Int::Arithmetic(..) | Int::If(..) => {
            (i64::MIN, i64::MAX)
        }
    }
}
