//! How the io and os libraries report what the system says: true, or nil with a message and a number.

use super::stdio::{errno, error_text};
use crate::error::LResult;
use crate::thread::Lua;
use crate::value::Value;

/// luaL_fileresult: pushes true, or nil, message (after `name`) and `errno`. Returns the number of results.
pub fn file_result(l: Lua, ok: bool, name: Option<&[u8]>) -> LResult<u32> {
    let e = errno();
    if ok {
        l.push(Value::TRUE);
        return Ok(1);
    }
    let mut msg = Vec::new();
    if let Some(n) = name {
        msg.extend_from_slice(super::stdio::c_part(n));
        msg.extend_from_slice(b": ");
    }
    msg.extend_from_slice(&error_text(e));
    l.push(Value::NIL);
    l.push_bytes(&msg)?;
    l.push(Value::int(i64::from(e)));
    Ok(3)
}

/// luaL_execresult: pushes true or nil, "exit" or "signal", and the code. `stat` is what `system` or `pclose` returned; the caller
/// cleared `errno` before.
pub fn exec_result(l: Lua, stat: i32) -> LResult<u32> {
    if stat != 0 && errno() != 0 {
        return file_result(l, false, None);
    }
    let (what, code) = if libc::WIFEXITED(stat) {
        ("exit", libc::WEXITSTATUS(stat))
    } else if libc::WIFSIGNALED(stat) {
        ("signal", libc::WTERMSIG(stat))
    } else {
        ("exit", stat)
    };
    l.push(if what == "exit" && code == 0 {
        Value::TRUE
    } else {
        Value::NIL
    });
    l.push_str(what)?;
    l.push(Value::int(i64::from(code)));
    Ok(3)
}
