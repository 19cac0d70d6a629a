//! Which addresses a precondition keeps apart.
//!
//! `q - p >= n` says that q is none of the n bytes from p on (addresses wrap), and with `p - q >= m` none of the n bytes
//! at p is among the m at q: two arcs of a circle that meet contain a start of one in the other. Facts of this shape
//! among what is assumed let loads step over stores, exactly where they hold; what is asked of a solver then has no
//! cases for pointers that cannot meet. Other ways to say the same are left to the solver.

use super::ground::split;
use trinity_codegen::isa::{BinOp, CmpOp, Node, TermId, TermPool, UnOp};

/// Bytes from a distance to a base on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Arc {
    base: TermId,
    offset: u64,
    bytes: u64,
}

/// Pairs of pieces of memory that have no byte in common.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    pairs: Vec<(Arc, Arc)>,
}

impl Apart {
    /// What one-bit terms that are assumed say.
    pub fn of(pool: &mut TermPool, assumed: &[TermId]) -> Apart {
        // Start of the one, start of the other, bytes from the other on that the one is not in.
        let mut outside: Vec<(TermId, TermId, u64)> = Vec::new();
        let mut todo = assumed.to_vec();
        while let Some(t) = todo.pop() {
            match pool.node(t) {
                Node::Bin(BinOp::And, a, b) if pool.term_width(t) == 1 => todo.extend([a, b]),
                Node::Un(UnOp::Not, x) => {
                    if let Node::Cmp(CmpOp::Ult, d, n) = pool.node(x)
                        && let Node::Bin(BinOp::Sub, a, b) = pool.node(d)
                        && let Some(n) = trinity_codegen::isa::Domain::as_constant(pool, &n)
                            .and_then(|n| u64::try_from(n).ok())
                        && pool.term_width(d) == 64
                    {
                        outside.push((a, b, n));
                    }
                }
                _ => {}
            }
        }
        let mut pairs = Vec::new();
        for (i, &(a, b, n)) in outside.iter().enumerate() {
            for &(c, d, m) in &outside[i + 1..] {
                if (c, d) == (b, a) {
                    let mut arc = |t, bytes| {
                        let (base, offset) = split(pool, t);
                        Arc {
                            base,
                            offset,
                            bytes,
                        }
                    };
                    // `a` is outside of the n bytes at `b`, `b` outside of the m bytes at `a`.
                    pairs.push((arc(b, n), arc(a, m)));
                }
            }
        }
        Apart { pairs }
    }

    /// Whether `n` bytes at `a` and `m` bytes at `b` are known to have none in common.
    pub fn holds(&self, pool: &mut TermPool, (a, n): (TermId, u64), (b, m): (TermId, u64)) -> bool {
        if self.pairs.is_empty() {
            return false;
        }
        let ((base_a, at_a), (base_b, at_b)) = (split(pool, a), split(pool, b));
        let within = |arc: &Arc, base: TermId, at: u64, bytes: u64| {
            let from = at.wrapping_sub(arc.offset);
            arc.base == base && from.checked_add(bytes).is_some_and(|end| end <= arc.bytes)
        };
        self.pairs.iter().any(|(x, y)| {
            within(x, base_a, at_a, n) && within(y, base_b, at_b, m)
                || within(y, base_a, at_a, n) && within(x, base_b, at_b, m)
        })
    }
}
