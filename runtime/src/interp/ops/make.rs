//! Instructions that make objects, and those of variable arguments.
//!
//! SAFETY of this module: the contract of `ops`.

use super::{Frame, frame_base};
use crate::closure;
use crate::error::LResult;
use crate::meta;
use crate::native::entry;
use crate::object::LuaClosure;
use crate::raise::OrRaise;
use crate::stack;
use crate::table;
use crate::thread::{CallKind, Thread};
use crate::value::{Value, tag};
use trinity_frontend::bytecode::Instr;

pub(crate) unsafe fn new_cell(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let f = f.gc_point();
        let c = closure::new_cell(f.l.global(), f.r(i.a())).or_raise(f.l)?;
        f.set(
            i,
            Value {
                p: c as u64,
                t: tag::CELL,
            },
        );
        Ok(())
    }
}

pub(crate) unsafe fn new_table(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let f = f.gc_point();
        let t = table::construct(f.l.global(), f.p, i).or_raise(f.l)?;
        f.set(i, Value::table(t));
        Ok(())
    }
}

pub(crate) unsafe fn set_list(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let ra = f.base.add(i.a());
        let n = if i.b() == 0 {
            (*f.l.thread()).top.offset_from(ra) as usize - 1
        } else {
            i.b()
        };
        let (t, first) = ((*ra).as_table(), i.dd() as i64 + 1);
        table::set_list(f.l.global(), t, first, ra.add(1), n).or_raise(f.l)
    }
}

/// CONCAT: operands and result in place.
pub(crate) unsafe fn concat(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let f = &f.gc_point();
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
pub(crate) unsafe fn make_closure(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let f = &f.gc_point();
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
pub(crate) unsafe fn vararg(f: &Frame, i: Instr) -> LResult<()> {
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
