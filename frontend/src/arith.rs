//! Arithmetic on constants, for folding. Lua's own semantics: wrapping integers, floor division, float modulo by floor.

use crate::ast::{BinOp, UnOp};
use crate::number::Num;

fn float(n: Num) -> f64 {
    match n {
        Num::Int(i) => i as f64,
        Num::Float(f) => f,
    }
}

/// The integer equal to `n`, if there is one.
pub fn exact_int(n: Num) -> Option<i64> {
    match n {
        Num::Int(i) => Some(i),
        // 2^63 is the first float past the range; NaN fails both tests.
        Num::Float(f)
            if (-9223372036854775808.0..9223372036854775808.0).contains(&f) && f.floor() == f =>
        {
            Some(f as i64)
        }
        Num::Float(_) => None,
    }
}

fn shift_left(a: i64, n: i64) -> i64 {
    match n {
        0..64 => ((a as u64) << n) as i64,
        -63..0 => ((a as u64) >> -n) as i64,
        _ => 0,
    }
}

fn float_mod(a: f64, b: f64) -> f64 {
    let m = a % b;
    if if m > 0.0 { b < 0.0 } else { m < 0.0 && b > 0.0 } {
        m + b
    } else {
        m
    }
}

fn int_floor_div(a: i64, b: i64) -> i64 {
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a ^ b) < 0 {
        q - 1
    } else {
        q
    }
}

fn int_floor_mod(a: i64, b: i64) -> i64 {
    let m = a.wrapping_rem(b);
    if m != 0 && (m ^ b) < 0 { m + b } else { m }
}

/// The folded value of `a op b`; `None` when the reference leaves the operation to run time (errors, division by zero, results
/// that are NaN or a float zero).
pub fn fold_binary(op: BinOp, a: Num, b: Num) -> Option<Num> {
    let result = match op {
        BinOp::Add | BinOp::Sub | BinOp::Mul => match (a, b) {
            (Num::Int(x), Num::Int(y)) => Num::Int(match op {
                BinOp::Add => x.wrapping_add(y),
                BinOp::Sub => x.wrapping_sub(y),
                _ => x.wrapping_mul(y),
            }),
            _ => {
                let (x, y) = (float(a), float(b));
                Num::Float(match op {
                    BinOp::Add => x + y,
                    BinOp::Sub => x - y,
                    _ => x * y,
                })
            }
        },
        BinOp::Div | BinOp::IDiv | BinOp::Mod if float(b) == 0.0 => return None,
        BinOp::Div => Num::Float(float(a) / float(b)),
        BinOp::IDiv => match (a, b) {
            (Num::Int(x), Num::Int(y)) => Num::Int(int_floor_div(x, y)),
            _ => Num::Float((float(a) / float(b)).floor()),
        },
        BinOp::Mod => match (a, b) {
            (Num::Int(x), Num::Int(y)) => Num::Int(int_floor_mod(x, y)),
            _ => Num::Float(float_mod(float(a), float(b))),
        },
        BinOp::Pow => Num::Float(if float(b) == 2.0 {
            float(a) * float(a)
        } else {
            float(a).powf(float(b))
        }),
        BinOp::BAnd | BinOp::BOr | BinOp::BXor | BinOp::Shl | BinOp::Shr => {
            let (x, y) = (exact_int(a)?, exact_int(b)?);
            Num::Int(match op {
                BinOp::BAnd => x & y,
                BinOp::BOr => x | y,
                BinOp::BXor => x ^ y,
                BinOp::Shl => shift_left(x, y),
                _ => shift_left(x, y.checked_neg().unwrap_or(i64::MAX)),
            })
        }
        _ => return None,
    };
    keep(result)
}

/// The folded value of a unary minus or bitwise not.
pub fn fold_unary(op: UnOp, a: Num) -> Option<Num> {
    let result = match (op, a) {
        (UnOp::Neg, Num::Int(i)) => Num::Int(i.wrapping_neg()),
        (UnOp::Neg, Num::Float(f)) => Num::Float(-f),
        (UnOp::BNot, _) => Num::Int(!exact_int(a)?),
        _ => return None,
    };
    keep(result)
}

fn keep(n: Num) -> Option<Num> {
    match n {
        Num::Float(f) if f.is_nan() || f == 0.0 => None,
        _ => Some(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_follows_the_reference() {
        use Num::{Float, Int};
        let f = fold_binary;
        assert_eq!(f(BinOp::IDiv, Int(-7), Int(2)), Some(Int(-4)));
        assert_eq!(f(BinOp::IDiv, Int(i64::MIN), Int(-1)), Some(Int(i64::MIN)));
        assert_eq!(f(BinOp::Mod, Int(-7), Int(2)), Some(Int(1)));
        assert_eq!(f(BinOp::Mod, Int(i64::MIN), Int(-1)), Some(Int(0)));
        assert_eq!(f(BinOp::Mod, Float(5.5), Int(-2)), Some(Float(-0.5)));
        assert_eq!(f(BinOp::Div, Int(1), Int(0)), None);
        assert_eq!(f(BinOp::Sub, Float(1.0), Float(1.0)), None);
        assert_eq!(f(BinOp::Shl, Int(1), Int(63)), Some(Int(i64::MIN)));
        assert_eq!(f(BinOp::Shl, Int(1), Int(64)), Some(Int(0)));
        assert_eq!(f(BinOp::Shr, Int(-1), Int(1)), Some(Int(i64::MAX)));
        assert_eq!(f(BinOp::Shr, Int(1), Int(i64::MIN)), Some(Int(0)));
        assert_eq!(f(BinOp::BAnd, Float(6.0), Int(3)), Some(Int(2)));
        assert_eq!(f(BinOp::BAnd, Float(6.5), Int(3)), None);
        assert_eq!(fold_unary(UnOp::Neg, Float(0.0)), None);
        assert_eq!(fold_unary(UnOp::Neg, Int(0)), Some(Int(0)));
    }
}
