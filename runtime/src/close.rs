//! To-be-closed variables: registration, closing on normal exits and on errors (lfunc.c of the reference).
//!
//! `Thread::tbc` lists slot offsets, innermost last. A captured variable's slot holds a cell; its value is the cell's.
//! Errors in closing methods replace the error that is under way; the remaining variables are closed with the new one.

use crate::call;
use crate::debug::frame::FrameRef;
use crate::debug::varinfo::local_at;
use crate::error::{LResult, Status};
use crate::meta;
use crate::raise;
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Event;

/// What the value in a local variable's slot is: itself, or the contents of its cell.
///
/// # Safety
/// A cell in the slot is live.
#[inline(always)]
pub unsafe fn unwrap_cell(v: Value) -> Value {
    if v.t == tag::CELL {
        unsafe { (*v.as_cell()).v }
    } else {
        v
    }
}

/// Marks the variable in register `reg` of the running frame (at `slot`) to be closed. False values need no closing.
///
/// # Safety
/// `slot` is register `reg` of the running Lua function.
pub unsafe fn mark(l: Lua, slot: *mut Value, reg: usize) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let v = unwrap_cell(*slot);
        if !v.truthy() {
            return Ok(());
        }
        if meta::metamethod_of(l, v, Event::Close).is_nil() {
            let name = match FrameRef::innermost(l) {
                Some(f) => f
                    .proto()
                    .zip(f.pc())
                    .and_then(|(p, pc)| local_at(&*p, reg, pc).map(<[u8]>::to_vec)),
                None => None,
            };
            let name = name.unwrap_or_else(|| b"?".to_vec());
            let mut text = b"variable '".to_vec();
            text.extend_from_slice(&name);
            text.extend_from_slice(b"' got a non-closable value");
            return Err(raise::run_error(l, &text));
        }
        let offset = slot.offset_from((*th).stack) as u32;
        (&mut (*th).tbc).push(offset);
        (*th).closing += 1;
        Ok(())
    }
}

/// Closes all pending variables at or above `level` (slot offset), innermost first, passing `error` (nil on normal exit).
///
/// # Safety
/// `top` is above everything that must survive.
unsafe fn close_from(l: Lua, level: usize, failed: bool) -> LResult<()> {
    unsafe {
        let th = l.thread();
        while let Some(&at) = (&(*th).tbc).last() {
            if (at as usize) < level {
                break;
            }
            (&mut (*th).tbc).pop();
            (*th).closing -= 1;
            let slot = (*th).stack.add(at as usize);
            let v = unwrap_cell(*slot);
            let err = if failed {
                // The frames above the variable are gone: its next slot keeps the error alive while the method runs.
                let e = (*th).error;
                *slot.add(1) = e;
                (*th).top = slot.add(2);
                e
            } else {
                Value::NIL
            };
            let method = meta::metamethod_of(l, v, Event::Close);
            let top = (*th).top;
            *top = method;
            *top.add(1) = v;
            *top.add(2) = err;
            (*th).top = top.add(3);
            call::call_value(l, top, 0)?;
        }
        Ok(())
    }
}

/// Closes variables at or above the slot `level` on a normal exit. The stack may move.
///
/// # Safety
/// The running frame's `top` is above everything that must survive.
#[inline]
pub unsafe fn close(l: Lua, level: *mut Value) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let level = level.offset_from((*th).stack) as usize;
        if (&(*th).tbc).last().is_none_or(|&at| (at as usize) < level) {
            return Ok(());
        }
        close_from(l, level, false)
    }
}

/// luaD_closeprotected: closes variables at or above slot offset `level`, catching errors in closing methods; each replaces the error
/// under way (`Thread::error`). Returns the final status.
///
/// # Safety
/// The current record is the one that catches the error.
pub unsafe fn close_protected(l: Lua, level: usize, status: Status) -> Status {
    unsafe {
        let th = l.thread();
        let ci = (*th).ci;
        let mut status = status;
        loop {
            let saved = call::Protection::new(th);
            let failed = status != Status::Ok;
            // The error under way survives calls of closing methods that raise and catch their own.
            let error = (*th).error;
            let r = close_with(l, level, failed, error);
            if r.is_ok() {
                (*th).error = error;
                return status;
            }
            saved.restore(th);
            (*th).ci = ci;
            status = (*th).error_status;
        }
    }
}

/// `close_from` with the error value set again before each method.
unsafe fn close_with(l: Lua, level: usize, failed: bool, error: Value) -> LResult<()> {
    unsafe {
        let th = l.thread();
        while (&(*th).tbc).last().is_some_and(|&at| at as usize >= level) {
            (*th).error = error;
            let at = (&(*th).tbc).last().map_or(0, |&at| at as usize);
            close_from(l, at, failed)?;
        }
        Ok(())
    }
}
