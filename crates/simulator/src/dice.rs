//! Seeded chance.
//!
//! The generator is written out here (SplitMix64) instead of taken from a crate, because a seed
//! must name the same tenant for ever: an upgrade of a dependency may not change who signs in when.

use uuid::Uuid;

/// A stream of pseudo-random numbers that depends on nothing but the parts it was made of.
#[derive(Debug, Clone)]
pub struct Dice(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Dice {
    /// Dice for a purpose: equal parts give equal streams.
    #[must_use]
    pub fn of(parts: &[u64]) -> Self {
        Self(
            parts
                .iter()
                .fold(GOLDEN, |state, part| mix(state ^ part).wrapping_add(GOLDEN)),
        )
    }

    /// Dice that belong to one object and one purpose or moment.
    pub(crate) fn for_object(id: Uuid, purpose: u64) -> Self {
        let (high, low) = id.as_u64_pair();
        Self::of(&[high, low, purpose])
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the high half of a product of two u64 fits a u64")
    }

    /// An index into something of this length; 0 when it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a usize")
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(span)).expect("below a difference of two i64")
    }

    /// True in so many cases out of a thousand.
    pub fn per_mille(&mut self, cases: u64) -> bool {
        self.below(1000) < cases
    }

    /// True with this probability.
    pub(crate) fn share(&mut self, probability: f64) -> bool {
        let draw = u32::try_from(self.next() >> 32).expect("32 bits");
        f64::from(draw) / f64::from(u32::MAX) < probability || probability >= 1.0
    }

    /// One of these, which must not be none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let bytes = Uuid::from_u64_pair(self.next(), self.next()).into_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_give_equal_streams_and_other_parts_other_ones() {
        let mut first = Dice::of(&[1, 2]);
        let mut second = Dice::of(&[1, 2]);
        let mut other = Dice::of(&[2, 1]);
        let draws: Vec<u64> = (0..8).map(|_| first.next()).collect();
        assert_eq!(draws, (0..8).map(|_| second.next()).collect::<Vec<_>>());
        assert_ne!(draws, (0..8).map(|_| other.next()).collect::<Vec<_>>());
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut dice = Dice::of(&[7]);
        for _ in 0..1000 {
            assert!(dice.below(3) < 3);
            assert!((-2..=2).contains(&dice.between(-2, 2)));
        }
        assert!(dice.share(1.0));
        assert!(!dice.share(0.0));
        assert_eq!(dice.uuid().get_version_num(), 4);
    }
}
