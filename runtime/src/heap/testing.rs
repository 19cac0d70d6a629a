//! A minimal state for tests of strings, tables and the heap: no interpreter, roots are the registry table and one thread's stack.

use super::{Callbacks, Heap};
use crate::state::Global;
use crate::string::Interner;
use crate::table::shape::Shapes;
use crate::value::Value;
use std::alloc::{Layout, alloc_zeroed, dealloc};

/// Owns the state; frees everything when dropped.
pub(crate) struct TestState(pub *mut Global);

impl TestState {
    pub(crate) fn new() -> TestState {
        TestState::with_stress(false)
    }

    pub(crate) fn with_stress(stress: bool) -> TestState {
        // SAFETY: only the fields written here are used by the modules under test; the others stay zeroed and are never dropped.
        unsafe {
            let g: *mut Global = alloc_zeroed(Layout::new::<Global>()).cast();
            (&raw mut (*g).heap).write(Heap::new());
            if stress {
                (*g).heap.stress = super::Stress::Full(0);
            }
            (*g).heap.callbacks = Callbacks::NONE;
            (&raw mut (*g).strings).write(Interner::new(0x5EED));
            (&raw mut (*g).shapes).write(Shapes::new());
            (*g).registry = Value::NIL;
            crate::table::init(g).unwrap();
            (*g).registry = Value::table(crate::table::new(g, 0, 0).unwrap());
            TestState(g)
        }
    }

    /// Runs the collector if a step is due, as a safe point does, and checks the heap.
    pub(crate) fn safe_point(&self) {
        unsafe {
            if super::gc_due(self.0) {
                super::step(self.0);
            }
        }
    }

    pub(crate) fn check(&self) {
        unsafe { super::check::check(self.0).unwrap() }
    }

    pub(crate) fn collect(&self) {
        unsafe { super::full(self.0, false) };
        self.check();
    }
}

impl Drop for TestState {
    fn drop(&mut self) {
        unsafe {
            super::free_all(self.0);
            std::ptr::drop_in_place(&raw mut (*self.0).strings);
            std::ptr::drop_in_place(&raw mut (*self.0).shapes);
            std::ptr::drop_in_place(&raw mut (*self.0).heap);
            dealloc(self.0.cast(), Layout::new::<Global>());
        }
    }
}

/// A small generator of random numbers (xorshift), so that tests can print their seed.
pub(crate) struct Random(pub u64);

impl Random {
    /// The seed comes from `TRINITY_TEST_SEED`, or is fixed.
    pub(crate) fn from_env(default: u64) -> Random {
        let seed = std::env::var("TRINITY_TEST_SEED")
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or(default);
        eprintln!("TRINITY_TEST_SEED={seed}");
        Random(seed | 1)
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 33) % n
    }
}
