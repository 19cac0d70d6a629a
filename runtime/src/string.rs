//! Strings: short ones (at most 40 bytes) are interned, so that equality is pointer equality; long ones are compared by content and hashed
//! on first use.
//!
//! The interner is an open-addressing table of pointers with 16 hash bits packed above each pointer, so that a probe rarely reads a string that
//! is not the wanted one. It holds its strings weakly: the sweeper removes what it frees, and a string found dead but not swept yet is revived.
//! Hashes depend on the state's seed and on the whole string.
#![allow(clippy::missing_safety_doc)] // as in `heap`: `g` points to a live state, strings are live

use crate::heap::{self, AllocError};
use crate::object::{Header, Str};
use crate::state::Global;
use trinity_abi::{string::MAX_SHORT, tag};

/// `flags` of a long string: `aux32` is its hash (before, the seed).
const HASHED: u8 = 1;

/// Slot of the interner: 0 free, 1 deleted, else pointer and hash bits.
type Slot = u64;
const FREE: Slot = 0;
const DELETED: Slot = 1;
const PTR: u64 = (1 << 48) - 1;
const FIRST_CAPACITY: usize = 512;

/// The table of short strings.
pub struct Interner {
    pub seed: u32,
    slots: Vec<Slot>,
    live: usize,
    deleted: usize,
}

impl Interner {
    /// An empty table. The seed goes into every hash.
    pub fn new(seed: u32) -> Interner {
        Interner {
            seed,
            slots: Vec::new(),
            live: 0,
            deleted: 0,
        }
    }
    /// Number of strings, dead but unswept ones included.
    pub fn len(&self) -> usize {
        self.live
    }
    /// No room for another string.
    fn is_crowded(&self) -> bool {
        (self.live + self.deleted + 1) * 4 > self.slots.len() * 3
    }
    /// Much larger than needed.
    fn is_sparse(&self) -> bool {
        self.slots.len() > FIRST_CAPACITY && self.live * 8 < self.slots.len()
    }
    /// No strings.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let m = (a as u128) * (b as u128);
    (m as u64) ^ ((m >> 64) as u64)
}

const K0: u64 = 0x9E37_79B9_7F4A_7C15;
const K1: u64 = 0xD6E8_FEB8_6659_FD93;

/// The last 8 bytes of a string, or all of a shorter one spread over a word; with the length it tells short strings apart.
#[inline(always)]
fn last_word(b: &[u8]) -> u64 {
    if let Some(w) = b.last_chunk() {
        u64::from_le_bytes(*w)
    } else if let (Some(first), Some(last)) = (b.first_chunk(), b.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
    } else if let [first, .., last] = b {
        u64::from(*first) | u64::from(b[1]) << 8 | u64::from(*last) << 16
    } else {
        b.first().map_or(0, |&c| u64::from(c))
    }
}

/// The words in front of the last one.
#[inline(always)]
fn first_words(b: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let words = b.get(..b.len().saturating_sub(1)).unwrap_or(&[]);
    words
        .chunks_exact(8)
        .map(|w| w.first_chunk().map_or(0, |w| u64::from_le_bytes(*w)))
}

/// Equality of short strings, without a call.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && last_word(a) == last_word(b)
        && first_words(a).zip(first_words(b)).all(|(x, y)| x == y)
}

/// The part of a string that C sees: names in messages end at the first zero, as in the reference.
pub fn c_part(s: &[u8]) -> &[u8] {
    s.split(|&b| b == 0).next().unwrap_or(s)
}

/// Hash of bytes.
#[inline(never)]
pub fn hash_bytes(seed: u32, b: &[u8]) -> u32 {
    let mut h = (seed as u64) << 32 ^ b.len() as u64 ^ K1;
    for w in first_words(b) {
        h = fold(h ^ w, K0);
    }
    h = fold(h ^ last_word(b), K0);
    h = fold(h, K1);
    (h ^ (h >> 32)) as u32
}

#[inline(always)]
fn pack(s: *mut Str, hash: u32) -> Slot {
    s as u64 | ((hash >> 16) as u64) << 48
}

/// A string object with the given bytes: interned when short (40 bytes or less).
#[inline]
pub unsafe fn new(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    unsafe {
        if b.len() <= MAX_SHORT {
            intern(g, b)
        } else {
            let s = new_long(g, b.len())?;
            Str::data(s).copy_from_nonoverlapping(b.as_ptr(), b.len());
            Ok(s)
        }
    }
}

/// The interned string of at most `MAX_SHORT` bytes.
pub unsafe fn intern(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    unsafe {
        debug_assert!(b.len() <= MAX_SHORT);
        let table = &raw mut (*g).strings;
        let hash = hash_bytes((*table).seed, b);
        let slots = &(*table).slots;
        if !slots.is_empty() {
            let mask = slots.len() - 1;
            let mut i = hash as usize & mask;
            loop {
                let e = slots[i];
                if e == FREE {
                    break;
                }
                if e > DELETED && e >> 48 == (hash >> 16) as u64 {
                    let s = (e & PTR) as *mut Str;
                    if (*s).h.aux32 == hash && same(Str::bytes(s), b) {
                        heap::revive(g, s.cast());
                        return Ok(s);
                    }
                }
                i = (i + 1) & mask;
            }
        }
        add(g, b, hash)
    }
}

#[inline]
unsafe fn add(g: *mut Global, b: &[u8], hash: u32) -> Result<*mut Str, AllocError> {
    unsafe {
        let table = &raw mut (*g).strings;
        if (*table).is_crowded() {
            resize(g, ((*table).live + 1) * 2)?;
        }
        let s = alloc(g, tag::SHORT_STR, b.len())?;
        (*s).h.aux32 = hash;
        Str::data(s).copy_from_nonoverlapping(b.as_ptr(), b.len());
        // only now: allocating may have swept and so deleted entries
        let slots = &mut (*table).slots;
        let at = free_slot(slots, hash);
        if slots[at] == DELETED {
            (*table).deleted -= 1;
        }
        slots[at] = pack(s, hash);
        (*table).live += 1;
        Ok(s)
    }
}

fn free_slot(slots: &[Slot], hash: u32) -> usize {
    let mask = slots.len() - 1;
    let mut i = hash as usize & mask;
    while slots[i] > DELETED {
        i = (i + 1) & mask;
    }
    i
}

/// Makes the table large enough for `want` strings at half load.
unsafe fn resize(g: *mut Global, want: usize) -> Result<(), AllocError> {
    unsafe {
        let table = &raw mut (*g).strings;
        let n = want.next_power_of_two().max(FIRST_CAPACITY);
        let mut slots: Vec<Slot> = Vec::new();
        slots.try_reserve_exact(n).map_err(|_| AllocError)?;
        slots.resize(n, FREE);
        for &e in &(*table).slots {
            if e > DELETED {
                let hash = (*((e & PTR) as *mut Str)).h.aux32;
                let i = free_slot(&slots, hash);
                slots[i] = e;
            }
        }
        let old = std::mem::replace(&mut (*table).slots, slots);
        (*table).deleted = 0;
        (*g).heap.account(8 * (n as isize - old.len() as isize));
        Ok(())
    }
}

/// After a collection: gives memory back when the table has become sparse.
pub(crate) unsafe fn shrink(g: *mut Global) {
    unsafe {
        let t = &raw const (*g).strings;
        if (*t).is_sparse() {
            let _ = resize(g, (*t).live * 2);
        }
    }
}

/// Removes a dead short string from the table; called by the sweeper.
pub(crate) unsafe fn forget(g: *mut Global, s: *mut Str) {
    unsafe {
        let t = &raw mut (*g).strings;
        let slots = &mut (*t).slots;
        let hash = (*s).h.aux32;
        let entry = pack(s, hash);
        let mask = slots.len() - 1;
        let mut i = hash as usize & mask;
        while slots[i] != entry {
            if slots[i] == FREE {
                return; // cannot happen: every short string is in the table
            }
            i = (i + 1) & mask;
        }
        (*t).live -= 1;
        if slots[(i + 1) & mask] == FREE {
            // nothing was pushed further by this entry
            slots[i] = FREE;
        } else {
            slots[i] = DELETED;
            (*t).deleted += 1;
        }
    }
}

unsafe fn alloc(g: *mut Global, kind: u8, len: usize) -> Result<*mut Str, AllocError> {
    unsafe {
        let size = len.checked_add(size_of::<Str>() + 1).ok_or(AllocError)?;
        let s: *mut Str = heap::alloc_object(g, kind, size)?.cast();
        (*s).len = len;
        *Str::data(s).add(len) = 0;
        Ok(s)
    }
}

/// A long string whose `n` bytes (more than `MAX_SHORT`) are still to be written.
pub unsafe fn new_long(g: *mut Global, n: usize) -> Result<*mut Str, AllocError> {
    unsafe {
        debug_assert!(n > MAX_SHORT);
        let s = alloc(g, tag::LONG_STR, n)?;
        (*s).h.aux32 = (*g).strings.seed;
        Ok(s)
    }
}

/// A string of `n` bytes written by `fill` (all of them; they are zero before), without a copy when it is long.
pub unsafe fn new_with(
    g: *mut Global,
    n: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Result<*mut Str, AllocError> {
    unsafe {
        if n <= MAX_SHORT {
            let mut b = [0; MAX_SHORT];
            fill(&mut b[..n]);
            return intern(g, &b[..n]);
        }
        let s = new_long(g, n)?;
        let data = Str::data(s);
        data.write_bytes(0, n);
        fill(std::slice::from_raw_parts_mut(data, n));
        Ok(s)
    }
}

/// Hash of any string (computed on first use for long ones).
#[inline]
pub unsafe fn hash(s: *mut Str) -> u32 {
    unsafe {
        if (*s).h.kind == tag::LONG_STR && (*s).h.flags & HASHED == 0 {
            hash_long(s);
        }
        (*s).h.aux32
    }
}

#[cold]
#[inline(never)]
unsafe fn hash_long(s: *mut Str) {
    unsafe {
        (*s).h.aux32 = hash_bytes((*s).h.aux32, Str::bytes(s));
        (*s).h.flags |= HASHED;
    }
}

/// Content equality of two string objects.
#[inline(always)]
pub unsafe fn equal(a: *mut Str, b: *mut Str) -> bool {
    unsafe {
        a == b
            || ((*a).h.kind == tag::LONG_STR
                && (*b).h.kind == tag::LONG_STR
                && Str::bytes(a) == Str::bytes(b))
    }
}

/// Keeps the string alive for as long as the state.
pub unsafe fn fix(s: *mut Str) {
    unsafe { (*s.cast::<Header>()).mark |= heap::mark_bits::FIXED }
}

/// Marks a short string as the name of a metamethod event (`Event as u8`), so that stores to such keys are noticed. Also fixes it.
pub unsafe fn set_event(s: *mut Str, event: u8) {
    unsafe {
        (*s).h.aux8 = event + 1;
        fix(s);
    }
}

/// The metamethod event a string names.
#[inline(always)]
pub unsafe fn event_of(s: *mut Str) -> Option<u8> {
    unsafe { (*s).h.aux8.checked_sub(1) }
}
