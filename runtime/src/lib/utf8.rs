//! The utf8 library (manual section 6.5). `lax` lifts the limit on code points from 10FFFF to 2^31 and allows surrogates.

use super::buffer::{Buffer, Space};
use super::library::{Entry, new_library};
use crate::error::{LResult, Raise};
use crate::object::Table;
use crate::thread::Lua;
use crate::value::Value;

const FUNCTIONS: &[Entry] = &[
    Entry(
        "char",
        char_,
        "char(...): UTF-8 text of the given code points",
    ),
    Entry(
        "codepoint",
        codepoint,
        "codepoint(s [, i [, j [, lax]]]): code points of s[i..j]",
    ),
    Entry(
        "codes",
        codes,
        "codes(s [, lax]): iterates over positions and code points",
    ),
    Entry(
        "len",
        len,
        "len(s [, i [, j [, lax]]]): number of characters, or nil and the first invalid position",
    ),
    Entry(
        "offset",
        offset,
        "offset(s, n [, i]): position of the n-th character from i",
    ),
];

/// Matches one character.
const CHAR_PATTERN: &[u8] = b"[\0-\x7F\xC2-\xFD][\x80-\xBF]*";

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, 1)?;
    let pattern = l.new_str(CHAR_PATTERN)?;
    // SAFETY: made above.
    l.raw_set_str(t, "charpattern", unsafe { Value::str(pattern) })?;
    l.pop(1);
    Ok(t)
}

/// Largest code point of Unicode, and of the original UTF-8.
const MAX_UNICODE: u32 = 0x10_FFFF;
const MAX_UTF: u32 = 0x7FFF_FFFF;

/// Position from a relative one; 0 when it lies before the string.
fn position(pos: i64, len: usize) -> i64 {
    if pos >= 0 {
        pos
    } else if pos.unsigned_abs() > len as u64 {
        0
    } else {
        len as i64 + pos + 1
    }
}

/// Is the byte at `i` a continuation byte?
#[inline]
fn is_continuation(s: &[u8], i: usize) -> bool {
    s.get(i).is_some_and(|c| c & 0xC0 == 0x80)
}

/// Decodes the character at `at`: code point and length in bytes.
#[inline]
fn decode(s: &[u8], at: usize, strict: bool) -> Option<(u32, usize)> {
    // Behind the end the reference reads the terminator, a zero character.
    let first = s.get(at).copied().unwrap_or(0);
    if first < 0x80 {
        Some((u32::from(first), 1))
    } else {
        decode_long(s, at, first, strict)
    }
}

fn decode_long(s: &[u8], at: usize, first: u8, strict: bool) -> Option<(u32, usize)> {
    // Continuation bytes, and the smallest code point that needs as many.
    let (count, least): (usize, u32) = match first {
        0xC0..=0xDF => (1, 0x80),
        0xE0..=0xEF => (2, 0x800),
        0xF0..=0xF7 => (3, 0x1_0000),
        0xF8..=0xFB => (4, 0x20_0000),
        0xFC..=0xFD => (5, 0x400_0000),
        _ => return None,
    };
    let mut code = u32::from(first) & (0x3F >> count);
    for i in 1..=count {
        if !is_continuation(s, at + i) {
            return None;
        }
        code = code << 6 | u32::from(s[at + i] & 0x3F);
    }
    let valid =
        code >= least && !(strict && (code > MAX_UNICODE || (0xD800..=0xDFFF).contains(&code)));
    valid.then_some((code, count + 1))
}

/// Encodes a code point up to [`MAX_UTF`].
fn encode(code: u32, out: &mut [u8; 6]) -> &[u8] {
    if code < 0x80 {
        out[0] = code as u8;
        return &out[..1];
    }
    let extra = match code {
        0..=0x7FF => 1,
        0x800..=0xFFFF => 2,
        0x1_0000..=0x1F_FFFF => 3,
        0x20_0000..=0x3FF_FFFF => 4,
        _ => 5,
    };
    let mut rest = code;
    for i in (1..=extra).rev() {
        out[i] = 0x80 | (rest & 0x3F) as u8;
        rest >>= 6;
    }
    out[0] = !(0x7F >> extra) as u8 | rest as u8;
    &out[..=extra]
}

#[cold]
fn invalid(l: Lua) -> Raise {
    l.error("invalid UTF-8 code")
}

fn len(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let first = position(l.opt_int(2, 1)?, s.len());
    let last = position(l.opt_int(3, -1)?, s.len());
    let strict = !l.arg(4).truthy();
    if !(1..=s.len() as i64 + 1).contains(&first) {
        return Err(l.arg_error(2, "initial position out of bounds"));
    }
    if last > s.len() as i64 {
        return Err(l.arg_error(3, "final position out of bounds"));
    }
    let (mut at, end) = (first as usize - 1, last as usize);
    let mut n = 0;
    while at < end {
        match decode(s, at, strict) {
            Some((_, size)) => at += size,
            None => {
                l.push(Value::NIL);
                l.push(Value::int(at as i64 + 1));
                return Ok(2);
            }
        }
        n += 1;
    }
    l.push(Value::int(n));
    Ok(1)
}

fn codepoint(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let first = position(l.opt_int(2, 1)?, s.len());
    let last = position(l.opt_int(3, first)?, s.len());
    let strict = !l.arg(4).truthy();
    if first < 1 {
        return Err(l.arg_error(2, "out of bounds"));
    }
    if last > s.len() as i64 {
        return Err(l.arg_error(3, "out of bounds"));
    }
    if first > last {
        return Ok(0);
    }
    if last - first >= i64::from(i32::MAX) {
        return Err(l.error("string slice too long"));
    }
    l.ensure_stack((last - first) as i32 + 1, "string slice too long")?;
    let (mut at, end) = (first as usize - 1, last as usize);
    let mut n = 0;
    while at < end {
        let Some((code, size)) = decode(s, at, strict) else {
            return Err(invalid(l));
        };
        l.push(Value::int(i64::from(code)));
        at += size;
        n += 1;
    }
    Ok(n)
}

fn char_(l: Lua) -> LResult<u32> {
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    for i in 1..=l.top() {
        match u32::try_from(l.check_int(i)?) {
            Ok(code) if code <= MAX_UTF => out.add(encode(code, &mut [0; 6]))?,
            _ => return Err(l.arg_error(i, "value out of range")),
        }
    }
    out.push_result()?;
    Ok(1)
}

fn offset(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let mut n = l.check_int(2)?;
    let default = if n >= 0 { 1 } else { s.len() as i64 + 1 };
    let start = position(l.opt_int(3, default)?, s.len());
    if !(1..=s.len() as i64 + 1).contains(&start) {
        return Err(l.arg_error(3, "position out of bounds"));
    }
    let mut at = start as usize - 1;
    if n == 0 {
        while at > 0 && is_continuation(s, at) {
            at -= 1;
        }
    } else {
        if is_continuation(s, at) {
            return Err(l.error("initial position is a continuation byte"));
        }
        if n < 0 {
            while n < 0 && at > 0 {
                at -= 1;
                while at > 0 && is_continuation(s, at) {
                    at -= 1;
                }
                n += 1;
            }
        } else {
            n -= 1;
            while n > 0 && at < s.len() {
                at += 1;
                while is_continuation(s, at) {
                    at += 1;
                }
                n -= 1;
            }
        }
    }
    l.push(if n == 0 {
        Value::int(at as i64 + 1)
    } else {
        Value::NIL
    });
    Ok(1)
}

fn codes(l: Lua) -> LResult<u32> {
    let lax = l.arg(2).truthy();
    l.check_bytes(1)?;
    let iterator = l.new_native(if lax { next_lax } else { next_strict }, &[])?;
    l.push(iterator);
    l.push(l.arg(1));
    l.push(Value::int(0));
    Ok(3)
}

fn next_strict(l: Lua) -> LResult<u32> {
    next(l, true)
}

fn next_lax(l: Lua) -> LResult<u32> {
    next(l, false)
}

fn next(l: Lua, strict: bool) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    // The control value is the position (from 1) of the last character, so the index (from 0) of what follows its first byte.
    let Ok(mut at) = usize::try_from(l.to_int(l.arg(2)).unwrap_or(0)) else {
        return Ok(0);
    };
    while is_continuation(s, at) {
        at += 1;
    }
    if at >= s.len() {
        return Ok(0);
    }
    let Some((code, _)) = decode(s, at, strict) else {
        return Err(invalid(l));
    };
    l.push(Value::int(at as i64 + 1));
    l.push(Value::int(i64::from(code)));
    Ok(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for code in [
            0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0xFFFF, 0x1_0000, 0x10_FFFF, 0x11_0000, 0x1F_FFFF,
            0x20_0000, 0x3FF_FFFF, MAX_UTF,
        ] {
            let mut buf = [0; 6];
            let text = encode(code, &mut buf);
            assert_eq!(decode(text, 0, false), Some((code, text.len())), "{code:x}");
            if let Some(c) = char::from_u32(code) {
                assert_eq!(text, c.to_string().as_bytes());
                assert_eq!(decode(text, 0, true), Some((code, text.len())));
            } else {
                assert_eq!(decode(text, 0, true), None);
            }
        }
    }

    #[test]
    fn invalid_sequences() {
        for s in [
            &b"\x80"[..],
            b"\xC0\x80",
            b"\xC1\xBF",
            b"\xE0\x9F\xBF",
            b"\xF0\x8F\xBF\xBF",
            b"\xFE",
            b"\xFF",
            b"\xC2",
            b"\xE2\x82",
        ] {
            assert_eq!(decode(s, 0, false), None, "{s:?}");
        }
        assert_eq!(decode(b"\xED\xA0\x80", 0, true), None);
        assert_eq!(decode(b"\xED\xA0\x80", 0, false), Some((0xD800, 3)));
    }

    #[test]
    fn positions() {
        assert_eq!(
            [
                position(3, 5),
                position(-1, 5),
                position(-5, 5),
                position(-6, 5),
                position(i64::MIN, 5)
            ],
            [3, 5, 1, 0, 0]
        );
    }
}
