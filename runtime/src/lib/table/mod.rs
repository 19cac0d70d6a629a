//! The table library (manual section 6.6).
//!
//! All functions respect metamethods, as in the reference. A table without the metamethods in question is accessed directly; what was
//! found out about a table holds only until Lua code runs.

mod elements;
mod sort;

use super::buffer::{Buffer, Space};
use super::library::{Entry, new_library};
use crate::emergency::with_memory;
use crate::error::LResult;
use crate::object::Table;
use crate::table;
use crate::thread::Lua;
use crate::value::Value;
use trinity_frontend::bytecode::Event;

const FUNCTIONS: &[Entry] = &[
    Entry(
        "concat",
        concat,
        "concat(t [, sep [, i [, j]]]): strings and numbers t[i..j] joined",
    ),
    Entry(
        "insert",
        insert,
        "insert(t [, pos], value): inserts at pos, moving up what follows",
    ),
    Entry(
        "move",
        move_,
        "move(a, f, e, t [, b]): copies a[f..e] to b[t..]; b",
    ),
    Entry(
        "pack",
        pack,
        "pack(...): table of the arguments, with their number as field n",
    ),
    Entry(
        "remove",
        remove,
        "remove(t [, pos]): removes and returns t[pos], moving down what follows",
    ),
    Entry("sort", sort::sort, "sort(t [, less]): sorts in place"),
    Entry("unpack", unpack, "unpack(t [, i [, j]]): t[i], ..., t[j]"),
];

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, 0)?;
    l.pop(1);
    Ok(t)
}

/// Operations that an object must support to pass for a table.
#[derive(Clone, Copy)]
struct Needs {
    read: bool,
    write: bool,
    length: bool,
}

const READ: Needs = Needs {
    read: true,
    write: false,
    length: false,
};
const WRITE: Needs = Needs {
    read: false,
    write: true,
    length: false,
};
const READ_LENGTH: Needs = Needs {
    read: true,
    write: false,
    length: true,
};
const ALL: Needs = Needs {
    read: true,
    write: true,
    length: true,
};

/// Checks that argument `arg` is a table or has the metamethods to behave like one.
#[inline]
fn check_tab(l: Lua, arg: i32, needs: Needs) -> LResult<()> {
    let v = l.arg(arg);
    if v.is_table() {
        Ok(())
    } else {
        check_tab_slow(l, arg, needs)
    }
}

#[cold]
fn check_tab_slow(l: Lua, arg: i32, needs: Needs) -> LResult<()> {
    let v = l.arg(arg);
    let has = |needed: bool, name: &str| !needed || !l.metafield(v, name).is_nil();
    if !l.metatable_of(v).is_null()
        && has(needs.read, "__index")
        && has(needs.write, "__newindex")
        && has(needs.length, "__len")
    {
        return Ok(());
    }
    l.check_type(arg, "table")
}

/// aux_getn: checks the argument and gives its length.
#[inline]
fn checked_len(l: Lua, arg: i32, needs: Needs) -> LResult<i64> {
    check_tab(l, arg, needs)?;
    l.len(l.arg(arg))
}

/// The table, when access to its elements needs no metamethods (`__len` aside).
#[inline]
fn direct(l: Lua, v: Value) -> Option<*mut Table> {
    if !v.is_table() {
        return None;
    }
    let t = v.as_table();
    // SAFETY: an argument of the running function.
    unsafe {
        let mt = (*t).metatable;
        let plain = mt.is_null()
            || table::metamethod(l.global(), mt, Event::Index).is_nil()
                && table::metamethod(l.global(), mt, Event::NewIndex).is_nil();
        plain.then_some(t)
    }
}

/// `o[i]`, with metamethods.
#[inline]
fn get(l: Lua, o: Value, i: i64) -> LResult<Value> {
    l.get_int(o, i)
}

/// `o[i] = v`, with metamethods.
#[inline]
fn set(l: Lua, o: Value, i: i64, v: Value) -> LResult<()> {
    l.set_int(o, i, v)
}

fn insert(l: Lua) -> LResult<u32> {
    let end = checked_len(l, 1, ALL)?.wrapping_add(1);
    let o = l.arg(1);
    match l.top() {
        2 => {
            let v = l.arg(2);
            match direct(l, o) {
                Some(t) => with_memory(l, || l.raw_set_int(t, end, v))?,
                None => set(l, o, end, v)?,
            }
        }
        3 => {
            let pos = l.check_int(2)?;
            if (pos as u64).wrapping_sub(1) >= end as u64 {
                return Err(l.arg_error(2, "position out of bounds"));
            }
            let v = l.arg(3);
            if let Some(t) = direct(l, o)
                // SAFETY: an argument of the running function.
                && unsafe { i64::from((*t).array_len) } == end.wrapping_sub(1)
            {
                insert_direct(l, t, pos, end, v)?;
            } else {
                let mut i = end;
                while i > pos {
                    let below = get(l, o, i - 1)?;
                    set(l, o, i, below)?;
                    i -= 1;
                }
                set(l, o, pos, v)?;
            }
        }
        _ => return Err(l.error("wrong number of arguments to 'insert'")),
    }
    Ok(0)
}

/// Inserts into a sequence that is all in the array part: `end` is one more than its length.
fn insert_direct(l: Lua, t: *mut Table, pos: i64, end: i64, v: Value) -> LResult<()> {
    if pos < end {
        // The last element goes first: that can need memory, and afterwards the array is long enough.
        l.raw_set_int(t, end, l.raw_get_int(t, end - 1))?;
        // SAFETY: nothing else is done with the array part.
        unsafe { elements::shift_up(t, pos as usize - 1, end as usize - 2) };
    }
    l.raw_set_int(t, pos, v)
}

fn remove(l: Lua) -> LResult<u32> {
    let size = checked_len(l, 1, ALL)?;
    let mut pos = l.opt_int(2, size)?;
    // Position `size + 1` is allowed.
    if pos != size && (pos as u64).wrapping_sub(1) > size as u64 {
        return Err(l.arg_error(1, "position out of bounds"));
    }
    let o = l.arg(1);
    let removed = get(l, o, pos)?;
    l.push(removed);
    if let Some(t) = direct(l, o)
        && pos >= 1
        && pos < size
        // SAFETY: an argument of the running function.
        && unsafe { i64::from((*t).array_len) } == size
    {
        // SAFETY: nothing else is done with the array part.
        unsafe { elements::shift_down(t, pos as usize - 1, size as usize - 1) };
        pos = size;
    }
    while pos < size {
        let above = get(l, o, pos + 1)?;
        set(l, o, pos, above)?;
        pos += 1;
    }
    set(l, o, pos, Value::NIL)?;
    Ok(1)
}

fn move_(l: Lua) -> LResult<u32> {
    let from = l.check_int(2)?;
    let end = l.check_int(3)?;
    let to = l.check_int(4)?;
    let target = if l.is_none_or_nil(5) { 1 } else { 5 };
    check_tab(l, 1, READ)?;
    check_tab(l, target, WRITE)?;
    if end >= from {
        if from <= 0 && end >= i64::MAX.wrapping_add(from) {
            return Err(l.arg_error(3, "too many elements to move"));
        }
        let n = end - from + 1;
        if to > i64::MAX - n + 1 {
            return Err(l.arg_error(4, "destination wrap around"));
        }
        let (a, b) = (l.arg(1), l.arg(target));
        let upwards = to > end || to <= from || (target != 1 && !l.equals(a, b)?);
        let plain = direct(l, a).zip(direct(l, b));
        for i in 0..n {
            let i = if upwards { i } else { n - 1 - i };
            match plain {
                Some((a, b)) => l.raw_set_int(b, to + i, l.raw_get_int(a, from + i))?,
                None => {
                    let v = get(l, a, from + i)?;
                    set(l, b, to + i, v)?;
                }
            }
        }
    }
    l.push(l.arg(target));
    Ok(1)
}

fn concat(l: Lua) -> LResult<u32> {
    let len = checked_len(l, 1, READ_LENGTH)?;
    let sep = l.opt_bytes(2)?.unwrap_or(b"");
    let i = l.opt_int(3, 1)?;
    let last = l.opt_int(4, len)?;
    let o = l.arg(1);
    // Without metamethods nothing can change the table on the way.
    match direct(l, o) {
        Some(t) => with_memory(l, || concat_range(l, o, Some(t), sep, i, last)),
        None => concat_range(l, o, None, sep, i, last),
    }
}

/// Pushes elements `i` to `last` of `o` as one string; `plain` is the table, if its elements are to be read directly.
fn concat_range(
    l: Lua,
    o: Value,
    plain: Option<*mut Table>,
    sep: &[u8],
    mut i: i64,
    last: i64,
) -> LResult<u32> {
    let mut space = Space::new();
    let mut out = Buffer::new(l, &mut space);
    if i <= last {
        loop {
            let v = match plain {
                Some(t) => l.raw_get_int(t, i),
                None => get(l, o, i)?,
            };
            if !out.add_value(v)? {
                let (name, i) = (v.type_name(), i);
                return Err(l.error(&format!(
                    "invalid value ({name}) at index {i} in table for 'concat'"
                )));
            }
            if i == last {
                break;
            }
            out.add(sep)?;
            i += 1;
        }
    }
    out.push_result()?;
    Ok(1)
}

fn pack(l: Lua) -> LResult<u32> {
    let n = l.top();
    let t = l.new_table(n as usize, 1)?;
    for i in 1..=n {
        l.raw_set_int(t, i64::from(i), l.arg(i))?;
    }
    l.push(Value::table(t));
    l.raw_set_str(t, "n", Value::int(i64::from(n)))?;
    Ok(1)
}

fn unpack(l: Lua) -> LResult<u32> {
    let o = l.arg(1);
    let first = l.opt_int(2, 1)?;
    let last = if l.is_none_or_nil(3) {
        l.len(o)?
    } else {
        l.check_int(3)?
    };
    if first > last {
        return Ok(0);
    }
    let n = (last as u64).wrapping_sub(first as u64);
    if n >= i32::MAX as u64 || !l.grow_stack(n as i32 + 1) {
        return Err(l.error("too many results to unpack"));
    }
    let plain = direct(l, o);
    for i in 0..=n {
        let i = first + i as i64;
        let v = match plain {
            Some(t) => l.raw_get_int(t, i),
            None => get(l, o, i)?,
        };
        l.push(v);
    }
    Ok(n as u32 + 1)
}
