//! Bridges from the loop to the complete definitions, out of line so that the loop keeps its state in machine registers.
//!
//! SAFETY of this module: `ci` is the current record, `pc` its instruction.

use super::ops;
use crate::call;
use crate::debug::hook;
use crate::emergency;
use crate::poll;
use crate::thread::{CallInfo, Lua};
use crate::value::Value;
use trinity_frontend::bytecode::{Instr, Op};

/// Executes the instruction by `ops::step`. Gives the base, or null when an error was raised.
#[cold]
#[inline(never)]
pub(super) unsafe fn step(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> *mut Value {
    unsafe {
        let i = *pc;
        (*ci).pc = pc.add(1);
        let th = l.thread();
        if !(i.op() == Op::SetList && i.b() == 0) {
            (*th).top = (*ci).top;
        }
        let top = (*th).top.offset_from((*th).stack) as usize;
        let base = (*ci).func.add(1);
        match ops::step(l, i, base) {
            Ok(()) => (*ci).func.add(1),
            Err(_)
                if emergency::again(l, ci, i, base, top)
                    && ops::step(l, i, (*ci).func.add(1)).is_ok() =>
            {
                (*ci).func.add(1)
            }
            Err(_) => std::ptr::null_mut(),
        }
    }
}

/// Evaluates the jump by `ops::test`: 0 or 1, or 2 when an error was raised.
#[cold]
#[inline(never)]
pub(super) unsafe fn test(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> u8 {
    unsafe {
        (*ci).pc = pc.add(1);
        (*l.thread()).top = (*ci).top;
        match ops::test(l, *pc, (*ci).func.add(1)) {
            Ok(b) => b as u8,
            Err(_) => 2,
        }
    }
}

/// A native function returned `n` values while work is pending: hooks see it. False: an error was raised.
#[cold]
#[inline(never)]
pub(super) unsafe fn native_returned(l: Lua, ci: *mut CallInfo, n: usize) -> bool {
    unsafe {
        let th = l.thread();
        if (*th).hook.is_some() && hook::on_return(l, ci, n).is_err() {
            return false;
        }
        call::move_results(th, (*th).top.sub(n), n, (*ci).func, (*ci).nresults);
        (*th).ci = (*ci).prev;
        true
    }
}

/// The collector is due: a safe point before the instruction does anything. Gives the base.
#[cold]
#[inline(never)]
pub(super) unsafe fn gc(l: Lua, ci: *mut CallInfo, pc: *const Instr) -> *mut Value {
    unsafe {
        (*ci).pc = pc.add(1);
        (*l.thread()).top = (*ci).top;
        poll::gc_step(l);
        (*ci).func.add(1)
    }
}
