//! The heap: allocation of objects and backing stores, and the collector.
//!
//! The collector is precise and never moves objects: incremental tri-colour mark and sweep with the reference's pacing, and its generational
//! mode. **Allocation never collects and never runs Lua**; [`step`] and [`full`] are called at safe points only, where everything alive is
//! reachable from the roots. Finalizers are queued, never called, by the collector ([`next_finalizer`]).
//!
//! | module | idea |
//! |---|---|
//! | `block` | size classes, blocks, free runs, memory of backing stores |
//! | `mark` | colours, barriers, traversal of objects |
//! | `weak` | weak tables and ephemerons |
//! | `sweep` | freeing what is dead |
//! | `cycle` | states of the incremental collector, the atomic phase, pacing |
//! | `gen` | generational mode |
//! | `finalize` | objects with `__gc` |
//! | `stress` | collecting much more often, for tests |
//! | `control` | what `collectgarbage` asks for |
//! | `check` | the heap checker used by tests |
//!
//! Safety of the whole module: `g` points to a live state, objects passed in are live (or unreachable but not yet swept), and no
//! reference into the heap is kept across a call that can collect.
#![allow(clippy::missing_safety_doc)] // the paragraph above is the contract of every function here

use crate::object::Header;
use crate::proto::RtProto;
use crate::state::Global;
use crate::thread::Thread;
use crate::value::Value;
use std::collections::VecDeque;
use trinity_abi::tag;

pub mod block;
pub mod check;
mod control;
mod cycle;
mod finalize;
mod generational;
#[cfg(test)]
mod graph_tests;
mod mark;
mod stress;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod weak;

pub use control::{Mode, gc_step, generational, incremental};
pub use cycle::{emergency, full, step};
pub use finalize::{check_finalizer, next_finalizer, queue_all_finalizers};
pub use mark::{barrier_back, barrier_forward, is_black, is_dead, is_white, revive};
pub use stress::Stress;
pub use sweep::{each_live, free_all};

use block::{Block, CELL_SIZE, CLASSES, Chunks, Class, MAX_CELL, Raw, Run, class_of};

/// The allocator could not get memory (or the limit set for tests was reached). Callers raise "not enough memory".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError;

/// Bits of the mark byte.
pub mod mark_bits {
    /// The two whites: new objects get the current one; after the atomic phase the other one is dead.
    pub const WHITE0: u8 = 1;
    pub const WHITE1: u8 = 2;
    pub const WHITES: u8 = WHITE0 | WHITE1;
    pub const BLACK: u8 = trinity_abi::header::BLACK;
    pub const COLOURS: u8 = WHITES | BLACK;
    /// Age (generational mode), three bits.
    pub const AGE_SHIFT: u32 = 3;
    pub const AGE: u8 = 7 << AGE_SHIFT;
    /// The object is in the list of objects with finalizers (or waits to be finalized).
    pub const FINALIZED: u8 = 1 << 6;
    /// Never freed.
    pub const FIXED: u8 = 1 << 7;
}

/// What the collector needs from modules above it; set once by the state's creator.
#[derive(Clone, Copy)]
pub struct Callbacks {
    /// Visits every live slot of a thread's stack; when `atomic`, also sets dead slots that hold collectable tags to nil
    /// (up to the end of the stack). Default: all of `[stack, top)`.
    pub scan_stack: unsafe fn(th: *mut Thread, atomic: bool, visit: &mut dyn FnMut(*mut Value)),
    /// Visits further values held by a thread (hook state). Stack, error value and resumer are done by the collector.
    pub scan_thread_extra: unsafe fn(th: *mut Thread, visit: &mut dyn FnMut(Value)),
    /// Visits further roots of the state: the running thread, values held by machine code, ...
    pub scan_roots: unsafe fn(g: *mut Global, visit: &mut dyn FnMut(Value)),
    /// Releases what a dead thread owns (stack, call records, native stack, boxes). The object's cell itself is the collector's.
    pub free_thread: unsafe fn(g: *mut Global, th: *mut Thread),
    /// Finalizers wait to be called: ask for a poll.
    pub finalizers_pending: unsafe fn(g: *mut Global),
}

unsafe fn scan_whole_stack(th: *mut Thread, atomic: bool, visit: &mut dyn FnMut(*mut Value)) {
    unsafe {
        let (mut p, top) = ((*th).stack, (*th).top);
        if p.is_null() {
            return;
        }
        let end = p.add((*th).stack_size);
        while p < top {
            visit(p);
            p = p.add(1);
        }
        while atomic && p < end {
            p.write(Value::NIL);
            p = p.add(1);
        }
    }
}

impl Callbacks {
    /// Callbacks for a state without frames: stacks are scanned up to `top`, there are no further roots.
    pub const NONE: Callbacks = Callbacks {
        scan_stack: scan_whole_stack,
        scan_thread_extra: |_, _| {},
        scan_roots: |_, _| {},
        free_thread: |_, _| {},
        finalizers_pending: |_| {},
    };
}

/// A list of objects.
pub(super) type Objects = Vec<*mut Header>;

struct Large {
    object: *mut Header,
    size: usize,
}

/// Phase of the incremental collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(super) enum State {
    /// Marking in steps.
    Propagate,
    /// Nothing is gray but what must be visited again; the atomic phase comes next.
    EnterAtomic,
    /// Inside the atomic phase.
    Atomic,
    /// Freeing blocks, class by class.
    SweepBlocks,
    /// Freeing large objects.
    SweepLarge,
    /// Sweep done; the cycle ends with the next step.
    SweepEnd,
    /// Between cycles.
    Pause,
}

/// A field of a table to be made (`trinity_abi::heap::MADE`).
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Made {
    pub payload: u64,
    pub tag: u8,
    /// The number of the key.
    pub key: u32,
}

/// A block that is never touched, so that it costs no memory, until it is given up.
#[derive(Debug)]
pub struct Reserve(*mut libc::c_void);

impl Reserve {
    /// Bytes: what cold code makes until the next poll or allocation on a main path is a fraction of it.
    const SIZE: usize = 1 << 20;

    /// Takes the block if there is none.
    pub fn take(&mut self) {
        if self.0.is_null() {
            // SAFETY: plain allocation; null is no block.
            self.0 = unsafe { libc::malloc(Self::SIZE) };
        }
    }

    /// Gives the block up. False: there was none.
    pub fn give_up(&mut self) -> bool {
        // SAFETY: from `malloc`, or null.
        unsafe { libc::free(self.0) };
        !std::mem::replace(&mut self.0, std::ptr::null_mut()).is_null()
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Allocator and collector state.
#[repr(C)]
pub struct Heap {
    /// Free run of each size class.
    pub runs: [Run; CLASSES],
    /// Bytes allocated beyond what the collector has been paid for; above 0 a step is due at the next safe point.
    pub debt: isize,
    /// White colour of new objects.
    pub current_white: u8,
    /// Fields of a table that machine code is about to make.
    pub made: [Made; trinity_abi::heap::MADE_MAX],
    /// Address space for when machine code must make tables and no memory is left.
    pub reserve: Reserve,
    /// Stress mode. Set before the first allocation.
    pub stress: Stress,
    /// Finalizers wait to be called ([`next_finalizer`]).
    pub pending_finalizers: bool,
    /// Limit on bytes for tests; `usize::MAX` for none.
    pub limit: usize,
    pub callbacks: Callbacks,
    /// Bytes in use minus `debt` (the reference's `totalbytes`).
    total: isize,
    state: State,
    mode: Mode,
    classes: [Class; CLASSES],
    chunks: Chunks,
    raw: Raw,
    large: Vec<Large>,
    /// Generational mode: large objects from this index on may be young.
    large_young: usize,
    sweep_class: usize,
    sweep_large: usize,
    gray: Objects,
    fetching: mark::Fetching,
    /// To be visited again in the atomic phase.
    gray_again: Objects,
    /// A push to `gray` or `gray_again` failed: gray objects must be looked for in the whole heap.
    gray_overflow: bool,
    /// Tables with weak values to be cleared.
    weak: Objects,
    /// Ephemeron tables with white keys and values.
    ephemeron: Objects,
    /// Tables with weak keys to be cleared (and values, when both are weak).
    all_weak: Objects,
    /// Objects with finalizers, in order of registration.
    finobj: Objects,
    /// Generational mode: entries of `finobj` below this index are old.
    finobj_old: usize,
    /// Waiting for their finalizers to be called.
    to_be_finalized: VecDeque<*mut Header>,
    /// Objects that became OLD1 in the last minor collection.
    old1: Objects,
    /// `old1` is incomplete (out of memory): the next minor collection must be a major one.
    old1_lost: bool,
    /// Live prototypes, for clearing their inline caches.
    protos: Vec<*mut RtProto>,
    /// Stopped by `collectgarbage("stop")`.
    stopped: bool,
    /// Inside the collector, or closing the state.
    busy: bool,
    /// Bytes in use after the last collection (or marked so far).
    estimate: usize,
    /// Objects traversed by the last bad major collection; 0 when it was good.
    last_atomic: usize,
    /// Parameters as the reference stores them: pause, stepmul and majormul divided by 4.
    pause: u8,
    step_mul: u8,
    step_size: u8,
    minor_mul: u8,
    major_mul: u8,
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

impl Heap {
    /// An empty heap. `callbacks` may be changed until the first collection.
    pub fn new() -> Heap {
        let none = Run {
            cursor: std::ptr::null_mut(),
            end: std::ptr::null_mut(),
        };
        Heap {
            runs: [none; CLASSES],
            debt: 0,
            current_white: mark_bits::WHITE0,
            made: Default::default(),
            reserve: Reserve(std::ptr::null_mut()),
            stress: Stress::Off,
            pending_finalizers: false,
            limit: usize::MAX,
            callbacks: Callbacks::NONE,
            total: 0,
            state: State::Pause,
            mode: Mode::Incremental,
            classes: [const { Class::new() }; CLASSES],
            chunks: Chunks::new(),
            raw: Raw::new(),
            large: Vec::new(),
            large_young: 0,
            sweep_class: 0,
            sweep_large: 0,
            gray: Vec::new(),
            fetching: mark::Fetching::new(),
            gray_again: Vec::new(),
            gray_overflow: false,
            weak: Vec::new(),
            ephemeron: Vec::new(),
            all_weak: Vec::new(),
            finobj: Vec::new(),
            finobj_old: 0,
            to_be_finalized: VecDeque::new(),
            old1: Vec::new(),
            old1_lost: false,
            protos: Vec::new(),
            stopped: false,
            busy: false,
            estimate: 0,
            last_atomic: 0,
            pause: 200 / 4,
            step_mul: 100 / 4,
            step_size: 13,
            minor_mul: 20,
            major_mul: 100 / 4,
        }
    }

    /// Bytes accounted for, free runs included (the reference's `gettotalbytes`).
    fn gross(&self) -> usize {
        (self.total + self.debt).max(0) as usize
    }

    /// Bytes in use (for `collectgarbage("count")`).
    pub fn bytes(&self) -> usize {
        let unused: usize = self
            .runs
            .iter()
            .map(|r| r.end as usize - r.cursor as usize)
            .sum();
        self.gross().saturating_sub(unused)
    }

    /// Sets the debt, keeping the number of bytes in use.
    fn set_debt(&mut self, debt: isize) {
        self.total = self.gross() as isize - debt;
        self.debt = debt;
    }

    #[inline]
    fn within_limit(&self, size: usize) -> Result<(), AllocError> {
        if self.limit != usize::MAX && self.gross().saturating_add(size) > self.limit {
            return Err(AllocError);
        }
        Ok(())
    }

    /// Memory for a backing store, accounted; not initialised. Freed with the same size.
    #[inline]
    pub fn raw_alloc(&mut self, size: usize) -> Result<*mut u8, AllocError> {
        self.within_limit(size)?;
        let p = self.raw.alloc(&mut self.chunks, size)?;
        self.debt += size as isize;
        Ok(p)
    }

    /// Frees memory of [`Heap::raw_alloc`].
    #[inline]
    pub unsafe fn raw_free(&mut self, p: *mut u8, size: usize) {
        unsafe { self.raw.free(p, size) };
        self.debt -= size as isize;
    }

    /// Accounts for memory that an object owns outside this heap (stack of a thread, parts of a prototype); negative when released.
    #[inline]
    pub fn account(&mut self, delta: isize) {
        self.debt += delta;
    }
}

/// True when a collector step is due. The test every safe point makes.
#[inline(always)]
pub unsafe fn gc_due(g: *mut Global) -> bool {
    unsafe { (*g).heap.debt > 0 }
}

/// Memory for an object of `size` bytes with its header initialised (current white). The rest is not initialised.
#[inline]
pub unsafe fn alloc_object(
    g: *mut Global,
    kind: u8,
    size: usize,
) -> Result<*mut Header, AllocError> {
    unsafe {
        let heap = &raw mut (*g).heap;
        let o: *mut Header = if size <= MAX_CELL {
            let c = class_of(size);
            let run = &raw mut (*heap).runs[c];
            if (*run).cursor == (*run).end {
                refill(g, c)?;
            }
            let p = (*run).cursor;
            (*run).cursor = p.add(CELL_SIZE[c] as usize);
            p.cast()
        } else {
            alloc_large(g, size)?
        };
        o.write(Header {
            kind,
            mark: (*heap).current_white,
            flags: 0,
            aux8: 0,
            aux32: 0,
        });
        Ok(o)
    }
}

/// Bytes of the cell that holds a small object (its class's size).
#[inline(always)]
pub(crate) unsafe fn cell_size(o: *mut Header) -> usize {
    unsafe { (*((o as usize & !(block::BLOCK - 1)) as *mut Block)).cell as usize }
}

#[cold]
unsafe fn alloc_large(g: *mut Global, size: usize) -> Result<*mut Header, AllocError> {
    unsafe {
        let heap = &mut (*g).heap;
        heap.within_limit(size)?;
        heap.large.try_reserve(1).map_err(|_| AllocError)?;
        let object = block::system_alloc(size)?.cast();
        heap.large.push(Large { object, size });
        heap.debt += size as isize;
        heap.note_stress();
        Ok(object)
    }
}

/// Finds the next free run for class `c`. During a sweep this sweeps further blocks of the class first.
#[cold]
unsafe fn refill(g: *mut Global, c: usize) -> Result<(), AllocError> {
    unsafe {
        loop {
            let heap = &mut (*g).heap;
            let b = heap.classes[c].current;
            if !b.is_null() {
                heap.within_limit((*b).cell as usize)?;
                if let Some(run) = block::next_run(b, block::run_limit(heap.stress.every())) {
                    let bytes = run.end as usize - run.cursor as usize;
                    heap.runs[c] = run;
                    heap.debt += bytes as isize;
                    (*b).young = true;
                    heap.note_stress();
                    return Ok(());
                }
                (*b).current = false;
                heap.classes[c].current = std::ptr::null_mut();
            }
            if let Some(b) = heap.classes[c].avail.pop() {
                (*b).in_avail = false;
                (*b).current = true;
                heap.classes[c].current = b;
            } else if !(heap.state == State::SweepBlocks && sweep::sweep_ahead(g, c)) {
                let heap = &mut (*g).heap;
                let class = &mut heap.classes[c];
                class.blocks.try_reserve(1).map_err(|_| AllocError)?;
                // room for every block, so that the sweeper never allocates
                let room = class.blocks.len() + 1 - class.avail.len();
                class.avail.try_reserve(room).map_err(|_| AllocError)?;
                let b = heap.chunks.block_for(c)?;
                if heap.chunks.short && heap.debt <= 0 {
                    heap.set_debt(1);
                }
                (*b).current = true;
                heap.classes[c].blocks.push(b);
                heap.classes[c].current = b;
            }
        }
    }
}

impl Heap {
    /// Under stress every allocation makes a collection due.
    fn note_stress(&mut self) {
        if self.stress.every() && self.debt <= 0 {
            self.set_debt(1);
        }
    }
}

/// Allocates a prototype object, moving `p` into it (its header is overwritten). Owned boxes and vectors are dropped with it;
/// `consts` and `caches` must come from [`Heap::raw_alloc`] ([`Cache::bytes`](crate::proto::Cache::bytes)).
pub unsafe fn alloc_proto(g: *mut Global, mut p: RtProto) -> Result<*mut RtProto, AllocError> {
    unsafe {
        (*g).heap.protos.try_reserve(1).map_err(|_| AllocError)?;
        let o: *mut RtProto = alloc_object(g, tag::PROTO, size_of::<RtProto>())?.cast();
        p.h = (*o).h;
        o.write(p);
        (*g).heap.protos.push(o);
        Ok(o)
    }
}

/// Allocates a thread object, moving `t` into it (its header is overwritten).
pub unsafe fn alloc_thread(g: *mut Global, mut t: Thread) -> Result<*mut Thread, AllocError> {
    unsafe {
        let o: *mut Thread = alloc_object(g, tag::THREAD, crate::stack::THREAD_CELL)?.cast();
        t.h = (*o).h;
        o.write(t);
        Ok(o)
    }
}
