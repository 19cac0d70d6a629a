//! Sets of registers.

use std::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of registers, 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct RegSet(pub [u64; 4]);

impl RegSet {
    /// No registers.
    pub const EMPTY: RegSet = RegSet([0; 4]);

    /// One register.
    pub fn one(reg: usize) -> Self {
        let mut set = Self::EMPTY;
        set.insert(reg);
        set
    }

    /// Registers `from..to`.
    pub fn range(from: usize, to: usize) -> Self {
        match to.saturating_sub(from) {
            0 => Self::EMPTY,
            1 => Self::one(from),
            _ => Self::below(to).minus(Self::below(from)),
        }
    }

    /// Registers under `to`.
    pub fn below(to: usize) -> Self {
        let mut set = Self::EMPTY;
        for (i, word) in set.0.iter_mut().enumerate() {
            *word = match to.saturating_sub(i * 64) {
                n @ 0..64 => (1 << n) - 1,
                _ => u64::MAX,
            };
        }
        set
    }

    /// Adds a register.
    #[inline]
    pub fn insert(&mut self, reg: usize) {
        self.0[reg >> 6 & 3] |= 1 << (reg & 63);
    }

    /// True when `reg` is in the set.
    #[inline]
    pub fn contains(&self, reg: usize) -> bool {
        self.0[reg >> 6 & 3] >> (reg & 63) & 1 != 0
    }

    /// True when nothing is in the set.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// Number of registers.
    pub fn len(&self) -> usize {
        self.0.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// What is in this set and not in `other`.
    #[inline]
    #[must_use]
    pub fn minus(self, other: RegSet) -> RegSet {
        RegSet(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }

    /// Registers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &word)| {
            std::iter::successors((word != 0).then_some(word), |w| {
                let rest = w & (w - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |w| i * 64 + w.trailing_zeros() as usize)
        })
    }

    /// One past the highest register; 0 for the empty set.
    pub fn top(&self) -> usize {
        (0..4)
            .rev()
            .find(|&i| self.0[i] != 0)
            .map_or(0, |i| i * 64 + 64 - self.0[i].leading_zeros() as usize)
    }
}

impl BitOr for RegSet {
    type Output = RegSet;
    #[inline]
    fn bitor(self, other: RegSet) -> RegSet {
        RegSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

impl BitAnd for RegSet {
    type Output = RegSet;
    #[inline]
    fn bitand(self, other: RegSet) -> RegSet {
        RegSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }
}

impl BitOrAssign for RegSet {
    #[inline]
    fn bitor_assign(&mut self, other: RegSet) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_members() {
        let set = RegSet::range(60, 70) | RegSet::one(255);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            (60..70).chain([255]).collect::<Vec<_>>()
        );
        assert_eq!((set.len(), set.top()), (11, 256));
        assert_eq!(set.minus(RegSet::below(65)).iter().next(), Some(65));
        assert!(RegSet::range(5, 5).is_empty());
        assert_eq!(RegSet::below(256).len(), 256);
        assert_eq!(RegSet::EMPTY.top(), 0);
    }
}
