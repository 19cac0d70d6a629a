//! Generational mode, as in the reference.
//!
//! New objects that survive two minor collections are old. Minor collections traverse only from the roots, from old objects stored to since
//! (`gray_again`, ages TOUCHED) and from objects that have just become old (`old1`), and sweep only blocks with young objects. Between
//! collections old objects are black (threads and touched objects are gray), young ones white.
//! When memory has grown by `majormul` per cent since the last major collection, the next one is major; if it frees too little ("bad"), the
//! collector behaves incrementally, with full cycles in one step, until one is good again.

use super::cycle::{atomic, clear_lists, restart, run_until};
use super::mark::{age, get_age, is_black, is_white, set_age, set_black, set_gray};
use super::sweep::{self, Treat};
use super::{Heap, Mode, State, finalize};
use crate::state::Global;
use trinity_abi::tag;

/// Least growth between two minor collections. A minor collection visits every block that was allocated from: in a small heap, `minor_mul`
/// per cent of it would be a few objects.
const LEAST_MINOR: usize = 512 << 10;
/// Least growth between two major collections.
const LEAST_MAJOR: usize = 2 * LEAST_MINOR;

impl Heap {
    fn set_minor_debt(&mut self) {
        let n = (self.gross() / 100)
            .saturating_mul(self.minor_mul as usize)
            .max(LEAST_MINOR);
        self.set_debt(-(n.min(isize::MAX as usize) as isize));
    }
}

/// Enters generational mode with a full collection; returns the number of objects traversed.
pub(super) unsafe fn enter(g: *mut Global) -> usize {
    unsafe {
        run_until(g, State::Pause);
        restart(g);
        (*g).heap.state = State::Propagate;
        let work = finish_marking(g);
        atomic_to_generational(g);
        (*g).heap.set_minor_debt();
        work
    }
}

unsafe fn finish_marking(g: *mut Global) -> usize {
    unsafe { super::mark::propagate_all(g) + atomic(g) }
}

/// After the atomic phase of a full collection: everything alive becomes old.
unsafe fn atomic_to_generational(g: *mut Global) {
    unsafe {
        clear_lists(g);
        let heap = &raw mut (*g).heap;
        (*heap).old1.clear();
        (*heap).old1_lost = false;
        (*heap).state = State::SweepEnd; // barriers must not mark
        sweep::sweep_all(g, Treat::Old);
        (*heap).finobj_old = (*heap).finobj.len();
        (*heap).mode = Mode::Generational;
        (*heap).last_atomic = 0;
        (*heap).estimate = (*heap).gross();
        finish_cycle(g);
    }
}

/// Leaves generational mode: everything is white and new.
pub(super) unsafe fn leave(g: *mut Global) {
    unsafe {
        clear_lists(g);
        let heap = &raw mut (*g).heap;
        (*heap).old1.clear();
        (*heap).old1_lost = false;
        sweep::whiten_all(g);
        (*heap).finobj_old = 0;
        (*heap).state = State::Pause;
        (*heap).mode = Mode::Incremental;
        (*heap).last_atomic = 0;
    }
}

/// A full collection in generational mode.
pub(super) unsafe fn full(g: *mut Global) -> usize {
    unsafe {
        leave(g);
        enter(g)
    }
}

/// A generational step (or a step after a bad collection).
pub(super) unsafe fn step(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        if (*heap).last_atomic != 0 {
            step_full(g);
            return;
        }
        let base = (*heap).estimate;
        let growth = (base / 100)
            .saturating_mul((*heap).major_mul as usize * 4)
            .max(LEAST_MAJOR);
        if (*heap).old1_lost || (*heap).debt > 0 && (*heap).gross() > base.saturating_add(growth) {
            let work = full(g);
            if (*heap).gross() >= base.saturating_add(growth / 2) {
                (*heap).last_atomic = work.max(1); // bad: wait long for the next one
                (*heap).set_pause_debt();
            }
        } else {
            young(g);
            (*heap).set_minor_debt();
            (*heap).estimate = base;
        }
    }
}

/// After a bad collection: a full cycle, incremental unless it turns out good.
unsafe fn step_full(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let last = (*heap).last_atomic;
        if (*heap).mode == Mode::Generational {
            leave(g);
        }
        run_until(g, State::Propagate);
        let work = finish_marking(g);
        if work < last + (last >> 3) {
            atomic_to_generational(g);
            (*heap).set_minor_debt();
        } else {
            (*heap).estimate = (*heap).gross();
            sweep::enter(g);
            run_until(g, State::Pause);
            (*heap).set_pause_debt();
            (*heap).last_atomic = work.max(1);
        }
    }
}

/// A minor collection.
unsafe fn young(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        // objects that became old in the last cycle may still refer to young ones
        let old1 = std::mem::take(&mut (*heap).old1);
        for &o in &old1 {
            if get_age(o) == age::OLD1 {
                set_age(o, age::OLD);
                if is_black(o) {
                    set_gray(o);
                    super::mark::push(&mut (*heap).gray, &mut (*heap).gray_overflow, o);
                }
            }
        }
        drop(old1);
        (*heap).state = State::Propagate;
        finalize::mark_pending(g);
        super::mark::propagate_all(g);
        atomic(g);
        (*heap).state = State::SweepEnd;
        sweep::sweep_young(g);
        finalize::advance_old(g);
        finish_cycle(g);
    }
}

/// Puts colours and ages of listed objects right and returns to the state between collections.
unsafe fn finish_cycle(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let mut again = std::mem::take(&mut (*heap).gray_again);
        for list in [
            &raw mut (*heap).weak,
            &raw mut (*heap).all_weak,
            &raw mut (*heap).ephemeron,
        ] {
            for &o in &*list {
                super::mark::push(&mut again, &mut (*heap).gray_overflow, o);
            }
            (*list).clear();
        }
        again.retain(|&o| keep_listed(o));
        (*heap).gray_again = again;
        crate::string::shrink(g);
        (*heap).state = State::Propagate;
    }
}

/// Must a listed object be visited by the next minor collection?
unsafe fn keep_listed(o: *mut crate::object::Header) -> bool {
    unsafe {
        if is_white(o) {
            return false; // young
        }
        if get_age(o) == age::TOUCHED1 {
            set_black(o); // for the next barrier
            set_age(o, age::TOUCHED2);
            return true;
        }
        if (*o).kind == tag::THREAD {
            return true; // threads stay gray
        }
        if get_age(o) == age::TOUCHED2 {
            set_age(o, age::OLD);
        }
        set_black(o);
        false
    }
}
