//! C character classes in the current locale: the tables behind glibc's `isalpha` and its sisters.
//!
//! The tables can move when the locale is set, so a [`Ctype`] is taken anew for each operation that does not run Lua.

unsafe extern "C" {
    fn __ctype_b_loc() -> *const *const u16;
    fn __ctype_tolower_loc() -> *const *const i32;
    fn __ctype_toupper_loc() -> *const *const i32;
}

/// Bits of the class table (little-endian layout of `<ctype.h>`).
pub mod class {
    pub const UPPER: u16 = 1 << 8;
    pub const LOWER: u16 = 1 << 9;
    pub const ALPHA: u16 = 1 << 10;
    pub const DIGIT: u16 = 1 << 11;
    pub const XDIGIT: u16 = 1 << 12;
    pub const SPACE: u16 = 1 << 13;
    pub const GRAPH: u16 = 1 << 15;
    pub const CNTRL: u16 = 1 << 1;
    pub const PUNCT: u16 = 1 << 2;
    pub const ALNUM: u16 = 1 << 3;
}

/// The class table of the current locale.
#[derive(Clone, Copy)]
pub struct Ctype(*const u16);

impl Ctype {
    /// The table now.
    #[inline]
    pub fn current() -> Ctype {
        // SAFETY: the location is always valid.
        Ctype(unsafe { *__ctype_b_loc() })
    }
    /// True when `c` belongs to one of the classes in `mask`.
    #[inline(always)]
    pub fn is(self, c: u8, mask: u16) -> bool {
        // SAFETY: the table covers -128..=255.
        unsafe { *self.0.add(c as usize) & mask != 0 }
    }
}

/// C's `tolower` for bytes.
pub fn lower() -> impl Fn(u8) -> u8 {
    // SAFETY: as in `Ctype`.
    let table = unsafe { *__ctype_tolower_loc() };
    move |c| unsafe { *table.add(c as usize) as u8 }
}

/// C's `toupper` for bytes.
pub fn upper() -> impl Fn(u8) -> u8 {
    // SAFETY: as in `Ctype`.
    let table = unsafe { *__ctype_toupper_loc() };
    move |c| unsafe { *table.add(c as usize) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii() {
        let t = Ctype::current();
        for c in 0..=255u8 {
            assert_eq!(t.is(c, class::ALPHA), c.is_ascii_alphabetic(), "{c}");
            assert_eq!(t.is(c, class::UPPER), c.is_ascii_uppercase(), "{c}");
            assert_eq!(t.is(c, class::LOWER), c.is_ascii_lowercase(), "{c}");
            assert_eq!(t.is(c, class::DIGIT), c.is_ascii_digit(), "{c}");
            assert_eq!(t.is(c, class::XDIGIT), c.is_ascii_hexdigit(), "{c}");
            assert_eq!(t.is(c, class::SPACE), matches!(c, b' ' | 9..=13), "{c}");
            assert_eq!(t.is(c, class::GRAPH), c.is_ascii_graphic(), "{c}");
            assert_eq!(t.is(c, class::CNTRL), c.is_ascii_control(), "{c}");
            assert_eq!(t.is(c, class::PUNCT), c.is_ascii_punctuation(), "{c}");
            assert_eq!(t.is(c, class::ALNUM), c.is_ascii_alphanumeric(), "{c}");
            assert_eq!(lower()(c), c.to_ascii_lowercase());
            assert_eq!(upper()(c), c.to_ascii_uppercase());
        }
    }
}
