//! The meaning of operations on constants, as bits.

use crate::ir::{BinOp, FloatCc, IntCc, OvfOp, UnOp, Width};

/// The low bits, zero- and sign-extended.
pub(super) fn low(n: u64, w: Width) -> (u64, i64) {
    match w {
        Width::W8 => (n as u8 as u64, n as i8 as i64),
        Width::W16 => (n as u16 as u64, n as i16 as i64),
        Width::W32 => (n as u32 as u64, n as i32 as i64),
        Width::W64 => (n, n as i64),
    }
}

/// `a cc b` on the low bits.
pub(super) fn compare(cc: IntCc, w: Width, a: u64, b: u64) -> bool {
    let ((ua, sa), (ub, sb)) = (low(a, w), low(b, w));
    let diff = low(a.wrapping_sub(b), w).1;
    let overflow = sa as i128 - sb as i128 != diff as i128;
    match cc {
        IntCc::Eq => ua == ub,
        IntCc::Ne => ua != ub,
        IntCc::Slt => sa < sb,
        IntCc::Sle => sa <= sb,
        IntCc::Sgt => sa > sb,
        IntCc::Sge => sa >= sb,
        IntCc::Ult => ua < ub,
        IntCc::Ule => ua <= ub,
        IntCc::Ugt => ua > ub,
        IntCc::Uge => ua >= ub,
        IntCc::Of => overflow,
        IntCc::NoOf => !overflow,
        IntCc::Neg => diff < 0,
        IntCc::NonNeg => diff >= 0,
    }
}

/// `a cc b` on doubles.
pub(super) fn compare_floats(cc: FloatCc, a: f64, b: f64) -> bool {
    match cc {
        FloatCc::Eq => a == b,
        FloatCc::Ne => a != b,
        FloatCc::Lt => a < b,
        FloatCc::Le => a <= b,
        FloatCc::Gt => a > b,
        FloatCc::Ge => a >= b,
    }
}

/// The wrapped result and whether it overflowed.
pub(super) fn overflowing(op: OvfOp, a: i64, b: i64) -> (i64, bool) {
    match op {
        OvfOp::Add => a.overflowing_add(b),
        OvfOp::Sub => a.overflowing_sub(b),
        OvfOp::Mul => a.overflowing_mul(b),
    }
}

/// A two-operand operation; `None` if it faults or gives a NaN, whose bits are the processor's business.
pub(super) fn binary(op: BinOp, a: u64, b: u64) -> Option<u64> {
    let (x, y) = (f64::from_bits(a), f64::from_bits(b));
    let float = |r: f64| (!r.is_nan()).then_some(r.to_bits());
    Some(match op {
        BinOp::Iadd => a.wrapping_add(b),
        BinOp::Isub => a.wrapping_sub(b),
        BinOp::Imul => a.wrapping_mul(b),
        BinOp::And => a & b,
        BinOp::Or => a | b,
        BinOp::Xor => a ^ b,
        BinOp::Shl => a << (b & 63),
        BinOp::Shr => a >> (b & 63),
        BinOp::Sar => ((a as i64) >> (b & 63)) as u64,
        BinOp::Rotr => a.rotate_right(b as u32 & 63),
        BinOp::Rotr32 => (a as u32).rotate_right(b as u32 & 31) as u64,
        BinOp::Sdiv => (a as i64).checked_div(b as i64)? as u64,
        BinOp::Srem => (a as i64).checked_rem(b as i64)? as u64,
        // By a positive number, division that rounds down is Euclid's.
        BinOp::Sfloor if b as i64 > 0 => (a as i64).div_euclid(b as i64) as u64,
        BinOp::Smod if b as i64 > 0 => (a as i64).rem_euclid(b as i64) as u64,
        BinOp::Sfloor | BinOp::Smod => return None,
        BinOp::Smulh => ((a as i64 as i128 * b as i64 as i128) >> 64) as u64,
        BinOp::Fadd => float(x + y)?,
        BinOp::Fsub => float(x - y)?,
        BinOp::Fmul => float(x * y)?,
        BinOp::Fdiv => float(x / y)?,
        BinOp::Fmin => {
            if x < y {
                a
            } else {
                b
            }
        }
        BinOp::Fmax => {
            if x > y {
                a
            } else {
                b
            }
        }
    })
}

/// A one-operand operation; `None` if the result is a NaN that was computed.
pub(super) fn unary(op: UnOp, a: u64) -> Option<u64> {
    let x = f64::from_bits(a);
    let float = |r: f64| (!r.is_nan()).then_some(r.to_bits());
    Some(match op {
        UnOp::Ineg => a.wrapping_neg(),
        UnOp::Inot => !a,
        UnOp::Zext8 => low(a, Width::W8).0,
        UnOp::Zext16 => low(a, Width::W16).0,
        UnOp::Zext32 => low(a, Width::W32).0,
        UnOp::Sext8 => low(a, Width::W8).1 as u64,
        UnOp::Sext16 => low(a, Width::W16).1 as u64,
        UnOp::Sext32 => low(a, Width::W32).1 as u64,
        UnOp::Bswap32 => (a as u32).swap_bytes() as u64,
        UnOp::Bswap64 => a.swap_bytes(),
        UnOp::Fneg => a ^ (1 << 63),
        UnOp::Fabs => a & !(1 << 63),
        UnOp::Fsqrt => float(x.sqrt())?,
        UnOp::Ffloor => float(x.floor())?,
        UnOp::Fceil => float(x.ceil())?,
        UnOp::Ftrunc => float(x.trunc())?,
        UnOp::IntToFloat => (a as i64 as f64).to_bits(),
        UnOp::FloatToInt => {
            if (-9223372036854775808.0..9223372036854775808.0).contains(&x) {
                x as i64 as u64
            } else {
                i64::MIN as u64
            }
        }
        UnOp::BitsOfFloat | UnOp::FloatOfBits => a,
    })
}
