//! Concatenation of strings and numbers: the pieces are gathered first, so that the result is allocated once and written once.

use crate::bytes;
use crate::heap::AllocError;
use crate::numfmt;
use crate::object::Str;
use crate::state::Global;
use crate::string;
use crate::value::Value;
use std::mem::MaybeUninit;
use trinity_abi::string::MAX_SHORT;

/// Pieces that are gathered at most.
pub const MAX_PIECES: usize = 8;

/// A piece: its bytes, wherever they are.
type Piece = (*const u8, usize);

/// Texts of numbers among the pieces.
#[derive(Clone, Copy)]
union Text {
    digits: [u8; 20],
    text: numfmt::NumText,
}

/// One string from `n` values. `None`: they are too many, or not all of them strings and numbers, or too long together.
///
/// # Safety
/// The values are live, `g` is their state.
pub unsafe fn join(
    g: *mut Global,
    from: *const Value,
    n: usize,
) -> Option<Result<*mut Str, AllocError>> {
    if n > MAX_PIECES {
        return None;
    }
    let mut pieces = [const { MaybeUninit::<Piece>::uninit() }; MAX_PIECES];
    let mut texts = [const { MaybeUninit::<Text>::uninit() }; MAX_PIECES];
    let mut total = 0usize;
    for i in 0..n {
        // SAFETY: `n` values are there.
        let v = unsafe { *from.add(i) };
        let piece: &[u8] = if v.is_string() {
            // SAFETY: a live string.
            unsafe { Str::bytes(v.as_str()) }
        } else if v.is_int() && v.as_int() >= 0 {
            let text = texts[i].write(Text { digits: [0; 20] });
            // SAFETY: written as digits.
            numfmt::decimal(v.as_int() as u64, unsafe { &mut text.digits })
        } else if v.is_number() {
            let text = texts[i].write(Text {
                text: numfmt::format(v),
            });
            // SAFETY: written as a text.
            unsafe { text.text.as_bytes() }
        } else {
            return None;
        };
        pieces[i].write((piece.as_ptr(), piece.len()));
        total = total.checked_add(piece.len())?;
    }
    if total >= isize::MAX as usize {
        return None;
    }
    // SAFETY: all pieces were written; they have `total` bytes, and so has the place they are written to, which is new.
    unsafe {
        if n == 2 && total > MAX_SHORT {
            // An empty operand: the other one is the result.
            for (i, j) in [(0, 1), (1, 0)] {
                let v = *from.add(j);
                if pieces[i].assume_init().1 == 0 && v.is_string() {
                    return Some(Ok(v.as_str()));
                }
            }
        }
        let mut buffer = [const { MaybeUninit::<u8>::uninit() }; MAX_SHORT];
        let start = buffer.as_mut_ptr().cast::<u8>();
        let mut long = std::ptr::null_mut();
        let mut to = start;
        if total > MAX_SHORT {
            long = match string::new_long(g, total) {
                Ok(s) => s,
                Err(e) => return Some(Err(e)),
            };
            to = Str::data(long);
        }
        for piece in &pieces[..n] {
            let (p, len) = piece.assume_init();
            bytes::copy(p, to, len);
            to = to.add(len);
        }
        Some(if long.is_null() {
            string::intern(g, std::slice::from_raw_parts(start, total))
        } else {
            Ok(long)
        })
    }
}
