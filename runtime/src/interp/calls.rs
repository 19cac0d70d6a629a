//! Calls and returns on the loop's fast path. Hooks are off here.
//!
//! SAFETY of this module: as for `regs`; arguments end at `top`.

use super::regs::Regs;
use super::slow;
use crate::call;
use crate::heap;
use crate::poll;
use crate::proto::RtProto;
use crate::stack;
use crate::thread::{CallInfo, CallKind, Lua, MIN_STACK, Thread, call_status};
use crate::value::{Value, tag};

/// `nresults`, `status`, `kind` and padding of a record as one word.
const fn word(nresults: i32, status: u16, kind: CallKind) -> u64 {
    nresults as u32 as u64 | (status as u64) << 32 | (kind as u64) << 48
}

/// Where that word is in a record.
#[inline(always)]
unsafe fn word_ptr(ci: *mut CallInfo) -> *mut u64 {
    unsafe { (&raw mut (*ci).nresults).cast() }
}

const _: () = {
    use std::mem::offset_of;
    let at = offset_of!(CallInfo, nresults);
    assert!(at.is_multiple_of(8));
    assert!(offset_of!(CallInfo, status) == at + 4);
    assert!(offset_of!(CallInfo, kind) == at + 6);
};

/// The TAIL status in that word: of no interest to returns.
const TAIL: u64 = (call_status::TAIL as u64) << 32;

/// True when the interpreted function `p` can be entered without growing the stack; the reference asks for as much, counting the
/// arguments twice.
#[inline(always)]
unsafe fn fits(th: *mut Thread, p: *mut RtProto) -> bool {
    unsafe {
        (*th).top.add((*p).max_stack as usize) < (*th).stack_limit && (*p).native_code.is_null()
    }
}

/// Function and arguments given by the instruction at `ra`: their number.
#[inline(always)]
unsafe fn given(s: &Regs, th: *mut Thread, ra: *mut Value) -> usize {
    unsafe {
        if s.b() != 0 {
            s.b()
        } else {
            (*th).top.offset_from(ra) as usize
        }
    }
}

/// CALL of the Lua closure at `ra`. False: it must be done the slow way.
#[inline(always)]
pub(super) unsafe fn call_lua(s: &mut Regs, th: *mut Thread, ra: *mut Value) -> bool {
    unsafe {
        let p = (*(*ra).as_lua_fn()).proto;
        if !fits(th, p) {
            return false;
        }
        s.save();
        let mut have = given(s, th, ra);
        while have <= (*p).num_params as usize {
            (*ra.add(have)).t = tag::NIL;
            have += 1;
        }
        let wanted = s.c() as i32 - 1;
        let ci = stack::next_record(th, s.ci);
        (*th).ci = ci;
        (*ci).func = ra;
        (*ci).top = ra.add(1 + (*p).max_stack as usize);
        *word_ptr(ci) = word(wanted, 0, CallKind::Lua);
        (*p).calls = (*p).calls.wrapping_add(1);
        *s = Regs {
            ci,
            base: ra.add(1),
            pc: (*p).code,
            k: (*p).consts,
            caches: (*p).caches,
        };
        true
    }
}

/// TAILCALL of the Lua closure at `ra`, which takes over the record. False: it must be done the slow way.
#[inline(always)]
pub(super) unsafe fn tail_call_lua(s: &mut Regs, th: *mut Thread, ra: *mut Value) -> bool {
    unsafe {
        let p = (*(*ra).as_lua_fn()).proto;
        let ci = s.ci;
        // The frame of a vararg function begins further down.
        if (*ci).status & (call_status::VARARG | call_status::DEOPT) != 0 || !fits(th, p) {
            return false;
        }
        let to = s.base.sub(1);
        let have = given(s, th, ra);
        for n in 0..have {
            *to.add(n) = *ra.add(n);
        }
        for n in have..=(*p).num_params as usize {
            (*to.add(n)).t = tag::NIL;
        }
        (*th).top = to.add(have);
        (*ci).top = s.base.add((*p).max_stack as usize);
        (*ci).status |= call_status::TAIL;
        (*p).calls = (*p).calls.wrapping_add(1);
        s.pc = (*p).code;
        s.k = (*p).consts;
        s.caches = (*p).caches;
        true
    }
}

/// How a call of a native function went.
pub(super) enum Native {
    /// Results are in place, `base` is valid.
    Done,
    /// Nothing was done: the stack must grow, or work is pending.
    Slow,
    /// An error was raised.
    Raised,
    /// Done, and a hook is set now.
    Hooked,
}

/// CALL of the native closure at `ra`.
#[inline(always)]
pub(super) unsafe fn call_native(s: &mut Regs, l: Lua, ra: *mut Value) -> Native {
    unsafe {
        let th = l.thread();
        let end = (*th).top.add(MIN_STACK);
        if end >= (*th).stack_limit {
            return Native::Slow;
        }
        s.save();
        let ci = stack::next_record(th, s.ci);
        (*th).ci = ci;
        (*ci).func = ra;
        (*ci).top = end;
        *word_ptr(ci) = word(s.c() as i32 - 1, 0, CallKind::Native);
        let Ok(n) = ((*(*ra).as_native_fn()).func)(l) else {
            return Native::Raised;
        };
        let n = n as usize;
        // The results are still the native frame's: a safe point.
        if heap::gc_due((*th).global) {
            poll::gc_step(l);
        }
        if (*th).poll != 0 {
            if !slow::native_returned(l, ci, n) {
                return Native::Raised;
            }
            s.reload();
            return if (*th).hook.is_some() {
                Native::Hooked
            } else {
                Native::Done
            };
        }
        let to = (*ci).func;
        let from = (*th).top.sub(n);
        (*th).ci = s.ci;
        match s.c() {
            2 => *to = if n == 0 { Value::NIL } else { *from },
            1 => {}
            c => call::move_results(th, from, n, to, c as i32 - 1),
        }
        s.reload();
        Native::Done
    }
}

/// RETURN0 and RETURN1 (`v`: the value) to a Lua caller in the same loop. False: the slow way.
#[inline(always)]
pub(super) unsafe fn return_to_lua(s: &mut Regs, th: *mut Thread, v: Option<Value>) -> bool {
    unsafe {
        let ci = s.ci;
        let w = *word_ptr(ci) & !TAIL;
        const ONE: u64 = word(1, 0, CallKind::Lua);
        const NONE: u64 = word(0, 0, CallKind::Lua);
        const ALL: u64 = word(-1, 0, CallKind::Lua);
        match v {
            Some(v) if w == ONE => *s.base.sub(1) = v,
            None if w == NONE => {}
            // The value is not wanted.
            Some(_) if w == NONE => {}
            Some(v) if w == ALL => {
                *s.base.sub(1) = v;
                (*th).top = s.base;
            }
            Some(v) if w == word(1, call_status::VARARG, CallKind::Lua) => {
                *(*ci).func.sub(super::frame::shift(ci)) = v;
            }
            Some(v) if w == word(1, call_status::COUNTED, CallKind::Lua) => {
                call::leave_c_call(th);
                *s.base.sub(1) = v;
            }
            _ => return false,
        }
        let prev = (*ci).prev;
        (*th).ci = prev;
        *s = Regs::enter(prev);
        true
    }
}
