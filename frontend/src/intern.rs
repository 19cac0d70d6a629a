//! Byte-string interner of one compilation: names and string constants become small integers.
//!
//! Every string lives once in a single buffer; a symbol is an index. Equality of symbols is equality of strings, so scope
//! lookup and constant pooling compare integers.

use crate::hash::hash_bytes;
use crate::index::Index;

/// An interned byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Sym(pub u32);

/// The set of interned strings.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    bytes: Vec<u8>,
    /// End offset of each symbol's text; it starts where the one before ends.
    ends: Vec<u32>,
    index: Index,
}

impl Interner {
    /// An empty set.
    pub fn new() -> Self {
        Interner::default()
    }

    /// An empty set that does not grow before it has `n` strings of usual length.
    pub fn with_room(n: usize) -> Self {
        Interner {
            bytes: Vec::with_capacity(n * 8),
            ends: Vec::with_capacity(n),
            index: Index::with_room(n),
        }
    }

    /// The same strings, and room for `n` in all.
    pub fn copy_with_room(&self, n: usize) -> Self {
        let mut copy = Interner {
            bytes: Vec::with_capacity(self.bytes.len().max(n * 8)),
            ends: Vec::with_capacity(self.ends.len().max(n)),
            index: self.index.copy_with_room(n),
        };
        copy.bytes.extend_from_slice(&self.bytes);
        copy.ends.extend_from_slice(&self.ends);
        copy
    }

    /// The symbol of `s`, made if it is new.
    pub fn intern(&mut self, s: &[u8]) -> Sym {
        let (bytes, ends) = (&self.bytes, &self.ends);
        let (n, new) = self
            .index
            .find_or_add(hash_bytes(s), |n| text(bytes, ends, n) == s);
        if new {
            self.bytes.extend_from_slice(s);
            self.ends.push(self.bytes.len() as u32);
        }
        Sym(n)
    }

    /// The text of `sym`.
    #[inline]
    pub fn get(&self, sym: Sym) -> &[u8] {
        text(&self.bytes, &self.ends, sym.0)
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when nothing was interned.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// The text of the `n`th symbol.
#[inline]
fn text<'a>(bytes: &'a [u8], ends: &[u32], n: u32) -> &'a [u8] {
    let i = n as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    &bytes[start..ends[i] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_text_same_symbol() {
        let mut set = Interner::new();
        let syms: Vec<Sym> = (0..5000)
            .map(|i| set.intern(format!("name{i}").as_bytes()))
            .collect();
        for (i, &s) in syms.iter().enumerate() {
            assert_eq!(set.get(s), format!("name{i}").as_bytes());
            assert_eq!(set.intern(format!("name{i}").as_bytes()), s);
        }
        assert_eq!(set.intern(b""), set.intern(b""));
        assert_eq!(set.len(), 5001);
    }
}
