//! Direct form of `string.format`, for results that fit the space on the native stack.

use super::Call;
use crate::lib::buffer::{Buffer, Space};
use crate::lib::string::format as library;
use crate::thread::Lua;
use crate::value::Value;
use std::ptr::NonNull;

/// What no number's text exceeds.
const NUMBER: usize = 160;

pub(super) fn format(c: &Call) -> Option<Value> {
    let text = c.bytes(0)?;
    c.may_allocate()?;
    // SAFETY: the running thread.
    let l = Lua(unsafe { NonNull::new_unchecked(c.th) });
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    let mut arg = 0;
    // All of the format and one more item must fit, so that nothing below has to grow the buffer (and could fail).
    let spare = |out: &Buffer, n: usize| out.spare() >= text.len() + NUMBER + n;
    if !spare(&out, 0) {
        return None;
    }
    // SAFETY: the running state; nothing below asks for another format.
    let format = unsafe { &mut (*c.global()).formats }.get(text)?;
    let done = format.each(&mut out, |out, item| {
        arg += 1;
        let long = c.bytes(arg).map_or(0, <[u8]>::len);
        if arg >= c.count || !spare(out, long) {
            return Ok(false);
        }
        library::add_usual(l, out, item, c.arg(arg))
    });
    match done {
        Ok(true) => c.name(out.as_bytes()),
        _ => None,
    }
}
