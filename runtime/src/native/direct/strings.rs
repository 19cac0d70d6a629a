//! Direct forms of string functions.

use super::Call;
use crate::lib::string::{self as library, ctype, layout, search};
use crate::value::Value;
use trinity_abi::string::MAX_SHORT;

pub(super) fn len(c: &Call) -> Option<Value> {
    Some(Value::int(c.bytes(0)?.len() as i64))
}

pub(super) fn sub(c: &Call) -> Option<Value> {
    let s = c.bytes(0)?;
    let start = library::start_position(c.int(1)?, s.len());
    let end = library::end_position(c.int_or(2, -1)?, s.len());
    if start == 1 && end == s.len() {
        return Some(c.arg(0));
    }
    c.text(s.get(start - 1..end).unwrap_or(b""))
}

pub(super) fn byte(c: &Call) -> Option<Value> {
    let s = c.bytes(0)?;
    let first = c.int_or(1, 1)?;
    let start = library::start_position(first, s.len());
    let end = library::end_position(c.int_or(2, first)?, s.len());
    for n in 0..c.wanted {
        let v = match start + n {
            at if at <= end => Value::int(i64::from(s[at - 1])),
            _ => Value::NIL,
        };
        // SAFETY: the CALL's results have these slots.
        unsafe { *c.args.sub(1).add(n) = v };
    }
    Some(Value::NIL)
}

pub(super) fn char_(c: &Call) -> Option<Value> {
    let mut text = [0; MAX_SHORT];
    let text = text.get_mut(..c.count)?;
    for (n, to) in text.iter_mut().enumerate() {
        *to = u8::try_from(c.int(n)?).ok()?;
    }
    c.text(text)
}

pub(super) fn rep(c: &Call) -> Option<Value> {
    let s = c.bytes(0)?;
    let total = s.len().checked_mul(c.int(1)?.max(0) as usize)?;
    let mut text = [0; MAX_SHORT];
    let text = text.get_mut(..total)?;
    library::fill_repeated(text, s, b"");
    c.text(text)
}

/// A short string made byte by byte from another.
fn mapped(c: &Call, fill: impl FnOnce(&mut [u8], &[u8])) -> Option<Value> {
    let s = c.bytes(0)?;
    let mut text = [0; MAX_SHORT];
    let text = text.get_mut(..s.len())?;
    fill(text, s);
    c.text(text)
}

pub(super) fn reverse(c: &Call) -> Option<Value> {
    mapped(c, |to, from| {
        to.copy_from_slice(from);
        to.reverse();
    })
}

pub(super) fn lower(c: &Call) -> Option<Value> {
    let f = ctype::lower();
    mapped(c, |to, from| {
        to.iter_mut().zip(from).for_each(|(to, &b)| *to = f(b));
    })
}

pub(super) fn upper(c: &Call) -> Option<Value> {
    let f = ctype::upper();
    mapped(c, |to, from| {
        to.iter_mut().zip(from).for_each(|(to, &b)| *to = f(b));
    })
}

/// Texts without special characters, and patterns without captures.
pub(super) fn find(c: &Call) -> Option<Value> {
    let (s, p) = (c.bytes(0)?, c.bytes(1)?);
    let init = library::start_position(c.int_or(2, 1)?, s.len()) - 1;
    let plain = c.arg(3).truthy();
    if s.len() < init {
        return c.results(&[]);
    }
    match search::find_without_captures(s, p, init, plain)? {
        Some((start, end)) => c.results(&[Value::int(start as i64 + 1), Value::int(end as i64)]),
        None => c.results(&[]),
    }
}

/// Formats of one number: an order of bytes, perhaps, and an option with its size, perhaps.
pub(super) fn unpack(c: &Call) -> Option<Value> {
    let (format, data) = (c.bytes(0)?, c.bytes(1)?);
    let (little, option) = match format {
        [b'>', rest @ ..] => (false, rest),
        [b'<' | b'=', rest @ ..] => (true, rest),
        _ => (true, format),
    };
    let (&kind, size) = option.split_first()?;
    let size = match (kind, size) {
        (b'b' | b'B', []) => 1,
        (b'h' | b'H', []) => 2,
        (b'i' | b'I' | b'f', []) => 4,
        (b'j' | b'J' | b'l' | b'L' | b'd' | b'n', []) => 8,
        (b'i' | b'I', [n @ b'1'..=b'8']) => usize::from(n - b'0'),
        _ => return None,
    };
    let pos = library::start_position(c.int_or(2, 1)?, data.len()) - 1;
    let bytes = data.get(pos..)?.get(..size)?;
    let number = layout::decode(bytes, little, kind.is_ascii_lowercase())?;
    let value = match kind {
        b'f' => Value::float(f64::from(f32::from_bits(number as u32))),
        b'd' | b'n' => Value::float(f64::from_bits(number as u64)),
        _ => Value::int(number),
    };
    c.results(&[value, Value::int((pos + size) as i64 + 1)])
}
