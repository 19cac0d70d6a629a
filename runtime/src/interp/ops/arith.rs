//! Arithmetic and bitwise instructions by their complete definition.
//!
//! SAFETY of this module: the contract of `ops`.

use super::Frame;
use crate::debug::varinfo::VarRef;
use crate::error::LResult;
use crate::meta;
use crate::value::Value;
use trinity_frontend::bytecode::{Event, Instr, Op};

/// The arithmetic and bitwise instructions.
pub(crate) unsafe fn arith(f: &Frame, i: Instr) -> LResult<()> {
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
