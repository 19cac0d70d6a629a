//! What the proof ladder must reach (reference, section 8), built from terms directly ([`terms`]), and a test per verdict
//! that can arise at this level ([`verdicts`]). Times are printed, never tested.

mod terms;
mod verdicts;

use std::time::Duration;
use terms::{B, equal, equal_where, nonzero, solvers, words};
use trinity_codegen::isa::{BinOp, Domain, Fault, FaultKind, TermId, UnOp};
use trinity_superopt::proof::{Claim, Limits, Pair, Query};
use trinity_superopt::report::verdict::Verdict;

/// What the versions of p20 share: x, its lowest 1, their sum, and the bits in which that differs, shifted by two.
#[derive(Clone, Copy)]
struct P20 {
    x: TermId,
    s: TermId,
    r: TermId,
    d: TermId,
}

fn p20(b: &mut B, w: u32) -> P20 {
    let x = b.var("x", w);
    let nx = b.neg(x);
    let s = b.and(x, nx);
    let r = b.add(x, s);
    let d = b.xor(x, r);
    let d = b.shr(d, 2);
    P20 { x, s, r, d }
}

/// The other way to p20: by a shift instead of the division.
fn p20_by_shift(b: &mut B, p: &P20) -> TermId {
    let tz = b.un(UnOp::Ctz, p.x);
    let by_shift = b.op(BinOp::Lshr, p.d, tz);
    b.or(by_shift, p.r)
}

/// p20: the next number with as many bits, by division and by counting zeros.
#[test]
fn p20_division_equals_shift() {
    for w in [32, 64] {
        let mut b = B::new();
        let p = p20(&mut b, w);
        let P20 { x, s, r, d } = p;
        let by_division = b.op(BinOp::Udiv, d, s);
        let left = b.or(by_division, r);
        let right = p20_by_shift(&mut b, &p);
        let pre = nonzero(&mut b, x);
        equal_where(&format!("p20 {w}"), &mut b, left, right, vec![pre]);
    }
}

/// As `div r32` and `div r64` compute it: a double-width dividend, and a fault that the shift does not have.
#[test]
fn p20_with_the_processors_division() {
    for w in [32, 64] {
        let mut b = B::new();
        let p = p20(&mut b, w);
        let P20 { s, r, d, .. } = p;
        let (wide_d, wide_s) = (b.p.zext(&d, 2 * w), b.p.zext(&s, 2 * w));
        let q = b.op(BinOp::Udiv, wide_d, wide_s);
        let q = b.p.extract(&q, 0, w);
        let left = b.or(q, r);
        let right = p20_by_shift(&mut b, &p);
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
        let overflow = b.carry(mid, mid1);
        let overflow = b.shl(overflow, h);
        let high = b.add(high, overflow);
        let up = b.shl(mid, h);
        let lo = b.add(low, up);
        let carry = b.carry(lo, low);
        let down = b.shr(mid, h);
        let high = b.add(high, down);
        let high = b.add(high, carry);
        // Two addends, each with its carry.
        let lo1 = b.add(lo, a);
        let high = b.add_carry(high, lo1, a);
        let lo2 = b.add(lo1, c);
        let high = b.add_carry(high, lo2, c);
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
        let both = |low, rest| vec![Pair::new("low", lo2, low), Pair::new("high", high, rest)];
        words(
            &format!("montgomery {w}, wide"),
            &mut b,
            both(rl, rh),
            Vec::new(),
        );
        // As `mul`, `add`, `adc $0` compute it.
        let (ml, mh) = (b.mul(p, q), b.op(BinOp::MulHiU, p, q));
        let s1 = b.add(ml, c);
        let h1 = b.add_carry(mh, s1, ml);
        let s2 = b.add(s1, a);
        let h2 = b.add_carry(h1, s2, s1);
        words(
            &format!("montgomery {w}, adc"),
            &mut b,
            both(s2, h2),
            Vec::new(),
        );
    }
}

/// `x / divisor` and `x % divisor` by the instructions, against a quotient made from the high half of `x * magic`.
fn division(
    what: &str,
    [divide, remainder, high]: [BinOp; 3],
    (w, divisor, magic): (u32, u128, u128),
    quotient: impl FnOnce(&mut B, TermId, TermId) -> TermId,
) {
    let mut b = B::new();
    let x = b.var("x", w);
    let (by, k) = (b.k(x, divisor), b.k(x, magic));
    let divided = b.op(divide, x, by);
    let high = b.op(high, x, k);
    let quotient = quotient(&mut b, x, high);
    let name = |sign| format!("{what}x{sign}{divisor} {w}");
    equal(&name('/'), &mut b, divided, quotient);
    let left = b.op(remainder, x, by);
    let back = b.mul(quotient, by);
    let rest = b.sub(x, back);
    equal(&name('%'), &mut b, left, rest);
}

/// Division by constants through multiplication: one shift, the 33-bit multiplier, signed; and remainders.
#[test]
fn division_by_magic() {
    use BinOp::{MulHiS, MulHiU, Sdiv, Srem, Udiv, Urem};
    let (unsigned, signed) = ([Udiv, Urem, MulHiU], [Sdiv, Srem, MulHiS]);
    for (w, magic) in [(32, 0xcccc_cccd), (64, 0xcccc_cccc_cccc_cccd)] {
        division("", unsigned, (w, 10, magic), |b, _, high| b.shr(high, 3));
    }
    for (w, magic) in [(32, 0x2492_4925), (64, 0x2492_4924_9249_2493)] {
        division("", unsigned, (w, 7, magic), |b, x, high| {
            let rest = b.sub(x, high);
            let rest = b.shr(rest, 1);
            let sum = b.add(rest, high);
            b.shr(sum, 2)
        });
    }
    for (w, magic) in [(32, 0x6666_6667), (64, 0x6666_6666_6666_6667)] {
        division("signed ", signed, (w, 10, magic), |b, x, high| {
            let high = b.sar(high, 2);
            let sign = b.sar(x, w - 1);
            b.sub(high, sign)
        });
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
