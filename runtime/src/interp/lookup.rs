//! The second level of inline caching: one table per state, keyed by shape and field name, for sites that see many shapes.
//!
//! A site that misses often keeps its own entry as it is and asks here; now and then it tries its own entry again, in case it has
//! settled on another shape. Entries are what a site's cache would hold. Keys and values are weak and compared by address, so the whole
//! table is emptied in the collector's atomic phase.

use crate::object::{Str, Table};
use crate::proto::Cache;
use crate::state::Global;
use crate::table;
use crate::table::shape::Shape;
use crate::value::Value;
use std::ptr::null_mut;
use trinity_abi::cache::{KIND_CONST, KIND_OWN};
use trinity_abi::helpers::ASK;
use trinity_abi::lookup::{ENTRIES, FACTOR, SHIFT};
use trinity_abi::tag;
use trinity_frontend::bytecode::op::ALL_EVENTS;

/// Misses after which a site counts as seeing many shapes.
const MANY: u16 = 16;
/// Such a site refills its own cache every so many misses.
const RETRY: u16 = 256;

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Entry {
    /// Address of the name; odd for stores.
    pub(crate) key: usize,
    pub(crate) cache: Cache,
}

/// See the module.
pub struct Lookups {
    entries: Box<[Entry]>,
    /// What [`leaf_get`] found in a hash part, for machine code to load at once. No root: nobody looks at it later.
    pub(crate) found: Value,
    used: bool,
}

impl Default for Lookups {
    fn default() -> Lookups {
        let empty = Entry {
            key: 0,
            cache: Cache::EMPTY,
        };
        Lookups {
            entries: vec![empty; ENTRIES].into(),
            found: Value::NIL,
            used: false,
        }
    }
}

impl Lookups {
    /// Address of the entries, which stay there.
    pub(crate) fn entries(&mut self) -> *mut Entry {
        self.entries.as_mut_ptr()
    }
    /// Empties the table.
    pub fn clear(&mut self) {
        if self.used {
            self.used = false;
            for e in &mut self.entries {
                e.key = 0;
                e.cache = Cache::EMPTY;
            }
        }
    }
}

/// A site's cache missed for `t[key]`: the value, by whatever cache answers or is filled. `None`: the generic path must be taken.
///
/// # Safety
/// `site` is the cache of the instruction; all pointers are live.
#[inline(never)]
pub unsafe fn field_miss(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    site: *mut Cache,
    out: &mut Value,
) -> bool {
    unsafe {
        let misses = (*site).hits;
        let id = (*t).h.aux32;
        if misses < MANY || misses.is_multiple_of(RETRY) || id == 0 {
            return take(table::lookup_for_cache(g, t, key, site), out);
        }
        (*site).hits = misses.wrapping_add(1).max(MANY);
        let e = entry(g, id, key as usize);
        if (*e).key == key as usize
            && let Some(v) = table::cached_get(g, t, &raw const (*e).cache)
        {
            *out = v;
            return true;
        }
        let cache = take_over(g, e, key as usize);
        take(table::lookup_for_cache(g, t, key, cache), out)
    }
}

/// The same for `t[key] = v`. False: the generic path must be taken; nothing was stored.
///
/// # Safety
/// As for [`field_miss`].
#[inline(never)]
pub unsafe fn store_miss(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    v: Value,
    site: *mut Cache,
) -> bool {
    unsafe {
        let misses = (*site).hits;
        let id = (*t).h.aux32;
        if misses < MANY || misses.is_multiple_of(RETRY) || id == 0 {
            return table::store_for_cache(g, t, key, v, site) == Ok(true);
        }
        (*site).hits = misses.wrapping_add(1).max(MANY);
        // An address is even: stores have entries of their own.
        let tagged = key as usize | 1;
        let e = entry(g, id, tagged);
        if (*e).key == tagged && table::cached_set(g, t, v, &raw const (*e).cache) {
            return true;
        }
        let cache = take_over(g, e, tagged);
        table::store_for_cache(g, t, key, v, cache) == Ok(true)
    }
}

/// What machine code asks when its site's cache does not answer: where the value of `t[key]` can be loaded, or null when the helper must
/// be called. Changes nothing that is to be seen (`trinity_abi::helpers::leaf::GET`).
pub(crate) unsafe extern "C" fn leaf_get(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    site: *const Cache,
) -> *const Value {
    static NIL: Value = Value::NIL;
    // SAFETY: machine code passes live objects and its own cache.
    unsafe {
        let id = (*t).h.aux32;
        if id == 0 {
            // Dictionary mode.
            let v = table::get_str(t, key);
            if v.is_nil() && !(*t).metatable.is_null() {
                return null_mut();
            }
            (*g).lookups.found = v;
            return &raw const (*g).lookups.found;
        }
        let cache = if (*site).shape_id == id {
            site
        } else {
            let e = entry(g, id, key as usize);
            if (*e).key != key as usize || (*e).cache.shape_id != id {
                return null_mut();
            }
            &raw const (*e).cache
        };
        match table::cached_get(g, t, cache) {
            None => null_mut(),
            Some(v) if v.is_nil() => &raw const NIL,
            Some(_) => {
                let slot = (*t).slots.byte_add((*cache).slot as usize);
                if (*cache).kind == KIND_OWN && !(*slot).is_nil() {
                    slot
                } else {
                    &raw const (*cache).value
                }
            }
        }
    }
}

/// What machine code asks then, if it cannot leave the instruction to the helper: the object that it is about does not exist
/// (`trinity_abi::helpers::leaf::FIND`).
pub(crate) unsafe extern "C" fn leaf_find(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    site: *mut Cache,
) -> *const Value {
    // SAFETY: as for `leaf_get`.
    unsafe {
        let mut found = Value::NIL;
        if !field_miss(g, t, key, site, &mut found) {
            return null_mut();
        }
        (*g).lookups.found = found;
        &raw const (*g).lookups.found
    }
}

/// Whether the table's shape, shared with others, has all fields in their slots; if so the cell, or an entry of its own, learns its id
/// (`trinity_abi::helpers::leaf::SHAPE`).
pub(crate) unsafe extern "C" fn leaf_shape(
    t: *mut Table,
    consts: *const Value,
    cell: *mut [u32; 4],
    a: u64,
    b: u64,
    c: u64,
    g: *mut Global,
) -> u64 {
    // SAFETY: machine code passes a live table, the constants and a cell of its prototype, and fields that are constants of it.
    unsafe {
        let id = (*t).h.aux32;
        let shape = (*t).shape;
        if id == 0 || shape.is_null() || Shape::is_private(shape) {
            return 0;
        }
        let pairs = [a, b, c]
            .into_iter()
            .flat_map(|word| [word, word >> 16, word >> 32, word >> 48]);
        for pair in pairs.map(|p| p as u16).filter(|&p| p != u16::MAX) {
            let [key, slot] = pair.to_le_bytes();
            let name = (*consts.add(key as usize)).p as *mut Str;
            if Shape::find(shape, name) != Some(slot.into()) {
                return 0;
            }
        }
        match (*cell).iter_mut().find(|c| **c == u32::MAX) {
            Some(free) => *free = id,
            None => {
                (*take_over(g, entry(g, id, cell as usize), cell as usize)).shape_id = id;
            }
        }
        1
    }
}

/// A cell that holds a function (`trinity_abi::cache::FUNCTION`).
#[repr(C)]
pub(crate) struct FunctionCell {
    shape_id: u32,
    epoch: u32,
    closure: u64,
}

/// The closure with this code that the key leads to, as the site's cache or [`leaf_get`] knows, or 0 (`trinity_abi::helpers::leaf::FUNCTION`).
pub(crate) unsafe extern "C" fn leaf_function(
    t: *mut Table,
    site: *const Cache,
    cell: *mut FunctionCell,
    code: usize,
    key: *mut Str,
    _: u64,
    g: *mut Global,
) -> u64 {
    // SAFETY: machine code passes a live table, its own cache, a cell of its prototype and a constant string.
    unsafe {
        let cached = table::cached_get(g, t, site);
        let v = match cached {
            Some(v) => v,
            None => match leaf_get(g, t, key, site).as_ref() {
                Some(v) => *v,
                None => return 0,
            },
        };
        if v.t != tag::LUA_FN || (*v.as_lua_fn()).code as usize != code {
            return 0;
        }
        if cached.is_some() && (*site).kind == KIND_CONST {
            *cell = FunctionCell {
                shape_id: (*t).h.aux32,
                epoch: (*g).epoch,
                closure: v.p,
            };
        }
        v.p
    }
}

/// The closure with this code that tables with this metatable inherit under a key, or 0 (`trinity_abi::helpers::leaf::METHOD`).
pub(crate) unsafe extern "C" fn leaf_method(
    mt: *mut Table,
    key: *mut Str,
    cell: *mut FunctionCell,
    code: usize,
    _: u64,
    _: u64,
    g: *mut Global,
) -> u64 {
    // SAFETY: machine code passes a live table, a constant or a number smaller than any address, and a cell of its prototype.
    unsafe {
        let found = match ALL_EVENTS.get(key as usize) {
            Some(&event) => table::operator(g, mt, event),
            None => table::inherited(g, mt, key),
        };
        let Some((v, certain)) = found else {
            return 0;
        };
        if v.t != tag::LUA_FN || (*v.as_lua_fn()).code as usize != code {
            return 0;
        }
        if certain {
            *cell = FunctionCell {
                shape_id: (*mt).h.aux32,
                epoch: (*g).epoch,
                closure: v.p,
            };
        }
        v.p
    }
}

#[inline(always)]
unsafe fn entry(g: *mut Global, id: u32, key: usize) -> *mut Entry {
    unsafe {
        // Ids of shapes made one after another are consecutive: those that a site sees do not meet.
        let hash = key.wrapping_mul(FACTOR as usize) >> SHIFT;
        (*g).lookup_entries
            .add(hash.wrapping_add(id as usize) & (ENTRIES - 1))
    }
}

/// Empties an entry for another use.
unsafe fn take_over(g: *mut Global, e: *mut Entry, key: usize) -> *mut Cache {
    unsafe {
        (*g).lookups.used = true;
        (*e).key = key;
        (*e).cache = Cache::EMPTY;
        &raw mut (*e).cache
    }
}

#[inline(always)]
fn take(v: Option<Value>, out: &mut Value) -> bool {
    match v {
        Some(v) => {
            *out = v;
            true
        }
        None => false,
    }
}

/// A value in two registers.
#[repr(C)]
struct Found {
    payload: u64,
    tag: u64,
}

/// What a table itself has under a key (`trinity_abi::helpers::leaf::KEY`).
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_l_key(t: *mut Table, payload: u64, key_tag: u8) -> Found {
    // SAFETY: machine code passes a live table and the two halves of a value.
    unsafe {
        let v = table::get(
            t,
            Value {
                p: payload,
                t: key_tag,
            },
        );
        let tag = if v.is_nil() && !(*t).metatable.is_null() {
            ASK
        } else {
            v.t
        };
        Found {
            payload: v.p,
            tag: u64::from(tag),
        }
    }
}
