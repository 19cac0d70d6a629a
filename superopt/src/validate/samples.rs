//! Values of terms on a few inputs: what differs there is not the same word, what does not is worth a question.

use std::collections::HashMap;
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, Node, TermId, TermPool};

/// Inputs.
const ROUNDS: usize = 8;

/// The values of a word.
pub type Sample = [u128; ROUNDS];

/// Values that were computed.
#[derive(Default)]
pub struct Samples {
    known: HashMap<TermId, Sample>,
}

fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// What an unknown word is: short ones, negative ones, any.
fn unknown(key: u64, round: usize, width: u32) -> u128 {
    let x = mix(mix(key) ^ round as u64);
    let x = match round {
        0 => x & 0xff,
        1 => (x & 0xffff).wrapping_neg(),
        2 => x & 0xffff_ffff,
        3 => 0,
        _ => x,
    };
    Bits::new(width, x.into()).value
}

impl Samples {
    /// The values of a word.
    pub fn of(&mut self, pool: &TermPool, t: TermId) -> Sample {
        let mut stack = vec![t];
        while let Some(&t) = stack.last() {
            if self.known.contains_key(&t) {
                stack.pop();
                continue;
            }
            let before = stack.len();
            let missing = pool.node(t).operands();
            stack
                .extend(missing.filter(|o| pool.term_width(*o) > 0 && !self.known.contains_key(o)));
            if stack.len() == before {
                let sample = std::array::from_fn(|n| self.value(pool, t, n));
                self.known.insert(t, sample);
                stack.pop();
            }
        }
        self.known[&t]
    }

    fn value(&self, pool: &TermPool, t: TermId, round: usize) -> u128 {
        let width = pool.term_width(t);
        let of = |t: TermId| Bits::new(pool.term_width(t), self.known[&t][round]);
        let node = pool.node(t);
        match node {
            Node::Const(k) => k,
            Node::Var(n) => unknown(n.into(), round, width),
            // Memory is what its term is.
            Node::Load(m, a) => {
                let at = of(a).value as u64;
                unknown(mix(at) ^ u64::from(m.0) << 32, round, width)
            }
            _ => node
                .computed(&mut Concrete, width, of)
                .map_or(0, |word| word.value),
        }
    }
}
