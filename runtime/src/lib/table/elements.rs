//! Bulk access to the array part of a table, by the layout of docs/abi.md section 2.
//!
//! Values only move within one table here, so no write barrier is due: the collector traverses a table in one piece.
//!
//! Safety of the module: `t` is live and has no references into its array part elsewhere; nothing here allocates or runs Lua code.

use crate::object::Table;
use crate::value::{Value, tag};
use trinity_abi::table::{KIND_FLOAT, KIND_GENERAL, KIND_INT};

/// What the first elements of an array part are, as far as sorting cares.
pub enum Elements<'a> {
    Ints(&'a mut [i64]),
    Floats(&'a mut [f64]),
    /// Payloads and tags of mixed elements.
    General(General),
}

/// Elements with their tags.
pub struct General {
    t: *mut Table,
    len: usize,
}

impl General {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Element `i`, from 0.
    #[inline]
    pub fn get(&self, i: usize) -> Value {
        debug_assert!(i < self.len);
        // SAFETY: within the array part; payloads of nil and booleans are never written.
        unsafe {
            let t = *(*self.t).array.cast::<u8>().sub(1 + i);
            Value {
                p: if t >= tag::INT {
                    *(*self.t).array.add(i)
                } else {
                    0
                },
                t,
            }
        }
    }
    /// Stores one of the table's own values at `i`, from 0. The value is not nil.
    #[inline]
    pub fn set(&mut self, i: usize, v: Value) {
        debug_assert!(i < self.len);
        // SAFETY: as in `get`.
        unsafe {
            *(*self.t).array.cast::<u8>().sub(1 + i) = v.t;
            if v.t >= tag::INT {
                *(*self.t).array.add(i) = v.p;
            }
        }
    }
}

/// The first `n` elements, when all of them are in the array part.
///
/// # Safety
/// See the module.
pub unsafe fn first<'a>(t: *mut Table, n: usize) -> Option<Elements<'a>> {
    unsafe {
        if n == 0 || (*t).array_len as usize != n {
            return None;
        }
        match (*t).h.aux8 {
            KIND_INT => Some(Elements::Ints(std::slice::from_raw_parts_mut(
                (*t).array.cast(),
                n,
            ))),
            KIND_FLOAT => Some(Elements::Floats(std::slice::from_raw_parts_mut(
                (*t).array.cast(),
                n,
            ))),
            KIND_GENERAL => Some(Elements::General(General { t, len: n })),
            _ => None,
        }
    }
}

/// Moves the elements `from..to` (from 0, `to < array_len`) one place up, over element `to`.
///
/// # Safety
/// See the module.
pub unsafe fn shift_up(t: *mut Table, from: usize, to: usize) {
    unsafe {
        if from >= to || to >= (*t).array_len as usize {
            return;
        }
        let n = to - from;
        let payload = (*t).array.add(from);
        std::ptr::copy(payload, payload.add(1), n);
        if (*t).h.aux8 == KIND_GENERAL {
            let tags = (*t).array.cast::<u8>().sub(to); // tag of `to - 1`; that of `from` is the highest
            std::ptr::copy(tags, tags.sub(1), n);
        }
    }
}

/// Moves the elements `from + 1..=to` (from 0, `to < array_len`) one place down, over element `from`.
///
/// # Safety
/// See the module.
pub unsafe fn shift_down(t: *mut Table, from: usize, to: usize) {
    unsafe {
        if from >= to || to >= (*t).array_len as usize {
            return;
        }
        let n = to - from;
        let payload = (*t).array.add(from);
        std::ptr::copy(payload.add(1), payload, n);
        if (*t).h.aux8 == KIND_GENERAL {
            let tags = (*t).array.cast::<u8>().sub(1 + to); // tag of `to`
            std::ptr::copy(tags, tags.add(1), n);
        }
    }
}
