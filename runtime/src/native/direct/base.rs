//! Direct forms of basic functions, of `math.type` and `coroutine.status`.

use super::Call;
use crate::meta;
use crate::numfmt;
use crate::object::Table;
use crate::table;
use crate::thread::Lua;
use crate::value::{Value, tag};
use std::ptr::NonNull;
use trinity_frontend::bytecode::Event;

/// The metatable of a value.
fn metatable(c: &Call, v: Value) -> *mut Table {
    // SAFETY: the tags say what the values are.
    unsafe {
        match v.t {
            tag::TABLE => (*v.as_table()).metatable,
            tag::USERDATA => (*v.as_userdata()).metatable,
            t => (*c.global()).metatables[meta::basic_type(t)],
        }
    }
}

/// A field of a metatable by name.
fn field(c: &Call, mt: *mut Table, name: &[u8]) -> Option<Value> {
    let key = c.name(name)?;
    // SAFETY: a live table and string.
    Some(unsafe { table::get(mt, key) })
}

pub(super) fn type_(c: &Call) -> Option<Value> {
    c.name(c.arg(0).type_name().as_bytes())
}

pub(super) fn math_type(c: &Call) -> Option<Value> {
    match c.arg(0).t {
        tag::INT => c.name(b"integer"),
        tag::FLOAT => c.name(b"float"),
        _ => Some(Value::NIL),
    }
}

pub(super) fn coroutine_status(c: &Call) -> Option<Value> {
    let v = c.arg(0);
    let l = Lua(NonNull::new(c.th)?);
    (v.t == tag::THREAD)
        .then(|| c.name(l.co_status(v.as_thread()).name().as_bytes()))
        .flatten()
}

pub(super) fn tostring(c: &Call) -> Option<Value> {
    let v = c.arg(0);
    let mt = metatable(c, v);
    // SAFETY: the state and its metatable are live.
    if !mt.is_null() && !unsafe { table::metamethod(c.global(), mt, Event::ToString) }.is_nil() {
        return None;
    }
    match v.t {
        tag::SHORT_STR | tag::LONG_STR => Some(v),
        tag::INT | tag::FLOAT => c.text(numfmt::format(v).as_bytes()),
        tag::TRUE => c.name(b"true"),
        tag::FALSE => c.name(b"false"),
        tag::NIL => c.name(b"nil"),
        _ => None,
    }
}

pub(super) fn tonumber(c: &Call) -> Option<Value> {
    let v = c.arg(0);
    if v.is_number() {
        return Some(v);
    }
    let text = c.bytes(0).map(numfmt::str2value);
    Some(text.flatten().unwrap_or(Value::NIL))
}

pub(super) fn rawequal(c: &Call) -> Option<Value> {
    Some(Value::bool(meta::raw_equals(c.arg(0), c.arg(1))))
}

pub(super) fn rawlen(c: &Call) -> Option<Value> {
    match c.arg(0) {
        // SAFETY: the tag says that it is a table.
        v if v.is_table() => Some(Value::int(unsafe { table::len(v.as_table()) })),
        _ => c.bytes(0).map(|b| Value::int(b.len() as i64)),
    }
}

pub(super) fn rawget(c: &Call) -> Option<Value> {
    let t = c.arg(0);
    // SAFETY: the tag says that it is a table.
    t.is_table()
        .then(|| unsafe { table::get(t.as_table(), c.arg(1)) })
}

pub(super) fn rawset(c: &Call) -> Option<Value> {
    let t = c.arg(0);
    if !t.is_table() {
        return None;
    }
    c.may_allocate()?;
    // SAFETY: a live table and values.
    unsafe { table::set(c.global(), t.as_table(), c.arg(1), c.arg(2)).ok()? };
    Some(t)
}

pub(super) fn getmetatable(c: &Call) -> Option<Value> {
    let mt = metatable(c, c.arg(0));
    if mt.is_null() {
        return Some(Value::NIL);
    }
    let protected = field(c, mt, b"__metatable")?;
    Some(if protected.is_nil() {
        Value::table(mt)
    } else {
        protected
    })
}

pub(super) fn setmetatable(c: &Call) -> Option<Value> {
    let (t, mt) = (c.plain_table(0)?, c.arg(1));
    if !mt.is_table() {
        return None;
    }
    let (g, mt) = (c.global(), mt.as_table());
    // SAFETY: live tables.
    unsafe {
        if !table::metamethod(g, mt, Event::Gc).is_nil() {
            return None;
        }
        table::set_metatable(g, t, mt).ok()?;
    }
    Some(Value::table(t))
}

pub(super) fn next(c: &Call) -> Option<Value> {
    let t = c.arg(0);
    if !t.is_table() {
        return None;
    }
    // SAFETY: a live table and key.
    match unsafe { table::next(t.as_table(), c.arg(1)) }.ok()? {
        Some((k, v)) => c.results(&[k, v]),
        None => c.results(&[]),
    }
}

pub(super) fn pairs(c: &Call) -> Option<Value> {
    let v = c.arg(0);
    let mt = metatable(c, v);
    if !mt.is_null() && !field(c, mt, b"__pairs")?.is_nil() {
        return None;
    }
    c.results(&[c.upvalue(), v])
}

pub(super) fn ipairs(c: &Call) -> Option<Value> {
    c.results(&[c.upvalue(), c.arg(0), Value::int(0)])
}
