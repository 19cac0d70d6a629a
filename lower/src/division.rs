//! Integer division, remainder and shifts as Lua defines them, from the processor's.

use trinity_codegen::ir::{Block, Cond, FunctionBuilder, IntCc, Value};
use trinity_frontend::bytecode::Op;

/// Multiplier and shift for the signed division by `d > 1`, no power of two: with `p = 64 + shift`, the smallest `p` for which
/// `m = ceil(2^p / d)` satisfies `m * d - 2^p < 2^(p - 63)`; the multiplier is `m` modulo 2^64.
fn reciprocal(d: i64) -> (i64, i32) {
    let d = d as u128;
    let mut p = 64;
    loop {
        let (q, r) = ((1u128 << p) / d, (1u128 << p) % d);
        let (m, excess) = if r == 0 { (q, 0) } else { (q + 1, d - r) };
        if excess < 1u128 << (p - 63) && m < 1u128 << 64 {
            return (m as u64 as i64, p - 64);
        }
        p += 1;
    }
}

/// Division rounding to minus infinity, or its remainder (`Mod`); `d` is neither 0 nor -1.
pub(crate) fn floor_division(b: &mut FunctionBuilder, op: Op, x: Value, d: Value) -> Value {
    let zero = b.iconst(0);
    if op == Op::Mod {
        // r has the sign of x; move it to the sign of d.
        let r = b.srem(x, d);
        let fixed = b.iadd(r, d);
        let wrong = b.xor(r, d);
        let adjusted = b.select(Cond::icmp(IntCc::Slt, wrong, 0), fixed, r);
        b.select(Cond::icmp(IntCc::Eq, r, 0), zero, adjusted)
    } else {
        let q = b.sdiv(x, d);
        let product = b.imul(q, d);
        let r = b.isub(x, product);
        let less = b.isub(q, 1);
        let wrong = b.xor(r, d);
        let adjusted = b.select(Cond::icmp(IntCc::Slt, wrong, 0), less, q);
        b.select(Cond::icmp(IntCc::Eq, r, 0), q, adjusted)
    }
}

/// [`floor_division`] by a constant `d > 0`. A power of two is a shift or a mask. Others multiply by the reciprocal (Granlund and Montgomery,
/// "Division by invariant integers using multiplication", 1994). The high half of the product, shifted, is `ceil(x / d) - 1` for negative `x`
/// and `floor(x / d)` for others, so that the remainder is `d` where it should be 0.
pub fn by_constant(b: &mut FunctionBuilder, op: Op, x: Value, d: i64) -> Value {
    if (d as u64).is_power_of_two() {
        if op == Op::Mod {
            let mask = b.iconst(d - 1);
            return b.and(x, mask);
        }
        return if d == 1 {
            x
        } else {
            b.sar(x, d.trailing_zeros() as i32)
        };
    }
    let (multiplier, shift) = reciprocal(d);
    let m = b.iconst(multiplier);
    let mut high = b.smulh(x, m);
    if multiplier < 0 {
        high = b.iadd(high, x);
    }
    let q = b.sar(high, shift);
    let divisor = b.iconst(d);
    let product = b.imul(q, divisor);
    let r = b.isub(x, product);
    let exact = Cond::icmp(IntCc::Eq, r, divisor);
    if op == Op::Mod {
        let zero = b.iconst(0);
        b.select(exact, zero, r)
    } else {
        let next = b.iadd(q, 1);
        b.select(exact, next, q)
    }
}

/// //, %, << and >> on registers: divisors 0 and -1 and counts outside 0..=63 go to `slow`.
pub(crate) fn checked(b: &mut FunctionBuilder, op: Op, x: Value, y: Value, slow: Block) -> Value {
    if matches!(op, Op::Mod | Op::IDiv) {
        // 0 raises, -1 overflows in the processor: both are y + 1 <= 1.
        let y1 = b.iadd(y, 1);
        b.exit_if(Cond::icmp(IntCc::Ule, y1, 1), slow, &[]);
        return floor_division(b, op, x, y);
    }
    b.exit_if(Cond::icmp(IntCc::Ugt, y, 63), slow, &[]);
    if op == Op::Shl {
        b.shl(x, y)
    } else {
        b.shr(x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::reciprocal;

    /// The division `floor_division_by` builds.
    fn divide(x: i64, d: i64) -> (i64, i64) {
        let (m, s) = reciprocal(d);
        let mut high = ((x as i128 * m as i128) >> 64) as i64;
        if m < 0 {
            high = high.wrapping_add(x);
        }
        let q = high >> s;
        let r = x.wrapping_sub(q.wrapping_mul(d));
        if r == d { (q + 1, 0) } else { (q, r) }
    }

    #[test]
    fn reciprocals_divide() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for round in 0..20_000 {
            let d = match round {
                0..2000 => round + 2,
                2000..2063 => (1_i64 << (round - 2000)).wrapping_add(1).max(3),
                2063..2126 => (1_i64 << (round - 2063)).wrapping_sub(1).max(3),
                _ => ((next() >> 1 >> (next() % 62)) as i64).max(3),
            };
            if d.count_ones() == 1 {
                continue;
            }
            let most = i64::MAX / d * d;
            let mut xs = vec![
                0,
                1,
                -1,
                d,
                -d,
                d - 1,
                1 - d,
                i64::MIN,
                i64::MAX,
                most,
                -most,
            ];
            xs.extend([most - 1, -most - 1, most.wrapping_add(1)]);
            for _ in 0..20 {
                let x = (next() as i64) >> (next() % 64);
                xs.extend([x, x / d * d, (x / d * d).wrapping_sub(1)]);
            }
            for x in xs {
                let want = (x.div_euclid(d), x.rem_euclid(d));
                assert_eq!(divide(x, d), want, "{x} by {d}");
            }
        }
    }
}
