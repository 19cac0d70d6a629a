//! Reading: the formats of `read` and `lines`.
//!
//! Results are pushed one by one; a format that fails pushes something too, which the caller replaces by nil.

use super::result::file_result;
use super::stdio::{self, flockfile, funlockfile, getc_unlocked};
use crate::error::LResult;
use crate::thread::Lua;
use crate::value::Value;
use libc::{EOF, FILE, c_char, c_int};
use std::cell::Cell;

/// Longest numeral that "n" accepts.
const MAX_NUMERAL: usize = 200;
/// Longest line buffer that is kept for the next line.
const KEPT_LINE: usize = 1 << 16;
/// Reads up to this size go through a buffer on the native stack.
const SMALL_READ: usize = 256;
/// Bytes that "a" asks for at first; doubled as the file goes on.
const FIRST_BLOCK: usize = 1024;

/// Reads by the formats at stack indices `first` and up (there are top - 1 of them; none: a line) and returns the number of results pushed.
///
/// # Safety
/// `f` is open.
pub unsafe fn read_formats(l: Lua, f: *mut FILE, first: i32) -> LResult<u32> {
    let nargs = l.top() - 1;
    let mut n = first;
    let mut ok = true;
    // SAFETY: `f` is open throughout: nothing here runs Lua code that could close it.
    unsafe {
        libc::clearerr(f);
        if nargs == 0 {
            ok = read_line(l, f, true)?;
            n += 1;
        } else {
            l.ensure_stack(
                nargs + crate::thread::MIN_STACK as i32,
                "too many arguments",
            )?;
            while n - first < nargs && ok {
                ok = read_one(l, f, n)?;
                n += 1;
            }
        }
        if libc::ferror(f) != 0 {
            return file_result(l, false, None);
        }
    }
    if !ok {
        l.pop(1);
        l.push(Value::NIL);
    }
    Ok((n - first) as u32)
}

/// Reads by the format at index `i`.
unsafe fn read_one(l: Lua, f: *mut FILE, i: i32) -> LResult<bool> {
    unsafe {
        if l.arg(i).is_number() {
            let n = l.check_int(i)? as usize;
            return if n == 0 {
                test_eof(l, f)
            } else {
                read_chars(l, f, n)
            };
        }
        let format = l.check_bytes(i)?;
        // The optional '*' is how older versions wrote formats.
        match format.strip_prefix(b"*").unwrap_or(format).first() {
            Some(b'n') => read_number(l, f),
            Some(b'l') => read_line(l, f, true),
            Some(b'L') => read_line(l, f, false),
            Some(b'a') => read_all(l, f),
            _ => Err(l.arg_error(i, "invalid format")),
        }
    }
}

/// Pushes "" and tells whether there is more to read.
unsafe fn test_eof(l: Lua, f: *mut FILE) -> LResult<bool> {
    unsafe {
        let c = libc::fgetc(f);
        if c != EOF {
            libc::ungetc(c, f);
        }
        l.push_bytes(b"")?;
        Ok(c != EOF)
    }
}

/// A line buffer that `getdelim` owns: address and size.
type LineBuffer = (*mut c_char, usize);

thread_local! {
    /// Kept between calls, since most programs that read lines read many. Nothing runs Lua while it is in use.
    static LINE: Cell<LineBuffer> = const { Cell::new((std::ptr::null_mut(), 0)) };
}

/// Pushes the next line; false at the end of the file.
unsafe fn read_line(l: Lua, f: *mut FILE, chop: bool) -> LResult<bool> {
    unsafe {
        let (mut line, mut cap) = LINE.replace((std::ptr::null_mut(), 0));
        let n = stdio::getdelim(&mut line, &mut cap, c_int::from(b'\n'), f);
        let bytes: &[u8] = if n <= 0 {
            b""
        } else {
            std::slice::from_raw_parts(line.cast::<u8>(), n as usize)
        };
        let text = if chop {
            bytes.strip_suffix(b"\n").unwrap_or(bytes)
        } else {
            bytes
        };
        let pushed = l.push_bytes(text);
        if cap <= KEPT_LINE {
            LINE.set((line, cap));
        } else {
            libc::free(line.cast());
        }
        pushed?;
        Ok(n > 0)
    }
}

/// Pushes the rest of the file; always succeeds.
unsafe fn read_all(l: Lua, f: *mut FILE) -> LResult<bool> {
    let mut buf: Vec<u8> = Vec::new();
    let mut block = FIRST_BLOCK;
    unsafe {
        loop {
            let old = buf.len();
            if !extend_from_file(&mut buf, f, block) {
                return Err(out_of_memory(l));
            }
            if buf.len() - old < block {
                break;
            }
            block = block.saturating_mul(2);
        }
    }
    l.push_bytes(&buf)?;
    Ok(true)
}

/// Pushes up to `n` bytes; false when there are none.
unsafe fn read_chars(l: Lua, f: *mut FILE, n: usize) -> LResult<bool> {
    let mut small = [0u8; SMALL_READ];
    if let Some(buf) = small.get_mut(..n) {
        // SAFETY: `f` is open; the buffer's size is passed.
        let got = unsafe { libc::fread(buf.as_mut_ptr().cast(), 1, n, f) };
        l.push_bytes(&buf[..got])?;
        return Ok(got > 0);
    }
    let mut buf = Vec::new();
    // SAFETY: `f` is open.
    if !unsafe { extend_from_file(&mut buf, f, n) } {
        return Err(out_of_memory(l));
    }
    l.push_bytes(&buf)?;
    Ok(!buf.is_empty())
}

/// Appends up to `n` bytes from the file; false when there is no memory for them.
unsafe fn extend_from_file(buf: &mut Vec<u8>, f: *mut FILE, n: usize) -> bool {
    if buf.try_reserve(n).is_err() {
        return false;
    }
    let old = buf.len();
    // SAFETY: `n` bytes are reserved behind `old`; fread initialises as many as it says.
    unsafe {
        let got = libc::fread(buf.as_mut_ptr().add(old).cast(), 1, n, f);
        buf.set_len(old + got);
    }
    true
}

fn out_of_memory(l: Lua) -> crate::error::Raise {
    crate::raise::memory_error(l)
}

/// A numeral being read, with one character of look-ahead.
struct Numeral {
    f: *mut FILE,
    c: c_int,
    buf: Vec<u8>,
    overflow: bool,
}

impl Numeral {
    /// Takes the current character and reads the next; false when the numeral is too long.
    unsafe fn next(&mut self) -> bool {
        if self.buf.len() >= MAX_NUMERAL {
            self.overflow = true;
            return false;
        }
        self.buf.push(self.c as u8);
        // SAFETY: the stream is open and locked.
        self.c = unsafe { getc_unlocked(self.f) };
        true
    }
    fn is(&self, test: impl Fn(u8) -> bool) -> bool {
        u8::try_from(self.c).is_ok_and(test)
    }
    /// Takes the current character when it is one of `set`.
    unsafe fn accept(&mut self, set: &[u8]) -> bool {
        self.is(|c| set.contains(&c)) && unsafe { self.next() }
    }
    /// Takes digits; returns how many.
    unsafe fn digits(&mut self, hex: bool) -> usize {
        let mut n = 0;
        while self.is(|c| {
            if hex {
                c.is_ascii_hexdigit()
            } else {
                c.is_ascii_digit()
            }
        }) && unsafe { self.next() }
        {
            n += 1;
        }
        n
    }
}

/// Pushes the number that comes next. As much as could start a numeral is consumed, even when it turns out not to be one.
unsafe fn read_number(l: Lua, f: *mut FILE) -> LResult<bool> {
    unsafe {
        let mut rn = Numeral {
            f,
            c: 0,
            buf: Vec::with_capacity(MAX_NUMERAL),
            overflow: false,
        };
        let point = (*libc::localeconv()).decimal_point;
        let point = if point.is_null() { b'.' } else { *point as u8 };
        flockfile(f);
        loop {
            rn.c = getc_unlocked(f);
            if !rn.is(|c| c.is_ascii_whitespace() || c == 0x0b) {
                break;
            }
        }
        rn.accept(b"+-");
        let (mut count, mut hex) = (0, false);
        if rn.accept(b"0") {
            if rn.accept(b"xX") {
                hex = true;
            } else {
                count = 1;
            }
        }
        count += rn.digits(hex);
        if rn.accept(&[point, b'.']) {
            count += rn.digits(hex);
        }
        if count > 0 && rn.accept(if hex { b"pP" } else { b"eE" }) {
            rn.accept(b"+-");
            rn.digits(false);
        }
        if rn.c != EOF {
            libc::ungetc(rn.c, f);
        }
        funlockfile(f);
        let s = if rn.overflow { b"" } else { rn.buf.as_slice() };
        match crate::meta::str_to_number(s) {
            Some(v) => {
                l.push(v);
                Ok(true)
            }
            None => {
                l.push(Value::NIL);
                Ok(false)
            }
        }
    }
}
