//! Which instruction made a table: how large arrays become is of use where they are made.

use crate::object::Table;
use std::collections::HashMap;

/// Lengths beyond this one are all the same: tables are not made with room for as many.
pub const LONGEST: u32 = 257;
/// Tables that are remembered, at most; a power of two.
const PLACES: usize = 1 << 14;

/// A function's number, and an instruction of it.
pub type Origin = (u32, u32);

/// A table.
#[derive(Clone, Copy, Default)]
struct Made {
    table: usize,
    by: Origin,
    /// Of its array, as far as that was seen.
    len: u32,
}

/// The tables made last, by address: what another table with the same place takes is forgotten, and a table that was not made by an
/// instruction passes for the one that was there before it.
pub struct Origins {
    made: Vec<Made>,
    /// What each instruction made last, by address.
    last: HashMap<Origin, usize>,
    /// What the present instruction saw of a table.
    pub seen: Option<(Origin, u32)>,
}

impl Default for Origins {
    fn default() -> Origins {
        Origins {
            made: vec![Made::default(); PLACES],
            last: HashMap::new(),
            seen: None,
        }
    }
}

fn place(t: usize) -> usize {
    (t >> 4) % PLACES
}

impl Origins {
    /// An instruction made a table. Returns the length that the array of the one before it came to have, if that is still known.
    pub fn made(&mut self, t: *mut Table, by: Origin) -> Option<u32> {
        let table = t as usize;
        let before = self.last.insert(by, table);
        let before = before.map(|t| (t, self.made[place(t)]));
        self.made[place(table)] = Made { table, by, len: 0 };
        let (t, made) = before?;
        ((made.table, made.by) == (t, by)).then_some(made.len)
    }
    /// A table's array has this length.
    pub fn sized(&mut self, t: *mut Table, len: u32) {
        let made = &mut self.made[place(t as usize)];
        if made.table == t as usize {
            made.len = made.len.max(len.min(LONGEST));
            if len <= LONGEST {
                self.seen = Some((made.by, len));
            }
        }
    }
}
