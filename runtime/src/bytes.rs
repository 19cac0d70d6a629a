//! Copies of few bytes without a call: most strings are short, and a call of `memcpy` costs as much as the copy.

/// Copies `len` bytes.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    /// The first and the last bytes as two words, which may overlap.
    macro_rules! ends {
        ($t:ty) => {{
            let first = from.cast::<$t>().read_unaligned();
            let last = from
                .add(len - size_of::<$t>())
                .cast::<$t>()
                .read_unaligned();
            to.cast::<$t>().write_unaligned(first);
            to.add(len - size_of::<$t>())
                .cast::<$t>()
                .write_unaligned(last);
        }};
    }
    // SAFETY: `len` bytes can be read and written; both words are within them.
    unsafe {
        match len {
            8..=16 => ends!(u64),
            17..=32 => ends!([u64; 2]),
            4..8 => ends!(u32),
            2..4 => ends!(u16),
            1 => *to = *from,
            0 => {}
            _ => std::ptr::copy_nonoverlapping(from, to, len),
        }
    }
}

/// [`copy`] as a function: where there is no hurry, its code is large.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[inline(never)]
pub unsafe fn copy_apart(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: by contract.
    unsafe { copy(from, to, len) }
}

/// Writes the same byte `len` times, where that is seldom more than a few.
///
/// # Safety
/// As for `write_bytes`.
#[inline(always)]
pub unsafe fn fill(to: *mut u8, c: u8, len: usize) {
    if len > 0 {
        // SAFETY: by contract.
        unsafe { fill_some(to, c, len) }
    }
}

#[inline(never)]
unsafe fn fill_some(to: *mut u8, c: u8, len: usize) {
    // SAFETY: `len` bytes can be written.
    unsafe {
        if len > 16 {
            return std::ptr::write_bytes(to, c, len);
        }
        for at in 0..len {
            // Without `volatile` the loop would become a call again.
            to.add(at).write_volatile(c);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn copies_and_fills_what_it_is_told_to() {
        let from: Vec<u8> = (1..=80).collect();
        for len in 0..=70 {
            let mut to = [0; 80];
            // SAFETY: both have more bytes.
            unsafe { super::copy_apart(from.as_ptr(), to.as_mut_ptr(), len) };
            assert_eq!(to[..len], from[..len]);
            assert!(to[len..].iter().all(|&c| c == 0));
            // SAFETY: as above.
            unsafe { super::fill(to.as_mut_ptr(), b'x', len) };
            assert!(to[..len].iter().all(|&c| c == b'x'));
            assert!(to[len..].iter().all(|&c| c == 0));
        }
    }
}
