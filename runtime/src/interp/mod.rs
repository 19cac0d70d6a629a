//! The bytecode interpreter.
//!
//! [`execute`] runs a record and everything it calls in Lua, without native recursion, until the record returns. The loop exists twice
//! (`run::<false>` and `run::<true>`, see `run.rs`): the second calls hooks and is entered at a poll after a hook was set, so the first
//! pays nothing for them. `ops` has every instruction's complete definition, `frame` calls and returns, `lookup` field access
//! at sites that see many shapes.

mod calls;
pub mod frame;
pub mod lookup;
pub mod ops;
mod regs;
mod run;
mod slow;

use crate::debug::hook;
use crate::error::{LResult, Raise};
use crate::stack;
use crate::thread::{CallInfo, CallKind, Lua, Thread, call_status};
use crate::value::Value;
use trinity_frontend::bytecode::Instr;

/// Why the loop stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// The fresh record returned.
    Done,
    /// An error was raised.
    Raised,
    /// Continue the current record in the other loop, in the middle of its function.
    Switch,
}

/// False while machine code must not run: hooks have to see every instruction.
///
/// # Safety
/// `th` is live.
#[inline(always)]
pub unsafe fn machine_allowed(th: *mut Thread) -> bool {
    unsafe { (*th).hook.is_none() }
}

/// Runs the record `ci` (kind Lua, status FRESH, current) from its start until it returns; results are from its function slot on, `top`
/// behind them.
///
/// # Safety
/// `ci` was prepared by `call::prepare_lua` just now.
pub unsafe fn execute(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        let th = l.thread();
        if (*th).poll != 0 {
            frame::poll_at_start(l, ci)?;
        }
        drive(l, ci, true)
    }
}

unsafe fn drive(l: Lua, ci: *mut CallInfo, start: bool) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let mut start = start;
        let mut ci = ci;
        loop {
            let exit = if (*th).hook.is_some() {
                run::run::<true>(l, ci, start)
            } else {
                run::run::<false>(l, ci, start)
            };
            match exit {
                Exit::Done => return Ok(()),
                Exit::Raised => return Err(Raise(())),
                Exit::Switch => {
                    ci = (*th).ci;
                    start = false;
                }
            }
        }
    }
}

/// Continues a frame that left machine code: function below `base`, registers in place, at `pc`. Runs until it returns; results are from
/// the function slot its caller set up on (below the extra arguments, for a vararg function), `top` behind them.
///
/// # Safety
/// The frame is complete; the current record is of kind `Machine`.
pub unsafe fn resume_at(l: Lua, base: *mut Value, pc: *const Instr, nextra: u32) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let p = ops::proto_at(base);
        let ci = stack::next_record(th, (*th).ci);
        (*th).ci = ci;
        (*ci).func = base.sub(1);
        (*ci).top = base.add((*p).max_stack as usize);
        (*ci).pc = pc;
        (*ci).nresults = -1;
        (*ci).status = call_status::FRESH | call_status::DEOPT;
        (*ci).kind = CallKind::Lua;
        (*ci).nextra = nextra;
        let go = || -> LResult<()> {
            // Open results for the next instruction end at `top`: pending work waits for the next poll then.
            if (*th).poll != 0 && !hook::uses_top(*pc) {
                frame::poll_inside(l, ci)?;
            }
            drive(l, ci, false)
        };
        match crate::native::stack::with_room(l, go) {
            Some(r) => r,
            None => Err(crate::raise::memory_error(l)),
        }
    }
}
