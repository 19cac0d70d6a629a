//! Warnings (lua_warning): off at first, switched by the control messages "@on" and "@off", written to standard error.
//!
//! A warning can come in pieces; control messages are recognised only as a whole warning, and only at its beginning.

use crate::lib::io::stdio::{c_part, write_stderr};
use crate::thread::Lua;

/// What the next piece of a warning meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WarnState {
    /// Warnings are ignored.
    #[default]
    Off,
    /// The next piece starts a warning.
    On,
    /// The next piece continues one.
    Continue,
}

/// Emits a piece of a warning; `to_cont`: more pieces follow.
pub fn warning(l: Lua, msg: &[u8], to_cont: bool) {
    let msg = c_part(msg);
    // SAFETY: live handle; nothing below runs Lua.
    let state = unsafe { &raw mut (*l.global()).warn };
    unsafe {
        if *state != WarnState::Continue
            && !to_cont
            && let Some(control) = msg.strip_prefix(b"@")
        {
            match control {
                b"on" => *state = WarnState::On,
                b"off" => *state = WarnState::Off,
                _ => {}
            }
            return;
        }
        match *state {
            WarnState::Off => return,
            WarnState::On => write_stderr(b"Lua warning: "),
            WarnState::Continue => {}
        }
        write_stderr(msg);
        if to_cont {
            *state = WarnState::Continue;
        } else {
            write_stderr(b"\n");
            *state = WarnState::On;
        }
    }
}
