//! `next`, and iteration by position.
//!
//! Positions: the array's capacity (not its length, so that a traversal that sets elements to nil goes on), then slots, then nodes of the hash
//! part. None of them changes while only existing fields are assigned to.

use super::hash::{self, HashPart};
use super::shape::Shape;
use super::{array, float_to_key};
use crate::object::Table;
use crate::value::Value;
use trinity_abi::tag;

/// The key given to `next` is not in the table: "invalid key to 'next'".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

#[inline(always)]
unsafe fn slot_count(t: *mut Table) -> u64 {
    unsafe {
        if (*t).shape.is_null() {
            0
        } else {
            (*(*t).shape).count as u64
        }
    }
}

/// Next pair after `key` (nil: the first).
pub unsafe fn next(t: *mut Table, key: Value) -> Result<Option<(Value, Value)>, InvalidKey> {
    unsafe {
        let mut cursor = after(t, key)?;
        Ok(next_index(t, &mut cursor))
    }
}

/// The position behind the key.
#[inline(never)]
unsafe fn after(t: *mut Table, key: Value) -> Result<u64, InvalidKey> {
    unsafe {
        match key.t {
            tag::NIL => Ok(0),
            tag::INT => after_int(t, key.as_int()),
            // An integral float is no key, and is not taken for the integer: as in the reference.
            tag::FLOAT if float_to_key(key.as_float()).is_some() => Err(InvalidKey),
            tag::SHORT_STR if !(*t).shape.is_null() => {
                let i = Shape::find((*t).shape, key.as_str()).ok_or(InvalidKey)?;
                Ok((*t).array_cap as u64 + i as u64 + 1)
            }
            _ => after_hash(t, key),
        }
    }
}

/// TFORCALL with `next`: the pair behind the key `ra[2]` becomes `ra[4]` and `ra[5]`; gives their tags, that of nil for the key at the end.
///
/// What a nil closing value (`ra[3]`) has beside its tag is free: where the last step was. It is believed if it leads to the key, so that any
/// number is harmless.
///
/// # Safety
/// `ra` is the loop's first register, its state `t`.
pub unsafe fn step(t: *mut Table, ra: *mut Value) -> Result<[u8; 2], InvalidKey> {
    unsafe {
        let (key, closing) = (*ra.add(2), ra.add(3));
        let mut cursor = (*closing).p;
        if !is_behind(t, cursor, key) {
            cursor = after(t, key)?;
        }
        let (k, v) = next_index(t, &mut cursor).unwrap_or((Value::NIL, Value::NIL));
        if (*closing).t == tag::NIL {
            (*closing).p = cursor;
        }
        *ra.add(4) = k;
        *ra.add(5) = v;
        Ok([k.t, v.t])
    }
}

/// Whether the position before the cursor has the key.
#[inline(always)]
unsafe fn is_behind(t: *mut Table, cursor: u64, key: Value) -> bool {
    unsafe {
        // Nodes that were never used have the key nil, which is none.
        if key.t == tag::NIL {
            return false;
        }
        let at = cursor.wrapping_sub(1);
        let cap = (*t).array_cap as u64;
        if at < cap {
            return key.t == tag::INT && key.p == cursor && array::was_used(t, at);
        }
        let at = at - cap;
        let slots = slot_count(t);
        if at < slots {
            return key.t == tag::SHORT_STR && Shape::key_at((*t).shape, at as u32) == key.as_str();
        }
        let at = at - slots;
        if at >= HashPart::size((*t).hash) as u64 {
            return false;
        }
        let node = HashPart::nodes((*t).hash).add(at as usize);
        (*node).has_key(key)
    }
}

#[inline]
unsafe fn after_int(t: *mut Table, i: i64) -> Result<u64, InvalidKey> {
    unsafe {
        if array::was_used(t, (i as u64).wrapping_sub(1)) {
            Ok(i as u64)
        } else {
            after_hash(t, Value::int(i))
        }
    }
}

unsafe fn after_hash(t: *mut Table, k: Value) -> Result<u64, InvalidKey> {
    unsafe {
        let i = hash::position((*t).hash, k).ok_or(InvalidKey)?;
        Ok((*t).array_cap as u64 + slot_count(t) + i as u64 + 1)
    }
}

/// Iteration by position: starts at cursor 0, advances it. Same order as `next`.
#[inline(always)]
pub unsafe fn next_index(t: *mut Table, cursor: &mut u64) -> Option<(Value, Value)> {
    unsafe {
        let cap = (*t).array_cap as u64;
        let mut i = *cursor;
        if i < cap {
            let len = (*t).array_len as u64;
            while i < len {
                let v = array::load(t, i as usize);
                i += 1;
                if !v.is_nil() {
                    *cursor = i;
                    return Some((Value::int(i as i64), v));
                }
            }
            i = cap;
        }
        let slots = slot_count(t);
        while i < cap + slots {
            let at = i - cap;
            let v = *(*t).slots.add(at as usize);
            i += 1;
            if !v.is_nil() {
                *cursor = i;
                return Some((Value::str(Shape::key_at((*t).shape, at as u32)), v));
            }
        }
        let nodes = HashPart::size((*t).hash) as u64;
        while i < cap + slots + nodes {
            let n = HashPart::nodes((*t).hash).add((i - cap - slots) as usize);
            i += 1;
            if !(*n).is_empty() {
                *cursor = i;
                return Some(((*n).key(), (*n).value()));
            }
        }
        *cursor = i;
        None
    }
}
