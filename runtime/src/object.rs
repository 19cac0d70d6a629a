//! Layouts of collected objects (docs/abi.md section 2). Behaviour lives in the modules named after each object.

use crate::thread::Lua;
use crate::value::Value;
use std::mem::offset_of;

/// Header of every collected object.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Header {
    /// The object's tag.
    pub kind: u8,
    /// Colour and age bits; see `heap`.
    pub mark: u8,
    /// Per-kind flags. Tables: metamethod-absence bits are not kept here but in the shape; bit 0: has finalizer, bit 1: weak list member, bit 2: the array part had elements and lost the last.
    pub flags: u8,
    /// Per-kind byte. Tables: element kind of the array part.
    pub aux8: u8,
    /// Per-kind word. Strings: hash. Tables: shape id. Closures: upvalue count.
    pub aux32: u32,
}

/// A string; `len` bytes and a NUL follow the struct.
#[repr(C)]
pub struct Str {
    pub h: Header,
    pub len: usize,
    bytes: [u8; 0],
}

impl Str {
    /// The contents.
    ///
    /// # Safety
    /// The string is live for as long as the slice is used (it does not move).
    #[inline(always)]
    pub unsafe fn bytes<'a>(s: *const Str) -> &'a [u8] {
        unsafe { std::slice::from_raw_parts((&raw const (*s).bytes).cast(), (*s).len) }
    }
    /// Start of the bytes, for initialisation.
    ///
    /// # Safety
    /// `s` points to an allocation of a string.
    #[inline(always)]
    pub unsafe fn data(s: *mut Str) -> *mut u8 {
        unsafe { (&raw mut (*s).bytes).cast() }
    }
}

/// A table. See `table/`.
#[repr(C)]
pub struct Table {
    /// `aux8`: element kind; `aux32`: shape id (0: dictionary mode).
    pub h: Header,
    pub slots: *mut Value,
    pub array: *mut u64,
    pub array_len: u32,
    pub array_cap: u32,
    pub hash: *mut crate::table::hash::HashPart,
    pub shape: *mut crate::table::shape::Shape,
    pub metatable: *mut Table,
    pub slot_cap: u32,
    /// Offset of the array that the cell has room for, from the table; 0: it has none. `array` points there or elsewhere.
    pub own_array: u32,
    // inline slots and the own array follow
}

/// A captured local variable.
#[repr(C)]
pub struct Cell {
    pub h: Header,
    pub v: Value,
}

/// A Lua function value; `h.aux32` cells follow.
#[repr(C)]
pub struct LuaClosure {
    pub h: Header,
    /// Generic entry: compiled code, or the stub that enters the interpreter.
    pub code: *const u8,
    pub proto: *mut crate::proto::RtProto,
    upvals: [*mut Cell; 0],
}

impl LuaClosure {
    /// The upvalue cells.
    ///
    /// # Safety
    /// `c` is live and `i` below `h.aux32`.
    #[inline(always)]
    pub unsafe fn upval(c: *mut LuaClosure, i: usize) -> *mut *mut Cell {
        unsafe { (&raw mut (*c).upvals).cast::<*mut Cell>().add(i) }
    }
}

/// Functions of the library: arguments at `base..top`, results pushed; returns their count.
pub type NativeFn = fn(Lua) -> Result<u32, crate::error::Raise>;

/// A native function value; `h.aux32` upvalues (values) follow.
#[repr(C)]
pub struct NativeClosure {
    pub h: Header,
    /// Entry stub for machine-code callers.
    pub code: *const u8,
    pub func: NativeFn,
    upvals: [Value; 0],
}

impl NativeClosure {
    /// Upvalue `i` (from 0).
    ///
    /// # Safety
    /// `c` is live and `i` below `h.aux32`.
    #[inline(always)]
    pub unsafe fn upval(c: *mut NativeClosure, i: usize) -> *mut Value {
        unsafe { (&raw mut (*c).upvals).cast::<Value>().add(i) }
    }
}

/// A full userdata: `h.aux32` user values, then `len` bytes.
#[repr(C)]
pub struct Userdata {
    pub h: Header,
    pub metatable: *mut Table,
    pub len: usize,
    pub user: *mut Value,
    pub data: *mut u8,
}

use trinity_abi as abi;
const _: () = {
    assert!(size_of::<Header>() == 8);
    assert!(offset_of!(Header, mark) == abi::header::MARK as usize);
    assert!(offset_of!(Header, aux8) == abi::header::AUX8 as usize);
    assert!(offset_of!(Header, aux32) == abi::header::AUX32 as usize);
    assert!(offset_of!(Str, len) == abi::string::LEN as usize);
    assert!(offset_of!(Str, bytes) == abi::string::BYTES as usize);
    assert!(offset_of!(Table, slots) == abi::table::SLOTS as usize);
    assert!(offset_of!(Table, array) == abi::table::ARRAY as usize);
    assert!(offset_of!(Table, array_len) == abi::table::ARRAY_LEN as usize);
    assert!(offset_of!(Table, array_cap) == abi::table::ARRAY_CAP as usize);
    assert!(offset_of!(Table, hash) == abi::table::HASH as usize);
    assert!(offset_of!(Table, shape) == abi::table::SHAPE as usize);
    assert!(offset_of!(Table, metatable) == abi::table::METATABLE as usize);
    assert!(offset_of!(Table, slot_cap) == abi::table::SLOT_CAP as usize);
    assert!(offset_of!(Table, own_array) == abi::table::OWN_ARRAY as usize);
    assert!(size_of::<Table>() == abi::table::SIZE as usize);
    assert!(offset_of!(Cell, v) == abi::closure::CELL_VALUE as usize);
    assert!(offset_of!(LuaClosure, code) == abi::closure::CODE as usize);
    assert!(offset_of!(LuaClosure, proto) == abi::closure::PROTO as usize);
    assert!(offset_of!(LuaClosure, upvals) == abi::closure::UPVALS as usize);
    assert!(offset_of!(NativeClosure, code) == abi::closure::CODE as usize);
};
