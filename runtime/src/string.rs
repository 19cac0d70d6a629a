//! Strings: interned short ones, long ones with a lazy hash.
#![allow(clippy::missing_safety_doc)]
use crate::heap::AllocError;
use crate::object::Str;
use crate::state::Global;

/// The table of short strings.
pub struct Interner {
    pub seed: u32,
}

/// A string object with the given bytes: interned when short (40 bytes or less).
#[inline]
pub unsafe fn new(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    todo!()
}
/// The interned string of at most `MAX_SHORT` bytes.
pub unsafe fn intern(g: *mut Global, b: &[u8]) -> Result<*mut Str, AllocError> {
    todo!()
}
/// A string of `n` bytes written by `fill` (all of them), without a copy when it is long.
pub unsafe fn new_with(g: *mut Global, n: usize, fill: impl FnOnce(&mut [u8])) -> Result<*mut Str, AllocError> {
    todo!()
}
/// Hash of any string (computed on first use for long ones).
pub unsafe fn hash(g_seed: u32, s: *mut Str) -> u32 {
    todo!()
}
/// Content equality of two string objects.
#[inline(always)]
pub unsafe fn equal(a: *mut Str, b: *mut Str) -> bool {
    todo!()
}
/// Keeps the string alive for as long as the state.
pub unsafe fn fix(s: *mut Str) {
    todo!()
}
