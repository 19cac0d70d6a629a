//! What the proof ladder must reach (reference, section 8), built from terms directly, and a test per verdict that can
//! arise at this level. Times are printed, never tested.

use std::time::{Duration, Instant};
use trinity_codegen::isa::domain::CmpOp;
use trinity_codegen::isa::{BinOp, Domain, Fault, FaultKind, TermId, TermPool, UnOp};
use trinity_superopt::proof::{Claim, Limits, Pair, ProofResult, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::{PoolConfig, SolverPool};

fn solvers() -> SolverPool {
    SolverPool::new(
        PoolConfig::located().expect("build trinity-solver first (cargo build -p trinity-solver)"),
    )
}

/// Terms with operators.
struct B {
    p: TermPool,
}

#[allow(clippy::should_implement_trait)]
impl B {
    fn new() -> B {
        B { p: TermPool::new() }
    }
    fn var(&mut self, name: &str, w: u32) -> TermId {
        self.p.var(name, w)
    }
    fn k(&mut self, like: TermId, v: u128) -> TermId {
        let w = self.p.term_width(like);
        self.p.constant(w, v)
    }
    fn op(&mut self, op: BinOp, a: TermId, b: TermId) -> TermId {
        self.p.bin(op, &a, &b)
    }
    fn add(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Add, a, b)
    }
    fn sub(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Sub, a, b)
    }
    fn mul(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Mul, a, b)
    }
    fn and(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::And, a, b)
    }
    fn or(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Or, a, b)
    }
    fn xor(&mut self, a: TermId, b: TermId) -> TermId {
        self.op(BinOp::Xor, a, b)
    }
    fn shl(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Shl, a, k)
    }
    fn shr(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Lshr, a, k)
    }
    fn sar(&mut self, a: TermId, n: u32) -> TermId {
        let k = self.k(a, n.into());
        self.op(BinOp::Ashr, a, k)
    }
    fn neg(&mut self, a: TermId) -> TermId {
        self.p.un(UnOp::Neg, &a)
    }
    fn un(&mut self, op: UnOp, a: TermId) -> TermId {
        self.p.un(op, &a)
    }
    fn mask(&mut self, a: TermId, m: u128) -> TermId {
        let k = self.k(a, m);
        self.and(a, k)
    }
    fn prove(&mut self, q: &Query, limits: &Limits<'_>, solvers: &SolverPool) -> ProofResult {
        let start = Instant::now();
        let r = prove(&mut self.p, q, limits, solvers);
        println!(
            "  {} in {:.3} s, {} tests",
            r.verdict,
            start.elapsed().as_secs_f64(),
            r.tests
        );
        for s in &r.steps {
            println!(
                "    {:12} {:10} {:.3} s rlimit {} {} {}",
                s.rung,
                s.verdict,
                s.time.as_secs_f64(),
                s.rlimit,
                s.goal,
                s.why
            );
        }
        r
    }
}

/// Proves two words equal, with two minutes for slow machines.
#[track_caller]
fn equal(name: &str, b: &mut B, left: TermId, right: TermId) {
    equal_where(name, b, left, right, Vec::new());
}

#[track_caller]
fn equal_where(name: &str, b: &mut B, left: TermId, right: TermId, precondition: Vec<TermId>) {
    println!("{name}");
    let mut q = Query::words(vec![Pair::new("result", left, right)]);
    let expected = if precondition.is_empty() {
        Verdict::Proven
    } else {
        Verdict::ProvenUnderPrecondition
    };
    q.precondition = precondition;
    let r = b.prove(&q, &Limits::within(Duration::from_secs(20)), &solvers());
    assert_eq!(r.verdict, expected, "{name}");
}

fn nonzero(b: &mut B, x: TermId) -> TermId {
    let z = b.p.is_zero(&x);
    b.p.not(&z)
}

/// p20: the next number with as many bits, by division and by counting zeros.
#[test]
fn p20_division_equals_shift() {
    for w in [32, 64] {
        let mut b = B::new();
        let x = b.var("x", w);
        let nx = b.neg(x);
        let s = b.and(x, nx);
        let r = b.add(x, s);
        let d = b.xor(x, r);
        let d = b.shr(d, 2);
        let by_division = b.op(BinOp::Udiv, d, s);
        let left = b.or(by_division, r);
        let tz = b.un(UnOp::Ctz, x);
        let by_shift = b.op(BinOp::Lshr, d, tz);
        let right = b.or(by_shift, r);
        let pre = nonzero(&mut b, x);
        equal_where(&format!("p20 {w}"), &mut b, left, right, vec![pre]);
    }
}

/// As `div r32` and `div r64` compute it: a double-width dividend, and a fault that the shift does not have.
#[test]
fn p20_with_the_processors_division() {
    for w in [32, 64] {
        let mut b = B::new();
        let x = b.var("x", w);
        let nx = b.neg(x);
        let s = b.and(x, nx);
        let r = b.add(x, s);
        let d = b.xor(x, r);
        let d = b.shr(d, 2);
        let (wide_d, wide_s) = (b.p.zext(&d, 2 * w), b.p.zext(&s, 2 * w));
        let q = b.op(BinOp::Udiv, wide_d, wide_s);
        let q = b.p.extract(&q, 0, w);
        let left = b.or(q, r);
        let tz = b.un(UnOp::Ctz, x);
        let by_shift = b.op(BinOp::Lshr, d, tz);
        let right = b.or(by_shift, r);
        let mut query = Query::words(vec![Pair::new("eax", left, right)]);
        query.claim = Claim::Refinement;
        query.left.faults.push(Fault {
            kind: FaultKind::Divide,
            when: b.p.is_zero(&s),
        });
        println!("p20 with faults {w}");
        let r = b.prove(&query, &Limits::within(Duration::from_secs(20)), &solvers());
        assert_eq!(r.verdict, Verdict::Proven);
        // The other way round the division is a new fault.
        std::mem::swap(&mut query.left, &mut query.right);
        let r = b.prove(&query, &Limits::within(Duration::from_secs(20)), &solvers());
        assert_eq!(r.verdict, Verdict::Refuted);
        assert_eq!(r.failing, ["no new fault"]);
    }
}

/// p22: parity by folding, by the multiplication, by the population count.
#[test]
fn p22_parity() {
    for w in [32u32, 64] {
        let mut b = B::new();
        let x = b.var("x", w);
        let mut f = x;
        let mut k = w / 2;
        while k > 0 {
            let s = b.shr(f, k);
            f = b.xor(f, s);
            k /= 2;
        }
        let fold = b.mask(f, 1);
        let count = b.un(UnOp::Popcnt, x);
        let count = b.mask(count, 1);
        equal(&format!("p22 {w} fold = popcnt"), &mut b, fold, count);
        // Hacker's Delight's version with a multiplication.
        let s = b.shr(x, 1);
        let m = b.xor(x, s);
        let s = b.shr(m, 2);
        let m = b.xor(m, s);
        let ones = (0..w).step_by(4).fold(0u128, |a, i| a | 1 << i);
        let m = b.mask(m, ones);
        let c = b.k(x, ones);
        let m = b.mul(m, c);
        let m = b.shr(m, w - 4);
        let product = b.mask(m, 1);
        equal(&format!("p22 {w} fold = multiply"), &mut b, fold, product);
    }
}

/// p23: population count by the multiplication, by shifts, by the instruction.
#[test]
fn p23_population_count() {
    for w in [32u32, 64] {
        let ones = |step: u32| {
            (0..w)
                .step_by(2 * step as usize)
                .fold(0u128, |a, i| a | ((1 << step) - 1) << i)
        };
        let mut b = B::new();
        let x = b.var("x", w);
        let s = b.shr(x, 1);
        let s = b.mask(s, ones(1));
        let y = b.sub(x, s);
        let (lo, hi) = (b.mask(y, ones(2)), b.shr(y, 2));
        let hi = b.mask(hi, ones(2));
        let y = b.add(lo, hi);
        let s = b.shr(y, 4);
        let y = b.add(y, s);
        let y = b.mask(y, ones(4));
        let c = b.k(x, (0..w).step_by(8).fold(0, |a, i| a | 1 << i));
        let product = b.mul(y, c);
        let product = b.shr(product, w - 8);
        let mut shifts = y;
        let mut k = 8;
        while k < w {
            let s = b.shr(shifts, k);
            shifts = b.add(shifts, s);
            k *= 2;
        }
        let shifts = b.mask(shifts, 0x7f);
        equal(
            &format!("p23 {w} multiply = shifts"),
            &mut b,
            product,
            shifts,
        );
        let count = b.un(UnOp::Popcnt, x);
        equal(
            &format!("p23 {w} multiply = popcnt"),
            &mut b,
            product,
            count,
        );
        // The plain tree: every level masks both halves.
        let mut t = x;
        let mut k = 1;
        while k < w {
            let (lo, hi) = (b.mask(t, ones(k)), b.shr(t, k));
            let hi = b.mask(hi, ones(k));
            t = b.add(lo, hi);
            k *= 2;
        }
        equal(&format!("p23 {w} tree = multiply"), &mut b, t, product);
    }
}

/// p24: up to a power of two, by smearing and by counting zeros.
#[test]
fn p24_round_up() {
    for w in [32u32, 64] {
        let mut b = B::new();
        let x = b.var("x", w);
        let one = b.k(x, 1);
        let less = b.sub(x, one);
        let mut s = less;
        let mut k = 1;
        while k < w {
            let t = b.shr(s, k);
            s = b.or(s, t);
            k *= 2;
        }
        let smear = b.add(s, one);
        // 1 << (w - lz(x - 1)); the shift by w gives 0, as smearing does.
        let lz = b.un(UnOp::Clz, less);
        let width = b.k(x, w.into());
        let n = b.sub(width, lz);
        let shift = b.op(BinOp::Shl, one, n);
        equal(&format!("p24 {w}"), &mut b, smear, shift);
    }
}

/// The high half of a product, by half words (Hacker's Delight 8-2).
fn high_by_parts(b: &mut B, x: TermId, y: TermId) -> TermId {
    let w = b.p.term_width(x);
    let h = w / 2;
    let m = (1u128 << h) - 1;
    let (x0, x1) = (b.mask(x, m), b.shr(x, h));
    let (y0, y1) = (b.mask(y, m), b.shr(y, h));
    let w0 = b.mul(x0, y0);
    let t = b.mul(x1, y0);
    let carry = b.shr(w0, h);
    let t = b.add(t, carry);
    let (w1, w2) = (b.mask(t, m), b.shr(t, h));
    let p = b.mul(x0, y1);
    let w1 = b.add(p, w1);
    let high = b.mul(x1, y1);
    let high = b.add(high, w2);
    let carry = b.shr(w1, h);
    b.add(high, carry)
}

/// p25: the high half by parts, against the wide product and the instruction.
#[test]
fn p25_high_half_by_parts() {
    for w in [32, 64] {
        let mut b = B::new();
        let (x, y) = (b.var("x", w), b.var("y", w));
        let parts = high_by_parts(&mut b, x, y);
        let (wx, wy) = (b.p.zext(&x, 2 * w), b.p.zext(&y, 2 * w));
        let wide = b.mul(wy, wx);
        let wide = b.p.extract(&wide, w, w);
        equal(&format!("p25 {w} parts = wide"), &mut b, parts, wide);
        let instruction = b.op(BinOp::MulHiU, x, y);
        equal(
            &format!("p25 {w} parts = instruction"),
            &mut b,
            parts,
            instruction,
        );
        // From the signed high half.
        let signed = b.op(BinOp::MulHiS, x, y);
        let (sx, sy) = (b.sar(x, w - 1), b.sar(y, w - 1));
        let (a, c) = (b.and(sx, y), b.and(sy, x));
        let fixed = b.add(signed, a);
        let fixed = b.add(fixed, c);
        equal(
            &format!("p25 {w} parts = signed, corrected"),
            &mut b,
            parts,
            fixed,
        );
    }
}

/// Montgomery's step, `p * q + a + c` as two words: by parts with carries by comparison, and by the wide product.
#[test]
fn montgomery_step() {
    for w in [32u32, 64] {
        let h = w / 2;
        let m = (1u128 << h) - 1;
        let mut b = B::new();
        let (p, q) = (b.var("np", w), b.var("q", w));
        let (a, c) = (b.var("a", w), b.var("c", w));
        // As unoptimised code has it: four half products, the middle carry by comparison.
        let (p0, p1) = (b.mask(p, m), b.shr(p, h));
        let (q0, q1) = (b.mask(q, m), b.shr(q, h));
        let (low, mid1) = (b.mul(p0, q0), b.mul(p1, q0));
        let (mid2, high) = (b.mul(p0, q1), b.mul(p1, q1));
        let mid = b.add(mid1, mid2);
        let overflow = b.p.cmp(CmpOp::Ult, &mid, &mid1);
        let overflow = b.p.zext(&overflow, w);
        let overflow = b.shl(overflow, h);
        let high = b.add(high, overflow);
        let up = b.shl(mid, h);
        let lo = b.add(low, up);
        let carry = b.p.cmp(CmpOp::Ult, &lo, &low);
        let carry = b.p.zext(&carry, w);
        let down = b.shr(mid, h);
        let high = b.add(high, down);
        let high = b.add(high, carry);
        // Two addends, each with its carry.
        let lo1 = b.add(lo, a);
        let carry = b.p.cmp(CmpOp::Ult, &lo1, &a);
        let carry = b.p.zext(&carry, w);
        let high = b.add(high, carry);
        let lo2 = b.add(lo1, c);
        let carry = b.p.cmp(CmpOp::Ult, &lo2, &c);
        let carry = b.p.zext(&carry, w);
        let high = b.add(high, carry);
        // One wide product, additions with carry.
        let wide = |b: &mut B, t: TermId| b.p.zext(&t, 2 * w);
        let (wp, wq, wa, wc) = (
            wide(&mut b, p),
            wide(&mut b, q),
            wide(&mut b, a),
            wide(&mut b, c),
        );
        let sum = b.mul(wp, wq);
        let sum = b.add(sum, wc);
        let sum = b.add(sum, wa);
        let (rl, rh) = (b.p.extract(&sum, 0, w), b.p.extract(&sum, w, w));
        let query = Query::words(vec![Pair::new("low", lo2, rl), Pair::new("high", high, rh)]);
        println!("montgomery {w}");
        let r = b.prove(&query, &Limits::within(Duration::from_secs(20)), &solvers());
        assert_eq!(r.verdict, Verdict::Proven);
        // As `mul`, `add`, `adc $0` compute it.
        let (ml, mh) = (b.mul(p, q), b.op(BinOp::MulHiU, p, q));
        let s1 = b.add(ml, c);
        let c1 = b.p.cmp(CmpOp::Ult, &s1, &ml);
        let c1 = b.p.zext(&c1, w);
        let h1 = b.add(mh, c1);
        let s2 = b.add(s1, a);
        let c2 = b.p.cmp(CmpOp::Ult, &s2, &s1);
        let c2 = b.p.zext(&c2, w);
        let h2 = b.add(h1, c2);
        let query = Query::words(vec![Pair::new("low", lo2, s2), Pair::new("high", high, h2)]);
        let r = b.prove(&query, &Limits::within(Duration::from_secs(20)), &solvers());
        assert_eq!(r.verdict, Verdict::Proven);
    }
}

/// Division by constants through multiplication: one shift, the 33-bit multiplier, a pre-shift, signed, remainders.
#[test]
fn division_by_magic() {
    for (w, magic, shift) in [(32u32, 0xcccc_cccdu128, 3), (64, 0xcccc_cccc_cccc_cccd, 3)] {
        let mut b = B::new();
        let x = b.var("x", w);
        let ten = b.k(x, 10);
        let divided = b.op(BinOp::Udiv, x, ten);
        let k = b.k(x, magic);
        let high = b.op(BinOp::MulHiU, x, k);
        let quotient = b.shr(high, shift);
        equal(&format!("x/10 {w}"), &mut b, divided, quotient);
        let remainder = b.op(BinOp::Urem, x, ten);
        let back = b.mul(quotient, ten);
        let rest = b.sub(x, back);
        equal(&format!("x%10 {w}"), &mut b, remainder, rest);
    }
    for (w, magic) in [(32u32, 0x2492_4925u128), (64, 0x2492_4924_9249_2493)] {
        let mut b = B::new();
        let x = b.var("x", w);
        let seven = b.k(x, 7);
        let divided = b.op(BinOp::Udiv, x, seven);
        let k = b.k(x, magic);
        let high = b.op(BinOp::MulHiU, x, k);
        let rest = b.sub(x, high);
        let rest = b.shr(rest, 1);
        let sum = b.add(rest, high);
        let quotient = b.shr(sum, 2);
        equal(&format!("x/7 {w}"), &mut b, divided, quotient);
    }
    for (w, magic) in [(32u32, 0x6666_6667u128), (64, 0x6666_6666_6666_6667)] {
        let mut b = B::new();
        let x = b.var("x", w);
        let ten = b.k(x, 10);
        let divided = b.op(BinOp::Sdiv, x, ten);
        let k = b.k(x, magic);
        let high = b.op(BinOp::MulHiS, x, k);
        let high = b.sar(high, 2);
        let sign = b.sar(x, w - 1);
        let quotient = b.sub(high, sign);
        equal(&format!("signed x/10 {w}"), &mut b, divided, quotient);
        let remainder = b.op(BinOp::Srem, x, ten);
        let back = b.mul(quotient, ten);
        let rest = b.sub(x, back);
        equal(&format!("signed x%10 {w}"), &mut b, remainder, rest);
    }
}

/// The ring, the carries, the averages: decided without a solver.
#[test]
fn integer_forms_decide_what_they_should() {
    for w in [8u32, 32, 64] {
        let mut b = B::new();
        let (x, y) = (b.var("x", w), b.var("y", w));
        let (sum, difference) = (b.add(x, y), b.sub(x, y));
        let left = b.mul(sum, difference);
        let (xx, yy) = (b.mul(x, x), b.mul(y, y));
        let right = b.sub(xx, yy);
        equal(&format!("difference of squares {w}"), &mut b, left, right);
        // p14: (x & y) + ((x ^ y) >> 1), against the sum in one more bit.
        let (both, either) = (b.and(x, y), b.xor(x, y));
        let half = b.shr(either, 1);
        let average = b.add(both, half);
        let (wx, wy) = (b.p.zext(&x, w + 1), b.p.zext(&y, w + 1));
        let s = b.add(wx, wy);
        let s = b.shr(s, 1);
        let wide = b.p.extract(&s, 0, w);
        equal(&format!("p14 {w}"), &mut b, average, wide);
    }
}

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
