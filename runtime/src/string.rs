//! Strings: short ones (at most 40 bytes) are interned, so that equality is pointer equality; long ones are compared by content and hashed
//! on first use.
//!
//! The interner is an open-addressing table of pointers with 20 hash bits packed above each pointer, so that a probe rarely reads a string that
//! is not the wanted one. The same bits say where an entry belongs (in tables of up to 2^20 slots), so that growing, and closing the gap where
//! an entry was removed, read no strings either. It holds its strings weakly: the sweeper removes what it frees, and a string found dead but
//! not swept yet is revived.
//! Hashes depend on the state's seed and on the whole string.
#![allow(clippy::missing_safety_doc)] // as in `heap`: `g` points to a live state, strings are live

use crate::heap::{self, AllocError};
use crate::object::{Header, Str};
use crate::state::Global;
use crate::value::Value;
use std::cmp::Ordering;
use trinity_abi::string::{GROWS, MAX_SHORT};
use trinity_abi::tag;

/// `flags` of a long string: `aux32` is its hash (before, the seed).
const HASHED: u8 = 1;

/// Slot of the interner: 0, or a pointer without its low zeros, and the first hash bits.
type Slot = u64;
const FREE: Slot = 0;
/// Hash bits of a slot are from this one on.
const BITS: u32 = 44;
/// Zeros at the end of each pointer.
const ZEROS: u32 = 4;
/// Tables larger than this need the rest of the hash.
const KNOWN: usize = 1 << (64 - BITS);
const FIRST_CAPACITY: usize = 512;

/// The table of short strings.
pub struct Interner {
    pub seed: u32,
    slots: Vec<Slot>,
    live: usize,
    /// Most strings since the last collection.
    peak: usize,
}

impl Interner {
    /// An empty table. The seed goes into every hash.
    pub fn new(seed: u32) -> Interner {
        Interner {
            seed,
            slots: Vec::new(),
            live: 0,
            peak: 0,
        }
    }
    /// Number of strings, dead but unswept ones included.
    pub fn len(&self) -> usize {
        self.live
    }
    /// No room for another string.
    fn is_crowded(&self) -> bool {
        (self.live + 1) * 8 > self.slots.len() * 5
    }
    /// Much larger than it ever had to be lately.
    fn is_sparse(&self) -> bool {
        self.slots.len() > FIRST_CAPACITY && self.peak * 8 < self.slots.len()
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

/// A text of at most 16 bytes as a number, its first byte lowest: the first bytes of its string's cell, which has zeros behind a shorter text.
pub type Word = u128;
/// Longest text of a [`Word`].
pub const WORD: usize = size_of::<Word>();

/// A text as a [`Word`]. Pieces that overlap have the same bits there.
#[inline(always)]
pub fn word(b: &[u8]) -> Word {
    debug_assert!(b.len() <= WORD);
    if let (Some(first), Some(last)) = (b.first_chunk(), b.last_chunk()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        // The last bytes without those that the first ones are: a shift by 0 to 64.
        let half = 4 * (WORD - b.len());
        Word::from(last >> half >> half) << 64 | Word::from(first)
    } else if let (Some(first), Some(last)) = (b.first_chunk(), b.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        Word::from(u64::from(first) | u64::from(last) << (8 * (b.len() - 4)))
    } else if let [first, .., last] = b {
        let end = u64::from(*last) << (8 * (b.len() - 1));
        Word::from(u64::from(*first) | u64::from(b[1]) << 8 | end)
    } else {
        b.first().map_or(0, |&c| Word::from(c))
    }
}

/// The text of a string of at most 16 bytes as a [`Word`].
#[inline(always)]
pub unsafe fn word_of(s: *mut Str) -> Word {
    // SAFETY: a live string; cells have 16 bytes of text at least.
    unsafe { Word::from_le(Str::data(s).cast::<Word>().read_unaligned()) }
}

/// The part of a string that C sees: names in messages end at the first zero, as in the reference.
pub fn c_part(s: &[u8]) -> &[u8] {
    s.split(|&b| b == 0).next().unwrap_or(s)
}

/// The seed as a factor, and what a hash begins with. The seed is in all factors: no text makes one of them zero.
#[inline(always)]
fn seeded(seed: u32) -> (u64, u64) {
    let seed = u64::from(seed) | 1;
    (seed, seed.wrapping_mul(K0))
}

/// The end of a hash: the last 16 bytes of a text, or all of it, and its length.
#[inline(always)]
fn end_hash(seed: u64, h: u64, w: Word, len: usize) -> u32 {
    let h = fold(
        h ^ w as u64,
        (w >> 64) as u64 ^ (K1 ^ len as u64).wrapping_mul(seed),
    );
    (h ^ (h >> 32)) as u32
}

/// Hash of a text of at most 16 bytes.
#[inline(always)]
fn hash_word(seed: u32, w: Word, len: usize) -> u32 {
    let (seed, h) = seeded(seed);
    end_hash(seed, h, w, len)
}

/// Hash of a longer text.
#[inline]
pub fn hash_bytes(seed: u32, b: &[u8]) -> u32 {
    let (seed, mut h) = seeded(seed);
    let mut rest = b;
    while let Some((first, more)) = rest.split_first_chunk::<WORD>()
        && !more.is_empty()
    {
        let w = Word::from_le_bytes(*first);
        h = fold(h ^ w as u64, (w >> 64) as u64 ^ seed.wrapping_mul(K1));
        rest = more;
    }
    // The last 16 bytes: some of them for the second time.
    let last = b.last_chunk().map_or(0, |l| Word::from_le_bytes(*l));
    end_hash(seed, h, last, b.len())
}

#[inline(always)]
fn pack(s: *mut Str, hash: u32) -> Slot {
    debug_assert!((s as u64).is_multiple_of(1 << ZEROS));
    s as u64 >> ZEROS | u64::from(hash >> 12) << BITS
}

#[inline(always)]
fn string_of(e: Slot) -> *mut Str {
    (e << (64 - BITS) >> (64 - BITS - ZEROS)) as *mut Str
}

/// Where a string with this hash belongs, in a table of any size.
#[inline(always)]
fn position(hash: u32) -> usize {
    hash.rotate_left(20) as usize
}

/// Where an entry belongs.
#[inline(always)]
unsafe fn home(e: Slot, mask: usize) -> usize {
    if mask < KNOWN {
        (e >> BITS) as usize & mask
    } else {
        // SAFETY: entries are strings.
        position(unsafe { (*string_of(e)).h.aux32 }) & mask
    }
}

/// A string object with the given bytes: interned when short (40 bytes or less).
#[inline(never)]
pub unsafe fn new(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    unsafe {
        if b.len() <= WORD {
            intern_word(g, word(b), b.len())
        } else if b.len() <= MAX_SHORT {
            intern_more(g, b)
        } else {
            let s = new_long(g, b.len(), false)?;
            Str::data(s).copy_from_nonoverlapping(b.as_ptr(), b.len());
            Ok(s)
        }
    }
}

/// The interned string of at most `MAX_SHORT` bytes.
#[inline(never)]
pub unsafe fn intern(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    unsafe {
        match b.len() {
            0..=WORD => intern_word(g, word(b), b.len()),
            _ => intern_more(g, b),
        }
    }
}

/// The interned string of more than 16 bytes.
#[inline(never)]
unsafe fn intern_more(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    unsafe {
        debug_assert!(b.len() <= MAX_SHORT);
        let hash = hash_bytes((*g).strings.seed, b);
        let equals = |s: *mut Str| Str::bytes(s) == b;
        if let Some(s) = find(g, hash, equals) {
            return Ok(s);
        }
        let s = add(g, b.len(), hash)?;
        Str::data(s).copy_from_nonoverlapping(b.as_ptr(), b.len());
        Ok(s)
    }
}

/// The interned string of a text of `len` bytes, at most 16.
pub unsafe fn intern_word(g: *mut Global, w: Word, len: usize) -> Result<*mut Str, AllocError> {
    unsafe {
        let hash = hash_word((*g).strings.seed, w, len);
        // Texts differ in their lengths alone where zeros are at their ends.
        if let Some(s) = find(g, hash, |s| word_of(s) == w && (*s).len == len) {
            return Ok(s);
        }
        let s = add(g, len, hash)?;
        Str::data(s).cast::<Word>().write_unaligned(w.to_le());
        Ok(s)
    }
}

/// The string with this hash that is the wanted one.
#[inline(always)]
unsafe fn find(g: *mut Global, hash: u32, equals: impl Fn(*mut Str) -> bool) -> Option<*mut Str> {
    unsafe {
        let table = &raw mut (*g).strings;
        let (slots, n) = ((*table).slots.as_ptr(), (*table).slots.len());
        let mut i = position(hash);
        if n == 0 {
            return None;
        }
        loop {
            // The capacity is a power of two, and there is always a free slot.
            let e = *slots.add(i & (n - 1));
            if e == FREE {
                return None;
            }
            if e >> BITS == u64::from(hash >> 12) {
                let s = string_of(e);
                if (*s).h.aux32 == hash && equals(s) {
                    heap::revive(g, s.cast());
                    return Some(s);
                }
            }
            i = i.wrapping_add(1);
        }
    }
}

/// A new string whose `len` bytes are still to be written.
#[inline(never)]
unsafe fn add(g: *mut Global, len: usize, hash: u32) -> Result<*mut Str, AllocError> {
    unsafe {
        let table = &raw mut (*g).strings;
        if (*table).is_crowded() {
            resize(g, ((*table).live + 1) * 2)?;
        }
        let s = alloc(g, tag::SHORT_STR, len, size_of::<Str>() + len + 1)?;
        (*s).h.aux32 = hash;
        // only now: allocating may have swept and so removed entries
        enter(&mut (*table).slots, pack(s, hash), position(hash));
        (*table).live += 1;
        (*table).peak = (*table).peak.max((*table).live);
        Ok(s)
    }
}

/// Puts an entry that belongs at position `i` into a free slot.
#[inline(always)]
fn enter(slots: &mut [Slot], e: Slot, i: usize) {
    let mask = slots.len() - 1;
    let mut i = i & mask;
    while slots[i] != FREE {
        i = (i + 1) & mask;
    }
    slots[i] = e;
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
            if e != FREE {
                let at = home(e, n - 1);
                enter(&mut slots, e, at);
            }
        }
        let old = std::mem::replace(&mut (*table).slots, slots);
        (*g).heap.account(8 * (n as isize - old.len() as isize));
        Ok(())
    }
}

/// After a collection: gives memory back when the table has become sparse.
pub(crate) unsafe fn shrink(g: *mut Global) {
    unsafe {
        let t = &raw mut (*g).strings;
        if (*t).is_sparse() {
            let _ = resize(g, ((*t).peak * 4).max((*t).live * 2));
        }
        (*t).peak = (*t).live;
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
        let mut hole = position(hash) & mask;
        while slots[hole] != entry {
            if slots[hole] == FREE {
                return; // cannot happen: every short string is in the table
            }
            hole = (hole + 1) & mask;
        }
        (*t).live -= 1;
        // What this entry pushed further moves back, so that searches end at the first free slot.
        let mut i = hole;
        loop {
            i = (i + 1) & mask;
            let e = slots[i];
            if e == FREE {
                break;
            }
            let passed = i.wrapping_sub(home(e, mask)) & mask;
            if passed >= i.wrapping_sub(hole) & mask {
                slots[hole] = e;
                hole = i;
            }
        }
        slots[hole] = FREE;
    }
}

unsafe fn alloc(
    g: *mut Global,
    kind: u8,
    len: usize,
    size: usize,
) -> Result<*mut Str, AllocError> {
    unsafe {
        let s: *mut Str = heap::alloc_object(g, kind, size)?.cast();
        (*s).len = len;
        *Str::data(s).add(len) = 0;
        Ok(s)
    }
}

/// A long string whose `n` bytes (more than `MAX_SHORT`) are still to be written. `grows`: with room behind its end.
#[inline(never)]
pub unsafe fn new_long(g: *mut Global, n: usize, grows: bool) -> Result<*mut Str, AllocError> {
    unsafe {
        debug_assert!(n > MAX_SHORT);
        let size = n.checked_add(size_of::<Str>() + 1).ok_or(AllocError)?;
        let size = if grows { size.next_power_of_two() } else { size };
        let s = alloc(g, tag::LONG_STR, n, size)?;
        (*s).h.aux32 = (*g).strings.seed;
        (*s).h.flags = if grows { GROWS } else { 0 };
        Ok(s)
    }
}

/// A string that may grow.
#[inline]
pub unsafe fn is_growing(v: Value) -> bool {
    v.t == tag::LONG_STR && unsafe { (*v.as_str()).h.flags & GROWS != 0 }
}

/// Gives a string that may grow another length, if it has the room. False: another value.
#[inline]
pub unsafe fn extend(v: Value, total: usize) -> bool {
    unsafe {
        if !is_growing(v) {
            return false;
        }
        let (s, own) = (v.as_str(), size_of::<Str>() + 1);
        if total + own > ((*s).len + own).next_power_of_two() {
            return false;
        }
        debug_assert!((*s).h.flags & HASHED == 0);
        (*s).len = total;
        *Str::data(s).add(total) = 0;
        true
    }
}

/// Somebody else refers to a value from now on: a string does not grow any more.
pub unsafe fn share(v: Value) {
    if v.t == tag::LONG_STR {
        unsafe { (*v.as_str()).h.flags &= !GROWS };
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
        let s = new_long(g, n, false)?;
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

/// The order of two strings by their bytes: mostly the first eight decide.
#[inline]
pub unsafe fn order(a: *mut Str, b: *mut Str) -> Ordering {
    // A cell has 16 bytes of text at least; what is behind the string's end is not looked at.
    let head = |s: *mut Str| unsafe {
        let word = u64::from_be_bytes(Str::data(s).cast::<[u8; 8]>().read_unaligned());
        match (*s).len {
            0 => 0,
            n => word & u64::MAX << (64 - 8 * n.min(8)),
        }
    };
    let (x, y) = (head(a), head(b));
    if x != y {
        return x.cmp(&y);
    }
    // SAFETY: live strings.
    let (a, b) = unsafe { (Str::bytes(a), Str::bytes(b)) };
    match (a.get(8..), b.get(8..)) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => a.len().cmp(&b.len()),
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
