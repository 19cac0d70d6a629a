//! Lemmas about counts of ones, by induction over halves.
//!
//! A word's count is the sum of its halves' ([`halves_add_up`]). So a lemma holds at a width when it holds at 8 bits
//! ([`CountLemma::instance`] with the real count) and each doubling follows from its instances for the halves
//! ([`CountLemma::step`]). Both are small questions, where the count of 64 bits in one piece is none.
//!
//! Invariant: an instance mentions counts only through its `Count`, so that it says the same of counts and of the
//! variables in their place.

use super::lemmas::implies;
use std::collections::BTreeMap;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId, TermPool, UnOp};

/// Makes the count of ones of a word, as wide as the word.
pub type Count<'a> = &'a mut dyn FnMut(&mut TermPool, TermId) -> TermId;

/// The count itself.
pub fn real(pool: &mut TermPool, t: TermId) -> TermId {
    pool.un(UnOp::Popcnt, &t)
}

/// Variables in the place of counts; a word has one.
#[derive(Default)]
pub struct Counts {
    made: BTreeMap<TermId, TermId>,
}

impl Counts {
    /// The variable for a word's count.
    pub fn of(&mut self, pool: &mut TermPool, t: TermId) -> TermId {
        let width = pool.term_width(t);
        let name = format!("ones_{}", pool.len());
        *self.made.entry(t).or_insert_with(|| pool.var(&name, width))
    }

    /// All words whose counts were made, with them.
    pub fn made(&self) -> Vec<(TermId, TermId)> {
        self.made.iter().map(|(t, v)| (*t, *v)).collect()
    }
}

/// What is known of counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CountLemma {
    /// `count(x)` is at most the width.
    Bound,
    /// `count(x & y) <= count(x)`.
    Rises,
    /// `count(x) = count(x & y) + count(x & ~y)`.
    Split,
    /// A power of two has one 1, zero none.
    Single,
    /// `x = 2^k - 1` for some k: then k is the count.
    Ones,
    /// `x >= 2^count(x) - 1`.
    Least,
}

impl CountLemma {
    /// All of them; each induction uses itself and `Bound`.
    pub const ALL: [CountLemma; 6] = [
        CountLemma::Bound,
        CountLemma::Rises,
        CountLemma::Split,
        CountLemma::Single,
        CountLemma::Ones,
        CountLemma::Least,
    ];

    /// How many words it speaks about.
    pub fn operands(self) -> usize {
        match self {
            CountLemma::Rises | CountLemma::Split => 2,
            _ => 1,
        }
    }

    /// One bit: the lemma for these words.
    pub fn instance(self, pool: &mut TermPool, count: Count<'_>, x: &[TermId]) -> TermId {
        let (x, w) = (x.to_vec(), pool.term_width(x[0]));
        let one = pool.constant(w, 1);
        // The largest word of as many ones: all ones for the width itself, where the shift gives zero.
        let ones = |pool: &mut TermPool, n: TermId| {
            let high = pool.bin(BinOp::Shl, &one, &n);
            pool.sub(&high, &one)
        };
        let n = count(pool, x[0]);
        let above = match self {
            CountLemma::Bound => {
                let most = pool.constant(w, w.into());
                pool.cmp(CmpOp::Ult, &most, &n)
            }
            CountLemma::Rises => {
                let both = pool.and(&x[0], &x[1]);
                let m = count(pool, both);
                pool.cmp(CmpOp::Ult, &n, &m)
            }
            CountLemma::Split => {
                let not = pool.not(&x[1]);
                let (a, b) = (pool.and(&x[0], &x[1]), pool.and(&x[0], &not));
                let (a, b) = (count(pool, a), count(pool, b));
                let sum = pool.add(&a, &b);
                return pool.eq(&n, &sum);
            }
            CountLemma::Single => {
                let less = pool.sub(&x[0], &one);
                let rest = pool.and(&x[0], &less);
                let (power, zero) = (pool.is_zero(&rest), pool.is_zero(&x[0]));
                let some = pool.not(&zero);
                let some = pool.zext(&some, w);
                let then = pool.eq(&n, &some);
                return implies(pool, power, then);
            }
            CountLemma::Ones => {
                let more = pool.add(&x[0], &one);
                let both = pool.and(&x[0], &more);
                let (when, all) = (pool.is_zero(&both), ones(pool, n));
                let then = pool.eq(&x[0], &all);
                return implies(pool, when, then);
            }
            CountLemma::Least => {
                let least = ones(pool, n);
                pool.cmp(CmpOp::Ult, &x[0], &least)
            }
        };
        pool.not(&above)
    }

    /// One bit: the lemma at `width` for all words, if it holds at half of it; counts of halves are variables.
    pub fn step(self, pool: &mut TermPool, width: u32) -> TermId {
        let half = width / 2;
        let words: Vec<TermId> = (0..self.operands())
            .map(|i| pool.var(&format!("x{i}"), width))
            .collect();
        let mut counts = Counts::default();
        let conclusion = self.instance(
            pool,
            &mut |pool, t| {
                let parts = [0, half].map(|lo| {
                    let part = pool.extract(&t, lo, half);
                    let n = counts.of(pool, part);
                    pool.zext(&n, width)
                });
                pool.add(&parts[0], &parts[1])
            },
            &words,
        );
        let mut all = pool.bit(true);
        for lo in [0, half] {
            let parts: Vec<TermId> = words.iter().map(|t| pool.extract(t, lo, half)).collect();
            let below = self.instance(pool, &mut |pool, t| counts.of(pool, t), &parts);
            all = pool.and(&all, &below);
        }
        for (t, _) in counts.made() {
            let bound = CountLemma::Bound.instance(pool, &mut |pool, t| counts.of(pool, t), &[t]);
            all = pool.and(&all, &bound);
        }
        implies(pool, all, conclusion)
    }
}

/// One bit: the count of a word is the sum of its halves' counts.
pub fn halves_add_up(pool: &mut TermPool, width: u32) -> TermId {
    let x = pool.var("x", width);
    let whole = pool.un(UnOp::Popcnt, &x);
    let parts = [0, width / 2].map(|lo| {
        let part = pool.extract(&x, lo, width / 2);
        let n = pool.un(UnOp::Popcnt, &part);
        pool.zext(&n, width)
    });
    let sum = pool.add(&parts[0], &parts[1]);
    pool.eq(&whole, &sum)
}
