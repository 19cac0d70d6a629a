//! Hash tables keyed by a few words or short texts.
//!
//! The standard hasher resists keys made to collide; here the keys come from a program that could loop forever anyway, and the executables that carry this
//! code are spared the hasher and its source of random seeds.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Map under [`WordHasher`].
pub type WordMap<K, V> = HashMap<K, V, BuildHasherDefault<WordHasher>>;
/// Set under [`WordHasher`].
pub type WordSet<K> = HashSet<K, BuildHasherDefault<WordHasher>>;

/// The multiplier of all hashes here: 2^64 over pi, made odd.
const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;

/// A hash and one more word.
#[inline]
fn step(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}

/// Multiplicative hash over 8-byte words, for an [`Index`](crate::index::Index).
pub(crate) fn hash_bytes(s: &[u8]) -> u32 {
    let (words, rest) = s.as_chunks::<8>();
    let all = words
        .iter()
        .fold(s.len() as u64, |h, w| step(h, u64::from_le_bytes(*w)));
    let tail = rest
        .iter()
        .rev()
        .fold(0u64, |acc, &b| acc << 8 | u64::from(b));
    (step(all, tail) >> 32) as u32
}

/// Hash of a word and its kind, for an [`Index`](crate::index::Index).
pub(crate) fn hash_word(kind: u8, n: u64) -> u32 {
    // Doubles differ in their high bits alone, of which a product's high bits know little.
    let n = n ^ n >> 32 ^ u64::from(kind) << 56;
    (n.wrapping_mul(MULTIPLIER) >> 32) as u32
}

/// Multiplicative hash of a few words.
#[derive(Default, Clone, Copy, Debug)]
pub struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for w in words {
            self.write_u64(u64::from_le_bytes(*w));
        }
        for &b in rest {
            self.write_u64(u64::from(b));
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = step(self.0, n);
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_spread() {
        // Long runs of doubles and of integers: no more than a few with one hash's high bits.
        type Nth = fn(u32) -> u64;
        let runs: [(u8, Nth); 3] = [
            (0, |i| u64::from(i)),
            (1, |i| (f64::from(i) / 2.0).to_bits()),
            (1, |i| (-f64::from(i)).to_bits()),
        ];
        for (kind, nth) in runs {
            let mut counts = vec![0u32; 1 << 16];
            for i in 0..1 << 16 {
                counts[(hash_word(kind, nth(i)) >> 16) as usize] += 1;
            }
            let most = counts.iter().max();
            assert!(most <= Some(&12), "{most:?} of kind {kind} at one place");
        }
    }
}
