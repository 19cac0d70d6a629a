//! Loops by their complete definition.
//!
//! SAFETY of this module: the contract of `ops`.

use super::{Frame, frame_base, proto_at};
use crate::error::LResult;
use crate::lib::string::search;
use crate::meta;
use crate::raise;
use crate::table;
use crate::thread::{Lua, Thread};
use crate::value::{Value, tag};
use trinity_abi::intrinsic::Intrinsic;
use trinity_frontend::bytecode::Instr;

/// TFORCALL: calls the iterator; the library's own ones without a call.
pub(crate) unsafe fn tfor_call(f: &Frame, i: Instr) -> LResult<()> {
    unsafe {
        let th = f.l.thread();
        let ra = f.base.add(i.a());
        if (*th).hook.is_none() && iterate_inline(th, ra, i.c()) {
            return Ok(());
        }
        let cb = ra.add(4);
        for j in 0..3 {
            *cb.add(j) = *ra.add(j);
        }
        (*th).top = cb.add(3);
        crate::call::call_value(f.l, cb, i.c() as i32)
    }
}

/// TFORCALL with the library's `next` over a table, the step of its `ipairs` while elements are there, or that of `gmatch`, without a call. False: it is another
/// iterator, or needs a metamethod, or an error is to be raised.
///
/// # Safety
/// `ra` is the loop's first register, `wanted` the number of its variables.
#[inline(always)]
pub unsafe fn iterate_inline(th: *mut Thread, ra: *mut Value, wanted: usize) -> bool {
    unsafe {
        // The call would count as a nested one, so the last level has none.
        if (*ra).t != tag::NATIVE_FN || (*th).nccalls >= raise::MAX_C_CALLS - 1 {
            return false;
        }
        let f = (*ra).as_native_fn();
        if (*f).h.aux8 == Intrinsic::GmatchIterator as u8 {
            return search::step_inline((*th).global, f, ra.add(4), wanted);
        }
        if (*ra.add(1)).t != tag::TABLE {
            return false;
        }
        let t = (*ra.add(1)).as_table();
        let function = (*f).func as usize;
        let (key, v) = if function == crate::lib::base::next as *const () as usize {
            if table::step(t, ra).is_err() {
                return false;
            }
            for n in 2..wanted {
                (*ra.add(4 + n)).t = tag::NIL;
            }
            return true;
        } else if function == crate::lib::base::ipairs_step as *const () as usize
            && (*ra.add(2)).t == tag::INT
        {
            let n = (*ra.add(2)).as_int().wrapping_add(1);
            let v = table::get_int(t, n);
            if v.is_nil() {
                if !(*t).metatable.is_null() {
                    return false;
                }
                (Value::NIL, v)
            } else {
                (Value::int(n), v)
            }
        } else {
            return false;
        };
        *ra.add(4) = key;
        if wanted >= 2 {
            *ra.add(5) = v;
            for n in 2..wanted {
                (*ra.add(4 + n)).t = tag::NIL;
            }
        }
        true
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
