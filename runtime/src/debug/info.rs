//! Facts about functions and activations: where they are defined, what they are called, where they are (lua_getinfo).

use super::frame::{Activations, FrameRef};
use super::varinfo::{Name, called_name};
use crate::object::{Str, Table};
use crate::proto::RtProto;
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_frontend::chunk_id;

/// Registry key of `package.loaded`, where functions with global names are looked for.
const LOADED: &str = "_LOADED";

/// What is known of a function by itself (option 'S' of getinfo).
pub struct FunctionInfo {
    /// Chunk name: "@file", "=name" or source text.
    pub source: Vec<u8>,
    /// The form of it used in messages.
    pub short_src: Vec<u8>,
    /// First line of its definition; -1 for native functions.
    pub line_defined: i32,
    /// Last line.
    pub last_line_defined: i32,
    /// "main", "Lua" or "C".
    pub what: &'static str,
}

/// The prototype of a Lua function value.
pub fn proto_of(f: Value) -> Option<*mut RtProto> {
    // SAFETY: the tag says it is a live Lua closure.
    (f.t == tag::LUA_FN).then(|| unsafe { (*f.as_lua_fn()).proto })
}

/// Facts about a function value.
pub fn function_info(f: Value) -> FunctionInfo {
    let Some(p) = proto_of(f) else {
        return FunctionInfo {
            source: b"=[C]".to_vec(),
            short_src: b"[C]".to_vec(),
            line_defined: -1,
            last_line_defined: -1,
            what: "C",
        };
    };
    // SAFETY: the closure is live, and with it its prototype.
    let src = unsafe { &(*p).src };
    let source = src.source.as_deref().unwrap_or(b"=?").to_vec();
    FunctionInfo {
        short_src: chunk_id(&source),
        source,
        line_defined: src.line_defined as i32,
        last_line_defined: src.last_line_defined as i32,
        what: if src.line_defined == 0 { "main" } else { "Lua" },
    }
}

/// The activation at `level` (0: the running function).
pub fn at_level(l: Lua, level: i32) -> Option<FrameRef> {
    Activations::new(l).nth(usize::try_from(level).ok()?)
}

/// Number of activations.
pub fn depth(l: Lua) -> i32 {
    Activations::new(l).count() as i32
}

/// "file:line:" of what the frame executes, with a space behind; empty when the line is not known (luaL_where).
pub fn position(f: &FrameRef) -> Vec<u8> {
    match f.current_line() {
        line if line > 0 => {
            let mut text = function_info(f.func()).short_src;
            text.extend_from_slice(format!(":{line}: ").as_bytes());
            text
        }
        _ => Vec::new(),
    }
}

/// How the function of the frame is named by its caller, the next activation outwards.
pub fn frame_name(f: &FrameRef, caller: Option<&FrameRef>) -> Option<Name<'static>> {
    if f.is_tail_call() {
        None
    } else {
        caller.and_then(called_name)
    }
}

/// A name under which the function can be reached from the loaded modules: "string.rep", "print" (pushglobalfuncname).
pub fn global_name(l: Lua, f: Value) -> Option<Vec<u8>> {
    let loaded = l.raw_get_str(l.registry(), LOADED);
    if !loaded.is_table() {
        return None;
    }
    let name = find_field(l, loaded.as_table(), f, 2)?;
    Some(
        name.strip_prefix(b"_G.")
            .map_or_else(|| name.clone(), <[u8]>::to_vec),
    )
}

/// Searches string keys for `f`, `levels` tables deep.
fn find_field(l: Lua, t: *mut Table, f: Value, levels: u32) -> Option<Vec<u8>> {
    let mut key = Value::NIL;
    while let Ok(Some((k, v))) = l.raw_next(t, key) {
        key = k;
        if !k.is_string() {
            continue;
        }
        // SAFETY: the tag says it is a string; it is alive in its table.
        let name = unsafe { Str::bytes(k.as_str()) };
        if l.raw_equals(v, f) {
            return Some(name.to_vec());
        }
        if levels > 1
            && v.is_table()
            && let Some(rest) = find_field(l, v.as_table(), f, levels - 1)
        {
            return Some([name, b".", &*rest].concat());
        }
    }
    None
}

/// How tracebacks call the function of a frame (pushfuncname).
pub fn describe(l: Lua, f: &FrameRef, caller: Option<&FrameRef>, info: &FunctionInfo) -> Vec<u8> {
    if let Some(name) = global_name(l, f.func()) {
        return [b"function '", &*name, b"'"].concat();
    }
    if let Some(n) = frame_name(f, caller) {
        return [n.kind.as_bytes(), b" '", n.name, b"'"].concat();
    }
    match info.what {
        "main" => b"main chunk".to_vec(),
        "C" => b"?".to_vec(),
        _ => [
            b"function <",
            &*info.short_src,
            format!(":{}>", info.line_defined).as_bytes(),
        ]
        .concat(),
    }
}

/// Lines on which a breakpoint makes sense (option 'L').
pub fn active_lines(p: &RtProto) -> impl Iterator<Item = u32> + '_ {
    // The prologue of a vararg function is no place to stop at.
    p.src.lines.iter().copied().skip(usize::from(p.is_vararg))
}
