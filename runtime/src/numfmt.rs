//! Text of numbers and numbers of text, as the reference's `tostringbuff` and `l_str2d` give them.
//!
//! Floats print as C's `"%.14g"` does, with `.0` behind what would read back as an integer. Calling `snprintf` costs several hundred
//! nanoseconds, so the digits come from Rust's exact formatter (correctly rounded, ties to even, as glibc), and only a locale whose decimal
//! point is not a dot goes through libc. `-nan` keeps its sign, as glibc prints it.
//!
//! Nothing here allocates; results are small stack buffers.

use crate::value::Value;
use std::fmt::Write;
use trinity_frontend::number::{Num, lua_str2number};

/// Room for any number's text: sign, 17 digits, point, exponent, or a 20-digit integer.
const MAX_TEXT: usize = 40;

/// Text of a number.
#[derive(Clone, Copy)]
pub struct NumText {
    buf: [u8; MAX_TEXT],
    len: u8,
}

impl NumText {
    const EMPTY: NumText = NumText { buf: [0; MAX_TEXT], len: 0 };

    /// The characters.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.buf.get(..usize::from(self.len)).unwrap_or(&[])
    }

    #[inline]
    fn push(&mut self, s: &[u8]) {
        let at = usize::from(self.len);
        if let Some(to) = self.buf.get_mut(at..at + s.len()) {
            to.copy_from_slice(s);
            self.len += s.len() as u8;
        }
    }
}

impl std::ops::Deref for NumText {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Write for NumText {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// Text of a number value; empty for other values.
pub fn format(v: Value) -> NumText {
    if v.is_int() {
        format_int(v.as_int())
    } else if v.is_float() {
        format_float(v.as_float())
    } else {
        NumText::EMPTY
    }
}

/// Decimal text of an integer.
pub fn format_int(i: i64) -> NumText {
    let mut digits = [0; 20];
    let mut out = NumText::EMPTY;
    if i < 0 {
        out.push(b"-");
    }
    out.push(decimal(i.unsigned_abs(), &mut digits));
    out
}

static PAIRS: [u8; 200] = {
    let mut t = [0; 200];
    let mut i = 0;
    while i < 100 {
        t[2 * i] = b'0' + (i / 10) as u8;
        t[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    t
};

/// Writes the decimal digits of `n` at the end of `buf` and returns them.
pub fn decimal(mut n: u64, buf: &mut [u8; 20]) -> &[u8] {
    let mut at = 20;
    while n >= 100 {
        let d = (n % 100) as usize * 2;
        n /= 100;
        at -= 2;
        buf[at] = PAIRS[d];
        buf[at + 1] = PAIRS[d + 1];
    }
    if n >= 10 {
        at -= 2;
        buf[at] = PAIRS[n as usize * 2];
        buf[at + 1] = PAIRS[n as usize * 2 + 1];
    } else {
        at -= 1;
        buf[at] = b'0' + n as u8;
    }
    &buf[at..]
}

/// Text of a float as Lua prints it.
pub fn format_float(f: f64) -> NumText {
    let mut out = NumText::EMPTY;
    let magnitude = f.abs();
    // Integral and short enough for all its digits: no rounding is involved.
    if magnitude < 1e14 && magnitude == magnitude.trunc() && decimal_point() == b'.' {
        if f.is_sign_negative() {
            out.push(b"-");
        }
        let mut digits = [0; 20];
        out.push(decimal(magnitude as u64, &mut digits));
        out.push(b".0");
        return out;
    }
    general(&mut out, f, 14);
    if out.as_bytes().iter().all(|&c| c == b'-' || c.is_ascii_digit()) {
        out.push(&[decimal_point(), b'0']);
    }
    out
}

/// C's `"%.{precision}g"` for precisions from 1 to 17.
pub fn float_g(f: f64, precision: usize) -> NumText {
    let mut out = NumText::EMPTY;
    general(&mut out, f, precision.clamp(1, 17));
    out
}

fn general(out: &mut NumText, f: f64, precision: usize) {
    if !f.is_finite() {
        out.push(non_finite(f));
        return;
    }
    if f == 0.0 {
        out.push(if f.is_sign_negative() { b"-0" } else { b"0" });
        return;
    }
    // `d.ddd...e[-]x`, correctly rounded to `precision` digits.
    let mut sci = NumText::EMPTY;
    let _ = write!(sci, "{:.*e}", precision - 1, f.abs());
    let mut digits = [b'0'; 20];
    let mut count = 0;
    let mut exponent = 0i32;
    let mut negative = false;
    let mut in_exponent = false;
    for &c in sci.as_bytes() {
        match c {
            b'0'..=b'9' if in_exponent => exponent = exponent * 10 + i32::from(c - b'0'),
            b'0'..=b'9' => {
                if let Some(d) = digits.get_mut(count) {
                    *d = c;
                    count += 1;
                }
            }
            b'e' => in_exponent = true,
            b'-' => negative = true,
            _ => {}
        }
    }
    if negative {
        exponent = -exponent;
    }
    while count > 1 && digits[count - 1] == b'0' {
        count -= 1;
    }
    let point = [decimal_point()];
    if f < 0.0 {
        out.push(b"-");
    }
    if exponent < -4 || exponent >= precision as i32 {
        out.push(&digits[..1]);
        if count > 1 {
            out.push(&point);
            out.push(&digits[1..count]);
        }
        let _ = write!(out, "e{}{:02}", if negative { '-' } else { '+' }, exponent.unsigned_abs());
    } else if negative {
        out.push(b"0");
        out.push(&point);
        out.push(&b"000"[..exponent.unsigned_abs() as usize - 1]);
        out.push(&digits[..count]);
    } else {
        let whole = exponent as usize + 1;
        out.push(&digits[..whole]);
        if count > whole {
            out.push(&point);
            out.push(&digits[whole..count]);
        }
    }
}

/// `inf`, `-inf`, `nan` or `-nan`, as glibc's `printf` writes them.
pub fn non_finite(f: f64) -> &'static [u8] {
    match (f.is_nan(), f.is_sign_negative()) {
        (true, false) => b"nan",
        (true, true) => b"-nan",
        (false, false) => b"inf",
        (false, true) => b"-inf",
    }
}

/// First byte of the locale's decimal point (`lua_getlocaledecpoint`).
#[inline]
pub fn decimal_point() -> u8 {
    // SAFETY: RADIXCHAR is a valid item; the result is a NUL-terminated string that lives until the next setlocale.
    unsafe {
        let p = libc::nl_langinfo(libc::RADIXCHAR);
        if p.is_null() || *p == 0 { b'.' } else { *p as u8 }
    }
}

/// The number a whole string denotes, white space around it allowed (`l_str2int`, `l_str2d`). The locale's decimal point is accepted
/// beside the dot.
pub fn str2number(s: &[u8]) -> Option<Num> {
    let n = lua_str2number(s);
    if n.is_some() {
        return n;
    }
    let point = decimal_point();
    if point == b'.' || s.contains(&b'.') {
        return None;
    }
    let at = s.iter().position(|&c| c == point)?;
    let mut text = s.to_vec();
    if let Some(c) = text.get_mut(at) {
        *c = b'.';
    }
    lua_str2number(&text)
}

/// [`str2number`] as a value.
pub fn str2value(s: &[u8]) -> Option<Value> {
    Some(match str2number(s)? {
        Num::Int(i) => Value::int(i),
        Num::Float(f) => Value::float(f),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libc_g(f: f64, precision: i32) -> Vec<u8> {
        let mut buf = [0u8; 64];
        // SAFETY: the buffer is large enough; arguments match the format.
        let n = unsafe { libc::snprintf(buf.as_mut_ptr().cast(), buf.len(), c"%.*g".as_ptr(), precision, f) };
        buf[..n as usize].to_vec()
    }

    fn samples() -> impl Iterator<Item = f64> {
        let mut x = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        (0..200_000).map(move |i| match i % 5 {
            0 => f64::from_bits(next()),
            1 => (next() % 1_000_000) as f64 / 64.0,
            2 => next() as i64 as f64,
            3 => (next() % 1000) as f64 * 10f64.powi((next() % 40) as i32 - 20),
            _ => (next() % 100_000_000) as f64 / 100.0,
        })
    }

    #[test]
    fn general_is_printf() {
        for f in samples() {
            for p in [14, 17, 6, 1] {
                let ours = float_g(f, p);
                assert_eq!(ours.as_bytes(), libc_g(f, p as i32), "{f:e} at {p}");
            }
        }
    }

    #[test]
    fn lua_text() {
        for (f, want) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-3.5, "-3.5"),
            (1e14, "1e+14"),
            (99_999_999_999_999.0, "99999999999999.0"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (1e15, "1e+15"),
            (1e100, "1e+100"),
            (0.1, "0.1"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (5e-324, "4.9406564584125e-324"),
            (f64::MAX, "1.7976931348623e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (99_999_999_999_999.5, "1e+14"),
            (9_999_999_999_999.96, "10000000000000.0"),
        ] {
            assert_eq!(std::str::from_utf8(&format_float(f)), Ok(want));
        }
        assert_eq!(&*format_float(f64::NAN.copysign(1.0)), b"nan");
        assert_eq!(&*format_float(f64::NAN.copysign(-1.0)), b"-nan");
    }

    #[test]
    fn integers() {
        for i in [0, 7, -7, 10, 99, 100, 101, 12345, i64::MAX, i64::MIN] {
            assert_eq!(&*format_int(i), i.to_string().as_bytes());
        }
    }

    #[test]
    fn parsing() {
        assert_eq!(str2number(b" 0x10 "), Some(Num::Int(16)));
        assert_eq!(str2number(b"1e1"), Some(Num::Float(10.0)));
        assert_eq!(str2number(b"1,5"), None);
        assert!(str2value(b"3").is_some_and(|v| v.is_int()));
    }
}
