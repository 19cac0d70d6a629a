//! Lua's arithmetic on plain numbers: wrapping integers, floor division, float modulo by floor, shifts by any amount, mixed comparisons.

use crate::value::Value;
use trinity_frontend::bytecode::Event;

/// First float above the integers.
const TWO_63: f64 = 9223372036854775808.0;

/// The integer equal to `f`, if there is one.
#[inline(always)]
pub fn float_to_int(f: f64) -> Option<i64> {
    let i = f as i64;
    // The cast saturates; only the positive bound is wrong then.
    (i as f64 == f && f < TWO_63).then_some(i)
}

/// Floor division; `b` is not 0.
#[inline(always)]
pub fn int_idiv(a: i64, b: i64) -> i64 {
    let q = a.wrapping_div(b);
    if (a ^ b) < 0 && q.wrapping_mul(b) != a {
        q - 1
    } else {
        q
    }
}

/// Modulo with the divisor's sign; `b` is not 0.
#[inline(always)]
pub fn int_mod(a: i64, b: i64) -> i64 {
    // Division of small non-negative numbers is several times faster in 32 bits.
    if ((a | b) as u64) >> 32 == 0 {
        return (a as u32 % b as u32) as i64;
    }
    let m = a.wrapping_rem(b);
    if m != 0 && (m ^ b) < 0 { m + b } else { m }
}

/// Float modulo with the divisor's sign.
#[inline]
pub fn float_mod(a: f64, b: f64) -> f64 {
    let m = a % b;
    if if m > 0.0 { b < 0.0 } else { m < 0.0 && b > 0.0 } {
        m + b
    } else {
        m
    }
}

/// Float floor division.
#[inline(always)]
pub fn float_idiv(a: f64, b: f64) -> f64 {
    (a / b).floor()
}

/// Power.
#[inline(always)]
pub fn pow(a: f64, b: f64) -> f64 {
    if b == 2.0 { a * a } else { a.powf(b) }
}

/// Shift left by any amount; negative shifts right, without sign.
#[inline(always)]
pub fn shl(a: i64, n: i64) -> i64 {
    if (n as u64) < 64 {
        ((a as u64) << n) as i64
    } else if n < 0 && n > -64 {
        ((a as u64) >> -n) as i64
    } else {
        0
    }
}

/// Shift right by any amount.
#[inline(always)]
pub fn shr(a: i64, n: i64) -> i64 {
    if (n as u64) < 64 {
        ((a as u64) >> n) as i64
    } else {
        shl(a, n.wrapping_neg().max(-64))
    }
}

/// The float of a number value.
#[inline(always)]
pub fn to_float(v: Value) -> f64 {
    if v.is_int() {
        v.as_int() as f64
    } else {
        v.as_float()
    }
}

/// What an operation on two numbers gives.
pub enum Outcome {
    /// The result.
    Done(Value),
    /// `//` by integer zero.
    DivZero,
    /// `%` by integer zero.
    ModZero,
    /// A bitwise operation on a number without integer representation.
    NotInt,
}

/// Integer of an integer or an integral float.
#[inline(always)]
pub fn exact_int(v: Value) -> Option<i64> {
    if v.is_int() {
        Some(v.as_int())
    } else if v.is_float() {
        float_to_int(v.as_float())
    } else {
        None
    }
}

/// Any arithmetic, bitwise or unary operation on numbers (for unary ones `b == a`).
pub fn numbers(ev: Event, a: Value, b: Value) -> Outcome {
    use Outcome::*;
    match ev {
        Event::BAnd | Event::BOr | Event::BXor | Event::Shl | Event::Shr | Event::BNot => {
            let (Some(x), Some(y)) = (exact_int(a), exact_int(b)) else {
                return NotInt;
            };
            return Done(Value::int(match ev {
                Event::BAnd => x & y,
                Event::BOr => x | y,
                Event::BXor => x ^ y,
                Event::Shl => shl(x, y),
                Event::Shr => shr(x, y),
                _ => !x,
            }));
        }
        _ => {}
    }
    if a.is_int() && b.is_int() && !matches!(ev, Event::Div | Event::Pow) {
        let (x, y) = (a.as_int(), b.as_int());
        return Done(Value::int(match ev {
            Event::Add => x.wrapping_add(y),
            Event::Sub => x.wrapping_sub(y),
            Event::Mul => x.wrapping_mul(y),
            Event::Mod if y == 0 => return ModZero,
            Event::Mod => int_mod(x, y),
            Event::IDiv if y == 0 => return DivZero,
            Event::IDiv => int_idiv(x, y),
            _ => x.wrapping_neg(),
        }));
    }
    let (x, y) = (to_float(a), to_float(b));
    Done(Value::float(match ev {
        Event::Add => x + y,
        Event::Sub => x - y,
        Event::Mul => x * y,
        Event::Mod => float_mod(x, y),
        Event::Pow => pow(x, y),
        Event::Div => x / y,
        Event::IDiv => float_idiv(x, y),
        _ => -x,
    }))
}

/// `i < f`.
pub fn int_lt_float(i: i64, f: f64) -> bool {
    if i.unsigned_abs() <= 1 << 53 {
        (i as f64) < f
    } else if f >= TWO_63 {
        true
    } else if f > -TWO_63 {
        // Between the bounds the ceiling is an integer.
        i < f.ceil() as i64
    } else {
        false
    }
}

/// `i <= f`.
pub fn int_le_float(i: i64, f: f64) -> bool {
    if i.unsigned_abs() <= 1 << 53 {
        i as f64 <= f
    } else if f >= TWO_63 {
        true
    } else if f >= -TWO_63 {
        i <= f.floor() as i64
    } else {
        false
    }
}

/// `a < b` for numbers.
#[inline]
pub fn less_than(a: Value, b: Value) -> bool {
    match (a.is_int(), b.is_int()) {
        (true, true) => a.as_int() < b.as_int(),
        (false, false) => a.as_float() < b.as_float(),
        (true, false) => int_lt_float(a.as_int(), b.as_float()),
        // f < i  <=>  not (i <= f), except for NaN.
        (false, true) => !a.as_float().is_nan() && !int_le_float(b.as_int(), a.as_float()),
    }
}

/// `a <= b` for numbers.
#[inline]
pub fn less_equal(a: Value, b: Value) -> bool {
    match (a.is_int(), b.is_int()) {
        (true, true) => a.as_int() <= b.as_int(),
        (false, false) => a.as_float() <= b.as_float(),
        (true, false) => int_le_float(a.as_int(), b.as_float()),
        (false, true) => !a.as_float().is_nan() && !int_lt_float(b.as_int(), a.as_float()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(int_idiv(-7, 2), -4);
        assert_eq!(int_idiv(7, -2), -4);
        assert_eq!(int_idiv(-8, 2), -4);
        assert_eq!(int_idiv(i64::MIN, -1), i64::MIN);
        assert_eq!(int_mod(-7, 2), 1);
        assert_eq!(int_mod(7, -2), -1);
        assert_eq!(int_mod(i64::MIN, -1), 0);
        assert_eq!(int_mod(5, 3), 2);
        assert_eq!(shl(1, 63), i64::MIN);
        assert_eq!(shl(1, 64), 0);
        assert_eq!(shl(-1, -1), i64::MAX);
        assert_eq!(shr(-1, 63), 1);
        assert_eq!(shr(1, -1), 2);
        assert_eq!(shr(1, i64::MIN), 0);
        assert_eq!(shl(1, i64::MIN), 0);
        assert_eq!(float_to_int(TWO_63), None);
        assert_eq!(float_to_int(-TWO_63), Some(i64::MIN));
        assert_eq!(float_to_int(f64::NAN), None);
    }

    #[test]
    fn mixed_comparisons() {
        let (max, min) = (Value::int(i64::MAX), Value::int(i64::MIN));
        assert!(less_than(max, Value::float(TWO_63)));
        assert!(!less_equal(Value::float(TWO_63), max));
        assert!(less_equal(Value::float(-TWO_63), min));
        assert!(!less_than(Value::float(-TWO_63), min));
        assert!(!less_than(max, Value::float(f64::NAN)));
        assert!(!less_equal(Value::float(f64::NAN), max));
        assert!(less_than(Value::int(1), Value::float(1.5)));
        assert!(less_than(
            Value::int((1 << 53) + 1),
            Value::float((1i64 << 53) as f64 + 2.0)
        ));
    }
}
