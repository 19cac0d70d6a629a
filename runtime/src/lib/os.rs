//! The os library (manual section 6.9), through libc: time zones, locales and processes are C's business.

use super::buffer::{Buffer, Space};
use super::io::result::{exec_result, file_result};
use super::io::stdio::{c_part, c_string, set_errno};
use super::library::{Entry, new_library};
use crate::error::LResult;
use crate::object::Table;
use crate::thread::Lua;
use crate::value::{Value, tag};
use std::ffi::CStr;

const FUNCTIONS: &[Entry] = &[
    Entry(
        "clock",
        cpu_clock,
        "clock(): processor time used, in seconds",
    ),
    Entry(
        "date",
        date,
        "date([format [, time]]): date and time as text, or as a table for \"*t\"",
    ),
    Entry(
        "difftime",
        difftime,
        "difftime(t2, t1): seconds from t1 to t2",
    ),
    Entry(
        "execute",
        execute,
        "execute([command]): runs a shell command; success, \"exit\" or \"signal\", code",
    ),
    Entry("exit", exit, "exit([code [, close]]): ends the program"),
    Entry(
        "getenv",
        getenv,
        "getenv(name): value of an environment variable, or nil",
    ),
    Entry("remove", remove, "remove(name): deletes a file"),
    Entry("rename", rename, "rename(old, new): renames a file"),
    Entry(
        "setlocale",
        setlocale,
        "setlocale([locale [, category]]): sets or asks for the locale",
    ),
    Entry("time", time, "time([table]): the time of a date, or now"),
    Entry("tmpname", tmpname, "tmpname(): name for a temporary file"),
];

unsafe extern "C" {
    /// Processor time in units of 1/CLOCKS_PER_SEC.
    safe fn clock() -> libc::c_long;
}

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, 0)?;
    l.pop(1);
    Ok(t)
}

/// Pushes a C string, or nil for null.
///
/// # Safety
/// `s` is null or a C string.
unsafe fn push_c_string(l: Lua, s: *const libc::c_char) -> LResult<()> {
    if s.is_null() {
        l.push(Value::NIL);
        Ok(())
    } else {
        // SAFETY: the caller's word.
        l.push_bytes(unsafe { CStr::from_ptr(s) }.to_bytes())
    }
}

fn execute(l: Lua) -> LResult<u32> {
    let command = l.opt_bytes(1)?.map(c_string);
    let text = command
        .as_ref()
        .map_or(std::ptr::null(), |c| c.as_ptr().cast());
    set_errno(0);
    // SAFETY: null or NUL-terminated.
    let status = unsafe { libc::system(text) };
    if command.is_some() {
        return exec_result(l, status);
    }
    l.push(Value::bool(status != 0));
    Ok(1)
}

fn remove(l: Lua) -> LResult<u32> {
    let name = l.check_bytes(1)?;
    let text = c_string(name);
    // SAFETY: NUL-terminated.
    let ok = unsafe { libc::remove(text.as_ptr().cast()) } == 0;
    file_result(l, ok, Some(name))
}

fn rename(l: Lua) -> LResult<u32> {
    let from = c_string(l.check_bytes(1)?);
    let to = c_string(l.check_bytes(2)?);
    // SAFETY: NUL-terminated.
    let ok = unsafe { libc::rename(from.as_ptr().cast(), to.as_ptr().cast()) } == 0;
    file_result(l, ok, None)
}

fn tmpname(l: Lua) -> LResult<u32> {
    let mut name = *b"/tmp/lua_XXXXXX\0";
    // SAFETY: a NUL-terminated template; the descriptor is ours to close.
    let fd = unsafe { libc::mkstemp(name.as_mut_ptr().cast()) };
    if fd == -1 {
        return Err(l.error("unable to generate a unique filename"));
    }
    // SAFETY: see above.
    unsafe { libc::close(fd) };
    l.push_bytes(c_part(&name))?;
    Ok(1)
}

fn getenv(l: Lua) -> LResult<u32> {
    let name = c_string(l.check_bytes(1)?);
    // SAFETY: NUL-terminated; the result is copied at once.
    unsafe { push_c_string(l, libc::getenv(name.as_ptr().cast()))? };
    Ok(1)
}

fn cpu_clock(l: Lua) -> LResult<u32> {
    /// POSIX fixes CLOCKS_PER_SEC.
    const PER_SECOND: f64 = 1e6;
    l.push(Value::float(clock() as f64 / PER_SECOND));
    Ok(1)
}

fn setlocale(l: Lua) -> LResult<u32> {
    const NAMES: &[&str] = &["all", "collate", "ctype", "monetary", "numeric", "time"];
    const CATEGORIES: [libc::c_int; 6] = [
        libc::LC_ALL,
        libc::LC_COLLATE,
        libc::LC_CTYPE,
        libc::LC_MONETARY,
        libc::LC_NUMERIC,
        libc::LC_TIME,
    ];
    let name = l.opt_bytes(1)?.map(c_string);
    let category = CATEGORIES
        .get(l.check_option(2, Some("all"), NAMES)?)
        .copied()
        .unwrap_or(libc::LC_ALL);
    let text = name
        .as_ref()
        .map_or(std::ptr::null(), |n| n.as_ptr().cast());
    // SAFETY: null or NUL-terminated; the result is copied at once.
    unsafe { push_c_string(l, libc::setlocale(category, text))? };
    Ok(1)
}

fn exit(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    let status = match v.t {
        tag::TRUE => libc::EXIT_SUCCESS,
        tag::FALSE => libc::EXIT_FAILURE,
        _ => l.opt_int(1, i64::from(libc::EXIT_SUCCESS))? as libc::c_int,
    };
    if l.arg(2).truthy() {
        crate::state::close(l);
    }
    // SAFETY: leaves the process; C's streams are flushed.
    unsafe { libc::exit(status) }
}

// ---- time

/// A broken-down time of zeros.
fn empty_tm() -> libc::tm {
    // SAFETY: integers and a null pointer.
    unsafe { std::mem::zeroed() }
}

fn now() -> libc::time_t {
    // SAFETY: a null argument is allowed.
    unsafe { libc::time(std::ptr::null_mut()) }
}

/// Sets the fields of a date table.
fn set_fields(l: Lua, t: Value, tm: &libc::tm) -> LResult<()> {
    for (key, value, delta) in [
        ("year", tm.tm_year, 1900),
        ("month", tm.tm_mon, 1),
        ("day", tm.tm_mday, 0),
        ("hour", tm.tm_hour, 0),
        ("min", tm.tm_min, 0),
        ("sec", tm.tm_sec, 0),
        ("yday", tm.tm_yday, 1),
        ("wday", tm.tm_wday, 1),
    ] {
        l.set_field(t, key, Value::int(i64::from(value) + delta))?;
    }
    // Negative: unknown, no field.
    if tm.tm_isdst >= 0 {
        l.set_field(t, "isdst", Value::bool(tm.tm_isdst != 0))?;
    }
    Ok(())
}

/// An integer field of a date table, less `delta`.
fn get_field(l: Lua, t: Value, key: &str, default: Option<i32>, delta: i64) -> LResult<i32> {
    let v = l.get_field(t, key)?;
    let Some(n) = l.to_int(v) else {
        return match default {
            _ if !v.is_nil() => Err(l.error(&format!("field '{key}' is not an integer"))),
            Some(d) => Ok(d),
            None => Err(l.error(&format!("field '{key}' missing in date table"))),
        };
    };
    n.checked_sub(delta)
        .and_then(|n| i32::try_from(n).ok())
        .ok_or_else(|| l.error(&format!("field '{key}' is out-of-bound")))
}

fn time(l: Lua) -> LResult<u32> {
    let t = if l.is_none_or_nil(1) {
        now()
    } else {
        l.check_type(1, "table")?;
        let date = l.arg(1);
        let mut tm = empty_tm();
        tm.tm_year = get_field(l, date, "year", None, 1900)?;
        tm.tm_mon = get_field(l, date, "month", None, 1)?;
        tm.tm_mday = get_field(l, date, "day", None, 0)?;
        tm.tm_hour = get_field(l, date, "hour", Some(12), 0)?;
        tm.tm_min = get_field(l, date, "min", Some(0), 0)?;
        tm.tm_sec = get_field(l, date, "sec", Some(0), 0)?;
        let dst = l.get_field(date, "isdst")?;
        tm.tm_isdst = if dst.is_nil() {
            -1
        } else {
            i32::from(dst.truthy())
        };
        // SAFETY: a valid broken-down time.
        let t = unsafe { libc::mktime(&mut tm) };
        // The fields in their normal ranges.
        set_fields(l, date, &tm)?;
        t
    };
    if t == -1 {
        return Err(l.error("time result cannot be represented in this installation"));
    }
    l.push(Value::int(t));
    Ok(1)
}

fn difftime(l: Lua) -> LResult<u32> {
    let a = l.check_int(1)?;
    let b = l.check_int(2)?;
    // SAFETY: no preconditions.
    l.push(Value::float(unsafe { libc::difftime(a, b) }));
    Ok(1)
}

/// Conversions of `strftime` (C99) without and with a modifier.
const PLAIN: &[u8] = b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
const WITH_E: &[u8] = b"cCxXyY";
const WITH_O: &[u8] = b"deHImMSuUVwWy";

/// Length of the valid conversion that `text` (what follows a `%`) starts with.
fn conversion(text: &[u8]) -> Option<usize> {
    match text {
        [c, ..] if PLAIN.contains(c) => Some(1),
        [b'E', c, ..] if WITH_E.contains(c) => Some(2),
        [b'O', c, ..] if WITH_O.contains(c) => Some(2),
        _ => None,
    }
}

fn date(l: Lua) -> LResult<u32> {
    let format = l.opt_bytes(1)?.unwrap_or(b"%c");
    let t = if l.is_none_or_nil(2) {
        now()
    } else {
        l.check_int(2)?
    };
    let (utc, format) = match format {
        [b'!', rest @ ..] => (true, rest),
        _ => (false, format),
    };
    let mut tm = empty_tm();
    // SAFETY: valid places.
    let ok = unsafe {
        !(if utc {
            libc::gmtime_r(&t, &mut tm)
        } else {
            libc::localtime_r(&t, &mut tm)
        })
        .is_null()
    };
    if !ok {
        return Err(l.error("date result cannot be represented in this installation"));
    }
    if c_part(format) == b"*t" {
        let t = Value::table(l.new_table(0, 9)?);
        l.push(t);
        set_fields(l, t, &tm)?;
        return Ok(1);
    }
    /// Longest text of one conversion.
    const ITEM: usize = 250;
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    let mut rest = format;
    while let Some(i) = memchr::memchr(b'%', rest) {
        out.add(&rest[..i])?;
        rest = &rest[i + 1..];
        let Some(n) = conversion(rest) else {
            let text = [b"invalid conversion specifier '%", c_part(rest), b"'"].concat();
            return Err(l.arg_error_bytes(1, &text));
        };
        let mut form = [b'%', 0, 0, 0];
        form[1..1 + n].copy_from_slice(&rest[..n]);
        rest = &rest[n..];
        let to = out.room(ITEM)?;
        // SAFETY: the room was asked for; the form is NUL-terminated; as many bytes as reported were written.
        unsafe {
            let n = libc::strftime(to.cast(), ITEM, form.as_ptr().cast(), &tm);
            out.advance(n);
        }
    }
    out.add(rest)?;
    out.push_result()?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::conversion;

    #[test]
    fn conversions() {
        assert_eq!(conversion(b"Y-"), Some(1));
        assert_eq!(conversion(b"Ex"), Some(2));
        assert_eq!(conversion(b"Ez"), None);
        assert_eq!(conversion(b"Od"), Some(2));
        assert_eq!(conversion(b"E"), None);
        assert_eq!(conversion(b""), None);
        assert_eq!(conversion(b"%"), Some(1));
    }
}
