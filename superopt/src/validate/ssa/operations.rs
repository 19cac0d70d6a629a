//! What operations on words and vectors mean.

use super::Words;
use crate::validate::domain::Terms;
use trinity_codegen::ir::{BinOp as B, Type, UnOp as U, VecOp};
use trinity_codegen::isa::{BinOp, Domain, FpOp, TermId, UnOp};

pub(super) fn unary(d: &mut Terms<'_>, op: U, a: TermId) -> TermId {
    let part = |d: &mut Terms<'_>, w: u32, sign: bool| {
        let x = d.trunc(&a, w);
        if sign { d.sext(&x, 64) } else { d.zext(&x, 64) }
    };
    match op {
        U::Ineg => d.un(UnOp::Neg, &a),
        U::Inot => d.not(&a),
        U::Zext8 => part(d, 8, false),
        U::Zext16 => part(d, 16, false),
        U::Zext32 => part(d, 32, false),
        U::Sext8 => part(d, 8, true),
        U::Sext16 => part(d, 16, true),
        U::Sext32 => part(d, 32, true),
        U::Bswap32 => {
            let x = d.trunc(&a, 32);
            let x = d.un(UnOp::Bswap, &x);
            d.zext(&x, 64)
        }
        U::Bswap64 => d.un(UnOp::Bswap, &a),
        U::Fneg => {
            let k = d.constant(64, 1 << 63);
            d.xor(&a, &k)
        }
        U::Fabs => {
            let k = d.constant(64, (1 << 63) - 1);
            d.and(&a, &k)
        }
        U::Fsqrt => d.fp(FpOp::Sqrt, &[a]),
        U::Ffloor => d.fp(FpOp::Round(1), &[a]),
        U::Fceil => d.fp(FpOp::Round(2), &[a]),
        U::Ftrunc => d.fp(FpOp::Round(3), &[a]),
        U::IntToFloat => d.fp(FpOp::FromInt(64), &[a]),
        U::FloatToInt => d.fp(FpOp::ToIntTrunc(64), &[a]),
        U::BitsOfFloat | U::FloatOfBits => a,
    }
}

pub(super) fn binary(d: &mut Terms<'_>, op: B, a: TermId, b: TermId) -> TermId {
    let count = |d: &mut Terms<'_>, w: u32| {
        let n = d.trunc(&b, w);
        let k = d.constant(w, (w - 1).into());
        d.and(&n, &k)
    };
    let shift = |d: &mut Terms<'_>, op| {
        let n = count(d, 64);
        d.bin(op, &a, &n)
    };
    match op {
        B::Iadd => d.add(&a, &b),
        B::Isub => d.sub(&a, &b),
        B::Imul => d.bin(BinOp::Mul, &a, &b),
        B::And => d.and(&a, &b),
        B::Or => d.or(&a, &b),
        B::Xor => d.xor(&a, &b),
        B::Shl => shift(d, BinOp::Shl),
        B::Shr => shift(d, BinOp::Lshr),
        B::Sar => shift(d, BinOp::Ashr),
        B::Rotr => shift(d, BinOp::Rotr),
        B::Rotr32 => {
            let (x, n) = (d.trunc(&a, 32), count(d, 32));
            let r = d.bin(BinOp::Rotr, &x, &n);
            d.zext(&r, 64)
        }
        B::Sdiv => d.bin(BinOp::Sdiv, &a, &b),
        B::Srem => d.bin(BinOp::Srem, &a, &b),
        // By a positive divisor.
        B::Sfloor | B::Smod => {
            let (q, r) = (d.bin(BinOp::Sdiv, &a, &b), d.bin(BinOp::Srem, &a, &b));
            let below = d.msb(&r);
            match op {
                B::Smod => {
                    let up = d.add(&r, &b);
                    d.ite(&below, &up, &r)
                }
                _ => {
                    let ones = d.constant(64, u64::MAX.into());
                    let down = d.add(&q, &ones);
                    d.ite(&below, &down, &q)
                }
            }
        }
        B::Smulh => d.bin(BinOp::MulHiS, &a, &b),
        B::Fadd => d.fp(FpOp::Add, &[a, b]),
        B::Fsub => d.fp(FpOp::Sub, &[a, b]),
        B::Fmul => d.fp(FpOp::Mul, &[a, b]),
        B::Fdiv => d.fp(FpOp::Div, &[a, b]),
        B::Fmin => d.fp(FpOp::Min, &[a, b]),
        B::Fmax => d.fp(FpOp::Max, &[a, b]),
    }
}

pub(super) fn vector(
    d: &mut Terms<'_>,
    op: VecOp,
    ty: Type,
    a: Words,
    b: Words,
    number: bool,
) -> Words {
    let half = ty.lanes() as usize / 2;
    match op {
        VecOp::Splat => {
            debug_assert!(number);
            return [a[0]; 4];
        }
        VecOp::High if ty == Type::V256 => return [a[half], a[half + 1], a[half], a[half]],
        VecOp::High => return [a[1]; 4],
        VecOp::Low if ty == Type::V256 => return [a[0], a[1], a[0], a[0]],
        VecOp::Low => return [a[0]; 4],
        _ => {}
    }
    std::array::from_fn(|n| {
        let (a, b) = (a[n], b[n]);
        match op {
            VecOp::Iadd => d.add(&a, &b),
            VecOp::Isub => d.sub(&a, &b),
            VecOp::Imul32 => {
                let (x, y) = (d.trunc(&a, 32), d.trunc(&b, 32));
                let (x, y) = (d.zext(&x, 64), d.zext(&y, 64));
                d.bin(BinOp::Mul, &x, &y)
            }
            VecOp::And => d.and(&a, &b),
            VecOp::Or => d.or(&a, &b),
            VecOp::Xor => d.xor(&a, &b),
            VecOp::Shl => d.bin(BinOp::Shl, &a, &b),
            VecOp::Shr => d.bin(BinOp::Lshr, &a, &b),
            VecOp::Fadd => d.fp(FpOp::Add, &[a, b]),
            VecOp::Fsub => d.fp(FpOp::Sub, &[a, b]),
            VecOp::Fmul => d.fp(FpOp::Mul, &[a, b]),
            VecOp::Fdiv => d.fp(FpOp::Div, &[a, b]),
            VecOp::Fsqrt => d.fp(FpOp::Sqrt, &[a]),
            VecOp::Splat | VecOp::High | VecOp::Low => a,
        }
    })
}
