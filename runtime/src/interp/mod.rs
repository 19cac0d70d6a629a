//! The bytecode interpreter.
//!
//! [`execute`] runs a record and everything it calls in Lua, without native recursion, until the record returns. The loop exists three
//! times (see `run.rs`): the second instance calls hooks and is entered at a poll after a hook was set, the third tells a [`Watch`] of every
//! instruction, in executables made for training runs. So the first pays nothing for either. `ops` has every instruction's complete
//! definition, `frame` calls and returns, `lookup` field access at sites that see many shapes.

mod calls;
pub mod frame;
pub mod lookup;
pub mod ops;
mod regs;
mod run;
mod slow;

use crate::debug::hook;
use crate::error::{LResult, Raise};
use crate::native::exit::{is_operator, results_of};
use crate::proto::RtProto;
use crate::stack;
use crate::thread::{CallInfo, CallKind, Lua, Thread, call_status};
use crate::value::Value;
use trinity_frontend::bytecode::Instr;

/// Why the loop stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The fresh record returned.
    Done,
    /// An error was raised.
    Raised,
    /// Continue the current record in the other loop, in the middle of its function.
    Switch,
}

/// Where a loop that is watched was at the instruction before.
pub struct Last {
    /// Its frame; null: there was none.
    pub ci: *mut CallInfo,
    /// The frame's function.
    pub proto: *mut RtProto,
    /// The instruction.
    pub pc: *const Instr,
    /// There was none, and the loop begins with a function's start.
    pub start: bool,
}

/// Who is told of every instruction (`observe`). Behind a trait object, so that executables without one do not link its code.
pub trait Watch {
    /// Runs the loop that calls [`Watch::before`]: [`run_observed`].
    ///
    /// # Safety
    /// As for the loop.
    unsafe fn run(&self, l: Lua, ci: *mut CallInfo, start: bool) -> Exit;
    /// The instruction at `pc` of the frame is executed next. `last` is the loop's own, and is brought up to date.
    ///
    /// # Safety
    /// As for the loop.
    unsafe fn before(
        &self,
        l: Lua,
        ci: *mut CallInfo,
        base: *mut Value,
        pc: *const Instr,
        last: &mut Last,
    );
    /// The standard library was opened, and no program ran yet.
    fn libraries_open(&self, l: Lua) -> LResult<()>;
    /// A module of the executable was loaded; its prototypes in preorder.
    ///
    /// # Safety
    /// They are live.
    unsafe fn module_loaded(&self, module: &str, protos: &[*mut RtProto]);
}

/// The loop that tells the state's [`Watch`] of every instruction.
///
/// # Safety
/// As for [`execute`]; there is one.
pub unsafe fn run_observed(l: Lua, ci: *mut CallInfo, start: bool) -> Exit {
    unsafe { run::run::<false, true>(l, ci, start) }
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
                run::run::<true, false>(l, ci, start)
            } else if let Some(o) = (*(*th).global).observer {
                o.run(l, ci, start)
            } else {
                run::run::<false, false>(l, ci, start)
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

/// A record for a frame that left machine code: function below `base`, registers in place, `pc` next.
///
/// # Safety
/// The frame is complete, and the current record that of its caller.
unsafe fn push_left(l: Lua, base: *mut Value, pc: usize) -> *mut CallInfo {
    unsafe {
        let th = l.thread();
        let p = ops::proto_at(base);
        let ci = stack::next_record(th, (*th).ci);
        (*th).ci = ci;
        (*ci).func = base.sub(1);
        (*ci).top = base.add((*p).max_stack as usize);
        (*ci).pc = (*p).code.add(pc);
        (*ci).kind = CallKind::Lua;
        (*ci).nextra = 0;
        ci
    }
}

/// Frames of one piece of machine code that continue in the interpreter: the function whose code it is, then each frame that was inlined into
/// the one before.
pub struct Left {
    l: Lua,
    ci: *mut CallInfo,
}

impl Left {
    /// Starts with the function whose code it was; `pc` comes next in it. `nextra`: extra arguments below its function slot.
    ///
    /// # Safety
    /// The frame is complete; the current record is of kind `Machine`.
    pub unsafe fn outermost(l: Lua, base: *mut Value, pc: usize, nextra: u32) -> Left {
        unsafe {
            let ci = push_left(l, base, pc);
            (*ci).nresults = -1;
            (*ci).status = call_status::FRESH | call_status::DEOPT;
            (*ci).nextra = nextra;
            Left { l, ci }
        }
    }

    /// Adds the frame called by the one added last, whose `pc` is behind the CALL that did it.
    ///
    /// # Safety
    /// The frame is complete.
    pub unsafe fn inner(&mut self, base: *mut Value, pc: usize) {
        unsafe {
            let call = *(*self.ci).pc.sub(1);
            self.ci = push_left(self.l, base, pc);
            (*self.ci).nresults = results_of(call).1 as i32 - 1;
            // Code in line of tail calls has marked the function's slot.
            let tail = *crate::native::walk::tail_byte(base.sub(1)) == 1;
            (*self.ci).status = if tail { call_status::TAIL } else { 0 };
            if is_operator(call.op()) {
                // Its result goes elsewhere than to its function's slot.
                (*self.ci).status |= call_status::FRESH;
            }
        }
    }

    /// Runs until the outermost frame returns; results are from the function slot its caller set up on (below the extra arguments, for a
    /// vararg function), `top` behind them.
    ///
    /// # Safety
    /// All frames were added.
    pub unsafe fn run(self) -> LResult<()> {
        unsafe {
            let th = self.l.thread();
            // Frames are found again by their distance: records and slots may move.
            let mut ci = self.ci;
            loop {
                let mut fresh = ci;
                while (*fresh).status & call_status::FRESH == 0 {
                    fresh = (*fresh).prev;
                }
                let outermost = (*fresh).status & call_status::DEOPT != 0;
                resume(self.l, ci)?;
                if outermost {
                    return Ok(());
                }
                // A metamethod returned.
                ci = (*th).ci;
                let base = (*ci).func.add(1);
                let max = (*ops::proto_at(base)).max_stack as usize;
                let call = *(*ci).pc.sub(1);
                *base.add(call.a()) = *base.add(max);
            }
        }
    }
}

unsafe fn resume(l: Lua, ci: *mut CallInfo) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let go = || -> LResult<()> {
            // Open results for the next instruction end at `top`: pending work waits for the next poll then.
            if (*th).poll != 0 && !hook::uses_top(*(*ci).pc) {
                (*ci).status |= call_status::RESUMED;
                let done = frame::poll_inside(l, ci);
                (*ci).status &= !call_status::RESUMED;
                done?;
            }
            drive(l, ci, false)
        };
        match crate::native::stack::with_room(l, go) {
            Some(r) => r,
            None => Err(crate::raise::memory_error(l)),
        }
    }
}
