//! Calls from Rust, protected calls, and what both share with the interpreter (ldo.c of the reference).
//!
//! Every entry into Lua from Rust counts in `nccalls` and makes sure there is native stack. Errors travel as `Err`; nothing is undone on
//! the way except by the protected call that catches: it restores `ci`, `nccalls` and the hook state, closes pending variables, and
//! cuts the stack. So a record is popped only on success.

use crate::close;
use crate::error::{LResult, Raise, Status};
use crate::interp;
use crate::meta;
use crate::native;
use crate::object::LuaClosure;
use crate::raise;
use crate::stack;
use crate::thread::{CallInfo, CallKind, Lua, MIN_STACK, Thread, call_status};
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Event;

/// A new current record; the caller fills all of it.
///
/// # Safety
/// `l` is live.
#[inline(always)]
pub unsafe fn push_ci(l: Lua) -> *mut CallInfo {
    unsafe {
        let th = l.thread();
        let ci = stack::next_record(th, (*th).ci);
        (*th).ci = ci;
        ci
    }
}

/// luaD_call: calls `func` with the arguments up to `top`; results from `func` on, `top` behind them (`nresults` -1: all).
///
/// # Safety
/// `func` and its arguments are the topmost values of the running frame. The stack may move.
pub unsafe fn call_value(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        let th = l.thread();
        enter_c_call(l)?;
        match native::stack::with_room(l, || call_inner(l, func, nresults)) {
            Some(r) => r?,
            None => return Err(raise::memory_error(l)),
        }
        leave_c_call(th);
        Ok(())
    }
}

/// Counts a call as nested in native code (the reference's nCcalls).
///
/// # Safety
/// The handle is live.
#[inline(always)]
pub unsafe fn enter_c_call(l: Lua) -> LResult<()> {
    unsafe {
        let th = l.thread();
        (*th).nccalls += 1;
        if (*th).nccalls >= raise::MAX_C_CALLS {
            raise::check_c_stack(l)?;
        }
        Ok(())
    }
}

/// Ends what [`enter_c_call`] began. Calls that a yield crossed are no longer counted.
///
/// # Safety
/// `th` is live.
#[inline(always)]
pub unsafe fn leave_c_call(th: *mut Thread) {
    unsafe {
        if (*th).nccalls > (*th).c_floor {
            (*th).nccalls -= 1;
        }
    }
}

unsafe fn call_inner(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        // A caller in machine code would have left its mark here; an old one must not speak for this call.
        *native::walk::tail_byte(func) = 0;
        match precall(l, func, nresults)? {
            Some(ci) => {
                (*ci).status |= call_status::FRESH;
                interp::execute(l, ci)
            }
            None => Ok(()),
        }
    }
}

/// luaD_callnoyield.
///
/// # Safety
/// As for [`call_value`].
pub unsafe fn call_no_yield(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        let th = l.thread();
        (*th).nny += 1;
        let r = call_value(l, func, nresults);
        (*th).nny -= 1;
        r
    }
}

/// [`call_no_yield`] for one result, which is popped: what a library function does with a callback over and over. Machine code is entered
/// at once where nothing is unusual.
///
/// # Safety
/// As for [`call_value`].
#[inline]
pub unsafe fn call_back(l: Lua, func: *mut Value) -> LResult<Value> {
    unsafe {
        let th = l.thread();
        let usual = (*func).t == tag::LUA_FN
            && !(*(*(*func).as_lua_fn()).proto).native_code.is_null()
            && interp::machine_allowed(th)
            && (*th).nccalls + 1 < raise::MAX_C_CALLS
            && !native::stack::is_low(l);
        if !usual {
            call_no_yield(l, func, 1)?;
            (*th).top = (*th).top.sub(1);
            return Ok(*(*th).top);
        }
        let at = func.offset_from((*th).stack);
        let nargs = (*th).top.offset_from(func) as u32 - 1;
        (*th).nccalls += 1;
        (*th).nny += 1;
        let n = native::entry::call_machine_here(l, func, nargs);
        (*th).nny -= 1;
        let n = n?;
        leave_c_call(th);
        (*th).top = (*th).stack.offset(at);
        Ok(if n == 0 { Value::NIL } else { *(*th).top })
    }
}

/// Called from machine code (which counts no native nesting in the reference's sense): all results, `top` behind them.
///
/// # Safety
/// As for [`call_value`]; the current record is of kind `Machine`.
pub unsafe fn call_from_machine(l: Lua, func: *mut Value) -> LResult<()> {
    unsafe {
        match native::stack::with_room(l, || call_inner(l, func, -1)) {
            Some(r) => r,
            None => Err(raise::memory_error(l)),
        }
    }
}

/// As [`call_from_machine`], for a Lua closure whose machine code declined: it was compiled for arguments of other kinds.
///
/// # Safety
/// As for [`call_from_machine`]; `func` holds a Lua closure.
pub unsafe fn interpret_from_machine(l: Lua, func: *mut Value) -> LResult<()> {
    unsafe {
        let run = || {
            *native::walk::tail_byte(func) = 0;
            let ci = prepare_lua(l, func, -1)?;
            (*ci).status |= call_status::FRESH;
            interp::execute(l, ci)
        };
        match native::stack::with_room(l, run) {
            Some(r) => r,
            None => Err(raise::memory_error(l)),
        }
    }
}

/// luaD_precall: native and machine functions are called at once (`None`); for an interpreted one the record is prepared.
///
/// # Safety
/// As for [`call_value`].
pub unsafe fn precall(l: Lua, func: *mut Value, nresults: i32) -> LResult<Option<*mut CallInfo>> {
    unsafe {
        let th = l.thread();
        let mut func = func;
        loop {
            match (*func).t {
                tag::LUA_FN => {
                    let p = (*(*func).as_lua_fn()).proto;
                    if !(*p).native_code.is_null() && interp::machine_allowed(th) {
                        call_machine(l, func, nresults)?;
                        return Ok(None);
                    }
                    return prepare_lua(l, func, nresults).map(Some);
                }
                tag::NATIVE_FN => {
                    call_native(l, func, nresults)?;
                    return Ok(None);
                }
                _ => func = try_call_metamethod(l, func)?,
            }
        }
    }
}

/// Prepares the record of an interpreted function; missing parameters become nil.
///
/// # Safety
/// `func` holds a Lua closure, its arguments end at `top`.
pub unsafe fn prepare_lua(l: Lua, func: *mut Value, nresults: i32) -> LResult<*mut CallInfo> {
    unsafe {
        let th = l.thread();
        let p = (*(*func).as_lua_fn()).proto;
        let size = (*p).max_stack as usize;
        let at = func.offset_from((*th).stack);
        stack::ensure(l, size)?;
        let func = (*th).stack.offset(at);
        let nargs = (*th).top.offset_from(func) as usize - 1;
        for _ in nargs..(*p).num_params as usize {
            *(*th).top = Value::NIL;
            (*th).top = (*th).top.add(1);
        }
        let ci = push_ci(l);
        (*ci).func = func;
        (*ci).top = func.add(1 + size);
        (*ci).pc = (*p).code;
        (*ci).nresults = nresults;
        (*ci).status = 0;
        (*ci).kind = CallKind::Lua;
        (*ci).nextra = 0;
        (*p).calls = (*p).calls.wrapping_add(1);
        Ok(ci)
    }
}

/// Calls the machine code of the closure at `func`.
unsafe fn call_machine(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let at = func.offset_from((*th).stack);
        let nargs = (*th).top.offset_from(func) as u32 - 1;
        let n = native::entry::call_machine(l, func, nargs)? as usize;
        let func = (*th).stack.offset(at);
        finish_results(th, func, n, nresults);
        Ok(())
    }
}

/// Results are from `func` on already: fills up to the wanted number and sets `top`.
///
/// # Safety
/// `n` results from `func` on.
#[inline]
pub unsafe fn finish_results(th: *mut Thread, func: *mut Value, n: usize, nresults: i32) {
    unsafe {
        if nresults < 0 {
            (*th).top = func.add(n);
            return;
        }
        let wanted = nresults as usize;
        for i in n..wanted {
            *func.add(i) = Value::NIL;
        }
        (*th).top = func.add(wanted);
    }
}

/// Calls the native function at `func`: record, hooks, results. The end of a native call is a safe point.
///
/// # Safety
/// `func` holds a native closure, its arguments end at `top`.
pub unsafe fn call_native(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe { call_native_here(l, func, nresults) }
}

/// [`call_native`] without a Rust frame of its own. Every frame between a coroutine switch and the code that asked for it costs a mispredicted
/// return.
///
/// # Safety
/// As for [`call_native`].
#[inline(always)]
pub unsafe fn call_native_here(l: Lua, func: *mut Value, nresults: i32) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let at = func.offset_from((*th).stack);
        stack::ensure(l, MIN_STACK)?;
        let func = (*th).stack.offset(at);
        let ci = push_ci(l);
        (*ci).func = func;
        (*ci).top = (*th).top.add(MIN_STACK);
        (*ci).nresults = nresults;
        (*ci).status = 0;
        (*ci).kind = CallKind::Native;
        if (*th).hook.is_some() {
            crate::debug::hook::on_call(l, ci)?;
        }
        let n = ((*(*func).as_native_fn()).func)(l)? as usize;
        if (*th).hook.is_some() {
            crate::debug::hook::on_return(l, ci, n)?;
        }
        debug_assert!((*th).ci == ci);
        // The results are still this frame's: a safe point.
        if crate::heap::gc_due((*th).global) {
            crate::poll::gc_step(l);
        }
        let res = (*ci).func;
        move_results(th, (*th).top.sub(n), n, res, nresults);
        (*th).ci = (*ci).prev;
        Ok(())
    }
}

/// Moves `n` results from `from` to `res`, fills up with nil, sets `top`.
///
/// # Safety
/// The slots are in the running frame.
#[inline(always)]
pub unsafe fn move_results(
    th: *mut Thread,
    from: *mut Value,
    n: usize,
    res: *mut Value,
    nresults: i32,
) {
    unsafe {
        match nresults {
            0 => (*th).top = res,
            1 => {
                *res = if n == 0 { Value::NIL } else { *from };
                (*th).top = res.add(1);
            }
            _ => {
                let wanted = if nresults < 0 { n } else { nresults as usize };
                let copied = n.min(wanted);
                for i in 0..copied {
                    *res.add(i) = *from.add(i);
                }
                for i in copied..wanted {
                    *res.add(i) = Value::NIL;
                }
                (*th).top = res.add(wanted);
            }
        }
    }
}

/// Metamethods that are put below the arguments at once.
const CALL_CHAIN: usize = 16;

/// luaD_tryfuncTM: puts the `__call` metamethod below the arguments. Gives the function's slot.
///
/// If the metamethod is no function, its own follows, and so on: the arguments move once for several. The caller asks again until a function is there,
/// and gets the error for what has no metamethod.
///
/// # Safety
/// As for [`call_value`].
#[cold]
pub unsafe fn try_call_metamethod(l: Lua, func: *mut Value) -> LResult<*mut Value> {
    unsafe {
        let th = l.thread();
        let mut chain = [Value::NIL; CALL_CHAIN];
        let mut found = 0;
        let mut called = *func;
        while found < CALL_CHAIN && !called.is_function() {
            let method = meta::metamethod_of(l, called, Event::Call);
            if method.is_nil() {
                break;
            }
            chain[found] = method;
            found += 1;
            called = method;
        }
        if found == 0 {
            return Err(raise::call_error(l, *func, meta::stack_ref(th, func)));
        }
        let at = func.offset_from((*th).stack);
        stack::ensure(l, found)?;
        let func = (*th).stack.offset(at);
        let n = (*th).top.offset_from(func) as usize;
        std::ptr::copy(func, func.add(found), n);
        (*th).top = (*th).top.add(found);
        for (i, method) in chain[..found].iter().rev().enumerate() {
            *func.add(i) = *method;
        }
        Ok(func)
    }
}

/// After a call from a native function with open results: the frame covers them (adjustresults).
///
/// # Safety
/// `th` is live.
#[inline(always)]
pub unsafe fn adjust_results(th: *mut Thread, nresults: i32) {
    unsafe {
        if nresults < 0 && (*(*th).ci).top < (*th).top {
            (*(*th).ci).top = (*th).top;
        }
    }
}

/// What a protected call restores when it catches an error.
pub struct Protection {
    ci: *mut CallInfo,
    nccalls: u32,
    resumes: u32,
    nny: u32,
    hooks_allowed: bool,
}

impl Protection {
    /// Notes the present state.
    ///
    /// # Safety
    /// `th` is live.
    pub unsafe fn new(th: *mut Thread) -> Protection {
        unsafe {
            Protection {
                ci: (*th).ci,
                nccalls: (*th).nccalls,
                resumes: (*th).resumes,
                nny: (*th).nny,
                hooks_allowed: (*th).hook.as_ref().is_none_or(|h| h.allowed()),
            }
        }
    }
    /// Goes back to it.
    ///
    /// # Safety
    /// Everything above is abandoned.
    pub unsafe fn restore(&self, th: *mut Thread) {
        unsafe {
            (*th).ci = self.ci;
            (*th).nccalls = if self.resumes == (*th).resumes {
                self.nccalls
            } else {
                (*th).c_floor
            };
            (*th).nny = self.nny;
            if let Some(h) = (*th).hook.as_mut() {
                h.set_allowed(self.hooks_allowed);
            }
        }
    }
}

/// luaD_pcall: runs `f` with message handler `errfunc` (slot offset or 0). On failure the stack is cut to slot offset `old_top`, the error
/// value is pushed there, and the status returned.
///
/// # Safety
/// `old_top` is in the running frame.
pub unsafe fn pcall(
    l: Lua,
    old_top: usize,
    errfunc: usize,
    f: impl FnOnce(Lua) -> LResult<()>,
) -> Status {
    unsafe { protected(l, old_top, errfunc, false, f) }
}

/// [`pcall`]; with `yieldable` the protected call of a coroutine that may yield (lua_pcallk with a continuation). The reference catches an
/// error there by going back to the resume, and so forgets all nested native calls.
///
/// # Safety
/// As for [`pcall`].
pub unsafe fn protected(
    l: Lua,
    old_top: usize,
    errfunc: usize,
    yieldable: bool,
    f: impl FnOnce(Lua) -> LResult<()>,
) -> Status {
    unsafe {
        let th = l.thread();
        let saved = Protection::new(th);
        let saved_errfunc = (*th).errfunc;
        (*th).errfunc = errfunc;
        let mut status = Status::Ok;
        if let Err(Raise(())) = f(l) {
            saved.restore(th);
            if yieldable {
                (*th).nccalls = (*th).c_floor;
                (*th).resumes = (*th).resumes.wrapping_add(1);
            }
            status = close::close_protected(l, old_top, (*th).error_status);
            set_error(th, old_top);
            stack::shrink(l);
        }
        (*th).errfunc = saved_errfunc;
        status
    }
}

/// luaD_seterrorobj: the error value goes to slot offset `at`, `top` behind it.
unsafe fn set_error(th: *mut Thread, at: usize) {
    unsafe {
        let slot = (*th).stack.add(at);
        *slot = (*th).error;
        (*th).error = Value::NIL;
        (*th).top = slot.add(1);
    }
}

/// luaE_resetthread: closes the pending variables of a thread that will not continue, and empties it. With an error (`status`, value on
/// top of the thread's stack, or one raised by a closing method) the value is left on the stack.
///
/// # Safety
/// Nothing runs on the thread.
pub unsafe fn reset_thread(l: Lua, status: Status) -> Status {
    unsafe {
        let th = l.thread();
        if status != Status::Ok {
            (*th).error = *(*th).top.sub(1);
            (*th).error_status = status;
        }
        let ci = (*th).base_ci;
        (*th).ci = ci;
        *(*th).stack = Value::NIL;
        (*ci).func = (*th).stack;
        (*ci).kind = CallKind::Base;
        (*ci).status = 0;
        (*th).status = Status::Ok;
        (*th).errfunc = 0;
        (*th).nny = 1;
        let status = close::close_protected(l, 1, status);
        (*th).nny = 0;
        if status == Status::Ok {
            (*th).top = (*th).stack.add(1);
        } else {
            set_error(th, 1);
        }
        (*ci).top = (*th).top.add(MIN_STACK);
        let size = (*ci).top.offset_from((*th).stack) as usize;
        stack::resize(l, size);
        status
    }
}

/// The closure of a Lua frame.
///
/// # Safety
/// `ci` is the record of an interpreted function.
#[inline(always)]
pub unsafe fn closure_of(ci: *mut CallInfo) -> *mut LuaClosure {
    unsafe { (*(*ci).func).as_lua_fn() }
}
