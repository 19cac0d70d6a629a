//! Divisions by constants.

use super::*;

/// A range of divisors, unsigned and signed, as compilers divide by constants: decided
/// by the integer form alone.
#[test]
fn magic_division_for_many_divisors() {
    for w in [32u32, 64] {
        for d in (3u128..60).chain([100, 101, 125, 641, 1000]) {
            let mut pool = TermPool::new();
            let x = pool.var("x", w);
            let divisor = pool.constant(w, d);
            let konst = |pool: &mut TermPool, v: u128| pool.constant(w, v);
            // Unsigned: the least shift whose rounded-up multiplier has at most w + 1 bits and is exact enough.
            let n = 1u128 << w;
            let log = 128 - (d - 1).leading_zeros();
            // ceil(2^(w+log) / d) = 2^w + rest
            let rest = (((1u128 << log) - d) << w) / d + 1;
            let left = pool.bin(BinOp::Udiv, &x, &divisor);
            let m = konst(&mut pool, rest & (n - 1));
            let high = pool.bin(BinOp::MulHiU, &x, &m);
            let difference = pool.sub(&x, &high);
            let one = konst(&mut pool, 1);
            let half = pool.bin(BinOp::Lshr, &difference, &one);
            let sum = pool.add(&half, &high);
            let shift = konst(&mut pool, u128::from(log) - 1);
            let right = pool.bin(BinOp::Lshr, &sum, &shift);
            let mut forms = IntegerForms::new(1 << 20);
            assert!(forms.equal(&pool, left, right), "x / {d} at {w} bits");
            // Powers of two are shifts, which bit-blasting decides.
            if d.is_power_of_two() {
                continue;
            }
            // Signed: floor(2^(w-1+log) / d) + 1 as a signed word; the dividend is added when it turns negative.
            let m = ((n << (log - 1)) / d + 1) & (n - 1);
            let left = pool.bin(BinOp::Sdiv, &x, &divisor);
            let top = konst(&mut pool, u128::from(w) - 1);
            let sign = pool.bin(BinOp::Ashr, &x, &top);
            let k = konst(&mut pool, m);
            let mut high = pool.bin(BinOp::MulHiS, &x, &k);
            if m >> (w - 1) == 1 {
                high = pool.add(&high, &x);
            }
            let shift = konst(&mut pool, u128::from(log) - 1);
            let high = pool.bin(BinOp::Ashr, &high, &shift);
            let right = pool.sub(&high, &sign);
            assert!(
                left == right || super::signs::equal_by_cases(&mut pool, 1 << 20, left, right),
                "signed x / {d} at {w} bits"
            );
        }
    }
}
