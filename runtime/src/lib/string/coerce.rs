//! Arithmetic on strings: the metatable that makes `"10" + 1` work (manual section 3.4.3).
//!
//! The interpreter's arithmetic knows numbers only; a string operand leads here through its metamethod. When the strings do not read as
//! numbers, the second operand's own metamethod has its turn.

use super::super::library::{Entry, add_entries};
use crate::error::LResult;
use crate::meta;
use crate::numfmt;
use crate::object::{Str, Table};
use crate::thread::Lua;
use crate::value::Value;
use trinity_frontend::bytecode::Event;
use trinity_frontend::bytecode::op::EVENT_NAMES;

const METAMETHODS: &[Entry] = &[
    Entry("__add", |l| arith(l, Event::Add), "a + b"),
    Entry("__sub", |l| arith(l, Event::Sub), "a - b"),
    Entry("__mul", |l| arith(l, Event::Mul), "a * b"),
    Entry("__mod", |l| arith(l, Event::Mod), "a % b"),
    Entry("__pow", |l| arith(l, Event::Pow), "a ^ b"),
    Entry("__div", |l| arith(l, Event::Div), "a / b"),
    Entry("__idiv", |l| arith(l, Event::IDiv), "a // b"),
    Entry("__unm", |l| arith(l, Event::Unm), "-a"),
];

/// Makes the metatable of strings, with the library as `__index`.
pub fn set_string_metatable(l: Lua, library: *mut Table) -> LResult<()> {
    let mt = l.new_table(0, METAMETHODS.len() + 1)?;
    l.push(Value::table(mt));
    add_entries(l, mt, METAMETHODS, &[])?;
    l.raw_set_str(mt, "__index", Value::table(library))?;
    let s = l.new_str(b"")?;
    // SAFETY: made above.
    l.set_metatable(unsafe { Value::str(s) }, mt)?;
    l.pop(1);
    Ok(())
}

/// A number, or what a string reads as.
fn number_of(v: Value) -> Option<Value> {
    if v.is_number() {
        Some(v)
    } else if v.is_string() {
        // SAFETY: an argument of the running function.
        numfmt::str2value(unsafe { Str::bytes(v.as_str()) })
    } else {
        None
    }
}

fn arith(l: Lua, ev: Event) -> LResult<u32> {
    let (a, b) = (l.arg(1), l.arg(2));
    let first = number_of(a);
    // Called with one argument, the reference finds the converted first one in the place of the second.
    let second = if l.is_none(2) { first } else { number_of(b) };
    let result = match (first, second) {
        (Some(a), Some(b)) => l.arith(ev, a, b)?,
        _ => {
            let method = if b.is_string() {
                Value::NIL
            } else {
                meta::metamethod_of(l, b, ev)
            };
            if method.is_nil() {
                let name = EVENT_NAMES[ev as usize].trim_start_matches('_');
                let (a, b) = (a.type_name(), b.type_name());
                return Err(l.error(&format!("attempt to {name} a '{a}' with a '{b}'")));
            }
            meta::call_method(l, method, a, b)?
        }
    };
    l.push(result);
    Ok(1)
}
