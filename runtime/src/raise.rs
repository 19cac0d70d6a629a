//! Raising errors: the value waits in the thread, a [`Raise`] travels up.
//!
//! The message handler of xpcall runs here, at the raise point, before anything is unwound (luaG_errormsg). Errors inside the handler
//! call it again until the native nesting limit, as in the reference.

use crate::call;
use crate::debug::info;
use crate::debug::varinfo::{self, VarRef};
use crate::error::{LResult, Raise, Status};
use crate::heap::AllocError;
use crate::table::TableError;
use crate::thread::Lua;
use crate::value::Value;

/// LUAI_MAXCCALLS.
pub use trinity_abi::MAX_C_CALLS;

/// Sets the error and its kind, without a message handler (luaD_throw).
#[cold]
pub fn throw_status(l: Lua, v: Value, status: Status) -> Raise {
    // SAFETY: live handle.
    unsafe {
        let th = l.thread();
        (*th).error = v;
        (*th).error_status = status;
    }
    Raise(())
}

/// Raises a value (lua_error): the message handler, if any, may replace it.
#[cold]
#[inline(never)]
pub fn throw_value(l: Lua, v: Value) -> Raise {
    // SAFETY: the reserve behind the stack limit has room for function and argument.
    unsafe {
        let th = l.thread();
        if (*th).errfunc == 0 {
            return throw_status(l, v, Status::Run);
        }
        let top = (*th).top;
        *top = *(*th).stack.add((*th).errfunc);
        *top.add(1) = v;
        (*th).top = top.add(2);
        match call::call_no_yield(l, top, 1) {
            Ok(()) => {
                let v = l.pop_value();
                throw_status(l, v, Status::Run)
            }
            Err(r) => r,
        }
    }
}

/// Raises a message as it is, without position.
#[cold]
pub fn throw_message(l: Lua, msg: &[u8]) -> Raise {
    match l.new_str(msg) {
        // SAFETY: a live string.
        Ok(s) => throw_value(l, unsafe { Value::str(s) }),
        Err(r) => r,
    }
}

/// luaG_runerror: the message with the position of the running function when that is a Lua function.
#[cold]
#[inline(never)]
pub fn run_error(l: Lua, msg: &[u8]) -> Raise {
    let mut text = match info::at_level(l, 0) {
        Some(f) if f.is_lua() => {
            // Stripped code has no lines: "?:-1:".
            let mut t = info::function_info(f.func()).short_src;
            t.extend_from_slice(format!(":{}: ", f.current_line()).as_bytes());
            t
        }
        _ => Vec::new(),
    };
    text.extend_from_slice(msg);
    throw_message(l, &text)
}

/// "not enough memory" (no message handler, as in the reference).
#[cold]
pub fn memory_error(l: Lua) -> Raise {
    // SAFETY: live handle; the message was allocated with the state.
    unsafe {
        let s = (*(*l.thread()).global).memory_message;
        let v = if s.is_null() {
            Value::NIL
        } else {
            Value::str(s)
        };
        throw_status(l, v, Status::Memory)
    }
}

/// An error inside error handling: "error in error handling".
#[cold]
pub fn error_in_error(l: Lua) -> Raise {
    match l.new_str(b"error in error handling") {
        // SAFETY: a live string.
        Ok(s) => throw_status(l, unsafe { Value::str(s) }, Status::ErrErr),
        Err(r) => r,
    }
}

/// luaE_checkcstack: called with `nccalls` at or above the limit.
#[cold]
#[inline(never)]
pub fn check_c_stack(l: Lua) -> LResult<()> {
    // SAFETY: live handle.
    let n = unsafe { (*l.thread()).nccalls };
    if n == MAX_C_CALLS {
        Err(run_error(l, b"C stack overflow"))
    } else if n >= MAX_C_CALLS / 10 * 11 {
        Err(error_in_error(l))
    } else {
        Ok(())
    }
}

/// Type name for messages: `__name` of the metatable when it is a string (luaT_objtypename).
pub fn type_name_of(l: Lua, v: Value) -> Vec<u8> {
    use crate::value::tag;
    if matches!(v.t, tag::TABLE | tag::USERDATA) {
        let name = l.metafield(v, "__name");
        if name.is_string() {
            // SAFETY: a live string.
            let name = unsafe { crate::object::Str::bytes(name.as_str()) };
            return crate::string::c_part(name).to_vec();
        }
    }
    v.type_name().as_bytes().to_vec()
}

/// "attempt to OP a TYPE value (local 'x')" (luaG_typeerror).
#[cold]
#[inline(never)]
pub fn type_error(l: Lua, v: Value, op: &str, at: VarRef) -> Raise {
    let info = var_info(l, at);
    type_error_info(l, v, op, &info)
}

/// Description of a variable of the running function.
fn var_info(l: Lua, at: VarRef) -> Vec<u8> {
    varinfo::varinfo(l, at)
}

fn type_error_info(l: Lua, v: Value, op: &str, info: &[u8]) -> Raise {
    let mut text = format!("attempt to {op} a ").into_bytes();
    text.extend_from_slice(&type_name_of(l, v));
    text.extend_from_slice(b" value");
    text.extend_from_slice(info);
    run_error(l, &text)
}

/// luaG_callerror: calling a value that is not callable; the name comes from the calling instruction.
#[cold]
#[inline(never)]
pub fn call_error(l: Lua, v: Value, at: VarRef) -> Raise {
    let info = varinfo::call_varinfo(l, at);
    type_error_info(l, v, "call", &info)
}

/// luaG_forerror.
#[cold]
pub fn for_error(l: Lua, v: Value, what: &str) -> Raise {
    let mut text = format!("bad 'for' {what} (number expected, got ").into_bytes();
    text.extend_from_slice(&type_name_of(l, v));
    text.push(b')');
    run_error(l, &text)
}

/// luaG_opinterror: an operand of an arithmetic or bitwise operation is not a number; blames the first one that is not.
#[cold]
pub fn operand_error(l: Lua, a: Value, b: Value, va: VarRef, vb: VarRef, op: &str) -> Raise {
    if !a.is_number() {
        type_error(l, a, op, va)
    } else {
        type_error(l, b, op, vb)
    }
}

/// luaG_tointerror: a number operand has no integer representation.
#[cold]
pub fn to_int_error(l: Lua, a: Value, va: VarRef, vb: VarRef) -> Raise {
    let at = if crate::meta::to_int_strict(a).is_none() {
        va
    } else {
        vb
    };
    let mut text = b"number".to_vec();
    text.extend_from_slice(&var_info(l, at));
    text.extend_from_slice(b" has no integer representation");
    run_error(l, &text)
}

/// luaG_concaterror.
#[cold]
pub fn concat_error(l: Lua, a: Value, b: Value, va: VarRef, vb: VarRef) -> Raise {
    if a.is_string() || a.is_number() {
        type_error(l, b, "concatenate", vb)
    } else {
        type_error(l, a, "concatenate", va)
    }
}

/// luaG_ordererror.
#[cold]
pub fn order_error(l: Lua, a: Value, b: Value) -> Raise {
    let (ta, tb) = (type_name_of(l, a), type_name_of(l, b));
    let mut text = b"attempt to compare ".to_vec();
    if ta == tb {
        text.extend_from_slice(b"two ");
        text.extend_from_slice(&ta);
        text.extend_from_slice(b" values");
    } else {
        text.extend_from_slice(&ta);
        text.extend_from_slice(b" with ");
        text.extend_from_slice(&tb);
    }
    run_error(l, &text)
}

/// Turns failures of allocation and of table stores into Lua errors.
pub trait OrRaise<T> {
    /// The value, or a raised error.
    fn or_raise(self, l: Lua) -> LResult<T>;
}

impl<T> OrRaise<T> for Result<T, AllocError> {
    #[inline(always)]
    fn or_raise(self, l: Lua) -> LResult<T> {
        self.map_err(|_| memory_error(l))
    }
}

impl<T> OrRaise<T> for Result<T, TableError> {
    #[inline(always)]
    fn or_raise(self, l: Lua) -> LResult<T> {
        self.map_err(|e| table_error(l, e))
    }
}

#[cold]
fn table_error(l: Lua, e: TableError) -> Raise {
    match e {
        TableError::Alloc => memory_error(l),
        TableError::NilKey => run_error(l, b"table index is nil"),
        TableError::NanKey => run_error(l, b"table index is NaN"),
    }
}
