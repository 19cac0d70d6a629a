//! Direct forms of table functions, for tables without metatables.

use super::Call;
use crate::table;
use crate::value::Value;

pub(super) fn insert(c: &Call) -> Option<Value> {
    let t = c.plain_table(0)?;
    c.may_allocate()?;
    // SAFETY: a live table and value.
    unsafe { table::set_int(c.global(), t, table::len(t) + 1, c.arg(1)).ok()? };
    c.results(&[])
}

pub(super) fn remove(c: &Call) -> Option<Value> {
    let t = c.plain_table(0)?;
    // SAFETY: a live table; removing the last element allocates nothing.
    unsafe {
        let n = table::len(t);
        if n == 0 {
            return None;
        }
        let v = table::get_int(t, n);
        table::set_int(c.global(), t, n, Value::NIL).ok()?;
        Some(v)
    }
}

pub(super) fn unpack(c: &Call) -> Option<Value> {
    let t = c.plain_table(0)?;
    let first = c.int_or(1, 1)?;
    // SAFETY: a live table.
    unsafe {
        let last = c.int_or(2, table::len(t))?;
        let span = last.checked_sub(first)?;
        // So many might be too many.
        if span > 200 {
            return None;
        }
        for n in 0..c.wanted as i64 {
            let v = if n <= span {
                table::get_int(t, first + n)
            } else {
                Value::NIL
            };
            *c.args.sub(1).add(n as usize) = v;
        }
    }
    Some(Value::NIL)
}
