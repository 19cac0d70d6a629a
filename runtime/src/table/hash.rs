//! The hash part: a chained scatter table with Brent's variation, as in the reference.
//!
//! A colliding node that is not in its main position gives way to the new key; one that is keeps it. So every chain starts at the main
//! position of its keys, and load factor 1 is fine. A deleted entry keeps its key and place (an empty value), so that `next` survives
//! assignments of nil; the collector turns keys of empty entries into *dead* keys, which only `next` can find, by address.
//! Nodes are 24 bytes. The table only grows (or shrinks) when a new key finds no free node.

use crate::heap::{AllocError, Heap};
use crate::object::{Header, Str};
use crate::string;
use crate::value::Value;
use trinity_abi::tag;

/// Key tag of an unused node (nil is no key).
const NO_KEY: u8 = 0;
/// Key tag of a key that may have been freed.
const DEAD_KEY: u8 = 0xFF;
/// Largest size (log2).
const MAX_LOG2: u32 = 28;

/// An entry.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Node {
    val: u64,
    key: u64,
    /// Distance to the next node of the chain; 0 at its end.
    next: i32,
    vt: u8,
    kt: u8,
    pad: u16,
}

const _: () = assert!(size_of::<Node>() == 24);
const _: () = assert!(std::mem::offset_of!(Node, val) == 0);
const _: () = {
    use std::mem::{offset_of, size_of};
    use trinity_abi::table;
    assert!(offset_of!(Node, vt) == table::ENTRY_TAG as usize);
    assert!(offset_of!(Node, key) == table::ENTRY_KEY as usize);
    assert!(offset_of!(Node, kt) == table::ENTRY_KEY_TAG as usize);
    assert!(size_of::<HashPart>() == table::ENTRIES as usize);
};

impl Node {
    /// Offsets, for assembly.
    pub const KEY: usize = std::mem::offset_of!(Node, key);
    /// See [`Node::KEY`].
    pub const KEY_TAG: usize = std::mem::offset_of!(Node, kt);
    /// See [`Node::KEY`].
    pub const NEXT: usize = std::mem::offset_of!(Node, next);

    /// No value.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.vt == tag::NIL
    }
    /// The value.
    #[inline(always)]
    pub fn value(&self) -> Value {
        Value {
            p: self.val,
            t: self.vt,
        }
    }
    /// The key; nil when unused or dead.
    #[inline(always)]
    pub fn key(&self) -> Value {
        if self.kt == DEAD_KEY {
            Value::NIL
        } else {
            Value {
                p: self.key,
                t: self.kt,
            }
        }
    }
    /// It has this key, of the same representation.
    #[inline(always)]
    pub fn has_key(&self, key: Value) -> bool {
        self.key == key.p && self.kt == key.t
    }
    #[inline(always)]
    pub fn set_value(&mut self, v: Value) {
        self.val = v.p;
        self.vt = v.t;
    }
    #[inline(always)]
    pub fn set_empty(&mut self) {
        self.vt = tag::NIL;
    }
    /// The key may be freed from now on.
    pub fn set_dead_key(&mut self) {
        self.kt = DEAD_KEY;
    }
}

/// Header of a hash part; `1 << log2` nodes follow.
#[repr(C)]
pub struct HashPart {
    pub log2: u32,
    /// Every node at or behind this position is in use.
    last_free: u32,
    /// Integer keys inserted since the last rehash.
    pub int_keys: u32,
    pad: u32,
}

impl HashPart {
    /// The nodes.
    #[inline(always)]
    pub unsafe fn nodes(h: *mut HashPart) -> *mut Node {
        unsafe { h.add(1).cast() }
    }
    /// Number of nodes; `h` may be null.
    #[inline(always)]
    pub unsafe fn size(h: *mut HashPart) -> usize {
        if h.is_null() {
            0
        } else {
            unsafe { 1 << (*h).log2 }
        }
    }
}

fn bytes(log2: u32) -> usize {
    size_of::<HashPart>() + (size_of::<Node>() << log2)
}

/// A hash part for at least `n` keys; null for none.
pub unsafe fn alloc(heap: &mut Heap, n: usize) -> Result<*mut HashPart, AllocError> {
    unsafe {
        if n == 0 {
            return Ok(std::ptr::null_mut());
        }
        let log2 = n
            .checked_next_power_of_two()
            .ok_or(AllocError)?
            .trailing_zeros();
        if log2 > MAX_LOG2 {
            return Err(AllocError);
        }
        let h: *mut HashPart = heap.raw_alloc(bytes(log2))?.cast();
        h.write(HashPart {
            log2,
            last_free: 1 << log2,
            int_keys: 0,
            pad: 0,
        });
        // no keys, no values, no links
        HashPart::nodes(h).write_bytes(0, 1 << log2);
        Ok(h)
    }
}

/// Frees a hash part (null: nothing).
pub unsafe fn free(heap: &mut Heap, h: *mut HashPart) {
    unsafe {
        if !h.is_null() {
            heap.raw_free(h.cast(), bytes((*h).log2));
        }
    }
}

#[inline(always)]
fn mix(p: u64) -> u32 {
    ((p ^ p >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// Position of an integer: the sum of its `log2`-bit digits, as the reference's remainder by `size - 1` is, but without a division.
/// Neighbours stay neighbours, so that a table filled in order is filled in order in memory too, and a queue reuses its nodes.
#[inline(always)]
unsafe fn int_position(h: *mut HashPart, i: i64) -> *mut Node {
    unsafe {
        let (u, n) = (i as u64, (*h).log2);
        let sum = u.wrapping_add(u >> n).wrapping_add(u >> (2 * n));
        HashPart::nodes(h).add((sum & ((1 << n) - 1)) as usize)
    }
}

#[inline(always)]
unsafe fn hash_of(k: Value) -> u32 {
    unsafe {
        match k.t {
            tag::SHORT_STR => (*k.as_str()).h.aux32,
            tag::LONG_STR => string::hash(k.as_str()),
            tag::FALSE | tag::TRUE => k.t as u32,
            _ => mix(k.p),
        }
    }
}

#[inline(always)]
unsafe fn main_position(h: *mut HashPart, k: Value) -> *mut Node {
    unsafe {
        if k.is_int() {
            return int_position(h, k.as_int());
        }
        HashPart::nodes(h).add((hash_of(k) & ((1 << (*h).log2) - 1)) as usize)
    }
}

/// Same key? Both are normalised (no integral floats, no NaN).
#[inline(always)]
unsafe fn same_key(n: *const Node, k: Value) -> bool {
    unsafe {
        if (*n).kt != k.t {
            return false;
        }
        match k.t {
            tag::FALSE | tag::TRUE => true,
            tag::LONG_STR => string::equal((*n).key as *mut Str, k.as_str()),
            _ => (*n).key == k.p,
        }
    }
}

/// The node of a key (its value may be empty), or null. `h` may be null.
#[inline]
pub unsafe fn find(h: *mut HashPart, k: Value) -> *mut Node {
    unsafe {
        if k.is_int() {
            return find_int(h, k.as_int());
        }
        if h.is_null() {
            return std::ptr::null_mut();
        }
        let mut n = main_position(h, k);
        loop {
            if same_key(n, k) {
                return n;
            }
            let next = (*n).next;
            if next == 0 {
                return std::ptr::null_mut();
            }
            n = n.offset(next as isize);
        }
    }
}

/// [`find`] for an interned string.
#[inline]
pub unsafe fn find_short(h: *mut HashPart, k: *mut Str) -> *mut Node {
    unsafe {
        if h.is_null() {
            return std::ptr::null_mut();
        }
        let mut n = HashPart::nodes(h).add(((*k).h.aux32 & ((1 << (*h).log2) - 1)) as usize);
        loop {
            if (*n).kt == tag::SHORT_STR && (*n).key == k as u64 {
                return n;
            }
            let next = (*n).next;
            if next == 0 {
                return std::ptr::null_mut();
            }
            n = n.offset(next as isize);
        }
    }
}

/// [`find`] for an integer.
#[inline]
pub unsafe fn find_int(h: *mut HashPart, i: i64) -> *mut Node {
    unsafe {
        if h.is_null() {
            return std::ptr::null_mut();
        }
        let mut n = int_position(h, i);
        loop {
            if (*n).key == i as u64 && (*n).kt == tag::INT {
                return n;
            }
            let next = (*n).next;
            if next == 0 {
                return std::ptr::null_mut();
            }
            n = n.offset(next as isize);
        }
    }
}

/// Position of a key for `next`, dead keys included.
pub unsafe fn position(h: *mut HashPart, k: Value) -> Option<usize> {
    unsafe {
        let mut n = find(h, k);
        if n.is_null() && !h.is_null() && k.is_collectable() {
            // the chain of the main position still leads to a dead key
            n = main_position(h, k);
            while !((*n).kt == DEAD_KEY && (*n).key == k.p) {
                if (*n).next == 0 {
                    return None;
                }
                n = n.offset((*n).next as isize);
            }
        }
        if n.is_null() {
            None
        } else {
            Some(n.offset_from(HashPart::nodes(h)) as usize)
        }
    }
}

/// Inserts a key that has no node. False: no free node, the table must be rehashed.
pub unsafe fn insert(h: *mut HashPart, k: Value, v: Value) -> bool {
    unsafe {
        if h.is_null() {
            return false;
        }
        let mut mp = main_position(h, k);
        if !(*mp).is_empty() {
            let Some(free) = free_node(h) else {
                return false;
            };
            let mut other = main_position(h, (*mp).key());
            if other != mp {
                // the node in our place belongs elsewhere: it moves to the free node
                while other.offset((*other).next as isize) != mp {
                    other = other.offset((*other).next as isize);
                }
                (*other).next = free.offset_from(other) as i32;
                *free = *mp;
                if (*mp).next != 0 {
                    (*free).next += mp.offset_from(free) as i32;
                    (*mp).next = 0;
                }
                (*mp).set_empty();
            } else {
                (*free).next = if (*mp).next != 0 {
                    mp.offset((*mp).next as isize).offset_from(free) as i32
                } else {
                    0
                };
                (*mp).next = free.offset_from(mp) as i32;
                mp = free;
            }
        }
        (*mp).key = k.p;
        (*mp).kt = k.t;
        (*mp).set_value(v);
        (*h).int_keys += u32::from(k.is_int());
        true
    }
}

unsafe fn free_node(h: *mut HashPart) -> Option<*mut Node> {
    unsafe {
        while (*h).last_free > 0 {
            (*h).last_free -= 1;
            let n = HashPart::nodes(h).add((*h).last_free as usize);
            if (*n).kt == NO_KEY {
                return Some(n);
            }
        }
        None
    }
}

/// Visits every node; `h` may be null.
#[inline(always)]
pub unsafe fn each_node(h: *mut HashPart, mut f: impl FnMut(*mut Node)) {
    unsafe {
        let nodes = if h.is_null() {
            return;
        } else {
            HashPart::nodes(h)
        };
        for i in 0..HashPart::size(h) {
            f(nodes.add(i));
        }
    }
}

/// Visits every node from the last to the first.
pub unsafe fn each_node_backwards(h: *mut HashPart, mut f: impl FnMut(*mut Node)) {
    unsafe {
        let nodes = if h.is_null() {
            return;
        } else {
            HashPart::nodes(h)
        };
        for i in (0..HashPart::size(h)).rev() {
            f(nodes.add(i));
        }
    }
}

/// A key that must be a live object (for the checker).
pub unsafe fn key_object(n: *const Node) -> Option<*mut Header> {
    unsafe {
        let k = (*n).key();
        if k.is_collectable() {
            Some(k.as_obj())
        } else {
            None
        }
    }
}
