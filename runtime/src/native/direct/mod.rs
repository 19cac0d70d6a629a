//! Library functions as leaf functions that machine code calls directly (`trinity_abi::intrinsic`): no call record, no stack of values.
//!
//! Each takes the arguments where the CALL has them. It does what the library function does in the usual cases; where that could raise, run
//! Lua or collect, it answers `None`, has changed nothing, and the library function is called. Allocation never collects, so a function that
//! makes objects declines while a collection is due: the call then is the safe point.

mod access;
mod base;
mod format;
mod strings;
mod tables;

use crate::heap;
use crate::object::{NativeClosure, Str};
use crate::state::Global;
use crate::string;
use crate::thread::Thread;
use crate::value::{Value, tag};
use trinity_abi::helpers::ASK;

/// What machine code gets back: in rax and rdx.
#[repr(C)]
pub struct Answer {
    payload: u64,
    tag: u64,
}

impl Answer {
    /// The value, or that the library function must be called.
    #[inline(always)]
    pub fn of(v: Option<Value>) -> Answer {
        match v {
            Some(v) => Answer {
                payload: v.p,
                tag: u64::from(v.t),
            },
            None => Answer {
                payload: 0,
                tag: u64::from(ASK),
            },
        }
    }
    /// Two tags, of values that are in memory.
    #[inline(always)]
    fn tags(tags: [u8; 2]) -> Answer {
        let [payload, tag] = tags.map(u64::from);
        Answer { payload, tag }
    }
}

/// A call: its arguments are `R[a+1]` and further, the function is in `R[a]` (for functions with many results).
struct Call {
    th: *mut Thread,
    args: *mut Value,
    count: usize,
    wanted: usize,
}

impl Call {
    /// Argument `n` (from 0); nil if it is absent.
    #[inline(always)]
    fn arg(&self, n: usize) -> Value {
        if n < self.count {
            // SAFETY: `count` arguments are there.
            unsafe { *self.args.add(n) }
        } else {
            Value::NIL
        }
    }
    /// A string argument.
    #[inline(always)]
    fn bytes<'a>(&self, n: usize) -> Option<&'a [u8]> {
        let v = self.arg(n);
        // SAFETY: the tag says that it is a string; it lives in its slot.
        v.is_string().then(|| unsafe { Str::bytes(v.as_str()) })
    }
    /// An integer argument.
    #[inline(always)]
    fn int(&self, n: usize) -> Option<i64> {
        let v = self.arg(n);
        v.is_int().then(|| v.as_int())
    }
    /// An integer argument that may be absent or nil.
    #[inline(always)]
    fn int_or(&self, n: usize, default: i64) -> Option<i64> {
        match self.arg(n) {
            v if v.is_int() => Some(v.as_int()),
            v if v.is_nil() => Some(default),
            _ => None,
        }
    }
    #[inline(always)]
    fn global(&self) -> *mut Global {
        // SAFETY: the running thread.
        unsafe { (*self.th).global }
    }
    /// Objects may be made now.
    #[inline(always)]
    fn may_allocate(&self) -> Option<()> {
        // SAFETY: the running thread's state.
        (!unsafe { heap::gc_due(self.global()) }).then_some(())
    }
    /// A new string.
    #[inline(always)]
    fn text(&self, b: &[u8]) -> Option<Value> {
        self.may_allocate()?;
        self.name(b)
    }
    /// A string that is nearly always there already.
    #[inline(always)]
    fn name(&self, b: &[u8]) -> Option<Value> {
        // SAFETY: the running thread's state; a new string is live.
        unsafe { string::new(self.global(), b).ok().map(|s| Value::str(s)) }
    }
    /// The function's upvalue 1.
    fn upvalue(&self) -> Value {
        // SAFETY: machine code saw that the function is the library's, which has one.
        unsafe {
            let f: *mut NativeClosure = (*self.args.sub(1)).as_native_fn();
            *NativeClosure::upval(f, 0)
        }
    }
    /// Results from the function's slot on; missing ones are nil.
    #[inline(always)]
    fn results(&self, values: &[Value]) -> Option<Value> {
        for n in 0..self.wanted {
            // SAFETY: the CALL's results have these slots.
            unsafe { *self.args.sub(1).add(n) = values.get(n).copied().unwrap_or(Value::NIL) };
        }
        Some(Value::NIL)
    }
    /// A table argument without a metatable.
    #[inline(always)]
    fn plain_table(&self, n: usize) -> Option<*mut crate::object::Table> {
        let v = self.arg(n);
        // SAFETY: the tag says that it is a table.
        (v.t == tag::TABLE && unsafe { (*v.as_table()).metatable.is_null() }).then(|| v.as_table())
    }
}

/// Makes the entry points: each has the symbol that `trinity_abi::intrinsic` names.
macro_rules! direct {
    ($( $symbol:ident = $f:path; )*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $symbol(th: *mut Thread, args: *mut Value, count: usize, wanted: usize) -> Answer {
                Answer::of($f(&Call { th, args, count, wanted }))
            }
        )*
    };
}

direct! {
    trinity_d_getmetatable = base::getmetatable;
    trinity_d_ipairs = base::ipairs;
    trinity_d_coroutine_status = base::coroutine_status;
    trinity_d_math_type = base::math_type;
    trinity_d_next = base::next;
    trinity_d_pairs = base::pairs;
    trinity_d_rawequal = base::rawequal;
    trinity_d_rawget = base::rawget;
    trinity_d_rawlen = base::rawlen;
    trinity_d_rawset = base::rawset;
    trinity_d_setmetatable = base::setmetatable;
    trinity_d_tonumber = base::tonumber;
    trinity_d_tostring = base::tostring;
    trinity_d_type = base::type_;
    trinity_d_string_byte = strings::byte;
    trinity_d_string_char = strings::char_;
    trinity_d_string_find = strings::find;
    trinity_d_string_format = format::format;
    trinity_d_string_len = strings::len;
    trinity_d_string_lower = strings::lower;
    trinity_d_string_rep = strings::rep;
    trinity_d_string_reverse = strings::reverse;
    trinity_d_string_sub = strings::sub;
    trinity_d_string_unpack = strings::unpack;
    trinity_d_string_upper = strings::upper;
    trinity_d_table_insert = tables::insert;
    trinity_d_table_remove = tables::remove;
    trinity_d_table_unpack = tables::unpack;
}

/// `trinity_abi::helpers::leaf::CONCAT`.
#[unsafe(no_mangle)]
extern "C" fn trinity_l_concat(
    th: *mut Thread,
    from: *mut Value,
    count: usize,
    grows: bool,
) -> Answer {
    // SAFETY: machine code has the operands in place.
    unsafe {
        let g = (*th).global;
        let s = crate::concat::join(g, from, count, grows, heap::gc_due(g));
        let s = s.and_then(|s| s.ok());
        if s.is_none() {
            // Whoever does it may keep the operands.
            string::share(*from);
        }
        Answer::of(s.map(|s| Value::str(s)))
    }
}
