//! Single instructions by their complete definition: the interpreter's slow paths, and what machine code calls for everything it does not
//! inline. Fast paths may leave an instruction to [`step`] or `test` at any time.
//!
//! Contract: the record of the running frame is current and says where execution is (interpreter: `pc` is the following instruction;
//! machine: the return address), and `top` is the end of the frame's registers unless the instruction before left open results. The
//! slots may move: results are written through [`frame_base`]. Instructions that allocate begin with a collector safe point.

use crate::close;
use crate::closure;
use crate::debug::varinfo::VarRef;
use crate::error::LResult;
use crate::meta;
use crate::native::entry;
use crate::object::{Cell, LuaClosure, Str};
use crate::poll;
use crate::proto::{Cache, RtProto};
use crate::raise::{self, OrRaise};
use crate::stack;
use crate::table;
use crate::thread::{CallKind, Lua, Thread};
use crate::value::{Value, tag};
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::{Event, Instr, Op};

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
struct Frame {
    l: Lua,
    base: *mut Value,
    p: *mut RtProto,
}

impl Frame {
    unsafe fn new(l: Lua, base: *mut Value) -> Frame {
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
    unsafe fn gc_point(self) -> Frame {
        unsafe {
            if !crate::heap::gc_due(self.l.global()) {
                return self;
            }
            poll::gc_step(self.l);
            Frame {
                base: frame_base(self.l.thread()),
                ..self
            }
        }
    }
    /// String constant `i`.
    unsafe fn ks(&self, i: usize) -> *mut Str {
        unsafe { self.k(i).as_str() }
    }
}

/// `o[K]` for a string constant, filling the site's cache when it can. Methods of strings: the cache serves the table behind the strings'
/// metatable.
unsafe fn get_str(
    f: &Frame,
    o: Value,
    key: *mut Str,
    cache: *mut Cache,
    at: VarRef,
) -> LResult<Value> {
    unsafe {
        let g = f.l.global();
        let holder = if o.is_string() {
            table::metamethod(g, meta::metatable(f.l.thread(), o), Event::Index)
        } else {
            o
        };
        if holder.is_table() {
            let t = holder.as_table();
            if let Some(v) = table::cached_get(g, t, cache) {
                return Ok(v);
            }
            if let Some(v) = table::lookup_for_cache(g, t, key, cache) {
                return Ok(v);
            }
        }
        meta::index_at(f.l, o, Value::str(key), at)
    }
}

/// `o[K] = v` for a string constant, filling the site's cache when it can.
unsafe fn set_str(
    f: &Frame,
    o: Value,
    key: *mut Str,
    v: Value,
    cache: *mut Cache,
    at: VarRef,
) -> LResult<()> {
    unsafe {
        if o.is_table() {
            let (g, t) = (f.l.global(), o.as_table());
            if table::cached_set(g, t, v, cache)
                || table::store_for_cache(g, t, key, v, cache).or_raise(f.l)?
            {
                return Ok(());
            }
        }
        meta::set_index_at(f.l, o, Value::str(key), v, at)
    }
}

/// The arithmetic and bitwise instructions.
unsafe fn arith(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let op = i.op();
        let Some(mut ev) = op.event() else {
            return Ok(());
        };
        let (vb, rb) = (f.r(i.b()), VarRef::Reg(i.b()));
        if matches!(op, Op::Pow | Op::PowK) {
            // The one operation on numbers that compiled code always leaves to this path.
            let y = if op == Op::PowK {
                f.k(i.c())
            } else {
                f.r(i.c())
            };
            if vb.is_number() && y.is_number() {
                let v = crate::arith::pow(crate::arith::to_float(vb), crate::arith::to_float(y));
                f.set(i, Value::float(v));
                return Ok(());
            }
        }
        let v = match op {
            Op::Unm | Op::BNot => meta::arith(f.l, ev, vb, vb, rb, rb)?,
            Op::AddI => {
                let mut k = i.sc() as i64;
                if i.d() & 2 != 0 {
                    ev = Event::Sub;
                    k = -k;
                }
                let k = Value::int(k);
                if i.d() & 1 != 0 {
                    meta::arith(f.l, ev, k, vb, VarRef::None, rb)?
                } else {
                    meta::arith(f.l, ev, vb, k, rb, VarRef::None)?
                }
            }
            Op::AddK
            | Op::SubK
            | Op::MulK
            | Op::ModK
            | Op::PowK
            | Op::DivK
            | Op::IDivK
            | Op::BAndK
            | Op::BOrK
            | Op::BXorK
            | Op::ShlK
            | Op::ShrK => {
                let (k, rk) = (f.k(i.c()), VarRef::Const(i.c()));
                if i.d() & 1 != 0 {
                    meta::arith(f.l, ev, k, vb, rk, rb)?
                } else {
                    meta::arith(f.l, ev, vb, k, rb, rk)?
                }
            }
            _ => meta::arith(f.l, ev, vb, f.r(i.c()), rb, VarRef::Reg(i.c()))?,
        };
        f.set(i, v);
        Ok(())
    }
}

/// CONCAT: operands and result in place.
unsafe fn concat(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let th = f.l.thread();
        let (ra, n) = (f.base.add(i.a()), i.b());
        let textual = (0..n).all(|j| (*ra.add(j)).is_string() || (*ra.add(j)).is_number());
        if textual {
            let s = meta::join(f.l, ra, n)?;
            *ra = Value::str(s);
        } else {
            (*th).top = ra.add(n);
            meta::concat(f.l, n)?;
            let ci = (*th).ci;
            (*th).top = if (*ci).kind == CallKind::Machine {
                frame_base(th).add((*f.p).max_stack as usize)
            } else {
                (*ci).top
            };
        }
        Ok(())
    }
}

/// CLOSURE: captures the cells the child's descriptors name.
unsafe fn make_closure(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let child = *(&(*f.p).children).get_unchecked(i.dd() as usize);
        let descs = &(*child).src.upvals;
        let code = if (*child).native_code.is_null() {
            entry::stub_interp()
        } else {
            (*child).native_code
        };
        let c = closure::new_lua(f.l.global(), child, code, descs.len() as u32).or_raise(f.l)?;
        for (n, d) in descs.iter().enumerate() {
            let cell = if d.in_stack {
                f.r(d.index as usize).as_cell()
            } else {
                f.up(d.index as usize)
            };
            *LuaClosure::upval(c, n) = cell;
        }
        f.set(
            i,
            Value {
                p: c as u64,
                t: tag::LUA_FN,
            },
        );
        Ok(())
    }
}

/// VARARG: copies extra arguments; open form sets `top`.
unsafe fn vararg(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let th = f.l.thread();
        let extra = extra_args(th, f.base) as usize;
        let wanted = if i.c() == 0 { extra } else { i.c() - 1 };
        if i.c() == 0 {
            stack::ensure(f.l, extra)?;
        }
        let base = frame_base(th);
        let ra = base.add(i.a());
        let from = base.sub(1 + extra);
        for j in 0..wanted.min(extra) {
            *ra.add(j) = *from.add(j);
        }
        for j in extra..wanted {
            *ra.add(j) = Value::NIL;
        }
        if i.c() == 0 {
            (*th).top = ra.add(wanted);
        }
        Ok(())
    }
}

/// Number of extra arguments of the running vararg function.
unsafe fn extra_args(th: *mut Thread, base: *mut Value) -> u32 {
    unsafe {
        let ci = (*th).ci;
        if (*ci).kind == CallKind::Machine {
            *crate::native::walk::extra_word(base)
        } else {
            (*ci).nextra
        }
    }
}

/// TFORCALL: calls the iterator.
unsafe fn tfor_call(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let th = f.l.thread();
        let ra = f.base.add(i.a());
        let cb = ra.add(4);
        for j in 0..3 {
            *cb.add(j) = *ra.add(j);
        }
        (*th).top = cb.add(3);
        crate::call::call_value(f.l, cb, i.c() as i32)
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
            Op::NewCell => {
                let f = f.gc_point();
                let c = closure::new_cell(l.global(), f.r(i.a())).or_raise(l)?;
                f.set(
                    i,
                    Value {
                        p: c as u64,
                        t: tag::CELL,
                    },
                );
            }
            Op::GetCell => f.set(i, (*f.r(i.b()).as_cell()).v),
            Op::SetCell => closure::set_cell(l.global(), f.r(i.a()).as_cell(), f.rk(i.c())),
            Op::GetUpval => f.set(i, (*f.up(i.b())).v),
            Op::SetUpval => closure::set_cell(l.global(), f.up(i.b()), f.rk(i.c())),
            Op::GetTabUp => {
                let v = get_str(
                    &f,
                    (*f.up(i.b())).v,
                    f.ks(i.c()),
                    f.cache(i),
                    VarRef::Upval(i.b()),
                )?;
                f.set(i, v);
            }
            Op::SetTabUp => {
                set_str(
                    &f,
                    (*f.up(i.a())).v,
                    f.ks(i.b()),
                    f.rk(i.c()),
                    f.cache(i),
                    VarRef::Upval(i.a()),
                )?;
            }
            Op::GetTable => {
                let v = meta::index_at(l, f.r(i.b()), f.r(i.c()), VarRef::Reg(i.b()))?;
                f.set(i, v);
            }
            Op::GetI => {
                let v =
                    meta::index_at(l, f.r(i.b()), Value::int(i.c() as i64), VarRef::Reg(i.b()))?;
                f.set(i, v);
            }
            Op::GetField => {
                let v = get_str(&f, f.r(i.b()), f.ks(i.c()), f.cache(i), VarRef::Reg(i.b()))?;
                f.set(i, v);
            }
            Op::SelfGet => {
                let o = f.r(i.b());
                *base.add(i.a() + 1) = o;
                let v = get_str(&f, o, f.ks(i.c()), f.cache(i), VarRef::Reg(i.b()))?;
                f.set(i, v);
            }
            Op::SetTable => {
                meta::set_index_at(l, f.r(i.a()), f.r(i.b()), f.rk(i.c()), VarRef::Reg(i.a()))?
            }
            Op::SetI => meta::set_index_at(
                l,
                f.r(i.a()),
                Value::int(i.b() as i64),
                f.rk(i.c()),
                VarRef::Reg(i.a()),
            )?,
            Op::SetField => set_str(
                &f,
                f.r(i.a()),
                f.ks(i.b()),
                f.rk(i.c()),
                f.cache(i),
                VarRef::Reg(i.a()),
            )?,
            Op::NewTable => {
                let f = f.gc_point();
                let t = table::new(l.global(), i.dd() as usize, i.b()).or_raise(l)?;
                f.set(i, Value::table(t));
            }
            Op::SetList => {
                let th = l.thread();
                let ra = base.add(i.a());
                let n = if i.b() == 0 {
                    (*th).top.offset_from(ra) as usize - 1
                } else {
                    i.b()
                };
                table::set_list(
                    l.global(),
                    (*ra).as_table(),
                    i.dd() as i64 + 1,
                    ra.add(1),
                    n,
                )
                .or_raise(l)?;
            }
            Op::Not => f.set(i, Value::bool(!f.r(i.b()).truthy())),
            Op::Len => {
                let v = meta::len_at(l, f.r(i.b()), VarRef::Reg(i.b()))?;
                f.set(i, v);
            }
            Op::Concat => {
                let f = f.gc_point();
                concat(&f, i)?;
            }
            Op::Close => close::close(l, base.add(i.a()))?,
            Op::Tbc => close::mark(l, base.add(i.a()), i.a())?,
            Op::TForCall => tfor_call(&f, i)?,
            Op::VarArg => vararg(&f, i)?,
            Op::Closure => {
                let f = f.gc_point();
                make_closure(&f, i)?;
            }
            _ => arith(&f, i)?,
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

/// FORPREP: `R[a]` initial value, `R[a+1]` limit, `R[a+2]` step. Integer loops: `R[a+1]` becomes the number of further iterations. Writes the
/// control variable R[a+3]. True: the loop does not run.
///
/// # Safety
/// `ra` is the loop's first register.
pub unsafe fn for_prep(l: Lua, ra: *mut Value) -> LResult<bool> {
    unsafe {
        let (init, limit, step) = (*ra, *ra.add(1), *ra.add(2));
        if init.is_int() && step.is_int() {
            let (i, s) = (init.as_int(), step.as_int());
            if s == 0 {
                return Err(raise::run_error(l, b"'for' step is zero"));
            }
            let Some(lim) = for_limit(l, limit, s)? else {
                return Ok(true);
            };
            if if s > 0 { i > lim } else { i < lim } {
                return Ok(true);
            }
            let span = if s > 0 {
                (lim as u64).wrapping_sub(i as u64)
            } else {
                (i as u64).wrapping_sub(lim as u64)
            };
            let count = if s == 1 || s == -1 {
                span
            } else {
                span / s.unsigned_abs()
            };
            *ra.add(1) = Value::int(count as i64);
            *ra.add(3) = init;
            let p = proto_at(frame_base(l.thread()));
            (*p).back_edges = (*p)
                .back_edges
                .saturating_add(count.min(u32::MAX as u64) as u32);
            return Ok(false);
        }
        let number = |v: Value, what: &str| -> LResult<f64> {
            meta::to_number(v).ok_or_else(|| raise::for_error(l, v, what))
        };
        let lim = number(limit, "limit")?;
        let s = number(step, "step")?;
        let i = number(init, "initial value")?;
        if s == 0.0 {
            return Err(raise::run_error(l, b"'for' step is zero"));
        }
        if if s > 0.0 { lim < i } else { i < lim } {
            return Ok(true);
        }
        *ra = Value::float(i);
        *ra.add(1) = Value::float(lim);
        *ra.add(2) = Value::float(s);
        *ra.add(3) = Value::float(i);
        Ok(false)
    }
}

/// forlimit: the limit of an integer loop, clipped to integers. `None`: the loop does not run.
fn for_limit(l: Lua, limit: Value, step: i64) -> LResult<Option<i64>> {
    let f = match meta::to_numeric(limit) {
        Some(n) if n.is_int() => return Ok(Some(n.as_int())),
        Some(n) => n.as_float(),
        None => return Err(raise::for_error(l, limit, "limit")),
    };
    let rounded = if step < 0 { f.ceil() } else { f.floor() };
    if let Some(i) = crate::arith::float_to_int(rounded) {
        return Ok(Some(i));
    }
    // Out of range or NaN: the loop runs to the extreme or not at all.
    Ok(match (f > 0.0, step < 0) {
        (true, false) => Some(i64::MAX),
        (false, true) => Some(i64::MIN),
        _ => None,
    })
}

/// FORLOOP: true when the loop continues.
///
/// # Safety
/// `ra` is the loop's first register, prepared by [`for_prep`].
pub unsafe fn for_loop(ra: *mut Value) -> bool {
    unsafe {
        if (*ra.add(2)).is_int() {
            let count = (*ra.add(1)).p;
            if count == 0 {
                return false;
            }
            let i = (*ra).as_int().wrapping_add((*ra.add(2)).as_int());
            (*ra.add(1)).p = count - 1;
            (*ra).p = i as u64;
            *ra.add(3) = Value::int(i);
            true
        } else {
            let (s, lim) = ((*ra.add(2)).as_float(), (*ra.add(1)).as_float());
            let i = (*ra).as_float() + s;
            if if s > 0.0 { i <= lim } else { lim <= i } {
                *ra = Value::float(i);
                *ra.add(3) = Value::float(i);
                return true;
            }
            false
        }
    }
}
