//! Single instructions by their complete definition: the interpreter's slow paths, and what machine code calls for everything it does not
//! inline. Fast paths may leave an instruction to [`step`] or `test` at any time.
//!
//! Contract: the record of the running frame is current and says where execution is (interpreter: `pc` is the following instruction;
//! machine: the return address), and `top` is the end of the frame's registers unless the instruction before left open results. The
//! slots may move: results are written through [`frame_base`]. Instructions that allocate begin with a collector safe point.

pub(crate) mod arith;
pub(crate) mod fields;
pub(crate) mod loops;
pub(crate) mod make;

use crate::close;
use crate::closure;
use crate::error::LResult;
use crate::meta;
use crate::object::{Cell, LuaClosure, Str};
use crate::poll;
use crate::proto::{Cache, RtProto};
use crate::thread::{CallKind, Lua, Thread};
use crate::value::Value;
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::{Instr, Op};

pub use loops::{for_loop, for_prep};

/// `R[0]` of the running Lua function.
///
/// # Safety
/// The current record is of kind `Lua` or `Machine`.
#[inline(always)]
pub unsafe fn frame_base(th: *mut Thread) -> *mut Value {
    unsafe {
        let ci = (*th).ci;
        if (*ci).kind == CallKind::Machine {
            (*ci).nbase
        } else {
            (*ci).func.add(1)
        }
    }
}

/// Prototype of the function whose `R[0]` is at `base`.
///
/// # Safety
/// `base` is the base of a Lua function's frame.
#[inline(always)]
pub unsafe fn proto_at(base: *mut Value) -> *mut RtProto {
    unsafe { (*(*base.sub(1)).as_lua_fn()).proto }
}

/// A frame being executed, for operand access.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    l: Lua,
    base: *mut Value,
    p: *mut RtProto,
}

impl Frame {
    /// The running frame, whose `R[0]` is at `base`.
    #[inline(always)]
    pub(crate) unsafe fn new(l: Lua, base: *mut Value) -> Frame {
        unsafe {
            Frame {
                l,
                base,
                p: proto_at(base),
            }
        }
    }
    #[inline(always)]
    unsafe fn r(&self, i: usize) -> Value {
        unsafe { *self.base.add(i) }
    }
    #[inline(always)]
    unsafe fn k(&self, i: usize) -> Value {
        unsafe { *(*self.p).consts.add(i) }
    }
    #[inline(always)]
    unsafe fn rk(&self, i: usize) -> Value {
        unsafe {
            if i >= RK_CONST as usize {
                self.k(i - RK_CONST as usize)
            } else {
                self.r(i)
            }
        }
    }
    /// Cell of upvalue `i`.
    #[inline(always)]
    unsafe fn up(&self, i: usize) -> *mut Cell {
        unsafe { *LuaClosure::upval((*self.base.sub(1)).as_lua_fn(), i) }
    }
    #[inline(always)]
    unsafe fn cache(&self, i: Instr) -> *mut Cache {
        unsafe { (*self.p).caches.add(i.d()) }
    }
    /// Writes R[a], wherever the frame is by now.
    #[inline(always)]
    unsafe fn set(&self, i: Instr, v: Value) {
        unsafe { *frame_base(self.l.thread()).add(i.a()) = v }
    }
    /// A collector safe point, before the instruction has done anything.
    #[inline(always)]
    unsafe fn gc_point(&self) -> Frame {
        unsafe {
            if !crate::heap::gc_due(self.l.global()) {
                return *self;
            }
            poll::gc_step(self.l);
            Frame {
                base: frame_base(self.l.thread()),
                ..*self
            }
        }
    }
    /// String constant `i`.
    #[inline(always)]
    unsafe fn ks(&self, i: usize) -> *mut Str {
        unsafe { self.k(i).as_str() }
    }
}

/// Executes an instruction that is neither a jump, nor a call, nor a return.
///
/// # Safety
/// See the module's contract; `base` is the frame's base.
pub unsafe fn step(l: Lua, i: Instr, base: *mut Value) -> LResult<()> {
    unsafe {
        let f = Frame::new(l, base);
        match i.op() {
            Op::Move => f.set(i, f.r(i.b())),
            Op::LoadI => f.set(i, Value::int(i.sd() as i64)),
            Op::LoadF => f.set(i, Value::float(i.sd() as f64)),
            Op::LoadK => f.set(i, f.k(i.dd() as usize)),
            Op::LoadNil => {
                for j in 0..=i.b() {
                    *base.add(i.a() + j) = Value::NIL;
                }
            }
            Op::LoadFalse | Op::LFalseSkip => f.set(i, Value::FALSE),
            Op::LoadTrue => f.set(i, Value::TRUE),
            Op::NewCell => make::new_cell(&f, i)?,
            Op::GetCell => f.set(i, (*f.r(i.b()).as_cell()).v),
            Op::SetCell => closure::set_cell(l.global(), f.r(i.a()).as_cell(), f.rk(i.c())),
            Op::GetUpval => f.set(i, (*f.up(i.b())).v),
            Op::SetUpval => closure::set_cell(l.global(), f.up(i.b()), f.rk(i.c())),
            Op::GetTabUp => fields::get_tab_up(&f, i)?,
            Op::SetTabUp => fields::set_tab_up(&f, i)?,
            Op::GetTable => fields::get_table(&f, i)?,
            Op::GetI => fields::get_i(&f, i)?,
            Op::GetField => fields::get_field(&f, i)?,
            Op::SelfGet => fields::self_get(&f, i)?,
            Op::SetTable => fields::set_table(&f, i)?,
            Op::SetI => fields::set_i(&f, i)?,
            Op::SetField => fields::set_field(&f, i)?,
            Op::NewTable => make::new_table(&f, i)?,
            Op::SetList => make::set_list(&f, i)?,
            Op::Not => f.set(i, Value::bool(!f.r(i.b()).truthy())),
            Op::Len => fields::len(&f, i)?,
            Op::Concat => make::concat(&f, i)?,
            Op::Close => close::close(l, base.add(i.a()))?,
            Op::Tbc => close::mark(l, base.add(i.a()), i.a())?,
            Op::TForCall => loops::tfor_call(&f, i)?,
            Op::VarArg => make::vararg(&f, i)?,
            Op::Closure => make::make_closure(&f, i)?,
            _ => arith::arith(&f, i)?,
        }
        Ok(())
    }
}

/// Executes a jump, comparison, test or loop instruction up to the decision: true when it jumps.
///
/// # Safety
/// See the module's contract; `base` is the frame's base.
pub unsafe fn test(l: Lua, i: Instr, base: *mut Value) -> LResult<bool> {
    unsafe {
        let f = Frame::new(l, base);
        let imm = || Value::int(i.sb() as i64);
        Ok(match i.op() {
            Op::Jmp => true,
            Op::JmpT => f.r(i.a()).truthy(),
            Op::JmpF => !f.r(i.a()).truthy(),
            Op::JmpTSet | Op::JmpFSet => {
                let v = f.r(i.b());
                let jump = v.truthy() == (i.op() == Op::JmpTSet);
                if jump {
                    f.set(i, v);
                }
                jump
            }
            Op::JmpEq => meta::equals(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpNe => !meta::equals(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpLt => meta::less_than(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpNlt => !meta::less_than(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpLe => meta::less_equal(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpNle => !meta::less_equal(l, f.r(i.a()), f.r(i.b()))?,
            Op::JmpEqK => meta::raw_equals(f.r(i.a()), f.k(i.b())),
            Op::JmpNeK => !meta::raw_equals(f.r(i.a()), f.k(i.b())),
            Op::JmpEqI => meta::raw_equals(f.r(i.a()), imm()),
            Op::JmpNeI => !meta::raw_equals(f.r(i.a()), imm()),
            Op::JmpLtI => meta::less_than(l, f.r(i.a()), imm())?,
            Op::JmpNltI => !meta::less_than(l, f.r(i.a()), imm())?,
            Op::JmpLeI => meta::less_equal(l, f.r(i.a()), imm())?,
            Op::JmpNleI => !meta::less_equal(l, f.r(i.a()), imm())?,
            Op::JmpGtI => meta::less_than(l, imm(), f.r(i.a()))?,
            Op::JmpNgtI => !meta::less_than(l, imm(), f.r(i.a()))?,
            Op::JmpGeI => meta::less_equal(l, imm(), f.r(i.a()))?,
            Op::JmpNgeI => !meta::less_equal(l, imm(), f.r(i.a()))?,
            Op::ForPrep => for_prep(l, base.add(i.a()))?,
            Op::ForLoop => for_loop(base.add(i.a())),
            Op::TForPrep => {
                close::mark(l, base.add(i.a() + 3), i.a() + 3)?;
                true
            }
            Op::TForLoop => {
                let ra = base.add(i.a());
                let v = *ra.add(4);
                if !v.is_nil() {
                    *ra.add(2) = v;
                }
                !v.is_nil()
            }
            _ => false,
        })
    }
}
