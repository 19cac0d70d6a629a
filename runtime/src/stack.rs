//! A thread's home slots and call records: growth, relocation, shrinking.
//!
//! One growable array per thread (docs/decisions/d2). Only call records, `top` and a machine record's saved base point into it, so moving
//! it is a copy and a walk over the records. Slots are nil from birth, so the collector may read any of them.
//!
//! A thread is born with its first slots and call records behind it in the same cell, so that a coroutine is one allocation; slots move out
//! of there when they grow.
//!
//! Invariants: `stack_limit` is `stack + stack_size`, or null while something is pending (see `poll`). Behind the limit lie
//! `EXTRA_STACK` slots for error handling. A stack larger than `MAX_STACK` is handling a stack overflow.

use crate::error::LResult;
use crate::native::walk::Frames;
use crate::raise;
use crate::thread::{
    BASIC_STACK, CallInfo, CallKind, EXTRA_STACK, Lua, MAX_STACK, MIN_STACK, Thread,
};
use crate::value::Value;
use std::alloc::{Layout, alloc, dealloc, realloc};

/// Size while a stack overflow is handled.
const ERROR_STACK: usize = MAX_STACK + 200;

/// Call records in a thread's cell.
const FIRST_RECORDS: usize = 3;
/// Bytes of a thread with its first records and slots.
pub const THREAD_CELL: usize = size_of::<Thread>()
    + FIRST_RECORDS * size_of::<CallInfo>()
    + (BASIC_STACK + EXTRA_STACK) * size_of::<Value>();
const _: () = assert!(THREAD_CELL <= 1024, "a size class of the heap");

/// The records in a thread's cell.
unsafe fn first_records(th: *mut Thread) -> *mut CallInfo {
    unsafe { th.add(1).cast() }
}

/// The slots in a thread's cell.
unsafe fn first_slots(th: *mut Thread) -> *mut Value {
    unsafe { first_records(th).add(FIRST_RECORDS).cast() }
}

/// Frees a record unless it is part of the thread's cell. False: it is.
unsafe fn free_record(th: *mut Thread, ci: *mut CallInfo) -> bool {
    unsafe {
        let first = first_records(th);
        if ci >= first && ci < first.add(FIRST_RECORDS) {
            return false;
        }
        drop(Box::from_raw(ci));
        true
    }
}

/// End of the usable slots.
///
/// # Safety
/// `th` is live.
#[inline(always)]
pub unsafe fn last(th: *mut Thread) -> *mut Value {
    unsafe { (*th).stack.add((*th).stack_size) }
}

/// Makes sure that `n` slots above `top` are usable. Slot addresses change when it returns `Ok(true)`.
///
/// # Safety
/// `l` is live; the caller reloads slot addresses.
#[inline(always)]
pub unsafe fn ensure(l: Lua, n: usize) -> LResult<()> {
    unsafe {
        let th = l.thread();
        if (last(th) as usize).wrapping_sub((*th).top as usize) as isize
            <= (n * size_of::<Value>()) as isize
        {
            grow(l, n)
        } else {
            Ok(())
        }
    }
}

fn layout(size: usize) -> Option<Layout> {
    Layout::array::<Value>(size + EXTRA_STACK).ok()
}

/// luaD_growstack: room for `n` slots above `top`, or "stack overflow".
///
/// # Safety
/// `l` is live; the caller reloads slot addresses.
#[cold]
#[inline(never)]
pub unsafe fn grow(l: Lua, n: usize) -> LResult<()> {
    unsafe {
        let th = l.thread();
        let size = (*th).stack_size;
        if size > MAX_STACK {
            return Err(raise::error_in_error(l));
        }
        let needed = (*th).top.offset_from((*th).stack) as usize + n;
        let new = (2 * size).min(MAX_STACK).max(needed);
        if new <= MAX_STACK {
            return if resize(l, new) {
                Ok(())
            } else {
                Err(raise::memory_error(l))
            };
        }
        if !resize(l, ERROR_STACK) {
            return Err(raise::memory_error(l));
        }
        Err(raise::run_error(l, b"stack overflow"))
    }
}

/// The same without raising: false when it cannot be had. An overflow leaves the stack as it is.
///
/// # Safety
/// As for [`grow`].
pub unsafe fn grow_quietly(l: Lua, n: usize) -> bool {
    unsafe {
        let th = l.thread();
        let size = (*th).stack_size;
        let needed = (*th).top.offset_from((*th).stack) as usize + n;
        let new = (2 * size).min(MAX_STACK).max(needed);
        size <= MAX_STACK && new <= MAX_STACK && resize(l, new)
    }
}

/// Moves the slots to an array of `new` slots (and the reserve). False: no memory, nothing changed.
///
/// # Safety
/// `new` covers everything in use; the caller reloads slot addresses.
pub unsafe fn resize(l: Lua, new: usize) -> bool {
    unsafe {
        let th = l.thread();
        let old = (*th).stack_size;
        let old_base = (*th).stack;
        let born = old_base == first_slots(th);
        if born && new <= old {
            return true;
        }
        let (Some(from), Some(to)) = (layout(old), layout(new)) else {
            return false;
        };
        let p = if born {
            alloc(to).cast::<Value>()
        } else {
            realloc(old_base.cast(), from, to.size()).cast::<Value>()
        };
        if p.is_null() {
            return false;
        }
        if born {
            std::ptr::copy_nonoverlapping(old_base, p, old + EXTRA_STACK);
        }
        for i in old + EXTRA_STACK..new + EXTRA_STACK {
            *p.add(i) = Value::NIL;
        }
        let before = if born { 0 } else { from.size() };
        (*(*th).global)
            .heap
            .account(to.size() as isize - before as isize);
        let delta = (p as isize).wrapping_sub(old_base as isize);
        let moved = |q: *mut Value| (q as isize).wrapping_add(delta) as *mut Value;
        (*th).stack = p;
        (*th).stack_size = new;
        (*th).top = moved((*th).top);
        if !(*th).stack_limit.is_null() {
            (*th).stack_limit = last(th);
        }
        let mut ci = (*th).ci;
        while !ci.is_null() {
            (*ci).func = moved((*ci).func);
            (*ci).top = moved((*ci).top);
            if (*ci).kind == CallKind::Machine {
                (*ci).nbase = moved((*ci).nbase);
            }
            ci = (*ci).prev;
        }
        true
    }
}

/// Slots in use (stackinuse).
unsafe fn in_use(th: *mut Thread) -> usize {
    unsafe {
        let mut lim = (*th).top;
        let mut ci = (*th).ci;
        while !ci.is_null() {
            lim = lim.max((*ci).top);
            if (*ci).kind == CallKind::Machine {
                // Machine code checks once that all its slots are there.
                for f in Frames::new(th, ci).filter(|f| f.inlined == 0) {
                    lim = lim.max(f.base.add((*f.proto).code_slots as usize));
                }
            }
            ci = (*ci).prev;
        }
        (lim.offset_from((*th).stack) as usize + 1).max(MIN_STACK)
    }
}

/// luaD_shrinkstack: gives back slots and call records far beyond what is in use. Called by the collector and after errors.
///
/// # Safety
/// Nothing keeps slot addresses of `th`.
pub unsafe fn shrink(l: Lua) {
    unsafe {
        let th = l.thread();
        let used = in_use(th);
        let size = (used * 2).min(MAX_STACK);
        let max = (used * 3).min(MAX_STACK);
        if used <= MAX_STACK - EXTRA_STACK && (*th).stack_size > max {
            resize(l, size);
        }
        shrink_records(th);
    }
}

/// Frees every other unused call record (luaE_shrinkCI).
unsafe fn shrink_records(th: *mut Thread) {
    unsafe {
        let mut ci = (*(*th).ci).next;
        if ci.is_null() {
            return;
        }
        loop {
            let next = (*ci).next;
            if next.is_null() {
                return;
            }
            let next2 = (*next).next;
            if !free_record(th, next) {
                ci = next;
                continue;
            }
            (*ci).next = next2;
            (*th).num_cis -= 1;
            if next2.is_null() {
                return;
            }
            (*next2).prev = ci;
            ci = next2;
        }
    }
}

/// A call record for the callee of the current one: used again when there is one.
///
/// # Safety
/// `th` is live; the caller fills the record and makes it current.
#[inline(always)]
pub unsafe fn next_record(th: *mut Thread, ci: *mut CallInfo) -> *mut CallInfo {
    unsafe {
        let next = (*ci).next;
        if next.is_null() {
            new_record(th, ci)
        } else {
            next
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn new_record(th: *mut Thread, prev: *mut CallInfo) -> *mut CallInfo {
    unsafe {
        let ci = Box::into_raw(Box::new(blank(prev)));
        (*prev).next = ci;
        (*th).num_cis += 1;
        ci
    }
}

fn blank(prev: *mut CallInfo) -> CallInfo {
    use std::ptr::{null, null_mut};
    CallInfo {
        func: null_mut(),
        top: null_mut(),
        pc: null(),
        prev,
        next: null_mut(),
        nresults: 0,
        status: 0,
        kind: CallKind::Base,
        pad: 0,
        nsp: 0,
        nbase: null_mut(),
        nextra: 0,
        ftransfer: 0,
        ntransfer: 0,
    }
}

/// Gives a new thread its slots and first records.
///
/// # Safety
/// `th` is a cell of [`THREAD_CELL`] bytes, its other fields are initialised.
pub unsafe fn init(th: *mut Thread) {
    unsafe {
        let p = first_slots(th);
        p.write_bytes(0, BASIC_STACK + EXTRA_STACK);
        (*th).stack = p;
        (*th).stack_size = BASIC_STACK;
        (*th).stack_limit = last(th);
        (*th).top = p.add(1);
        let records = first_records(th);
        let mut prev = std::ptr::null_mut();
        for i in 0..FIRST_RECORDS {
            let ci = records.add(i);
            ci.write(blank(prev));
            if i + 1 < FIRST_RECORDS {
                (*ci).next = ci.add(1);
            }
            prev = ci;
        }
        (*records).func = p;
        (*records).top = p.add(1 + MIN_STACK);
        (*th).ci = records;
        (*th).base_ci = records;
        (*th).num_cis = FIRST_RECORDS as u32;
    }
}

/// Frees slots and records of a dead thread.
///
/// # Safety
/// Nothing uses them any more.
pub unsafe fn free(th: *mut Thread) {
    unsafe {
        if bytes(th) > 0
            && let Some(lay) = layout((*th).stack_size)
        {
            dealloc((*th).stack.cast(), lay);
        }
        (*th).stack = std::ptr::null_mut();
        (*th).stack_size = 0;
        let mut ci = (*th).base_ci;
        while !ci.is_null() {
            let next = (*ci).next;
            free_record(th, ci);
            ci = next;
        }
        (*th).base_ci = std::ptr::null_mut();
        (*th).ci = std::ptr::null_mut();
    }
}

/// Bytes of slots outside the thread's cell, for the collector's accounts.
///
/// # Safety
/// `th` is live.
pub unsafe fn bytes(th: *mut Thread) -> usize {
    unsafe {
        if (*th).stack.is_null() || (*th).stack == first_slots(th) {
            0
        } else {
            ((*th).stack_size + EXTRA_STACK) * size_of::<Value>()
        }
    }
}
