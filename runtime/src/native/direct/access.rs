//! Table accesses that machine code has no inline path for, without metamethods: leaf functions (`trinity_abi::helpers::leaf`).

use super::Answer;
use crate::interp::ops::loops;
use crate::meta;
use crate::object::{Str, Table};
use crate::table;
use crate::thread::Thread;
use crate::value::Value;

/// `leaf::STORE`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_l_store(
    th: *mut Thread,
    t: *mut Table,
    key: u64,
    key_tag: u64,
    value: u64,
    value_tag: u64,
) -> u64 {
    let v = |p, t| Value { p, t: t as u8 };
    let (k, v) = (v(key, key_tag), v(value, value_tag));
    // SAFETY: machine code saw a table; key and value are live.
    unsafe {
        if !(*t).metatable.is_null() && table::get(t, k).is_nil() {
            return 0;
        }
        u64::from(table::set((*th).global, t, k, v).is_ok())
    }
}

/// `leaf::ORDER`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_l_order(a: *mut Str, b: *mut Str) -> i64 {
    // SAFETY: machine code saw two strings.
    unsafe { meta::compare_strings(Value::str(a), Value::str(b)) as i64 }
}

/// `leaf::ITERATE`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_l_iterate(th: *mut Thread, ra: *mut Value, wanted: usize) -> u64 {
    // SAFETY: machine code has the loop's registers in place.
    u64::from(unsafe { loops::iterate_inline(th, ra, wanted) })
}

/// `leaf::NEXT`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_l_next(ra: *mut Value) -> Answer {
    // SAFETY: machine code has the loop's registers in place, and saw that its state is a table.
    let tags = unsafe { table::step((*ra.add(1)).as_table(), ra) };
    match tags {
        Ok(tags) => Answer::tags(tags),
        Err(_) => Answer::of(None),
    }
}
