//! Where cells come from: 64 KB-aligned blocks of equal cells, and memory for backing stores.
//!
//! Problem: objects must be found by the sweeper, allocated by a few machine instructions, and never move. Every size class owns blocks;
//! the heap holds one free *run* `[cursor, end)` per class, and allocation bumps the cursor. A run is found by scanning the headers of the
//! class's current block for cells whose kind byte is 0; that scan happens once per block and collection.
//!
//! Invariants:
//! - `object & !(BLOCK - 1)` is the header of an object's block, unless the object is large.
//! - A cell below its block's `top` is free exactly if its kind byte is 0. Cells from `top` on were never handed out; their contents mean nothing.
//! - The cells of a class's run are below `top`, free, and already accounted for.
//! - A block is in at most one of: its class's `avail` list, being allocated from (`current`), neither (full, or not swept yet).
//!
//! Backing stores (slots, arrays, hash parts, ...) come from free lists per size class, which the sweeper never sees, or from the system when large.

use super::AllocError;
use std::alloc::Layout;
use std::ptr::null_mut;
pub use trinity_abi::heap::{CELL_SIZE, CLASSES, MAX_CELL, class_of};

/// Size and alignment of a block.
pub const BLOCK: usize = 1 << 16;
/// What is asked for from the system at once, and its alignment: a large page.
const CHUNK: usize = 32 * BLOCK;
/// Chunks after which further ones are to be large pages: a small heap takes what it needs only.
const SMALL_CHUNKS: usize = 8;
/// Offset of the first cell.
pub(super) const FIRST: usize = 64;
/// Longest run handed out at once: bounds how late allocation is noticed by the pacing.
const MAX_RUN: usize = 4096;
/// Header of a block.
#[repr(C)]
pub struct Block {
    pub(super) cell: u32,
    pub(super) class: u8,
    /// Holds objects younger than OLD1 (generational mode).
    pub(super) young: bool,
    pub(super) in_avail: bool,
    pub(super) current: bool,
    /// Where the search for the next free run continues (byte offset).
    pub(super) pos: u32,
    /// End of the cells ever handed out.
    pub(super) top: u32,
    /// End of the last cell.
    pub(super) end: u32,
}

/// A free run of a class. The layout is known to machine code.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Run {
    pub cursor: *mut u8,
    pub end: *mut u8,
}

/// One size class.
pub(super) struct Class {
    pub(super) current: *mut Block,
    pub(super) blocks: Vec<*mut Block>,
    pub(super) avail: Vec<*mut Block>,
    /// Blocks below this index have been swept in this cycle.
    pub(super) sweep_pos: usize,
}

impl Class {
    pub(super) const fn new() -> Class {
        Class {
            current: null_mut(),
            blocks: Vec::new(),
            avail: Vec::new(),
            sweep_pos: usize::MAX,
        }
    }
}

/// Memory obtained from the system, in blocks.
pub(super) struct Chunks {
    free: Vec<*mut Block>,
    /// How many of `free`, from the start, gave their memory back to the system.
    trimmed: usize,
    chunks: Vec<*mut u8>,
    next: *mut u8,
    end: *mut u8,
    /// A chunk for when the system gives no more.
    spare: *mut u8,
    /// The spare chunk is in use: the next safe point must collect.
    pub(super) short: bool,
}

impl Chunks {
    pub(super) const fn new() -> Chunks {
        Chunks {
            free: Vec::new(),
            trimmed: 0,
            chunks: Vec::new(),
            next: null_mut(),
            end: null_mut(),
            spare: null_mut(),
            short: false,
        }
    }

    /// An uninitialised block.
    fn take(&mut self) -> Result<*mut Block, AllocError> {
        if let Some(b) = self.free.pop() {
            self.trimmed = self.trimmed.min(self.free.len());
            return Ok(b);
        }
        if self.next == self.end {
            self.map_chunk()?;
        }
        let b = self.next;
        self.next = unsafe { b.add(BLOCK) };
        Ok(b.cast())
    }

    fn map_chunk(&mut self) -> Result<(), AllocError> {
        self.chunks.try_reserve(1).map_err(|_| AllocError)?;
        if self.spare.is_null() && !self.short {
            // A program that never gets this far needs none.
            self.keep_spare();
        }
        let base = match Self::map() {
            Ok(base) => {
                if self.chunks.len() >= SMALL_CHUNKS {
                    // SAFETY: a mapping of our own; where there are no large pages nothing happens.
                    unsafe { libc::madvise(base.cast(), CHUNK, libc::MADV_HUGEPAGE) };
                }
                base
            }
            Err(e) => {
                if self.spare.is_null() {
                    return Err(e);
                }
                self.short = true;
                std::mem::replace(&mut self.spare, null_mut())
            }
        };
        self.chunks.push(base);
        self.next = base;
        // SAFETY: the end of the mapping.
        self.end = unsafe { base.add(CHUNK) };
        Ok(())
    }

    /// Tries to have a spare chunk again.
    pub(super) fn keep_spare(&mut self) {
        if self.spare.is_null() {
            self.spare = Self::map().unwrap_or(null_mut());
        }
        self.short = false;
    }

    /// Unmaps chunks that consist of free blocks.
    pub(super) fn release_chunks(&mut self) {
        let chunk_of = |chunks: &[*mut u8], b: *mut Block| {
            chunks
                .partition_point(|&c| c as usize <= b as usize)
                .checked_sub(1)
        };
        self.chunks.sort_unstable();
        let Ok(mut count) = zeros(self.chunks.len()) else {
            return;
        };
        for &b in &self.free {
            if let Some(n) = chunk_of(&self.chunks, b).and_then(|c| count.get_mut(c)) {
                *n += 1;
            }
        }
        let whole = |count: &[u32], c: usize| count[c] as usize == CHUNK / BLOCK;
        let chunks = &self.chunks;
        self.free
            .retain(|&b| !chunk_of(chunks, b).is_some_and(|c| whole(&count, c)));
        self.trimmed = 0;
        let mut c = 0;
        self.chunks.retain(|&p| {
            c += 1;
            let gone = whole(&count, c - 1);
            if gone {
                // SAFETY: all its blocks are free, and no list names them any more.
                unsafe { libc::munmap(p.cast(), CHUNK) };
            }
            !gone
        });
    }

    fn map() -> Result<*mut u8, AllocError> {
        let len = 2 * CHUNK;
        // SAFETY: a fresh anonymous mapping; the unaligned head and tail are given back.
        unsafe {
            let p = libc::mmap(
                null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if p == libc::MAP_FAILED {
                return Err(AllocError);
            }
            let p = p.cast::<u8>();
            let head = p.align_offset(CHUNK);
            let base = p.add(head);
            if head > 0 {
                libc::munmap(p.cast(), head);
            }
            if head < CHUNK {
                libc::munmap(base.add(CHUNK).cast(), CHUNK - head);
            }
            Ok(base)
        }
    }

    /// Takes back an empty block.
    pub(super) fn release(&mut self, b: *mut Block) {
        if self.free.try_reserve(1).is_ok() {
            self.free.push(b);
        }
    }

    /// Gives the memory of free blocks beyond `keep` back to the system; their addresses stay ours.
    pub(super) fn trim(&mut self, keep: usize) {
        let until = self.free.len().saturating_sub(keep);
        for &b in self.free.iter().take(until).skip(self.trimmed) {
            // SAFETY: the block is free, its contents mean nothing.
            unsafe { libc::madvise(b.cast(), BLOCK, libc::MADV_DONTNEED) };
        }
        self.trimmed = self.trimmed.max(until);
    }

    /// Unmaps everything.
    pub(super) unsafe fn unmap(&mut self) {
        for &c in &self.chunks {
            unsafe { libc::munmap(c.cast(), CHUNK) };
        }
        if !self.spare.is_null() {
            unsafe { libc::munmap(self.spare.cast(), CHUNK) };
            self.spare = null_mut();
        }
        self.chunks.clear();
        self.free.clear();
        self.next = null_mut();
        self.end = null_mut();
    }

    /// A block laid out for `class`, with no cell handed out.
    pub(super) fn block_for(&mut self, class: usize) -> Result<*mut Block, AllocError> {
        let b = self.take()?;
        let cell = CELL_SIZE[class];
        let cells = (BLOCK - FIRST) as u32 / cell;
        // SAFETY: `take` gives exclusive memory of BLOCK bytes.
        unsafe {
            b.write(Block {
                cell,
                class: class as u8,
                young: false,
                in_avail: false,
                current: false,
                pos: FIRST as u32,
                top: FIRST as u32,
                end: FIRST as u32 + cells * cell,
            });
        }
        Ok(b)
    }
}

fn zeros(n: usize) -> Result<Vec<u32>, AllocError> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| AllocError)?;
    v.resize(n, 0);
    Ok(v)
}

/// The next free run of a block of at most `max` bytes (at least one cell); `None` when the block is exhausted.
pub(super) unsafe fn next_run(b: *mut Block, max: usize) -> Option<Run> {
    unsafe {
        let base = b.cast::<u8>();
        let (cell, top, last) = ((*b).cell, (*b).top, (*b).end);
        let mut at = (*b).pos;
        while at < top && *base.add(at as usize) != 0 {
            at += cell;
        }
        if at >= last {
            (*b).pos = last;
            return None;
        }
        let start = at;
        let max = (max as u32).max(cell);
        while at < last && at - start + cell <= max {
            if at >= top {
                // never handed out: becomes recognisable as free
                *base.add(at as usize) = 0;
            } else if *base.add(at as usize) != 0 {
                break;
            }
            at += cell;
        }
        (*b).pos = at;
        (*b).top = top.max(at);
        Some(Run {
            cursor: base.add(start as usize),
            end: base.add(at as usize),
        })
    }
}

/// Longest run for a heap in normal operation, or single cells under stress.
pub(super) fn run_limit(stress: bool) -> usize {
    if stress { 0 } else { MAX_RUN }
}

const MAX_RAW: usize = 1024;

/// Memory for backing stores.
pub(super) struct Raw {
    free: [*mut u8; CLASSES],
    carve: [Run; CLASSES],
}

impl Raw {
    pub(super) const fn new() -> Raw {
        Raw {
            free: [null_mut(); CLASSES],
            carve: [Run {
                cursor: null_mut(),
                end: null_mut(),
            }; CLASSES],
        }
    }

    #[inline]
    pub(super) fn alloc(
        &mut self,
        chunks: &mut Chunks,
        size: usize,
    ) -> Result<*mut u8, AllocError> {
        if size > MAX_RAW {
            return system_alloc(size);
        }
        let c = class_of(size.max(1));
        let p = self.free[c];
        if !p.is_null() {
            // SAFETY: the first word of a free cell links to the next.
            self.free[c] = unsafe { p.cast::<*mut u8>().read() };
            return Ok(p);
        }
        let run = &mut self.carve[c];
        if run.cursor == run.end {
            let b = chunks.block_for(c)?;
            // SAFETY: the cells of a fresh block.
            unsafe {
                run.cursor = b.cast::<u8>().add(FIRST);
                run.end = b.cast::<u8>().add((*b).end as usize);
            }
        }
        let p = run.cursor;
        run.cursor = unsafe { p.add(CELL_SIZE[c] as usize) };
        Ok(p)
    }

    #[inline]
    pub(super) unsafe fn free(&mut self, p: *mut u8, size: usize) {
        unsafe {
            if size > MAX_RAW {
                system_free(p, size);
            } else {
                let c = class_of(size.max(1));
                p.cast::<*mut u8>().write(self.free[c]);
                self.free[c] = p;
            }
        }
    }
}

/// Memory from the system allocator, 16-byte aligned.
pub(super) fn system_alloc(size: usize) -> Result<*mut u8, AllocError> {
    let layout = Layout::from_size_align(size, 16).map_err(|_| AllocError)?;
    // SAFETY: callers never ask for 0 bytes.
    let p = unsafe { std::alloc::alloc(layout) };
    if p.is_null() { Err(AllocError) } else { Ok(p) }
}

/// Counterpart of [`system_alloc`].
pub(super) unsafe fn system_free(p: *mut u8, size: usize) {
    // SAFETY: the layout was valid when the memory was allocated.
    unsafe { std::alloc::dealloc(p, Layout::from_size_align_unchecked(size, 16)) }
}
