//! Threads (coroutines), call records, and the handle every runtime function takes.

use crate::error::Status;
use crate::object::Header;
use crate::state::Global;
use crate::value::Value;
use std::mem::offset_of;
use std::ptr::NonNull;
use trinity_frontend::bytecode::Instr;

/// Handle to the running thread. `Copy`; all runtime operations are methods on it (`api.rs`, `call.rs`, ...).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Lua(pub NonNull<Thread>);

/// What runs in a call record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CallKind {
    /// The thread's base record, below every function.
    Base = 0,
    /// A Lua function in the interpreter.
    Lua = 1,
    /// A native (Rust) function.
    Native = 2,
    /// Machine frames from here up to the entry trampoline.
    Machine = 3,
}

/// `CallInfo::status` bits.
pub mod call_status {
    /// The interpreter loop that runs this record was entered from Rust: returning from it leaves the loop.
    pub const FRESH: u16 = 1;
    /// Running a hook.
    pub const HOOK: u16 = 1 << 1;
    /// Reached by a tail call.
    pub const TAIL: u16 = 1 << 2;
    /// Called as a finalizer.
    pub const FIN: u16 = 1 << 3;
    /// The function has been hooked with "call" already, at this pc.
    pub const HOOKED: u16 = 1 << 4;
    /// `ftransfer`/`ntransfer` are valid.
    pub const TRANSFER: u16 = 1 << 5;
    /// A vararg function whose frame was shifted by its prologue.
    pub const VARARG: u16 = 1 << 7;
    /// Interpreting a frame that left machine code.
    pub const DEOPT: u16 = 1 << 6;
    /// An iterator called by a generic `for`: counted in `nccalls`, as in the reference.
    pub const COUNTED: u16 = 1 << 8;
    /// About to continue at its pc: the instruction before has written what it writes.
    pub const RESUMED: u16 = 1 << 9;
}

/// A call record. Linked list; records stay allocated and are used again.
#[repr(C)]
pub struct CallInfo {
    /// The function's slot; its base is the next one.
    pub func: *mut Value,
    /// End of the frame's registers (Lua) or of the slots guaranteed to a native function.
    pub top: *mut Value,
    /// Lua: next instruction.
    pub pc: *const Instr,
    pub prev: *mut CallInfo,
    pub next: *mut CallInfo,
    /// Wanted results; -1 for all.
    pub nresults: i32,
    pub status: u16,
    pub kind: CallKind,
    pub pad: u8,
    /// Machine: stack pointer at the last transition to Rust (points at the return address into machine code).
    pub nsp: usize,
    /// Machine: rbx at that transition.
    pub nbase: *mut Value,
    /// Vararg functions: number of extra arguments.
    pub nextra: u32,
    /// Hooks: first transferred value and their count.
    pub ftransfer: u16,
    pub ntransfer: u16,
}

/// A thread.
#[repr(C)]
pub struct Thread {
    pub h: Header,
    /// Reasons to leave the fast path at back edges (see `poll`).
    pub poll: u32,
    /// Length of `tbc`, for machine code.
    pub closing: u32,
    /// Frames must end at or below this; null when something is pending.
    pub stack_limit: *mut Value,
    /// rsp must stay at or above this in machine code.
    pub native_limit: usize,
    pub ci: *mut CallInfo,
    /// Stack pointer of the innermost entry trampoline.
    pub entry_sp: usize,
    pub global: *mut Global,
    /// First free slot (native functions), or end of open results (Lua).
    pub top: *mut Value,
    pub epoch_ptr: *mut u32,
    /// The slots: `stack_size` values and a reserve behind them for error handling.
    pub stack: *mut Value,
    pub stack_size: usize,
    pub base_ci: *mut CallInfo,
    /// Nested native calls (the reference's nCcalls), limit 200.
    pub nccalls: u32,
    /// `nccalls` at the last resume: a yield forgets the calls it crosses, as in the reference, so returning from them stops here.
    pub c_floor: u32,
    /// Times the nested calls were forgotten: by a resume, or an error caught in a coroutine that may yield (wraps).
    pub resumes: u32,
    /// Non-yieldable calls on the stack (sort, gsub callbacks, ...): yielding is refused while above 0.
    pub nny: u32,
    /// Life of a coroutine.
    pub status: Status,
    pub error_status: Status,
    /// The value of the error being raised.
    pub error: Value,
    /// Slot offset (from `stack`) of the current message handler, or 0.
    pub errfunc: usize,
    /// Slot offsets of to-be-closed variables, innermost last; `close` alone changes it.
    pub tbc: Vec<u32>,
    /// Debug hook state; `None` when never set.
    pub hook: Option<Box<crate::debug::hook::HookState>>,
    /// Native stack segments (docs/abi.md section 7).
    pub native: crate::native::stack::NativeStack,
    /// Saved stack pointer while this thread is suspended, or while it waits for a coroutine it resumed.
    pub saved_sp: usize,
    /// Lazily replaced return addresses of machine frames on this thread's native stack.
    pub patched: Vec<crate::native::exit::Patched>,
    /// Values passed by the last resume or yield.
    pub resume_args: u32,
    /// The thread that resumed this one, while it runs.
    pub resumer: *mut Thread,
    pub num_cis: u32,
    /// Gray list link for the collector.
    pub gc_flags: u32,
}

/// Slots kept behind the limit for error handling, as in the reference.
pub const EXTRA_STACK: usize = 5;
/// Largest stack, in slots (LUAI_MAXSTACK).
pub const MAX_STACK: usize = 1_000_000;
/// Slots a native function may push without checking (LUA_MINSTACK).
pub const MIN_STACK: usize = 20;
/// First size of a thread's stack.
pub const BASIC_STACK: usize = MIN_STACK + 8;

use trinity_abi as abi;
const _: () = {
    assert!(offset_of!(Thread, poll) == abi::thread::POLL as usize);
    assert!(offset_of!(Thread, closing) == abi::thread::CLOSING as usize);
    assert!(offset_of!(Thread, stack_limit) == abi::thread::STACK_LIMIT as usize);
    assert!(offset_of!(Thread, native_limit) == abi::thread::NATIVE_LIMIT as usize);
    assert!(offset_of!(Thread, ci) == abi::thread::CI as usize);
    assert!(offset_of!(Thread, entry_sp) == abi::thread::ENTRY_SP as usize);
    assert!(offset_of!(Thread, global) == abi::thread::GLOBAL as usize);
    assert!(offset_of!(Thread, top) == abi::thread::TOP as usize);
    assert!(offset_of!(Thread, nccalls) == abi::thread::NCCALLS as usize);
    assert!(offset_of!(Thread, c_floor) == abi::thread::C_FLOOR as usize);
    assert!(offset_of!(Thread, epoch_ptr) == abi::thread::EPOCH_PTR as usize);
    assert!(offset_of!(CallInfo, nsp) == abi::ci::NSP as usize);
    assert!(offset_of!(CallInfo, nbase) == abi::ci::NBASE as usize);
};
