//! Segmented native stacks.
//!
//! The problem: every coroutine needs a native stack (Rust helpers and machine frames run on it), 100,000 of them must fit in memory,
//! 20,000 in 4 GB of address space, and recursion must still reach 1,000,000 slots inside any of them. So a coroutine starts on one
//! small segment; when a check fails, execution continues on the next, larger one, and comes back by a return stub. Segments never
//! move. Small ones are cut from slabs and pooled; there are no guard pages (they exhaust the kernel's map count), which is sound
//! because every function that can recurse checks: machine code in its prologue against `Thread::native_limit`, Rust in \[`check`\]
//! before it re-enters Lua. Leaf Rust code has [`HEADROOM`] bytes below the limit.

use crate::thread::Lua;
use std::arch::naked_asm;

/// Bytes below `native_limit` that Rust helpers may use without a check.
pub const HEADROOM: usize = 64 << 10;
/// First segment of a coroutine.
pub const FIRST_SEGMENT: usize = 128 << 10;
/// Largest segment; later ones of the same thread repeat it.
const MAX_SEGMENT: usize = 64 << 20;
/// Small segments are mapped this many at a time.
const SLAB_SEGMENTS: usize = 32;
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

/// Pool of first segments, one per Lua state; last in, first out, so that warm pages are used again.
#[derive(Default)]
pub struct StackPool {
    free: Vec<Segment>,
    slabs: Vec<Segment>,
    warm: usize,
}

/// Free segments that keep their pages.
const WARM_SEGMENTS: usize = 64;

impl StackPool {
    /// A first segment; `None` when the address space is exhausted.
    pub fn take(&mut self) -> Option<Segment> {
        if let Some(s) = self.free.pop() {
            self.warm = self.warm.min(self.free.len());
            return Some(s);
        }
        let slab = Segment {
            base: map(FIRST_SEGMENT * SLAB_SEGMENTS)?,
            size: FIRST_SEGMENT * SLAB_SEGMENTS,
        };
        self.slabs.push(slab);
        self.free.extend((1..SLAB_SEGMENTS).rev().map(|i| Segment {
            base: slab.base + i * FIRST_SEGMENT,
            size: FIRST_SEGMENT,
        }));
        Some(Segment {
            base: slab.base,
            size: FIRST_SEGMENT,
        })
    }
    /// Returns a first segment. Nothing may run on it any more.
    pub fn give(&mut self, s: Segment) {
        if self.free.len() >= WARM_SEGMENTS {
            // SAFETY: the range is ours and unused; its contents may vanish.
            unsafe { libc::madvise(s.base as *mut _, s.size, libc::MADV_DONTNEED) };
        }
        self.free.push(s);
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        for s in &self.slabs {
            // SAFETY: the state is gone, so nothing runs on its stacks.
            unsafe { libc::munmap(s.base as *mut _, s.size) };
        }
    }
}

/// The segments of one thread.
#[derive(Default)]
pub struct NativeStack {
    segments: Vec<Segment>,
    /// Index of the segment in use.
    current: usize,
}

impl NativeStack {
    /// A stack that starts on `first` (owned by the caller: a pool or a mapping).
    pub fn new(first: Segment) -> NativeStack {
        NativeStack {
            segments: vec![first],
            current: 0,
        }
    }
    /// The first segment.
    pub fn first(&self) -> Option<Segment> {
        self.segments.first().copied()
    }
    /// Index of the segment in use, for [`NativeStack::restore`].
    pub fn current(&self) -> usize {
        self.current
    }
    /// Makes segment `i` current again (after an error or a return) and gives its limit.
    pub fn restore(&mut self, i: usize) -> usize {
        self.current = i;
        self.segments.get(i).map_or(0, |s| s.limit())
    }
    /// Moves to the next segment, mapping it when it is not there yet.
    pub fn advance(&mut self) -> Option<Segment> {
        let next = self.current + 1;
        if next >= self.segments.len() {
            let last = self.segments.last().map_or(FIRST_SEGMENT, |s| s.size);
            let size = (last * 2).clamp(512 << 10, MAX_SEGMENT);
            self.segments.push(Segment {
                base: map(size)?,
                size,
            });
        }
        self.current = next;
        Some(self.segments[next])
    }
    /// Unmaps every segment but the first.
    pub fn release_extra(&mut self) {
        for s in self.segments.drain(1.min(self.segments.len())..) {
            // SAFETY: only called when nothing runs on them.
            unsafe { libc::munmap(s.base as *mut _, s.size) };
        }
        self.current = 0;
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

#[cold]
#[inline(never)]
fn on_next_segment<R>(l: Lua, f: impl FnOnce() -> R) -> Option<R> {
    let th = l.0.as_ptr();
    // SAFETY: the native stack belongs to the running thread, and only it uses it now.
    unsafe {
        let saved = (*th).native.current();
        let saved_limit = (*th).native_limit;
        let seg = (*th).native.advance()?;
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

/// Maps the main thread's segment.
pub fn main_segment() -> Option<Segment> {
    let mut size = MAIN_SEGMENT;
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
        Some(seg) => unsafe {
            (*th).native = NativeStack::new(seg);
            (*th).native_limit = seg.limit();
            on_stack(seg.top(), f)
        },
        None => {
            // SAFETY: live thread.
            unsafe { (*th).native_limit = stack_pointer().saturating_sub(512 << 10) };
            f()
        }
    }
}
