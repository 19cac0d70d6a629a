//! Lua functions as hooks. They are kept in a table in the registry, from thread to function with weak keys, under the reference's name and
//! in its form; the thread's hook state only says to call [`lua_hook`].

use super::{get_thread, set_bytes, thread_value};
use crate::debug::hook::{self, EventKind, mask};
use crate::error::LResult;
use crate::lib::io::stdio;
use crate::object::Table;
use crate::thread::Lua;
use crate::value::Value;

/// Registry key of the table.
const HOOKS: &str = "_HOOKKEY";

/// Calls the Lua function registered for the running thread.
fn lua_hook(l: Lua, event: EventKind, line: i32) -> LResult<()> {
    let hooks = l.raw_get_str(l.registry(), HOOKS);
    if !hooks.is_table() {
        return Ok(());
    }
    let f = l.raw_get(hooks.as_table(), thread_value(l.thread()));
    if !f.is_function() {
        return Ok(());
    }
    l.push(f);
    l.push_str(event.name())?;
    l.push(if line >= 0 {
        Value::int(i64::from(line))
    } else {
        Value::NIL
    });
    l.call_no_yield(2, 0)
}

fn hook_table(l: Lua) -> LResult<*mut Table> {
    let v = l.raw_get_str(l.registry(), HOOKS);
    if v.is_table() {
        return Ok(v.as_table());
    }
    let t = l.new_table(0, 1)?;
    l.raw_set_str(l.registry(), HOOKS, Value::table(t))?;
    set_bytes(l, t, "__mode", b"k")?;
    l.set_metatable(Value::table(t), t)?;
    Ok(t)
}

/// debug.sethook
pub fn sethook(l: Lua) -> LResult<u32> {
    let (l1, arg) = get_thread(l);
    let f = l.arg(arg + 1);
    let (func, bits, count): (Option<hook::HookFn>, u8, i32) = if l.is_none_or_nil(arg + 1) {
        (None, 0, 0)
    } else {
        crate::load::unless_closed(l, "debug.sethook")?;
        let text = stdio::c_part(l.check_bytes(arg + 2)?);
        l.check_type(arg + 1, "function")?;
        let count = l.opt_int(arg + 3, 0)? as i32;
        let bit = |c: u8, bit: u8| if text.contains(&c) { bit } else { 0 };
        let bits = bit(b'c', mask::CALL)
            | bit(b'r', mask::RETURN)
            | bit(b'l', mask::LINE)
            | if count > 0 { mask::COUNT } else { 0 };
        (Some(lua_hook), bits, count)
    };
    let hooks = hook_table(l)?;
    l.raw_set(hooks, thread_value(l1.thread()), f)?;
    hook::set_hook(l1, func, bits, count);
    Ok(0)
}

/// debug.gethook
pub fn gethook(l: Lua) -> LResult<u32> {
    let (l1, _) = get_thread(l);
    // SAFETY: live handle; nothing runs while the state is looked at.
    let found = unsafe {
        let h = (*l1.thread()).hook.as_deref();
        h.and_then(|h| h.func().map(|f| (f, h.mask(), h.base_count())))
    };
    let Some((func, bits, count)) = found else {
        l.push(Value::NIL);
        return Ok(1);
    };
    if func as usize == lua_hook as *const () as usize {
        let hooks = hook_table(l)?;
        l.push(l.raw_get(hooks, thread_value(l1.thread())));
    } else {
        l.push_str("external hook")?;
    }
    let mut text = String::new();
    for (bit, c) in [(mask::CALL, 'c'), (mask::RETURN, 'r'), (mask::LINE, 'l')] {
        if bits & bit != 0 {
            text.push(c);
        }
    }
    l.push_str(&text)?;
    l.push(Value::int(i64::from(count)));
    Ok(3)
}
