//! Calls and returns of the interpreter that are not on its fast path, vararg frames, and polls.
//!
//! SAFETY of this module: `ci` is the current record, of an interpreted function; its `pc` is saved.

use crate::call;
use crate::close;
use crate::debug::hook;
use crate::error::LResult;
use crate::poll;
use crate::stack;
use crate::thread::{CallInfo, Lua, call_status};
use crate::value::{Value, tag};
use trinity_frontend::bytecode::{Instr, Op};

/// Slots between the function slot the caller set up and the running one: vararg frames are shifted.
///
/// # Safety
/// See the module.
#[inline(always)]
pub unsafe fn shift(ci: *mut CallInfo) -> usize {
    unsafe {
        let p = (*call::closure_of(ci)).proto;
        if (*p).is_vararg {
            (*ci).nextra as usize + (*p).num_params as usize + 1
        } else {
            0
        }
    }
}

/// CALL by its complete definition. `Some`: the record of an interpreted callee, now current.
///
/// # Safety
/// See the module; arguments end at `top`.
pub unsafe fn call_slow(l: Lua, func: *mut Value, nresults: i32) -> LResult<Option<*mut CallInfo>> {
    unsafe {
        let r = call::precall(l, func, nresults)?;
        if let Some(ci) = r
            && (*l.thread()).poll != 0
        {
            poll_at_start(l, ci)?;
        }
        Ok(r)
    }
}

/// Pending work at the entry of a function (a vararg function's is done behind its prologue).
///
/// # Safety
/// `ci` was prepared just now and is current.
pub unsafe fn poll_at_start(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        if (*(*call::closure_of(ci)).proto).is_vararg {
            Ok(())
        } else {
            poll_inside(l, ci)
        }
    }
}

/// Pending work between two instructions (not after one that leaves open results).
///
/// # Safety
/// See the module.
#[cold]
#[inline(never)]
pub unsafe fn poll_inside(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        (*l.thread()).top = (*ci).top;
        poll::at_call(l)
    }
}

/// Pending work at a backward jump `i` that is being taken.
///
/// # Safety
/// See the module; the record says that `i` is being executed.
#[cold]
#[inline(never)]
pub unsafe fn poll_at_jump(l: Lua, ci: *mut CallInfo, i: Instr) -> LResult<()> {
    unsafe {
        poll_inside(l, ci)?;
        if i.op() == Op::TForLoop {
            // The control variable counts as not written before the jump: the collector may have cleared it.
            let ra = (*ci).func.add(1 + i.a());
            *ra.add(2) = *ra.add(4);
        }
        Ok(())
    }
}

/// VARARGPREP: moves function and fixed parameters above the extra arguments.
///
/// # Safety
/// See the module; `top` is the end of the arguments.
pub unsafe fn vararg_prep(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let p = (*call::closure_of(ci)).proto;
        let nparams = (*p).num_params as usize;
        // Missing parameters were filled with nil by the call.
        let actual = ((*th).top.offset_from((*ci).func) as usize - 1).max(nparams);
        (*th).top = (*ci).func.add(1 + actual);
        stack::ensure(l, (*p).max_stack as usize + 1)?;
        let func = (*ci).func;
        let new = func.add(actual + 1);
        *new = *func;
        for i in 1..=nparams {
            *new.add(i) = *func.add(i);
            *func.add(i) = Value::NIL;
        }
        (*ci).func = new;
        (*ci).top = new.add(1 + (*p).max_stack as usize);
        (*ci).nextra = (actual - nparams) as u32;
        (*ci).status |= call_status::VARARG;
        if (*th).poll != 0 {
            poll_inside(l, ci)?;
        }
        if (*th).hook.is_some() {
            // The call hook was put off until the parameters are in place.
            (*th).top = (*ci).top;
            (*ci).pc = (*ci).pc.sub(1);
            hook::on_call(l, ci)?;
            (*ci).pc = (*ci).pc.add(1);
        }
        Ok(())
    }
}

/// The call hook of the function that starts in `ci`; a vararg function's is called by its prologue.
///
/// # Safety
/// `ci` is current and at its function's start.
pub unsafe fn call_hook(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        if (*(*call::closure_of(ci)).proto).is_vararg {
            return Ok(());
        }
        (*l.thread()).top = (*ci).top;
        hook::on_call(l, ci)
    }
}

/// VARARG with a fixed number of results.
///
/// # Safety
/// `ci` is the record of a vararg function, past its prologue.
#[inline(always)]
pub unsafe fn copy_varargs(ci: *mut CallInfo, to: *mut Value, wanted: usize) {
    unsafe {
        let extra = (*ci).nextra as usize;
        let from = (*ci).func.sub(extra);
        for i in 0..wanted {
            *to.add(i) = if i < extra { *from.add(i) } else { Value::NIL };
        }
    }
}

/// TFORCALL by its complete definition. `Some`: the record of an interpreted iterator, now current.
///
/// # Safety
/// See the module; `ra` is the loop's first register.
pub unsafe fn call_iterator(l: Lua, ra: *mut Value, wanted: i32) -> LResult<Option<*mut CallInfo>> {
    unsafe {
        let func = ra.add(4);
        for i in 0..3 {
            *func.add(i) = *ra.add(i);
        }
        let th = l.thread();
        (*th).top = func.add(3);
        call::enter_c_call(l)?;
        let r = call_slow(l, func, wanted)?;
        match r {
            Some(ci) => (*ci).status |= call_status::COUNTED,
            None => call::leave_c_call(th),
        }
        Ok(r)
    }
}

/// How a tail call or return leaves the frame.
pub enum Left {
    /// The record runs another function from its start.
    Replaced,
    /// The record was popped; it was fresh or not.
    Returned {
        /// The loop was entered for it.
        fresh: bool,
    },
}

/// TAILCALL: Lua functions take over the record; others are called, and their results returned. A function that has machine code is
/// interpreted here: called, it would leave this frame below it, and functions that tail-call each other across the border would fill the stack.
///
/// # Safety
/// See the module; arguments end at `top`.
pub unsafe fn tail_call(l: Lua, ci: *mut CallInfo, func: *mut Value) -> LResult<Left> {
    unsafe {
        let th = l.thread();
        let mut func = func;
        while !(*func).is_function() {
            func = call::try_call_metamethod(l, func)?;
        }
        if (*func).t == tag::LUA_FN {
            let p = (*(*func).as_lua_fn()).proto;
            let at = func.offset_from((*th).stack);
            stack::ensure(l, (*p).max_stack as usize)?;
            let func = (*th).stack.offset(at);
            let n = (*th).top.offset_from(func) as usize;
            let to = (*ci).func.sub(shift(ci));
            for i in 0..n {
                *to.add(i) = *func.add(i);
            }
            for i in n..=(*p).num_params as usize {
                *to.add(i) = Value::NIL;
            }
            (*ci).func = to;
            (*ci).top = to.add(1 + (*p).max_stack as usize);
            (*ci).pc = (*p).code;
            (*ci).nextra = 0;
            (*ci).status &= !(call_status::VARARG | call_status::DEOPT);
            (*ci).status |= call_status::TAIL;
            (*th).top = to.add(n);
            (*p).calls = (*p).calls.wrapping_add(1);
            if (*th).poll != 0 {
                poll_at_start(l, ci)?;
            }
            return Ok(Left::Replaced);
        }
        let at = func.offset_from((*th).stack);
        if let Some(new) = call::precall(l, func, -1)? {
            // Hooks were set meanwhile: an interpreted call after all, as a fresh one.
            (*new).status |= call_status::FRESH;
            super::execute(l, new)?;
        }
        let func = (*th).stack.offset(at);
        let n = (*th).top.offset_from(func) as usize;
        Ok(Left::Returned {
            fresh: finish_return(l, ci, func, n)?,
        })
    }
}

/// RETURN by its complete definition: closes variables, calls hooks, moves results. True: the record was fresh.
///
/// # Safety
/// See the module; open results end at `top`.
pub unsafe fn return_slow(l: Lua, ci: *mut CallInfo, i: Instr) -> LResult<bool> {
    unsafe {
        let th = l.thread();
        let base = (*ci).func.add(1);
        let (a, n) = match i.op() {
            Op::Return0 => (0, 0),
            Op::Return1 => (i.a(), 1),
            _ if i.b() == 0 => (i.a(), (*th).top.offset_from(base.add(i.a())) as usize),
            _ => (i.a(), i.b() - 1),
        };
        if i.op() == Op::Return && i.c() != 0 {
            (*th).top = base.add(a + n).max((*ci).top);
            close::close(l, base)?;
        }
        finish_return(l, ci, (*ci).func.add(1 + a), n)
    }
}

/// Hands `n` results at `from` to the caller and pops the record. True: it was fresh.
unsafe fn finish_return(l: Lua, ci: *mut CallInfo, from: *mut Value, n: usize) -> LResult<bool> {
    unsafe {
        let th = l.thread();
        let mut from = from;
        if (*th).hook.is_some() {
            (*th).top = from.add(n);
            let at = from.offset_from((*th).stack);
            hook::on_return(l, ci, n)?;
            from = (*th).stack.offset(at);
        }
        let to = (*ci).func.sub(shift(ci));
        call::move_results(th, from, n, to, (*ci).nresults);
        if (*ci).status & call_status::COUNTED != 0 {
            call::leave_c_call(th);
        }
        (*th).ci = (*ci).prev;
        Ok((*ci).status & call_status::FRESH != 0)
    }
}
