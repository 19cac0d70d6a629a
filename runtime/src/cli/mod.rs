//! What stand-alone programs share: calls with a traceback on errors, reports, the `arg` table, Ctrl-C. Used by the binary `trinity` and
//! by compiled executables. Behaviour and messages are lua.c's.

pub mod options;
mod signal;

use crate::error::{LResult, Status};
use crate::lib::io::stdio::write_stderr;
use crate::lib::loadfile::load_file;
use crate::object::Str;
use crate::thread::{Lua, MIN_STACK};
use crate::value::Value;

/// Memory of up to 64 MB that was freed stays with the process: a program that fills large tables again and again would spend its time in the
/// kernel, which clears the pages each time. A full collection for lack of memory gives it back.
pub fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets parameters of the allocator; called before anything else runs.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
    }
}

/// The name and version that `-v` prints.
pub const VERSION: &str = concat!(
    "Trinity ",
    env!("CARGO_PKG_VERSION"),
    " for Lua 5.4, the language by Lua.org, PUC-Rio"
);

/// Bytes of a string or number at stack index `i`, else `None` (lua_tostring).
fn text_at<'a>(l: Lua, i: i32) -> Option<&'a [u8]> {
    let v = l.arg(i);
    if v.is_number() {
        let s = l.new_str(&l.number_to_bytes(v)).ok()?;
        // SAFETY: made above, and kept alive by the stack slot.
        l.set_arg(i, unsafe { Value::str(s) });
    }
    let v = l.arg(i);
    // SAFETY: the tag says it is a string, alive while it is in its slot.
    v.is_string().then(|| unsafe { Str::bytes(v.as_str()) })
}

/// The message handler: strings get a traceback, other values become a string.
pub fn message_handler(l: Lua) -> LResult<u32> {
    let text = match text_at(l, 1) {
        Some(t) => t.to_vec(),
        None => {
            let method = l.metafield(l.arg(1), "__tostring");
            if !method.is_nil() {
                l.push(method);
                l.push(l.arg(1));
                l.call(1, 1)?;
                if l.arg(-1).is_string() {
                    return Ok(1);
                }
            }
            format!("(error object is a {} value)", l.type_name(1)).into_bytes()
        }
    };
    let trace = l.traceback(l, Some(&text), 1);
    l.push_bytes(&trace)?;
    Ok(1)
}

/// Calls the function below the top `nargs` values with the message handler, and with Ctrl-C raising an error meanwhile.
pub fn call(l: Lua, nargs: i32, nresults: i32) -> LResult<Status> {
    let base = l.top() - nargs;
    let handler = l.new_native(message_handler, &[])?;
    l.push(handler);
    l.insert(base);
    signal::catch(l);
    let status = l.pcall(nargs, nresults, base);
    signal::release();
    l.remove(base);
    Ok(status)
}

/// Writes "program: message" to standard error.
pub fn message(program: Option<&[u8]>, msg: &[u8]) {
    let mut text = program.map_or_else(Vec::new, |p| [p, b": "].concat());
    text.extend_from_slice(msg);
    text.push(b'\n');
    write_stderr(&text);
}

/// When `status` is an error: pops its message and writes it. Returns whether all is well.
pub fn report(l: Lua, status: Status, program: Option<&[u8]>) -> bool {
    if status == Status::Ok {
        return true;
    }
    message(program, text_at(l, -1).unwrap_or(b"(null)"));
    l.pop(1);
    false
}

/// Sets the global `arg`: the script at 0, its arguments from 1 up, everything before it at negative indices.
pub fn create_arg_table(l: Lua, argv: &[Vec<u8>], script: usize) -> LResult<()> {
    let script = if script == argv.len() { 0 } else { script };
    let t = l.new_table(argv.len().saturating_sub(script + 1), script + 1)?;
    l.push(Value::table(t));
    for (i, a) in argv.iter().enumerate() {
        l.push_bytes(a)?;
        l.raw_set_int(t, i as i64 - script as i64, l.arg(-1))?;
        l.pop(1);
    }
    l.raw_set_str(l.globals(), "arg", l.arg(-1))?;
    l.pop(1);
    Ok(())
}

/// Pushes the script's arguments, as the global `arg` has them now; returns their number.
pub fn push_args(l: Lua) -> LResult<i32> {
    let globals = Value::table(l.globals());
    let t = l.get_field(globals, "arg")?;
    if !t.is_table() {
        return Err(l.error("'arg' is not a table"));
    }
    l.push(t);
    let n = l.len(t)? as i32;
    l.ensure_stack(
        n.saturating_add(MIN_STACK as i32),
        "too many arguments to script",
    )?;
    for i in 1..=n {
        l.push(l.raw_get_int(t.as_table(), i64::from(i)));
    }
    l.remove(-1 - n);
    Ok(n)
}

/// Calls what a load left on the stack, without arguments and results, and reports errors of either.
pub fn run_chunk(l: Lua, status: Status, program: Option<&[u8]>) -> LResult<bool> {
    let status = if status == Status::Ok {
        call(l, 0, 0)?
    } else {
        status
    };
    Ok(report(l, status, program))
}

/// Runs a piece of source text.
pub fn run_string(l: Lua, text: &[u8], name: &[u8], program: Option<&[u8]>) -> LResult<bool> {
    let status = l.load(text, name, "bt");
    run_chunk(l, status, program)
}

/// Runs a file (`None`: standard input).
pub fn run_file(l: Lua, file: Option<&[u8]>, program: Option<&[u8]>) -> LResult<bool> {
    let status = load_file(l, file, "bt")?;
    run_chunk(l, status, program)
}

/// Option `-l`: `global = require(module)`, where the text is "module" or "global=module".
pub fn run_require(l: Lua, text: &[u8], program: Option<&[u8]>) -> LResult<bool> {
    let (global, module) = match text.iter().position(|&c| c == b'=') {
        Some(eq) => (&text[..eq], &text[eq + 1..]),
        None => (text, text),
    };
    let globals = Value::table(l.globals());
    let require = l.get_field(globals, "require")?;
    l.push(require);
    l.push_bytes(module)?;
    let status = call(l, 1, 1)?;
    if status == Status::Ok {
        l.push_bytes(global)?;
        l.set_table(globals, l.arg(-1), l.arg(-2))?;
        l.pop(2);
    }
    Ok(report(l, status, program))
}

/// Runs what LUA_INIT_5_4 or LUA_INIT says: a file after '@', else code.
pub fn run_init(l: Lua, program: Option<&[u8]>) -> LResult<bool> {
    use std::os::unix::ffi::OsStrExt;
    for name in ["LUA_INIT_5_4", "LUA_INIT"] {
        if let Some(init) = std::env::var_os(name) {
            return match init.as_bytes() {
                [b'@', file @ ..] => run_file(l, Some(file), program),
                text => run_string(l, text, format!("={name}").as_bytes(), program),
            };
        }
    }
    Ok(true)
}
