//! The incremental collector: states, the atomic phase, pacing.
//!
//! A cycle: mark the roots, propagate in steps, one atomic phase that finishes marking and decides what is dead, sweep in steps, pause.
//! Pacing is the reference's: allocation makes debt, a step does `stepmul` units of work per word of debt and then grants `2^stepsize`
//! bytes of credit; a finished cycle waits until memory has grown by `pause` per cent.

use super::mark::{is_white, mark_nullable, mark_object, mark_value, propagate, propagate_all};
use super::{Heap, Mode, State, Stress, finalize, generational, sweep, weak};
use crate::object::Header;
use crate::state::Global;

/// Bytes per unit of work.
const WORK_TO_MEM: isize = 16;

/// A collector step at a safe point (call when [`super::gc_due`]).
#[cold]
pub unsafe fn step(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        if (*heap).chunks.short && !(*heap).busy {
            emergency(g);
            announce(g);
            return;
        }
        if (*heap).stopped || (*heap).busy {
            (*heap).set_debt(-2000); // avoid being called too often
            return;
        }
        if let Stress::Full(bytes) = (*heap).stress {
            full(g, false);
            (*heap).set_debt(-(bytes as isize));
            return;
        }
        let single = (*heap).stress == Stress::Step;
        (*heap).busy = true;
        match (*heap).mode {
            Mode::Generational => generational::step(g),
            Mode::Incremental if (*heap).last_atomic != 0 => generational::step(g),
            Mode::Incremental if single => {
                single_step(g);
            }
            Mode::Incremental => incremental_step(g),
        }
        super::mark::settle(g);
        if single {
            (*heap).set_debt(0);
        }
        (*heap).busy = false;
        announce(g);
    }
}

/// A full collection; `emergency`: does not ask for finalizers to be called.
pub unsafe fn full(g: *mut Global, emergency: bool) {
    unsafe {
        let heap = &raw mut (*g).heap;
        if (*heap).busy {
            return;
        }
        (*heap).busy = true;
        match (*heap).mode {
            Mode::Incremental => full_incremental(g),
            Mode::Generational => {
                generational::full(g);
            }
        }
        let keep = (*heap).gross() / super::block::BLOCK / 4 + 16;
        (*heap).chunks.trim(keep);
        (*heap).busy = false;
        if !emergency {
            announce(g);
        }
    }
}

/// A full collection because memory is short: gives all it can back to the system. Finalizers wait for the next step.
#[cold]
pub unsafe fn emergency(g: *mut Global) {
    unsafe {
        full(g, true);
        let chunks = &mut (*g).heap.chunks;
        chunks.release_chunks();
        chunks.keep_spare();
    }
}

/// Tells the embedding that finalizers wait.
unsafe fn announce(g: *mut Global) {
    unsafe {
        if !(*g).heap.to_be_finalized.is_empty() {
            (*g).heap.pending_finalizers = true;
            let f = (*g).heap.callbacks.finalizers_pending;
            f(g);
        }
    }
}

unsafe fn full_incremental(g: *mut Global) {
    unsafe {
        if (*g).heap.keep_invariant() {
            sweep::enter(g); // black objects become white
        }
        run_until(g, State::Pause);
        run_until(g, State::SweepEnd);
        run_until(g, State::Pause);
        (*g).heap.set_pause_debt();
    }
}

/// Runs single steps until the collector is in the given state (at least one when `Pause` is asked for in `Propagate`).
pub(super) unsafe fn run_until(g: *mut Global, s: State) {
    unsafe {
        loop {
            if (*g).heap.state == s {
                return;
            }
            single_step(g);
        }
    }
}

unsafe fn incremental_step(g: *mut Global) {
    unsafe {
        let heap = &raw mut (*g).heap;
        let step_mul = ((*heap).step_mul as isize * 4) | 1;
        let mut debt = ((*heap).debt / WORK_TO_MEM).saturating_mul(step_mul);
        let step_size = if (*heap).step_size < 62 {
            (1isize << (*heap).step_size) / WORK_TO_MEM * step_mul
        } else {
            isize::MAX
        };
        loop {
            debt -= single_step(g) as isize;
            if debt <= step_size.saturating_neg() || (*heap).state == State::Pause {
                break;
            }
        }
        if (*heap).state == State::Pause {
            (*heap).set_pause_debt();
        } else {
            (*heap).set_debt(debt / step_mul * WORK_TO_MEM);
        }
    }
}

impl Heap {
    /// Sets the debt so that the next cycle starts when memory use has grown to `pause` per cent of the estimate.
    pub(super) fn set_pause_debt(&mut self) {
        let estimate = (self.estimate / 100).max(1);
        let threshold = estimate
            .saturating_mul(self.pause as usize * 4)
            .min(isize::MAX as usize) as isize;
        self.set_debt((self.gross() as isize - threshold).min(0));
    }
}

/// One step of the state machine; returns the work done.
pub(super) unsafe fn single_step(g: *mut Global) -> usize {
    unsafe {
        let heap = &raw mut (*g).heap;
        match (*heap).state {
            State::Pause => {
                restart(g);
                (*heap).state = State::Propagate;
                1
            }
            State::Propagate => {
                if (*heap).gray.is_empty() {
                    (*heap).state = State::EnterAtomic;
                    0
                } else {
                    propagate(g)
                }
            }
            State::EnterAtomic => {
                let work = atomic(g);
                sweep::enter(g);
                (*heap).estimate = (*heap).gross();
                work
            }
            State::Atomic => 0, // only ever left by `atomic`
            State::SweepBlocks | State::SweepLarge => sweep::sweep_step(g).max(1),
            State::SweepEnd => {
                crate::string::shrink(g);
                let keep = (*heap).gross() / super::block::BLOCK / 2 + 64;
                (*heap).chunks.trim(keep);
                (*heap).state = State::Pause;
                1
            }
        }
    }
}

/// Forgets all lists and marks the roots.
pub(super) unsafe fn restart(g: *mut Global) {
    unsafe {
        clear_lists(g);
        mark_roots(g);
        finalize::mark_pending(g);
    }
}

pub(super) unsafe fn clear_lists(g: *mut Global) {
    unsafe {
        let heap = &mut (*g).heap;
        heap.gray.clear();
        heap.fetching = super::mark::Fetching::new();
        heap.gray_again.clear();
        heap.weak.clear();
        heap.ephemeron.clear();
        heap.all_weak.clear();
        heap.gray_overflow = false;
    }
}

unsafe fn mark_roots(g: *mut Global) {
    unsafe {
        mark_nullable(g, (*g).main_thread);
        mark_value(g, (*g).registry);
        mark_nullable(g, (*g).globals);
        for mt in (*g).metatables {
            mark_nullable(g, mt);
        }
        for name in (*g).event_names {
            mark_nullable(g, name);
        }
        mark_nullable(g, (*g).memory_message);
        mark_nullable(g, (*g).shapes.empty);
        mark_nullable(g, (*g).shapes.any_metatable);
        mark_nullable(g, (*g).shapes.index_only);
        mark_nullable(g, (*g).shapes.anonymous);
        let scan = (*g).heap.callbacks.scan_roots;
        scan(g, &mut |v| mark_value(g, v));
    }
}

/// The atomic phase: finishes marking, clears weak references, queues finalizers, flips the white. Returns the work done.
pub(super) unsafe fn atomic(g: *mut Global) -> usize {
    unsafe {
        let heap = &raw mut (*g).heap;
        let again = std::mem::take(&mut (*heap).gray_again);
        (*heap).state = State::Atomic;
        // roots may have changed without a barrier
        mark_roots(g);
        let mut work = propagate_all(g);
        for &o in &again {
            super::mark::push(&mut (*heap).gray, &mut (*heap).gray_overflow, o);
        }
        drop(again);
        work += propagate_all(g);
        crate::table::shape::keep_recent(g, |o| is_white(o), |s| super::mark::mark_shape(g, s));
        work += propagate_all(g);
        weak::converge_ephemerons(g);
        // everything strongly reachable is marked: weak values go before finalizers can resurrect their objects
        weak::clear_by_values(g, 0, 0);
        let (weak_seen, all_seen) = ((*heap).weak.len(), (*heap).all_weak.len());
        finalize::separate(g, false);
        finalize::mark_pending(g);
        work += propagate_all(g);
        weak::converge_ephemerons(g);
        // what was resurrected keeps its values until now, its keys for this cycle
        weak::clear_by_keys(g);
        weak::clear_by_values(g, weak_seen, all_seen);
        weak::clear_caches(g);
        crate::table::shape::clear_dead(g, |o: *mut Header| is_white(o));
        (*heap).current_white ^= super::mark_bits::WHITES;
        work
    }
}

/// Marks an object if it is white.
pub(super) unsafe fn mark_if_white(g: *mut Global, o: *mut Header) {
    unsafe {
        if is_white(o) {
            mark_object(g, o);
        }
    }
}
