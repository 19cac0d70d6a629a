//! Coroutines: frames on a native stack of their own, switched by saving two registers.
//!
//! Because every coroutine has its own native frames, a yield works from anywhere (pcall, metamethods, iterators, machine code): nothing
//! has to be unwound or restarted. What the reference refuses is refused too: yielding across callbacks of sort, gsub and the like
//! (`Thread::nny`), and outside a coroutine. Frames of an abandoned coroutine are never dropped (see api.rs, last rule).
//!
//! Invariants: a suspended thread's context is at `saved_sp`; a thread that waits for one it resumed keeps its own at `saved_sp` too;
//! the main thread's is used only in the latter way. Either's frames may have been put aside (`native::stack`), so every switch asks where
//! they are. The stack is free again when the coroutine ends or is collected.

use crate::error::{LResult, Raise, Status};
use crate::native::stack::{self, Way};
use crate::thread::{Lua, Thread};
use crate::value::Value;
use std::arch::{asm, naked_asm};
use std::ptr::NonNull;
use trinity_abi::MAX_C_CALLS;

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

/// Saves the running context at `*save` and continues the one saved at stack pointer `to`. A saved context is: the address to continue at,
/// then rbx and rbp; every other register is dead across the switch. It is jumped to, not returned to: the processor's return stack
/// belongs to the other side, whose innermost frames are often the same functions.
///
/// # Safety
/// `to` was saved by a switch (or is a first frame), its stack is in place.
#[inline(always)]
unsafe fn switch(save: *mut usize, to: usize) {
    unsafe {
        asm!(
            "lea rax, [rip + 2f]",
            "push rbp",
            "push rbx",
            "push rax",
            "mov [rdi], rsp",
            "mov rsp, rsi",
            "pop rax",
            "jmp rax",
            "2:",
            "pop rbx",
            "pop rbp",
            out("rax") _, inlateout("rdi") save => _, inlateout("rsi") to => _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            clobber_abi("C"),
        )
    }
}

/// The same when the frames of `to` belong where the running ones are: they are exchanged on the stack at `by`.
///
/// # Safety
/// [`stack::claim`] answered so.
#[cold]
#[inline(never)]
unsafe fn switch_exchanging(save: *mut usize, to: *mut Thread, by: usize) {
    unsafe {
        asm!(
            "lea rax, [rip + 2f]",
            "push rbp",
            "push rbx",
            "push rax",
            "mov [rsi], rsp",
            "mov rsp, rdx",
            "call {exchange}",
            "mov rsp, rax",
            "pop rax",
            "jmp rax",
            "2:",
            "pop rbx",
            "pop rbp",
            out("rax") _,
            inlateout("rdx") by => _,
            exchange = sym stack::exchange,
            inlateout("rdi") to => _,
            inlateout("rsi") save => _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            clobber_abi("C"),
        )
    }
}

/// First code on a coroutine's stack, which holds the thread.
#[unsafe(naked)]
unsafe extern "C" fn start() {
    naked_asm!("pop rdi", "xor ebp, ebp", "call {body}", "ud2", body = sym body)
}

/// Switches from `me` to `to`, wherever its frames are. False: no memory, nothing happened.
#[inline(always)]
unsafe fn go(me: *mut Thread, to: *mut Thread) -> bool {
    unsafe {
        if !(*to).native.in_place() {
            match stack::claim(me, to, true) {
                Way::Clear => {}
                Way::Exchange(by) => {
                    switch_exchanging(&raw mut (*me).saved_sp, to, by);
                    return true;
                }
                Way::NoMemory => return false,
            }
        }
        switch(&raw mut (*me).saved_sp, (*to).saved_sp);
        true
    }
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
            let message = (*(*me).global).memory_message;
            let no_memory = || {
                let co = col.thread();
                *(*co).top = Value::str(message);
                (*co).top = (*co).top.add(1);
                Err(Status::Memory)
            };
            let entry = [start as *const () as usize, co as usize];
            if first && !stack::bind(co, entry) {
                // Coroutines that are garbage hold stacks.
                crate::emergency::collect(self);
                if !stack::bind(co, entry) {
                    self.pop(nargs);
                    return no_memory();
                }
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
            if !go(me, co) {
                (*co).resumer = std::ptr::null_mut();
                (*co).status = if first { Status::Ok } else { Status::Yield };
                (*co).top = (*co).top.sub(nargs as usize);
                if first {
                    stack::release(co);
                }
                return no_memory();
            }
            (*co).resumer = std::ptr::null_mut();
            match (*co).status {
                Status::Yield => Ok((*co).resume_args as i32),
                Status::Ok => {
                    stack::release(co);
                    Ok((*co).resume_args as i32)
                }
                s => {
                    // The frames of the failed body stay inspectable (debug.traceback on a dead coroutine) as call records
                    // only; its native stack is done.
                    stack::release(co);
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
                return Err(crate::raise::run_error(
                    self,
                    b"attempt to yield from outside a coroutine",
                ));
            }
            if (*me).nny > 0 {
                return Err(crate::raise::run_error(
                    self,
                    b"attempt to yield across a C-call boundary",
                ));
            }
            (*me).status = Status::Yield;
            (*me).resume_args = nresults as u32;
            if !go(me, (*me).resumer) {
                (*me).status = Status::Ok;
                return Err(crate::raise::memory_error(self));
            }
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
            stack::release(co);
            let me = self.0.as_ptr();
            stack::lend(me, co);
            (*co).nccalls = (*co).c_floor;
            (*co).patched.clear();
            let status = crate::call::reset_thread(col, status);
            stack::lend(co, me);
            status
        }
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
        let to = (*th).resumer;
        if !(*to).native.in_place() {
            match stack::claim(th, to, false) {
                Way::Clear => {}
                Way::Exchange(by) => switch_exchanging(&raw mut (*th).saved_sp, to, by),
                // There is no way back.
                Way::NoMemory => std::process::abort(),
            }
        }
        switch(&raw mut (*th).saved_sp, (*to).saved_sp);
        // A finished coroutine is never resumed: its status is checked first.
        std::process::abort()
    }
}
