//! The allocator's moves by the instruction they are done before.

use regalloc2::{Edit, InstPosition, Output};
use std::ops::Range;

/// Moves in the order they are done in. Those behind an instruction are done before the next of its block.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    /// The instruction a move is done before, and the move.
    list: Vec<(u32, Edit)>,
    /// By instruction: its moves in `list`. One more than there are instructions.
    first: Vec<u32>,
    /// Moves to be put before all others of their instruction.
    inserted: Vec<(u32, Edit)>,
}

impl Moves {
    /// Those of an allocation of a function of so many instructions.
    pub(super) fn new(out: &Output, insts: usize) -> Moves {
        let place = |(point, edit): &(regalloc2::ProgPoint, Edit)| {
            let behind = point.pos() == InstPosition::After;
            (
                point.inst().index() as u32 + u32::from(behind),
                edit.clone(),
            )
        };
        let mut moves = Moves {
            list: out.edits.iter().map(place).collect(),
            first: vec![0; insts + 1],
            inserted: Vec::new(),
        };
        moves.index();
        moves
    }

    fn index(&mut self) {
        self.first.fill(0);
        let last = self.first.len() - 1;
        for (inst, _) in &self.list {
            self.first[(*inst as usize + 1).min(last)] += 1;
        }
        for n in 1..=last {
            self.first[n] += self.first[n - 1];
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Those before an instruction, with their numbers.
    pub(super) fn before(&self, inst: u32) -> impl DoubleEndedIterator<Item = (usize, &Edit)> {
        let range = self.range(inst);
        range.clone().zip(&self.list[range]).map(|(n, m)| (n, &m.1))
    }

    fn range(&self, inst: u32) -> Range<usize> {
        let inst = inst as usize;
        self.first[inst] as usize..self.first[inst + 1] as usize
    }

    /// Puts a move before all others of an instruction, once `sort` is called.
    pub(super) fn insert_first(&mut self, inst: u32, edit: Edit) {
        self.inserted.push((inst, edit));
    }

    /// Puts what was inserted into its places.
    pub(super) fn sort(&mut self) {
        let mut list = std::mem::take(&mut self.inserted);
        list.append(&mut self.list);
        // Stable: what was inserted comes first.
        list.sort_by_key(|m| m.0);
        self.list = list;
        self.index();
    }

    /// Takes moves away, by their numbers.
    pub(super) fn remove(&mut self, gone: impl Fn(usize) -> bool) {
        let mut n = 0;
        self.list.retain(|_| {
            n += 1;
            !gone(n - 1)
        });
        self.index();
    }
}
