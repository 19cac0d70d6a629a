//! Inline caches of field access (docs/abi.md section 3).
//!
//! A cache names a shape id; ids are never reused, so a stale entry never matches. Answers that depend on a metatable chain rely on
//! private shapes (constant slots, absent keys) and compare the epoch as well. References from caches are weak: the collector empties entries
//! whose value or shape dies.

use super::anonymous;
use super::fields::{add_field, get_str, make_private, set_str, store_slot};
use super::shape::{self, Shape};
use super::{TableError, hash, metamethod};
use crate::heap;
use crate::object::{Str, Table};
use crate::proto::Cache;
use crate::state::Global;
use crate::string;
use crate::value::Value;
use trinity_abi::cache::{STRING_ID, KIND_ABSENT, KIND_ADD, KIND_CONST, KIND_OWN};
use trinity_abi::tag;
use trinity_frontend::bytecode::Event;

/// Longest `__index` chain followed here.
const MAX_CHAIN: usize = 100;
/// Tables with as many fields get no slots for nil.
const NIL_FIELDS: u32 = 32;
/// Misses after which a cache is only filled now and then: its site is megamorphic.
const MANY_MISSES: u16 = 64;

/// Counts a miss; may the cache be filled?
unsafe fn worth_filling(cache: *mut Cache) -> bool {
    unsafe {
        if cache.is_null() {
            return false;
        }
        let n = (*cache).hits.wrapping_add(1).max(1);
        (*cache).hits = n;
        n < MANY_MISSES || n.is_multiple_of(64)
    }
}

unsafe fn fill(g: *mut Global, cache: *mut Cache, id: u32, kind: u8, slot: u32, value: Value) {
    unsafe {
        (*cache).shape_id = id;
        (*cache).slot = slot;
        (*cache).epoch = (*g).epoch;
        (*cache).kind = kind;
        (*cache).feedback = 0;
        (*cache).value = value;
    }
}

/// Flag in `feedback` of an entry of kind OWN: where the slot is nil, the metatable leads to `value` (in the entry's epoch).
const INHERITED: u8 = 1;

/// GETFIELD, GETTABUP, SELF miss: finds what raw access with table-valued `__index` chains gives, and fills the cache if it can
/// (`cache` may be null; `hits` counts misses). `None`: the generic path (functions as `__index`, non-table receivers, ...) must be taken.
pub unsafe fn lookup_for_cache(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    cache: *mut Cache,
) -> Option<Value> {
    unsafe {
        let s = (*t).shape;
        let mut fillable = worth_filling(cache) && (*key).h.kind == tag::SHORT_STR && !s.is_null();
        let id = (*t).h.aux32;
        if s.is_null() || (*key).h.kind != tag::SHORT_STR {
            let v = get_str(t, key);
            if !v.is_nil() || (*t).metatable.is_null() {
                return Some(v);
            }
        } else if let Some(i) = Shape::find(s, key) {
            let v = *(*t).slots.add(i as usize);
            let private = Shape::is_private(s);
            if !v.is_nil() || (*t).metatable.is_null() {
                if fillable
                    && private
                    && !v.is_nil()
                    && Shape::is_constant(s, i)
                    && shape::observe(s)
                {
                    fill(g, cache, id, KIND_CONST, 0, v);
                } else if fillable {
                    fill(g, cache, id, KIND_OWN, i * 16, Value::NIL);
                }
                return Some(v);
            }
            let (v, certain) = follow(g, t, key, fillable)?;
            if certain {
                fill(g, cache, id, KIND_OWN, i * 16, v);
                (*cache).feedback = INHERITED;
            }
            return Some(v);
        } else {
            if fillable && Shape::is_private(s) {
                fillable = shape::observe(s);
            }
            if (*t).metatable.is_null() {
                if fillable {
                    fill(g, cache, id, KIND_ABSENT, 0, Value::NIL);
                }
                return Some(Value::NIL);
            }
        }
        let (v, certain) = follow(g, t, key, fillable)?;
        if certain {
            let kind = if v.is_nil() { KIND_ABSENT } else { KIND_CONST };
            fill(g, cache, id, kind, 0, v);
        }
        Some(v)
    }
}

/// GETFIELD or SELF of a string: the method its metatable leads to, from the cache or filling it. `None`: the generic path must be taken.
pub unsafe fn lookup_string_method(
    g: *mut Global,
    key: *mut Str,
    cache: *mut Cache,
) -> Option<Value> {
    unsafe {
        if (*cache).shape_id == STRING_ID && (*cache).epoch == (*g).epoch {
            return Some((*cache).value);
        }
        let mt = (&(*g).metatables)[tag::SHORT_STR as usize];
        if mt.is_null() || (*key).h.kind != tag::SHORT_STR {
            return None;
        }
        let fillable = worth_filling(cache);
        let (v, certain) = follow_from(g, mt, key, fillable, false)?;
        if certain && !v.is_nil() {
            fill(g, cache, STRING_ID, KIND_CONST, 0, v);
        }
        Some(v)
    }
}

/// Looks `key` up through the metatable of `t`, which does not have it.
unsafe fn follow(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    certain: bool,
) -> Option<(Value, bool)> {
    unsafe {
        let s = (*t).shape;
        let vouched = certain && (anonymous::intact(s) || is_anonymous_of_one(g, t));
        follow_from(g, (*t).metatable, key, certain, vouched)
    }
}

/// What a table with this metatable has under a short string that is no key of its own, and whether that is certain while the epoch lasts and the
/// metatable has its shape. `None`: the generic path must be taken.
/// No table gets another shape.
pub unsafe fn inherited(g: *mut Global, mt: *mut Table, key: *mut Str) -> Option<(Value, bool)> {
    unsafe {
        let private = |t: *mut Table| !(*t).shape.is_null() && Shape::is_private((*t).shape);
        let (mut m, mut all, mut depth) = (mt, true, 0);
        while all && !m.is_null() && depth < MAX_CHAIN {
            let index = metamethod(g, m, Event::Index);
            all = private(m) && index.is_table() && private(index.as_table());
            if all {
                m = (*index.as_table()).metatable;
            }
            depth += 1;
        }
        follow_from(g, mt, key, all, false)
    }
}

/// The method of a metatable for arithmetic of tables with it, with numbers on the other side; and whether that is certain while the epoch lasts and the
/// metatable has its shape. `None`: numbers have methods as well.
pub unsafe fn operator(g: *mut Global, mt: *mut Table, event: Event) -> Option<(Value, bool)> {
    unsafe {
        if !(&(*g).metatables)[crate::meta::basic_type(tag::INT)].is_null() {
            return None;
        }
        let v = metamethod(g, mt, event);
        let s = (*mt).shape;
        let certain = !s.is_null()
            && Shape::is_private(s)
            && Shape::find(s, (&(*g).event_names)[event as usize])
                .is_some_and(|i| Shape::is_constant(s, i))
            && shape::observe(s);
        Some((v, certain))
    }
}

/// Is the metatable of `t` an anonymous one, and `t` the only table with its shape?
unsafe fn is_anonymous_of_one(g: *mut Global, t: *mut Table) -> bool {
    unsafe {
        let s = (*t).shape;
        !s.is_null()
            && Shape::is_private(s)
            && !(*t).metatable.is_null()
            && (*(*t).metatable).shape == (*g).shapes.anonymous
    }
}

/// Looks `key` up through `__index` of `mt`. The flag says whether only constants and absences of observed private shapes were relied on, and on
/// anonymous metatables. `vouched`: `mt` is such a one, and the owner's shape says so.
unsafe fn follow_from(
    g: *mut Global,
    mut mt: *mut Table,
    key: *mut Str,
    mut certain: bool,
    mut vouched: bool,
) -> Option<(Value, bool)> {
    unsafe {
        for _ in 0..MAX_CHAIN {
            // __index of the metatable
            let index = metamethod(g, mt, Event::Index);
            if certain && !vouched {
                let m = (*mt).shape;
                certain = !m.is_null() && Shape::is_private(m) && shape::observe(m);
                if certain
                    && let Some(i) = Shape::find(m, (&(*g).event_names)[Event::Index as usize])
                {
                    certain = Shape::is_constant(m, i) && !index.is_nil();
                }
            }
            if index.is_nil() {
                return Some((Value::NIL, certain));
            }
            if !index.is_table() {
                return None;
            }
            // the table it names
            let t = index.as_table();
            if certain {
                certain = make_private(g, t).is_ok();
            }
            let s = (*t).shape;
            if certain {
                certain = !s.is_null() && Shape::is_private(s) && shape::observe(s);
            }
            let v = get_str(t, key);
            if certain && let Some(i) = Shape::find(s, key) {
                certain = Shape::is_constant(s, i) && !v.is_nil();
            }
            if !v.is_nil() || (*t).metatable.is_null() {
                return Some((v, certain));
            }
            mt = (*t).metatable;
            vouched = certain && is_anonymous_of_one(g, t);
        }
        None
    }
}

/// The hit path of GETFIELD, GETTABUP, SELF: `None` on a miss (or a nil own slot of a table with a metatable).
#[inline(always)]
pub unsafe fn cached_get(g: *mut Global, t: *mut Table, cache: *const Cache) -> Option<Value> {
    unsafe {
        if (*t).h.aux32 != (*cache).shape_id {
            return None;
        }
        match (*cache).kind {
            KIND_OWN => {
                let v = *(*t).slots.byte_add((*cache).slot as usize);
                if !v.is_nil() || (*t).metatable.is_null() {
                    Some(v)
                } else if (*cache).feedback == INHERITED && (*cache).epoch == (*g).epoch {
                    Some((*cache).value)
                } else {
                    None
                }
            }
            KIND_CONST if (*cache).epoch == (*g).epoch => Some((*cache).value),
            KIND_ABSENT if (*cache).epoch == (*g).epoch => Some(Value::NIL),
            _ => None,
        }
    }
}

/// SETFIELD, SETTABUP miss: stores `t[key] = v` raw if that needs no metamethod, and fills the cache if it can (`cache` may be null).
/// `Ok(false)`: `__newindex` is to be consulted; nothing was stored.
pub unsafe fn store_for_cache(
    g: *mut Global,
    t: *mut Table,
    key: *mut Str,
    v: Value,
    cache: *mut Cache,
) -> Result<bool, TableError> {
    unsafe {
        let s = (*t).shape;
        let mt = (*t).metatable;
        if s.is_null() || (*key).h.kind != tag::SHORT_STR {
            let n = hash::find((*t).hash, Value::str(key));
            if (n.is_null() || (*n).is_empty()) && !metamethod(g, mt, Event::NewIndex).is_nil() {
                return Ok(false);
            }
            set_str(g, t, key, v)?;
            return Ok(true);
        }
        let fillable = worth_filling(cache);
        if let Some(i) = Shape::find(s, key) {
            if (*(*t).slots.add(i as usize)).is_nil()
                && !metamethod(g, mt, Event::NewIndex).is_nil()
            {
                return Ok(false);
            }
            store_slot(g, t, s, i, key, v);
            // stores to names of events must be noticed by the private shape
            if fillable
                && !(Shape::is_private(s) && string::event_of(key).is_some())
                && s != (*g).shapes.anonymous
            {
                fill(g, cache, (*t).h.aux32, KIND_OWN, i * 16, Value::NIL);
            }
            return Ok(true);
        }
        if !metamethod(g, mt, Event::NewIndex).is_nil() {
            return Ok(false);
        }
        // A field that a constructor begins with nil gets its slot: objects of one constructor have one shape, whatever comes first later.
        if v.is_nil()
            && (Shape::is_private(s) || s == (*g).shapes.anonymous || (*s).count >= NIL_FIELDS)
        {
            return Ok(true);
        }
        let vouched = anonymous::intact(s);
        let (id, slot) = ((*t).h.aux32, (*s).count * 16);
        add_field(g, t, key, v, false)?;
        let to = (*t).shape;
        if fillable
            && !to.is_null()
            && !Shape::is_private(to)
            && s != (*g).shapes.anonymous
            && (vouched || newindex_stays_absent(g, mt))
        {
            let next = Value {
                p: to as u64,
                t: tag::SHAPE,
            };
            fill(g, cache, id, KIND_ADD, slot, next);
        }
        Ok(true)
    }
}

/// Will a change of `__newindex` (absent now) be noticed through the epoch?
unsafe fn newindex_stays_absent(g: *mut Global, mt: *mut Table) -> bool {
    unsafe {
        if mt.is_null() {
            return true;
        }
        let m = (*mt).shape;
        if m.is_null() || !Shape::is_private(m) || !shape::observe(m) {
            return false;
        }
        // a slot that was stored to twice may change without an increment of the epoch
        let i = Shape::find(m, (&(*g).event_names)[Event::NewIndex as usize]);
        i.is_none_or(|i| Shape::is_constant(m, i))
    }
}

/// The hit path of SETFIELD, SETTABUP: an existing slot, or the cached transition to a shape with one more key. False on a miss.
#[inline(always)]
pub unsafe fn cached_set(g: *mut Global, t: *mut Table, v: Value, cache: *const Cache) -> bool {
    unsafe {
        if (*t).h.aux32 != (*cache).shape_id {
            return false;
        }
        let offset = (*cache).slot as usize;
        let slot = (*t).slots.byte_add(offset);
        match (*cache).kind {
            KIND_OWN => {
                if (*slot).is_nil() && !(*t).metatable.is_null() {
                    return false;
                }
            }
            KIND_ADD => {
                if (*cache).epoch != (*g).epoch
                    || offset >= (*t).slot_cap as usize * 16
                {
                    return false;
                }
                let to: *mut Shape = (*cache).value.p as *mut Shape;
                (*t).shape = to;
                (*t).h.aux32 = (*to).h.aux32;
                *slot = v;
                // both the value and the shape may be white
                if heap::is_black(t.cast()) {
                    heap::barrier_back(g, t.cast());
                }
                return true;
            }
            _ => return false,
        }
        *slot = v;
        if v.is_collectable() && heap::is_black(t.cast()) {
            heap::barrier_back(g, t.cast());
        }
        true
    }
}
