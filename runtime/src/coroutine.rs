//! Coroutines: a native stack each, switched by saving six registers.
//!
//! Because every coroutine has its own native stack, a yield works from anywhere (pcall, metamethods, iterators, machine code): nothing
//! has to be unwound or restarted. What the reference refuses is refused too: yielding across callbacks of sort, gsub and the like
//! (`Thread::nny`), and outside a coroutine. Frames of an abandoned coroutine are never dropped (see api.rs, last rule).
//!
//! Invariants: a suspended thread's registers are at `saved_sp`; a thread that waits for one it resumed keeps its own at `saved_sp` too;
//! the main thread's is used only in the latter way. The first segment goes back to the pool when the coroutine ends or is collected.

use crate::error::{LResult, Raise, Status};
use crate::native::stack::NativeStack;
use crate::thread::{Lua, Thread};
use crate::value::Value;
use std::arch::naked_asm;
use std::ptr::NonNull;

/// LUAI_MAXCCALLS of the reference.
const MAX_C_CALLS: u32 = 200;

/// Life of a coroutine as `coroutine.status` tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoStatus {
    /// It is the caller.
    Running,
    /// It has yielded or has not started.
    Suspended,
    /// It has resumed another coroutine.
    Normal,
    /// It has finished or failed.
    Dead,
}

impl CoStatus {
    /// The name Lua uses.
    pub const fn name(self) -> &'static str {
        match self {
            CoStatus::Running => "running",
            CoStatus::Suspended => "suspended",
            CoStatus::Normal => "normal",
            CoStatus::Dead => "dead",
        }
    }
}

/// Saves the callee-saved registers and rsp at `*save`, continues at `to`.
#[unsafe(naked)]
unsafe extern "C" fn switch(_save: *mut usize, _to: usize) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret"
    )
}

/// First code on a coroutine's stack: r12 holds the thread.
#[unsafe(naked)]
unsafe extern "C" fn start() {
    naked_asm!("mov rdi, r12", "xor ebp, ebp", "call {body}", "ud2", body = sym body)
}

impl Lua {
    /// Status of `co` as seen from the running thread (lua auxstatus).
    pub fn co_status(self, co: *mut Thread) -> CoStatus {
        // SAFETY: both threads are live.
        unsafe {
            if co == self.0.as_ptr() {
                CoStatus::Running
            } else if (*co).status == Status::Yield {
                CoStatus::Suspended
            } else if (*co).status != Status::Ok {
                CoStatus::Dead
            } else if !(*co).resumer.is_null() || (*co).ci != (*co).base_ci {
                CoStatus::Normal
            } else if (*co).top == (*co).stack.add(1) {
                CoStatus::Dead
            } else {
                CoStatus::Suspended
            }
        }
    }

    /// Resumes `co` with the top `nargs` values of the running thread (they are popped). On success the results are on top of `co`'s stack
    /// and their number is returned; on failure the error value is on top of `co`'s stack.
    #[inline(always)]
    pub fn resume(self, co: *mut Thread, nargs: i32) -> Result<i32, Status> {
        // SAFETY: both threads are live; `co` is not running (checked), so its native stack is ours to switch to.
        unsafe {
            let me = self.0.as_ptr();
            let col = Lua(NonNull::new_unchecked(co));
            let fail = |msg: &str| -> Result<i32, Status> {
                self.pop(nargs);
                let v = match self.new_str(msg.as_bytes()) {
                    Ok(s) => Value::str(s),
                    Err(Raise(())) => (*me).error,
                };
                if !col.grow_stack(1) {
                    return Err(Status::Memory);
                }
                *(*co).top = v;
                (*co).top = (*co).top.add(1);
                Err(Status::Run)
            };
            match self.co_status(co) {
                CoStatus::Suspended => {}
                CoStatus::Dead => return fail("cannot resume dead coroutine"),
                _ => return fail("cannot resume non-suspended coroutine"),
            }
            if (*me).nccalls >= MAX_C_CALLS {
                return fail("C stack overflow");
            }
            if !col.grow_stack(nargs) {
                return fail("too many arguments to resume");
            }
            let first = (*co).status == Status::Ok;
            if first && (*me).nccalls + 1 == MAX_C_CALLS {
                // The reference raises this one inside the coroutine, which is dead then.
                let _ = fail("C stack overflow");
                if col.grow_stack(1) {
                    *(*co).top = *(*co).top.sub(1);
                    (*co).top = (*co).top.add(1);
                }
                (*co).status = Status::Run;
                return Err(Status::Run);
            }
            if first && !prepare(col) {
                self.pop(nargs);
                *(*co).top = Value::str((*(*me).global).memory_message);
                (*co).top = (*co).top.add(1);
                return Err(Status::Memory);
            }
            let from = (*me).top.sub(nargs as usize);
            for i in 0..nargs as usize {
                *(*co).top.add(i) = *from.add(i);
            }
            (*me).top = from;
            (*co).top = (*co).top.add(nargs as usize);
            (*co).resume_args = nargs as u32;
            (*co).resumer = me;
            (*co).status = Status::Ok;
            (*co).nccalls = (*me).nccalls + 1;
            (*co).c_floor = (*co).nccalls;
            (*co).resumes = (*co).resumes.wrapping_add(1);
            if (*me).poll != 0 {
                // Signals and finalizers are pending for whoever runs.
                crate::poll::inherit(self, col);
            }
            switch(&raw mut (*me).saved_sp, (*co).saved_sp);
            (*co).resumer = std::ptr::null_mut();
            match (*co).status {
                Status::Yield => Ok((*co).resume_args as i32),
                Status::Ok => {
                    release_stack(col);
                    Ok((*co).resume_args as i32)
                }
                s => {
                    // The frames of the failed body stay inspectable (debug.traceback on a dead coroutine) as call records
                    // only; its native stack is done.
                    release_stack(col);
                    Err(s)
                }
            }
        }
    }

    /// Suspends the running coroutine, handing its top `nresults` values to the resumer. Returns the number of values passed to the next
    /// resume; they are on top of the stack.
    #[inline(always)]
    pub fn yield_(self, nresults: i32) -> LResult<i32> {
        // SAFETY: the running thread is live; its resumer waits in `resume`.
        unsafe {
            let me = self.0.as_ptr();
            if (*me).resumer.is_null() {
                return Err(crate::raise::run_error(self, b"attempt to yield from outside a coroutine"));
            }
            if (*me).nny > 0 {
                return Err(crate::raise::run_error(self, b"attempt to yield across a C-call boundary"));
            }
            (*me).status = Status::Yield;
            (*me).resume_args = nresults as u32;
            let to = (*(*me).resumer).saved_sp;
            switch(&raw mut (*me).saved_sp, to);
            Ok((*me).resume_args as i32)
        }
    }

    /// True when a yield would be allowed here.
    pub fn is_yieldable(self) -> bool {
        // SAFETY: live handle.
        unsafe { !(*self.0.as_ptr()).resumer.is_null() && (*self.0.as_ptr()).nny == 0 }
    }

    /// lua_closethread: closes pending variables of a suspended or dead coroutine. On error its value is on top of `co`'s stack.
    pub fn close_coroutine(self, co: *mut Thread) -> Status {
        // SAFETY: `co` is suspended or dead, so nothing runs on its stacks.
        unsafe {
            let col = Lua(NonNull::new_unchecked(co));
            let status = match (*co).status {
                Status::Yield => Status::Ok,
                s => s,
            };
            // The closing methods run on the caller's native stack, with the coroutine's slots.
            release_stack(col);
            let me = self.0.as_ptr();
            let native = std::mem::take(&mut (*me).native);
            (*co).native = native;
            (*co).native_limit = (*me).native_limit;
            (*co).nccalls = (*co).c_floor;
            (*co).patched.clear();
            let status = crate::call::reset_thread(col, status);
            (*me).native = std::mem::take(&mut (*co).native);
            (*me).native_limit = (*co).native_limit;
            (*co).native_limit = usize::MAX;
            status
        }
    }
}

/// Gives a coroutine that has not started its native stack, with a frame that enters [`start`]. False: no memory.
unsafe fn prepare(co: Lua) -> bool {
    unsafe {
        let th = co.0.as_ptr();
        let Some(seg) = (*(*th).global).stacks.take() else { return false };
        (*th).native = NativeStack::new(seg);
        (*th).native_limit = seg.limit();
        // Layout that `switch` pops: r15 r14 r13 r12 rbx rbp, return address; then rsp is 16-byte aligned before the call in `start`.
        let sp = (seg.top() - 9 * 8) as *mut usize;
        for i in 0..8 {
            *sp.add(i) = 0;
        }
        *sp.add(3) = th as usize;
        *sp.add(6) = start as *const () as usize;
        (*th).saved_sp = sp as usize;
        true
    }
}

/// Takes the native stack away from a thread that will not run on it again.
///
/// # Safety
/// Nothing runs on it.
pub unsafe fn release_stack(co: Lua) {
    unsafe {
        let th = co.0.as_ptr();
        if let Some(first) = (*th).native.first() {
            (*th).native.release_extra();
            (*th).native = NativeStack::default();
            (*(*th).global).stacks.give(first);
        }
        (*th).native_limit = usize::MAX;
    }
}

/// The coroutine's life on its own stack.
unsafe extern "C" fn body(th: *mut Thread) -> ! {
    unsafe {
        let l = Lua(NonNull::new_unchecked(th));
        let nargs = (*th).resume_args;
        match crate::call::call_from_machine(l, (*th).top.sub(nargs as usize + 1)) {
            Ok(()) => {
                (*th).status = Status::Ok;
                (*th).resume_args = (*th).top.offset_from((*th).stack.add(1)) as u32;
            }
            Err(Raise(())) => {
                (*th).status = (*th).error_status;
                // Leave the call records for debug.traceback; the error value goes on top.
                let v = (*th).error;
                (*th).error = Value::NIL;
                if (*th).top < (*(*th).ci).top {
                    (*(*th).ci).top = (*(*th).ci).top.max((*th).top.add(2));
                }
                // Twice: the resumer takes one, and `coroutine.close` of the dead coroutine still finds the other, as in the reference.
                *(*th).top = v;
                *(*th).top.add(1) = v;
                (*th).top = (*th).top.add(2);
                (*th).resume_args = 1;
            }
        }
        let mut dead = 0usize;
        switch(&raw mut dead, (*(*th).resumer).saved_sp);
        // A finished coroutine is never resumed: its status is checked first.
        std::process::abort()
    }
}
