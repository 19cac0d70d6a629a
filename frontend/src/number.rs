//! Text to number, with the reference's exact rules; shared by the lexer and the runtime (`tonumber`, string arithmetic).
//!
//! Decimal integers that overflow become floats, hexadecimal ones wrap around; floats are correctly rounded; `inf` and `nan`
//! are not numbers. The decimal point is always a dot: a locale's own one is the runtime's business.

/// A Lua number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Num {
    /// Subtype integer.
    Int(i64),
    /// Subtype float.
    Float(f64),
}

/// The C locale's `isspace`.
#[inline]
pub const fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

/// Value of a hexadecimal digit.
#[inline]
pub const fn hex_value(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// Converts a whole string, with optional surrounding white space, to a number.
///
/// ```
/// use trinity_frontend::number::{Num, lua_str2number};
/// assert_eq!(lua_str2number(b" 0x10 "), Some(Num::Int(16)));
/// assert_eq!(lua_str2number(b"9223372036854775808"), Some(Num::Float(9223372036854775808.0)));
/// assert_eq!(lua_str2number(b"0x.8p1"), Some(Num::Float(1.0)));
/// assert_eq!(lua_str2number(b"nan"), None);
/// ```
pub fn lua_str2number(s: &[u8]) -> Option<Num> {
    let start = s.iter().position(|&c| !is_space(c))?;
    let end = s.iter().rposition(|&c| !is_space(c))? + 1;
    let s = &s[start..end];
    let (neg, digits) = match s[0] {
        b'-' => (true, &s[1..]),
        b'+' => (false, &s[1..]),
        _ => (false, s),
    };
    if let [b'0', b'x' | b'X', hex @ ..] = digits {
        return match hex_integer(hex) {
            Some(a) => Some(Num::Int(if neg { a.wrapping_neg() } else { a } as i64)),
            None => hex_float(hex).map(|f| Num::Float(if neg { -f } else { f })),
        };
    }
    match decimal_integer(digits, neg) {
        Some(i) => Some(Num::Int(i)),
        None => decimal_float(digits).map(|f| Num::Float(if neg { -f } else { f })),
    }
}

fn hex_integer(s: &[u8]) -> Option<u64> {
    if s.is_empty() {
        return None;
    }
    s.iter()
        .try_fold(0u64, |a, &c| Some(a << 4 | u64::from(hex_value(c)?)))
}

fn decimal_integer(s: &[u8], neg: bool) -> Option<i64> {
    if s.is_empty() {
        return None;
    }
    let limit = i64::MAX as u64 + u64::from(neg);
    let mut a = 0u64;
    for &c in s {
        let d = c.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        a = a.checked_mul(10)?.checked_add(u64::from(d))?;
        if a > limit {
            return None;
        }
    }
    Some(if neg { a.wrapping_neg() } else { a } as i64)
}

/// `digits [. digits] [e [sign] digits]` with at least one mantissa digit.
fn decimal_float(s: &[u8]) -> Option<f64> {
    let count = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = count(s);
    let mut i = whole;
    let mut fraction = 0;
    if s.get(i) == Some(&b'.') {
        fraction = count(&s[i + 1..]);
        i += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = s.get(i) {
        i += 1;
        if let Some(b'+' | b'-') = s.get(i) {
            i += 1;
        }
        let digits = count(&s[i..]);
        if digits == 0 {
            return None;
        }
        i += digits;
    }
    if i != s.len() {
        return None;
    }
    std::str::from_utf8(s).ok()?.parse().ok()
}

/// What follows `0x`: `hex [. hex] [p [sign] digits]`, rounded to nearest even as C99's `strtod` does.
fn hex_float(s: &[u8]) -> Option<f64> {
    let mut mantissa = 0u64; // leading 64 bits; the lowest bit is sticky
    let mut exponent = 0i64;
    let (mut any, mut dot) = (false, false);
    let mut i = 0;
    while let Some(&c) = s.get(i) {
        if c == b'.' {
            if dot {
                break;
            }
            dot = true;
        } else if let Some(d) = hex_value(c) {
            any = true;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | u64::from(d);
                exponent -= if dot { 4 } else { 0 };
            } else {
                mantissa |= u64::from(d != 0);
                exponent += if dot { 0 } else { 4 };
            }
        } else {
            break;
        }
        i += 1;
    }
    if !any {
        return None;
    }
    if let Some(b'p' | b'P') = s.get(i) {
        i += 1;
        let neg = match s.get(i) {
            Some(b'-') => {
                i += 1;
                true
            }
            Some(b'+') => {
                i += 1;
                false
            }
            _ => false,
        };
        let first = i;
        let mut e = 0i64;
        while let Some(d) = s.get(i).filter(|c| c.is_ascii_digit()) {
            e = (e * 10 + i64::from(d - b'0')).min(1 << 40);
            i += 1;
        }
        if i == first {
            return None;
        }
        exponent = exponent.saturating_add(if neg { -e } else { e });
    }
    (i == s.len()).then(|| scale(mantissa, exponent))
}

/// `mantissa * 2^exponent`, rounded once to nearest even.
fn scale(mantissa: u64, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = mantissa.leading_zeros();
    let m = mantissa << shift;
    let top = exponent.saturating_sub(i64::from(shift)).saturating_add(63); // value = 1.xxx * 2^top
    if top > 1023 {
        return f64::INFINITY;
    }
    // Bits kept: 53, fewer for subnormals.
    let keep = if top >= -1022 { 53 } else { 53 - (-1022 - top) };
    if keep < 0 {
        return 0.0;
    }
    let drop = 64 - keep as u32;
    let (kept, lost, half) = if drop == 64 {
        (0, m, 1u64 << 63)
    } else {
        (m >> drop, m & ((1 << drop) - 1), 1u64 << (drop - 1))
    };
    let rounded = kept + u64::from(lost > half || (lost == half && kept & 1 == 1));
    if top >= -1022 {
        // `rounded` carries the hidden bit; a carry into bit 53 bumps the exponent by itself.
        f64::from_bits((((top + 1022) as u64) << 52) + rounded)
    } else {
        f64::from_bits(rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(s: &str) -> f64 {
        match lua_str2number(s.as_bytes()) {
            Some(Num::Float(x)) => x,
            other => panic!("{s}: {other:?}"),
        }
    }

    #[test]
    fn integers() {
        for (text, want) in [
            ("0", 0),
            ("-7", -7),
            ("+5\t", 5),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("0xffffffffffffffff", -1),
            ("0x1ffffffffffffffff", -1),
            ("-0x10", -16),
        ] {
            assert_eq!(
                lua_str2number(text.as_bytes()),
                Some(Num::Int(want)),
                "{text}"
            );
        }
    }

    #[test]
    fn floats() {
        assert_eq!(f("9223372036854775808"), 9223372036854775808.0);
        assert_eq!(f("-9223372036854775809"), -9223372036854775808.0);
        assert_eq!(f("3."), 3.0);
        assert_eq!(f(".5e-1"), 0.05);
        assert_eq!(f("1e999"), f64::INFINITY);
        assert_eq!(f("0x1p-1074"), f64::from_bits(1));
        assert_eq!(f("0x1.8p-1075"), f64::from_bits(1));
        assert_eq!(f("0x1p-1075"), 0.0);
        assert_eq!(f("0x1.fffffffffffff8p1023"), f64::INFINITY);
        assert_eq!(f("0x1.fffffffffffffp1023"), f64::MAX);
        assert_eq!(f("0x.1p4"), 1.0);
        assert_eq!(f("0xA.8"), 10.5);
        assert_eq!(f("0x1.00000000000008p0"), 1.0);
        assert_eq!(f("0x1.000000000000080000000001p0"), 1.0 + f64::EPSILON);
        assert_eq!(f("0x1.0p99999999999999999999"), f64::INFINITY);
        assert_eq!(f("0x0.0p99999"), 0.0);
        assert!(f("-0x0.0").is_sign_negative());
    }

    #[test]
    fn rejects() {
        for text in [
            "", " ", "-", "0x", "0x.", "0xg", "1e", "1e+", ".", "e5", "1..2", "inf", "nan", "-inf",
            "1 2", "0x1p", "1_000", "1\0", "- 1", "--1", "0x-1", "infinity",
        ] {
            assert_eq!(lua_str2number(text.as_bytes()), None, "{text:?}");
        }
    }
}
