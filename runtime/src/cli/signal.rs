//! Ctrl-C while a program runs: the main thread raises "interrupted!" at its next safe point (laction and lstop of lua.c).
//!
//! A coroutine is not interrupted itself: the error comes when control is back in the main thread. A second Ctrl-C ends the process.

use crate::error::LResult;
use crate::poll::{reason, request};
use crate::thread::{Lua, Thread};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The thread that a signal interrupts. Set only while [`catch`] is in force.
static TARGET: AtomicPtr<Thread> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn handler(signal: libc::c_int) {
    // SAFETY: both calls are async-signal-safe; the target is live while it is set.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let th = TARGET.load(Ordering::Relaxed);
        if !th.is_null() {
            request(th, reason::SIGNAL);
        }
    }
}

fn interrupted(l: Lua) -> LResult<()> {
    if l.thread() == TARGET.load(Ordering::Relaxed) {
        return Err(l.error("interrupted!"));
    }
    Ok(())
}

/// From here on Ctrl-C raises an error in `l`, the main thread.
pub fn catch(l: Lua) {
    TARGET.store(l.thread(), Ordering::Relaxed);
    // SAFETY: the handler is async-signal-safe; nothing runs in the state now.
    unsafe {
        (*l.global()).on_signal = Some(interrupted);
        libc::signal(libc::SIGINT, handler as *const () as libc::sighandler_t);
    }
}

/// Ends [`catch`].
pub fn release() {
    // SAFETY: restores the default action.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    TARGET.store(std::ptr::null_mut(), Ordering::Relaxed);
}
