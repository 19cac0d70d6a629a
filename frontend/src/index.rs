//! Finds the numbers of things that are kept elsewhere: an open-addressed table of `u32` slots, one hash kept for each thing.
//!
//! What a thing is, and when two are the same, the caller knows. A lookup costs a slot and, usually, one hash and one comparison; keys are not stored a
//! second time, which is most of what a chunk with many constants needs.

/// An index of things numbered from 0 in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Index {
    hashes: Vec<u32>,
    /// Number + 1, or 0 for an empty slot. Nothing at first, then a power of two and at least twice the things.
    slots: Vec<u32>,
}

/// The slots of the first thing.
const FEW: usize = 16;

impl Index {
    /// Nothing, and room for `n` things.
    pub fn with_room(n: usize) -> Index {
        Index {
            hashes: Vec::with_capacity(n),
            slots: vec![0; (n * 2 + 1).next_power_of_two()],
        }
    }

    /// The same things, and room for the hashes of `n` in all.
    pub fn copy_with_room(&self, n: usize) -> Index {
        let mut hashes = Vec::with_capacity(self.hashes.len().max(n));
        hashes.extend_from_slice(&self.hashes);
        Index {
            hashes,
            slots: self.slots.clone(),
        }
    }

    /// The number of the thing with this hash that `same` says is the one; else the number that a new one gets, and true.
    pub fn find_or_add(&mut self, hash: u32, mut same: impl FnMut(u32) -> bool) -> (u32, bool) {
        if self.hashes.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mut i = self.first(hash);
        loop {
            match self.slots[i] {
                0 => break,
                n => {
                    if self.hashes[n as usize - 1] == hash && same(n - 1) {
                        return (n - 1, false);
                    }
                }
            }
            i = (i + 1) & (self.slots.len() - 1);
        }
        self.hashes.push(hash);
        let n = self.hashes.len() as u32;
        self.slots[i] = n;
        (n - 1, true)
    }

    /// Where the search for a hash begins: its high bits, which are a product's best.
    fn first(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 4).max(FEW);
        self.slots = vec![0; size];
        for n in 0..self.hashes.len() {
            let mut i = self.first(self.hashes[n]);
            while self.slots[i] != 0 {
                i = (i + 1) & (size - 1);
            }
            self.slots[i] = n as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_are_told_apart() {
        let things: Vec<u32> = (0..1000).collect();
        let mut index = Index::default();
        for round in 0..2 {
            for &t in &things {
                let found = index.find_or_add(t % 7, |n| things[n as usize] == t);
                assert_eq!(found, (t, round == 0));
            }
        }
    }
}
