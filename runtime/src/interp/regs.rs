//! The interpreter loop's state, and access to operands.
//!
//! Operands are read from the instruction by narrow loads of their own: fewer operations than shifting and masking the word. Everything is
//! inlined, so that the fields live in machine registers.
//!
//! SAFETY of this module: `pc` points to a verified instruction of the function in `ci`, and `base`, `k` and `caches` are its own.

use crate::heap;
use crate::object::{Cell, LuaClosure, Str, Table};
use crate::proto::Cache;
use crate::thread::CallInfo;
use crate::value::{Value, tag};
use trinity_abi::table::{KIND_FLOAT, KIND_GENERAL, KIND_INT};
use trinity_frontend::bytecode::Instr;
use trinity_frontend::bytecode::instr::RK_CONST;

/// See the module.
pub(super) struct Regs {
    /// Record of the running function.
    pub ci: *mut CallInfo,
    /// R[0].
    pub base: *mut Value,
    /// The instruction being executed.
    pub pc: *const Instr,
    /// K[0].
    pub k: *const Value,
    /// Inline caches.
    pub caches: *mut Cache,
}

impl Regs {
    /// State of the function in `ci`, at its saved pc.
    #[inline(always)]
    pub unsafe fn enter(ci: *mut CallInfo) -> Regs {
        unsafe {
            let func = (*ci).func;
            let p = (*(*func).as_lua_fn()).proto;
            Regs {
                ci,
                base: func.add(1),
                pc: (*ci).pc,
                k: (*p).consts,
                caches: (*p).caches,
            }
        }
    }
    /// The slots may have moved.
    #[inline(always)]
    pub unsafe fn reload(&mut self) {
        unsafe { self.base = (*self.ci).func.add(1) }
    }
    /// Notes in the record that the instruction is being executed.
    #[inline(always)]
    pub unsafe fn save(&self) {
        unsafe { (*self.ci).pc = self.pc.add(1) }
    }
    /// Notes in the record that the instruction is to be executed next.
    #[inline(always)]
    pub unsafe fn save_before(&self) {
        unsafe { (*self.ci).pc = self.pc }
    }

    // ---- operands
    #[inline(always)]
    pub unsafe fn op(&self) -> usize {
        unsafe { *self.pc.cast::<u8>() as usize }
    }
    #[inline(always)]
    pub unsafe fn a(&self) -> usize {
        unsafe { *self.pc.cast::<u8>().add(1) as usize }
    }
    #[inline(always)]
    pub unsafe fn b(&self) -> usize {
        unsafe { *self.pc.cast::<u16>().add(1) as usize }
    }
    #[inline(always)]
    pub unsafe fn sb(&self) -> i16 {
        unsafe { *self.pc.cast::<i16>().add(1) }
    }
    #[inline(always)]
    pub unsafe fn c(&self) -> usize {
        unsafe { *self.pc.cast::<u16>().add(2) as usize }
    }
    #[inline(always)]
    pub unsafe fn sc(&self) -> i16 {
        unsafe { *self.pc.cast::<i16>().add(2) }
    }
    #[inline(always)]
    pub unsafe fn sd(&self) -> isize {
        unsafe { *self.pc.cast::<i32>().add(1) as isize }
    }
    #[inline(always)]
    pub unsafe fn dd(&self) -> usize {
        unsafe { *self.pc.cast::<u32>().add(1) as usize }
    }
    /// The instruction's inline cache.
    #[inline(always)]
    pub unsafe fn cache(&self) -> *mut Cache {
        unsafe { self.caches.add(*self.pc.cast::<u16>().add(3) as usize) }
    }

    // ---- registers, constants, upvalues
    #[inline(always)]
    pub unsafe fn ra(&self) -> *mut Value {
        unsafe { self.base.add(self.a()) }
    }
    #[inline(always)]
    pub unsafe fn rb(&self) -> *mut Value {
        unsafe { self.base.add(self.b()) }
    }
    #[inline(always)]
    pub unsafe fn rc(&self) -> *mut Value {
        unsafe { self.base.add(self.c()) }
    }
    #[inline(always)]
    pub unsafe fn kb(&self) -> *const Value {
        unsafe { self.k.add(self.b()) }
    }
    #[inline(always)]
    pub unsafe fn kc(&self) -> *const Value {
        unsafe { self.k.add(self.c()) }
    }
    /// The string constant K[b].
    #[inline(always)]
    pub unsafe fn name_b(&self) -> *mut Str {
        unsafe { (*self.kb()).as_str() }
    }
    /// The string constant K[c].
    #[inline(always)]
    pub unsafe fn name_c(&self) -> *mut Str {
        unsafe { (*self.kc()).as_str() }
    }
    /// RK(c).
    #[inline(always)]
    pub unsafe fn rkc(&self) -> Value {
        unsafe {
            let n = self.c();
            if n < RK_CONST as usize {
                *self.base.add(n)
            } else {
                *self.k.add(n - RK_CONST as usize)
            }
        }
    }
    /// The cell of upvalue `n`.
    #[inline(always)]
    pub unsafe fn upval(&self, n: usize) -> *mut Cell {
        unsafe { *LuaClosure::upval((*self.base.sub(1)).as_lua_fn(), n) }
    }
    /// R[a] := v.
    #[inline(always)]
    pub unsafe fn set(&self, v: Value) {
        unsafe { *self.ra() = v }
    }
    /// R[a] := an integer.
    #[inline(always)]
    pub unsafe fn set_int(&self, v: i64) {
        unsafe {
            let ra = self.ra();
            (*ra).p = v as u64;
            (*ra).t = tag::INT;
        }
    }
    /// R[a] := a float.
    #[inline(always)]
    pub unsafe fn set_float(&self, v: f64) {
        unsafe {
            let ra = self.ra();
            (*ra).p = v.to_bits();
            (*ra).t = tag::FLOAT;
        }
    }
}

/// The float of a number value; `None` for anything else.
#[inline(always)]
pub(super) unsafe fn float_of(v: *const Value) -> Option<f64> {
    unsafe {
        if (*v).t == tag::FLOAT {
            Some((*v).as_float())
        } else if (*v).t == tag::INT {
            Some((*v).as_int() as f64)
        } else {
            None
        }
    }
}

const _: () = assert!(KIND_FLOAT - KIND_INT == tag::FLOAT - tag::INT);

/// Element `n` (from 1) of the array part, or nil (docs/abi.md section 2).
#[inline(always)]
pub(super) unsafe fn array_get(t: *mut Table, n: i64) -> Value {
    unsafe {
        let at = (n as u64).wrapping_sub(1);
        if at >= (*t).array_len as u64 {
            return Value::NIL;
        }
        let at = at as usize;
        let kind = (*t).h.aux8;
        let tag = if kind == KIND_GENERAL {
            *(*t).array.cast::<u8>().sub(1 + at)
        } else {
            kind + (tag::INT - KIND_INT)
        };
        Value {
            p: *(*t).array.add(at),
            t: tag,
        }
    }
}

/// Overwrites an element that is not nil by a value that is not nil, when neither the kind changes nor a barrier is needed. False:
/// nothing was done.
#[inline(always)]
pub(super) unsafe fn array_set(t: *mut Table, n: i64, v: Value) -> bool {
    unsafe {
        let at = (n as u64).wrapping_sub(1);
        if at >= (*t).array_len as u64 {
            return false;
        }
        let at = at as usize;
        let kind = (*t).h.aux8;
        if kind == KIND_GENERAL {
            let old = (*t).array.cast::<u8>().sub(1 + at);
            if *old == tag::NIL || v.is_nil() || (v.is_collectable() && heap::is_black(t.cast())) {
                return false;
            }
            *old = v.t;
            if v.t >= tag::INT {
                *(*t).array.add(at) = v.p;
            }
            return true;
        }
        if v.t != kind + (tag::INT - KIND_INT) {
            return false;
        }
        *(*t).array.add(at) = v.p;
        true
    }
}
