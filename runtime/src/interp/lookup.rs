//! The second level of inline caching: one table per state, keyed by shape and field name, for sites that see many shapes.
//!
//! A site that misses often keeps its own entry as it is and asks here; now and then it tries its own entry again, in case it has
//! settled on another shape. Entries are what a site's cache would hold. Keys and values are weak and compared by address, so the whole
//! table is emptied in the collector's atomic phase.

use crate::object::{Str, Table};
use crate::proto::Cache;
use crate::state::Global;
use crate::table;
use crate::value::Value;
use std::ptr::null_mut;

/// Entries (a power of two).
const SIZE: usize = 512;
/// Misses after which a site counts as seeing many shapes.
const MANY: u16 = 16;
/// Such a site refills its own cache every so many misses.
const RETRY: u16 = 256;

#[derive(Clone, Copy)]
struct Entry {
    key: *mut Str,
    cache: Cache,
}

/// See the module.
pub struct Lookups {
    entries: Box<[Entry]>,
    used: bool,
}

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups {
            entries: vec![
                Entry {
                    key: null_mut(),
                    cache: Cache::EMPTY
                };
                SIZE
            ]
            .into(),
            used: false,
        }
    }
}

impl Lookups {
    /// Empties the table.
    pub fn clear(&mut self) {
        if self.used {
            self.used = false;
            for e in &mut self.entries {
                e.key = null_mut();
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
        let hash = (id as usize).wrapping_mul(0x9E37_79B1) ^ (key as usize >> 4);
        let e = (*g).lookups.entries.as_mut_ptr().add(hash & (SIZE - 1));
        if (*e).key == key
            && let Some(v) = table::cached_get(g, t, &raw const (*e).cache)
        {
            *out = v;
            return true;
        }
        (*g).lookups.used = true;
        (*e).key = key;
        (*e).cache = Cache::EMPTY;
        take(table::lookup_for_cache(g, t, key, &raw mut (*e).cache), out)
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
