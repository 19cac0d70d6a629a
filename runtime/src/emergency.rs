//! Memory is short: what happens between an allocation that fails and "not enough memory".
//!
//! Allocation never collects (the values its caller holds may be nowhere else), so a failing one cannot help itself as the reference's does.
//! Instead
//! - an **instruction** that failed for lack of memory, before it did anything, is executed again after a full collection: its operands
//!   are in registers, which are live while it waits. This covers growing tables, concatenation, closures, and what compiled code asks its
//!   helpers for ([`again`]);
//! - **library functions** that make large things do so inside [`with_memory`], where all that is alive is on the stack;
//! - for everything else the heap keeps a spare chunk. When it must be used, the next safe point collects and replaces it.

use crate::error::{LResult, Raise, Status};
use crate::heap;
use crate::thread::{CallInfo, Lua};
use crate::value::Value;
use trinity_frontend::bytecode::{Instr, Op};

/// A full collection that gives memory back to the system, too. For points where everything alive is on a stack or reachable from there.
pub fn collect(l: Lua) {
    // SAFETY: live handle; callers are at points where everything alive is reachable.
    unsafe { heap::emergency(l.global()) }
}

/// The error just raised is "not enough memory", raised by the running frame itself.
unsafe fn is_own_shortage(l: Lua, ci: *mut CallInfo) -> bool {
    unsafe { (*l.thread()).ci == ci && (*l.thread()).error_status == Status::Memory }
}

/// Instruction `i` of the frame at `base` (its record is `ci`) raised an error. True: it was for lack of memory, nothing had been done yet, and
/// there may be more now; `top` is at `old_top` (in slots) again, and the frame may have moved.
///
/// # Safety
/// `ci` is the frame's record, said to be executing `i`.
#[cold]
#[inline(never)]
pub unsafe fn again(l: Lua, ci: *mut CallInfo, i: Instr, base: *mut Value, old_top: usize) -> bool {
    unsafe {
        if !is_own_shortage(l, ci) {
            return false;
        }
        let th = l.thread();
        let whole = match i.op() {
            // A metamethod that was called has used up operands and moved `top` below them.
            Op::Concat => (*th).top >= base.add(i.a() + i.b()),
            Op::NewTable
            | Op::NewCell
            | Op::Closure
            | Op::SetList
            | Op::SetTable
            | Op::SetField
            | Op::SetI
            | Op::SetTabUp
            | Op::VarArg => true,
            _ => false,
        };
        if whole {
            (*th).top = (*th).stack.add(old_top);
            collect(l);
        }
        whole
    }
}

/// Calls `f`, and when it fails for lack of memory, a second time after a full collection. For library functions: `f` must have done nothing
/// when it fails, and everything alive must be on the stack (or reachable from there).
pub fn with_memory<R>(l: Lua, mut f: impl FnMut() -> LResult<R>) -> LResult<R> {
    // SAFETY: live handle.
    let (ci, top) = unsafe { ((*l.thread()).ci, (*l.thread()).top) };
    match f() {
        // SAFETY: live handle; `f` left the stack where it was, for it ran no Lua.
        Err(Raise(())) if unsafe { is_own_shortage(l, ci) } => {
            unsafe { (*l.thread()).top = top };
            collect(l);
            f()
        }
        r => r,
    }
}
