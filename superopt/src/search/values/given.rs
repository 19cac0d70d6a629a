//! Values of a known program as leaves: what a proven program computes on the way costs no macros, so that few more
//! reach a better end.
//!
//! Each value is found again as one macro over inputs and values before it, by what it is on the tests; one that no
//! macro makes is left out, with all that depends on it. Nothing is taken on trust: an expression that uses such values
//! holds their definitions, and is tested, lowered and proven like any other.

use super::super::lanes::{self, Block, LANES};
use super::Def;
use super::enumerate::Enumeration;
use super::levels::Worker;

/// Combinations of operands tried for macros of three and four.
const COMBINATIONS: usize = 20_000;

impl Enumeration<'_> {
    /// Stores the values that macros make; the output itself is not wanted.
    pub(super) fn give(&mut self, values: &[Block]) {
        for b in values {
            let output = (0..LANES).all(|i| (b.0[i] ^ self.output.0[i]) & self.mask == 0);
            let known = self
                .seen
                .contains(&lanes::fingerprint(self.level, b, u64::MAX));
            if output || known {
                continue;
            }
            if let Some(d) = self.definition(b) {
                self.store(*b, d);
                self.given += 1;
            }
        }
    }

    /// The cheapest macro over stored values that gives a value.
    fn definition(&self, b: &Block) -> Option<Def> {
        let mut w = Worker::new(self.level);
        let n = self.blocks.len();
        let mut best: Option<(u64, Def)> = None;
        for (m, mac) in self.macros.macros.iter().enumerate() {
            let places = usize::from(mac.args);
            let total = n.pow(mac.args.into());
            if total > COMBINATIONS {
                continue;
            }
            for combination in 0..total {
                let mut args = [0u32; 4];
                let mut c = combination;
                for a in &mut args[..places] {
                    *a = (c % n) as u32;
                    c /= n;
                }
                let mut refs = [b; 4];
                for (r, a) in refs.iter_mut().zip(&args[..places]) {
                    *r = &self.blocks[*a as usize];
                }
                if w.apply(mac, &refs[..places]) != b || mac.faults && w.faulted() {
                    continue;
                }
                let d = Def::Apply { m: m as u16, args };
                let cost = self.cost(&self.expr(d));
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, d));
                }
            }
        }
        best.map(|(_, d)| d)
    }
}
