//! Short string keys: slots under a shape, or the hash part in dictionary mode; metatables, since their identity is part of the shape.

use super::anonymous;
use super::shape::{self, Shape};
use super::{TableError, hash, rehash};
use crate::heap::{self, AllocError, Heap};
use crate::object::{Str, Table};
use crate::state::Global;
use crate::value::Value;
use std::ptr::null_mut;
use trinity_abi::tag;

/// Fields from which a full private table is searched for fields set to nil before it grows.
const COMPACT_FROM: u32 = 64;

#[inline(always)]
unsafe fn inline_slots(t: *mut Table) -> *mut Value {
    unsafe { t.add(1).cast() }
}

/// Are the slots inside the table's cell?
#[inline(always)]
pub(super) unsafe fn has_own_slots(t: *mut Table) -> bool {
    unsafe { (*t).slots == inline_slots(t) }
}

/// Frees external slots.
pub(super) unsafe fn free_slots(heap: &mut Heap, t: *mut Table) {
    unsafe {
        if !has_own_slots(t) {
            heap.raw_free(
                (*t).slots.cast(),
                (*t).slot_cap as usize * size_of::<Value>(),
            );
        }
    }
}

/// Makes room for `want` slots in total.
#[inline]
pub(super) unsafe fn reserve_slots(
    g: *mut Global,
    t: *mut Table,
    want: usize,
) -> Result<(), AllocError> {
    unsafe {
        if want <= (*t).slot_cap as usize {
            Ok(())
        } else {
            grow_slots(g, t, want)
        }
    }
}

unsafe fn grow_slots(g: *mut Global, t: *mut Table, want: usize) -> Result<(), AllocError> {
    unsafe {
        let cap = want.max(4).next_power_of_two();
        let heap = &mut (*g).heap;
        let slots: *mut Value = heap
            .raw_alloc(cap.checked_mul(16).ok_or(AllocError)?)?
            .cast();
        let n = if (*t).shape.is_null() {
            0
        } else {
            (*(*t).shape).count as usize
        };
        slots.copy_from_nonoverlapping((*t).slots, n);
        free_slots(heap, t);
        (*t).slots = slots;
        (*t).slot_cap = cap as u32;
        Ok(())
    }
}

#[inline(always)]
pub(super) unsafe fn set_shape(g: *mut Global, t: *mut Table, s: *mut Shape) {
    unsafe {
        if (*t).shape == (*g).shapes.anonymous {
            anonymous::changed(g, t);
        }
        (*t).shape = s;
        (*t).h.aux32 = (*s).h.aux32;
        if heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast());
        }
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

/// Byte offset (from `slots`) of the slot of a short string key; `None` in dictionary mode or when the key is not in the shape.
#[inline]
pub unsafe fn find_str_slot(t: *mut Table, key: *mut Str) -> Option<u32> {
    unsafe {
        let s = (*t).shape;
        if s.is_null() {
            None
        } else {
            Shape::find(s, key).map(|i| i * 16)
        }
    }
}

/// String key; `k` may be short or long.
#[inline]
pub unsafe fn get_str(t: *mut Table, k: *mut Str) -> Value {
    unsafe {
        let s = (*t).shape;
        if (*k).h.kind != tag::SHORT_STR {
            return super::get_hash(t, Value::str(k));
        }
        if s.is_null() {
            let n = hash::find_short((*t).hash, k);
            return if n.is_null() {
                Value::NIL
            } else {
                (*n).value()
            };
        }
        match Shape::find(s, k) {
            Some(i) => *(*t).slots.add(i as usize),
            None => Value::NIL,
        }
    }
}

/// String key; `k` may be short or long. Meant for constant names; computed keys go through `set`.
pub unsafe fn set_str(
    g: *mut Global,
    t: *mut Table,
    k: *mut Str,
    v: Value,
) -> Result<(), TableError> {
    unsafe {
        if (*k).h.kind == tag::SHORT_STR {
            set_short(g, t, k, v, false)
        } else {
            super::set_hash(g, t, Value::str(k), v)
        }
    }
}

/// Short string key. `computed`: the key is not a constant of the program.
pub(super) unsafe fn set_short(
    g: *mut Global,
    t: *mut Table,
    k: *mut Str,
    v: Value,
    computed: bool,
) -> Result<(), TableError> {
    unsafe {
        let s = (*t).shape;
        if s.is_null() {
            return super::set_hash(g, t, Value::str(k), v);
        }
        if let Some(i) = Shape::find(s, k) {
            store_slot(g, t, s, i, k, v);
            return Ok(());
        }
        if v.is_nil() {
            return Ok(());
        }
        add_field(g, t, k, v, computed)
    }
}

#[inline(always)]
pub(super) unsafe fn store_slot(
    g: *mut Global,
    t: *mut Table,
    s: *mut Shape,
    i: u32,
    k: *mut Str,
    v: Value,
) {
    unsafe {
        if Shape::is_private(s) {
            shape::note_store(g, s, i, k);
        } else if s == (*g).shapes.anonymous {
            anonymous::changed(g, t);
        }
        *(*t).slots.add(i as usize) = v;
        barrier(g, t, v);
    }
}

/// Adds a field that the shape does not have; `v` is not nil.
pub(super) unsafe fn add_field(
    g: *mut Global,
    t: *mut Table,
    k: *mut Str,
    v: Value,
    computed: bool,
) -> Result<(), TableError> {
    unsafe {
        let mut s = (*t).shape;
        if Shape::is_private(s) {
            if (*s).count == (*t).slot_cap && (*s).count >= COMPACT_FROM {
                compact(g, t)?;
                s = (*t).shape;
            }
            let n = (*s).count as usize;
            reserve_slots(g, t, n + 1)?;
            shape::add_private_key(g, s, k)?;
            *(*t).slots.add(n) = v;
            if heap::is_black(t.cast()) {
                heap::barrier_back(g, t.cast());
            }
            return Ok(());
        }
        let next = shape::transition(g, s, k, computed)?;
        if next.is_null() {
            to_dictionary(g, t)?;
            return super::set_hash(g, t, Value::str(k), v);
        }
        let n = (*s).count as usize;
        reserve_slots(g, t, n + 1)?;
        *(*t).slots.add(n) = v;
        set_shape(g, t, next);
        Ok(())
    }
}

/// Moves all string fields to the hash part, with room for one more key.
unsafe fn to_dictionary(g: *mut Global, t: *mut Table) -> Result<(), TableError> {
    unsafe {
        let s = (*t).shape;
        let mut keys = (*s).count as usize + 1;
        hash::each_node((*t).hash, |n| keys += usize::from(!(*n).is_empty()));
        rehash::resize(g, t, (*t).array_cap as usize, keys)?;
        if Shape::is_private(s) {
            shape::bump(g, s);
            if !(*s).prototypes.is_null() {
                // A changed metatable could no longer find the tree.
                anonymous::abandon(s);
                (*g).epoch = (*g).epoch.wrapping_add(1);
            }
        } else if s == (*g).shapes.anonymous {
            anonymous::changed(g, t);
        }
        for i in 0..(*s).count {
            let v = *(*t).slots.add(i as usize);
            if !v.is_nil() {
                hash::insert((*t).hash, Value::str(Shape::key_at(s, i)), v);
            }
        }
        free_slots(&mut (*g).heap, t);
        (*t).slots = inline_slots(t);
        (*t).slot_cap = 0;
        (*t).shape = null_mut();
        (*t).h.aux32 = 0;
        if heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast()); // keys were the shape's
        }
        Ok(())
    }
}

/// Collects pointers without risking an abort for lack of memory.
fn push_key(keys: &mut Vec<*mut Str>, k: *mut Str) -> Result<(), AllocError> {
    keys.try_reserve(1).map_err(|_| AllocError)?;
    keys.push(k);
    Ok(())
}

/// Removes fields set to nil from a private table when they are more than half. The table gets a new private shape.
unsafe fn compact(g: *mut Global, t: *mut Table) -> Result<(), AllocError> {
    unsafe {
        let old = (*t).shape;
        let n = (*old).count;
        let used = (0..n as usize)
            .filter(|&i| !(*(*t).slots.add(i)).is_nil())
            .count();
        if used * 2 >= n as usize {
            return Ok(());
        }
        let mut keys = Vec::new();
        for i in 0..n {
            if !(*(*t).slots.add(i as usize)).is_nil() {
                push_key(&mut keys, Shape::key_at(old, i))?;
            }
        }
        let s = shape::new_private(g, (*t).metatable, &keys)?;
        if s.is_null() {
            return Ok(());
        }
        (*s).inherit(old);
        let mut to = 0;
        for i in 0..n as usize {
            let v = *(*t).slots.add(i);
            if !v.is_nil() {
                *(*t).slots.add(to) = v;
                to += 1;
            }
        }
        shape::bump(g, old);
        set_shape(g, t, s);
        Ok(())
    }
}

/// Gives `t` a private shape (globals, metatables, `__index` targets); no effect when it has one. Fields keep their order, except that
/// those of a table in dictionary mode move from the hash part to slots.
pub unsafe fn make_private(g: *mut Global, t: *mut Table) -> Result<(), AllocError> {
    unsafe {
        let s = (*t).shape;
        if !s.is_null() && Shape::is_private(s) {
            return Ok(());
        }
        let mut keys = Vec::new();
        let mut failed = Ok(());
        let mut note = |k| failed = failed.and_then(|()| push_key(&mut keys, k));
        if s.is_null() {
            hash::each_node((*t).hash, |n| {
                if (*n).key().t == tag::SHORT_STR && !(*n).is_empty() {
                    note((*n).key().as_str());
                }
            });
        } else {
            shape::each_key(s, note);
        }
        failed?;
        if s.is_null() {
            reserve_slots(g, t, keys.len())?;
        }
        let private = shape::new_private(g, (*t).metatable, &keys)?;
        if private.is_null() {
            return Ok(());
        }
        if s.is_null() {
            let mut i = 0;
            hash::each_node((*t).hash, |n| {
                if (*n).key().t == tag::SHORT_STR && !(*n).is_empty() {
                    *(*t).slots.add(i) = (*n).value();
                    (*n).set_empty();
                    i += 1;
                }
            });
        }
        set_shape(g, t, private);
        Ok(())
    }
}

/// Sets the metatable (null: none). The finalizer is registered separately: `heap::check_finalizer`.
pub unsafe fn set_metatable(
    g: *mut Global,
    t: *mut Table,
    mt: *mut Table,
) -> Result<(), TableError> {
    unsafe {
        if (*t).metatable == mt {
            return Ok(());
        }
        if !mt.is_null()
            && anonymous::prototype(g, mt).is_none()
            && shape::worth_a_tree((*mt).shape)
        {
            make_private(g, mt)?;
        }
        let s = (*t).shape;
        if s.is_null() {
            (*t).metatable = mt;
        } else if Shape::is_private(s) {
            if !mt.is_null()
                && let Some(prototype) = anonymous::prototype(g, mt)
            {
                anonymous::root(g, mt, prototype)?;
            }
            if !shape::renew_id(g, s) {
                to_dictionary(g, t)?;
            } else {
                (*s).metatable = mt;
                (*t).h.aux32 = (*s).h.aux32;
            }
            (*t).metatable = mt;
        } else {
            let to = shape::with_metatable(g, s, mt)?;
            if to.is_null() {
                to_dictionary(g, t)?;
            } else {
                set_shape(g, t, to);
            }
            (*t).metatable = mt;
        }
        if !mt.is_null() && heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast());
        }
        Ok(())
    }
}
