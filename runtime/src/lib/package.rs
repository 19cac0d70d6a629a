//! The package library and `require` (manual section 6.3).
//!
//! Searchers are the reference's four: preload, Lua files, C libraries, C libraries of the root. C libraries are searched along `cpath` but
//! cannot be loaded: there is no C API. A compiled executable brings modules along ([`add_bundled`]); the Lua searcher finds those first,
//! so that they behave as the files they were made from: `package.preload` goes before them, and the file name is the loader data.

use super::io::stdio::{self, c_part};
use super::library::{Entry, new_library};
use super::loadfile::load_file;
use crate::error::{LResult, Raise, Status};
use crate::object::{NativeFn, Str, Table};
use crate::thread::Lua;
use crate::value::{Value, tag};
use std::os::unix::ffi::OsStringExt;

/// Registry key of the table of bundled modules: name to loader, loader to file name.
const BUNDLED: &str = "_BUNDLED";
/// Registry key of `package.loaded`.
pub const LOADED: &str = "_LOADED";
/// Registry key of `package.preload`.
const PRELOAD: &str = "_PRELOAD";
/// Registry flag: environment variables are ignored (option -E).
pub const NO_ENV: &str = "LUA_NOENV";

/// Default `package.path`, as Debian's lua5.4 has it.
const DEFAULT_PATH: &[u8] = b"/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;\
/usr/local/lib/lua/5.4/?.lua;/usr/local/lib/lua/5.4/?/init.lua;\
/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;./?.lua;./?/init.lua";
/// Default `package.cpath`.
const DEFAULT_CPATH: &[u8] = b"/usr/local/lib/lua/5.4/?.so;/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;\
/usr/lib/lua/5.4/?.so;/usr/local/lib/lua/5.4/loadall.so;./?.so";
/// Directory separator, path separator, mark, executable's directory, ignore mark.
const CONFIG: &[u8] = b"/\n;\n?\n!\n-\n";
/// Why C libraries are refused (the reference's text for platforms without dynamic loading).
const NO_C_LIBRARIES: &[u8] = b"dynamic libraries not enabled; check your Lua installation";

const FUNCTIONS: &[Entry] = &[
    Entry("loadlib", loadlib, "Would load a C library; always fails."),
    Entry(
        "searchpath",
        package_searchpath,
        "Searches a name along a path.",
    ),
];

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let lib = new_library(l, FUNCTIONS, 6)?;
    let searchers = l.new_table(4, 0)?;
    l.raw_set_str(lib, "searchers", Value::table(searchers))?;
    let list: [NativeFn; 4] = [search_preload, search_lua, search_c, search_c_root];
    for (i, f) in list.into_iter().enumerate() {
        let f = l.new_native(f, &[Value::table(lib)])?;
        l.raw_set_int(searchers, i as i64 + 1, f)?;
    }
    set_path(l, lib, "path", "LUA_PATH", DEFAULT_PATH)?;
    set_path(l, lib, "cpath", "LUA_CPATH", DEFAULT_CPATH)?;
    set_bytes(l, lib, "config", CONFIG)?;
    let loaded = l.subtable(l.registry(), LOADED)?;
    l.raw_set_str(lib, "loaded", Value::table(loaded))?;
    let preload = l.subtable(l.registry(), PRELOAD)?;
    l.raw_set_str(lib, "preload", Value::table(preload))?;
    let require = l.new_native(require, &[Value::table(lib)])?;
    l.raw_set_str(l.globals(), "require", require)?;
    l.pop(1);
    Ok(lib)
}

/// Registers a module that the executable brings along, made from `file`. `loader` is its main function, or a native function that returns
/// it when called without arguments (so that a module is loaded when it is first required). `require` calls the main function itself, so
/// tracebacks look as they do for a file.
pub fn add_bundled(l: Lua, name: &str, file: &str, loader: Value) -> LResult<()> {
    let t = l.subtable(l.registry(), BUNDLED)?;
    let file = l.new_str(file.as_bytes())?;
    l.raw_set_str(t, name, loader)?;
    // SAFETY: made above.
    l.raw_set(t, loader, unsafe { Value::str(file) })
}

fn set_bytes(l: Lua, t: *mut Table, field: &str, b: &[u8]) -> LResult<()> {
    let s = l.new_str(b)?;
    // SAFETY: made now.
    l.raw_set_str(t, field, unsafe { Value::str(s) })
}

/// Sets `package.path` or `cpath` from the environment; ";;" there stands for the default.
fn set_path(l: Lua, lib: *mut Table, field: &str, variable: &str, default: &[u8]) -> LResult<()> {
    let from_env = if l.raw_get_str(l.registry(), NO_ENV).truthy() {
        None
    } else {
        std::env::var_os(format!("{variable}_5_4")).or_else(|| std::env::var_os(variable))
    };
    let Some(path) = from_env.map(OsStringExt::into_vec) else {
        return set_bytes(l, lib, field, default);
    };
    let Some(mark) = path.windows(2).position(|w| w == b";;") else {
        return set_bytes(l, lib, field, &path);
    };
    let (before, after) = (&path[..mark], &path[mark + 2..]);
    let mut full = before.to_vec();
    if !before.is_empty() {
        full.push(b';');
    }
    full.extend_from_slice(default);
    if !after.is_empty() {
        full.push(b';');
        full.extend_from_slice(after);
    }
    set_bytes(l, lib, field, &full)
}

/// `s` with every `from` replaced by `to`.
fn replace(s: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        if !from.is_empty() && s[i..].starts_with(from) {
            out.extend_from_slice(to);
            i += from.len();
        } else {
            out.push(s[i]);
            i += 1;
        }
    }
    out
}

/// The first readable file that `name` has along `path`, or the message that lists what was tried.
fn search_path(name: &[u8], path: &[u8], sep: &[u8], dir_sep: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let name = replace(c_part(name), c_part(sep), c_part(dir_sep));
    let files = replace(c_part(path), b"?", &name);
    if !files.is_empty() {
        for file in files.split(|&c| c == b';') {
            let f = stdio::open(file, b"r");
            if !f.is_null() {
                // SAFETY: opened above.
                unsafe { libc::fclose(f) };
                return Ok(file.to_vec());
            }
        }
    }
    Err([
        b"no file '",
        &*replace(&files, b";", b"'\n\tno file '"),
        b"'",
    ]
    .concat())
}

fn package_searchpath(l: Lua) -> LResult<u32> {
    // The reference looks at the last argument first.
    let dir_sep = l.opt_bytes(4)?.unwrap_or(b"/");
    let sep = l.opt_bytes(3)?.unwrap_or(b".");
    let path = l.check_bytes(2)?;
    let name = l.check_bytes(1)?;
    match search_path(name, path, sep, dir_sep) {
        Ok(file) => {
            l.push_bytes(&file)?;
            Ok(1)
        }
        Err(msg) => {
            l.push(Value::NIL);
            l.push_bytes(&msg)?;
            Ok(2)
        }
    }
}

fn loadlib(l: Lua) -> LResult<u32> {
    let file = l.check_bytes(1)?;
    l.check_bytes(2)?;
    l.push(Value::NIL);
    // What is not there is reported as the dynamic loader would.
    let f = stdio::open(file, b"r");
    if f.is_null() {
        let why = stdio::error_text(stdio::errno());
        l.push_bytes(&[c_part(file), b": cannot open shared object file: ", &*why].concat())?;
        l.push_str("open")?;
    } else {
        // SAFETY: opened above.
        unsafe { libc::fclose(f) };
        l.push_bytes(NO_C_LIBRARIES)?;
        l.push_str("absent")?;
    }
    Ok(3)
}

// ---- searchers: argument 1 is the module's name, upvalue 1 the package table

fn search_preload(l: Lua) -> LResult<u32> {
    let name = c_part(l.check_bytes(1)?);
    let key = l.new_str(name)?;
    let preload = l.raw_get_str(l.registry(), PRELOAD);
    // SAFETY: made above.
    let v = l.get_table(preload, unsafe { Value::str(key) })?;
    if v.is_nil() {
        l.push_bytes(&[b"no field package.preload['", name, b"']"].concat())?;
        return Ok(1);
    }
    l.push(v);
    l.push_str(":preload:")?;
    Ok(2)
}

/// Searches along `package[field]`.
fn find_file(l: Lua, name: &[u8], field: &str) -> LResult<Result<Vec<u8>, Vec<u8>>> {
    let path = l.get_field(l.upvalue(1), field)?;
    // A number is a string to the reference; keep the converted one alive on the stack.
    l.push(path);
    let top = l.top();
    if !path.is_string() && !path.is_number() {
        return Err(l.error(&format!("'package.{field}' must be a string")));
    }
    let path = l.check_bytes(top)?;
    let found = search_path(name, path, b".", b"/");
    l.pop(1);
    Ok(found)
}

fn load_failure(l: Lua, file: &[u8], why: &[u8]) -> Raise {
    let v = l.arg(1);
    // SAFETY: the searchers checked that argument 1 is a string.
    let name = if v.is_string() {
        unsafe { Str::bytes(v.as_str()) }
    } else {
        b"?"
    };
    l.error_bytes(
        &[
            b"error loading module '",
            c_part(name),
            b"' from file '",
            file,
            b"':\n\t",
            why,
        ]
        .concat(),
    )
}

fn search_lua(l: Lua) -> LResult<u32> {
    let name = c_part(l.check_bytes(1)?);
    if push_bundled(l, name)? {
        return Ok(2);
    }
    let file = match find_file(l, name, "path")? {
        Ok(f) => f,
        Err(msg) => {
            l.push_bytes(&msg)?;
            return Ok(1);
        }
    };
    if load_file(l, Some(&file), "bt")? != Status::Ok {
        let v = l.arg(-1);
        // SAFETY: messages of `load` are strings; anything else is not looked at.
        let why = if v.is_string() {
            unsafe { Str::bytes(v.as_str()) }
        } else {
            b"?"
        };
        return Err(load_failure(l, &file, why));
    }
    l.push_bytes(&file)?;
    Ok(2)
}

/// Pushes a bundled module's main function and the name of the file it was made from.
fn push_bundled(l: Lua, name: &[u8]) -> LResult<bool> {
    let t = l.raw_get_str(l.registry(), BUNDLED);
    if !t.is_table() {
        return Ok(false);
    }
    let key = l.new_str(name)?;
    // SAFETY: made above.
    let loader = l.raw_get(t.as_table(), unsafe { Value::str(key) });
    if loader.is_nil() {
        return Ok(false);
    }
    l.push(loader);
    if loader.t == tag::NATIVE_FN {
        l.call_no_yield(0, 1)?;
    }
    l.push(l.raw_get(t.as_table(), loader));
    Ok(true)
}

fn search_c(l: Lua) -> LResult<u32> {
    let name = l.check_bytes(1)?;
    c_library(l, name)
}

fn search_c_root(l: Lua) -> LResult<u32> {
    let name = c_part(l.check_bytes(1)?);
    match name.iter().position(|&c| c == b'.') {
        None => Ok(0),
        Some(dot) => c_library(l, &name[..dot]),
    }
}

fn c_library(l: Lua, name: &[u8]) -> LResult<u32> {
    match find_file(l, name, "cpath")? {
        Ok(file) => Err(load_failure(l, &file, NO_C_LIBRARIES)),
        Err(msg) => {
            l.push_bytes(&msg)?;
            Ok(1)
        }
    }
}

// ---- require

fn require(l: Lua) -> LResult<u32> {
    let name = c_part(l.check_bytes(1)?);
    l.set_top(1);
    let loaded = l.raw_get_str(l.registry(), LOADED);
    l.push(loaded);
    let key = l.new_str(name)?;
    // SAFETY: made above, and on the stack from here on.
    let key = unsafe { Value::str(key) };
    l.push(key);
    let v = l.get_table(loaded, key)?;
    if v.truthy() {
        l.push(v);
        return Ok(1);
    }
    find_loader(l, key)?;
    // Stack: name, loaded, key, loader, loader data.
    let data = l.arg(5);
    let loader = l.arg(4);
    l.push(loader);
    l.push(l.arg(1));
    l.push(data);
    l.call_no_yield(2, 1)?;
    let result = l.pop_value();
    if !result.is_nil() {
        l.set_table(loaded, key, result)?;
    }
    let mut v = l.get_table(loaded, key)?;
    if v.is_nil() {
        v = Value::TRUE;
        l.set_table(loaded, key, v)?;
    }
    l.push(v);
    l.push(l.arg(5));
    Ok(2)
}

/// Asks the searchers in turn; pushes the loader and its data.
fn find_loader(l: Lua, key: Value) -> LResult<()> {
    // SAFETY: `key` is a string on the caller's stack.
    let name = unsafe { Str::bytes(key.as_str()) };
    let searchers = l.get_field(l.upvalue(1), "searchers")?;
    if !searchers.is_table() {
        return Err(l.error("'package.searchers' must be a table"));
    }
    l.push(searchers);
    let mut msg: Vec<u8> = Vec::new();
    for i in 1.. {
        let searcher = l.raw_get_int(searchers.as_table(), i);
        if searcher.is_nil() {
            return Err(l.error_bytes(&[b"module '", name, b"' not found:", &*msg].concat()));
        }
        l.push(searcher);
        l.push(key);
        l.call_no_yield(1, 2)?;
        let first = l.arg(-2);
        if first.is_function() {
            // Leave loader and data where the list of searchers was.
            let data = l.pop_value();
            l.pop(2);
            l.push(first);
            l.push(data);
            return Ok(());
        }
        if first.is_string() || first.is_number() {
            l.pop(1);
            let top = l.top();
            msg.extend_from_slice(b"\n\t");
            msg.extend_from_slice(l.check_bytes(top)?);
            l.pop(1);
        } else {
            l.pop(2);
        }
    }
    Ok(())
}
