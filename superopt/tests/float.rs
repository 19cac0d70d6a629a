//! Floating-point arithmetic in proofs: exact in the solver's theory, NaN bits included (law 4).

use std::time::{Duration, Instant};
use trinity_codegen::isa::concrete::mask;
use trinity_codegen::isa::{BinOp, Bits, Concrete, Domain, FpOp, TermId, TermPool};
use trinity_superopt::proof::{Limits, Pair, ProofResult, Query, Rung, prove};
use trinity_superopt::report::verdict::{Verdict, VerdictKind};
use trinity_superopt::solver::SolverPool;

fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

fn equal(name: &str, p: &mut TermPool, l: TermId, r: TermId, pre: &[TermId]) -> ProofResult {
    within(name, p, l, r, pre, Duration::from_secs(60))
}

fn within(
    name: &str,
    p: &mut TermPool,
    l: TermId,
    r: TermId,
    pre: &[TermId],
    time: Duration,
) -> ProofResult {
    let mut q = Query::words(vec![Pair::new("xmm0", l, r)]);
    q.precondition = pre.to_vec();
    let start = Instant::now();
    let r = prove(p, &q, &Limits::within(time), &solvers());
    println!(
        "{name}: {} in {:.2} s",
        r.verdict,
        start.elapsed().as_secs_f64()
    );
    for s in &r.steps {
        println!(
            "  {} {} {:.2} s {}",
            s.rung,
            s.verdict,
            s.time.as_secs_f64(),
            s.why
        );
    }
    r
}

fn ordered(p: &mut TermPool, x: TermId, y: TermId) -> TermId {
    let nan = p.fp(FpOp::Unord, &[x, y]);
    p.not(&nan)
}

/// The values of a counterexample, in the order of the variables.
fn example(r: &ProofResult) -> Vec<u64> {
    let c = r.counterexample.as_ref().expect("a refutation has one");
    let mut values: Vec<_> = c.variables.iter().map(|(t, v)| (*t, *v as u64)).collect();
    values.sort_unstable();
    values.into_iter().map(|(_, v)| v).collect()
}

#[test]
fn sums_and_products_commute_but_for_two_nans() {
    for op in [FpOp::Add, FpOp::Mul] {
        for w in [32, 64] {
            let mut p = TermPool::new();
            let (x, y) = (p.var("x", w), p.var("y", w));
            let (a, b) = (p.fp(op, &[x, y]), p.fp(op, &[y, x]));
            let r = equal(&format!("{op:?} {w} commutes"), &mut p, a, b, &[]);
            assert_eq!(r.verdict, Verdict::Refuted);
            let nan = |v: u64| match w {
                64 => f64::from_bits(v).is_nan(),
                _ => f32::from_bits(v as u32).is_nan(),
            };
            assert!(example(&r).into_iter().all(nan));
            // One of them is a number: whichever it is.
            let number = p.fp(FpOp::Unord, &[x, x]);
            let number = p.not(&number);
            let r = equal("x is a number", &mut p, a, b, &[number]);
            assert_eq!(r.verdict, Verdict::ProvenUnderPrecondition);
        }
    }
}

#[test]
fn doubling_is_adding() {
    for (w, two) in [(32, 0x4000_0000), (64, 0x4000 << 48)] {
        let mut p = TermPool::new();
        let x = p.var("x", w);
        let k = p.constant(w, two);
        let (a, b) = (p.fp(FpOp::Mul, &[x, k]), p.fp(FpOp::Add, &[x, x]));
        let r = equal(&format!("2x = x + x at {w}"), &mut p, a, b, &[]);
        assert_eq!(r.verdict, Verdict::Proven);
        assert!(r.steps.iter().any(|s| s.rung == Rung::FloatTheory));
    }
}

#[test]
fn a_difference_with_itself_is_not_zero() {
    let mut p = TermPool::new();
    let x = p.var("x", 64);
    let (a, zero) = (p.fp(FpOp::Sub, &[x, x]), p.constant(64, 0));
    let r = equal("x - x = 0", &mut p, a, zero, &[]);
    assert_eq!(r.verdict, Verdict::Refuted);
    assert!(!f64::from_bits(example(&r)[0]).is_finite());
    // It is for numbers.
    let m = p.constant(64, mask(63));
    let magnitude = p.and(&x, &m);
    let infinity = p.constant(64, 0x7ff0 << 48);
    let finite = p.cmp(trinity_codegen::isa::CmpOp::Ult, &magnitude, &infinity);
    let r = equal("x - x = 0 where finite", &mut p, a, zero, &[finite]);
    assert_eq!(r.verdict, Verdict::ProvenUnderPrecondition);
}

#[test]
fn minimum_is_not_symmetric() {
    for op in [FpOp::Min, FpOp::Max] {
        let mut p = TermPool::new();
        let (x, y) = (p.var("x", 64), p.var("y", 64));
        let (a, b) = (p.fp(op, &[x, y]), p.fp(op, &[y, x]));
        assert_eq!(equal("min", &mut p, a, b, &[]).verdict, Verdict::Refuted);
        // Also where neither is NaN: of two zeros the second is taken.
        let numbers = ordered(&mut p, x, y);
        let r = equal("min of numbers", &mut p, a, b, &[numbers]);
        assert_eq!(r.verdict, Verdict::Refuted);
        let v = example(&r);
        assert!(v.iter().all(|v| v << 1 == 0), "{v:x?}");
        let apart = p.fp(FpOp::Eq, &[x, y]);
        let apart = p.not(&apart);
        let r = equal("min of different numbers", &mut p, a, b, &[numbers, apart]);
        assert_eq!(r.verdict, Verdict::ProvenUnderPrecondition);
    }
}

#[test]
fn rounding_is_not_undone() {
    let mut p = TermPool::new();
    let (x, y) = (p.var("x", 64), p.var("y", 64));
    let sum = p.fp(FpOp::Add, &[x, y]);
    let back = p.fp(FpOp::Sub, &[sum, y]);
    let r = equal("(x + y) - y = x", &mut p, back, x, &[]);
    assert_eq!(r.verdict, Verdict::Refuted);
}

/// Where the difference is one input in 2^64, tests do not find it and the theory does.
#[test]
fn the_theory_refutes() {
    let mut p = TermPool::new();
    let x = p.var("x", 64);
    let one = p.constant(64, 1f64.to_bits().into());
    let sum = p.fp(FpOp::Add, &[x, one]);
    let key = p.constant(64, 1234.567_f64.to_bits().into());
    let hit = p.eq(&sum, &key);
    let zero = p.constant(64, 0);
    let (word, bit) = (p.ite(&hit, &key, &zero), zero);
    let r = equal("x + 1 = 1234.567", &mut p, word, bit, &[]);
    assert_eq!(r.verdict, Verdict::Refuted);
    assert_eq!(f64::from_bits(example(&r)[0]) + 1.0, 1234.567);
    assert!(
        r.steps
            .iter()
            .any(|s| s.rung == Rung::FloatTheory && s.verdict == VerdictKind::Refuted)
    );
}

/// Out of time is a timeout, whatever functions in the place of the operations would say.
#[test]
fn too_hard_is_a_timeout() {
    let mut p = TermPool::new();
    let [x, y, z] = ["x", "y", "z"].map(|n| p.var(n, 64));
    let a = p.fp(FpOp::Fma, &[x, y, z]);
    let a = p.fp(FpOp::Sqrt, &[a]);
    let b = p.fp(FpOp::Div, &[a, x]);
    let key = p.constant(64, 0x3fe5_1234_5678_9abc);
    let hit = p.eq(&b, &key);
    let zero = p.constant(64, 0);
    let l = p.ite(&hit, &x, &zero);
    let r = within("hard", &mut p, l, zero, &[], Duration::from_millis(1500));
    assert!(
        matches!(r.verdict, Verdict::Timeout | Verdict::Refuted),
        "{}",
        r.verdict
    );
}

/// Every operation on chosen and drawn operands: the theory agrees with exact evaluation, which agrees with the
/// processor.
#[test]
fn the_theory_computes_what_the_processor_does() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    println!("seed {state:#x}");
    let mut draw = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state ^ state >> 29
    };
    let strata = |w: u32, n: u64| -> u64 {
        let at = |d: f64, f: f32| {
            if w == 64 {
                d.to_bits()
            } else {
                f.to_bits().into()
            }
        };
        match n % 14 {
            0 => at(0.0, 0.0),
            1 => at(-0.0, -0.0),
            2 => at(f64::INFINITY, f32::INFINITY),
            3 => at(f64::NEG_INFINITY, f32::NEG_INFINITY),
            // Signalling, with a sign and a payload.
            4 => at(f64::INFINITY, f32::INFINITY) | 1 << (w - 1) | 5,
            5 => at(f64::NAN, f32::NAN) | 0x123,
            6 => 1,
            7 => at(1.5, 1.5),
            8 => at(-2.5, -2.5),
            9 => at(2147483648.0, 2147483648.0),
            10 => at(-9223372036854775808.0, -9223372036854775808.0),
            11 => at(f64::MAX, f32::MAX),
            _ => n & mask(w) as u64,
        }
    };
    let all = |w: u32| {
        let mut ops = vec![
            FpOp::Add,
            FpOp::Sub,
            FpOp::Mul,
            FpOp::Div,
            FpOp::Sqrt,
            FpOp::ToInt(32),
            FpOp::ToInt(64),
            FpOp::ToIntTrunc(32),
            FpOp::ToIntTrunc(64),
            FpOp::Convert(if w == 64 { 32 } else { 64 }),
            FpOp::FromInt(32),
            FpOp::FromInt(64),
        ];
        ops.extend((0..4).map(FpOp::Round));
        ops
    };
    let s = solvers();
    for w in [32, 64] {
        for op in all(w) {
            let binary = matches!(op, FpOp::Add | FpOp::Sub | FpOp::Mul | FpOp::Div);
            let mut p = TermPool::new();
            let count = if binary { 2 } else { 1 };
            let names = ["x", "y"];
            let words: Vec<TermId> = (0..count).map(|i| p.var(names[i], w)).collect();
            let out = p.fp(op, &words);
            // All cases in one question: some input of the list on which the theory gives another result.
            let mut wrong = p.bit(false);
            for _ in 0..40 {
                let values: Vec<Bits> = words
                    .iter()
                    .map(|_| {
                        let n = draw();
                        Bits::new(w, strata(w, n).into())
                    })
                    .collect();
                let expected = Concrete.fp(op, &values);
                let mut here = p.bit(true);
                for (t, v) in words.iter().zip(&values) {
                    let k = p.constant(w, v.value);
                    let eq = p.eq(t, &k);
                    here = p.and(&here, &eq);
                }
                let k = p.constant(p.term_width(out), expected.value);
                let same = p.eq(&out, &k);
                let differs = p.not(&same);
                let both = p.and(&here, &differs);
                wrong = p.bin(BinOp::Or, &wrong, &both);
            }
            let no = p.bit(false);
            let q = Query::words(vec![Pair::new("case", wrong, no)]);
            let limits = Limits {
                tests: 32,
                ..Limits::within(Duration::from_secs(120))
            };
            let r = prove(&mut p, &q, &limits, &s);
            println!("{op:?} at {w}: {}", r.verdict);
            assert_eq!(r.verdict, Verdict::Proven, "{op:?} at {w}: {:?}", r.steps);
        }
    }
}
