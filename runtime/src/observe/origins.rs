//! Which instruction made a table: how large arrays become is of use where they are made.

use crate::object::Table;

/// Lengths beyond this one are all the same: such arrays are not made in one piece with their tables.
pub const LONGEST: u32 = 17;
/// Tables that are remembered, at most; a power of two.
const PLACES: usize = 1 << 14;

/// A function's number, and an instruction of it.
pub type Origin = (u32, u32);

/// The tables made last, by address: what another table with the same place takes is forgotten, and a table that was not made by an
/// instruction passes for the one that was there before it.
pub struct Origins {
    made: Vec<(usize, Origin)>,
    /// What the present instruction saw of a table.
    pub seen: Option<(Origin, u32)>,
}

impl Default for Origins {
    fn default() -> Origins {
        Origins {
            made: vec![(0, (0, 0)); PLACES],
            seen: None,
        }
    }
}

fn place(t: *mut Table) -> usize {
    (t as usize >> 4) % PLACES
}

impl Origins {
    /// An instruction made a table.
    pub fn made(&mut self, t: *mut Table, by: Origin) {
        self.made[place(t)] = (t as usize, by);
    }
    /// A table's array has this length.
    pub fn sized(&mut self, t: *mut Table, len: u32) {
        let (table, by) = self.made[place(t)];
        if len <= LONGEST && table == t as usize {
            self.seen = Some((by, len));
        }
    }
}
