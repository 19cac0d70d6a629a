//! The array part: elements 1..=`array_len` with split tags (docs/abi.md section 2, docs/decisions/0003-array-storage.md).
//!
//! One allocation of `array_cap` elements, or a small one inside the table's own cell (`Table::own_array`): tag bytes growing downwards below `array`, 8-byte payloads from `array` up. The space for tags is there in
//! every kind, so that turning a packed array into a general one happens in place. Payloads of nil and booleans are neither written nor
//! read: a boolean array touches one byte an element.
//!
//! Invariants:
//! - kind EMPTY exactly if `array_len` is 0; packed kinds (INT, FLOAT) have no holes; in the general kind the last element is not nil.
//! - The hash part holds no integer key in `1..=array_cap`, nor `array_cap + 1` when the array is full. So `array_len` is a border.

use crate::heap::{self, AllocError};
use crate::object::Table;
use crate::state::Global;
use crate::value::Value;
use std::ptr::null_mut;
use trinity_abi::heap::{array_bytes, tag_space};
use trinity_abi::table::{KIND_EMPTY, KIND_FLOAT, KIND_GENERAL, KIND_INT};
use trinity_abi::tag;

/// Flag of tables: the array part had elements, and lost the last one.
const HAD_ELEMENTS: u8 = 4;

/// Whether `t[at + 1]` is or may have been in the array part, from which a traversal may be about to take elements. Room that was never used is none.
#[inline(always)]
pub(super) unsafe fn was_used(t: *mut Table, at: u64) -> bool {
    unsafe {
        at < (*t).array_cap as u64 && ((*t).array_len > 0 || (*t).h.flags & HAD_ELEMENTS != 0)
    }
}

/// Most elements of an array part.
pub(super) const MAX_CAP: usize = 1 << 30;

#[inline(always)]
pub(super) unsafe fn tag_ptr(t: *mut Table, i: usize) -> *mut u8 {
    unsafe { (*t).array.cast::<u8>().sub(1 + i) }
}

/// Kind of array that holds just `v` (not nil).
#[inline(always)]
fn kind_for(v: Value) -> u8 {
    match v.t {
        tag::INT => KIND_INT,
        tag::FLOAT => KIND_FLOAT,
        _ => KIND_GENERAL,
    }
}

/// Element `i < array_len` (from 0).
#[inline(always)]
pub(super) unsafe fn load(t: *mut Table, i: usize) -> Value {
    unsafe {
        let t_ = match (*t).h.aux8 {
            KIND_INT => tag::INT,
            KIND_FLOAT => tag::FLOAT,
            _ => *tag_ptr(t, i),
        };
        // not touching the payloads of booleans halves the memory traffic of boolean arrays and more
        let p = if t_ >= tag::INT {
            *(*t).array.add(i)
        } else {
            0
        };
        Value { p, t: t_ }
    }
}

#[inline(always)]
unsafe fn write(t: *mut Table, i: usize, v: Value) {
    unsafe {
        *tag_ptr(t, i) = v.t;
        if v.t >= tag::INT {
            *(*t).array.add(i) = v.p;
        }
    }
}

/// Makes the kind general.
pub(super) unsafe fn generalise(t: *mut Table) {
    unsafe {
        let n = (*t).array_len as usize;
        let tag = match (*t).h.aux8 {
            KIND_INT => tag::INT,
            KIND_FLOAT => tag::FLOAT,
            _ => {
                (*t).h.aux8 = KIND_GENERAL;
                return;
            }
        };
        if n > 0 {
            tag_ptr(t, n - 1).write_bytes(tag, n);
        }
        (*t).h.aux8 = KIND_GENERAL;
    }
}

#[inline(always)]
unsafe fn barrier(g: *mut Global, t: *mut Table, v: Value) {
    unsafe {
        if v.is_collectable() && heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast());
        }
    }
}

/// Stores a value that is not nil at `i < array_len`.
#[inline(always)]
pub(super) unsafe fn store(g: *mut Global, t: *mut Table, i: usize, v: Value) {
    unsafe {
        let kind = (*t).h.aux8;
        if kind == KIND_GENERAL {
            write(t, i, v);
            barrier(g, t, v);
        } else if kind_for(v) == kind {
            *(*t).array.add(i) = v.p;
        } else {
            generalise(t);
            write(t, i, v);
            barrier(g, t, v);
        }
    }
}

/// Removes element `i < array_len`.
pub(super) unsafe fn remove(t: *mut Table, i: usize) {
    unsafe {
        let mut n = (*t).array_len as usize;
        if i + 1 < n {
            generalise(t);
            *tag_ptr(t, i) = tag::NIL;
            return;
        }
        n -= 1;
        if (*t).h.aux8 == KIND_GENERAL {
            while n > 0 && *tag_ptr(t, n - 1) == tag::NIL {
                n -= 1;
            }
        }
        set_len(t, n);
    }
}

#[inline(always)]
unsafe fn set_len(t: *mut Table, n: usize) {
    unsafe {
        (*t).array_len = n as u32;
        if n == 0 {
            (*t).h.aux8 = KIND_EMPTY;
            (*t).h.flags |= HAD_ELEMENTS;
        }
    }
}

/// Appends a value that is not nil; `array_len < array_cap`.
#[inline(always)]
pub(super) unsafe fn push(g: *mut Global, t: *mut Table, v: Value) {
    unsafe {
        let n = (*t).array_len as usize;
        let kind = (*t).h.aux8;
        if kind == KIND_EMPTY {
            (*t).h.aux8 = kind_for(v);
        } else if kind != KIND_GENERAL && kind != kind_for(v) {
            generalise(t);
        }
        (*t).array_len = n as u32 + 1;
        if (*t).h.aux8 == KIND_GENERAL {
            write(t, n, v);
            barrier(g, t, v);
        } else {
            *(*t).array.add(n) = v.p;
        }
    }
}

/// Stores a value that is not nil behind the end: `array_len <= i < array_cap`. What lies between becomes nil.
pub(super) unsafe fn store_beyond(g: *mut Global, t: *mut Table, i: usize, v: Value) {
    unsafe {
        let n = (*t).array_len as usize;
        if i > n {
            generalise(t);
            // tags of n..i, at decreasing addresses
            tag_ptr(t, i - 1).write_bytes(tag::NIL, i - n);
            (*t).array_len = i as u32;
        }
        push(g, t, v);
    }
}

/// Number of elements that are not nil among the first `n <= array_len`.
pub(super) unsafe fn count(t: *mut Table, from: usize, n: usize) -> usize {
    unsafe {
        if (*t).h.aux8 != KIND_GENERAL || n <= from {
            return n.saturating_sub(from);
        }
        let tags = std::slice::from_raw_parts(tag_ptr(t, n - 1), n - from);
        tags.iter().filter(|&&t| t != tag::NIL).count()
    }
}

/// Changes the capacity to `cap >= array_len`.
pub(super) unsafe fn resize(g: *mut Global, t: *mut Table, cap: usize) -> Result<(), AllocError> {
    unsafe {
        if cap > MAX_CAP {
            return Err(AllocError);
        }
        let heap = &mut (*g).heap;
        let n = (*t).array_len as usize;
        let array: *mut u64 = if cap == 0 {
            null_mut()
        } else {
            let array = heap
                .raw_alloc(array_bytes(cap))?
                .add(tag_space(cap))
                .cast::<u64>();
            if n > 0 {
                array.copy_from_nonoverlapping((*t).array, n);
                if (*t).h.aux8 == KIND_GENERAL {
                    array
                        .cast::<u8>()
                        .sub(n)
                        .copy_from_nonoverlapping(tag_ptr(t, n - 1), n);
                }
            }
            array
        };
        free(heap, t);
        (*t).array = array;
        (*t).array_cap = cap as u32;
        Ok(())
    }
}

/// Cuts the array to its first `n` elements or fewer; the capacity stays.
pub(super) unsafe fn truncate(t: *mut Table, mut n: usize) {
    unsafe {
        if n < (*t).array_len as usize {
            if (*t).h.aux8 == KIND_GENERAL {
                while n > 0 && *tag_ptr(t, n - 1) == tag::NIL {
                    n -= 1;
                }
            }
            set_len(t, n);
        }
    }
}

/// Is the array the one inside the table's cell?
#[inline(always)]
pub(super) unsafe fn is_own(t: *mut Table) -> bool {
    unsafe { (*t).array == t.byte_add((*t).own_array as usize).cast() }
}

/// Frees the memory of the array, if it is not the table's own.
pub(super) unsafe fn free(heap: &mut crate::heap::Heap, t: *mut Table) {
    unsafe {
        let cap = (*t).array_cap as usize;
        if cap > 0 && !is_own(t) {
            let start = (*t).array.cast::<u8>().sub(tag_space(cap));
            heap.raw_free(start, array_bytes(cap));
        }
    }
}
