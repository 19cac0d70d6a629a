//! Exhaustion: a function of one word of up to 32 bits, run on every input. An independent check on any proof.

use super::Query;
use super::claims::{bad, groups};
use super::ground::Ground;
use super::simulate::{Assignment, Block, LANES, Tape};
use crate::solver::Cancel;
use trinity_codegen::isa::{BinOp, Domain, TermPool};

/// What running every input showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exhausted {
    /// The claim holds on every input.
    Holds {
        /// How many inputs there are.
        inputs: u64,
    },
    /// It fails on this one, the smallest.
    Fails(Assignment),
    /// There are too many inputs, or memory or undefined results among them: how many bits there are.
    TooLarge {
        /// Bits of all inputs together.
        bits: u32,
    },
    /// Another thread asked to stop.
    Cancelled,
}

/// Runs a query on all its inputs, when they have at most `bits` bits together (32 takes minutes on one core, 24 a
/// second). Memories do not count as words: queries that read them are too large.
pub fn exhaust(pool: &mut TermPool, q: &Query, bits: u32, cancel: &Cancel) -> Exhausted {
    let groups = groups(pool, q);
    let mut ground = Ground::new();
    let mut root = pool.bit(false);
    for g in &groups {
        let mut assume = q.precondition.clone();
        assume.extend(&g.assume);
        let bit = bad(pool, &assume, &g.goals);
        root = pool.bin(BinOp::Or, &root, &bit);
    }
    ground.run(pool, &[root]);
    let root = ground.get(root);
    let tape = Tape::new(pool, &[root], ground.variables());
    let inputs = tape.inputs(pool);
    let reads = tape.order().iter().any(|t| ground.is_byte(*t));
    let total: u32 = inputs.iter().map(|t| pool.term_width(*t)).sum();
    if reads || total > bits.min(63) {
        return Exhausted::TooLarge { bits: total };
    }
    let count = 1u64 << total;
    let mut at = 0u64;
    while at < count {
        if at.is_multiple_of(1 << 20) && cancel.is_cancelled() {
            return Exhausted::Cancelled;
        }
        let block = Block::counting(pool, &inputs, at);
        let values = tape.run(pool, &block);
        let lanes = (count - at).min(LANES as u64) as usize;
        if let Some(lane) = tape
            .values(&values, root)
            .iter()
            .take(lanes)
            .position(|b| *b == 1)
        {
            return Exhausted::Fails(tape.assignment(pool, &block, &values, lane));
        }
        at += LANES as u64;
    }
    Exhausted::Holds { inputs: count }
}
