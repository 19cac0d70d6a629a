//! The coroutine library (manual section 6.2).

use crate::api::Reg;
use crate::coroutine::CoStatus;
use crate::error::{LResult, Status};
use crate::native::entry::stub_switch;
use crate::object::Table;
use crate::thread::{Lua, Thread};
use crate::value::{Value, tag};

const FUNCS: Reg = &[
    ("close", close),
    ("create", create),
    ("isyieldable", isyieldable),
    ("resume", resume),
    ("running", running),
    ("status", status),
    ("wrap", wrap),
    ("yield", yield_),
];

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = l.new_table(0, FUNCS.len())?;
    l.push(Value::table(t));
    l.set_funcs(t, FUNCS)?;
    l.pop(1);
    for name in ["resume", "yield"] {
        let v = l.raw_get_str(t, name);
        switches(v);
    }
    Ok(t)
}

/// The native function `f` switches threads.
fn switches(f: Value) {
    // SAFETY: made by `new_native`.
    unsafe { (*f.as_native_fn()).code = stub_switch() };
}

fn check_co(l: Lua, i: i32) -> LResult<*mut Thread> {
    let v = l.arg(i);
    if v.t == tag::THREAD {
        Ok(v.as_thread())
    } else {
        Err(l.type_error(i, "thread"))
    }
}

/// Moves the top `n` values of `co` to the running thread.
fn move_from(l: Lua, co: *mut Thread, n: i32) {
    if co == l.0.as_ptr() {
        // A coroutine that resumes itself: the message is on its stack already.
        return;
    }
    if co == l.thread() {
        return;
    }
    // SAFETY: `co` is not running and holds `n` values on top; the caller made room.
    unsafe {
        let from = (*co).top.sub(n as usize);
        for i in 0..n as usize {
            l.push(*from.add(i));
        }
        (*co).top = from;
    }
}

/// Resumes with the top `nargs` values; results or the error value end up on top of the running thread.
#[inline(always)]
fn aux_resume(l: Lua, co: *mut Thread, nargs: i32) -> Result<i32, Status> {
    match l.resume(co, nargs) {
        Ok(n) => {
            if !l.grow_stack(n + 1) {
                // SAFETY: the results are dropped as the reference does.
                unsafe { (*co).top = (*co).top.sub(n as usize) };
                if l.push_str("too many results to resume").is_err() {
                    l.push(Value::NIL);
                }
                return Err(Status::Run);
            }
            move_from(l, co, n);
            Ok(n)
        }
        Err(s) => {
            move_from(l, co, 1);
            Err(s)
        }
    }
}

fn create(l: Lua) -> LResult<u32> {
    l.check_type(1, "function")?;
    let co = l.new_thread()?;
    let f = l.arg(1);
    l.push(Value {
        p: co as u64,
        t: tag::THREAD,
    });
    // SAFETY: a new thread has room for its function.
    unsafe {
        *(*co).top = f;
        (*co).top = (*co).top.add(1);
    }
    Ok(1)
}

fn resume(l: Lua) -> LResult<u32> {
    let co = check_co(l, 1)?;
    match aux_resume(l, co, l.top() - 1) {
        Ok(n) => {
            l.push(Value::TRUE);
            l.insert(-(n + 1));
            Ok(n as u32 + 1)
        }
        Err(_) => {
            l.push(Value::FALSE);
            l.insert(-2);
            Ok(2)
        }
    }
}

fn wrap(l: Lua) -> LResult<u32> {
    create(l)?;
    let co = l.pop_value();
    let f = l.new_native(wrapped, &[co])?;
    switches(f);
    l.push(f);
    Ok(1)
}

fn wrapped(l: Lua) -> LResult<u32> {
    let co = l.upvalue(1).as_thread();
    match aux_resume(l, co, l.top()) {
        Ok(n) => Ok(n as u32),
        Err(mut s) => {
            // SAFETY: live thread.
            let failed = unsafe { !matches!((*co).status, Status::Ok | Status::Yield) };
            if failed {
                // An error in the coroutine itself: close its pending variables; that may replace the error.
                // SAFETY: `co` is dead, with room for one value (its frame had the error there).
                unsafe {
                    let v = l.pop_value();
                    *(*co).top = v;
                    (*co).top = (*co).top.add(1);
                }
                s = l.close_coroutine(co);
                move_from(l, co, 1);
            }
            let v = l.arg(-1);
            if s != Status::Memory && v.is_string() {
                let mut text = l.where_(1);
                // SAFETY: the string is on the stack.
                text.extend_from_slice(unsafe { crate::object::Str::bytes(v.as_str()) });
                l.push_bytes(&text)?;
            }
            let v = l.arg(-1);
            Err(l.throw(v))
        }
    }
}

fn yield_(l: Lua) -> LResult<u32> {
    Ok(l.yield_(l.top())? as u32)
}

fn get_co(l: Lua) -> LResult<*mut Thread> {
    check_co(l, 1)
}

fn status(l: Lua) -> LResult<u32> {
    let co = get_co(l)?;
    l.push_str(l.co_status(co).name())?;
    Ok(1)
}

fn isyieldable(l: Lua) -> LResult<u32> {
    let y = if l.is_none(1) {
        l.is_yieldable()
    } else {
        let co = check_co(l, 1)?;
        // SAFETY: live thread.
        unsafe { co != (*(*l.0.as_ptr()).global).main_thread && (*co).nny == 0 }
    };
    l.push(Value::bool(y));
    Ok(1)
}

fn running(l: Lua) -> LResult<u32> {
    let th = l.0.as_ptr();
    l.push(Value {
        p: th as u64,
        t: tag::THREAD,
    });
    // SAFETY: live handle.
    l.push(Value::bool(unsafe { (*(*th).global).main_thread == th }));
    Ok(2)
}

fn close(l: Lua) -> LResult<u32> {
    let co = get_co(l)?;
    match l.co_status(co) {
        CoStatus::Suspended | CoStatus::Dead => {
            if l.close_coroutine(co) == Status::Ok {
                l.push(Value::TRUE);
                Ok(1)
            } else {
                l.push(Value::FALSE);
                move_from(l, co, 1);
                Ok(2)
            }
        }
        s => Err(l.error(&format!("cannot close a {} coroutine", s.name()))),
    }
}
