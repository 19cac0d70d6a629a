//! Tracebacks (luaL_traceback): one line a level; of a deep stack the first and the last levels.

use super::frame::{Activations, FrameRef};
use super::info::{depth, describe, function_info};
use crate::thread::Lua;

/// Levels shown at the beginning of a deep stack.
const FIRST_LEVELS: i32 = 10;
/// Levels shown at its end.
const LAST_LEVELS: i32 = 11;

/// The message (on a line of its own) and the stack of `l1` from `level` on, as text.
pub fn traceback(l: Lua, l1: Lua, msg: Option<&[u8]>, level: i32) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(m) = msg {
        text.extend_from_slice(m);
        text.push(b'\n');
    }
    text.extend_from_slice(b"stack traceback:");
    let last = depth(l1) - 1;
    // As in the reference, one level more is left out than the text says.
    let skip_from = level.saturating_add(FIRST_LEVELS);
    let deep = last.saturating_sub(level) > FIRST_LEVELS + LAST_LEVELS;
    let skip = if deep {
        last - skip_from - LAST_LEVELS
    } else {
        -1
    };
    let mut frames = Activations::new(l1).peekable();
    let mut this = -1;
    while let Some(f) = frames.next() {
        this += 1;
        if this < level {
            continue;
        }
        if skip < 0 || this < skip_from || this > skip_from + skip {
            append_level(&mut text, l, &f, frames.peek());
        } else if this == skip_from {
            text.extend_from_slice(format!("\n\t...\t(skipping {skip} levels)").as_bytes());
        }
    }
    text
}

fn append_level(text: &mut Vec<u8>, l: Lua, f: &FrameRef, caller: Option<&FrameRef>) {
    let info = function_info(f.func());
    text.extend_from_slice(b"\n\t");
    text.extend_from_slice(&info.short_src);
    match f.current_line() {
        line if line > 0 => text.extend_from_slice(format!(":{line}: in ").as_bytes()),
        _ => text.extend_from_slice(b": in "),
    }
    text.extend_from_slice(&describe(l, f, caller, &info));
    if f.is_tail_call() {
        text.extend_from_slice(b"\n\t(...tail calls...)");
    }
}
