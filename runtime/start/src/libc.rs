//! Small stand-ins for parts of the static C library that an executable would carry and never use.
//!
//! The symbols are ours, so nothing changes by itself: `trinityc --static` tells the linker that the C library's names mean these. The shared C library of
//! `--dynamic` is as it is.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// `__isoc99_sscanf`, as far as the C library's own reader of `TZ` goes: text, white space, `%hu` and `%n`. The general one, 120 KB with what it needs, reads
/// numbers of four float formats and wide characters. Any other directive ends the matching.
///
/// # Safety
/// C strings, and a pointer for every directive: to a short for `%hu`, to an int for `%n`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_sscanf(
    text: *const c_char,
    form: *const c_char,
    // Variadic arguments and named ones are passed alike.
    a: *mut c_void,
    b: *mut c_void,
    c: *mut c_void,
    d: *mut c_void,
    e: *mut c_void,
    f: *mut c_void,
) -> c_int {
    // SAFETY: by contract; the terminating zeros are not stepped over.
    unsafe {
        let (start, mut text, mut form) = (text.cast::<u8>(), text.cast::<u8>(), form.cast::<u8>());
        let mut targets = [a, b, c, d, e, f].into_iter();
        let mut assigned = 0;
        loop {
            let failed = match *form {
                0 => return assigned,
                b'%' if *form.add(1) == b'n' => {
                    let Some(to) = targets.next() else {
                        return assigned;
                    };
                    *to.cast::<c_int>() = text.offset_from(start) as c_int;
                    form = form.add(2);
                    false
                }
                b'%' if *form.add(1) == b'h' && *form.add(2) == b'u' => {
                    let Some(to) = targets.next() else {
                        return assigned;
                    };
                    let n = unsigned(&mut text);
                    if let Some(n) = n {
                        *to.cast::<u16>() = n as u16;
                        assigned += 1;
                        form = form.add(3);
                    }
                    n.is_none()
                }
                b'%' => return assigned,
                w if is_space(w) => {
                    skip_space(&mut text);
                    form = form.add(1);
                    false
                }
                literal => {
                    let same = *text == literal;
                    text = text.add(usize::from(same));
                    form = form.add(1);
                    !same
                }
            };
            if failed {
                // The end of the input before the first conversion.
                return if assigned == 0 && *text == 0 {
                    -1
                } else {
                    assigned
                };
            }
        }
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | 9..=13)
}

/// # Safety
/// A C string.
unsafe fn skip_space(text: &mut *const u8) {
    // SAFETY: by contract.
    unsafe {
        while is_space(**text) {
            *text = text.add(1);
        }
    }
}

/// What `strtoul` reads: white space, a sign, decimal digits. `None`: no digit.
///
/// # Safety
/// A C string.
unsafe fn unsigned(text: &mut *const u8) -> Option<u64> {
    // SAFETY: by contract.
    unsafe {
        skip_space(text);
        let negative = **text == b'-';
        if matches!(**text, b'-' | b'+') {
            *text = text.add(1);
        }
        let mut n = None;
        while (**text).is_ascii_digit() {
            let digit = u64::from(**text - b'0');
            n = Some(n.unwrap_or(0u64).saturating_mul(10).saturating_add(digit));
            *text = text.add(1);
        }
        n.map(|n| if negative { n.wrapping_neg() } else { n })
    }
}

/// `__assert_fail`: says which assertion of the C library failed and aborts. The general one prints to wide streams, too, and in the user's language.
///
/// # Safety
/// C strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_assert_fail(
    assertion: *const c_char,
    file: *const c_char,
    line: c_uint,
    function: *const c_char,
) -> ! {
    let say = |s: &[u8]| {
        // SAFETY: bytes of a slice. When nothing can be written there is nobody to tell.
        unsafe { libc::write(2, s.as_ptr().cast(), s.len()) };
    };
    let text = |s: *const c_char| {
        if s.is_null() {
            return &b"?"[..];
        }
        // SAFETY: by contract.
        unsafe { std::ffi::CStr::from_ptr(s) }.to_bytes()
    };
    let mut digits = [0u8; 10];
    let mut rest = line;
    for d in digits.iter_mut().rev() {
        *d = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    for part in [
        text(file),
        b":",
        &digits,
        b": ",
        text(function),
        b": Assertion `",
        text(assertion),
        b"' failed.\n",
    ] {
        say(part);
    }
    std::process::abort()
}

/// `__libc_dlopen_mode`: no library is loaded into a static executable. The C library would load converters between character sets, which only translated error
/// messages in a locale of another encoding than UTF-8 ask for, and which work only beside the very same version of the C library.
#[unsafe(no_mangle)]
extern "C" fn trinity_dlopen(_name: *const c_char, _mode: c_int) -> *mut c_void {
    std::ptr::null_mut()
}

/// `_dl_init_paths`, which reads where to search libraries, and `_dl_mcount_wrapper_check`, which counts calls between them for
/// profiles, and the stubs that bind their functions.
#[unsafe(no_mangle)]
extern "C" fn trinity_nothing() {}

/// `__libc_dlsym`: nothing was loaded.
#[unsafe(no_mangle)]
extern "C" fn trinity_dlsym(_library: *mut c_void, _name: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}

/// `__libc_dlvsym`: nothing was loaded.
#[unsafe(no_mangle)]
extern "C" fn trinity_dlvsym(
    _library: *mut c_void,
    _name: *const c_char,
    _version: *const c_char,
) -> *mut c_void {
    std::ptr::null_mut()
}

/// `__libc_dlclose`: nothing was loaded.
#[unsafe(no_mangle)]
extern "C" fn trinity_dlclose(_library: *mut c_void) -> c_int {
    0
}
