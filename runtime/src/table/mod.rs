//! Tables: raw access, without metamethods (docs/abi.md section 2).
//!
//! | part | holds | module |
//! |---|---|---|
//! | array | integer keys 1..=n | `array` |
//! | slots | short string keys, described by the shape | `shape`, `index`, `fields` |
//! | hash | everything else; short strings too in dictionary mode (no shape, id 0) | `hash` |
//!
//! `rehash` decides about growth, `cache` fills and answers inline caches, `iter` is `next`.
//!
//! Stores do their write barriers. A store never collects; it can fail for lack of memory, and then the content of the table is unchanged.
//!
//! Safety of the whole module: `g` points to a live state, tables and values are live, no reference into a table is kept across a store.
#![allow(clippy::missing_safety_doc)] // the paragraph above is the contract of every function here

use crate::heap::{self, AllocError};
use crate::object::{Str, Table};
use crate::state::Global;
use crate::value::Value;
use std::ptr::null_mut;
use trinity_abi::heap::{CELL_SIZE, table_layout};
use trinity_abi::table::{KIND_EMPTY, KIND_GENERAL};
use trinity_abi::tag;
use trinity_frontend::bytecode::op::{ALL_EVENTS, EVENT_NAMES, Event};

mod anonymous;
mod array;
mod cache;
mod children;
mod constructor;
mod fields;
pub mod hash;
mod index;
mod iter;
mod rehash;
pub mod shape;
#[cfg(test)]
mod tests;

pub use cache::{cached_get, cached_set, inherited, lookup_for_cache, lookup_string_method, operator, store_for_cache};
pub use constructor::construct;
pub use fields::{find_str_slot, get_str, make_private, set_metatable, set_str};
pub use iter::{InvalidKey, next, next_index, step};
use shape::Shape;

/// Why a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// "not enough memory"
    Alloc,
    /// "index is nil"
    NilKey,
    /// "index is NaN"
    NanKey,
}

impl From<AllocError> for TableError {
    fn from(_: AllocError) -> Self {
        TableError::Alloc
    }
}

/// Creates what tables need in a new state: the empty shape and the names of the metamethods. Must come before the first table.
pub unsafe fn init(g: *mut Global) -> Result<(), AllocError> {
    unsafe {
        shape::init(g)?;
        for ev in ALL_EVENTS {
            let name = crate::string::intern(g, EVENT_NAMES[ev as usize].as_bytes())?;
            crate::string::set_event(name, ev as u8);
            (&mut (*g).event_names)[ev as usize] = name;
        }
        shape::init_anonymous(g)?;
        Ok(())
    }
}

/// A new table with room for `narray` elements and `nfields` string fields.
#[inline(never)]
pub unsafe fn new(g: *mut Global, narray: usize, nfields: usize) -> Result<*mut Table, AllocError> {
    unsafe { with_shape(g, (*g).shapes.empty, narray, nfields) }
}

/// A new table whose fields, as many as `nfields` at most, are nil. Machine code does the same (docs/abi.md section 2).
#[inline(never)]
unsafe fn with_shape(
    g: *mut Global,
    shape: *mut Shape,
    narray: usize,
    nfields: usize,
) -> Result<*mut Table, AllocError> {
    unsafe {
        let layout = table_layout(narray, nfields);
        let size = CELL_SIZE[layout.class] as usize;
        let t: *mut Table = heap::alloc_object(g, tag::TABLE, size)?.cast();
        (*t).h.aux32 = (*shape).h.aux32;
        (*t).slots = t.add(1).cast();
        (*t).array = if layout.array == 0 {
            null_mut()
        } else {
            t.byte_add(layout.array as usize).cast()
        };
        (*t).array_len = 0;
        (*t).array_cap = layout.array_cap;
        (*t).hash = null_mut();
        (*t).shape = shape;
        (*t).metatable = null_mut();
        (*t).slot_cap = layout.slot_cap;
        (*t).own_array = layout.array;
        for i in 0..(*shape).count as usize {
            *(*t).slots.add(i) = Value::NIL;
        }
        if narray > layout.array_cap as usize {
            array::resize(g, t, narray)?;
        }
        Ok(t)
    }
}

/// Is everything of the table in its cell?
#[inline(always)]
pub(crate) unsafe fn owns_nothing(t: *mut Table) -> bool {
    unsafe {
        let array = (*t).array.is_null() || array::is_own(t);
        array && (*t).hash.is_null() && fields::has_own_slots(t)
    }
}

/// Is it certain that the table's metatable, which it has, holds `__index` alone? The metatable is not looked at.
#[inline]
pub(crate) unsafe fn has_plain_metatable(t: *mut Table) -> bool {
    unsafe { anonymous::intact((*t).shape) }
}

/// Frees what a dead table owns; called by the sweeper.
pub(crate) unsafe fn free(g: *mut Global, t: *mut Table) {
    unsafe {
        let heap = &mut (*g).heap;
        array::free(heap, t);
        hash::free(heap, (*t).hash);
        fields::free_slots(heap, t);
    }
}

/// Any key.
pub unsafe fn get(t: *mut Table, k: Value) -> Value {
    unsafe {
        match k.t {
            tag::INT => get_int(t, k.as_int()),
            tag::SHORT_STR => get_str(t, k.as_str()),
            tag::NIL => Value::NIL,
            tag::FLOAT => match float_to_key(k.as_float()) {
                Some(i) => get_int(t, i),
                None => get_hash(t, k),
            },
            _ => get_hash(t, k),
        }
    }
}

#[inline]
unsafe fn get_hash(t: *mut Table, k: Value) -> Value {
    unsafe {
        let n = hash::find((*t).hash, k);
        if n.is_null() {
            Value::NIL
        } else {
            (*n).value()
        }
    }
}

/// The integer equal to a float, if there is one.
#[inline]
pub(crate) fn float_to_key(f: f64) -> Option<i64> {
    let i = f as i64;
    // 2^63 converts to i64::MAX, which converts back to 2^63
    if i as f64 == f && !(i == i64::MAX && f >= 9_223_372_036_854_775_808.0) {
        Some(i)
    } else {
        None
    }
}

/// Integer key.
#[inline]
pub unsafe fn get_int(t: *mut Table, i: i64) -> Value {
    unsafe {
        let at = (i as u64).wrapping_sub(1);
        if at < (*t).array_len as u64 {
            return array::load(t, at as usize);
        }
        if at < (*t).array_cap as u64 || (*t).hash.is_null() {
            return Value::NIL;
        }
        let n = hash::find_int((*t).hash, i);
        if n.is_null() {
            Value::NIL
        } else {
            (*n).value()
        }
    }
}

/// Any key. Nil values remove.
pub unsafe fn set(g: *mut Global, t: *mut Table, k: Value, v: Value) -> Result<(), TableError> {
    unsafe {
        match k.t {
            tag::INT => set_int(g, t, k.as_int(), v),
            tag::SHORT_STR => fields::set_short(g, t, k.as_str(), v, true),
            tag::NIL => Err(TableError::NilKey),
            tag::FLOAT => match float_to_key(k.as_float()) {
                Some(i) => set_int(g, t, i, v),
                None if k.as_float().is_nan() => Err(TableError::NanKey),
                None => set_hash(g, t, k, v),
            },
            _ => set_hash(g, t, k, v),
        }
    }
}

/// A key that belongs into the hash part.
pub(super) unsafe fn set_hash(
    g: *mut Global,
    t: *mut Table,
    k: Value,
    v: Value,
) -> Result<(), TableError> {
    unsafe {
        let n = hash::find((*t).hash, k);
        if !n.is_null() {
            (*n).set_value(v);
        } else if v.is_nil() {
            return Ok(());
        } else {
            insert_hash(g, t, k, v)?;
        }
        // the key counts too: it may be a new one, or one that was dead
        if (v.is_collectable() || k.is_collectable()) && heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast());
        }
        Ok(())
    }
}

/// Inserts a key that has no node in the hash part.
unsafe fn insert_hash(g: *mut Global, t: *mut Table, k: Value, v: Value) -> Result<(), TableError> {
    unsafe {
        if hash::insert((*t).hash, k, v) {
            return Ok(());
        }
        rehash::rehash(g, t, k, false)?;
        if k.is_int() {
            return set_int(g, t, k.as_int(), v);
        }
        if !hash::insert((*t).hash, k, v) {
            return Err(TableError::Alloc); // cannot happen: the rehash counted this key
        }
        Ok(())
    }
}

/// Integer key.
#[inline]
pub unsafe fn set_int(g: *mut Global, t: *mut Table, i: i64, v: Value) -> Result<(), TableError> {
    unsafe {
        let at = (i as u64).wrapping_sub(1);
        if at < (*t).array_len as u64 {
            if v.is_nil() {
                array::remove(t, at as usize);
            } else {
                array::store(g, t, at as usize, v);
            }
            return Ok(());
        }
        if at == (*t).array_len as u64 && at < (*t).array_cap as u64 && !v.is_nil() {
            array::push(g, t, v);
            if at + 1 == (*t).array_cap as u64 && rehash::hash_has_ints(t) {
                return rehash::fix_border(g, t);
            }
            return Ok(());
        }
        set_int_slow(g, t, i, v)
    }
}

#[inline(never)]
unsafe fn set_int_slow(g: *mut Global, t: *mut Table, i: i64, v: Value) -> Result<(), TableError> {
    unsafe {
        let at = (i as u64).wrapping_sub(1);
        if at < (*t).array_cap as u64 {
            if v.is_nil() {
                return Ok(());
            }
            array::store_beyond(g, t, at as usize, v);
            return rehash::fix_border(g, t);
        }
        if at == (*t).array_len as u64 && !v.is_nil() && (at as usize) < array::MAX_CAP {
            return rehash::append_slow(g, t, v);
        }
        set_hash(g, t, Value::int(i), v)
    }
}

/// A border. O(1).
#[inline(always)]
pub unsafe fn len(t: *mut Table) -> i64 {
    unsafe { (*t).array_len as i64 }
}

/// Makes room for `narray` elements in total and `nfields` further string fields.
pub unsafe fn reserve(
    g: *mut Global,
    t: *mut Table,
    narray: usize,
    nfields: usize,
) -> Result<(), TableError> {
    unsafe {
        if narray > (*t).array_cap as usize && narray <= array::MAX_CAP {
            rehash::grow_to(g, t, narray)?;
            rehash::fix_border(g, t)?;
        }
        if nfields > 0 && !(*t).shape.is_null() {
            let want = (*(*t).shape).count as usize + nfields.min(shape::MAX_SHARED_KEYS as usize);
            fields::reserve_slots(g, t, want)?;
        }
        Ok(())
    }
}

/// The most elements that NEWTABLE can say its constructor has.
const MOST_SAID: usize = u16::MAX as usize;

/// SETLIST: stores `n` values from `src` at `first`, `first + 1`, ... Room is made for just these, but for a constructor that has more elements than
/// NEWTABLE could say: there the array doubles, as it does where elements are appended.
pub unsafe fn set_list(
    g: *mut Global,
    t: *mut Table,
    first: i64,
    src: *const Value,
    n: usize,
) -> Result<(), TableError> {
    unsafe {
        if first > 0 && (n as u64) < array::MAX_CAP as u64 {
            let last = (first as u64).saturating_add(n as u64 - u64::from(n > 0));
            let cap = (*t).array_cap as usize;
            // Beyond what an instruction says, appending doubles: batch by batch would copy the array each time.
            if last as u128 > cap as u128 && first == (*t).array_len as i64 + 1 && cap < MOST_SAID {
                reserve(g, t, last as usize, 0)?;
            }
        }
        for i in 0..n {
            set_int(g, t, first.wrapping_add(i as i64), *src.add(i))?;
        }
        Ok(())
    }
}

/// The metamethod, or nil. `mt` may be null. Fast when absent: the private shape of a metatable remembers absence.
#[inline]
pub unsafe fn metamethod(g: *mut Global, mt: *mut Table, ev: Event) -> Value {
    unsafe {
        if mt.is_null() {
            return Value::NIL;
        }
        let s = (*mt).shape;
        let bit = 1u32 << (ev as u8);
        if !s.is_null() && (*s).absent & bit != 0 {
            return Value::NIL;
        }
        let v = get_str(mt, (&(*g).event_names)[ev as usize]);
        if v.is_nil() && !s.is_null() && Shape::is_private(s) {
            (*s).absent |= bit;
        }
        v
    }
}

const _: () = assert!(
    EVENT_NAMES.len() <= 32,
    "absence of events is a 32-bit mask"
);

/// An element of a general array, for the collector.
pub(crate) struct Element {
    tag: *mut u8,
    payload: *mut u64,
}

impl Element {
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> Value {
        unsafe {
            let t = *self.tag;
            Value {
                p: if t >= tag::INT { *self.payload } else { 0 },
                t,
            }
        }
    }
}

/// Visits the elements of a general array (other kinds hold no objects).
#[inline(always)]
pub(crate) unsafe fn each_element(t: *mut Table, mut f: impl FnMut(Element)) {
    unsafe {
        if (*t).h.aux8 == KIND_GENERAL {
            for i in 0..(*t).array_len as usize {
                f(Element {
                    tag: array::tag_ptr(t, i),
                    payload: (*t).array.add(i),
                });
            }
        }
    }
}

/// Visits the slots in use.
#[inline(always)]
pub(crate) unsafe fn each_slot(t: *mut Table, mut f: impl FnMut(*mut Value)) {
    unsafe {
        let s = (*t).shape;
        if !s.is_null() {
            for i in 0..(*s).count as usize {
                f((*t).slots.add(i));
            }
        }
    }
}

/// Sets array elements for which `dead` holds to nil.
pub(crate) unsafe fn clear_elements(t: *mut Table, mut dead: impl FnMut(Value) -> bool) {
    unsafe {
        let mut cleared = false;
        each_element(t, |e| {
            if dead(e.get()) {
                *e.tag = tag::NIL;
                cleared = true;
            }
        });
        if cleared {
            // the last element must not be nil
            let n = (*t).array_len as usize;
            if *array::tag_ptr(t, n - 1) == tag::NIL {
                array::remove(t, n - 1);
            }
        }
    }
}

/// Amount of work to traverse a table.
pub(crate) unsafe fn gc_weight(t: *mut Table) -> usize {
    unsafe {
        let array = if (*t).h.aux8 == KIND_GENERAL {
            (*t).array_len as usize
        } else {
            0
        };
        let slots = if (*t).shape.is_null() {
            0
        } else {
            (*(*t).shape).count as usize
        };
        array + slots + 2 * hash::HashPart::size((*t).hash)
    }
}

/// Checks the invariants of a table; for the heap checker.
pub(crate) unsafe fn check(t: *mut Table) -> Result<(), String> {
    unsafe {
        let (len, cap) = ((*t).array_len, (*t).array_cap);
        let fail = |m: &str| {
            Err(format!(
                "table {t:p}: {m} (len {len}, cap {cap}, kind {})",
                (*t).h.aux8
            ))
        };
        if len > cap {
            return fail("array longer than its capacity");
        }
        if (len == 0) != ((*t).h.aux8 == KIND_EMPTY) {
            return fail("element kind does not fit the length");
        }
        if (*t).h.aux8 == KIND_GENERAL && *array::tag_ptr(t, len as usize - 1) == tag::NIL {
            return fail("last element is nil");
        }
        let limit = cap as u64 + u64::from(len == cap);
        let mut bad = None;
        let shaped = !(*t).shape.is_null();
        hash::each_node((*t).hash, |n| {
            let k = (*n).key();
            if (*n).is_empty() {
                return;
            }
            if k.is_int() && (k.as_int() as u64).wrapping_sub(1) < limit {
                bad = Some("the hash part holds a key of the array part");
            }
            if shaped && k.t == tag::SHORT_STR {
                bad = Some("the hash part of a table with a shape holds a short string");
            }
        });
        if let Some(m) = bad {
            return fail(m);
        }
        if !shaped {
            return if (*t).h.aux32 == 0 {
                Ok(())
            } else {
                fail("no shape but an id")
            };
        }
        let s = (*t).shape;
        if (*s).h.aux32 != (*t).h.aux32 || (*t).h.aux32 == 0 {
            return fail("shape id differs from the shape's");
        }
        if (*s).metatable != (*t).metatable {
            return fail("shape is for another metatable");
        }
        if (*s).count > (*t).slot_cap {
            return fail("more fields than slots");
        }
        for i in 0..(*s).count {
            if Shape::find(s, Shape::key_at(s, i)) != Some(i) {
                return fail("shape does not find its key");
            }
        }
        Ok(())
    }
}

/// A string key, for tests and the state's creator: `t[name] = v`.
pub unsafe fn set_field(
    g: *mut Global,
    t: *mut Table,
    name: &str,
    v: Value,
) -> Result<(), TableError> {
    unsafe {
        let k: *mut Str = crate::string::new(g, name.as_bytes())?;
        set_str(g, t, k, v)
    }
}
