//! Variables as two halves, for the integer form: words that are multiplied by parts.
//!
//! The problem: the low half of `x` is `x - 2^h * floor(x / 2^h)`, and products of such differences with one another
//! have no one normal form under further floors. With a variable for each half, `x = 2^h * x1 + x0`, a product by parts
//! and the wide product are the same sum of four monomials, and carries are floors of sums of those. The replacement
//! is a bijection of the inputs, so equal forms prove the words equal.

use super::integer::IntegerForms;
use super::rebuild::Rewriter;
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool};

/// Narrower variables are left whole.
const LEAST_WIDTH: u32 = 16;

/// The variables below `roots` that something cuts in the middle.
fn cut_in_half(pool: &TermPool, roots: &[TermId]) -> Vec<TermId> {
    let mut out: Vec<TermId> = Vec::new();
    for t in pool.reachable(roots) {
        let (v, at) = match pool.node(t) {
            Node::Extract(v, 0) => (v, Some(pool.term_width(t))),
            Node::Extract(v, lo) => (v, Some(lo)),
            Node::Bin(BinOp::Lshr | BinOp::Shl, v, k) => {
                let count = pool.as_constant(&k).and_then(|k| u32::try_from(k).ok());
                (v, count)
            }
            Node::Bin(BinOp::And, v, k) => {
                let mask = pool.as_constant(&k).filter(|k| (k + 1).is_power_of_two());
                (v, mask.map(u128::trailing_ones))
            }
            _ => continue,
        };
        let width = pool.term_width(v);
        if matches!(pool.node(v), Node::Var(_))
            && width >= LEAST_WIDTH
            && at.is_some_and(|at| 2 * at == width)
            && !out.contains(&v)
        {
            out.push(v);
        }
    }
    out
}

/// Whether two words have one integer form when variables are taken by halves. `false` says nothing.
pub fn equal_by_halves(pool: &mut TermPool, fuel: u64, a: TermId, b: TermId) -> bool {
    let split = cut_in_half(pool, &[a, b]);
    if split.is_empty() {
        return false;
    }
    let mut rewriter = Rewriter::default();
    for v in split {
        let half = pool.term_width(v) / 2;
        // The number of nodes makes names unique in the pool.
        let high = pool.var(&format!("high_{}_{}", v.0, pool.len()), half);
        let low = pool.var(&format!("low_{}_{}", v.0, pool.len()), half);
        let whole = pool.concat(&high, &low);
        rewriter.set(v, whole);
    }
    rewriter.run(pool, &[a, b], &mut |_, _, t| t);
    let mut forms = IntegerForms::new(fuel);
    forms.equal(pool, rewriter.get(a), rewriter.get(b))
}
