//! Tables, raw (no metamethods).
#![allow(clippy::missing_safety_doc)]
use crate::heap::AllocError;
use crate::object::{Str, Table};
use crate::proto::Cache;
use crate::state::Global;
use crate::value::Value;
use trinity_frontend::bytecode::Event;

pub mod hash;
pub mod shape;

/// Why a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// "not enough memory"
    Alloc,
    /// "table index is nil"
    NilKey,
    /// "table index is NaN"
    NanKey,
    /// "table overflow"
    Overflow,
}
impl From<AllocError> for TableError {
    fn from(_: AllocError) -> Self {
        TableError::Alloc
    }
}
/// The key given to `next` is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

/// A new table with room for `narray` elements and `nfields` string fields.
pub unsafe fn new(g: *mut Global, narray: usize, nfields: usize) -> Result<*mut Table, AllocError> {
    todo!()
}
pub unsafe fn get(t: *mut Table, k: Value) -> Value {
    todo!()
}
#[inline]
pub unsafe fn get_int(t: *mut Table, i: i64) -> Value {
    todo!()
}
/// `k` may be short or long.
#[inline]
pub unsafe fn get_str(t: *mut Table, k: *mut Str) -> Value {
    todo!()
}
pub unsafe fn set(g: *mut Global, t: *mut Table, k: Value, v: Value) -> Result<(), TableError> {
    todo!()
}
#[inline]
pub unsafe fn set_int(g: *mut Global, t: *mut Table, i: i64, v: Value) -> Result<(), TableError> {
    todo!()
}
/// `k` may be short or long.
pub unsafe fn set_str(g: *mut Global, t: *mut Table, k: *mut Str, v: Value) -> Result<(), TableError> {
    todo!()
}
/// A border. O(1).
#[inline(always)]
pub unsafe fn len(t: *mut Table) -> i64 {
    todo!()
}
/// Next pair after `key` (nil: the first).
pub unsafe fn next(t: *mut Table, key: Value) -> Result<Option<(Value, Value)>, InvalidKey> {
    todo!()
}
/// Iteration by position: starts at cursor 0, advances it. Same order as `next`.
#[inline]
pub unsafe fn next_index(t: *mut Table, cursor: &mut u64) -> Option<(Value, Value)> {
    todo!()
}
/// Makes room for `narray` elements and `nfields` further string fields.
pub unsafe fn reserve(g: *mut Global, t: *mut Table, narray: usize, nfields: usize) -> Result<(), AllocError> {
    todo!()
}
/// SETLIST: stores `n` values from `src` at `first`, `first + 1`, ...
pub unsafe fn set_list(g: *mut Global, t: *mut Table, first: i64, src: *const Value, n: usize) -> Result<(), TableError> {
    todo!()
}
/// Sets the metatable (null: none). The finalizer is registered separately: `heap::check_finalizer`.
pub unsafe fn set_metatable(g: *mut Global, t: *mut Table, mt: *mut Table) -> Result<(), AllocError> {
    todo!()
}
/// Gives `t` a private shape (globals, metatables, `__index` targets); no effect when it has one.
pub unsafe fn make_private(g: *mut Global, t: *mut Table) -> Result<(), AllocError> {
    todo!()
}
/// The metamethod, or nil. `mt` may be null. Fast when absent.
#[inline]
pub unsafe fn metamethod(g: *mut Global, mt: *mut Table, ev: Event) -> Value {
    todo!()
}
/// Existing element `i` (from 1), or nil when it is not in the array part.
#[inline(always)]
pub unsafe fn fast_get_int(t: *mut Table, i: i64) -> Value {
    todo!()
}
/// Overwrites existing non-nil element `i` with a non-nil value when that needs neither a change of kind nor a barrier; false: nothing was done.
#[inline(always)]
pub unsafe fn fast_set_int(t: *mut Table, i: i64, v: Value) -> bool {
    todo!()
}
/// Byte offset (from `slots`) of the slot of a short string key; `None` in dictionary mode or when the key is not in the shape.
#[inline]
pub unsafe fn find_str_slot(t: *mut Table, key: *mut Str) -> Option<u32> {
    todo!()
}
/// GETFIELD, GETTABUP, SELF miss: finds what raw access with table-valued `__index` chains gives, and fills the cache if it can
/// (`cache` may be null). `None`: the generic path (functions as `__index`, non-table receivers, ...) must be taken; nothing was filled.
pub unsafe fn lookup_for_cache(g: *mut Global, t: *mut Table, key: *mut Str, cache: *mut Cache) -> Option<Value> {
    todo!()
}
/// The hit path of GETFIELD, GETTABUP, SELF: `None` on a miss (or a nil own slot of a table with a metatable).
#[inline(always)]
pub unsafe fn cached_get(g: *mut Global, t: *mut Table, cache: *const Cache) -> Option<Value> {
    todo!()
}
/// SETFIELD, SETTABUP miss: stores `t[key] = v` raw if that needs no metamethod, and fills the cache if it can.
/// `Ok(false)`: `__newindex` is to be consulted; nothing was stored.
pub unsafe fn store_for_cache(g: *mut Global, t: *mut Table, key: *mut Str, v: Value, cache: *mut Cache) -> Result<bool, TableError> {
    todo!()
}
/// The hit path of SETFIELD, SETTABUP: an existing slot, or the cached transition to a shape with one more key. False on a miss.
#[inline(always)]
pub unsafe fn cached_set(g: *mut Global, t: *mut Table, v: Value, cache: *const Cache) -> bool {
    todo!()
}
