//! The string library (manual section 6.4).
//!
//! | module | idea |
//! |---|---|
//! | `ctype` | C character classes of the current locale |
//! | `pattern`, `matcher` | patterns translated to items; the backtracking matcher |
//! | `search`, `gsub` | find, match, gmatch; gsub |
//! | `spec`, `format` | conversion specifications; string.format |
//! | `layout`, `pack` | pack formats; pack, packsize, unpack |
//! | `coerce` | arithmetic on strings: the metatable |

pub mod coerce;
pub mod ctype;
pub(crate) mod format;
mod gsub;
pub(crate) mod layout;
pub mod matcher;
mod pack;
pub mod pattern;
pub mod plan;
pub(crate) mod search;
mod spec;

use super::buffer::{Buffer, Space};
use super::library::{Entry, new_library};
use crate::emergency::with_memory;
use crate::error::LResult;
use crate::object::Table;
use crate::proto::RtProto;
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Proto;

const FUNCTIONS: &[Entry] = &[
    Entry(
        "byte",
        byte,
        "byte(s [, i [, j]]): character codes of s[i..j]",
    ),
    Entry(
        "char",
        char_,
        "char(...): string of the given character codes",
    ),
    Entry(
        "dump",
        dump,
        "dump(f [, strip]): binary chunk of a Lua function",
    ),
    Entry(
        "find",
        search::find,
        "find(s, pattern [, init [, plain]]): first match: start, end, captures",
    ),
    Entry(
        "format",
        format::format,
        "format(fmt, ...): formatted text, as C's printf",
    ),
    Entry(
        "gmatch",
        search::gmatch,
        "gmatch(s, pattern [, init]): iterator over matches",
    ),
    Entry(
        "gsub",
        gsub::gsub,
        "gsub(s, pattern, repl [, n]): replaces matches; text and count",
    ),
    Entry("len", len, "len(s): number of bytes"),
    Entry(
        "lower",
        lower,
        "lower(s): upper-case letters made lower-case",
    ),
    Entry(
        "match",
        search::match_,
        "match(s, pattern [, init]): captures of the first match",
    ),
    Entry(
        "pack",
        pack::pack,
        "pack(fmt, ...): values serialised in binary form",
    ),
    Entry(
        "packsize",
        pack::packsize,
        "packsize(fmt): size of what pack would give",
    ),
    Entry(
        "rep",
        rep,
        "rep(s, n [, sep]): n copies of s, separated by sep",
    ),
    Entry("reverse", reverse, "reverse(s): the bytes in reverse order"),
    Entry("sub", sub, "sub(s, i [, j]): s[i..j]"),
    Entry(
        "unpack",
        pack::unpack,
        "unpack(fmt, s [, pos]): values that were packed",
    ),
    Entry(
        "upper",
        upper,
        "upper(s): lower-case letters made upper-case",
    ),
];

/// Longest result of `rep`, and longest fixed pack layout (the reference's MAXSIZE: INT_MAX).
const MAX_SIZE: usize = i32::MAX as usize;

/// Opens the library and gives strings their metatable.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, 0)?;
    coerce::set_string_metatable(l, t)?;
    l.pop(1);
    Ok(t)
}

/// Start position from a relative one: from 1, at least 1, perhaps beyond the end.
#[inline]
pub(crate) fn start_position(pos: i64, len: usize) -> usize {
    match usize::try_from(pos) {
        Ok(p) => p.max(1),
        Err(_) if pos < -(len as i64) => 1,
        Err(_) => len + 1 - pos.unsigned_abs() as usize,
    }
}

/// End position from a relative one, clipped to `0..=len`.
#[inline]
pub(crate) fn end_position(pos: i64, len: usize) -> usize {
    match usize::try_from(pos) {
        Ok(p) => p.min(len),
        Err(_) if pos < -(len as i64) => 0,
        Err(_) => len + 1 - pos.unsigned_abs() as usize,
    }
}

/// Pushes the empty string.
fn push_empty(l: Lua) -> LResult<u32> {
    l.push_bytes(b"")?;
    Ok(1)
}

fn len(l: Lua) -> LResult<u32> {
    let n = l.check_bytes(1)?.len();
    l.push(Value::int(n as i64));
    Ok(1)
}

fn sub(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let start = start_position(l.check_int(2)?, s.len());
    let end = end_position(l.opt_int(3, -1)?, s.len());
    match s.get(start - 1..end) {
        Some(part) => l.push_bytes(part)?,
        None => l.push_bytes(b"")?,
    }
    Ok(1)
}

fn reverse(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let r = l.new_str_with(s.len(), |out| {
        for (to, from) in out.iter_mut().zip(s.iter().rev()) {
            *to = *from;
        }
    })?;
    // SAFETY: made above.
    l.push(unsafe { Value::str(r) });
    Ok(1)
}

fn map_bytes(l: Lua, f: impl Fn(u8) -> u8) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let r = l.new_str_with(s.len(), |out| {
        for (to, from) in out.iter_mut().zip(s) {
            *to = f(*from);
        }
    })?;
    // SAFETY: made above.
    l.push(unsafe { Value::str(r) });
    Ok(1)
}

fn lower(l: Lua) -> LResult<u32> {
    map_bytes(l, ctype::lower())
}

fn upper(l: Lua) -> LResult<u32> {
    map_bytes(l, ctype::upper())
}

fn rep(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let n = l.check_int(2)?;
    let sep = l.opt_bytes(3)?.unwrap_or(b"");
    if n <= 0 {
        return push_empty(l);
    }
    let unit = s.len() + sep.len();
    let n = match usize::try_from(n) {
        Ok(n) if unit <= MAX_SIZE / n => n,
        _ => return Err(l.error("resulting string too large")),
    };
    let total = n * s.len() + (n - 1) * sep.len();
    let r = with_memory(l, || {
        l.new_str_with(total, |out| fill_repeated(out, s, sep))
    })?;
    // SAFETY: made above.
    l.push(unsafe { Value::str(r) });
    Ok(1)
}

/// Fills `out` with `s sep s sep ... s`.
pub(crate) fn fill_repeated(out: &mut [u8], s: &[u8], sep: &[u8]) {
    if let ([c], []) = (s, sep) {
        return out.fill(*c);
    }
    // The first unit, then doubling copies of what is there; the last separator is cut off by the length.
    let unit = s.len() + sep.len();
    let head = unit.min(out.len());
    for (to, from) in out.iter_mut().zip(s.iter().chain(sep)) {
        *to = *from;
    }
    let mut done = head;
    while done < out.len() {
        let n = done.min(out.len() - done);
        out.copy_within(..n, done);
        done += n;
    }
}

fn byte(l: Lua) -> LResult<u32> {
    let s = l.check_bytes(1)?;
    let i = l.opt_int(2, 1)?;
    let start = start_position(i, s.len());
    let end = end_position(l.opt_int(3, i)?, s.len());
    let Some(part) = s.get(start - 1..end) else {
        return Ok(0);
    };
    if let [c] = part {
        l.push(Value::int(i64::from(*c)));
        return Ok(1);
    }
    if part.len() >= MAX_SIZE {
        return Err(l.error("string slice too long"));
    }
    l.ensure_stack(part.len() as i32, "string slice too long")?;
    for &c in part {
        l.push(Value::int(i64::from(c)));
    }
    Ok(part.len() as u32)
}

fn char_(l: Lua) -> LResult<u32> {
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    for i in 1..=l.top() {
        match u8::try_from(l.check_int(i)?) {
            Ok(c) => out.add_byte(c)?,
            Err(_) => return Err(l.arg_error(i, "value out of range")),
        }
    }
    out.push_result()?;
    Ok(1)
}

fn dump(l: Lua) -> LResult<u32> {
    let strip = l.arg(2).truthy();
    l.check_type(1, "function")?;
    let f = l.arg(1);
    if f.t != tag::LUA_FN {
        return Err(l.error("unable to dump given function"));
    }
    // SAFETY: the function is an argument.
    let p = unsafe { prototype((*f.as_lua_fn()).proto) };
    l.push_bytes(&trinity_frontend::bytecode::dump(&p, strip))?;
    Ok(1)
}

/// The front end's form of a loaded prototype, with those inside it.
///
/// # Safety
/// `p` is live.
unsafe fn prototype(p: *mut RtProto) -> Proto {
    // SAFETY: the caller's word; children live with their parent.
    unsafe {
        let mut whole = Proto::clone(&(*p).src);
        let children = &(*p).children;
        whole.protos = children.iter().map(|c| prototype(*c)).collect();
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        let relative = |p| (start_position(p, 5), end_position(p, 5));
        assert_eq!(relative(0), (1, 0));
        assert_eq!(relative(3), (3, 3));
        assert_eq!(relative(9), (9, 5));
        assert_eq!(relative(-1), (5, 5));
        assert_eq!(relative(-5), (1, 1));
        assert_eq!(relative(-6), (1, 0));
        assert_eq!(relative(i64::MIN), (1, 0));
        assert_eq!(relative(i64::MAX), (i64::MAX as usize, 5));
    }

    #[test]
    fn repeated() {
        let rep = |s: &[u8], n: usize, sep: &[u8]| {
            let mut out = vec![b'?'; n * s.len() + (n - 1) * sep.len()];
            fill_repeated(&mut out, s, sep);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(rep(b"a", 5, b""), "aaaaa");
        assert_eq!(rep(b"ab", 1, b", "), "ab");
        assert_eq!(rep(b"ab", 4, b", "), "ab, ab, ab, ab");
        assert_eq!(rep(b"", 4, b"-"), "---");
        assert_eq!(rep(b"xyz", 7, b""), "xyz".repeat(7));
        assert_eq!(rep(b"", 3, b""), "");
    }
}
