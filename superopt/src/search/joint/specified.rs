//! The words that a specification itself is made of, and what leads to them.
//!
//! Every part of the target's terms is a word worth having: sums before and after their carries, products, halves. A
//! part may be reached on another way than the specification's, though: a product by parts is one multiplication of a
//! word put together from two. So words are tried that are one step from the inputs, two of them put together, and such
//! a pair times an input; where this meets a part of the specification, the words on the way are kept too.

use super::super::lanes::{self, Block, LANES};
use super::super::loc::Loc;
use super::super::program::width_mask;
use super::super::tape::{self, Leaves};
use super::super::target::Target;
use super::super::tests::TestBank;
use super::values::{Found, Word, add};
use std::collections::HashSet;
use trinity_codegen::isa::{Node, TermId};

/// Words kept.
const WORDS: usize = 60;
/// Words of sums in another order.
const REGROUPED: usize = 8;
/// Blocks of an evaluation.
const BLOCKS: u16 = 4096;
/// Words one step from the inputs that are tried in pairs.
const STEPS: usize = 240;

type Operation = fn(u64, u64) -> u64;
const PAIRS: [Operation; 5] = [
    |a, b| a | b,
    u64::wrapping_add,
    |a, b| a ^ b,
    u64::wrapping_sub,
    |a, b| a & b,
];

/// The words of a target's specification: collections in the order in which they are worth trying.
pub fn collect(t: &Target, bank: &TestBank) -> Vec<Found> {
    let Some(parts) = parts(t, bank) else {
        return Vec::new();
    };
    let mut words: Vec<Word> = Vec::new();
    let inputs: Vec<usize> = (0..t.inputs.len())
        .map(|i| {
            add(
                &mut words,
                bank.groups.iter().map(|g| g.inputs[i]).collect(),
            )
        })
        .collect();
    let hits: HashSet<u64> = parts.iter().map(|p| print(&p.1[0])).collect();
    let given: Vec<Word> = inputs.iter().map(|i| words[*i].clone()).collect();
    let ways = ways(t, &given, &hits);
    let halves = ways.iter().flat_map(|w| &w.halves).copied().collect();
    let near = down_to(t, &parts, &halves);
    let whole = near.len() == parts.len();
    let mut sets = vec![near];
    if !whole {
        sets.push(parts.into_iter().map(|p| p.1).collect());
    }
    let of = |parts: Vec<Word>| {
        let mut words = words.clone();
        let own: HashSet<u64> = parts.iter().map(|w| print(&w[0])).collect();
        for w in &ways {
            if w.hit.iter().chain(&w.halves).any(|h| own.contains(h)) && words.len() < WORDS / 3 {
                for x in &w.words {
                    add(&mut words, x.clone());
                }
            }
        }
        let mut known: Vec<Word> = given.clone();
        known.extend(parts.iter().cloned());
        let others = regrouped(t, &known, &own);
        // The results first, then what is nearest to them.
        for w in parts.into_iter().rev().chain(others) {
            if words.len() < WORDS {
                add(&mut words, w);
            }
        }
        Found::of(t, bank, words, inputs.clone())
    };
    sets.into_iter().filter_map(of).collect()
}

/// Words near the inputs that lead to parts of the specification.
struct Way {
    /// The words, the last one from those before it.
    words: Vec<Word>,
    /// The part that the last one is.
    hit: Option<u64>,
    /// Parts that are halves of its products with inputs.
    halves: Vec<u64>,
}

/// All ways to the parts with the prints `hits`.
fn ways(t: &Target, given: &[Word], hits: &HashSet<u64>) -> Vec<Way> {
    let width = t.operation_width();
    let halves = |x: &Block| -> Vec<u64> {
        let both = given.iter().flat_map(|y| product(x, &y[0], width));
        let prints = both.filter(|h| !trivial(h)).map(|h| print(&h));
        prints.filter(|h| hits.contains(h)).collect()
    };
    let mut out: Vec<Way> = Vec::new();
    let steps = steps(t, given);
    for (i, a) in steps.iter().enumerate() {
        let met = halves(&a[0]);
        if !met.is_empty() {
            out.push(Way {
                words: vec![a.clone()],
                hit: None,
                halves: met,
            });
        }
        for b in &steps[..i] {
            for f in PAIRS {
                let x = each(&a[0], &b[0], f);
                let (met, hit) = (halves(&x), Some(print(&x)).filter(|p| hits.contains(p)));
                // A pair that is a step itself leads nowhere new.
                if (!met.is_empty() || hit.is_some()) && !steps.iter().any(|s| s[0] == x) {
                    let whole = a.iter().zip(b).map(|(a, b)| each(a, b, f)).collect();
                    out.push(Way {
                        words: vec![a.clone(), b.clone(), whole],
                        hit,
                        halves: met,
                    });
                }
            }
        }
    }
    out
}

/// The parts that results are made of when the words in `halves` are there.
fn down_to(t: &Target, parts: &[(TermId, Word)], halves: &HashSet<u64>) -> Vec<Word> {
    let mut wanted: HashSet<TermId> = t.output_terms.iter().copied().collect();
    let mut out = Vec::new();
    // Users come behind operands.
    for x in t.pool.reachable(&t.output_terms).into_iter().rev() {
        if !wanted.contains(&x) {
            continue;
        }
        let part = parts.iter().find(|p| p.0 == x);
        if !part.is_some_and(|p| halves.contains(&print(&p.1[0]))) {
            wanted.extend(t.pool.node(x).operands());
        }
        out.extend(part.map(|p| p.1.clone()));
    }
    out.reverse();
    out
}

/// Both halves of a product of words of some width.
fn product(a: &Block, b: &Block, width: u32) -> [Block; 2] {
    let mask = width_mask(width);
    let wide = |i: usize| u128::from(a.0[i] & mask) * u128::from(b.0[i] & mask);
    [0, width].map(|lo| Block(std::array::from_fn(|i| (wide(i) >> lo) as u64 & mask)))
}

/// Sums that the specification makes in another order: two words whose sum is one word short of a part; and parts with
/// the carry of such a sum added, where one more carry at most is missing for a part.
fn regrouped(t: &Target, known: &[Word], hits: &HashSet<u64>) -> Vec<Word> {
    let width = t.operation_width();
    let mask = width_mask(width);
    let sum =
        |a: &Block, b: &Block| Block(std::array::from_fn(|i| a.0[i].wrapping_add(b.0[i]) & mask));
    let all = |a: &Word, b: &Word| -> Word { a.iter().zip(b).map(|(a, b)| sum(a, b)).collect() };
    let mut out: Vec<Word> = Vec::new();
    let operands: Vec<&Word> = known.iter().filter(|w| !trivial(&w[0])).collect();
    for (i, a) in operands.iter().enumerate() {
        for b in &operands[..i] {
            let x = sum(&a[0], &b[0]);
            let short = operands.iter().any(|y| {
                let whole = print(&sum(&x, &y[0]));
                hits.contains(&whole) && print(&a[0]) != whole && print(&b[0]) != whole
            });
            if !short || hits.contains(&print(&x)) || out.len() >= REGROUPED {
                continue;
            }
            let whole = all(a, b);
            let carry: Word = whole
                .iter()
                .zip(a.iter())
                .map(|(x, a)| Block(std::array::from_fn(|i| u64::from(x.0[i] < a.0[i] & mask))))
                .collect();
            out.push(whole);
            for q in &operands {
                let with = all(q, &carry);
                let near = |r: &&&Word| {
                    let mut gaps = r
                        .iter()
                        .zip(&with)
                        .flat_map(|(r, w)| (0..LANES).map(|i| r.0[i].wrapping_sub(w.0[i]) & mask));
                    gaps.all(|d| d <= 1)
                };
                if operands.iter().any(|r| near(&r)) && out.len() < REGROUPED {
                    out.push(with);
                }
            }
        }
    }
    out
}

/// Whether a word is a bit.
fn trivial(b: &Block) -> bool {
    b.0.iter().all(|x| *x <= 1)
}

fn print(b: &Block) -> u64 {
    lanes::fingerprint(lanes::level(), b, u64::MAX)
}

fn each(a: &Block, b: &Block, f: Operation) -> Block {
    Block(std::array::from_fn(|i| f(a.0[i], b.0[i])))
}

/// The inputs, and words one step from them: cut to 32 bits, shifted, two put together.
fn steps(t: &Target, given: &[Word]) -> Vec<Word> {
    let mut out: Vec<Word> = given.to_vec();
    let mut counts: Vec<u64> = vec![32, 16, 8, 1, 31, 63];
    counts.extend(
        t.shift_counts()
            .iter()
            .filter(|k| (1..64).contains(*k))
            .map(|k| *k as u64),
    );
    let mut push = |w: Word| {
        if out.len() < STEPS && !out.contains(&w) {
            out.push(w);
        }
    };
    for w in given {
        push(
            w.iter()
                .map(|b| Block(b.0.map(|x| x & 0xffff_ffff)))
                .collect(),
        );
    }
    for k in counts {
        for w in given {
            push(w.iter().map(|b| Block(b.0.map(|x| x << k))).collect());
            push(w.iter().map(|b| Block(b.0.map(|x| x >> k))).collect());
        }
    }
    for (i, a) in given.iter().enumerate() {
        for b in &given[..i] {
            for f in PAIRS {
                push(a.iter().zip(b).map(|(a, b)| each(a, b, f)).collect());
            }
        }
    }
    out
}

/// The parts of the specification on all tests, operands before users; `None` when lanes cannot evaluate them.
fn parts(t: &Target, bank: &TestBank) -> Option<Vec<(TermId, Word)>> {
    let terms: Vec<_> = t
        .pool
        .reachable(&t.output_terms)
        .into_iter()
        .filter(|x| {
            (1..=64).contains(&t.pool.term_width(*x))
                && !matches!(t.pool.node(*x), Node::Const(_) | Node::Var(_))
        })
        .collect();
    let n = t.inputs.len() as u16;
    let end = n + u16::try_from(terms.len())
        .ok()
        .filter(|k| *k < BLOCKS / 2)?;
    let of = |x| t.input_terms.iter().position(|i| *i == x).map(|i| i as u16);
    let targets: Vec<(_, Loc)> = terms.iter().copied().zip(n..end).collect();
    let leaves = Leaves {
        of: &of,
        first: end,
        end: BLOCKS,
    };
    let steps = tape::compile(&t.pool, &targets, &leaves).ok()?;
    let mut out: Vec<Word> = vec![Vec::new(); terms.len()];
    let mut arena = vec![Block([0; LANES]); BLOCKS as usize];
    for g in &bank.groups {
        arena[..g.inputs.len()].copy_from_slice(&g.inputs);
        lanes::run(lanes::level(), &steps, &mut arena);
        for (w, at) in out.iter_mut().zip(usize::from(n)..) {
            w.push(arena[at]);
        }
    }
    Some(terms.into_iter().zip(out).collect())
}
