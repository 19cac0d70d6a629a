//! Conversion specifications of string.format (`%-08.3f`) and the formatting of integers by them. No Lua here.

use crate::{bytes, numfmt};

/// Flags accepted by the conversions: integers, unsigned, octal and hexadecimal, floats, the others.
pub const FLAGS_INT: &[u8] = b"-+0 ";
pub const FLAGS_UNSIGNED: &[u8] = b"-0";
pub const FLAGS_HEX: &[u8] = b"-#0";
pub const FLAGS_FLOAT: &[u8] = b"-+#0 ";
pub const FLAGS_TEXT: &[u8] = b"-";

/// MAX_FORMAT of lstrlib.c less what it keeps free.
const MAX_FORM: usize = 22;

/// Flags, width and precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    pub left: bool,
    pub plus: bool,
    pub space: bool,
    pub alternate: bool,
    pub zero: bool,
    pub width: usize,
    pub precision: Option<usize>,
}

/// The form of a conversion: what follows the `%`, up to and including the conversion character (absent at the end of the format).
/// `None`: too long.
pub fn form(text: &[u8]) -> Option<&[u8]> {
    let flags = text
        .iter()
        .take_while(|c| matches!(c, b'-' | b'+' | b'#' | b' ' | b'.' | b'0'..=b'9'))
        .count();
    if flags + 1 >= MAX_FORM {
        return None;
    }
    Some(&text[..(flags + 1).min(text.len())])
}

/// Reads a form whose last character is a conversion. `None`: not valid for a conversion with these flags.
pub fn parse(form: &[u8], flags: &[u8], allow_precision: bool) -> Option<Spec> {
    let mut spec = Spec::default();
    let mut rest = form;
    while let [c, tail @ ..] = rest
        && flags.contains(c)
    {
        match c {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'#' => spec.alternate = true,
            _ => spec.zero = true,
        }
        rest = tail;
    }
    // A width cannot start with '0'.
    if rest.first() != Some(&b'0') {
        (spec.width, rest) = two_digits(rest);
        if let [b'.', tail @ ..] = rest
            && allow_precision
        {
            let (precision, tail) = two_digits(tail);
            spec.precision = Some(precision);
            rest = tail;
        }
    }
    matches!(rest, [c] if c.is_ascii_alphabetic()).then_some(spec)
}

/// What a form says, if it is valid for its conversion, the last character.
pub fn of(form: &[u8]) -> Option<Spec> {
    let (flags, precision) = match form.last()? {
        b'd' | b'i' => (FLAGS_INT, true),
        b'u' => (FLAGS_UNSIGNED, true),
        b'o' | b'x' | b'X' => (FLAGS_HEX, true),
        b'a' | b'A' | b'e' | b'E' | b'f' | b'g' | b'G' => (FLAGS_FLOAT, true),
        b's' => (FLAGS_TEXT, true),
        b'c' | b'p' => (FLAGS_TEXT, false),
        _ => return None,
    };
    parse(form, flags, precision)
}

fn two_digits(text: &[u8]) -> (usize, &[u8]) {
    let n = text
        .iter()
        .take(2)
        .take_while(|c| c.is_ascii_digit())
        .count();
    (
        text[..n]
            .iter()
            .fold(0, |a, c| a * 10 + usize::from(c - b'0')),
        &text[n..],
    )
}

/// Room for a formatted integer: at most two digits of width and precision, so 99 characters and a prefix, and what `hex` writes behind.
pub const INT_TEXT: usize = 128;

/// Writes an integer as C's `%lld`, `%llu`, `%llo`, `%llx`, `%llX` do; gives the number of characters.
///
/// # Safety
/// There is room for [`INT_TEXT`] characters.
pub unsafe fn integer(spec: Spec, conversion: u8, n: i64, to: *mut u8) -> usize {
    let signed = matches!(conversion, b'd' | b'i');
    let bits = if signed { n.unsigned_abs() } else { n as u64 };
    // Bits of a digit.
    let radix = match conversion {
        b'o' => 3,
        b'x' | b'X' => 4,
        _ => 0,
    };
    let digits = match (bits, radix) {
        (0, _) => 0,
        (_, 0) => numfmt::decimal_len(bits),
        _ => (64 - bits.leading_zeros()).div_ceil(radix) as usize,
    };
    let prefix: &[u8] = match conversion {
        b'd' | b'i' if n < 0 => b"-",
        b'd' | b'i' if spec.plus => b"+",
        b'd' | b'i' if spec.space => b" ",
        b'x' if spec.alternate && n != 0 => b"0x",
        b'X' if spec.alternate && n != 0 => b"0X",
        _ => b"",
    };
    let mut least = spec.precision.unwrap_or(1);
    if conversion == b'o' && spec.alternate {
        least = least.max(digits + 1);
    }
    let mut zeros = least.saturating_sub(digits);
    let used = prefix.len() + zeros + digits;
    let mut blanks = spec.width.saturating_sub(used);
    if spec.zero && !spec.left && spec.precision.is_none() {
        zeros += blanks;
        blanks = 0;
    }
    let (before, behind) = if spec.left { (0, blanks) } else { (blanks, 0) };
    // SAFETY: widths and precisions have two digits; all parts together have the length they should.
    unsafe {
        bytes::fill(to, b' ', before);
        let mut at = to.add(before);
        for &c in prefix {
            *at = c;
            at = at.add(1);
        }
        bytes::fill(at, b'0', zeros);
        at = at.add(zeros);
        match radix {
            0 => numfmt::write_decimal(bits, at, digits),
            // The first digit in the uppermost bits.
            4 => hex(bits << ((64 - 4 * digits as u32) & 63), conversion, at),
            _ => {
                let mut rest = bits;
                for i in (0..digits).rev() {
                    *at.add(i) = b'0' + (rest & 7) as u8;
                    rest >>= 3;
                }
            }
        }
        at = at.add(digits);
        bytes::fill(at, b' ', behind);
        at.add(behind).offset_from(to) as usize
    }
}

/// Writes the sixteen digits of a number for `x` or `X`, eight at a time.
///
/// # Safety
/// There is room for them.
unsafe fn hex(bits: u64, conversion: u8, to: *mut u8) {
    const ONES: u64 = u64::MAX / 255;
    // What letters are more than digits that go on behind '9'.
    let letters = u64::from(b'a' - (b'x' - conversion) - b'0' - 10);
    for (i, half) in [bits >> 32, bits & 0xFFFF_FFFF].into_iter().enumerate() {
        let mut d = (half << 16 | half) & 0x0000_FFFF_0000_FFFF;
        d = (d << 8 | d) & 0x00FF_00FF_00FF_00FF;
        d = (d << 4 | d) & (15 * ONES);
        let above = (d + 6 * ONES) >> 4 & ONES;
        let text = d + u64::from(b'0') * ONES + above * letters;
        // SAFETY: the caller's room.
        unsafe {
            to.add(8 * i)
                .cast::<u64>()
                .write_unaligned(text.swap_bytes())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(form(b"5.2f rest"), Some(&b"5.2f"[..]));
        assert_eq!(form(b"5"), Some(&b"5"[..]));
        assert_eq!(form(b""), Some(&b""[..]));
        assert_eq!(form(&[b'0'; 20]), Some(&[b'0'; 20][..]));
        assert_eq!(form(&[b'0'; 21]), None);
    }

    #[test]
    fn specs() {
        let spec = parse(b"-08.3d", FLAGS_INT, true).unwrap();
        assert_eq!(
            (spec.left, spec.zero, spec.width, spec.precision),
            (true, true, 8, Some(3))
        );
        assert_eq!(parse(b".d", FLAGS_INT, true).unwrap().precision, Some(0));
        assert_eq!(parse(b"#d", FLAGS_INT, true), None);
        assert_eq!(parse(b"123d", FLAGS_INT, true), None);
        assert_eq!(parse(b".123d", FLAGS_INT, true), None);
        assert_eq!(parse(b"05s", FLAGS_TEXT, true), None);
        assert_eq!(parse(b".3c", FLAGS_TEXT, false), None);
        assert!(parse(b"+-# 010.10f", FLAGS_FLOAT, true).is_some());
    }

    fn libc_integer(form: &str, n: i64) -> Vec<u8> {
        let (head, conversion) = form.split_at(form.len() - 1);
        let c_form = format!("%{head}ll{conversion}\0");
        let mut buf = [0u8; 128];
        // SAFETY: the buffer is large enough; the argument matches the format.
        let len = unsafe {
            libc::snprintf(
                buf.as_mut_ptr().cast(),
                buf.len(),
                c_form.as_ptr().cast(),
                n,
            )
        };
        buf[..len as usize].to_vec()
    }

    #[test]
    fn integers_are_printf() {
        let flags = ["", "-", "0", "-0"];
        for conversion in [b'd', b'i', b'u', b'o', b'x', b'X'] {
            let (own, extra): (&[u8], &[&str]) = match conversion {
                b'd' | b'i' => (FLAGS_INT, &["", "+", " ", "+ "]),
                b'u' => (FLAGS_UNSIGNED, &[""]),
                _ => (FLAGS_HEX, &["", "#"]),
            };
            for flag in flags
                .iter()
                .flat_map(|f| extra.iter().map(move |e| format!("{f}{e}")))
            {
                for tail in [
                    "", "5", "25", "99", ".0", ".", ".3", "10.4", "4.10", "99.99",
                ] {
                    let text = format!("{flag}{tail}{}", conversion as char);
                    let Some(spec) = parse(text.as_bytes(), own, true) else {
                        panic!("{text}")
                    };
                    for n in [0, 1, -1, 8, 255, -255, 1234567, i64::MAX, i64::MIN] {
                        let mut ours = [0; INT_TEXT];
                        // SAFETY: the room it wants.
                        let len = unsafe { integer(spec, conversion, n, ours.as_mut_ptr()) };
                        assert_eq!(ours[..len], libc_integer(&text, n), "%{text} of {n}");
                    }
                }
            }
        }
    }
}
