//! Native stacks: shared regions, and segments for deep recursion.
//!
//! The problem: every coroutine needs a native stack (Rust helpers and machine frames run on it), 100,000 of them must fit in memory and be
//! made as cheaply as the reference makes them, and recursion must still reach 1,000,000 slots inside any of them.
//!
//! A coroutine is bound to a **region** for life, because frames contain their own addresses; but when there are more coroutines than regions,
//! several are bound to one. The frames of at most one of them, its *occupant*, are in place; those of the others are *put aside*: copied to
//! a heap block of just their size (a few hundred bytes). Who resumes a coroutine puts its frames in place first ([`claim`], [`exchange`]).
//! Up to [`REGIONS`] coroutines that is never needed. See docs/decisions/0005.
//!
//! When a check fails in a region, execution continues on the next, larger **segment**, which belongs to that coroutine alone, and comes
//! back by a return stub. There are no guard pages (they exhaust the kernel's map count), which is sound because every function that can
//! recurse checks: machine code in its prologue against `Thread::native_limit`, Rust in [`with_room`] before it re-enters Lua. Leaf Rust
//! code has [`HEADROOM`] bytes below the limit.
//!
//! Invariants: a thread with `aside` null that has started is its region's occupant. A region with an occupant is not handed out. Frames of
//! suspended threads are read and changed through [`NativeStack::at`] only.

use crate::error::Status;
use crate::state::Global;
use crate::thread::{Lua, Thread};
use std::arch::naked_asm;

/// Bytes below `native_limit` that Rust helpers may use without a check.
pub const HEADROOM: usize = 64 << 10;
/// Bytes of a region. Not a power of two, so that the tops of regions do not all fall into the same cache sets.
const REGION: usize = (256 << 10) + 4096;
/// Regions mapped at a time.
const SLAB: usize = 16;
/// Regions before coroutines share them.
pub const REGIONS: usize = 512;
/// Largest segment; later ones of the same thread repeat it.
const MAX_SEGMENT: usize = 64 << 20;
/// The main thread's segment: lazily committed.
pub const MAIN_SEGMENT: usize = 256 << 20;

/// One mapping (or part of a slab) used as a native stack.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Lowest address.
    pub base: usize,
    /// Bytes.
    pub size: usize,
}

impl Segment {
    /// Highest address, 16-byte aligned: the initial stack pointer.
    pub const fn top(self) -> usize {
        self.base + self.size
    }
    /// Value of `native_limit` while this segment is in use.
    pub const fn limit(self) -> usize {
        self.base + HEADROOM
    }
}

fn map(size: usize) -> Option<usize> {
    // SAFETY: a fresh private anonymous mapping; failure is reported.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    (p != libc::MAP_FAILED).then_some(p as usize)
}

/// A native stack that coroutines share by turns.
pub struct Region {
    segment: Segment,
    /// The thread whose frames are in place.
    occupant: *mut Thread,
    /// In the list of free regions.
    listed: bool,
}

/// The regions of one Lua state.
pub struct StackPool {
    #[expect(clippy::vec_box, reason = "threads point to their region")]
    regions: Vec<Box<Region>>,
    /// Regions without an occupant, the last one used first; an entry that has got an occupant again is skipped.
    free: Vec<*mut Region>,
    slabs: Vec<Segment>,
    /// A stack to exchange the frames of a region on.
    switch: Option<Segment>,
    /// Where the search for a region to share goes on.
    hand: usize,
    /// Regions before coroutines share them; the environment can set it, for tests of the sharing.
    limit: usize,
}

impl Default for StackPool {
    fn default() -> Self {
        StackPool {
            regions: Vec::new(),
            free: Vec::new(),
            slabs: Vec::new(),
            switch: None,
            hand: 0,
            limit: std::env::var("TRINITY_STACK_REGIONS")
                .ok()
                .and_then(|n| n.parse().ok())
                .unwrap_or(REGIONS)
                .max(1),
        }
    }
}

/// Bytes of the stack that frames are exchanged on.
const SWITCH_STACK: usize = 64 << 10;

impl StackPool {
    fn add_slab(&mut self) -> Option<()> {
        let count = SLAB
            .min(self.limit.saturating_sub(self.regions.len()))
            .max(1);
        let size = REGION * count;
        if self.switch.is_none() {
            let size = SWITCH_STACK;
            self.switch = Some(Segment {
                base: map(size)?,
                size,
            });
        }
        let base = map(size)?;
        self.slabs.push(Segment { base, size });
        for i in (0..count).rev() {
            // Different offsets in the page, for the same reason as the odd size.
            let unused = (self.regions.len() % 8) * 320;
            let mut region = Box::new(Region {
                segment: Segment {
                    base: base + i * REGION,
                    size: REGION - unused,
                },
                occupant: std::ptr::null_mut(),
                listed: true,
            });
            self.free.push(&raw mut *region);
            self.regions.push(region);
        }
        Some(())
    }

    fn pop_free(&mut self) -> Option<*mut Region> {
        while let Some(r) = self.free.pop() {
            // SAFETY: regions live as long as the pool.
            unsafe {
                (*r).listed = false;
                if (*r).occupant.is_null() {
                    return Some(r);
                }
            }
        }
        None
    }

    /// A region for a new coroutine: a free one, a new one, or one whose occupant is suspended, or any. `None`: no memory.
    unsafe fn take(&mut self) -> Option<*mut Region> {
        unsafe {
            if let Some(r) = self.pop_free() {
                return Some(r);
            }
            if self.regions.len() < self.limit && self.add_slab().is_some() {
                return self.pop_free();
            }
            for _ in 0..self.regions.len() {
                let r = self.next()?;
                if (*(*r).occupant).status == Status::Yield {
                    return Some(r);
                }
            }
            self.next()
        }
    }

    fn next(&mut self) -> Option<*mut Region> {
        self.hand = if self.hand + 1 < self.regions.len() {
            self.hand + 1
        } else {
            0
        };
        self.regions.get_mut(self.hand).map(|r| &raw mut **r)
    }

    unsafe fn give(&mut self, r: *mut Region) {
        unsafe {
            (*r).occupant = std::ptr::null_mut();
            if !(*r).listed {
                (*r).listed = true;
                self.free.push(r);
            }
        }
    }

    /// Keeps the mappings when the pool is dropped: something still runs on one.
    pub fn leak(&mut self) {
        self.slabs.clear();
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        for s in self.slabs.iter().chain(&self.switch) {
            // SAFETY: the state is gone, so nothing runs on its stacks.
            unsafe { libc::munmap(s.base as *mut _, s.size) };
        }
    }
}

/// Segments behind the region of a thread that recursed deeply.
#[derive(Default)]
struct Deep {
    segments: Vec<Segment>,
    /// 0: the region is in use; else segment `current - 1` is.
    current: usize,
    /// While `current` is not 0: stack pointer at which the region was left.
    low: usize,
}

/// The native stack of one thread.
pub struct NativeStack {
    region: *mut Region,
    /// Frames of the region that were put aside: a block of `aside_size` bytes that ends with them.
    aside: *mut u8,
    aside_size: usize,
    deep: Option<Box<Deep>>,
}

impl Default for NativeStack {
    fn default() -> Self {
        NativeStack {
            region: std::ptr::null_mut(),
            aside: std::ptr::null_mut(),
            aside_size: 0,
            deep: None,
        }
    }
}

impl NativeStack {
    /// Index of the segment in use, for [`NativeStack::restore`].
    #[inline(always)]
    pub fn current(&self) -> usize {
        self.deep.as_ref().map_or(0, |d| d.current)
    }
    /// Makes segment `i` current again (after an error or a return) and gives its limit.
    pub fn restore(&mut self, i: usize) -> usize {
        if let Some(d) = self.deep.as_mut() {
            d.current = i;
            if i > 0 {
                return d.segments.get(i - 1).map_or(0, |s| s.limit());
            }
        }
        if self.region.is_null() {
            return 0;
        }
        // SAFETY: regions outlive the threads bound to them.
        unsafe { (*self.region).segment.limit() }
    }
    /// Moves to the next segment, mapping it when it is not there yet. `sp`: the stack pointer that is left.
    pub fn advance(&mut self, sp: usize) -> Option<Segment> {
        let d = self.deep.get_or_insert_default();
        if d.current == d.segments.len() {
            let last = d.segments.last().map_or(0, |s| s.size);
            let size = (last * 2).clamp(512 << 10, MAX_SEGMENT);
            d.segments.push(Segment {
                base: map(size)?,
                size,
            });
        }
        if d.current == 0 {
            d.low = sp;
        }
        d.current += 1;
        Some(d.segments[d.current - 1])
    }
    /// Where the word at stack address `address` is now.
    #[inline]
    pub fn at(&self, address: usize) -> *mut usize {
        if !self.aside.is_null() {
            // SAFETY: regions outlive the threads bound to them.
            let s = unsafe { (*self.region).segment };
            if address.wrapping_sub(s.base) < s.size {
                return (self.aside as usize + self.aside_size - (s.top() - address)) as *mut usize;
            }
        }
        address as *mut usize
    }
    /// The frames are in the region (or the thread never ran).
    #[inline(always)]
    pub fn in_place(&self) -> bool {
        self.aside.is_null()
    }
    /// Has the thread been given a stack?
    pub fn is_bound(&self) -> bool {
        !self.region.is_null()
    }
    fn release_deep(&mut self) {
        if let Some(d) = self.deep.take() {
            for s in &d.segments {
                // SAFETY: only called when nothing runs on them.
                unsafe { libc::munmap(s.base as *mut _, s.size) };
            }
        }
    }
}

/// Words of the frame that the first switch to a coroutine pops: the address to continue at, and its operand.
pub const FIRST_FRAME: usize = 2;

/// Binds a coroutine that has not started to a region; `frame` is put at its start. False: no memory, nothing changed.
///
/// # Safety
/// `th` is live and not bound; it runs in no way until it is resumed.
pub unsafe fn bind(th: *mut Thread, frame: [usize; FIRST_FRAME]) -> bool {
    unsafe {
        let g = (*th).global;
        let Some(r) = (*g).stacks.take() else {
            return false;
        };
        let top = (*r).segment.top();
        let bytes = size_of_val(&frame);
        let occupant = (*r).occupant;
        (*th).native.region = r;
        if !occupant.is_null() && ((*occupant).status != Status::Yield || !put_aside(g, occupant)) {
            // Someone waits there: begin as one whose frames were put aside.
            if !reserve(g, th, bytes) {
                (*th).native.region = std::ptr::null_mut();
                return false;
            }
        } else {
            (*r).occupant = th;
        }
        let at = (*th).native.at(top - bytes).cast();
        *at = frame;
        (*th).saved_sp = top - bytes;
        (*th).native_limit = (*r).segment.limit();
        true
    }
}

/// A block for at least `bytes` of `th`'s frames.
unsafe fn reserve(g: *mut Global, th: *mut Thread, bytes: usize) -> bool {
    unsafe {
        let bytes = bytes.next_multiple_of(16);
        let Ok(p) = (*g).heap.raw_alloc(bytes) else {
            return false;
        };
        (*th).native.aside = p;
        (*th).native.aside_size = bytes;
        true
    }
}

/// Lowest address of `th`'s frames in its region, when its stack pointer is `sp`.
unsafe fn low(th: *mut Thread, sp: usize) -> usize {
    unsafe {
        match &(*th).native.deep {
            Some(d) if d.current > 0 => d.low,
            _ => sp,
        }
    }
}

/// Copies the frames of a thread that does not run from its region to the heap. False: no memory.
unsafe fn put_aside(g: *mut Global, th: *mut Thread) -> bool {
    unsafe {
        let top = (*(*th).native.region).segment.top();
        let low = low(th, (*th).saved_sp);
        if (*th).native.aside.is_null() && !reserve(g, th, top - low) {
            return false;
        }
        // The block ends with the frames.
        let to = (*th).native.at(low);
        std::ptr::copy_nonoverlapping(low as *const u8, to.cast(), top - low);
        true
    }
}

/// Copies the frames of `th` back into its region, which has no occupant worth keeping.
unsafe fn put_in_place(g: *mut Global, th: *mut Thread) {
    unsafe {
        let r = (*th).native.region;
        let top = (*r).segment.top();
        let low = low(th, (*th).saved_sp);
        let from = (*th).native.at(low);
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), low as *mut u8, top - low);
        drop_aside(g, th);
        (*r).occupant = th;
    }
}

unsafe fn drop_aside(g: *mut Global, th: *mut Thread) {
    unsafe {
        let n = &mut (*th).native;
        if !n.aside.is_null() {
            (*g).heap.raw_free(n.aside, n.aside_size);
            n.aside = std::ptr::null_mut();
        }
    }
}

/// How to switch to a thread whose frames were put aside.
pub enum Way {
    /// They are in place now.
    Clear,
    /// They belong where the running thread's frames are: switch by way of the stack that starts here, and call [`exchange`] on it.
    Exchange(usize),
    /// No memory.
    NoMemory,
}

/// Prepares a switch from the running thread `from` to `to`, whose frames were put aside. `keep`: `from` will run again.
///
/// # Safety
/// Both are live, `to` waits or is suspended, and the caller switches next.
#[cold]
pub unsafe fn claim(from: *mut Thread, to: *mut Thread, keep: bool) -> Way {
    unsafe {
        let g = (*from).global;
        let r = (*to).native.region;
        let occupant = (*r).occupant;
        if occupant == from {
            if !keep {
                (*r).occupant = std::ptr::null_mut();
            } else {
                // What is between here and the switch.
                const MARGIN: usize = 1024;
                let top = (*r).segment.top();
                let low = low(from, stack_pointer() - MARGIN);
                if !reserve(g, from, top - low) {
                    return Way::NoMemory;
                }
            }
            return match &(*g).stacks.switch {
                Some(s) => Way::Exchange(s.top()),
                None => Way::NoMemory,
            };
        }
        if !occupant.is_null() && !put_aside(g, occupant) {
            return Way::NoMemory;
        }
        put_in_place(g, to);
        Way::Clear
    }
}

/// Runs on the exchange stack: `to`'s frames take the place of those of the thread that left. Gives the stack pointer to continue with.
///
/// # Safety
/// [`claim`] answered `Exchange`; the thread that left has saved its stack pointer.
pub unsafe extern "C" fn exchange(to: *mut Thread) -> usize {
    unsafe {
        let g = (*to).global;
        let occupant = (*(*to).native.region).occupant;
        if !occupant.is_null() {
            // Its block was reserved by `claim`.
            put_aside(g, occupant);
        }
        put_in_place(g, to);
        (*to).saved_sp
    }
}

/// Makes `to` run on the native stack of `from`, which waits meanwhile.
///
/// # Safety
/// `to` has no native stack; `from` runs on its own, or gets it back.
pub unsafe fn lend(from: *mut Thread, to: *mut Thread) {
    unsafe {
        (*to).native = std::mem::take(&mut (*from).native);
        (*to).native_limit = (*from).native_limit;
        (*from).native_limit = usize::MAX;
        let r = (*to).native.region;
        if !r.is_null() {
            (*r).occupant = to;
        }
    }
}

/// Takes the native stack away from a thread that will not run on it again.
///
/// # Safety
/// Nothing runs on it.
pub unsafe fn release(th: *mut Thread) {
    unsafe {
        let g = (*th).global;
        let r = (*th).native.region;
        (*th).native_limit = usize::MAX;
        if r.is_null() {
            return;
        }
        drop_aside(g, th);
        (*th).native.release_deep();
        (*th).native.region = std::ptr::null_mut();
        if (*r).occupant == th {
            (*g).stacks.give(r);
        }
    }
}

/// An approximation of rsp.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags))
    };
    sp
}

/// True when so little of the current segment is left that re-entering Lua needs the next one.
#[inline(always)]
pub fn is_low(l: Lua) -> bool {
    // SAFETY: the handle is live.
    stack_pointer() < unsafe { (*l.0.as_ptr()).native_limit }
}

/// Runs `f`, on the next segment when the current one is low. `None`: no memory for a segment.
#[inline(always)]
pub fn with_room<R>(l: Lua, f: impl FnOnce() -> R) -> Option<R> {
    if is_low(l) {
        on_next_segment(l, f)
    } else {
        Some(f())
    }
}

/// Bytes that [`on_stack`] may use of the stack it leaves.
const ON_STACK: usize = 1024;

#[cold]
#[inline(never)]
fn on_next_segment<R>(l: Lua, f: impl FnOnce() -> R) -> Option<R> {
    let th = l.0.as_ptr();
    // SAFETY: the native stack belongs to the running thread, and only it uses it now.
    unsafe {
        let saved = (*th).native.current();
        let saved_limit = (*th).native_limit;
        // Everything of this frame and what `on_stack` adds to it stays above.
        let seg = (*th).native.advance(stack_pointer() - ON_STACK)?;
        (*th).native_limit = seg.limit();
        let r = on_stack(seg.top(), f);
        (*th).native.restore(saved);
        (*th).native_limit = saved_limit;
        Some(r)
    }
}

/// Runs `f` with rsp at `top` and comes back.
///
/// # Safety
/// `[.., top)` is unused stack memory large enough for `f`; `f` does not unwind (panic = abort).
pub unsafe fn on_stack<R>(top: usize, f: impl FnOnce() -> R) -> R {
    struct Job<F, R> {
        f: Option<F>,
        r: Option<R>,
    }
    extern "C" fn run<F: FnOnce() -> R, R>(job: *mut Job<F, R>) {
        // SAFETY: `job` is the caller's local, alive until `switch` returns.
        let job = unsafe { &mut *job };
        if let Some(f) = job.f.take() {
            job.r = Some(f());
        }
    }
    fn start<F: FnOnce() -> R, R>(_: &Job<F, R>) -> extern "C" fn(*mut Job<F, R>) {
        run::<F, R>
    }
    let mut job = Job {
        f: Some(f),
        r: None,
    };
    let entry = start(&job);
    unsafe { call_on_stack(top, entry as *const u8, (&raw mut job).cast()) };
    match job.r {
        Some(r) => r,
        // `run` always stores a result before it returns.
        None => std::process::abort(),
    }
}

/// rdi = new rsp, rsi = function, rdx = its argument.
#[unsafe(naked)]
unsafe extern "C" fn call_on_stack(_top: usize, _f: *const u8, _arg: *mut u8) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
        "ret"
    )
}

/// Runs `f` (a deep recursion that never re-enters Lua, such as the parser) with at least 16 MB of stack.
/// Falls back to the current stack when no memory can be mapped.
pub fn on_big_stack<R>(f: impl FnOnce() -> R) -> R {
    const BIG: usize = 16 << 20;
    match map(BIG) {
        // SAFETY: a fresh mapping.
        Some(base) => unsafe {
            let r = on_stack(base + BIG, f);
            libc::munmap(base as *mut _, BIG);
            r
        },
        None => f(),
    }
}

/// The limit on this process's address space (`ulimit -v`), if there is one.
fn address_space() -> Option<usize> {
    let mut r = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: fills in `r`.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut r) } == 0;
    (known && r.rlim_cur != libc::RLIM_INFINITY).then_some(r.rlim_cur as usize)
}

/// Maps the main thread's segment: where address space is limited a small part of it, for deep recursion goes on in further segments.
pub fn main_segment() -> Option<Segment> {
    let mut size = MAIN_SEGMENT;
    if let Some(limit) = address_space() {
        while size > limit / 16 {
            size /= 2;
        }
        size = size.max(1 << 20);
    }
    while size >= (1 << 20) {
        if let Some(base) = map(size) {
            return Some(Segment { base, size });
        }
        size /= 2;
    }
    None
}

/// Runs the main thread's work on a large segment of its own. Without memory for one it runs on the caller's stack, within what the
/// system gives.
pub fn run_main<R>(l: Lua, f: impl FnOnce() -> R) -> R {
    let th = l.0.as_ptr();
    match main_segment() {
        // SAFETY: a fresh mapping; the main thread is not running yet.
        Some(segment) => unsafe {
            // The main thread is the only one ever bound to it.
            let region = Region {
                segment,
                occupant: th,
                listed: false,
            };
            (*th).native.region = Box::into_raw(Box::new(region));
            (*th).native_limit = segment.limit();
            on_stack(segment.top(), f)
        },
        None => {
            // SAFETY: live thread.
            unsafe { (*th).native_limit = stack_pointer().saturating_sub(512 << 10) };
            f()
        }
    }
}
