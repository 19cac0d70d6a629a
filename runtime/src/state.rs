//! State shared by all threads of one Lua state. Several states can live in one process: nothing here is a process global.

use crate::heap::Heap;
use crate::object::{Str, Table};
use crate::string::Interner;
use crate::table::shape::Shapes;
use crate::thread::Thread;
use crate::value::Value;
use trinity_frontend::bytecode::op::EVENT_NAMES;

/// The global state.
pub struct Global {
    /// Incremented when a constant slot or an absence that a cache may have recorded stops being true.
    pub epoch: u32,
    pub heap: Heap,
    pub strings: Interner,
    pub shapes: Shapes,
    pub main_thread: *mut Thread,
    pub registry: Value,
    /// The table of globals (registry[2]).
    pub globals: *mut Table,
    /// Metatables of the basic types, indexed by tag (booleans share FALSE's, numbers INT's, strings SHORT_STR's, functions LUA_FN's).
    pub metatables: [*mut Table; 16],
    /// Interned metamethod names, indexed by event.
    pub event_names: [*mut Str; EVENT_NAMES.len()],
    /// Preallocated "not enough memory".
    pub memory_message: *mut Str,
    /// Machine code registry: return address to safe point.
    pub units: crate::native::units::Units,
    /// Warning state (on/off, continuation).
    pub warn: crate::warn::WarnState,
    /// Program name for messages of the stand-alone interpreter.
    pub progname: String,
    /// Set by the signal handler path; see `poll`.
    pub seed: u32,
}
