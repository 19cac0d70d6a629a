//! Floating-point operations on bit patterns, as SSE computes them with the default MXCSR.

use super::domain::FpOp;

/// Evaluates `op` on operands `w` bits wide.
///
/// Rust's own arithmetic is IEEE 754 except for the bits of NaN results, which are made here by the processor's rule.
pub fn eval(op: FpOp, w: u32, a: [u64; 3]) -> u64 {
    match op {
        FpOp::FromInt(r) => from_int(w, r.into(), a[0]),
        FpOp::Convert(64) => {
            let x = f32::from_bits(a[0] as u32);
            if x.is_nan() {
                let b = a[0];
                (b >> 31 & 1) << 63 | 0x7ff8 << 48 | (b & 0x3f_ffff) << 29
            } else {
                f64::from(x).to_bits()
            }
        }
        FpOp::Convert(_) => {
            let x = f64::from_bits(a[0]);
            if x.is_nan() {
                (a[0] >> 63) << 31 | 0x7fc0_0000 | (a[0] >> 29 & 0x3f_ffff)
            } else {
                (x as f32).to_bits().into()
            }
        }
        _ if w == 64 => eval64(op, a),
        _ => eval32(op, [a[0] as u32, a[1] as u32, a[2] as u32]),
    }
}

fn from_int(w: u32, result: u32, a: u64) -> u64 {
    let v = if w == 32 {
        i64::from(a as i32)
    } else {
        a as i64
    };
    if result == 64 {
        (v as f64).to_bits()
    } else {
        (v as f32).to_bits().into()
    }
}

macro_rules! float_ops {
    ($name:ident, $f:ty, $u:ty, $quiet:expr, $default:expr) => {
        fn $name(op: FpOp, a: [$u; 3]) -> u64 {
            let (x, y, z) = (
                <$f>::from_bits(a[0]),
                <$f>::from_bits(a[1]),
                <$f>::from_bits(a[2]),
            );
            let nan = |n: usize, r: $f| -> u64 {
                if let Some(i) = (0..n).find(|&i| <$f>::from_bits(a[i]).is_nan()) {
                    return u64::from(a[i] | $quiet);
                }
                u64::from(if r.is_nan() { $default } else { r.to_bits() })
            };
            let int = |r: $f, width: u8| -> u64 {
                // Bounds are powers of two, exact in both formats.
                if width == 32 {
                    let fits = (-2147483648.0..2147483648.0).contains(&r);
                    if fits {
                        u64::from(r as i32 as u32)
                    } else {
                        0x8000_0000
                    }
                } else {
                    let fits = (-9223372036854775808.0..9223372036854775808.0).contains(&r);
                    if fits { r as i64 as u64 } else { 1 << 63 }
                }
            };
            match op {
                FpOp::Add => nan(2, x + y),
                FpOp::Sub => nan(2, x - y),
                FpOp::Mul => nan(2, x * y),
                FpOp::Div => nan(2, x / y),
                FpOp::Fma => nan(3, x.mul_add(y, z)),
                FpOp::Sqrt => nan(1, x.sqrt()),
                FpOp::Min => u64::from(if x < y { a[0] } else { a[1] }),
                FpOp::Max => u64::from(if x > y { a[0] } else { a[1] }),
                FpOp::Eq => (x == y).into(),
                FpOp::Lt => (x < y).into(),
                FpOp::Le => (x <= y).into(),
                FpOp::Unord => (x.is_nan() || y.is_nan()).into(),
                FpOp::Round(0) => nan(1, x.round_ties_even()),
                FpOp::Round(1) => nan(1, x.floor()),
                FpOp::Round(2) => nan(1, x.ceil()),
                FpOp::Round(_) => nan(1, x.trunc()),
                FpOp::ToInt(r) => int(x.round_ties_even(), r),
                FpOp::ToIntTrunc(r) => int(x.trunc(), r),
                // Handled by `eval`.
                FpOp::FromInt(_) | FpOp::Convert(_) => u64::from(a[0]),
            }
        }
    };
}

float_ops!(eval64, f64, u64, 1 << 51, 0xfff8_0000_0000_0000);
float_ops!(eval32, f32, u32, 1 << 22, 0xffc0_0000);
