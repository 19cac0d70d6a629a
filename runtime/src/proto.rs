//! Prototypes as the runtime holds them: constants turned into values, caches beside the code.

use crate::object::{Header, Str};
use crate::value::Value;
use trinity_frontend::bytecode::{Instr, Proto, liveness::Liveness};

/// An inline cache or feedback entry (docs/abi.md section 3).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Cache {
    pub shape_id: u32,
    /// Byte offset of the slot from the table's `slots`.
    pub slot: u32,
    pub epoch: u32,
    /// One of `trinity_abi::cache::KIND_*`.
    pub kind: u8,
    pub feedback: u8,
    pub hits: u16,
    pub value: Value,
}

impl Cache {
    /// Size of a prototype's caches: one for every `Ic` operand and a spare one, then as many *cells*: four ids of shapes each, of which machine code
    /// knows in which slot they have the field of that site (`trinity_abi::cache::cell`), and as many for methods (`trinity_abi::cache::method_cell`).
    pub const fn bytes(num_caches: u32) -> usize {
        trinity_abi::cache::bytes(num_caches)
    }
    /// An empty entry.
    pub const EMPTY: Cache = Cache {
        // no shape has this id (0 is dictionary mode)
        shape_id: u32::MAX,
        slot: 0,
        epoch: 0,
        kind: 0,
        feedback: 0,
        hits: 0,
        value: Value::NIL,
    };
}

/// A loaded prototype; a collected object (kind `PROTO`), kept alive by its closures and its parent.
#[repr(C)]
pub struct RtProto {
    pub h: Header,
    /// Constants as values (strings interned or allocated).
    pub consts: *mut Value,
    /// Inline caches, indexed by `Ic` operands; one spare entry at the end serves instructions without a cache.
    pub caches: *mut Cache,
    /// The elements of `children`, for machine code.
    pub child_list: *const *mut RtProto,
    pub code: *const Instr,
    pub num_consts: u32,
    pub num_caches: u32,
    pub code_len: u32,
    pub num_params: u8,
    pub max_stack: u8,
    pub is_vararg: bool,
    /// Its machine code relies on what is no longer so: never to be entered again.
    pub broken: bool,
    /// Entry of ahead-of-time code, or null: interpreted.
    pub native_code: *const u8,
    /// What the compiler says of that code; null when there never was any.
    pub desc: *const trinity_abi::unit::FuncDesc,
    /// Slots from its base that its machine code uses: its own registers, and those of what is inlined.
    pub code_slots: u32,
    /// Guards that failed in that code.
    pub guard_failures: u32,
    /// Calls counted by the interpreter's profile.
    pub calls: u32,
    /// Loop back edges taken in the interpreter.
    pub back_edges: u32,
    /// Number of the function in what is observed, from 1; 0: it is not (`interp::Watch`).
    pub observed: u32,
    /// Children, parallel to `src.protos`.
    pub children: Vec<*mut RtProto>,
    /// Interned upvalue names (null when stripped).
    pub upval_names: Vec<*mut Str>,
    /// The front end's prototype: line information, locals, descriptors. Its `protos` has been moved into `children`;
    /// its `code` is what `code` points to.
    pub src: Box<Proto>,
    /// Liveness bitmaps, computed when the collector first meets a frame of this function.
    pub liveness: std::cell::OnceCell<Box<Liveness>>,
}

const _: () = assert!(std::mem::offset_of!(RtProto, consts) == trinity_abi::proto::CONSTS as usize);
const _: () = assert!(std::mem::offset_of!(RtProto, caches) == trinity_abi::proto::CACHES as usize);
const _: () =
    assert!(std::mem::offset_of!(RtProto, child_list) == trinity_abi::proto::CHILDREN as usize);
const _: () =
    assert!(std::mem::offset_of!(RtProto, native_code) == trinity_abi::proto::NATIVE_CODE as usize);
const _: () = assert!(size_of::<Cache>() == trinity_abi::cache::SIZE as usize);
