//! Lua values: a payload and a tag byte (docs/abi.md section 1).

use crate::object::{Cell, Header, LuaClosure, NativeClosure, Str, Table, Userdata};
use crate::thread::Thread;
pub use trinity_abi::tag;

/// A Lua value. `Copy`; keeping one alive across a collection is the owner's business (a stack slot, an object field).
/// rustc treats it as a scalar pair, so copies move payload and tag separately, as docs/abi.md asks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value {
    /// Integer, float bits or pointer.
    pub p: u64,
    /// One of [`tag`].
    pub t: u8,
}

const _: () = assert!(size_of::<Value>() == trinity_abi::VALUE_SIZE as usize);
const _: () = assert!(std::mem::offset_of!(Value, t) == trinity_abi::VALUE_TAG as usize);

impl Value {
    /// `nil`.
    pub const NIL: Value = Value { p: 0, t: tag::NIL };
    /// `false`.
    pub const FALSE: Value = Value {
        p: 0,
        t: tag::FALSE,
    };
    /// `true`.
    pub const TRUE: Value = Value { p: 0, t: tag::TRUE };

    /// An integer.
    #[inline(always)]
    pub const fn int(i: i64) -> Value {
        Value {
            p: i as u64,
            t: tag::INT,
        }
    }
    /// A float.
    #[inline(always)]
    pub const fn float(f: f64) -> Value {
        Value {
            p: f.to_bits(),
            t: tag::FLOAT,
        }
    }
    /// A boolean.
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value {
            p: 0,
            t: if b { tag::TRUE } else { tag::FALSE },
        }
    }
    /// A light userdata.
    #[inline(always)]
    pub fn light(p: *mut u8) -> Value {
        Value {
            p: p as u64,
            t: tag::LIGHT,
        }
    }
    /// A value for any collectable object; the tag is the object's kind.
    ///
    /// # Safety
    /// `o` points to a live object.
    #[inline(always)]
    pub unsafe fn obj(o: *mut Header) -> Value {
        Value {
            p: o as u64,
            t: unsafe { (*o).kind },
        }
    }
    /// A table.
    #[inline(always)]
    pub fn table(t: *mut Table) -> Value {
        Value {
            p: t as u64,
            t: tag::TABLE,
        }
    }
    /// A string (short or long, by its header).
    ///
    /// # Safety
    /// `s` points to a live string.
    #[inline(always)]
    pub unsafe fn str(s: *mut Str) -> Value {
        Value {
            p: s as u64,
            t: unsafe { (*s).h.kind },
        }
    }
    #[inline(always)]
    pub const fn is_nil(self) -> bool {
        self.t == tag::NIL
    }
    /// Truth as Lua sees it.
    #[inline(always)]
    pub const fn truthy(self) -> bool {
        self.t >= tag::TRUE
    }
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.t == tag::INT
    }
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        self.t == tag::FLOAT
    }
    #[inline(always)]
    pub const fn is_number(self) -> bool {
        self.t.wrapping_sub(tag::INT) <= 1
    }
    #[inline(always)]
    pub const fn is_string(self) -> bool {
        self.t.wrapping_sub(tag::SHORT_STR) <= 1
    }
    #[inline(always)]
    pub const fn is_table(self) -> bool {
        self.t == tag::TABLE
    }
    #[inline(always)]
    pub const fn is_function(self) -> bool {
        self.t.wrapping_sub(tag::LUA_FN) <= 1
    }
    #[inline(always)]
    pub const fn is_collectable(self) -> bool {
        self.t >= tag::FIRST_COLLECTABLE
    }
    #[inline(always)]
    pub const fn as_int(self) -> i64 {
        self.p as i64
    }
    #[inline(always)]
    pub const fn as_float(self) -> f64 {
        f64::from_bits(self.p)
    }
    #[inline(always)]
    pub const fn as_table(self) -> *mut Table {
        self.p as *mut Table
    }
    #[inline(always)]
    pub const fn as_str(self) -> *mut Str {
        self.p as *mut Str
    }
    #[inline(always)]
    pub const fn as_lua_fn(self) -> *mut LuaClosure {
        self.p as *mut LuaClosure
    }
    #[inline(always)]
    pub const fn as_native_fn(self) -> *mut NativeClosure {
        self.p as *mut NativeClosure
    }
    #[inline(always)]
    pub const fn as_userdata(self) -> *mut Userdata {
        self.p as *mut Userdata
    }
    #[inline(always)]
    pub const fn as_thread(self) -> *mut Thread {
        self.p as *mut Thread
    }
    #[inline(always)]
    pub const fn as_cell(self) -> *mut Cell {
        self.p as *mut Cell
    }
    #[inline(always)]
    pub const fn as_obj(self) -> *mut Header {
        self.p as *mut Header
    }
    /// Raw equality without the content comparison of long strings and without int/float mixing: same tag and payload
    /// (payload ignored for nil and booleans).
    #[inline(always)]
    pub const fn same(self, o: Value) -> bool {
        self.t == o.t && (self.p == o.p || self.t < tag::INT)
    }
    /// The type's name as `type()` gives it.
    pub const fn type_name(self) -> &'static str {
        match self.t {
            tag::NIL => "nil",
            tag::FALSE | tag::TRUE => "boolean",
            tag::INT | tag::FLOAT => "number",
            tag::SHORT_STR | tag::LONG_STR => "string",
            tag::TABLE => "table",
            tag::LUA_FN | tag::NATIVE_FN => "function",
            tag::LIGHT | tag::USERDATA => "userdata",
            tag::THREAD => "thread",
            _ => "no value",
        }
    }
}
