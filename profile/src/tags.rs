//! Sets of value tags.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use trinity_abi::tag;

/// Names of the tags, by number.
const NAMES: [&str; 14] = [
    "nil",
    "false",
    "true",
    "integer",
    "float",
    "light userdata",
    "short string",
    "long string",
    "table",
    "function",
    "native function",
    "userdata",
    "thread",
    "cell",
];

/// A set of the tags of `trinity_abi::tag`: bit `t` for tag `t`. Empty: nothing was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TagSet(pub u16);

impl TagSet {
    /// Nothing.
    pub const EMPTY: TagSet = TagSet(0);
    /// `nil`.
    pub const NIL: TagSet = TagSet::of(tag::NIL);
    /// Both booleans.
    pub const BOOLEAN: TagSet = TagSet(1 << tag::FALSE | 1 << tag::TRUE);
    /// Integers.
    pub const INT: TagSet = TagSet::of(tag::INT);
    /// Floats.
    pub const FLOAT: TagSet = TagSet::of(tag::FLOAT);
    /// Integers and floats.
    pub const NUMBER: TagSet = TagSet(1 << tag::INT | 1 << tag::FLOAT);
    /// Short and long strings.
    pub const STRING: TagSet = TagSet(1 << tag::SHORT_STR | 1 << tag::LONG_STR);
    /// Tables.
    pub const TABLE: TagSet = TagSet::of(tag::TABLE);
    /// Lua and native functions.
    pub const FUNCTION: TagSet = TagSet(1 << tag::LUA_FN | 1 << tag::NATIVE_FN);

    /// The set of one tag.
    pub const fn of(tag: u8) -> TagSet {
        TagSet(1 << (tag & 15))
    }
    /// Adds a tag.
    pub fn insert(&mut self, tag: u8) {
        self.0 |= TagSet::of(tag).0;
    }
    /// True when nothing was seen.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// True when the tag was seen.
    pub const fn has(self, tag: u8) -> bool {
        self.0 & TagSet::of(tag).0 != 0
    }
    /// True when something was seen, and nothing outside `of`.
    pub const fn only(self, of: TagSet) -> bool {
        self.0 != 0 && self.0 & !of.0 == 0
    }
    /// The tag, when exactly one was seen.
    pub const fn single(self) -> Option<u8> {
        if self.0.is_power_of_two() {
            Some(self.0.trailing_zeros() as u8)
        } else {
            None
        }
    }
    /// The tags in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |&t| self.has(t))
    }
}

impl BitOr for TagSet {
    type Output = TagSet;
    fn bitor(self, other: TagSet) -> TagSet {
        TagSet(self.0 | other.0)
    }
}

impl BitOrAssign for TagSet {
    fn bitor_assign(&mut self, other: TagSet) {
        self.0 |= other.0;
    }
}

/// Names joined by `|`; `-` for the empty set.
impl fmt::Display for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        for (n, t) in self.iter().enumerate() {
            if n > 0 {
                f.write_str("|")?;
            }
            f.write_str(NAMES.get(usize::from(t)).unwrap_or(&"?"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_tags() {
        let mut s = TagSet::EMPTY;
        assert!(!s.only(TagSet::NUMBER));
        s.insert(tag::INT);
        assert_eq!(s.single(), Some(tag::INT));
        s |= TagSet::FLOAT;
        assert_eq!(s.single(), None);
        assert!(s.only(TagSet::NUMBER) && !s.only(TagSet::INT));
        assert_eq!(s.to_string(), "integer|float");
        assert_eq!(TagSet::EMPTY.to_string(), "-");
        assert_eq!(
            (s | TagSet::BOOLEAN).iter().collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
    }
}
