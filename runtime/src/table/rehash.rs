//! Growth: when a new key finds no room, integer keys are counted and the table is laid out anew.
//!
//! As in the reference, the array part becomes the largest power of two `n` such that more than half of `1..=n` is in use; everything else goes
//! to the hash part. Two departures: appending to a full array just doubles it while it is reasonably dense, and an array is
//! not made smaller for small gains, so that the two rules do not undo each other.

use super::hash::{self, HashPart};
use super::{TableError, array, set_int};
use crate::object::Table;
use crate::state::Global;
use crate::value::Value;
use trinity_abi::table::KIND_GENERAL;

/// log2 of the largest array considered.
const BITS: usize = array::MAX_CAP.trailing_zeros() as usize;

/// Numbers of used integer keys in `(2^(i-1), 2^i]`.
struct Counts([usize; BITS + 1]);

impl Counts {
    /// Counts a key; true when it could be in an array.
    fn add(&mut self, key: i64) -> bool {
        if !(1..=1 << BITS).contains(&key) {
            return false;
        }
        self.0[(64 - (key as u64 - 1).leading_zeros()) as usize] += 1;
        true
    }

    /// The best array size, and how many keys would be in it.
    fn best(&self, total: usize) -> (usize, usize) {
        let (mut size, mut inside, mut sum) = (0, 0, 0);
        for (i, n) in self.0.iter().enumerate() {
            let two = 1usize << i;
            if total <= two / 2 {
                break;
            }
            sum += n;
            if sum > two / 2 {
                (size, inside) = (two, sum);
            }
        }
        (size, inside)
    }
}

unsafe fn count_array(t: *mut Table, counts: &mut Counts) -> usize {
    unsafe {
        let len = (*t).array_len as usize;
        let (mut from, mut to, mut total) = (0, 1, 0);
        for slot in &mut counts.0 {
            if from >= len {
                break;
            }
            let n = array::count(t, from, len.min(to));
            *slot += n;
            total += n;
            from = to;
            to *= 2;
        }
        total
    }
}

/// Makes room for the new key `key` (`force`: the array is full of holes and must shrink if that is what the counts say).
pub(super) unsafe fn rehash(
    g: *mut Global,
    t: *mut Table,
    key: Value,
    force: bool,
) -> Result<(), TableError> {
    unsafe {
        let mut counts = Counts([0; BITS + 1]);
        let in_array = count_array(t, &mut counts);
        let (mut candidates, mut total) = (in_array, in_array + 1);
        hash::each_node((*t).hash, |n| {
            if !(*n).is_empty() {
                total += 1;
                let k = (*n).key();
                candidates += usize::from(k.is_int() && counts.add(k.as_int()));
            }
        });
        candidates += usize::from(key.is_int() && counts.add(key.as_int()));
        let (mut size, mut inside) = counts.best(candidates);
        let cap = (*t).array_cap as usize;
        if size < cap
            && !force
            && (size >= cap / 4 || inside == in_array)
            && (*t).array_len as usize * 2 >= cap
        {
            // not worth it: keep the array as it is
            (size, inside) = (cap, in_array);
        }
        resize(g, t, size, total - inside)
    }
}

/// Lays the table out with an array of `cap` elements and a hash part for `hash_keys` keys. On failure the table is unchanged in content.
pub(super) unsafe fn resize(
    g: *mut Global,
    t: *mut Table,
    cap: usize,
    hash_keys: usize,
) -> Result<(), TableError> {
    unsafe {
        let old_hash = (*t).hash;
        let len = (*t).array_len as usize;
        let moving_out = if cap < len {
            array::count(t, cap, len)
        } else {
            0
        };
        // room for every key that cannot end in the array, whatever the estimate was
        let mut stay = moving_out;
        hash::each_node(old_hash, |n| {
            if !(*n).is_empty() {
                let k = (*n).key();
                stay += usize::from(
                    !(k.is_int() && k.as_int() >= 1 && k.as_int() as u64 <= cap as u64),
                );
            }
        });
        let new_hash = hash::alloc(&mut (*g).heap, hash_keys.max(stay))?;
        if cap > (*t).array_cap as usize {
            if let Err(e) = array::resize(g, t, cap) {
                hash::free(&mut (*g).heap, new_hash);
                return Err(e.into());
            }
        } else if cap < len {
            for i in cap..len {
                let v = array::load(t, i);
                if !v.is_nil() {
                    hash::insert(new_hash, Value::int(i as i64 + 1), v);
                }
            }
            array::truncate(t, cap);
        }
        (*t).hash = new_hash;
        if cap < (*t).array_cap as usize && array::resize(g, t, cap).is_err() {
            // keys up to the old capacity belong into the array: undo
            (*t).hash = old_hash;
            restore(g, t, new_hash);
            hash::free(&mut (*g).heap, new_hash);
            return Err(TableError::Alloc);
        }
        let cap = (*t).array_cap as u64;
        hash::each_node(old_hash, |n| {
            if (*n).is_empty() {
                return;
            }
            let (k, v) = ((*n).key(), (*n).value());
            if k.is_int() && (k.as_int() as u64).wrapping_sub(1) < cap {
                put(g, t, k.as_int() as usize - 1, v);
            } else {
                hash::insert(new_hash, k, v);
            }
        });
        hash::free(&mut (*g).heap, old_hash);
        fix_border(g, t)
    }
}

/// Moves elements that were taken out back into the array.
unsafe fn restore(g: *mut Global, t: *mut Table, from: *mut HashPart) {
    unsafe {
        hash::each_node(from, |n| {
            if !(*n).is_empty() {
                put(g, t, (*n).key().as_int() as usize - 1, (*n).value());
            }
        });
    }
}

/// Stores a value that is not nil at `i < array_cap`.
#[inline]
pub(super) unsafe fn put(g: *mut Global, t: *mut Table, i: usize, v: Value) {
    unsafe {
        if i < (*t).array_len as usize {
            array::store(g, t, i, v);
        } else {
            array::store_beyond(g, t, i, v);
        }
    }
}

/// Does the hash part hold integer keys?
#[inline(always)]
pub(super) unsafe fn hash_has_ints(t: *mut Table) -> bool {
    unsafe { !(*t).hash.is_null() && (*(*t).hash).int_keys > 0 }
}

/// Restores the invariant that the key behind a full array is not in the hash part. Elements are moved on even when memory runs out
/// while growing: then the element stays in the hash part, where only `len` notices.
pub(super) unsafe fn fix_border(g: *mut Global, t: *mut Table) -> Result<(), TableError> {
    unsafe {
        while (*t).array_len == (*t).array_cap && hash_has_ints(t) {
            let n = hash::find_int((*t).hash, (*t).array_len as i64 + 1);
            if n.is_null() || (*n).is_empty() {
                break;
            }
            let cap = (*t).array_cap as usize;
            grow_to(g, t, (cap * 2).max(4))?;
        }
        Ok(())
    }
}

/// Enlarges the array and moves the integer keys that fit from the hash part into it.
pub(super) unsafe fn grow_to(g: *mut Global, t: *mut Table, cap: usize) -> Result<(), TableError> {
    unsafe {
        array::resize(g, t, cap)?;
        if hash_has_ints(t) {
            hash::each_node((*t).hash, |n| {
                let k = (*n).key();
                if k.is_int()
                    && !(*n).is_empty()
                    && (k.as_int() as u64).wrapping_sub(1) < cap as u64
                {
                    let v = (*n).value();
                    (*n).set_empty();
                    put(g, t, k.as_int() as usize - 1, v);
                }
            });
        }
        Ok(())
    }
}

/// Appends to a full array.
#[cold]
pub(super) unsafe fn append_slow(
    g: *mut Global,
    t: *mut Table,
    v: Value,
) -> Result<(), TableError> {
    unsafe {
        let cap = (*t).array_cap as usize;
        let sparse = (*t).h.aux8 == KIND_GENERAL && array::count(t, 0, cap) * 2 <= cap && cap > 4;
        if sparse {
            rehash(g, t, Value::int(cap as i64 + 1), true)?;
            // the border may have pulled everything back into the array; then it is dense enough to grow
            if (*t).array_len as usize != cap {
                return set_int(g, t, cap as i64 + 1, v);
            }
        }
        grow_to(g, t, (cap * 2).max(4))?;
        put(g, t, cap, v);
        fix_border(g, t)
    }
}
