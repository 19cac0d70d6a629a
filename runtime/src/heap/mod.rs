//! The heap.
#![allow(clippy::missing_safety_doc)]
use crate::object::{Header, Table};
use crate::proto::RtProto;
use crate::state::Global;
use crate::thread::Thread;
use crate::value::Value;

/// The allocator could not get memory (or the limit set for tests was reached). Callers raise "not enough memory".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError;

/// What the collector needs from modules above it; set once by the state's creator.
#[derive(Clone, Copy)]
pub struct Callbacks {
    /// Visits every live slot of a thread's stack; when `atomic`, also sets dead slots that hold collectable tags to nil
    /// (up to the end of the stack). Default: all of `[stack, top)`.
    pub scan_stack: unsafe fn(th: *mut Thread, atomic: bool, visit: &mut dyn FnMut(*mut Value)),
    /// Visits further values held by a thread (hook state). Stack, error value and resumer are done by the collector.
    pub scan_thread_extra: unsafe fn(th: *mut Thread, visit: &mut dyn FnMut(Value)),
    /// Visits further roots of the state.
    pub scan_roots: unsafe fn(g: *mut Global, visit: &mut dyn FnMut(Value)),
    /// Releases what a dead thread owns (stack, call records, native stack, boxes). The object's cell itself is the collector's.
    pub free_thread: unsafe fn(g: *mut Global, th: *mut Thread),
    /// Finalizers wait to be called: ask for a poll.
    pub finalizers_pending: unsafe fn(g: *mut Global),
}

/// Allocator and collector state.
pub struct Heap {
    /// Bytes allocated beyond what the collector has been paid for; above 0 a step is due at the next safe point.
    pub debt: isize,
    /// White colour of new objects.
    pub current_white: u8,
    /// Full collection at every safe point where anything was allocated since the last one.
    pub stress: bool,
    /// Finalizers wait to be called ([`next_finalizer`]).
    pub pending_finalizers: bool,
    /// Limit on bytes for tests; `usize::MAX` for none.
    pub limit: usize,
    pub callbacks: Callbacks,
}

impl Heap {
    /// An empty heap. `callbacks` may be changed until the first collection.
    pub fn new() -> Heap {
        todo!()
    }
    /// Bytes in use (for `collectgarbage("count")`).
    pub fn bytes(&self) -> usize {
        todo!()
    }
    /// Memory for a backing store, accounted; not initialised. Freed with the same size.
    pub fn raw_alloc(&mut self, size: usize) -> Result<*mut u8, AllocError> {
        todo!()
    }
    /// Frees memory of [`Heap::raw_alloc`].
    pub unsafe fn raw_free(&mut self, p: *mut u8, size: usize) {
        todo!()
    }
    /// Accounts for memory that an object owns outside this heap (stack of a thread, parts of a prototype); negative when released.
    pub fn account(&mut self, delta: isize) {
        todo!()
    }
}

/// True when a collector step is due. The test every safe point makes.
#[inline(always)]
pub unsafe fn gc_due(g: *mut Global) -> bool {
    unsafe { (*g).heap.debt > 0 }
}
/// Memory for an object of `size` bytes with its header initialised (current white). The rest is not initialised.
pub unsafe fn alloc_object(g: *mut Global, kind: u8, size: usize) -> Result<*mut Header, AllocError> {
    todo!()
}
/// Allocates a prototype object, moving `p` into it (its header is overwritten). Owned boxes and vectors are dropped with it;
/// `consts` and `caches` must come from [`Heap::raw_alloc`].
pub unsafe fn alloc_proto(g: *mut Global, p: RtProto) -> Result<*mut RtProto, AllocError> {
    todo!()
}
/// Allocates a thread object, moving `t` into it (its header is overwritten).
pub unsafe fn alloc_thread(g: *mut Global, t: Thread) -> Result<*mut Thread, AllocError> {
    todo!()
}

/// Write barrier for containers that are stored to often (tables, userdata): call after storing collectable values when the
/// container is BLACK.
#[inline(always)]
pub unsafe fn barrier_back(g: *mut Global, o: *mut Header) {
    todo!()
}
/// Write barrier that marks the stored value (cells, closures, prototypes).
#[inline(always)]
pub unsafe fn barrier_forward(g: *mut Global, o: *mut Header, v: Value) {
    todo!()
}

/// A collector step at a safe point (call when [`gc_due`]).
pub unsafe fn step(g: *mut Global) {
    todo!()
}
/// A full collection; `emergency`: does not ask for finalizers to be called.
pub unsafe fn full(g: *mut Global, emergency: bool) {
    todo!()
}
/// Registers the object's finalizer when `mt` has `__gc`. Called by every `setmetatable` on tables and userdata.
pub unsafe fn check_finalizer(g: *mut Global, o: *mut Header, mt: *mut Table) -> Result<(), AllocError> {
    todo!()
}
/// The next object whose finalizer must be called (its metatable's `__gc`, if it is a function, with the object as argument).
pub unsafe fn next_finalizer(g: *mut Global) -> Option<Value> {
    todo!()
}
/// State close: queues every registered finalizer, in reverse order of registration.
pub unsafe fn queue_all_finalizers(g: *mut Global) {
    todo!()
}
/// State close: frees every object. Nothing of the state may be used afterwards.
pub unsafe fn free_all(g: *mut Global) {
    todo!()
}

/// Collector mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Incremental,
    Generational,
}

/// What `collectgarbage` needs. Finalizers that become due are not called here.
impl Heap {
    pub fn stop(&mut self) {
        todo!()
    }
    pub fn restart(&mut self) {
        todo!()
    }
    pub fn is_running(&self) -> bool {
        todo!()
    }
    /// Returns the previous value.
    pub fn set_pause(&mut self, v: i32) -> i32 {
        todo!()
    }
    /// Returns the previous value.
    pub fn set_stepmul(&mut self, v: i32) -> i32 {
        todo!()
    }
}
/// `collectgarbage("step", n)`: true when a cycle ended.
pub unsafe fn gc_step(g: *mut Global, n: i32) -> bool {
    todo!()
}
/// `collectgarbage("incremental", ...)`: zero keeps a parameter. Returns the previous mode.
pub unsafe fn incremental(g: *mut Global, pause: i32, stepmul: i32, stepsize: i32) -> Mode {
    todo!()
}
/// `collectgarbage("generational", ...)`: zero keeps a parameter. Returns the previous mode.
pub unsafe fn generational(g: *mut Global, minor: i32, major: i32) -> Mode {
    todo!()
}
