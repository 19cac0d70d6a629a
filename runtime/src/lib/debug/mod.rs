//! The debug library (manual section 6.10).
//!
//! Functions that take a thread as optional first argument number the others from there. A captured local's register holds a cell: reading
//! and writing go through it.

mod hooks;
mod upvalue;

use super::io::stdio;
use super::library::{Entry, new_library};
use crate::debug::frame::FrameRef;
use crate::debug::info::{active_lines, at_level, frame_name, function_info, proto_of};
use crate::error::{LResult, Raise, Status};
use crate::object::{Str, Table};
use crate::thread::{Lua, Thread};
use crate::value::{Value, tag};
use std::ptr::NonNull;

/// What `setcstacklimit` answers (LUAI_MAXCCALLS).
const C_STACK_LIMIT: i64 = 200;

const FUNCTIONS: &[Entry] = &[
    Entry("debug", debug, "Reads and runs lines from standard input."),
    Entry("gethook", hooks::gethook, "The hook, its mask and count."),
    Entry("getinfo", getinfo, "A table about a function or a level."),
    Entry("getlocal", getlocal, "Name and value of a local variable."),
    Entry(
        "getmetatable",
        getmetatable,
        "The metatable, whatever it says.",
    ),
    Entry("getregistry", getregistry, "The registry."),
    Entry(
        "getupvalue",
        upvalue::getupvalue,
        "Name and value of an upvalue.",
    ),
    Entry("getuservalue", getuservalue, "A user value of a userdata."),
    Entry(
        "setcstacklimit",
        setcstacklimit,
        "Does nothing; answers the limit.",
    ),
    Entry("sethook", hooks::sethook, "Sets or removes the hook."),
    Entry("setlocal", setlocal, "Assigns to a local variable."),
    Entry(
        "setmetatable",
        setmetatable,
        "Sets the metatable of any value.",
    ),
    Entry("setupvalue", upvalue::setupvalue, "Assigns to an upvalue."),
    Entry("setuservalue", setuservalue, "Assigns to a user value."),
    Entry("traceback", traceback, "The stack as text."),
    Entry(
        "upvalueid",
        upvalue::upvalueid,
        "A unique identifier of an upvalue.",
    ),
    Entry(
        "upvaluejoin",
        upvalue::upvaluejoin,
        "Makes one upvalue refer to another.",
    ),
];

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, 0)?;
    l.pop(1);
    Ok(t)
}

/// The thread the call is about, and the number of arguments before the others.
fn get_thread(l: Lua) -> (Lua, i32) {
    let v = l.arg(1);
    if v.t == tag::THREAD
        && let Some(th) = NonNull::new(v.as_thread())
    {
        return (Lua(th), 1);
    }
    (l, 0)
}

fn thread_value(th: *mut Thread) -> Value {
    Value {
        p: th as u64,
        t: tag::THREAD,
    }
}

fn push_opt_bytes(l: Lua, b: Option<&[u8]>) -> LResult<()> {
    match b {
        Some(b) => l.push_bytes(b),
        None => {
            l.push(Value::NIL);
            Ok(())
        }
    }
}

// ---- values behind the language's back

fn getregistry(l: Lua) -> LResult<u32> {
    l.push(Value::table(l.registry()));
    Ok(1)
}

fn getmetatable(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    let mt = l.metatable_of(l.arg(1));
    l.push(if mt.is_null() {
        Value::NIL
    } else {
        Value::table(mt)
    });
    Ok(1)
}

fn setmetatable(l: Lua) -> LResult<u32> {
    let mt = l.arg(2);
    if l.is_none(2) || !(mt.is_nil() || mt.is_table()) {
        return Err(l.type_error(2, "nil or table"));
    }
    l.set_top(2);
    l.set_metatable(
        l.arg(1),
        if mt.is_nil() {
            std::ptr::null_mut()
        } else {
            mt.as_table()
        },
    )?;
    l.set_top(1);
    Ok(1)
}

/// Index from 0 of user value `n` of a full userdata.
fn user_value_index(v: Value, n: i64) -> Option<u32> {
    // SAFETY: the tag is checked first.
    let count = if v.t == tag::USERDATA {
        unsafe { (*v.as_userdata()).h.aux32 }
    } else {
        0
    };
    u32::try_from(n)
        .ok()
        .filter(|&n| n >= 1 && n <= count)
        .map(|n| n - 1)
}

fn getuservalue(l: Lua) -> LResult<u32> {
    let n = l.opt_int(2, 1)?;
    let v = l.arg(1);
    match user_value_index(v, n) {
        Some(i) => {
            // SAFETY: the index is in range.
            l.push(unsafe { *(*v.as_userdata()).user.add(i as usize) });
            l.push(Value::TRUE);
            Ok(2)
        }
        None => {
            l.push(Value::NIL);
            Ok(1)
        }
    }
}

fn setuservalue(l: Lua) -> LResult<u32> {
    let n = l.opt_int(3, 1)?;
    let v = l.arg(1);
    if v.t != tag::USERDATA {
        return Err(l.type_error(1, "userdata"));
    }
    l.check_any(2)?;
    let value = l.arg(2);
    match user_value_index(v, n) {
        // SAFETY: the index is in range.
        Some(i) => unsafe {
            crate::userdata::set_user_value(l.global(), v.as_userdata(), i, value);
            l.push(v);
        },
        None => l.push(Value::NIL),
    }
    Ok(1)
}

fn setcstacklimit(l: Lua) -> LResult<u32> {
    l.check_int(1)?;
    l.push(Value::int(C_STACK_LIMIT));
    Ok(1)
}

// ---- information

fn getinfo(l: Lua) -> LResult<u32> {
    let (l1, arg) = get_thread(l);
    let options = stdio::c_part(l.opt_bytes(arg + 2)?.unwrap_or(b"flnSrtu"));
    if options.first() == Some(&b'>') {
        return Err(l.arg_error(arg + 2, "invalid option '>'"));
    }
    let f = l.arg(arg + 1);
    let (func, frame, caller) = if f.is_function() {
        (f, None, None)
    } else {
        let level = l.check_int(arg + 1)? as i32;
        let Some(frame) = at_level(l1, level) else {
            l.push(Value::NIL);
            return Ok(1);
        };
        (
            frame.func(),
            Some(frame),
            at_level(l1, level.saturating_add(1)),
        )
    };
    if options.iter().any(|c| !b"SlunrtLf".contains(c)) {
        return Err(l.arg_error(arg + 2, "invalid option"));
    }
    let t = l.new_table(0, 16)?;
    l.push(Value::table(t));
    let wants = |c: u8| options.contains(&c);
    if wants(b'S') {
        source_fields(l, t, func)?;
    }
    if wants(b'l') {
        let line = frame.as_ref().map_or(-1, FrameRef::current_line);
        set_int(l, t, "currentline", line)?;
    }
    if wants(b'u') {
        upvalue_fields(l, t, func)?;
    }
    if wants(b'n') {
        let name = frame.as_ref().and_then(|f| frame_name(f, caller.as_ref()));
        if let Some(n) = name {
            set_bytes(l, t, "name", n.name)?;
        }
        set_bytes(l, t, "namewhat", name.map_or(b"", |n| n.kind.as_bytes()))?;
    }
    if wants(b'r') {
        let (first, count) = frame.as_ref().map_or((0, 0), FrameRef::transfer);
        set_int(l, t, "ftransfer", i32::from(first))?;
        set_int(l, t, "ntransfer", i32::from(count))?;
    }
    if wants(b't') {
        let tail = frame.as_ref().is_some_and(FrameRef::is_tail_call);
        l.raw_set_str(t, "istailcall", Value::bool(tail))?;
    }
    if wants(b'L') {
        line_field(l, t, func)?;
    }
    if wants(b'f') {
        if let Some(frame) = &frame {
            frame.local_seen(l1);
        }
        l.raw_set_str(t, "func", func)?;
    }
    Ok(1)
}

fn set_int(l: Lua, t: *mut Table, field: &str, v: i32) -> LResult<()> {
    l.raw_set_str(t, field, Value::int(i64::from(v)))
}

fn set_bytes(l: Lua, t: *mut Table, field: &str, v: &[u8]) -> LResult<()> {
    let s = l.new_str(v)?;
    // SAFETY: made above.
    l.raw_set_str(t, field, unsafe { Value::str(s) })
}

fn source_fields(l: Lua, t: *mut Table, func: Value) -> LResult<()> {
    let info = function_info(func);
    set_bytes(l, t, "source", &info.source)?;
    set_bytes(l, t, "short_src", &info.short_src)?;
    set_int(l, t, "linedefined", info.line_defined)?;
    set_int(l, t, "lastlinedefined", info.last_line_defined)?;
    set_bytes(l, t, "what", info.what.as_bytes())
}

fn upvalue_fields(l: Lua, t: *mut Table, func: Value) -> LResult<()> {
    // SAFETY: functions are closures whose header counts upvalues.
    let (nups, params, vararg) = unsafe {
        match proto_of(func) {
            Some(p) => ((*func.as_lua_fn()).h.aux32, (*p).num_params, (*p).is_vararg),
            None => ((*func.as_native_fn()).h.aux32, 0, true),
        }
    };
    set_int(l, t, "nups", nups as i32)?;
    set_int(l, t, "nparams", i32::from(params))?;
    l.raw_set_str(t, "isvararg", Value::bool(vararg))
}

fn line_field(l: Lua, t: *mut Table, func: Value) -> LResult<()> {
    let Some(p) = proto_of(func) else {
        return Ok(());
    };
    let lines = l.new_table(0, 0)?;
    l.raw_set_str(t, "activelines", Value::table(lines))?;
    // SAFETY: the closure is on the stack, and with it its prototype is alive.
    for line in active_lines(unsafe { &*p }) {
        l.raw_set_int(lines, i64::from(line), Value::TRUE)?;
    }
    Ok(())
}

fn traceback(l: Lua) -> LResult<u32> {
    let (l1, arg) = get_thread(l);
    let v = l.arg(arg + 1);
    if !v.is_string() && !v.is_number() && !v.is_nil() {
        l.push(v);
        return Ok(1);
    }
    let msg = if v.is_nil() {
        None
    } else {
        Some(stdio::c_part(l.check_bytes(arg + 1)?))
    };
    let level = l.opt_int(arg + 2, i64::from(l1 == l))? as i32;
    let text = l.traceback(l1, msg, level);
    l.push_bytes(&text)?;
    Ok(1)
}

// ---- local variables

/// A register's value, taken out of its cell if it is captured.
unsafe fn read_slot(slot: *mut Value) -> Value {
    unsafe {
        let v = *slot;
        if v.t == tag::CELL {
            (*v.as_cell()).v
        } else {
            v
        }
    }
}

fn level_error(l: Lua, arg: i32) -> Raise {
    l.arg_error(arg, "level out of range")
}

fn getlocal(l: Lua) -> LResult<u32> {
    let (l1, arg) = get_thread(l);
    let n = l.check_int(arg + 2)? as i32;
    let f = l.arg(arg + 1);
    if f.is_function() {
        // Parameters of a function that need not be active.
        let name = proto_of(f).and_then(|p| {
            let reg = usize::try_from(n).ok()?.checked_sub(1)?;
            // SAFETY: the closure is on the stack.
            crate::debug::varinfo::local_at(unsafe { &*p }, reg, 0)
        });
        push_opt_bytes(l, name)?;
        return Ok(1);
    }
    let level = l.check_int(arg + 1)? as i32;
    let frame = at_level(l1, level).ok_or_else(|| level_error(l, arg + 1))?;
    match frame.local(n) {
        Some((name, slot)) => {
            // SAFETY: the slot is in a live frame of a thread that does not run, or is below us on the same stack.
            let v = unsafe { read_slot(slot) };
            // SAFETY: a live value.
            unsafe { crate::string::share(v) };
            if v.is_table() || v.t == tag::LUA_FN {
                frame.local_seen(l1);
            }
            l.push_bytes(&name)?;
            l.push(v);
            Ok(2)
        }
        None => {
            l.push(Value::NIL);
            Ok(1)
        }
    }
}

fn setlocal(l: Lua) -> LResult<u32> {
    crate::load::unless_closed(l, "debug.setlocal")?;
    let (l1, arg) = get_thread(l);
    let level = l.check_int(arg + 1)? as i32;
    let n = l.check_int(arg + 2)? as i32;
    let frame = at_level(l1, level).ok_or_else(|| level_error(l, arg + 1))?;
    l.check_any(arg + 3)?;
    let v = l.arg(arg + 3);
    // SAFETY: a live value.
    unsafe { crate::string::share(v) };
    match frame.local(n) {
        Some((name, slot)) => {
            // SAFETY: as in `getlocal`. Stacks need no write barrier, cells do.
            unsafe {
                let mut cell = std::ptr::null_mut();
                if (*slot).t == tag::CELL {
                    cell = (*slot).as_cell();
                    crate::closure::set_cell(l.global(), cell, v);
                } else {
                    *slot = v;
                }
                // Also where the register becomes a cell next: with another value than the text says.
                if let Some(p) = frame.proto() {
                    let r = slot.offset_from(frame.func_slot()) as usize - 1;
                    crate::native::assume::local_assigned(l, p, r, cell);
                }
            }
            frame.local_changed(l1);
            l.push_bytes(&name)?;
        }
        None => l.push(Value::NIL),
    }
    Ok(1)
}

// ---- interaction

/// Reads and runs lines from standard input until "cont" or the end.
fn debug(l: Lua) -> LResult<u32> {
    loop {
        stdio::write_stderr(b"lua_debug> ");
        let mut line = [0u8; 250];
        // SAFETY: stdin is open for the life of the process; the buffer's size is passed, and the text in it is terminated.
        let text = unsafe {
            if libc::fgets(line.as_mut_ptr().cast(), line.len() as i32, stdio::stdin).is_null() {
                return Ok(0);
            }
            stdio::c_part(&line)
        };
        if text == b"cont\n" {
            return Ok(0);
        }
        let mut status = l.load(text, b"=(debug command)", "bt");
        if status == Status::Ok {
            status = l.pcall(0, 0, 0);
        }
        if status != Status::Ok {
            let s = l.tostring(l.arg(-1))?;
            // SAFETY: `tostring` gives a string; nothing has run since.
            stdio::write_stderr(unsafe { Str::bytes(s.as_str()) });
            stdio::write_stderr(b"\n");
        }
        l.set_top(0);
    }
}
