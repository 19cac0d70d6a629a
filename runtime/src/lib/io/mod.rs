//! The io library (manual section 6.8) on C stdio streams.
//!
//! A file is a userdata holding a `Stream`. `close` is `None` when the stream is closed; it is set only after the stream was opened, so a
//! half-made file is never closed. The two default files are in the registry under `INPUT` and `OUTPUT`, where the reference keeps
//! them too.

mod read;
pub mod result;
pub mod stdio;

use self::result::{exec_result, file_result};
use self::stdio::{c_part, set_errno};
use super::library::{Entry, add_entries, new_library};
use crate::error::LResult;
use crate::object::{NativeFn, Table, Userdata};
use crate::thread::Lua;
use crate::value::{Value, tag};
use libc::FILE;

/// Metatable name of files.
const FILE_HANDLE: &str = "FILE*";
/// Registry keys of the default files; the name in messages follows the prefix.
const PREFIX: &str = "_IO_";
const INPUT: &str = "_IO_input";
const OUTPUT: &str = "_IO_output";
/// Arguments that an iterator made by `lines` can hold as upvalues.
const MAX_LINES_ARGS: i32 = 250;

/// What a file userdata holds.
#[repr(C)]
struct Stream {
    /// Null when opening failed.
    f: *mut FILE,
    /// Closes the stream of argument 1; `None`: closed.
    close: Option<NativeFn>,
}

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let lib = new_library(l, FUNCTIONS, 3)?;
    let (mt, _) = l.new_metatable(FILE_HANDLE)?;
    add_entries(l, mt, METAMETHODS, &[])?;
    let methods = l.new_table(0, METHODS.len())?;
    l.raw_set_str(mt, "__index", Value::table(methods))?;
    add_entries(l, methods, METHODS, &[])?;
    // SAFETY: the standard streams exist for the life of the process.
    unsafe {
        standard_file(l, lib, stdio::stdin, Some(INPUT), "stdin")?;
        standard_file(l, lib, stdio::stdout, Some(OUTPUT), "stdout")?;
        standard_file(l, lib, stdio::stderr, None, "stderr")?;
    }
    l.pop(1);
    Ok(lib)
}

const FUNCTIONS: &[Entry] = &[
    Entry("close", io_close, "Closes the default output, or a file."),
    Entry("flush", io_flush, "Writes what is buffered."),
    Entry("input", io_input, "The default input; sets it first."),
    Entry("lines", io_lines, "Iterates over what the formats read."),
    Entry("open", io_open, "Opens a file."),
    Entry("output", io_output, "The default output; sets it first."),
    Entry(
        "popen",
        io_popen,
        "Starts a program and opens a pipe to it.",
    ),
    Entry("read", io_read, "Reads by formats."),
    Entry("tmpfile", io_tmpfile, "Opens a temporary file."),
    Entry("type", io_type, "\"file\", \"closed file\" or nil."),
    Entry("write", io_write, "Writes strings and numbers."),
];

const METHODS: &[Entry] = &[
    Entry("close", f_close, "Closes the default output, or a file."),
    Entry("flush", f_flush, "Writes what is buffered."),
    Entry("lines", f_lines, "Iterates over what the formats read."),
    Entry("read", f_read, "Reads by formats."),
    Entry("seek", f_seek, "Moves and tells the position."),
    Entry("setvbuf", f_setvbuf, "Sets the buffering mode."),
    Entry("write", f_write, "Writes strings and numbers."),
];

const METAMETHODS: &[Entry] = &[
    Entry("__gc", f_gc, "Closes the file."),
    Entry("__close", f_gc, "Closes the file."),
    Entry(
        "__tostring",
        f_tostring,
        "\"file (0x...)\" or \"file (closed)\".",
    ),
];

fn standard_file(
    l: Lua,
    lib: *mut Table,
    f: *mut FILE,
    registry_key: Option<&str>,
    name: &str,
) -> LResult<()> {
    let (v, s) = new_stream(l)?;
    // SAFETY: the stream was made now.
    unsafe {
        (*s).f = f;
        (*s).close = Some(close_standard);
    }
    if let Some(k) = registry_key {
        l.raw_set_str(l.registry(), k, v)?;
    }
    l.raw_set_str(lib, name, v)?;
    l.pop(1);
    Ok(())
}

// ---- files as values

/// Pushes a closed file.
fn new_stream(l: Lua) -> LResult<(Value, *mut Stream)> {
    let u = l.new_userdata(size_of::<Stream>(), 0)?;
    // SAFETY: the userdata has room for a `Stream` and its data is aligned for pointers.
    let (v, s) = unsafe { (Value::obj(u.cast()), (*u).data.cast::<Stream>()) };
    unsafe {
        s.write(Stream {
            f: std::ptr::null_mut(),
            close: None,
        })
    };
    l.push(v);
    let (mt, _) = l.new_metatable(FILE_HANDLE)?;
    l.set_metatable(v, mt)?;
    Ok((v, s))
}

unsafe fn stream_of(u: *mut Userdata) -> *mut Stream {
    unsafe { (*u).data.cast() }
}

/// Argument 1 as a file, open or closed.
fn check_stream(l: Lua) -> LResult<*mut Stream> {
    // SAFETY: userdata with this metatable hold a `Stream`.
    Ok(unsafe { stream_of(l.check_udata(1, FILE_HANDLE)?) })
}

/// Argument 1 as an open file.
fn check_open(l: Lua) -> LResult<*mut FILE> {
    let s = check_stream(l)?;
    // SAFETY: checked.
    unsafe {
        if (*s).close.is_none() {
            return Err(l.error("attempt to use a closed file"));
        }
        Ok((*s).f)
    }
}

/// A default file, pushed.
fn default_file(l: Lua, key: &str) -> LResult<*mut FILE> {
    let v = l.raw_get_str(l.registry(), key);
    l.push(v);
    if v.t == tag::USERDATA {
        // SAFETY: only files are stored under these keys by this library; the size is checked against anything else.
        unsafe {
            let u = v.as_userdata();
            if (*u).len >= size_of::<Stream>() && (*stream_of(u)).close.is_some() {
                return Ok((*stream_of(u)).f);
            }
        }
    }
    Err(l.error(&format!("default {} file is closed", &key[PREFIX.len()..])))
}

// ---- closing

/// Closes the file that is argument 1.
fn close_stream(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    // SAFETY: checked.
    match unsafe { (*s).close.take() } {
        Some(close) => close(l),
        None => Ok(0),
    }
}

fn close_regular(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    // SAFETY: this function is set as `close` only with an open stream.
    let ok = unsafe { libc::fclose((*s).f) } == 0;
    file_result(l, ok, None)
}

fn close_process(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    set_errno(0);
    // SAFETY: as in `close_regular`, with a stream from popen.
    let stat = unsafe { libc::pclose((*s).f) };
    exec_result(l, stat)
}

fn close_standard(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    // SAFETY: checked.
    unsafe { (*s).close = Some(close_standard) };
    l.push(Value::NIL);
    l.push_str("cannot close standard file")?;
    Ok(2)
}

fn f_close(l: Lua) -> LResult<u32> {
    check_open(l)?;
    close_stream(l)
}

fn io_close(l: Lua) -> LResult<u32> {
    if l.is_none(1) {
        let v = l.raw_get_str(l.registry(), OUTPUT);
        l.push(v);
    }
    f_close(l)
}

fn f_gc(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    // SAFETY: checked.
    unsafe {
        if (*s).close.is_some() && !(*s).f.is_null() {
            close_stream(l)?;
        }
    }
    Ok(0)
}

fn f_tostring(l: Lua) -> LResult<u32> {
    let s = check_stream(l)?;
    // SAFETY: checked.
    unsafe {
        if (*s).close.is_none() {
            l.push_str("file (closed)")?;
        } else {
            l.push_str(&format!("file ({:p})", (*s).f))?;
        }
    }
    Ok(1)
}

fn io_type(l: Lua) -> LResult<u32> {
    l.check_any(1)?;
    match l.test_udata(1, FILE_HANDLE) {
        None => l.push(Value::NIL),
        // SAFETY: userdata with this metatable hold a `Stream`.
        Some(u) if unsafe { (*stream_of(u)).close.is_none() } => l.push_str("closed file")?,
        Some(_) => l.push_str("file")?,
    }
    Ok(1)
}

// ---- opening

/// Opens a file into a new stream, pushed; false with `errno` on failure.
fn open_into(l: Lua, name: &[u8], mode: &[u8]) -> LResult<bool> {
    let (_, s) = new_stream(l)?;
    let f = stdio::open(name, mode);
    // SAFETY: the stream was made now and is on the stack.
    unsafe {
        (*s).f = f;
        (*s).close = Some(close_regular);
    }
    Ok(!f.is_null())
}

/// The same for files that must open.
fn open_or_raise(l: Lua, name: &[u8], mode: &[u8]) -> LResult<()> {
    if open_into(l, name, mode)? {
        return Ok(());
    }
    let mut msg = b"cannot open file '".to_vec();
    let e = stdio::errno();
    msg.extend_from_slice(c_part(name));
    msg.extend_from_slice(b"' (");
    msg.extend_from_slice(&stdio::error_text(e));
    msg.push(b')');
    Err(l.error_bytes(&msg))
}

/// `[rwa]%+?b*`
fn valid_mode(mode: &[u8]) -> bool {
    let Some((b'r' | b'w' | b'a', rest)) = mode.split_first() else {
        return false;
    };
    let rest = rest.strip_prefix(b"+").unwrap_or(rest);
    rest.iter().all(|&c| c == b'b')
}

fn io_open(l: Lua) -> LResult<u32> {
    let name = l.check_bytes(1)?;
    let mode = c_part(l.opt_bytes(2)?.unwrap_or(b"r"));
    if !valid_mode(mode) {
        return Err(l.arg_error(2, "invalid mode"));
    }
    if open_into(l, name, mode)? {
        Ok(1)
    } else {
        file_result(l, false, Some(name))
    }
}

fn io_popen(l: Lua) -> LResult<u32> {
    let name = l.check_bytes(1)?;
    let mode = c_part(l.opt_bytes(2)?.unwrap_or(b"r"));
    if mode != b"r" && mode != b"w" {
        return Err(l.arg_error(2, "invalid mode"));
    }
    let (_, s) = new_stream(l)?;
    let (command, how) = (stdio::c_string(name), stdio::c_string(mode));
    // SAFETY: both are terminated; the stream was made now.
    unsafe {
        libc::fflush(std::ptr::null_mut());
        (*s).f = libc::popen(command.as_ptr().cast(), how.as_ptr().cast());
        (*s).close = Some(close_process);
        if (*s).f.is_null() {
            file_result(l, false, Some(name))
        } else {
            Ok(1)
        }
    }
}

fn io_tmpfile(l: Lua) -> LResult<u32> {
    let (_, s) = new_stream(l)?;
    // SAFETY: the stream was made now.
    unsafe {
        (*s).f = libc::tmpfile();
        (*s).close = Some(close_regular);
        if (*s).f.is_null() {
            file_result(l, false, None)
        } else {
            Ok(1)
        }
    }
}

/// io.input and io.output.
fn default_or_set(l: Lua, key: &str, mode: &[u8]) -> LResult<u32> {
    if !l.is_none_or_nil(1) {
        let v = l.arg(1);
        if v.is_string() || v.is_number() {
            let name = l.check_bytes(1)?;
            open_or_raise(l, name, mode)?;
        } else {
            check_open(l)?;
            l.push(v);
        }
        l.raw_set_str(l.registry(), key, l.arg(-1))?;
    }
    l.push(l.raw_get_str(l.registry(), key));
    Ok(1)
}

fn io_input(l: Lua) -> LResult<u32> {
    default_or_set(l, INPUT, b"r")
}

fn io_output(l: Lua) -> LResult<u32> {
    default_or_set(l, OUTPUT, b"w")
}

// ---- reading

fn io_read(l: Lua) -> LResult<u32> {
    let f = default_file(l, INPUT)?;
    // The pushed file is counted by `read_formats` instead of an explicit first argument.
    // SAFETY: checked open.
    unsafe { read::read_formats(l, f, 1) }
}

fn f_read(l: Lua) -> LResult<u32> {
    let f = check_open(l)?;
    // SAFETY: checked open.
    unsafe { read::read_formats(l, f, 2) }
}

/// Makes the iterator over argument 1 with the formats behind it. Upvalues: file, number of formats, whether to close at the end, formats.
fn push_lines(l: Lua, to_close: bool) -> LResult<()> {
    let n = l.top() - 1;
    if n > MAX_LINES_ARGS {
        return Err(l.arg_error(MAX_LINES_ARGS + 2, "too many arguments"));
    }
    let mut up = vec![l.arg(1), Value::int(i64::from(n)), Value::bool(to_close)];
    up.extend((0..n).map(|i| l.arg(2 + i)));
    let f = l.new_native(next_line, &up)?;
    l.push(f);
    Ok(())
}

fn f_lines(l: Lua) -> LResult<u32> {
    check_open(l)?;
    push_lines(l, false)?;
    Ok(1)
}

fn io_lines(l: Lua) -> LResult<u32> {
    if l.is_none(1) {
        l.push(Value::NIL);
    }
    if l.arg(1).is_nil() {
        l.set_arg(1, l.raw_get_str(l.registry(), INPUT));
        check_open(l)?;
        push_lines(l, false)?;
        return Ok(1);
    }
    let name = l.check_bytes(1)?;
    open_or_raise(l, name, b"r")?;
    let file = l.pop_value();
    l.set_arg(1, file);
    push_lines(l, true)?;
    l.push(Value::NIL);
    l.push(Value::NIL);
    l.push(file);
    Ok(4)
}

/// The iterator made by `lines`.
fn next_line(l: Lua) -> LResult<u32> {
    let file = l.upvalue(1);
    let n = l.upvalue(2).as_int() as i32;
    // SAFETY: upvalue 1 is a file (debug.setupvalue could replace it, so it is checked).
    let s = unsafe {
        if file.t != tag::USERDATA || (*file.as_userdata()).len < size_of::<Stream>() {
            return Err(l.error("file is already closed"));
        }
        stream_of(file.as_userdata())
    };
    // SAFETY: the file is an upvalue of the running function.
    unsafe {
        if (*s).close.is_none() {
            return Err(l.error("file is already closed"));
        }
        l.set_top(1);
        l.ensure_stack(n, "too many arguments")?;
        for i in 0..n {
            l.push(l.upvalue(4 + i as usize));
        }
        let got = read::read_formats(l, (*s).f, 2)? as i32;
        if l.arg(-got).truthy() {
            return Ok(got as u32);
        }
        if got > 1 {
            let msg = l.arg(1 - got);
            let text = if msg.is_string() {
                crate::object::Str::bytes(msg.as_str())
            } else {
                b""
            };
            return Err(l.error_bytes(text));
        }
    }
    if l.upvalue(3).truthy() {
        l.set_top(0);
        l.push(file);
        close_stream(l)?;
    }
    Ok(0)
}

// ---- writing and the rest

/// Writes the arguments from `first` up; the file is on top of the stack and is the result.
unsafe fn write_args(l: Lua, f: *mut FILE, first: i32) -> LResult<u32> {
    let last = l.top() - 1;
    let mut ok = true;
    for i in first..=last {
        let v = l.arg(i);
        // SAFETY: `f` is open: nothing here runs Lua code that could close it.
        ok &= unsafe {
            match v.t {
                tag::INT => stdio::write(f, crate::numfmt::format_int(v.as_int()).as_bytes()),
                // "%.14g": unlike `tostring`, no ".0" behind an integral float.
                tag::FLOAT => stdio::write(f, crate::numfmt::float_g(v.as_float(), 14).as_bytes()),
                _ => {
                    let s = l.check_bytes(i)?;
                    stdio::write(f, s)
                }
            }
        };
    }
    if ok {
        Ok(1)
    } else {
        file_result(l, false, None)
    }
}

fn io_write(l: Lua) -> LResult<u32> {
    let f = default_file(l, OUTPUT)?;
    // SAFETY: checked open.
    unsafe { write_args(l, f, 1) }
}

fn f_write(l: Lua) -> LResult<u32> {
    let f = check_open(l)?;
    l.push(l.arg(1));
    // SAFETY: checked open.
    unsafe { write_args(l, f, 2) }
}

fn f_seek(l: Lua) -> LResult<u32> {
    let f = check_open(l)?;
    let op = l.check_option(2, Some("cur"), &["set", "cur", "end"])?;
    let offset = l.opt_int(3, 0)?;
    let whence = [libc::SEEK_SET, libc::SEEK_CUR, libc::SEEK_END][op];
    // SAFETY: checked open.
    unsafe {
        if libc::fseeko(f, offset, whence) != 0 {
            return file_result(l, false, None);
        }
        l.push(Value::int(libc::ftello(f)));
    }
    Ok(1)
}

fn f_setvbuf(l: Lua) -> LResult<u32> {
    let f = check_open(l)?;
    let op = l.check_option(2, None, &["no", "full", "line"])?;
    let size = l.opt_int(3, 1024)?;
    let mode = [libc::_IONBF, libc::_IOFBF, libc::_IOLBF][op];
    // SAFETY: checked open; the C library allocates the buffer.
    let ok = unsafe { libc::setvbuf(f, std::ptr::null_mut(), mode, size as usize) } == 0;
    file_result(l, ok, None)
}

fn io_flush(l: Lua) -> LResult<u32> {
    let f = default_file(l, OUTPUT)?;
    // SAFETY: checked open.
    let ok = unsafe { libc::fflush(f) } == 0;
    file_result(l, ok, None)
}

fn f_flush(l: Lua) -> LResult<u32> {
    let f = check_open(l)?;
    // SAFETY: checked open.
    let ok = unsafe { libc::fflush(f) } == 0;
    file_result(l, ok, None)
}
