//! What is known of quotients and remainders where a variable stands for them.
//!
//! The operations are SMT-LIB's (logic QF_BV: `bvudiv`, `bvurem`, `bvsdiv`, `bvsrem`; Barrett, Fontaine, Tinelli, "The
//! SMT-LIB Standard"): signed division cuts toward zero, the least number divided by -1 is itself, and a divisor of zero
//! gives a quotient that depends on the dividend and the dividend as remainder. The facts cover what code around a
//! division looks at: divisors 1 and -1 (which compilers and interpreters handle apart), a dividend of zero, and the sign
//! and size of a remainder, on which floored division turns.
//!
//! Invariant: every fact holds for all operands at every width. It is proven at 8 and at 16 bits with the real
//! operations, and no fact mentions a width.

use super::lemmas::{below_or_equal, implies, remainder};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId, TermPool};

/// One-bit terms that hold of `v` where it is `op` of `a` and `b`; none for operations that do not divide.
pub fn facts(pool: &mut TermPool, op: BinOp, a: TermId, b: TermId, v: TermId) -> Vec<TermId> {
    let w = pool.term_width(a);
    let (zero, one) = (pool.constant(w, 0), pool.constant(w, 1));
    let minus_one = pool.not(&zero);
    let by_zero = pool.is_zero(&b);
    let by_one = pool.eq(&b, &one);
    let by_minus_one = pool.eq(&b, &minus_one);
    let no_dividend = pool.is_zero(&a);
    let is = |pool: &mut TermPool, x: TermId| pool.eq(&v, &x);
    let nothing = is(pool, zero);
    let same = is(pool, a);
    match op {
        BinOp::Udiv => {
            let bounded = below_or_equal(pool, v, a);
            vec![pool.or(&bounded, &by_zero), implies(pool, by_one, same)]
        }
        BinOp::Urem => vec![remainder(pool, &mut |_, _, _, _| v, a, b)],
        BinOp::Sdiv => {
            let negated = pool.sub(&zero, &a);
            let negated = is(pool, negated);
            let none = pool.or(&nothing, &by_zero);
            vec![
                implies(pool, by_one, same),
                implies(pool, by_minus_one, negated),
                implies(pool, no_dividend, none),
            ]
        }
        BinOp::Srem => {
            let unit = pool.or(&by_one, &by_minus_one);
            let trivial = pool.or(&unit, &no_dividend);
            let signs = (pool.msb(&a), pool.msb(&v));
            let as_dividend = pool.eq(&signs.0, &signs.1);
            let (below, above) = (pool.cmp(CmpOp::Slt, &v, &b), pool.cmp(CmpOp::Slt, &b, &v));
            // |v| < |b|: a remainder lies on zero's side of the divisor of its own sign.
            let divisor = pool.msb(&b);
            let same_sign = pool.eq(&divisor, &signs.1);
            let nearer = pool.ite(&divisor, &above, &below);
            let nearer = implies(pool, same_sign, nearer);
            vec![
                implies(pool, trivial, nothing),
                pool.or(&nothing, &as_dividend),
                pool.or(&nearer, &by_zero),
            ]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::exhaust::{Exhausted, exhaust};
    use crate::proof::{Claim, Limits, Pair, Query, Rung, prove};
    use crate::report::verdict::Verdict;
    use crate::solver::Cancel;
    use crate::solver::tests::solvers;

    const OPERATIONS: [BinOp; 4] = [BinOp::Udiv, BinOp::Urem, BinOp::Sdiv, BinOp::Srem];

    /// The claim that the facts hold with the real operations in the place of the variable; how many there are.
    fn claim(w: u32) -> (TermPool, Query, usize) {
        let mut pool = TermPool::new();
        let (a, b) = (pool.var("a", w), pool.var("b", w));
        let yes = pool.bit(true);
        let mut outputs = Vec::new();
        for op in OPERATIONS {
            let v = pool.bin(op, &a, &b);
            let made = facts(&mut pool, op, a, b, v);
            let pairs = made.into_iter().enumerate();
            outputs.extend(pairs.map(|(n, f)| Pair::new(&format!("{op:?} {n}"), f, yes)));
        }
        let count = outputs.len();
        let query = Query {
            claim: Claim::Equivalence,
            precondition: Vec::new(),
            outputs,
            left: Default::default(),
            right: Default::default(),
        };
        (pool, query, count)
    }

    #[test]
    fn facts_hold_of_the_real_operations() {
        for w in [1, 2, 3, 8] {
            let (mut pool, query, count) = claim(w);
            assert_eq!(count, 9);
            let all = exhaust(&mut pool, &query, 16, &Cancel::new());
            assert_eq!(
                all,
                Exhausted::Holds {
                    inputs: 1 << (2 * w)
                }
            );
        }
        let solvers = solvers();
        let (mut pool, query, _) = claim(16);
        let proof = prove(&mut pool, &query, &Limits::default(), &solvers);
        assert_eq!(proof.verdict, Verdict::Proven, "{:?}", proof.steps);
    }

    /// What the facts are for: floored division whose divisor of -1 is handled apart, on 64 bits.
    #[test]
    fn a_divisor_of_minus_one_may_be_handled_apart() {
        let solvers = solvers();
        for (op, by_minus_one) in [(BinOp::Sdiv, true), (BinOp::Srem, false)] {
            let mut pool = TermPool::new();
            let (a, b) = (pool.var("a", 64), pool.var("b", 64));
            let zero = pool.constant(64, 0);
            let ones = pool.not(&zero);
            let special = pool.eq(&b, &ones);
            let plain = pool.bin(op, &a, &b);
            let negated = pool.sub(&zero, &a);
            let simple = if by_minus_one { negated } else { zero };
            let apart = pool.ite(&special, &simple, &plain);
            let wrong = pool.ite(&special, &a, &plain);
            for (right, expected) in [(apart, Verdict::Proven), (wrong, Verdict::Refuted)] {
                let query = Query {
                    claim: Claim::Equivalence,
                    precondition: Vec::new(),
                    outputs: vec![Pair::new("result", plain, right)],
                    left: Default::default(),
                    right: Default::default(),
                };
                // Little enough that no 64-bit division is seen through.
                let limits = Limits::deterministic(4_000_000, 1);
                let proof = prove(&mut pool, &query, &limits, &solvers);
                assert_eq!(proof.verdict, expected, "{op:?}: {:?}", proof.steps);
                let abstracted = |s: &crate::proof::Step| s.rung == Rung::Abstraction;
                let proven = expected == Verdict::Proven;
                assert_eq!(
                    proof.steps.iter().any(abstracted),
                    proven,
                    "{:?}",
                    proof.steps
                );
            }
        }
    }
}
