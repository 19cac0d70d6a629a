//! Values of terms on a few inputs: what differs there is not the same word, what does not is worth a question.

use std::collections::HashMap;
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, Domain, Node, TermId, TermPool};

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
        let d = &mut Concrete;
        match pool.node(t) {
            Node::Const(k) => return k,
            Node::Var(n) => return unknown(n.into(), round, width),
            Node::Un(op, a) => d.un(op, &of(a)),
            Node::Bin(op, a, b) => d.bin(op, &of(a), &of(b)),
            Node::Cmp(op, a, b) => d.cmp(op, &of(a), &of(b)),
            Node::Ite(c, a, b) if width > 0 => d.ite(&of(c), &of(a), &of(b)),
            Node::Extract(a, lo) => d.extract(&of(a), lo, width),
            Node::Concat(a, b) => d.concat(&of(a), &of(b)),
            Node::Zext(a) => d.zext(&of(a), width),
            Node::Sext(a) => d.sext(&of(a), width),
            Node::Fp(op, n, a) => {
                let args: Vec<Bits> = a[..n as usize].iter().map(|x| of(*x)).collect();
                d.fp(op, &args)
            }
            // Memory is what its term is.
            Node::Load(m, a) => {
                let at = of(a).value as u64;
                return unknown(mix(at) ^ u64::from(m.0) << 32, round, width);
            }
            Node::Ite(..) | Node::Memory(_) | Node::Store(..) => return 0,
        }
        .value
    }
}
