//! Pending work: what makes machine code and the interpreter leave their fast paths.
//!
//! Reasons are bits of `Thread::poll`, tested at back edges. While any is set, `stack_limit` is null, so that function entries see it
//! too. Finalizers run here and in `collectgarbage` only, never inside an allocation; their errors become warnings.

use crate::call;
use crate::close::unwrap_cell;
use crate::error::{LResult, Status};
use crate::heap;
use crate::meta;
use crate::object::Str;
use crate::stack;
use crate::thread::{CallKind, Lua, Thread, call_status};
use crate::value::Value;
use trinity_frontend::bytecode::Event;

/// Bits of `Thread::poll`.
pub mod reason {
    /// Finalizers wait to be called.
    pub const FINALIZERS: u32 = 1;
    /// A hook is set.
    pub const HOOK: u32 = 2;
    /// The program was interrupted (set by a signal handler).
    pub const SIGNAL: u32 = 4;
    /// Machine code made objects where it could not collect.
    pub const COLLECT: u32 = trinity_abi::thread::POLL_COLLECT as u32;
}

/// Asks the thread to look at its pending work.
///
/// # Safety
/// `th` is live. May be called from a signal handler.
pub unsafe fn request(th: *mut Thread, bits: u32) {
    unsafe {
        (&raw mut (*th).poll).write_volatile((*th).poll | bits);
        (&raw mut (*th).stack_limit).write_volatile(std::ptr::null_mut());
    }
}

/// Withdraws reasons.
unsafe fn settle(th: *mut Thread, bits: u32) {
    unsafe {
        (*th).poll &= !bits;
        if (*th).poll == 0 {
            (*th).stack_limit = stack::last(th);
        }
    }
}

/// A hook was set on `l`: machine code is left, the interpreter traces.
pub fn hook_set(l: Lua) {
    // SAFETY: live handle; the thread is stopped in Rust.
    unsafe {
        request(l.thread(), reason::HOOK);
        crate::native::exit::leave_all_lazily(l.thread());
    }
}

/// `from` resumes `to`: what waits for whoever runs goes along.
pub fn inherit(from: Lua, to: Lua) {
    // SAFETY: live handles.
    unsafe {
        let bits = (*from.thread()).poll & (reason::FINALIZERS | reason::SIGNAL);
        if bits != 0 {
            request(to.thread(), bits);
        }
    }
}

/// A collector step at a safe point; finalizers that became due are called at the next poll.
#[cold]
#[inline(never)]
pub fn gc_step(l: Lua) {
    // SAFETY: live handle at a safe point.
    unsafe {
        let g = l.global();
        heap::step(g);
        if (*g).heap.pending_finalizers {
            request(l.thread(), reason::FINALIZERS);
        }
    }
}

/// Does the pending work. The running frame's `top` is above everything alive; the stack may move.
#[cold]
#[inline(never)]
pub fn at_call(l: Lua) -> LResult<()> {
    // SAFETY: live handle.
    unsafe {
        let th = l.thread();
        let bits = (*th).poll;
        if bits & reason::SIGNAL != 0 {
            settle(th, reason::SIGNAL);
            if let Some(f) = (*l.global()).on_signal {
                f(l)?;
            }
        }
        if bits & reason::HOOK != 0 && (*th).hook.is_none() {
            settle(th, reason::HOOK);
        }
        if bits & reason::COLLECT != 0 {
            settle(th, reason::COLLECT);
            gc_step(l);
        }
        if (*th).poll & reason::FINALIZERS != 0 {
            settle(th, reason::FINALIZERS);
            run_finalizers(l)?;
        }
        Ok(())
    }
}

/// True while a finalizer runs (collectgarbage refuses then).
pub fn in_finalizer(l: Lua) -> bool {
    // SAFETY: live handle.
    unsafe { (*l.global()).in_finalizer }
}

/// Calls all waiting finalizers (luaC's callallpendingfinalizers).
pub fn run_finalizers(l: Lua) -> LResult<()> {
    // SAFETY: live handle.
    unsafe {
        let g = l.global();
        if (*g).in_finalizer {
            return Ok(());
        }
        while let Some(o) = heap::next_finalizer(g) {
            finalize(l, o)?;
        }
        Ok(())
    }
}

/// GCTM: calls one finalizer, with hooks and the collector off.
unsafe fn finalize(l: Lua, o: Value) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let g = l.global();
        let o = unwrap_cell(o);
        let method = meta::metamethod_of(l, o, Event::Gc);
        if method.is_nil() {
            return Ok(());
        }
        let ci = (*th).ci;
        if (*ci).kind == CallKind::Lua && (*th).top < (*ci).top {
            (*th).top = (*ci).top;
        }
        let hooks = (*th).hook.as_ref().is_none_or(|h| h.allowed());
        if let Some(h) = (*th).hook.as_mut() {
            h.set_allowed(false);
        }
        let running = (*g).heap.is_running();
        (*g).heap.stop();
        (*g).in_finalizer = true;
        let top = (*th).top;
        *top = method;
        *top.add(1) = o;
        (*th).top = top.add(2);
        (*ci).status |= call_status::FIN;
        let at = top.offset_from((*th).stack) as usize;
        let status = call::pcall(l, at, 0, |l| {
            call::call_no_yield(l, (*l.thread()).stack.add(at), 0)
        });
        (*ci).status &= !call_status::FIN;
        (*g).in_finalizer = false;
        if running {
            (*g).heap.resume();
        }
        if let Some(h) = (*th).hook.as_mut() {
            h.set_allowed(hooks);
        }
        if status != Status::Ok {
            warn_error(l, "__gc");
            (*th).top = (*th).top.sub(1);
        }
        Ok(())
    }
}

/// luaE_warnerror: a warning about the error value on top of the stack.
fn warn_error(l: Lua, place: &str) {
    let v = l.arg(-1);
    // SAFETY: the value is on the stack.
    let msg: &[u8] = if v.is_string() {
        unsafe { Str::bytes(v.as_str()) }
    } else {
        b"error object is not a string"
    };
    l.warning(b"error in ", true);
    l.warning(place.as_bytes(), true);
    l.warning(b" (", true);
    l.warning(msg, true);
    l.warning(b")", false);
}
