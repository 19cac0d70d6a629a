//! C stdio as the io library and `print` use it: the reference's buffering, and sharing with C code, come from the real thing.

use libc::{FILE, c_char, c_int};
use std::ffi::CStr;

unsafe extern "C" {
    /// The C library's standard streams.
    pub static stdin: *mut FILE;
    pub static stdout: *mut FILE;
    pub static stderr: *mut FILE;
    pub fn flockfile(f: *mut FILE);
    pub fn funlockfile(f: *mut FILE);
    pub fn getc_unlocked(f: *mut FILE) -> c_int;
    pub fn getdelim(
        line: *mut *mut c_char,
        cap: *mut libc::size_t,
        delim: c_int,
        f: *mut FILE,
    ) -> libc::ssize_t;
}

/// The thread's `errno`.
pub fn errno() -> i32 {
    // SAFETY: the location is always valid.
    unsafe { *libc::__errno_location() }
}

/// Sets `errno`, so that a stale value is not taken for a new one.
pub fn set_errno(e: i32) {
    // SAFETY: the location is always valid.
    unsafe { *libc::__errno_location() = e }
}

/// strerror's text.
pub fn error_text(e: i32) -> Vec<u8> {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer's size is passed; the XSI variant (which the libc crate binds) terminates its text.
    unsafe {
        if libc::strerror_r(e, buf.as_mut_ptr().cast(), buf.len()) != 0 {
            return format!("Unknown error {e}").into_bytes();
        }
        CStr::from_ptr(buf.as_ptr().cast()).to_bytes().to_vec()
    }
}

pub use crate::string::c_part;

/// A NUL-terminated copy of the part of `s` that C sees.
pub fn c_string(s: &[u8]) -> Vec<u8> {
    let mut v = c_part(s).to_vec();
    v.push(0);
    v
}

/// fopen. Null on failure, with `errno`.
pub fn open(name: &[u8], mode: &[u8]) -> *mut FILE {
    let (name, mode) = (c_string(name), c_string(mode));
    // SAFETY: both are terminated.
    unsafe { libc::fopen(name.as_ptr().cast(), mode.as_ptr().cast()) }
}

/// fwrite; true when everything was taken.
///
/// # Safety
/// `f` is an open stream.
pub unsafe fn write(f: *mut FILE, s: &[u8]) -> bool {
    unsafe { libc::fwrite(s.as_ptr().cast(), 1, s.len(), f) == s.len() }
}

/// Writes to the C library's standard output, without flushing.
pub fn write_stdout(s: &[u8]) {
    // SAFETY: stdout is open for the life of the process (closing it from Lua is refused).
    unsafe {
        write(stdout, s);
    }
}

/// Flushes the C library's standard output.
pub fn flush_stdout() {
    // SAFETY: as in `write_stdout`.
    unsafe {
        libc::fflush(stdout);
    }
}

/// Writes to the C library's standard error and flushes it (lua_writestringerror).
pub fn write_stderr(s: &[u8]) {
    // SAFETY: as in `write_stdout`.
    unsafe {
        write(stderr, s);
        libc::fflush(stderr);
    }
}
