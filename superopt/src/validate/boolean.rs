//! Bitwise operations in a form that is one for one function: exclusive ors of conjunctions (the algebraic normal form; Zhegalkin 1927). A choice
//! `a & b | ~a & c` and `c ^ a & (b ^ c)` are `a&b ^ a&c ^ c` both.
//!
//! It is no form to prove in or to look at, so it is asked for only where two words differ in the domain's own one.

use super::domain::{Made, Terms, ones};
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, UnOp};

/// Words that a function is of, at most: their subsets are the bits of a [`Sum`].
const LEAVES: usize = 6;
/// Operations that are looked at for one function.
const VISITS: u32 = 64;

/// Conjunctions, each of a set of leaves (bit `n` of its number), that an exclusive or is taken of. The conjunction of nothing is all ones.
type Sum = u64;

fn product(a: Sum, b: Sum) -> Sum {
    let sets = |mut s: Sum| {
        std::iter::from_fn(move || {
            let n = s.trailing_zeros();
            s &= s.wrapping_sub(1);
            (n < Sum::BITS).then_some(n)
        })
    };
    let pairs = sets(a).flat_map(|x| sets(b).map(move |y| 1 << (x | y)));
    pairs.fold(0, |all: Sum, one: Sum| all ^ one)
}

/// A function that is being read.
struct Reading<'a, 'b> {
    d: &'a mut Terms<'b>,
    width: u32,
    leaves: Vec<TermId>,
    visits: u32,
}

impl Reading<'_, '_> {
    /// A word that is extended with zeros to the function's width, or has it.
    fn sum(&mut self, t: TermId) -> Option<Sum> {
        self.visits += 1;
        if self.visits > VISITS {
            return None;
        }
        let node = self.d.pool.node(t);
        let whole = self.d.pool.term_width(t) == self.width;
        match node {
            Node::Bin(op @ (BinOp::And | BinOp::Or | BinOp::Xor), a, b) => {
                let (a, b) = (self.sum(a)?, self.sum(b)?);
                Some(match op {
                    BinOp::And => product(a, b),
                    BinOp::Xor => a ^ b,
                    _ => a ^ b ^ product(a, b),
                })
            }
            Node::Un(UnOp::Not, a) if whole => Some(self.sum(a)? ^ 1),
            Node::Const(0) => Some(0),
            Node::Const(k) if k == ones(self.width) => Some(1),
            Node::Zext(a) if whole => self.sum(a),
            _ => self.leaf(t),
        }
    }

    fn leaf(&mut self, t: TermId) -> Option<Sum> {
        let t = self.d.zext(&t, self.width);
        let at = self.leaves.iter().position(|l| *l == t);
        let at = at.unwrap_or_else(|| {
            self.leaves.push(t);
            self.leaves.len() - 1
        });
        (at < LEAVES).then(|| 1 << (1 << at))
    }
}

/// The normal form of a word that a bitwise operation makes; `None` if it is another one or of too many words.
fn normal(d: &mut Terms<'_>, t: TermId) -> Option<TermId> {
    let width = d.pool.term_width(t);
    let bitwise = match d.pool.node(t) {
        Node::Bin(op, ..) => matches!(op, BinOp::And | BinOp::Or | BinOp::Xor),
        Node::Un(op, _) => op == UnOp::Not,
        Node::Zext(_) => true,
        _ => false,
    };
    if !bitwise || width == 1 {
        return None;
    }
    let mut r = Reading {
        d: &mut *d,
        width,
        leaves: Vec::new(),
        visits: 0,
    };
    let sum = r.sum(t)?;
    let leaves = r.leaves;
    let mut terms: Vec<TermId> = Vec::new();
    for set in (0..Sum::BITS).filter(|n| sum >> n & 1 != 0) {
        let of = (0..LEAVES).filter(|n| set >> n & 1 != 0);
        let mut of: Vec<TermId> = of.map(|n| leaves[n]).collect();
        of.sort_unstable();
        let all = of.into_iter().reduce(|a, b| d.bin(BinOp::And, &a, &b));
        terms.push(all.unwrap_or_else(|| d.constant(width, u128::MAX)));
    }
    terms.sort_unstable();
    // In the pool: the domain would take a zero extension out of some of them, which depends on the order.
    let sum = terms
        .into_iter()
        .reduce(|a, b| d.pool.bin(BinOp::Xor, &a, &b));
    Some(sum.unwrap_or_else(|| d.constant(width, 0)))
}

/// Words made anew, bottom up: with `equal` ones in the places of others, and in normal form if that is asked for.
pub(super) fn again(
    d: &mut Terms<'_>,
    roots: &[TermId],
    equal: &HashMap<TermId, TermId>,
    boolean: bool,
) -> Made {
    d.rewritten(roots, |d, old, new, made| match equal.get(&old) {
        Some(other) => made.get(other).copied().unwrap_or(*other),
        None if boolean => normal(d, new).unwrap_or(new),
        None => new,
    })
}
