//! A test per verdict that can arise at this level.

use super::terms::{B, solvers};
use std::time::Duration;
use trinity_codegen::isa::domain::CmpOp;
use trinity_codegen::isa::{BinOp, Domain};
use trinity_superopt::proof::{Limits, Pair, Query};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::{PoolConfig, SolverPool};

/// A wrong average: refuted, with the smallest input on which it overflows.
#[test]
fn refuted_with_a_small_counterexample() {
    let mut b = B::new();
    let (x, y) = (b.var("x", 32), b.var("y", 32));
    let (both, either) = (b.and(x, y), b.xor(x, y));
    let half = b.shr(either, 1);
    let right = b.add(both, half);
    let sum = b.add(x, y);
    let wrong = b.shr(sum, 1);
    let q = Query::words(vec![Pair::new("eax", right, wrong)]);
    let r = b.prove(&q, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Refuted);
    let c = r.counterexample.expect("a refutation has one");
    // Two bits are the least that carry out: 2^31 + 2^31.
    assert_eq!(
        c.variables.values().copied().collect::<Vec<_>>(),
        [1 << 31, 1 << 31]
    );
    assert_eq!(r.failing, ["eax"]);
}

/// A difference on one input in 2^64, which no test hits: the solver finds it.
#[test]
fn refuted_by_the_solver() {
    let mut b = B::new();
    let x = b.var("x", 64);
    let key = b.k(x, 0x1234_5678_9abc_def1);
    let s = b.shl(x, 7);
    let mixed = b.xor(x, s);
    let hit = b.p.eq(&mixed, &key);
    let one = b.k(x, 1);
    let other = b.add(x, one);
    let right = b.p.ite(&hit, &other, &x);
    let q = Query::words(vec![Pair::new("rax", x, right)]);
    let r = b.prove(&q, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Refuted);
    let v = *r
        .counterexample
        .expect("a refutation has one")
        .variables
        .values()
        .next()
        .expect("x");
    assert_eq!((v ^ v << 7) as u64, 0x1234_5678_9abc_def1);
}

/// Equal only where the precondition holds, and the precondition comes with a witness.
#[test]
fn proven_under_a_precondition() {
    let mut b = B::new();
    let x = b.var("x", 32);
    let three = b.k(x, 3);
    let limit = b.k(x, 1 << 20);
    let pre = b.p.cmp(CmpOp::Ult, &x, &limit);
    let product = b.mul(x, three);
    let left = b.op(BinOp::Udiv, product, three);
    let mut q = Query::words(vec![Pair::new("eax", left, x)]);
    q.precondition = vec![pre];
    let r = b.prove(&q, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::ProvenUnderPrecondition);
    assert!(r.witness.expect("a witness").variables[&x] < 1 << 20);
    q.precondition.clear();
    let r = b.prove(&q, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Refuted);
}

/// A precondition nothing meets makes the claim vacuous, whatever it is.
#[test]
fn vacuous() {
    let mut b = B::new();
    let x = b.var("x", 32);
    // Squares are 0 or 1 modulo 4.
    let square = b.mul(x, x);
    let low = b.mask(square, 3);
    let two = b.k(x, 2);
    let pre = b.p.eq(&low, &two);
    let zero = b.k(x, 0);
    let mut q = Query::words(vec![Pair::new("eax", x, zero)]);
    q.precondition = vec![pre];
    let r = b.prove(&q, &Limits::default(), &solvers());
    assert_eq!(r.verdict, Verdict::Vacuous);
    assert!(r.witness.is_none() && r.counterexample.is_none());
}

/// The factors of a product of two primes: nobody refutes it in time, and nobody may call it equal.
fn hard(b: &mut B) -> Query {
    let (x, y) = (b.var("x", 64), b.var("y", 64));
    let (x32, y32) = (b.mask(x, 0xffff_ffff), b.mask(y, 0xffff_ffff));
    let product = b.mul(x32, y32);
    // 4294967291 * 4294967279
    let n = b.k(x, 4_294_967_291 * 4_294_967_279);
    let hit = b.p.eq(&product, &n);
    let less = b.p.cmp(CmpOp::Ult, &x32, &y32);
    let both = b.p.and(&hit, &less);
    let one = b.k(x, 1);
    let zero = b.k(x, 0);
    let right = b.p.ite(&both, &one, &zero);
    Query::words(vec![Pair::new("rax", zero, right)])
}

#[test]
fn timeout_is_not_equal() {
    let mut b = B::new();
    let q = hard(&mut b);
    let r = b.prove(&q, &Limits::within(Duration::from_millis(300)), &solvers());
    assert_eq!(r.verdict, Verdict::Timeout);
}

/// Without clocks the same budget gives the same steps.
#[test]
fn deterministic_runs_agree() {
    let run = || {
        let mut b = B::new();
        let q = hard(&mut b);
        let r = b.prove(&q, &Limits::deterministic(6_000_000, 7), &solvers());
        let steps: Vec<_> = r
            .steps
            .iter()
            .map(|s| (s.goal.clone(), s.rung, s.rlimit, s.text_hash.clone()))
            .collect();
        (r.verdict, r.tests, steps)
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, Verdict::Timeout);
    assert_eq!(first, second);
}

#[test]
fn cancelled_is_unknown() {
    let mut b = B::new();
    let q = hard(&mut b);
    let limits = Limits::default();
    limits.cancel.cancel();
    let r = b.prove(&q, &limits, &solvers());
    assert!(
        matches!(&r.verdict, Verdict::Unknown { why } if why == "cancelled"),
        "{}",
        r.verdict
    );
}

#[test]
fn a_missing_solver_is_an_error() {
    let mut b = B::new();
    let q = hard(&mut b);
    let none = SolverPool::new(PoolConfig::new("/nonexistent/trinity-solver".into()));
    let r = b.prove(&q, &Limits::default(), &none);
    assert!(matches!(r.verdict, Verdict::Error { .. }), "{}", r.verdict);
}
