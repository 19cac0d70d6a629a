//! Goals: what a value would have to be so that invertible operations with known values give the output, and pairs of
//! values for a last operation that only restricts its operands.

use super::super::lanes::{self, Block, LANES};
use super::super::program::width_mask;
use super::super::tests::TestBank;
use super::enumerate::Enumeration;
use super::macros::Inverse;
use super::{Def, Expr};

/// Where a goal comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// The output itself.
    Output,
    /// Applying `m` to the known value and to a value that equals this goal gives goal `parent`.
    Back {
        parent: u32,
        m: u16,
        known: u32,
        unknown: u8,
    },
}

/// Operands of a last `or` or `and`: so many of the simplest are tried with each other,
const SIMPLE: usize = 3000;
/// and in so many pairs the very simplest with all others.
const PAIRS: usize = 4_000_000;
/// Pairs that give the output, and so become expressions: enough of them, where most of them are too dear.
const MATCHES: usize = 2000;

/// Bits of the filter before the table of goals.
pub(super) const FILTER_BITS: usize = 1 << 22;

impl Enumeration<'_> {
    pub(super) fn add_goal(&mut self, g: Goal, b: Block) {
        if self.goals.len() >= self.limits.goals {
            return;
        }
        let h = lanes::fingerprint(self.level, &b, self.mask);
        let n = self.goals.len() as u32;
        if let std::collections::hash_map::Entry::Vacant(e) = self.goal_index.entry(h) {
            e.insert(n);
            self.goals.push((g, b));
            let bit = (h as usize) & (FILTER_BITS - 1);
            self.filter[bit / 64] |= 1 << (bit % 64);
        }
    }

    pub(super) fn goal_of(&self, b: &Block) -> Option<u32> {
        let h = lanes::fingerprint(self.level, b, self.mask);
        let bit = (h as usize) & (FILTER_BITS - 1);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.goal_index.get(&h).copied()
    }

    /// Adds goals one inverse step before goals `from`, over values `values`.
    pub(super) fn extend_goals(
        &mut self,
        from: std::ops::Range<usize>,
        values: std::ops::Range<usize>,
    ) {
        for g in from {
            for m in self.binary.clone() {
                // A narrow operation gives a word with zeros above; what it was made from is as narrow.
                let mask = self.mask & width_mask(self.macros.macros[m as usize].width);
                let Some(inv) = self.macros.macros[m as usize].inverse else {
                    continue;
                };
                for v in values.clone() {
                    if self.goals.len() >= self.limits.goals {
                        return;
                    }
                    let (goal, known) = (self.goals[g].1, self.blocks[v]);
                    let each = |f: fn(u64, u64) -> u64| {
                        Block(std::array::from_fn(|i| f(goal.0[i], known.0[i]) & mask))
                    };
                    let back = |unknown| Goal::Back {
                        parent: g as u32,
                        m,
                        known: v as u32,
                        unknown,
                    };
                    match inv {
                        Inverse::Add => self.add_goal(back(1), each(|g, k| g.wrapping_sub(k))),
                        Inverse::Sub => {
                            self.add_goal(back(1), each(|g, k| k.wrapping_sub(g)));
                            self.add_goal(back(0), each(u64::wrapping_add));
                        }
                        Inverse::Xor => self.add_goal(back(1), each(|g, k| g ^ k)),
                        Inverse::Or | Inverse::And => {}
                    }
                }
            }
        }
    }

    /// Values that can be operands of a last `or` or `and`.
    pub(super) fn subsets(&self, bank: &TestBank, found: &mut Vec<Expr>) {
        for &m in &self.binary {
            let mac = &self.macros.macros[m as usize];
            let or = match mac.inverse {
                Some(Inverse::Or) => true,
                Some(Inverse::And) => false,
                _ => continue,
            };
            // Results of narrow operations have zeros above: such a goal is out of reach otherwise.
            let mask = self.mask & width_mask(mac.width);
            if self.output.0.iter().any(|g| g & self.mask & !mask != 0) {
                continue;
            }
            let fits = |b: &Block| {
                (0..LANES).all(|i| {
                    let (x, g) = (b.0[i] & mask, self.output.0[i] & mask);
                    if or { x & !g == 0 } else { g & !x == 0 }
                })
            };
            let list: Vec<usize> = (0..self.blocks.len())
                .filter(|v| fits(&self.blocks[*v]))
                .collect();
            // All pairs of the simplest; around a known program its values, which come first, with all others.
            let many = list.len().min(SIMPLE);
            let few = match self.given {
                0 => 0,
                _ => PAIRS / list.len().max(1),
            };
            let mut matches = 0;
            let pairs = (0..many).flat_map(|i| (0..i).map(move |k| (i, k)));
            let mixed = (many..list.len()).flat_map(|i| (0..few.min(many)).map(move |k| (i, k)));
            for (i, k) in pairs.chain(mixed) {
                let (a, b) = (list[i], list[k]);
                let (x, y) = (&self.blocks[a], &self.blocks[b]);
                let right = |l: usize| {
                    let r = if or { x.0[l] | y.0[l] } else { x.0[l] & y.0[l] };
                    (r ^ self.output.0[l]) & mask == 0
                };
                if (0..LANES).all(right) {
                    let e = self.expr(Def::Apply {
                        m,
                        args: [a as u32, b as u32, 0, 0],
                    });
                    self.accept(e, bank, found);
                    if found.len() >= self.limits.solutions || self.stopped() {
                        return;
                    }
                    matches += 1;
                    if matches == MATCHES {
                        break;
                    }
                }
            }
        }
    }
}
