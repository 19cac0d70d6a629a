//! Keys of shapes: an array in slot order with a hash index, shared by a path of shapes.
//!
//! A shape with `count` keys sees the first `count` entries. The index is extended in place by the first child of its longest user, and
//! copied by siblings. Keys beyond every live user are cut off by each collection before their memory can be used again (a *census*), so that
//! comparing pointers is enough.

use crate::heap::{AllocError, Heap};
use crate::object::Str;
use std::ptr::null_mut;

/// Up to this many keys are searched linearly.
const LINEAR: u32 = 8;

/// See the module. Reference counted by the shapes that use it.
#[repr(C)]
pub(super) struct Index {
    keys: *mut *mut Str,
    /// Open addressing, slot + 1 or 0; null while `cap <= LINEAR`; `2 * cap` entries, `cap` a power of two.
    table: *mut u32,
    /// One byte a slot, private shapes only: stored to more than once.
    mutable: *mut u8,
    cap: u32,
    len: u32,
    users: u32,
    /// Largest count of a live user during a census.
    seen: u32,
}

const KEY: usize = size_of::<*mut Str>();

impl Index {
    unsafe fn alloc(heap: &mut Heap, cap: usize, private: bool) -> Result<*mut Index, AllocError> {
        unsafe {
            let ix: *mut Index = heap.raw_alloc(size_of::<Index>())?.cast();
            ix.write(Index {
                keys: null_mut(),
                table: null_mut(),
                mutable: null_mut(),
                cap: 0,
                len: 0,
                users: 1,
                seen: 0,
            });
            if let Err(e) = Index::resize(heap, ix, cap, private) {
                heap.raw_free(ix.cast(), size_of::<Index>());
                return Err(e);
            }
            Ok(ix)
        }
    }

    /// An index of a private shape.
    pub(super) unsafe fn new_private(
        heap: &mut Heap,
        cap: usize,
    ) -> Result<*mut Index, AllocError> {
        unsafe { Index::alloc(heap, cap, true) }
    }

    /// Changes the capacity to at least `cap >= len`.
    unsafe fn resize(
        heap: &mut Heap,
        ix: *mut Index,
        cap: usize,
        private: bool,
    ) -> Result<(), AllocError> {
        unsafe {
            let cap = cap.max(4).next_power_of_two();
            if cap > 1 << 28 {
                return Err(AllocError);
            }
            let keys: *mut *mut Str = heap.raw_alloc(cap * KEY)?.cast();
            let mut table: *mut u32 = null_mut();
            let mut mutable: *mut u8 = null_mut();
            let mut failed = false;
            if cap > LINEAR as usize {
                match heap.raw_alloc(cap * 8) {
                    Ok(p) => table = p.cast(),
                    Err(_) => failed = true,
                }
            }
            if private && !failed {
                match heap.raw_alloc(cap) {
                    Ok(p) => mutable = p,
                    Err(_) => failed = true,
                }
            }
            if failed {
                heap.raw_free(keys.cast(), cap * KEY);
                if !table.is_null() {
                    heap.raw_free(table.cast(), cap * 8);
                }
                return Err(AllocError);
            }
            let len = (*ix).len as usize;
            if len > 0 {
                keys.copy_from_nonoverlapping((*ix).keys, len);
            }
            if private {
                mutable.write_bytes(0, cap);
                if !(*ix).mutable.is_null() {
                    mutable.copy_from_nonoverlapping((*ix).mutable, len);
                }
            }
            Index::free_parts(heap, ix);
            (*ix).keys = keys;
            (*ix).table = table;
            (*ix).mutable = mutable;
            (*ix).cap = cap as u32;
            Index::rebuild(ix);
            Ok(())
        }
    }

    unsafe fn free_parts(heap: &mut Heap, ix: *mut Index) {
        unsafe {
            let cap = (*ix).cap as usize;
            if cap == 0 {
                return;
            }
            heap.raw_free((*ix).keys.cast(), cap * KEY);
            if !(*ix).table.is_null() {
                heap.raw_free((*ix).table.cast(), cap * 8);
            }
            if !(*ix).mutable.is_null() {
                heap.raw_free((*ix).mutable, cap);
            }
        }
    }

    unsafe fn rebuild(ix: *mut Index) {
        unsafe {
            if !(*ix).table.is_null() {
                (*ix).table.write_bytes(0, 2 * (*ix).cap as usize);
                for i in 0..(*ix).len {
                    Index::enter(ix, i);
                }
            }
        }
    }

    unsafe fn enter(ix: *mut Index, slot: u32) {
        unsafe {
            if (*ix).table.is_null() {
                return;
            }
            let mask = 2 * (*ix).cap - 1;
            let mut i = (*Index::key(ix, slot)).h.aux32 & mask;
            while *(*ix).table.add(i as usize) != 0 {
                i = (i + 1) & mask;
            }
            *(*ix).table.add(i as usize) = slot + 1;
        }
    }

    /// Key of a slot.
    #[inline(always)]
    pub(super) unsafe fn key(ix: *const Index, slot: u32) -> *mut Str {
        unsafe { *(*ix).keys.add(slot as usize) }
    }

    /// Slot of a key among the first `count`.
    #[inline(always)]
    pub(super) unsafe fn find(ix: *const Index, count: u32, key: *mut Str) -> Option<u32> {
        unsafe {
            if count <= LINEAR {
                for i in 0..count {
                    if Index::key(ix, i) == key {
                        return Some(i);
                    }
                }
                return None;
            }
            let mask = 2 * (*ix).cap - 1;
            let mut i = (*key).h.aux32 & mask;
            loop {
                let e = *(*ix).table.add(i as usize);
                if e == 0 {
                    return None;
                }
                if Index::key(ix, e - 1) == key {
                    return if e <= count { Some(e - 1) } else { None };
                }
                i = (i + 1) & mask;
            }
        }
    }

    /// Appends a key.
    pub(super) unsafe fn push(
        heap: &mut Heap,
        ix: *mut Index,
        key: *mut Str,
    ) -> Result<(), AllocError> {
        unsafe {
            if (*ix).len == (*ix).cap {
                let private = !(*ix).mutable.is_null();
                Index::resize(heap, ix, (*ix).cap as usize * 2, private)?;
            }
            let slot = (*ix).len;
            *(*ix).keys.add(slot as usize) = key;
            if !(*ix).mutable.is_null() {
                *(*ix).mutable.add(slot as usize) = 0;
            }
            (*ix).len = slot + 1;
            Index::enter(ix, slot);
            Ok(())
        }
    }

    /// The index for a child of a shared shape that sees the first `count` keys of `ix` (null when 0), plus `key`. Counts the child as user.
    pub(super) unsafe fn extend(
        heap: &mut Heap,
        ix: *mut Index,
        count: u32,
        key: *mut Str,
    ) -> Result<*mut Index, AllocError> {
        unsafe {
            if !ix.is_null() && (*ix).len == count {
                Index::push(heap, ix, key)?;
                (*ix).users += 1;
                return Ok(ix);
            }
            let new = Index::alloc(heap, count as usize + 1, false)?;
            for i in 0..count {
                // cannot fail: the capacity is there
                Index::push(heap, new, Index::key(ix, i))?;
            }
            Index::push(heap, new, key)?;
            Ok(new)
        }
    }

    /// A user is gone (null: nothing).
    pub(super) unsafe fn release(heap: &mut Heap, ix: *mut Index) {
        unsafe {
            if ix.is_null() {
                return;
            }
            (*ix).users -= 1;
            if (*ix).users == 0 {
                Index::free_parts(heap, ix);
                heap.raw_free(ix.cast(), size_of::<Index>());
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn is_mutable(ix: *const Index, slot: u32) -> bool {
        unsafe { *(*ix).mutable.add(slot as usize) != 0 }
    }
    #[inline(always)]
    pub(super) unsafe fn set_mutable(ix: *mut Index, slot: u32) {
        unsafe { *(*ix).mutable.add(slot as usize) = 1 }
    }

    pub(super) unsafe fn start_census(ix: *mut Index) {
        if !ix.is_null() {
            unsafe { (*ix).seen = 0 };
        }
    }
    pub(super) unsafe fn count_user(ix: *mut Index, count: u32) {
        if !ix.is_null() {
            unsafe { (*ix).seen = (*ix).seen.max(count) };
        }
    }
    pub(super) unsafe fn end_census(ix: *mut Index) {
        unsafe {
            if !ix.is_null() && (*ix).seen < (*ix).len {
                (*ix).len = (*ix).seen;
                Index::rebuild(ix);
            }
        }
    }
}
