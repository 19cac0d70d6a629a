//! Byte-string interner of one compilation: names and string constants become small integers.
//!
//! Every string lives once in a single buffer; a symbol is an index. Equality of symbols is equality of strings, so scope
//! lookup and constant pooling compare integers. Open addressing over `u32` slots keeps a lookup at one hash and, usually,
//! one comparison.

/// An interned byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Sym(pub u32);

/// The set of interned strings.
#[derive(Clone, Debug)]
pub struct Interner {
    bytes: Vec<u8>,
    /// End offset of each symbol's text; it starts where the one before ends.
    ends: Vec<u32>,
    hashes: Vec<u32>,
    /// Symbol + 1, or 0 for an empty slot. The length is a power of two.
    slots: Vec<u32>,
}

/// Multiplicative hash over 8-byte words.
fn hash(s: &[u8]) -> u32 {
    const K: u64 = 0x517c_c1b7_2722_0a95;
    let mut h = s.len() as u64;
    let mut words = s.chunks_exact(8);
    for w in &mut words {
        let w = u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]);
        h = (h.rotate_left(5) ^ w).wrapping_mul(K);
    }
    let rest = words.remainder();
    let tail = rest
        .iter()
        .rev()
        .fold(0u64, |acc, &b| acc << 8 | u64::from(b));
    h = (h.rotate_left(5) ^ tail).wrapping_mul(K);
    (h >> 32) as u32
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    /// An empty set.
    pub fn new() -> Self {
        Interner {
            bytes: Vec::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            slots: vec![0; 256],
        }
    }

    /// The symbol of `s`, made if it is new.
    pub fn intern(&mut self, s: &[u8]) -> Sym {
        let h = hash(s);
        let mask = self.slots.len() - 1;
        let mut i = h as usize & mask;
        loop {
            match self.slots[i] {
                0 => break,
                n => {
                    let sym = Sym(n - 1);
                    if self.hashes[sym.0 as usize] == h && self.get(sym) == s {
                        return sym;
                    }
                }
            }
            i = (i + 1) & mask;
        }
        let sym = Sym(self.ends.len() as u32);
        self.bytes.extend_from_slice(s);
        self.ends.push(self.bytes.len() as u32);
        self.hashes.push(h);
        self.slots[i] = sym.0 + 1;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        sym
    }

    /// The text of `sym`.
    #[inline]
    pub fn get(&self, sym: Sym) -> &[u8] {
        let i = sym.0 as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.bytes[start..self.ends[i] as usize]
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when nothing was interned.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        self.slots = vec![0; mask + 1];
        for (sym, &h) in self.hashes.iter().enumerate() {
            let mut i = h as usize & mask;
            while self.slots[i] != 0 {
                i = (i + 1) & mask;
            }
            self.slots[i] = sym as u32 + 1;
        }
    }
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
