//! SIGINT: the first one asks the run to end and save its state, the second one ends the process at once.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

static SIGNALS: AtomicU32 = AtomicU32::new(0);

/// What a handler may do: count, and leave.
extern "C" fn on_signal(_signal: libc::c_int) {
    if SIGNALS.fetch_add(1, Ordering::Relaxed) > 0 {
        // SAFETY: `_exit` is async-signal-safe.
        unsafe { libc::_exit(crate::report::verdict::exit::INTERRUPTED as libc::c_int) }
    }
}

/// From now on SIGINT and SIGTERM ask for an end instead of ending the process. Once per process, before the run.
pub fn install() -> io::Result<()> {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the structure is zeroed (a valid value of it: no flags, empty mask) and then filled; the handler only counts
        // and calls `_exit`, both async-signal-safe. No SA_RESTART: a blocking wait should see the signal.
        let status = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, std::ptr::null_mut())
        };
        if status != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Whether an end was asked for.
pub fn requested() -> bool {
    SIGNALS.load(Ordering::Relaxed) > 0
}
