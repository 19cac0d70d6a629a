//! The rules of the domain and of the combinations of conditions, against evaluation.

use super::boolean;
use super::domain::{CodeData, Terms};
use super::logic::implies;
use crate::proof::simulate::Rng;
use std::collections::HashMap;
use trinity_codegen::isa::{
    BinOp, Bits, CmpOp, Concrete, ConcreteMemory, Domain, FpOp, TermId, TermPool, UnOp,
    term::Variable,
};

fn terms() -> Terms<'static> {
    Terms::new(CodeData::default())
}

fn value(rng: &mut Rng, w: u32) -> u128 {
    let few = [
        0,
        1,
        2,
        5,
        7,
        8,
        31,
        63,
        64,
        127,
        128,
        255,
        u128::MAX,
        1 << 31,
        1 << 63,
        0x7ff8 << 48,
        0x3ff0 << 48,
    ];
    let v = match rng.draw() % 3 {
        0 => few[rng.draw() as usize % few.len()],
        1 => u128::from(rng.draw() % 70),
        _ => rng.draw().into(),
    };
    Bits::new(w, v).value
}

/// One random operation, done by both sides on the same operands.
fn grow(rng: &mut Rng, d: &mut Terms<'_>, plain: &mut TermPool, all: &mut Vec<(TermId, TermId)>) {
    let pick = |rng: &mut Rng, all: &[(TermId, TermId)], w: u32, pool: &TermPool| {
        let fit: Vec<_> = all.iter().filter(|t| pool.term_width(t.1) == w).collect();
        fit.get(rng.draw() as usize % fit.len().max(1)).map(|t| **t)
    };
    let w = [1, 8, 16, 32, 64, 64, 32, 64][rng.draw() as usize % 8];
    let (Some(a), Some(b)) = (pick(rng, all, w, plain), pick(rng, all, w, plain)) else {
        return;
    };
    use BinOp::*;
    let new = match rng.draw() % 10 {
        0..=2 => {
            let ops = [
                Add, Sub, Mul, And, Or, Xor, And, Add, Rotl, Rotr, Shl, Lshr, Ashr,
            ];
            let op = ops[rng.draw() as usize % ops.len()];
            if w == 1 && !matches!(op, And | Or | Xor) {
                return;
            }
            let b = match rng.draw() % 2 {
                0 => {
                    let k = value(rng, w);
                    (d.constant(w, k), plain.constant(w, k))
                }
                _ => b,
            };
            (d.bin(op, &a.0, &b.0), plain.bin(op, &a.1, &b.1))
        }
        3 => {
            let op = [UnOp::Neg, UnOp::Not][rng.draw() as usize % 2];
            (d.un(op, &a.0), plain.un(op, &a.1))
        }
        4 | 5 => {
            let op = [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt][rng.draw() as usize % 3];
            let b = match rng.draw() % 2 {
                0 => {
                    let k = value(rng, w);
                    (d.constant(w, k), plain.constant(w, k))
                }
                _ => b,
            };
            (d.cmp(op, &a.0, &b.0), plain.cmp(op, &a.1, &b.1))
        }
        6 if w > 1 => {
            let lo = 8 * (rng.draw() as u32 % (w / 8));
            let n = [1, 8, 16, 32][rng.draw() as usize % 4];
            let lo = lo.min(w.saturating_sub(n));
            if lo + n > w {
                return;
            }
            (d.extract(&a.0, lo, n), plain.extract(&a.1, lo, n))
        }
        7 if w < 64 => {
            let to = [8, 16, 32, 64][rng.draw() as usize % 4];
            if to < w {
                return;
            }
            match rng.draw() % 2 {
                0 => (d.zext(&a.0, to), plain.zext(&a.1, to)),
                _ => (d.sext(&a.0, to), plain.sext(&a.1, to)),
            }
        }
        8 => {
            let Some(c) = pick(rng, all, 1, plain) else {
                return;
            };
            (d.ite(&c.0, &a.0, &b.0), plain.ite(&c.1, &a.1, &b.1))
        }
        9 if w > 1 => {
            // A rotation, or nearly one.
            let n = 1 + rng.draw() % u64::from(w - 1);
            let m = u64::from(w) - n + u64::from(rng.draw().is_multiple_of(4));
            let op = [Or, Xor, Add][rng.draw() as usize % 3];
            fn shifted<D: Domain>(d: &mut D, x: &D::W, w: u32, by: [u64; 2], op: BinOp) -> D::W {
                let [n, m] = by.map(|k| d.constant(w, k.into()));
                let (right, left) = (d.bin(Lshr, x, &n), d.bin(Shl, x, &m));
                d.bin(op, &left, &right)
            }
            (
                shifted(d, &a.0, w, [n, m], op),
                shifted(plain, &a.1, w, [n, m], op),
            )
        }
        _ => return,
    };
    all.push(new);
}

#[test]
fn canonical_terms_mean_what_was_asked() {
    for seed in 0..300 {
        let mut rng = Rng(seed);
        let (mut d, mut plain) = (terms(), TermPool::new());
        plain.var("rsp", 64);
        plain.var("code", 64);
        let mut all = Vec::new();
        for (n, w) in [64, 64, 64, 32, 32, 16, 8, 8, 1, 1].into_iter().enumerate() {
            let name = format!("x{n}");
            all.push((d.pool.var(&name, w), plain.var(&name, w)));
        }
        for _ in 0..150 {
            grow(&mut rng, &mut d, &mut plain, &mut all);
        }
        let ours: Vec<TermId> = all.iter().map(|t| t.0).collect();
        // In normal form, too.
        let normal = boolean::again(&mut d, &ours, &HashMap::new(), true);
        for again in (0..30).map(|n| n >= 20) {
            let words: Vec<u128> = (0..12).map(|_| value(&mut rng, 64)).collect();
            let mut var =
                |_: &mut Concrete, n: u32, v: &Variable| Bits::new(v.width, words[n as usize]);
            let mut memory = |_: &mut Concrete, _| ConcreteMemory::default();
            let (ours, theirs): (Vec<_>, Vec<_>) = all.iter().copied().unzip();
            let ours: Vec<TermId> = match again {
                true => ours.iter().map(|t| normal[t]).collect(),
                false => ours,
            };
            let ours = d.pool.eval(&ours, &mut Concrete, &mut var, &mut memory);
            let theirs = plain.eval(&theirs, &mut Concrete, &mut var, &mut memory);
            for (n, (x, y)) in ours.iter().zip(&theirs).enumerate() {
                assert_eq!(x, y, "seed {seed}, term {n}, inputs {words:x?}");
            }
        }
    }
}

/// The flags of a subtraction as the processor leaves them, and what `jcc` asks.
#[test]
fn flags_tell_the_order() {
    let mut rng = Rng(7);
    for _ in 0..100_000 {
        let (a, b) = (value(&mut rng, 64) as i64, value(&mut rng, 64) as i64);
        let r = a.wrapping_sub(b);
        let (sf, of, zf, cf) = (r < 0, a.overflowing_sub(b).1, r == 0, (a as u64) < b as u64);
        assert_eq!(sf != of, a < b);
        assert_eq!((a < b) || zf, a <= b);
        assert_eq!(cf || zf, a as u64 <= b as u64);
        assert_eq!(of, ((a ^ b) & (a ^ r)) < 0);
        let s = a.wrapping_add(b);
        assert_eq!(a.overflowing_add(b).1, ((a ^ s) & (b ^ s)) < 0);
        let wide = i128::from(a) * i128::from(b);
        let low = a.wrapping_mul(b);
        assert_eq!(a.overflowing_mul(b).1, (wide >> 64) as i64 != low >> 63);
    }
}

/// Likewise of `ucomisd`.
#[test]
fn flags_tell_the_order_of_doubles() {
    let some = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        5e-324,
    ];
    for a in some {
        for b in some {
            let unordered = a.is_nan() || b.is_nan();
            let (zf, pf, cf) = (unordered || a == b, unordered, unordered || a < b);
            assert_eq!(
                cf,
                !b.partial_cmp(&a).is_some_and(std::cmp::Ordering::is_le)
            );
            assert_eq!(
                cf || zf,
                !b.partial_cmp(&a).is_some_and(std::cmp::Ordering::is_lt)
            );
            assert_eq!(zf && !pf, a == b);
            assert_eq!(!zf || pf, a != b);
        }
    }
}

#[test]
fn conditions_follow_from_conditions() {
    let mut d = terms();
    let (a, b) = (d.pool.var("a", 64), d.pool.var("b", 64));
    let (equal, unordered) = (d.fp(FpOp::Eq, &[a, b]), d.fp(FpOp::Unord, &[a, b]));
    let either = d.or(&equal, &unordered);
    let (neither, ordered, differ) = (d.not(&either), d.not(&unordered), d.not(&equal));
    assert!(implies(&d.pool, &[neither], differ));
    assert!(implies(&d.pool, &[either, ordered], equal));
    assert!(implies(&d.pool, &[unordered], differ));
    assert!(!implies(&d.pool, &[either], equal));
    assert!(!implies(&d.pool, &[differ], unordered));
    let (k, l, len) = (d.constant(64, 3), d.constant(64, 4), d.constant(64, 9));
    let (is_k, is_l, inside) = (d.eq(&a, &k), d.eq(&a, &l), d.cmp(CmpOp::Ult, &a, &len));
    let not_l = d.not(&is_l);
    assert!(implies(&d.pool, &[is_k], not_l));
    assert!(implies(&d.pool, &[is_k], inside));
    assert!(!implies(&d.pool, &[inside], is_k));
    let (less, more) = (d.cmp(CmpOp::Slt, &a, &b), d.cmp(CmpOp::Slt, &b, &a));
    let not_more = d.not(&more);
    assert!(implies(&d.pool, &[less], not_more));
    assert!(!implies(&d.pool, &[not_more], less));
}
