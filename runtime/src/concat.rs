//! Concatenation of strings and numbers: the pieces are gathered first, so that the result is allocated once and written once.

use crate::bytes;
use crate::heap::AllocError;
use crate::numfmt;
use crate::object::Str;
use crate::state::Global;
use crate::string::{self, WORD, Word};
use crate::value::Value;
use std::mem::MaybeUninit;
use trinity_abi::{string::MAX_SHORT, tag};

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

/// One string from `n` short strings and numbers that have at most 16 bytes together, made in registers. `None`: they are others.
///
/// # Safety
/// As for [`join`].
#[inline(always)]
unsafe fn join_word(
    g: *mut Global,
    from: *const Value,
    n: usize,
) -> Option<Result<*mut Str, AllocError>> {
    // SAFETY: `n` live values are there.
    unsafe {
        let (mut text, mut total) = (0, 0);
        for i in 0..n {
            let v = *from.add(i);
            let (word, len) = if v.t == tag::SHORT_STR {
                (string::word_of(v.as_str()), (*v.as_str()).len)
            } else if v.is_int() && (0..100_000_000).contains(&v.as_int()) {
                numfmt::few_digits(v.as_int() as u32)
            } else {
                return None;
            };
            if total + len > WORD {
                return None;
            }
            // Behind 16 bytes there are empty strings only.
            text |= word.wrapping_shl(8 * total as u32);
            total += len;
        }
        Some(string::intern_word(g, text, total))
    }
}

/// One string from `n` values. `None`: they are too many, or not all of them strings and numbers, or too long together.
/// `grows`: it will be extended, and where the first is such a string it is extended itself. `due`: a collection is, so that nothing can be made
/// (which is `None`, too).
///
/// # Safety
/// The values are live, `g` is their state. The first string may be marked only if nobody else refers to it.
#[inline(never)]
pub unsafe fn join(
    g: *mut Global,
    from: *const Value,
    n: usize,
    grows: bool,
    due: bool,
) -> Option<Result<*mut Str, AllocError>> {
    // SAFETY: by contract.
    unsafe {
        if !due && let Some(s) = join_word(g, from, n) {
            return Some(s);
        }
        join_any(g, from, n, grows, due)
    }
}

#[inline(never)]
unsafe fn join_any(
    g: *mut Global,
    from: *const Value,
    n: usize,
    grows: bool,
    due: bool,
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
    // SAFETY: all pieces were written; they have `total` bytes, and so has the place they are written to, which is new or behind the first.
    unsafe {
        let mut buffer = [const { MaybeUninit::<u8>::uninit() }; MAX_SHORT + WORD];
        let start = buffer.as_mut_ptr().cast::<u8>();
        let (mut to, mut room) = (start, MAX_SHORT + WORD);
        let mut long = std::ptr::null_mut();
        let mut pieces = &pieces[..n];
        if grows && string::extend(*from, total) {
            let (_, len) = pieces[0].assume_init();
            long = (*from).as_str();
            (to, room) = (Str::data(long).add(len), total - len);
            pieces = &pieces[1..];
        } else if due && !(grows && (*from).t == tag::LONG_STR && !string::is_growing(*from)) {
            // What the helper made is made to grow in any case: it collects before the next time.
            return None;
        } else if total > MAX_SHORT {
            if n == 2 && !grows {
                // An empty operand: the other one is the result.
                for (i, j) in [(0, 1), (1, 0)] {
                    let v = *from.add(j);
                    if pieces[i].assume_init().1 == 0 && v.is_string() {
                        return Some(Ok(v.as_str()));
                    }
                }
            }
            long = match string::new_long(g, total, grows) {
                Ok(s) => s,
                Err(e) => return Some(Err(e)),
            };
            (to, room) = (Str::data(long), total);
        }
        for piece in pieces {
            let (p, len) = piece.assume_init();
            // 16 bytes can be read at every piece; what is too much is written over by the next.
            if len <= WORD && WORD <= room {
                let bytes = p.cast::<MaybeUninit<Word>>().read_unaligned();
                to.cast::<MaybeUninit<Word>>().write_unaligned(bytes);
            } else {
                bytes::copy(p, to, len);
            }
            to = to.add(len);
            room -= len;
        }
        if !long.is_null() {
            return Some(Ok(long));
        }
        Some(string::intern(g, std::slice::from_raw_parts(start, total)))
    }
}
