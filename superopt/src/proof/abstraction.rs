//! Products and quotients of unknowns replaced by variables.
//!
//! Equal operands give equal variables (in either order for products), so that circuits a bit-blaster cannot see
//! through cancel. Wide products can be split by halves first, `(a1*2^h + a0) * (b1*2^h + b0)`, each half product a
//! variable of at most `(2^h-1)^2`: then only adders are left. Of quotients and remainders the facts of
//! `quotients` are known. The result proves, and never refutes.

use super::expand::{effective_width, slice};
use super::quotients::facts;
use super::rebuild::Rewriter;
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool};

/// Pairs of variables that get a constraint, at most.
const MAX_PAIRS: usize = 300;

/// Terms with their products gone.
pub struct Abstracted {
    /// The roots in order.
    pub roots: Vec<TermId>,
    /// One-bit terms that hold of the variables.
    pub constraints: Vec<TermId>,
    /// How many variables were made.
    pub variables: usize,
}

struct Functions {
    /// Variables by operation and operands.
    made: HashMap<(BinOp, TermId, TermId, u32), TermId>,
    in_order: Vec<(BinOp, TermId, TermId, TermId)>,
    constraints: Vec<TermId>,
    half: Option<u32>,
}

/// The largest operand width of a product of two unknowns below `roots`, if there is one.
pub fn widest_product(pool: &TermPool, roots: &[TermId]) -> Option<u32> {
    let widths = pool
        .reachable(roots)
        .into_iter()
        .filter_map(|t| match pool.node(t) {
            Node::Bin(BinOp::Mul, a, b) if is_unknown(pool, a) && is_unknown(pool, b) => {
                Some(effective_width(pool, a).max(effective_width(pool, b)))
            }
            _ => None,
        });
    widths.max()
}

/// Whether there is anything to abstract.
pub fn applies(pool: &TermPool, roots: &[TermId]) -> bool {
    pool.reachable(roots)
        .into_iter()
        .any(|t| match pool.node(t) {
            Node::Bin(BinOp::Mul, a, b) => is_unknown(pool, a) && is_unknown(pool, b),
            Node::Bin(BinOp::Udiv | BinOp::Urem | BinOp::Sdiv | BinOp::Srem, ..) => true,
            _ => false,
        })
}

fn is_unknown(pool: &TermPool, t: TermId) -> bool {
    pool.as_constant(&t).is_none()
}

/// Replaces products (split at `half` bits if given) and quotients below `roots`.
pub fn abstracted(pool: &mut TermPool, roots: &[TermId], half: Option<u32>) -> Abstracted {
    let mut f = Functions {
        made: HashMap::new(),
        in_order: Vec::new(),
        constraints: Vec::new(),
        half,
    };
    let mut rewriter = Rewriter::default();
    rewriter.run(pool, roots, &mut |pool, _, t| match pool.node(t) {
        Node::Bin(BinOp::Mul, a, b) if is_unknown(pool, a) && is_unknown(pool, b) => {
            f.product(pool, a, b)
        }
        Node::Bin(op @ (BinOp::Udiv | BinOp::Urem | BinOp::Sdiv | BinOp::Srem), a, b) => {
            f.quotient(pool, op, a, b)
        }
        _ => t,
    });
    let roots = roots.iter().map(|r| rewriter.get(*r)).collect();
    f.congruence(pool);
    Abstracted {
        roots,
        constraints: f.constraints,
        variables: f.in_order.len(),
    }
}

impl Functions {
    fn variable(
        &mut self,
        pool: &mut TermPool,
        op: BinOp,
        a: TermId,
        b: TermId,
        width: u32,
    ) -> (TermId, bool) {
        let (a, b) = if op == BinOp::Mul && a > b {
            (b, a)
        } else {
            (a, b)
        };
        if let Some(v) = self.made.get(&(op, a, b, width)) {
            return (*v, false);
        }
        let v = pool.var(&format!("fn_{op:?}_{}", pool.len()).to_lowercase(), width);
        // The width tells a product modulo 2^w from the whole product of the same words.
        self.made.insert((op, a, b, width), v);
        self.in_order.push((op, a, b, v));
        (v, true)
    }

    fn require(&mut self, pool: &TermPool, t: TermId) {
        if pool.as_constant(&t).is_none() {
            self.constraints.push(t);
        }
    }

    /// `a * b` modulo their width.
    fn product(&mut self, pool: &mut TermPool, a: TermId, b: TermId) -> TermId {
        let w = pool.term_width(a);
        let (na, nb) = (
            effective_width(pool, a).max(1),
            effective_width(pool, b).max(1),
        );
        match self.half {
            Some(h) if na > h || nb > h => {
                let parts = |pool: &mut TermPool, t: TermId, n: u32| {
                    let starts = (0..n).step_by(h as usize);
                    let parts: Vec<(u32, TermId)> = starts
                        .map(|lo| (lo, slice(pool, t, lo, h.min(n - lo))))
                        .collect();
                    parts
                };
                let (pa, pb) = (parts(pool, a, na), parts(pool, b, nb));
                let mut sum = pool.constant(w, 0);
                for (la, x) in &pa {
                    for (lb, y) in &pb {
                        if la + lb >= w {
                            continue;
                        }
                        let p = self.small(pool, *x, *y, h);
                        let p = fit(pool, p, w);
                        let k = pool.constant(w, (la + lb).into());
                        let p = pool.bin(BinOp::Shl, &p, &k);
                        sum = pool.add(&sum, &p);
                    }
                }
                sum
            }
            Some(h) => {
                let (x, y) = (slice(pool, a, 0, na), slice(pool, b, 0, nb));
                let p = self.small(pool, x, y, h);
                fit(pool, p, w)
            }
            None if na + nb <= w => {
                let (x, y) = (slice(pool, a, 0, na), slice(pool, b, 0, nb));
                let n = na.max(nb);
                let p = self.small(pool, x, y, n);
                fit(pool, p, w)
            }
            None => self.variable(pool, BinOp::Mul, a, b, w).0,
        }
    }

    /// The product of two words of at most `h` bits as a variable of `2h`.
    fn small(&mut self, pool: &mut TermPool, x: TermId, y: TermId, h: u32) -> TermId {
        let width = (2 * h).min(128);
        let (x, y) = (pool.zext(&x, h), pool.zext(&y, h));
        if let (Some(x), Some(y)) = (pool.as_constant(&x), pool.as_constant(&y)) {
            return pool.constant(width, x.wrapping_mul(y));
        }
        let (p, new) = self.variable(pool, BinOp::Mul, x, y, width);
        if new && h < 64 {
            let most = (1u128 << h) - 1;
            let limit = pool.constant(width, most * most + 1);
            let below = pool.cmp(CmpOp::Ult, &p, &limit);
            self.require(pool, below);
        }
        p
    }

    fn quotient(&mut self, pool: &mut TermPool, op: BinOp, a: TermId, b: TermId) -> TermId {
        let w = pool.term_width(a);
        let (v, new) = self.variable(pool, op, a, b, w);
        if new {
            for fact in facts(pool, op, a, b, v) {
                self.require(pool, fact);
            }
        }
        v
    }

    /// Equal operands, equal results.
    fn congruence(&mut self, pool: &mut TermPool) {
        let mut pairs = 0;
        for i in 0..self.in_order.len() {
            for j in 0..i {
                let ((op, a, b, v), (o, c, d, u)) = (self.in_order[i], self.in_order[j]);
                if op != o
                    || pool.term_width(v) != pool.term_width(u)
                    || pool.term_width(a) != pool.term_width(c)
                {
                    continue;
                }
                pairs += 1;
                if pairs > MAX_PAIRS {
                    return;
                }
                let same = |pool: &mut TermPool, c: TermId, d: TermId| {
                    let (x, y) = (pool.eq(&a, &c), pool.eq(&b, &d));
                    pool.and(&x, &y)
                };
                let mut equal = same(pool, c, d);
                if op == BinOp::Mul {
                    let crossed = same(pool, d, c);
                    equal = pool.bin(BinOp::Or, &equal, &crossed);
                }
                let differ = pool.not(&equal);
                let results = pool.eq(&v, &u);
                let holds = pool.bin(BinOp::Or, &differ, &results);
                self.require(pool, holds);
            }
        }
    }
}

/// A word at another width: zero-extended or cut.
fn fit(pool: &mut TermPool, t: TermId, w: u32) -> TermId {
    if pool.term_width(t) > w {
        pool.extract(&t, 0, w)
    } else {
        pool.zext(&t, w)
    }
}
