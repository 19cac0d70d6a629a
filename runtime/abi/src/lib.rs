//! What machine code and the runtime agree on. Numbers only; the meaning of each is in docs/abi.md.
//! The runtime asserts at compile time that its structures have these offsets.

/// Value tags (docs/abi.md section 1).
pub mod tag {
    #![allow(missing_docs)]
    pub const NIL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const LIGHT: u8 = 5;
    /// Tags from here on are collectable.
    pub const FIRST_COLLECTABLE: u8 = 6;
    pub const SHORT_STR: u8 = 6;
    pub const LONG_STR: u8 = 7;
    pub const TABLE: u8 = 8;
    pub const LUA_FN: u8 = 9;
    pub const NATIVE_FN: u8 = 10;
    pub const USERDATA: u8 = 11;
    pub const THREAD: u8 = 12;
    pub const CELL: u8 = 13;
    /// Object kinds that are never values.
    pub const PROTO: u8 = 14;
    pub const SHAPE: u8 = 15;
}

/// Bytes of a value slot.
pub const VALUE_SIZE: i32 = 16;
/// Offset of the tag byte in a value.
pub const VALUE_TAG: i32 = 8;

/// Offset, in a function slot, of the byte that tells a tail call (1) from a call (0); written by machine-code callers.
pub const VALUE_TAIL: i32 = 9;

/// Nested native calls at which an error is raised (LUAI_MAXCCALLS).
pub const MAX_C_CALLS: u32 = 200;

/// Result of the helper `tailcall` for a native function.
pub const TAIL_NATIVE: i64 = 1 << 30;
/// Offset, in the function slot of a vararg function's frame, of the number of extra arguments (u32).
pub const VALUE_EXTRA: i32 = 12;

/// Object header (section 2).
pub mod header {
    #![allow(missing_docs)]
    pub const KIND: i32 = 0;
    pub const MARK: i32 = 1;
    pub const FLAGS: i32 = 2;
    pub const AUX8: i32 = 3;
    pub const AUX32: i32 = 4;
    /// Bit of the mark byte: the object is black (a store into it may need a barrier).
    pub const BLACK: u8 = 1 << 2;
}

/// Table fields.
pub mod table {
    #![allow(missing_docs)]
    pub const ELEM_KIND: i32 = 3;
    pub const SHAPE_ID: i32 = 4;
    pub const SLOTS: i32 = 8;
    pub const ARRAY: i32 = 16;
    pub const ARRAY_LEN: i32 = 24;
    pub const ARRAY_CAP: i32 = 28;
    pub const HASH: i32 = 32;
    pub const SHAPE: i32 = 40;
    pub const METATABLE: i32 = 48;
    pub const SLOT_CAP: i32 = 56;
    /// Offset of the array inside the table's own cell; 0: there is none.
    pub const OWN_ARRAY: i32 = 60;
    pub const SIZE: i32 = 64;
    /// Offset of the tag of a hash part's entry; its payload is at 0.
    pub const ENTRY_TAG: i32 = 20;
    /// The same of its key, and of the key's tag.
    pub const ENTRY_KEY: i32 = 8;
    pub const ENTRY_KEY_TAG: i32 = 21;
    /// Offset of the entries in a hash part. The integer 0 as a key is in the first, or behind it in its chain.
    pub const ENTRIES: i32 = 16;
    /// Element kinds of the array part.
    pub const KIND_EMPTY: u8 = 0;
    pub const KIND_INT: u8 = 1;
    pub const KIND_FLOAT: u8 = 2;
    pub const KIND_GENERAL: u8 = 3;
}

/// Shapes.
pub mod shape {
    /// Metamethods that a table with the shape is known not to have (u32), by number of event.
    pub const ABSENT: i32 = 12;
}

/// Closures and cells.
pub mod closure {
    #![allow(missing_docs)]
    pub const CODE: i32 = 8;
    pub const PROTO: i32 = 16;
    pub const UPVALS: i32 = 24;
    pub const CELL_VALUE: i32 = 8;
}

/// String fields.
pub mod string {
    #![allow(missing_docs)]
    pub const LEN: i32 = 8;
    pub const BYTES: i32 = 16;
    /// Longest interned string.
    pub const MAX_SHORT: usize = 40;
    /// Flag of a long string that machine code may extend where it is: one register refers to it, and its size is the next power of two.
    pub const GROWS: u8 = 2;
}

/// Runtime prototype fields that machine code reads.
pub mod proto {
    #![allow(missing_docs)]
    pub const CONSTS: i32 = 8;
    pub const CACHES: i32 = 16;
    pub const CHILDREN: i32 = 24;
    pub const NATIVE_CODE: i32 = 56;
}

/// Inline cache entries (section 3).
pub mod cache {
    #![allow(missing_docs)]
    pub const SIZE: i32 = 32;
    pub const SHAPE_ID: i32 = 0;
    pub const SLOT: i32 = 4;
    pub const EPOCH: i32 = 8;
    pub const KIND: i32 = 12;
    pub const VALUE: i32 = 16;
    /// Fields that a cell vouches for, at most.
    pub const CELL_FIELDS: usize = 12;
    /// Offset, from the caches of a prototype with `num_caches` of them, of the cell of cache `ic`: the ids (four u32) of shapes that have the
    /// fields of a group of sites in the slots the machine code was compiled for; `u32::MAX` where none was met.
    pub const fn cell(num_caches: u32, ic: usize) -> i32 {
        (num_caches as i32 + 1) * SIZE + 16 * ic as i32
    }
    /// Offset of the second cell of cache `ic`, which holds a function by the shape of the metatable that leads to it: metatables of objects that are
    /// not made (docs/optimizer.md).
    pub const fn method_cell(num_caches: u32, ic: usize) -> i32 {
        (num_caches as i32 + 1) * (SIZE + 16) + 16 * ic as i32
    }
    /// Metamethods of arithmetic that code of one function knows by such cells, which stand behind the others.
    pub const OPERATORS: usize = 4;
    /// Offset of the `n`-th of those.
    pub const fn operator_cell(num_caches: u32, n: usize) -> i32 {
        method_cell(num_caches, num_caches as usize + 1 + n)
    }
    /// Bytes of a prototype's caches and cells.
    pub const fn bytes(num_caches: u32) -> usize {
        operator_cell(num_caches, OPERATORS) as usize
    }
    /// Of a cell that holds a function instead: tables of the shape [`SHAPE_ID`] lead to it while the epoch lasts.
    pub const FUNCTION_EPOCH: i32 = 4;
    pub const FUNCTION: i32 = 8;
    /// In place of a shape id: the receiver was a string, the entry holds a method.
    pub const STRING_ID: u32 = u32::MAX - 1;
    pub const KIND_EMPTY: u8 = 0;
    pub const KIND_OWN: u8 = 1;
    pub const KIND_CONST: u8 = 2;
    pub const KIND_ABSENT: u8 = 3;
    /// Stores only: adds the key; `VALUE` holds the shape that follows.
    pub const KIND_ADD: u8 = 5;
    /// NEWTABLE only: `VALUE` holds the shape with all string keys of the constructor.
    pub const KIND_NEW: u8 = 6;
}

/// The table of lookups at sites that see many shapes: entries of [`lookup::SIZE`] bytes, the key's address and a cache ([`cache`]) each.
pub mod lookup {
    #![allow(missing_docs)]
    pub const SIZE: i32 = 40;
    pub const KEY: i32 = 0;
    pub const CACHE: i32 = 8;
    /// Entries: a power of two.
    pub const ENTRIES: usize = 512;
    /// Of its address, behind the epoch (`thread::EPOCH_PTR`).
    pub const AT: i32 = 8;
    /// A key's part of the number of its entry, to which the shape's id is added: its address times this, shifted.
    pub const FACTOR: i32 = 0x1E37_79B1;
    pub const SHIFT: u8 = 16;
}

/// Thread fields that machine code touches.
pub mod thread {
    #![allow(missing_docs)]
    pub const POLL: i32 = 8;
    /// The bit of [`POLL`] by which machine code asks for the collector.
    pub const POLL_COLLECT: i32 = 8;
    /// Number of variables that wait to be closed (u32).
    pub const CLOSING: i32 = 12;
    pub const STACK_LIMIT: i32 = 16;
    pub const NATIVE_LIMIT: i32 = 24;
    pub const CI: i32 = 32;
    pub const ENTRY_SP: i32 = 40;
    pub const GLOBAL: i32 = 48;
    pub const TOP: i32 = 56;
    pub const EPOCH_PTR: i32 = 64;
    /// Nested native calls, among them iterators of generic loops (u32), and the number at the last resume (u32).
    pub const NCCALLS: i32 = 96;
    pub const C_FLOOR: i32 = 100;
}

/// Call record fields that machine code touches.
pub mod ci {
    #![allow(missing_docs)]
    pub const NSP: i32 = 48;
    pub const NBASE: i32 = 56;
}

pub mod cpu;
pub mod heap;
pub mod helpers;
pub mod intrinsic;
pub mod live;
pub mod unit;
