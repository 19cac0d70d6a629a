//! Counterexamples made small: as few bits as possible, then small values.

use super::simulate::{Assignment, Block, LANES, Tape};
use trinity_codegen::isa::{TermId, TermPool};

/// Rounds of improvement at most; each is one pass over all simpler neighbours.
const ROUNDS: u32 = 400;

/// Bits set, then magnitude: what is made small.
fn size(a: &Assignment) -> (u32, u128) {
    let bits = a.variables.values().map(|v| v.count_ones()).sum::<u32>()
        + a.memory.values().map(|b| b.count_ones()).sum::<u32>();
    let sum = a
        .variables
        .values()
        .fold(0u128, |s, v| s.saturating_add(*v));
    (bits, sum)
}

/// Inputs simpler than `a`: one value zero, halved in bits, one bit cleared, shifted right.
fn simpler(a: &Assignment) -> Vec<Assignment> {
    let mut values: Vec<(TermId, u128)> = Vec::new();
    for (t, v) in &a.variables {
        let v = *v;
        if v == 0 {
            continue;
        }
        values.extend([0, 1].map(|x| (*t, x)));
        let bits = 128 - v.leading_zeros();
        values.push((*t, v & ((1 << (bits / 2)) - 1)));
        values.push((*t, v >> (bits / 2)));
        values.push((*t, v >> 1));
        values.extend(
            (0..bits)
                .rev()
                .filter(|b| v >> b & 1 == 1)
                .map(|b| (*t, v & !(1 << b))),
        );
        // The same number of bits, moved down.
        values.extend(
            (1..bits)
                .filter(|b| v >> b & 1 == 1 && v >> (b - 1) & 1 == 0)
                .map(|b| (*t, v ^ (3 << (b - 1)))),
        );
    }
    let mut out: Vec<Assignment> = values
        .into_iter()
        .map(|(t, v)| {
            let mut b = a.clone();
            b.variables.insert(t, v);
            b
        })
        .collect();
    for (place, byte) in a.memory.iter().filter(|(_, b)| **b != 0) {
        for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
            let mut b = a.clone();
            b.memory.insert(*place, byte & !(1 << bit));
            out.push(b);
        }
        let mut b = a.clone();
        b.memory.insert(*place, 0);
        out.insert(0, b);
    }
    let before = size(a);
    out.retain(|b| size(b) < before);
    out.sort_by_key(size);
    out
}

/// Inputs of one or two variables from a few simple values, the smallest first; the other variables keep theirs.
fn simple_starts(pool: &TermPool, a: &Assignment) -> Vec<Assignment> {
    let values = |t: TermId| -> Vec<u128> {
        let w = pool.term_width(t);
        let ones = u128::MAX >> (128 - w);
        let mut all: Vec<u128> = (0..w).map(|i| 1 << i).collect();
        all.extend([0, 3 & ones, ones, ones ^ 1, ones >> 1]);
        all
    };
    let terms: Vec<TermId> = a.variables.keys().copied().collect();
    let mut out = Vec::new();
    for (i, t) in terms.iter().enumerate() {
        for v in values(*t) {
            let mut one = a.clone();
            one.variables.insert(*t, v);
            if i + 1 < terms.len() && terms.len() <= 4 {
                for v in values(terms[i + 1]) {
                    let mut two = one.clone();
                    two.variables.insert(terms[i + 1], v);
                    out.push(two);
                }
            }
            out.push(one);
        }
    }
    let before = size(a);
    out.retain(|b| size(b) < before);
    out.sort_by_key(size);
    out
}

/// The smallest input that a greedy descent finds on which the one-bit term `bad` (of the tape) is still one.
pub fn minimise(pool: &TermPool, tape: &Tape, bad: TermId, found: &Assignment) -> Assignment {
    let mut best = found.clone();
    for round in 0..ROUNDS {
        let candidates = match round {
            0 => simple_starts(pool, &best),
            _ => simpler(&best),
        };
        let next = candidates.chunks(LANES).find_map(|chunk| {
            let block = Block::of(chunk);
            let values = tape.run(pool, &block);
            let lane = tape
                .values(&values, bad)
                .iter()
                .take(chunk.len())
                .position(|b| *b == 1)?;
            // Addresses may have moved: keep the bytes that are looked at now.
            Some(tape.assignment(pool, &block, &values, lane))
        });
        match next {
            Some(next) => best = next,
            None if round == 0 => {}
            None => break,
        }
    }
    best
}
