//! A growing byte buffer for results of library functions: small results are built on the native stack, larger ones in memory whose
//! exhaustion is Lua's "not enough memory" (a `Vec` would abort the process).

use crate::bytes;
use crate::error::LResult;
use crate::numfmt;
use crate::object::Str;
use crate::raise;
use crate::thread::Lua;
use crate::value::Value;
use std::alloc::{Layout, alloc, dealloc, realloc};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Bytes kept on the native stack.
const INLINE: usize = 512;

/// Stack space for a [`Buffer`].
pub struct Space([MaybeUninit<u8>; INLINE]);

impl Space {
    /// Uninitialised space.
    #[inline(always)]
    pub const fn new() -> Space {
        Space([MaybeUninit::uninit(); INLINE])
    }
}

impl Default for Space {
    fn default() -> Self {
        Space::new()
    }
}

/// The buffer. Invariant: `ptr` has `cap` bytes, the first `len` are initialised; it is the stack space while `cap == INLINE`, else an
/// allocation of its own.
pub struct Buffer<'a> {
    l: Lua,
    ptr: *mut u8,
    len: usize,
    cap: usize,
    space: PhantomData<&'a mut Space>,
}

impl<'a> Buffer<'a> {
    /// An empty buffer.
    #[inline(always)]
    pub fn new(l: Lua, space: &'a mut Space) -> Buffer<'a> {
        Buffer {
            l,
            ptr: space.0.as_mut_ptr().cast(),
            len: 0,
            cap: INLINE,
            space: PhantomData,
        }
    }

    /// What was added so far.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the struct's invariant.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// Bytes that can be added without growing.
    #[inline]
    pub fn spare(&self) -> usize {
        self.cap - self.len
    }

    /// Makes room for `n` bytes and returns their (uninitialised) place; [`Buffer::advance`] makes them part of the contents.
    #[inline]
    pub fn room(&mut self, n: usize) -> LResult<*mut u8> {
        if n > self.cap - self.len {
            self.grow(n)?;
        }
        // SAFETY: `len <= cap`.
        Ok(unsafe { self.ptr.add(self.len) })
    }

    /// Takes `n` bytes written to what [`Buffer::room`] returned.
    ///
    /// # Safety
    /// They were written, and `room` was asked for as many.
    #[inline(always)]
    pub unsafe fn advance(&mut self, n: usize) {
        self.len += n;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) -> LResult<()> {
        let cap = match self.len.checked_add(n) {
            Some(need) => need.max(self.cap.saturating_mul(2)),
            None => return Err(raise::memory_error(self.l)),
        };
        let Ok(layout) = Layout::array::<u8>(cap) else {
            return Err(raise::memory_error(self.l));
        };
        // SAFETY: sizes are above 0; an allocation of ours has alignment 1 and size `cap`.
        unsafe {
            let p = if self.cap == INLINE {
                let p = alloc(layout);
                if !p.is_null() {
                    std::ptr::copy_nonoverlapping(self.ptr, p, self.len);
                }
                p
            } else {
                realloc(
                    self.ptr,
                    Layout::from_size_align_unchecked(self.cap, 1),
                    cap,
                )
            };
            if p.is_null() {
                return Err(raise::memory_error(self.l));
            }
            self.ptr = p;
            self.cap = cap;
        }
        Ok(())
    }

    /// Appends bytes.
    #[inline]
    pub fn add(&mut self, s: &[u8]) -> LResult<()> {
        let to = self.room(s.len())?;
        // SAFETY: there is room, and nobody else points into it.
        unsafe { bytes::copy_apart(s.as_ptr(), to, s.len()) };
        self.len += s.len();
        Ok(())
    }

    /// Appends the first `n` of 16 bytes.
    #[inline]
    pub fn add_short(&mut self, s: [u8; 16], n: usize) -> LResult<()> {
        let to = self.room(16)?;
        // SAFETY: there is room for all 16; those beyond `n` are not taken.
        unsafe { to.cast::<[u8; 16]>().write_unaligned(s) };
        self.len += n.min(16);
        Ok(())
    }

    /// Appends one byte.
    #[inline]
    pub fn add_byte(&mut self, c: u8) -> LResult<()> {
        let to = self.room(1)?;
        // SAFETY: there is room.
        unsafe { *to = c };
        self.len += 1;
        Ok(())
    }

    /// Appends `n` times the same byte.
    pub fn add_fill(&mut self, c: u8, n: usize) -> LResult<()> {
        let to = self.room(n)?;
        // SAFETY: there is room.
        unsafe { bytes::fill(to, c, n) };
        self.len += n;
        Ok(())
    }

    /// Replaces the first `old` behind position `start`.
    pub fn replace_from(&mut self, start: usize, old: u8, new: u8) {
        // SAFETY: the struct's invariant.
        let all = unsafe { std::slice::from_raw_parts_mut(self.ptr, self.len) };
        if let Some(c) = all.iter_mut().skip(start).find(|c| **c == old) {
            *c = new;
        }
    }

    /// Appends a string's bytes or a number's text; false for other values.
    #[inline]
    pub fn add_value(&mut self, v: Value) -> LResult<bool> {
        if v.is_string() {
            // SAFETY: a live string value.
            self.add(unsafe { Str::bytes(v.as_str()) })?;
        } else if v.is_number() {
            self.add(numfmt::format(v).as_bytes())?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Pushes the contents as a string.
    #[inline]
    pub fn push_result(self) -> LResult<()> {
        self.l.push_bytes(self.as_bytes())
    }
}

impl Drop for Buffer<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.cap != INLINE {
            // SAFETY: the allocation made by `grow`.
            unsafe { dealloc(self.ptr, Layout::from_size_align_unchecked(self.cap, 1)) };
        }
    }
}
