//! State shared by all threads of one Lua state. Several states can live in one process: nothing here is a process global.

use crate::close;
use crate::error::{LResult, Status};
use crate::frames;
use crate::heap::{self, AllocError, Callbacks, Heap};
use crate::interp::Watch;
use crate::interp::lookup::{Entry, Lookups};
use crate::native::stack::{self as native_stack, NativeStack, StackPool};
use crate::native::units::Units;
use crate::object::{Header, Str, Table};
use crate::poll;
use crate::raise::OrRaise;
use crate::stack;
use crate::string::{self, Interner};
use crate::table::shape::Shapes;
use crate::table::{self, TableError};
use crate::thread::{CallKind, Lua, Thread};
use crate::value::{Value, tag};
use crate::warn::WarnState;
use std::ptr::{NonNull, null_mut};
use trinity_frontend::bytecode::op::EVENT_NAMES;

/// The global state. Machine code allocates from the heap, which comes first.
#[repr(C)]
pub struct Global {
    pub heap: Heap,
    /// Incremented when a constant slot or an absence that a cache may have recorded stops being true.
    pub epoch: u32,
    /// Entries of `lookups`, for machine code.
    pub(crate) lookup_entries: *mut Entry,
    pub strings: Interner,
    pub shapes: Shapes,
    pub main_thread: *mut Thread,
    pub registry: Value,
    /// The table of globals (`registry[2]`).
    pub globals: *mut Table,
    /// Metatables of the basic types, indexed by tag (booleans share FALSE's, numbers INT's, strings SHORT_STR's, functions LUA_FN's).
    pub metatables: [*mut Table; 16],
    /// Interned metamethod names, indexed by event.
    pub event_names: [*mut Str; EVENT_NAMES.len()],
    /// Preallocated "not enough memory".
    pub memory_message: *mut Str,
    /// Machine code registry: return address to safe point.
    pub units: crate::native::units::Units,
    /// Native stacks for coroutines.
    pub stacks: crate::native::stack::StackPool,
    /// Warning state (on/off, continuation).
    pub warn: crate::warn::WarnState,
    /// Program name for messages of the stand-alone interpreter.
    pub progname: String,
    /// What was read of the last formats of string.format.
    pub formats: crate::lib::string::plan::Formats,
    /// Field lookups at sites that see many shapes.
    pub lookups: Lookups,
    /// Seed of string hashes.
    pub seed: u32,
    /// The front end; `None`: the program is closed, nothing is loaded, and nothing changes what its code was compiled for.
    pub read_text: Option<crate::load::ReadText>,
    /// Called at the next poll after a signal handler asked for it (`poll::reason::SIGNAL`).
    pub on_signal: Option<fn(Lua) -> LResult<()>>,
    /// A finalizer is running.
    pub in_finalizer: bool,
    /// `close` has begun.
    pub closing: bool,
    /// Who is told of every instruction, in executables made for training runs.
    pub observer: Option<&'static dyn Watch>,
}

const _: () = {
    use std::mem::offset_of;
    use trinity_abi::heap as abi;
    assert!(offset_of!(Global, heap) == 0 && offset_of!(Heap, runs) == abi::run(0) as usize);
    let lookups = offset_of!(Global, lookup_entries) - offset_of!(Global, epoch);
    assert!(lookups == trinity_abi::lookup::AT as usize);
    assert!(offset_of!(Heap, debt) == abi::DEBT as usize);
    assert!(offset_of!(Heap, current_white) == abi::WHITE as usize);
    assert!(offset_of!(Heap, made) == abi::MADE as usize);
    assert!(offset_of!(crate::heap::Made, key) == abi::MADE_KEY as usize);
};

/// Registry keys, as in the reference.
const MAIN_THREAD: i64 = 1;
const GLOBALS: i64 = 2;

/// A seed that differs between runs (addresses and time).
fn random_seed() -> u32 {
    let boxed = Box::new(0u8);
    let heap = &raw const *boxed as usize as u64;
    let here = &raw const boxed as usize as u64;
    // SAFETY: zeros are a time; the pointer is valid.
    let now = unsafe {
        let mut t: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_REALTIME, &mut t);
        (t.tv_sec as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(t.tv_nsec as u64)
    };
    let mut x = here ^ heap.rotate_left(17) ^ now.rotate_left(34);
    x = (x ^ (x >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (x ^ (x >> 32)) as u32
}

/// A new state with empty globals; the handle is its main thread. `None`: no memory.
pub fn new_state() -> Option<Lua> {
    let l = closed_state()?;
    // SAFETY: made just now.
    unsafe { (*l.global()).read_text = Some(crate::load::compile_text) };
    Some(l)
}

/// The same for a program that loads no code.
pub fn closed_state() -> Option<Lua> {
    let seed = random_seed();
    let mut lookups = Lookups::default();
    let g = Box::into_raw(Box::new(Global {
        epoch: 0,
        lookup_entries: lookups.entries(),
        heap: Heap::new(),
        strings: Interner::new(seed),
        shapes: Shapes::new(),
        main_thread: null_mut(),
        registry: Value::NIL,
        globals: null_mut(),
        metatables: [null_mut(); 16],
        event_names: [null_mut(); EVENT_NAMES.len()],
        memory_message: null_mut(),
        units: Units::default(),
        stacks: StackPool::default(),
        warn: WarnState::default(),
        progname: String::new(),
        lookups,
        formats: Default::default(),
        seed,
        read_text: None,
        on_signal: None,
        in_finalizer: false,
        closing: false,
        observer: None,
    }));
    // SAFETY: `g` was made above; nothing collects before the roots are in place.
    unsafe {
        (*g).heap.callbacks = CALLBACKS;
        match populate(g) {
            Ok(l) => Some(l),
            Err(_) => {
                heap::free_all(g);
                drop(Box::from_raw(g));
                None
            }
        }
    }
}

/// Main thread, registry and globals.
unsafe fn populate(g: *mut Global) -> Result<Lua, TableError> {
    unsafe {
        table::init(g)?;
        let message = string::new(g, b"not enough memory")?;
        string::fix(message);
        (*g).memory_message = message;
        let th = make_thread(g)?;
        (*g).main_thread = th;
        let registry = table::new(g, 2, 8)?;
        (*g).registry = Value::table(registry);
        let globals = table::new(g, 0, 0)?;
        table::make_private(g, globals)?;
        (*g).globals = globals;
        table::set_int(
            g,
            registry,
            MAIN_THREAD,
            Value {
                p: th as u64,
                t: tag::THREAD,
            },
        )?;
        table::set_int(g, registry, GLOBALS, Value::table(globals))?;
        Ok(Lua(NonNull::new_unchecked(th)))
    }
}

/// A thread with an empty stack.
unsafe fn make_thread(g: *mut Global) -> Result<*mut Thread, AllocError> {
    unsafe {
        let th = heap::alloc_thread(
            g,
            Thread {
                h: Header {
                    kind: tag::THREAD,
                    mark: 0,
                    flags: 0,
                    aux8: 0,
                    aux32: 0,
                },
                poll: 0,
                closing: 0,
                stack_limit: null_mut(),
                native_limit: 0,
                ci: null_mut(),
                entry_sp: 0,
                global: g,
                top: null_mut(),
                epoch_ptr: &raw mut (*g).epoch,
                stack: null_mut(),
                stack_size: 0,
                base_ci: null_mut(),
                nccalls: 0,
                c_floor: 0,
                resumes: 0,
                nny: 0,
                status: Status::Ok,
                error_status: Status::Ok,
                error: Value::NIL,
                errfunc: 0,
                tbc: Vec::new(),
                hook: None,
                native: NativeStack::default(),
                saved_sp: 0,
                patched: Vec::new(),
                resume_args: 0,
                resumer: null_mut(),
                num_cis: 0,
                gc_flags: 0,
            },
        )?;
        stack::init(th);
        Ok(th)
    }
}

/// lua_newthread: a coroutine that shares everything but its stack, and inherits the hook.
pub fn new_thread(l: Lua) -> LResult<*mut Thread> {
    // SAFETY: live handle.
    unsafe {
        let th = make_thread(l.global()).or_raise(l)?;
        (*th).native_limit = usize::MAX;
        if let Some(h) = &(*l.thread()).hook {
            (*th).hook = h.inherit();
            if (*th).hook.is_some() {
                poll::request(th, poll::reason::HOOK);
            }
        }
        Ok(th)
    }
}

/// lua_close: closes the main thread's pending variables, calls every finalizer, frees everything. `l` may be any thread of the state.
pub fn close(l: Lua) {
    // SAFETY: live handle; nothing of the state is used afterwards.
    unsafe {
        let g = l.global();
        let th = (*g).main_thread;
        if l.thread() != th {
            // The program ends inside a coroutine: its native stack stays in use to the end of the process.
            native_stack::lend(l.thread(), th);
            (*g).stacks.leak();
        }
        let l = Lua(NonNull::new_unchecked(th));
        (*th).ci = (*th).base_ci;
        (*(*th).ci).kind = CallKind::Base;
        (*th).nny += 1;
        close::close_protected(l, 1, Status::Ok);
        (*th).top = (*th).stack.add(1);
        // A finalizer can end the program again (os.exit): the others still run, but nothing that was made since gets one.
        if !(*g).closing {
            (*g).closing = true;
            heap::queue_all_finalizers(g);
        }
        (*g).in_finalizer = false;
        // Errors in finalizers are warnings.
        let _ = poll::run_finalizers(l);
        heap::free_all(g);
        drop(Box::from_raw(g));
    }
}

/// What the collector asks of the modules above it.
const CALLBACKS: Callbacks = Callbacks {
    scan_stack: frames::scan_stack,
    // Lua functions used as hooks are kept in the registry.
    scan_thread_extra: |_, _| {},
    // No roots, but this is called in the atomic phase.
    scan_roots: |g, _| unsafe { (*g).lookups.clear() },
    free_thread,
    // Whoever runs the collector asks for the poll.
    finalizers_pending: |_| {},
};

unsafe fn free_thread(g: *mut Global, th: *mut Thread) {
    unsafe {
        (*g).heap.account(-(stack::bytes(th) as isize));
        stack::free(th);
        if th != (*g).main_thread {
            native_stack::release(th);
        }
        std::ptr::drop_in_place(&raw mut (*th).tbc);
        std::ptr::drop_in_place(&raw mut (*th).hook);
        std::ptr::drop_in_place(&raw mut (*th).native);
        std::ptr::drop_in_place(&raw mut (*th).patched);
    }
}
