//! The basic functions (manual section 6.1).
//!
//! `pcall`, `xpcall` and the others that call Lua are plain native functions: every coroutine has its own native stack, so a yield inside
//! them just suspends it.

use super::io::stdio;
use super::library::{Entry, add_entries};
use super::loadfile::load_file;
use crate::error::{LResult, Status};
use crate::heap;
use crate::object::{Str, Table};
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_abi::intrinsic::Intrinsic;

/// Value of `_VERSION`.
const VERSION: &str = "Lua 5.4";

const FUNCTIONS: &[Entry] = &[
    Entry(
        "assert",
        assert,
        "Raises its second argument (default \"assertion failed!\") when the first is false; else returns all.",
    ),
    Entry(
        "collectgarbage",
        collectgarbage,
        "Controls the collector by an option.",
    ),
    Entry("dofile", dofile, "Runs a file and returns its results."),
    Entry(
        "error",
        error,
        "Raises a value; strings get the position of a level in front.",
    ),
    Entry(
        "getmetatable",
        getmetatable,
        "The metatable, or its field `__metatable`.",
    ),
    Entry(
        "ipairs",
        ipairs,
        "Iterates over 1, 2, ... up to the first nil.",
    ),
    Entry(
        "load",
        load,
        "Compiles a string or what a reader function returns.",
    ),
    Entry("loadfile", loadfile, "Compiles a file."),
    Entry("next", next, "The pair after a key."),
    Entry(
        "pairs",
        pairs,
        "Iterates over all pairs, or as `__pairs` says.",
    ),
    Entry(
        "pcall",
        pcall,
        "Calls a function; returns whether it succeeded, and results or error.",
    ),
    Entry(
        "print",
        print,
        "Writes its arguments as strings to standard output.",
    ),
    Entry("rawequal", rawequal, "Equality without metamethods."),
    Entry("rawget", rawget, "Indexing without metamethods."),
    Entry("rawlen", rawlen, "Length without metamethods."),
    Entry("rawset", rawset, "Assignment without metamethods."),
    Entry(
        "select",
        select,
        "The arguments from an index on, or their number.",
    ),
    Entry(
        "setmetatable",
        setmetatable,
        "Sets the metatable of a table.",
    ),
    Entry(
        "tonumber",
        tonumber,
        "Converts to a number, optionally in a base.",
    ),
    Entry("tostring", tostring, "Converts to a string."),
    Entry("type", type_, "The name of the type."),
    Entry("warn", warn, "Emits a warning made of its arguments."),
    Entry("xpcall", xpcall, "`pcall` with a message handler."),
];

/// Opens the library: everything goes into the table of globals.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let g = l.globals();
    add_entries(l, g, FUNCTIONS, &[])?;
    l.raw_set_str(g, "_G", Value::table(g))?;
    let version = l.new_str(VERSION.as_bytes())?;
    // SAFETY: made above.
    l.raw_set_str(g, "_VERSION", unsafe { Value::str(version) })?;
    // The functions that other library functions hand out again must be the very same values.
    let iterate = l.new_native(ipairs_step, &[])?;
    // No library's table has it.
    // SAFETY: made above.
    unsafe { (*iterate.as_native_fn()).h.aux8 = Intrinsic::IpairsIterator as u8 };
    let ipairs = l.new_native(ipairs, &[iterate])?;
    l.raw_set_str(g, "ipairs", ipairs)?;
    let next = l.raw_get_str(g, "next");
    let pairs = l.new_native(pairs, &[next])?;
    l.raw_set_str(g, "pairs", pairs)?;
    Ok(g)
}

/// The bytes of a value that is known to be a string.
fn bytes_of<'a>(v: Value) -> &'a [u8] {
    debug_assert!(v.is_string());
    // SAFETY: callers checked the tag; the value is on the stack while the bytes are used.
    unsafe { Str::bytes(v.as_str()) }
}

// ---- output and errors

fn print(l: Lua) -> LResult<u32> {
    for i in 1..=l.top() {
        let v = l.arg(i);
        if i > 1 {
            stdio::write_stdout(b"\t");
        }
        // Strings too: their metatable may have `__tostring`.
        let s = l.tostring(v)?;
        stdio::write_stdout(bytes_of(s));
    }
    stdio::write_stdout(b"\n");
    stdio::flush_stdout();
    Ok(0)
}

fn warn(l: Lua) -> LResult<u32> {
    let n = l.top();
    l.check_bytes(1)?;
    for i in 2..=n {
        l.check_bytes(i)?;
    }
    for i in 1..=n {
        l.warning(stdio::c_part(l.check_bytes(i)?), i < n);
    }
    Ok(0)
}

fn error(l: Lua) -> LResult<u32> {
    let level = l.opt_int(2, 1)? as i32;
    l.set_top(1);
    raise_with_position(l, level)
}

/// Raises argument 1, a string with the position of `level` in front.
fn raise_with_position(l: Lua, level: i32) -> LResult<u32> {
    let v = l.arg(1);
    if !v.is_string() || level <= 0 {
        return Err(l.throw(v));
    }
    let mut msg = l.where_(level);
    msg.extend_from_slice(bytes_of(v));
    l.push_bytes(&msg)?;
    Err(l.throw(l.arg(-1)))
}

fn assert(l: Lua) -> LResult<u32> {
    if l.arg(1).truthy() {
        return Ok(l.top() as u32);
    }
    l.check_any(1)?;
    l.remove(1);
    l.push_str("assertion failed!")?;
    l.set_top(1);
    raise_with_position(l, 1)
}

// ---- types and metatables

fn type_(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    l.push_str(l.arg(1).type_name())?;
    Ok(1)
}

fn tostring(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    let s = l.tostring(l.arg(1))?;
    l.push(s);
    Ok(1)
}

fn tonumber(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    if l.is_none_or_nil(2) {
        if v.is_number() {
            l.push(v);
            return Ok(1);
        }
        if v.is_string()
            && let Some(n) = crate::numfmt::str2value(bytes_of(v))
        {
            l.push(n);
            return Ok(1);
        }
        l.check_any(1)?;
    } else {
        let base = l.check_int(2)?;
        l.check_type(1, "string")?;
        if !(2..=36).contains(&base) {
            return Err(l.arg_error(2, "base out of range"));
        }
        if let Some(n) = parse_in_base(bytes_of(v), base) {
            l.push(Value::int(n));
            return Ok(1);
        }
    }
    l.push(Value::NIL);
    Ok(1)
}

/// An integer in the given base, with spaces around and a sign; wraps around.
fn parse_in_base(s: &[u8], base: i64) -> Option<i64> {
    let is_space = |c: &u8| b" \x0c\n\r\t\x0b".contains(c);
    let start = s.iter().position(|c| !is_space(c))?;
    let end = s.iter().rposition(|c| !is_space(c))?;
    let s = &s[start..=end];
    let (negative, digits) = match s.first() {
        Some(b'-') => (true, &s[1..]),
        Some(b'+') => (false, &s[1..]),
        _ => (false, s),
    };
    if digits.is_empty() {
        return None;
    }
    let mut n = 0i64;
    for &c in digits {
        let digit = i64::from(char::from(c).to_digit(36)?);
        if digit >= base {
            return None;
        }
        n = n.wrapping_mul(base).wrapping_add(digit);
    }
    Some(if negative { n.wrapping_neg() } else { n })
}

fn getmetatable(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    let mt = l.metatable_of(l.arg(1));
    if mt.is_null() {
        l.push(Value::NIL);
        return Ok(1);
    }
    let protected = l.raw_get_str(mt, "__metatable");
    l.push(if protected.is_nil() {
        Value::table(mt)
    } else {
        protected
    });
    Ok(1)
}

fn setmetatable(l: Lua) -> LResult<u32> {
    l.check_table(1)?;
    let mt = l.arg(2);
    if !mt.is_table() && (!mt.is_nil() || l.is_none(2)) {
        return Err(l.type_error(2, "nil or table"));
    }
    let v = l.arg(1);
    if !l.metafield(v, "__metatable").is_nil() {
        return Err(l.error("cannot change a protected metatable"));
    }
    l.set_metatable(
        v,
        if mt.is_nil() {
            std::ptr::null_mut()
        } else {
            mt.as_table()
        },
    )?;
    l.set_top(1);
    Ok(1)
}

fn rawequal(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    l.check_any(2)?;
    l.push(Value::bool(l.raw_equals(l.arg(1), l.arg(2))));
    Ok(1)
}

fn rawlen(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    let n = if v.is_table() {
        l.raw_len(v.as_table())
    } else if v.is_string() {
        bytes_of(v).len() as i64
    } else {
        return Err(l.type_error(1, "table or string"));
    };
    l.push(Value::int(n));
    Ok(1)
}

fn rawget(l: Lua) -> LResult<u32> {
    let t = l.check_table(1)?;
    l.check_any(2)?;
    l.push(l.raw_get(t, l.arg(2)));
    Ok(1)
}

fn rawset(l: Lua) -> LResult<u32> {
    let t = l.check_table(1)?;
    l.check_any(2)?;
    l.check_any(3)?;
    l.raw_set(t, l.arg(2), l.arg(3))?;
    l.set_top(1);
    Ok(1)
}

fn select(l: Lua) -> LResult<u32> {
    let n = i64::from(l.top());
    let v = l.arg(1);
    if v.is_string() && bytes_of(v).first() == Some(&b'#') {
        l.push(Value::int(n - 1));
        return Ok(1);
    }
    let i = match l.check_int(1)? {
        i if i < 0 => n.saturating_add(i),
        i => i.min(n),
    };
    if i < 1 {
        return Err(l.arg_error(1, "index out of range"));
    }
    Ok((n - i) as u32)
}

// ---- traversal

pub(crate) fn next(l: Lua) -> LResult<u32> {
    let t = l.check_table(1)?;
    match l.raw_next(t, l.arg(2))? {
        Some((k, v)) => {
            l.push(k);
            l.push(v);
            Ok(2)
        }
        None => {
            l.push(Value::NIL);
            Ok(1)
        }
    }
}

/// Upvalue 1 is `next`.
fn pairs(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    let v = l.arg(1);
    let method = l.metafield(v, "__pairs");
    if method.is_nil() {
        l.push(l.upvalue(1));
        l.push(v);
        l.push(Value::NIL);
    } else {
        l.push(method);
        l.push(v);
        l.call(1, 3)?;
    }
    Ok(3)
}

pub(crate) fn ipairs_step(l: Lua) -> LResult<u32> {
    let i = l.check_int(2)?.wrapping_add(1);
    let v = l.get_int(l.arg(1), i)?;
    l.push(Value::int(i));
    l.push(v);
    Ok(if v.is_nil() { 1 } else { 2 })
}

/// Upvalue 1 is `ipairs_step`.
fn ipairs(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    l.push(l.upvalue(1));
    l.push(l.arg(1));
    l.push(Value::int(0));
    Ok(3)
}

// ---- protected calls

/// Turns the outcome of a protected call into results; `extra` values below them are not results.
fn finish_pcall(l: Lua, status: Status, extra: i32) -> LResult<u32> {
    if status == Status::Ok {
        return Ok((l.top() - extra) as u32);
    }
    let e = l.pop_value();
    l.push(Value::FALSE);
    l.push(e);
    Ok(2)
}

fn pcall(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    l.push(Value::TRUE);
    l.insert(1);
    let status = l.pcall_yieldable(l.top() - 2, -1, 0);
    finish_pcall(l, status, 0)
}

fn xpcall(l: Lua) -> LResult<u32> {
    let n = l.top();
    l.check_type(2, "function")?;
    l.push(Value::TRUE);
    l.push(l.arg(1));
    l.rotate(3, 2);
    let status = l.pcall_yieldable(n - 2, -1, 2);
    finish_pcall(l, status, 2)
}

// ---- loading

/// The mode argument as text; odd bytes only matter in the message.
fn mode_text(l: Lua, i: i32) -> LResult<String> {
    let mode = l.opt_bytes(i)?.unwrap_or(b"bt");
    Ok(String::from_utf8_lossy(stdio::c_part(mode)).into_owned())
}

/// Results of `load` and `loadfile`: the function, with its first upvalue set to argument `env`, or nil and the message.
fn finish_load(l: Lua, status: Status, env: i32) -> LResult<u32> {
    if status != Status::Ok {
        l.push(Value::NIL);
        l.insert(-2);
        return Ok(2);
    }
    if env != 0 {
        let f = l.arg(-1);
        let v = l.arg(env);
        // SAFETY: `f` is a live closure, and its first cell is its own.
        unsafe {
            if f.t == tag::LUA_FN && (*f.as_lua_fn()).h.aux32 > 0 {
                let cell = *crate::object::LuaClosure::upval(f.as_lua_fn(), 0);
                crate::closure::set_cell(l.global(), cell, v);
            }
        }
    }
    Ok(1)
}

fn loadfile(l: Lua) -> LResult<u32> {
    let name = l.opt_bytes(1)?;
    let mode = mode_text(l, 2)?;
    let env = if l.is_none(3) { 0 } else { 3 };
    let status = load_file(l, name, &mode)?;
    finish_load(l, status, env)
}

fn dofile(l: Lua) -> LResult<u32> {
    let name = l.opt_bytes(1)?;
    l.set_top(1);
    if load_file(l, name, "bt")? != Status::Ok {
        return Err(l.throw(l.arg(-1)));
    }
    l.call(0, -1)?;
    Ok((l.top() - 1) as u32)
}

fn load(l: Lua) -> LResult<u32> {
    let env = if l.is_none(4) { 0 } else { 4 };
    let mode = mode_text(l, 3)?;
    let v = l.arg(1);
    let status = if v.is_string() || v.is_number() {
        let text = l.check_bytes(1)?;
        let name = l.opt_bytes(2)?.unwrap_or(text);
        l.load(text, stdio::c_part(name), &mode)
    } else {
        let name = l.opt_bytes(2)?.unwrap_or(b"=(load)");
        l.check_type(1, "function")?;
        l.set_top(5);
        load_pieces(l, stdio::c_part(name), &mode)
    };
    finish_load(l, status, env)
}

/// Loads what the reader function (argument 1) returns piece by piece. Its errors are the load's, seen by the current message handler.
fn load_pieces(l: Lua, name: &[u8], mode: &str) -> Status {
    let mut text = Vec::new();
    // SAFETY: live handle; the protected part restores the frame to `old_top`.
    let status = unsafe {
        let th = l.thread();
        let old_top = (*th).top.offset_from((*th).stack) as usize;
        crate::call::pcall(l, old_top, (*th).errfunc, |l| {
            l.ensure_stack(2, "too many nested functions")?;
            loop {
                l.push(l.arg(1));
                // No yield can abandon this frame, and `text` with it.
                l.call_no_yield(0, 1)?;
                let piece = l.arg(-1);
                if piece.is_nil() {
                    break;
                }
                if !piece.is_string() && !piece.is_number() {
                    return Err(l.error("reader function must return a string"));
                }
                let bytes = l.check_bytes(l.top())?;
                if bytes.is_empty() {
                    break;
                }
                if text.try_reserve(bytes.len()).is_err() {
                    return Err(crate::raise::memory_error(l));
                }
                text.extend_from_slice(bytes);
                l.pop(1);
            }
            l.pop(1);
            Ok(())
        })
    };
    if status == Status::Ok {
        l.load(&text, name, mode)
    } else {
        status
    }
}

// ---- collector

/// Argument `i` as a C int, default 0.
fn int_arg(l: Lua, i: i32) -> LResult<i32> {
    Ok(l.opt_int(i, 0)? as i32)
}

fn collectgarbage(l: Lua) -> LResult<u32> {
    const OPTIONS: &[&str] = &[
        "stop",
        "restart",
        "collect",
        "count",
        "step",
        "setpause",
        "setstepmul",
        "isrunning",
        "generational",
        "incremental",
    ];
    let option = OPTIONS[l.check_option(1, Some("collect"), OPTIONS)?];
    let arg = |i: i32| int_arg(l, i + 2);
    let g = l.global();
    if crate::poll::in_finalizer(l) {
        l.push(Value::NIL);
        return Ok(1);
    }
    // SAFETY: everything alive is on the stack or reachable from it; finalizers are called after the collector has finished.
    let result = unsafe {
        match option {
            "stop" => {
                (*g).heap.stop();
                Value::int(0)
            }
            "restart" => {
                (*g).heap.restart();
                Value::int(0)
            }
            "count" => Value::float((*g).heap.bytes() as f64 / 1024.0),
            "step" => {
                let done = heap::gc_step(g, arg(0)?);
                crate::poll::run_finalizers(l)?;
                Value::bool(done)
            }
            "setpause" => Value::int(i64::from((*g).heap.set_pause(arg(0)?))),
            "setstepmul" => Value::int(i64::from((*g).heap.set_stepmul(arg(0)?))),
            "isrunning" => Value::bool((*g).heap.is_running()),
            "generational" => {
                let mode = heap::generational(g, arg(0)?, arg(1)?);
                return push_mode(l, mode);
            }
            "incremental" => {
                let mode = heap::incremental(g, arg(0)?, arg(1)?, arg(2)?);
                return push_mode(l, mode);
            }
            _ => {
                heap::full(g, false);
                crate::poll::run_finalizers(l)?;
                Value::int(0)
            }
        }
    };
    l.push(result);
    Ok(1)
}

fn push_mode(l: Lua, mode: heap::Mode) -> LResult<u32> {
    l.push_str(match mode {
        heap::Mode::Incremental => "incremental",
        heap::Mode::Generational => "generational",
    })?;
    Ok(1)
}
