//! Libraries as tables of rows: adding a function is one row.

use crate::error::LResult;
use crate::object::{NativeFn, Table};
use crate::thread::Lua;
use crate::value::Value;

/// One library function: its name, the function, and one line of documentation.
pub struct Entry(pub &'static str, pub NativeFn, pub &'static str);

/// A new table with the functions, left on the stack as well, so that it lives while further fields are added. Room is made for `extra`
/// fields.
pub fn new_library(l: Lua, entries: &[Entry], extra: usize) -> LResult<*mut Table> {
    let t = l.new_table(0, entries.len() + extra)?;
    l.push(Value::table(t));
    add_entries(l, t, entries, &[])?;
    Ok(t)
}

/// Adds functions that share the given upvalues to a table.
pub fn add_entries(l: Lua, t: *mut Table, entries: &[Entry], upvalues: &[Value]) -> LResult<()> {
    for Entry(name, f, _) in entries {
        let f = l.new_native(*f, upvalues)?;
        l.raw_set_str(t, name, f)?;
    }
    Ok(())
}
