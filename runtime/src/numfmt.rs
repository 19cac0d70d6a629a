//! Text of numbers and numbers of text, as the reference's `tostringbuff` and `l_str2d` give them.
//!
//! Floats print as C's `"%.14g"` does, with `.0` behind what would read back as an integer. Calling `snprintf` costs hundreds of
//! nanoseconds. But a float is `m / 2^k`, and for numbers of moderate size its product with a power of ten fits 128 bits: so the decimal
//! digits are a multiplication and a shift away, with the remainder deciding the rounding (to nearest even, as glibc's). Others go through
//! Rust's exact formatter, which rounds alike. `-nan` keeps its sign, as glibc prints it; the decimal point is the locale's.
//!
//! Nothing here allocates; results are small stack buffers.

mod fixed;

use crate::bytes;
use crate::string::Word;
use crate::value::Value;
pub use fixed::Fixed;
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
    const EMPTY: NumText = NumText {
        buf: [0; MAX_TEXT],
        len: 0,
    };

    /// The characters.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.buf.get(..usize::from(self.len)).unwrap_or(&[])
    }

    #[inline]
    fn push(&mut self, s: &[u8]) {
        let at = usize::from(self.len);
        if let Some(to) = self.buf.get_mut(at..at + s.len()) {
            // SAFETY: as many bytes here as there.
            unsafe { bytes::copy_apart(s.as_ptr(), to.as_mut_ptr(), s.len()) };
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

/// Decimal text of a number of at most 8 digits, and their number.
#[inline(always)]
pub fn few_digits(mut n: u32) -> (Word, usize) {
    let (mut text, mut len) = (0u64, 0);
    loop {
        text = text << 8 | u64::from(b'0' as u32 + n % 10);
        n /= 10;
        len += 1;
        if n == 0 {
            return (Word::from(text), len);
        }
    }
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
    if out
        .as_bytes()
        .iter()
        .all(|&c| c == b'-' || c.is_ascii_digit())
    {
        out.push(&[decimal_point(), b'0']);
    }
    out
}

/// C's `"%.{precision}g"` for precisions from 1 to 17.
pub fn float_g(f: f64, precision: usize) -> NumText {
    let mut out = NumText::EMPTY;
    general(&mut out, f, precision.clamp(1, MAX_DIGITS));
    out
}

/// C's `"%.{precision}e"` for precisions up to 16; the exponent's letter is `letter`.
pub fn float_e(f: f64, precision: usize, letter: u8) -> NumText {
    let mut out = NumText::EMPTY;
    if !f.is_finite() {
        out.push(non_finite(f));
        return out;
    }
    if f.is_sign_negative() {
        out.push(b"-");
    }
    let count = (precision + 1).min(MAX_DIGITS);
    let d = if f == 0.0 {
        Digits {
            text: [b'0'; 20],
            exponent: 0,
        }
    } else {
        digits(f.abs(), count)
    };
    scientific(&mut out, &d.text[..count], d.exponent, letter);
    out
}

/// Number of decimal digits; 1 for 0.
#[inline]
pub fn decimal_len(n: u64) -> usize {
    // 1233 / 4096 is just above log10(2).
    let least = ((64 - (n | 1).leading_zeros()) as usize * 1233) >> 12;
    least + usize::from(u128::from(n) >= POWERS[least] || n == 0)
}

/// Writes the last `count` decimal digits of `n`.
///
/// # Safety
/// There is room for them.
#[inline]
pub unsafe fn write_decimal(mut n: u64, to: *mut u8, count: usize) {
    let mut at = count;
    // SAFETY: `at` stays between 0 and `count`; pairs of digits are in the table.
    unsafe {
        while at >= 2 {
            at -= 2;
            let pair = PAIRS.as_ptr().add((n % 100) as usize * 2);
            n /= 100;
            to.add(at)
                .cast::<u16>()
                .write_unaligned(pair.cast::<u16>().read_unaligned());
        }
        if at == 1 {
            *to = b'0' + (n % 10) as u8;
        }
    }
}

const ZEROS: [u8; 20] = [b'0'; 20];
/// Digits of a float that C's precisions can ask for before they become excessive.
const MAX_DIGITS: usize = 17;
/// Decimals of [`Fixed`].
pub const MAX_DECIMALS: usize = 16;

/// Powers of ten whose product with a 53-bit mantissa fits 128 bits.
static POWERS: [u128; 23] = {
    let mut t = [1u128; 23];
    let mut i = 1;
    while i < 23 {
        t[i] = t[i - 1] * 10;
        i += 1;
    }
    t
};

/// A positive number below 2^60 as `m / 2^shift`; `m` has more than 53 bits only for integers from 2^53 on.
#[inline]
fn parts(f: f64) -> Option<(u64, u32)> {
    let bits = f.to_bits();
    let e = (bits >> 52) as u32;
    let fraction = bits & ((1 << 52) - 1);
    match e {
        0 => Some((fraction, 1074)),
        1..=1075 => Some((fraction | 1 << 52, 1075 - e)),
        1076..=1082 => Some(((fraction | 1 << 52) << (e - 1075), 0)),
        _ => None,
    }
}

/// `m * power / 2^shift`, rounded to nearest even; exact, since the product has at most 127 bits (large `m` come with small powers).
#[inline]
fn scaled(m: u64, shift: u32, power: u128) -> u128 {
    let product = u128::from(m) * power;
    if shift == 0 {
        return product;
    }
    if shift >= 128 {
        return 0; // below one half
    }
    let (q, r) = (product >> shift, product & ((1 << shift) - 1));
    let half = 1u128 << (shift - 1);
    q + u128::from(r > half || r == half && q & 1 == 1)
}

/// The decimal digits of a positive number and the exponent of the first one.
struct Digits {
    text: [u8; 20],
    exponent: i32,
}

/// The first `count` (1 to 17) significant digits, correctly rounded.
fn digits(f: f64, count: usize) -> Digits {
    if let Some(d) = digits_exactly(f, count) {
        return d;
    }
    // `d.ddd...e[-]x`
    let mut sci = NumText::EMPTY;
    let _ = write!(sci, "{:.*e}", count - 1, f);
    let mut d = Digits {
        text: [b'0'; 20],
        exponent: 0,
    };
    let mut at = 0;
    let (mut negative, mut in_exponent) = (false, false);
    for &c in sci.as_bytes() {
        match c {
            b'0'..=b'9' if in_exponent => d.exponent = d.exponent * 10 + i32::from(c - b'0'),
            b'0'..=b'9' => {
                d.text[at.min(19)] = c;
                at += 1;
            }
            b'e' => in_exponent = true,
            b'-' => negative = true,
            _ => {}
        }
    }
    if negative {
        d.exponent = -d.exponent;
    }
    d
}

/// [`digits`] by 128-bit integers, for numbers of moderate size (about 1e-5 to 1e15).
fn digits_exactly(f: f64, count: usize) -> Option<Digits> {
    let (m, shift) = parts(f)?;
    let log2 = 63 - m.leading_zeros() as i32 - shift as i32;
    // 1233 / 4096 is just above log10(2): at most one too small or too large.
    let mut exponent = (log2 * 1233) >> 12;
    for _ in 0..3 {
        let power = usize::try_from(count as i32 - 1 - exponent).ok()?;
        let n = scaled(m, shift, *POWERS.get(power)?);
        if n >= POWERS[count] {
            exponent += 1;
        } else if n < POWERS[count - 1] {
            exponent -= 1;
        } else {
            let mut buf = [0; 20];
            let mut text = [b'0'; 20];
            for (to, from) in text.iter_mut().zip(decimal(n as u64, &mut buf)) {
                *to = *from;
            }
            return Some(Digits { text, exponent });
        }
    }
    None
}

/// `d.ddde+xx`
fn scientific(out: &mut NumText, digits: &[u8], exponent: i32, letter: u8) {
    out.push(&digits[..1]);
    if digits.len() > 1 {
        out.push(&[decimal_point()]);
        out.push(&digits[1..]);
    }
    out.push(&[letter, if exponent < 0 { b'-' } else { b'+' }]);
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        out.push(b"0");
    }
    let mut buf = [0; 20];
    out.push(decimal(u64::from(exponent), &mut buf));
}

fn general(out: &mut NumText, f: f64, precision: usize) {
    if !f.is_finite() {
        out.push(non_finite(f));
        return;
    }
    if f.is_sign_negative() {
        out.push(b"-");
    }
    if f == 0.0 {
        out.push(b"0");
        return;
    }
    let Digits { text, exponent } = digits(f.abs(), precision);
    let mut count = precision;
    while count > 1 && text[count - 1] == b'0' {
        count -= 1;
    }
    let point = [decimal_point()];
    if exponent < -4 || exponent >= precision as i32 {
        scientific(out, &text[..count], exponent, b'e');
    } else if exponent < 0 {
        out.push(b"0");
        out.push(&point);
        out.push(&ZEROS[..exponent.unsigned_abs() as usize - 1]);
        out.push(&text[..count]);
    } else {
        let whole = exponent as usize + 1;
        out.push(&text[..whole]);
        if count > whole {
            out.push(&point);
            out.push(&text[whole..count]);
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
        if p.is_null() || *p == 0 {
            b'.'
        } else {
            *p as u8
        }
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
        let n = unsafe {
            libc::snprintf(
                buf.as_mut_ptr().cast(),
                buf.len(),
                c"%.*g".as_ptr(),
                precision,
                f,
            )
        };
        buf[..n as usize].to_vec()
    }

    fn libc_text(form: &std::ffi::CStr, f: f64, precision: usize) -> Vec<u8> {
        let mut buf = [0u8; 400];
        // SAFETY: the buffer is large enough; arguments match the format.
        let n = unsafe {
            libc::snprintf(
                buf.as_mut_ptr().cast(),
                buf.len(),
                form.as_ptr(),
                precision as i32,
                f,
            )
        };
        buf[..n as usize].to_vec()
    }

    #[test]
    fn fixed_and_scientific_are_printf() {
        let ties = (0..2000).map(|i| f64::from(i) / 64.0 - 10.0);
        for f in samples().chain(ties).chain([
            0.0,
            -0.0,
            0.5,
            1.5,
            2.5,
            1e17 + 0.5,
            9.5,
            99.5,
            999_999.999_999_5,
        ]) {
            for p in [0, 1, 2, 3, 6, 14, 16] {
                if let Some(ours) = Fixed::new(f, p) {
                    let mut text = vec![b'-'; ours.width()];
                    // SAFETY: the room that it asked for.
                    unsafe { ours.write(text.as_mut_ptr().add(ours.sign())) };
                    assert_eq!(text, libc_text(c"%.*f", f, p), "{f:e} at {p}");
                } else {
                    assert!(f.is_nan() || f.abs() >= 1e18);
                }
                assert_eq!(
                    float_e(f, p, b'e').as_bytes(),
                    libc_text(c"%.*e", f, p),
                    "{f:e} at {p}"
                );
            }
        }
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
        for n in (0..19).map(|p| POWERS[p] as u64) {
            assert_eq!(decimal_len(n), n.to_string().len());
            assert_eq!(decimal_len(n - 1), (n - 1).to_string().len());
        }
        for i in [0, 7, -7, 10, 99, 100, 101, 12345, i64::MAX, i64::MIN] {
            assert_eq!(&*format_int(i), i.to_string().as_bytes());
            assert_eq!(
                decimal_len(i.unsigned_abs()),
                i.unsigned_abs().to_string().len()
            );
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
