//! Sweeping: dead objects are freed, the others get the colour and age of the next cycle.
//!
//! Sweeping goes block by block, in steps, class by class; the allocator sweeps ahead in a class whose blocks are used up, so that a sweep
//! in progress does not make the heap grow. `avail` lists are emptied when a sweep starts and filled again by it.

use super::State;
use super::block::{self, Block, CELL_SIZE, CLASSES, FIRST};
use super::mark::{age, get_age, is_dead, set_age, set_black};
use super::mark_bits::*;
use crate::object::{Header, LuaClosure, NativeClosure, Str, Table, Userdata};
use crate::proto::{Cache, RtProto};
use crate::state::Global;
use crate::table::shape::Shape;
use crate::thread::Thread;
use crate::value::Value;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use trinity_abi::tag;

/// Cells that are fetched before they are swept.
const AHEAD: usize = 4;

/// How a sweep treats survivors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Treat {
    /// Incremental: white again, age new.
    White,
    /// Entering generational mode: everything alive is old and black.
    Old,
    /// Minor collection: one step older.
    Older,
}

/// Frees what an object owns and its cell's contents; the cell itself stays where it is.
unsafe fn free_object(g: *mut Global, o: *mut Header) {
    unsafe {
        match (*o).kind {
            tag::SHORT_STR => crate::string::forget(g, o.cast()),
            tag::TABLE => crate::table::free(g, o.cast()),
            tag::THREAD => {
                let th: *mut Thread = o.cast();
                ((*g).heap.callbacks.free_thread)(g, th);
            }
            tag::PROTO => {
                let p: *mut RtProto = o.cast();
                let heap = &mut (*g).heap;
                let consts = (*p).num_consts as usize;
                if !(*p).consts.is_null() {
                    heap.raw_free((*p).consts.cast(), consts.max(1) * size_of::<Value>());
                }
                if !(*p).caches.is_null() {
                    heap.raw_free((*p).caches.cast(), Cache::bytes((*p).num_caches));
                }
                std::ptr::drop_in_place(p);
            }
            tag::SHAPE => crate::table::shape::free(g, o.cast::<Shape>()),
            _ => {}
        }
    }
}

/// Applies a sweep to one object; true when it is dead.
#[inline(always)]
unsafe fn sweep_object(g: *mut Global, o: *mut Header, treat: Treat, white: u8) -> bool {
    unsafe {
        let mark = (*o).mark;
        let dead = WHITES & !white;
        match treat {
            Treat::White => {
                if mark & dead != 0 && mark & FIXED == 0 {
                    return true;
                }
                (*o).mark = mark & !(COLOURS | AGE) | white;
            }
            Treat::Old => {
                if mark & dead != 0 && mark & FIXED == 0 {
                    return true;
                }
                set_black(o);
                set_age(o, age::OLD);
                if (*o).kind == tag::THREAD {
                    (*g).heap.link_gray_again(o);
                }
            }
            Treat::Older => {
                if mark & WHITES != 0 {
                    if mark & FIXED == 0 {
                        return true;
                    }
                    set_black(o);
                }
                match get_age(o) {
                    age::NEW => {
                        (*o).mark =
                            (*o).mark & !(COLOURS | AGE) | white | age::SURVIVAL << AGE_SHIFT
                    }
                    age::SURVIVAL | age::OLD0 => {
                        set_age(o, age::OLD1);
                        let heap = &mut (*g).heap;
                        super::mark::push(&mut heap.old1, &mut heap.old1_lost, o);
                    }
                    _ => {}
                }
            }
        }
        false
    }
}

/// Overwrites a freed cell so that use after free is noticed.
unsafe fn poison(o: *mut Header, size: usize) {
    unsafe {
        o.cast::<u8>().write_bytes(0xDB, size);
        (*o).kind = 0;
    }
}

/// Frees a dead object and its cell.
unsafe fn bury(g: *mut Global, o: *mut Header, cell: usize) {
    unsafe {
        let plain = match (*o).kind {
            tag::TABLE => crate::table::owns_nothing(o.cast()),
            kind => matches!(kind, tag::LUA_FN | tag::CELL),
        };
        if !plain {
            free_object(g, o);
        }
        (*o).kind = 0;
        if (*g).heap.stress != super::Stress::Off {
            poison(o, cell);
        }
    }
}

/// The cells of a block that were ever handed out, each fetched a little before it is looked at.
unsafe fn cells(b: *mut Block) -> impl Iterator<Item = *mut Header> {
    let (cell, top) = unsafe { ((*b).cell as usize, b as usize + (*b).top as usize) };
    let mut at = b as usize + FIRST;
    std::iter::from_fn(move || {
        if at >= top {
            return None;
        }
        let o = at as *mut Header;
        at += cell;
        // Of large cells, processors don't fetch the next ones by themselves.
        // SAFETY: any address may be fetched.
        unsafe { _mm_prefetch::<_MM_HINT_T0>((at + AHEAD * cell) as *const i8) };
        Some(o)
    })
}

/// Sweeps one block. Returns (objects visited, cells alive).
#[inline(always)]
unsafe fn sweep_cells(g: *mut Global, b: *mut Block, treat: Treat) -> (usize, usize) {
    unsafe {
        let white = (*g).heap.current_white;
        let cell = (*b).cell as usize;
        let (mut alive, mut freed, mut young) = (0, 0, false);
        for o in cells(b) {
            if (*o).kind == 0 {
                continue;
            }
            if sweep_object(g, o, treat, white) {
                bury(g, o, cell);
                freed += 1;
            } else {
                alive += 1;
                young |= get_age(o) < age::OLD1;
            }
        }
        (*g).heap.debt -= (freed * cell) as isize;
        (*b).young = young || (*b).current;
        (alive + freed, alive)
    }
}

/// [`sweep_cells`], with a loop of its own for each treatment.
unsafe fn sweep_block(g: *mut Global, b: *mut Block, treat: Treat) -> (usize, usize) {
    unsafe {
        match treat {
            Treat::White => sweep_cells(g, b, Treat::White),
            Treat::Old => sweep_cells(g, b, Treat::Old),
            Treat::Older => sweep_cells(g, b, Treat::Older),
        }
    }
}

/// After a block was swept: offers its free cells, or returns true when the block is empty and may be released.
unsafe fn offer(g: *mut Global, b: *mut Block, alive: usize) -> bool {
    unsafe {
        let cell = (*b).cell as usize;
        if (*b).current {
            // Free cells again before fresh ones, where they are many: a small heap stays in the pages and caches that it has. What is left of the
            // class's run is handed out before the next run is looked for, so no cell is found twice.
            if 2 * alive * cell < (*b).top as usize - FIRST {
                (*b).pos = FIRST as u32;
            }
            return false;
        }
        if alive == 0 {
            return true;
        }
        let cells = ((*b).end as usize - FIRST) / cell;
        if alive < cells {
            (*b).pos = FIRST as u32;
            if !(*b).in_avail {
                (*b).in_avail = true;
                // has room for every block of the class
                (*g).heap.classes[(*b).class as usize].avail.push(b);
            }
        }
        false
    }
}

/// Sweeps block `i` of a class; the index of the next block to sweep.
unsafe fn sweep_nth(g: *mut Global, class: usize, i: usize, treat: Treat) -> (usize, usize) {
    unsafe {
        let b = (&(*g).heap.classes)[class].blocks[i];
        let before = (*g).heap.debt;
        let (visited, alive) = sweep_block(g, b, treat);
        note_gain(g, before);
        let release = offer(g, b, alive) && !(*b).in_avail;
        if release {
            let heap = &mut (*g).heap;
            heap.classes[class].blocks.swap_remove(i);
            heap.chunks.release(b);
            (i, visited)
        } else {
            (i + 1, visited)
        }
    }
}

/// The allocator needs cells of class `c` during a sweep: sweeps blocks of the class until one has free cells.
pub(super) unsafe fn sweep_ahead(g: *mut Global, c: usize) -> bool {
    unsafe {
        while (&(*g).heap.classes)[c].sweep_pos < (&(*g).heap.classes)[c].blocks.len() {
            let pos = (&(*g).heap.classes)[c].sweep_pos;
            let (next, _) = sweep_nth(g, c, pos, Treat::White);
            let class = &mut (*g).heap.classes[c];
            class.sweep_pos = next;
            if !class.avail.is_empty() {
                return true;
            }
        }
        false
    }
}

/// Starts an incremental sweep.
pub(super) unsafe fn enter(g: *mut Global) {
    unsafe {
        let heap = &mut (*g).heap;
        for class in &mut heap.classes {
            for b in class.avail.drain(..) {
                (*b).in_avail = false;
            }
            class.sweep_pos = 0;
        }
        heap.sweep_class = 0;
        heap.sweep_large = 0;
        heap.state = State::SweepBlocks;
    }
}

/// One step of an incremental sweep; returns the work done.
pub(super) unsafe fn sweep_step(g: *mut Global) -> usize {
    unsafe {
        let mut work = 0;
        if (*g).heap.state == State::SweepBlocks {
            let c = (*g).heap.sweep_class;
            let (pos, n) = {
                let class = &(&(*g).heap.classes)[c];
                (class.sweep_pos, class.blocks.len())
            };
            if pos < n {
                let (next, visited) = sweep_nth(g, c, pos, Treat::White);
                (*g).heap.classes[c].sweep_pos = next;
                work = visited;
            } else {
                let heap = &mut (*g).heap;
                heap.classes[c].sweep_pos = usize::MAX;
                heap.sweep_class += 1;
                if heap.sweep_class == CLASSES {
                    heap.state = State::SweepLarge;
                }
            }
        } else {
            while work < 100 && (*g).heap.sweep_large < (*g).heap.large.len() {
                let i = (*g).heap.sweep_large;
                if !sweep_nth_large(g, i, Treat::White) {
                    (*g).heap.sweep_large = i + 1;
                }
                work += 1;
            }
            if work < 100 {
                (*g).heap.state = State::SweepEnd;
            }
        }
        work
    }
}

/// Sweeps large object `i`; true when it was freed (and another one took its place).
unsafe fn sweep_nth_large(g: *mut Global, i: usize, treat: Treat) -> bool {
    unsafe {
        let o = (&(*g).heap.large)[i].object;
        if !sweep_object(g, o, treat, (*g).heap.current_white) {
            return false;
        }
        let before = (*g).heap.debt;
        free_object(g, o);
        let large = (*g).heap.large.swap_remove(i);
        block::system_free(large.object.cast(), large.size);
        (*g).heap.debt -= large.size as isize;
        note_gain(g, before);
        true
    }
}

/// Memory freed since the debt was `before` lowers the estimate of what is alive.
unsafe fn note_gain(g: *mut Global, before: isize) {
    unsafe {
        let heap = &mut (*g).heap;
        let gained = (before - heap.debt).max(0) as usize;
        heap.estimate = heap.estimate.saturating_sub(gained);
    }
}

/// Sweeps the whole heap at once.
pub(super) unsafe fn sweep_all(g: *mut Global, treat: Treat) {
    unsafe {
        for c in 0..CLASSES {
            let mut i = 0;
            while i < (&(*g).heap.classes)[c].blocks.len() {
                (i, _) = sweep_nth(g, c, i, treat);
            }
        }
        let mut i = 0;
        while i < (*g).heap.large.len() {
            if !sweep_nth_large(g, i, treat) {
                i += 1;
            }
        }
        (*g).heap.large_young = if treat == Treat::Old {
            (*g).heap.large.len()
        } else {
            0
        };
    }
}

/// Sweep of a minor collection: only blocks with young objects.
pub(super) unsafe fn sweep_young(g: *mut Global) {
    unsafe {
        for c in 0..CLASSES {
            let mut i = 0;
            while i < (&(*g).heap.classes)[c].blocks.len() {
                if (*(&(*g).heap.classes)[c].blocks[i]).young {
                    (i, _) = sweep_nth(g, c, i, Treat::Older);
                } else {
                    i += 1;
                }
            }
        }
        let mut i = (*g).heap.large_young;
        while i < (*g).heap.large.len() {
            if sweep_nth_large(g, i, Treat::Older) {
                continue;
            }
            if get_age((&(*g).heap.large)[i].object) >= age::OLD1 {
                let first = (*g).heap.large_young;
                (*g).heap.large.swap(first, i);
                (*g).heap.large_young = first + 1;
            }
            i += 1;
        }
    }
}

/// Makes everything white and new; nothing is freed.
pub(super) unsafe fn whiten_all(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let white = (*heap).current_white;
        let whiten = |o: *mut Header| (*o).mark = (*o).mark & !(COLOURS | AGE) | white;
        for class in &(*heap).classes {
            for &b in &class.blocks {
                (*b).young = true;
                // Free cells too: who takes one writes its header.
                cells(b).for_each(whiten);
            }
        }
        for large in &(*heap).large {
            whiten(large.object);
        }
        (*heap).large_young = 0;
    }
}

/// Visits every object, dead or alive.
pub(super) unsafe fn each_object(g: *mut Global, mut f: impl FnMut(*mut Header)) {
    unsafe {
        for c in 0..CELL_SIZE.len() {
            let n = (&(*g).heap.classes)[c].blocks.len();
            for i in 0..n {
                let b = (&(*g).heap.classes)[c].blocks[i];
                for o in cells(b).filter(|o| (**o).kind != 0) {
                    f(o);
                }
            }
        }
        for i in 0..(*g).heap.large.len() {
            f((&(*g).heap.large)[i].object);
        }
    }
}

/// Visits every object that is not known to be garbage.
///
/// # Safety
/// `g` is live; nothing is allocated meanwhile.
pub unsafe fn each_live(g: *mut Global, mut f: impl FnMut(*mut Header)) {
    unsafe {
        each_object(g, |o| {
            if !is_dead(g, o) {
                f(o);
            }
        });
    }
}

/// State close: frees every object. Nothing of the state may be used afterwards.
pub unsafe fn free_all(g: *mut Global) {
    unsafe {
        (*g).heap.busy = true;
        // Nothing is allocated here: memory may have run out.
        each_object(g, |o| {
            // interned strings and shapes have their tables dropped with the state
            if !matches!((*o).kind, tag::SHORT_STR) {
                free_object(g, o);
            }
        });
        let heap = &mut (*g).heap;
        for l in heap.large.drain(..) {
            block::system_free(l.object.cast(), l.size);
        }
        *heap = super::Heap {
            chunks: std::mem::replace(&mut heap.chunks, block::Chunks::new()),
            ..super::Heap::new()
        };
        heap.chunks.unmap();
        heap.busy = true;
    }
}

/// Bytes of an object's cell, for the checker.
pub(super) unsafe fn expected_size(o: *mut Header) -> usize {
    unsafe {
        let n = (*o).aux32 as usize;
        match (*o).kind {
            tag::SHORT_STR | tag::LONG_STR => size_of::<Str>() + (*o.cast::<Str>()).len + 1,
            tag::TABLE => size_of::<Table>(),
            tag::LUA_FN => size_of::<LuaClosure>() + 8 * n,
            tag::NATIVE_FN => size_of::<NativeClosure>() + 16 * n,
            tag::USERDATA => size_of::<Userdata>() + 16 * n + (*o.cast::<Userdata>()).len,
            tag::THREAD => crate::stack::THREAD_CELL,
            tag::PROTO => size_of::<RtProto>(),
            tag::SHAPE => size_of::<Shape>(),
            _ => size_of::<Header>(),
        }
    }
}
