//! Which registers hold what is in which spill slot: the allocator splits live ranges and loads a slot at the start of each piece, also where the
//! register, or another one, still has the value.
//!
//! Known at a place is what is so on all ways to it. Registers change only as the allocator was told: by definitions, by what calls destroy, and
//! by its own moves.

use super::moves::Moves;
use crate::ir::PReg;
use crate::mach::{MFunc, from_ra};
use regalloc2::{Allocation, Edit, Function as _, Inst, OperandKind, Output, SpillSlot};

/// How a move is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reload {
    /// It is there.
    Needless,
    /// Another register has it.
    From(PReg),
    /// As the allocator said.
    AsItIs,
}

/// By register: a slot with the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Held([Option<SpillSlot>; PReg::ALL.len()]);

impl Held {
    /// Nothing is known.
    const NONE: Held = Held([None; PReg::ALL.len()]);

    /// The slot whose content a register has.
    pub(super) fn slot(&self, r: PReg) -> Option<SpillSlot> {
        self.0[r as usize]
    }

    /// What is so here and there.
    fn meet(&mut self, other: &Held) {
        for (mine, &its) in self.0.iter_mut().zip(&other.0) {
            if *mine != its {
                *mine = None;
            }
        }
    }

    /// The allocator's move.
    pub(super) fn edit(&mut self, edit: &Edit) -> Reload {
        let Edit::Move { from, to } = *edit;
        let reg = |a: Allocation| a.as_reg().map(from_ra);
        match (reg(from), reg(to), from.as_stack(), to.as_stack()) {
            (Some(from), Some(to), ..) => self.0[to as usize] = self.0[from as usize],
            (_, Some(to), Some(slot), _) => return self.load(to, slot),
            (Some(from), _, _, Some(slot)) => return self.store(from, slot),
            (_, _, _, Some(slot)) => self.forget_slot(slot),
            _ => {}
        }
        Reload::AsItIs
    }

    /// What an instruction changes is forgotten.
    pub(super) fn defined(&mut self, func: &MFunc, out: &Output, inst: Inst) {
        let operands = func.inst_operands(inst).iter();
        for (operand, a) in operands.zip(out.inst_allocs(inst)) {
            if operand.kind() == OperandKind::Def {
                match (a.as_reg(), a.as_stack()) {
                    (Some(r), _) => self.0[from_ra(r) as usize] = None,
                    (None, Some(slot)) => self.forget_slot(slot),
                    (None, None) => {}
                }
            }
        }
        for r in func.inst_clobbers(inst) {
            self.0[from_ra(r) as usize] = None;
        }
    }

    /// A slot is wanted in a register.
    fn load(&mut self, to: PReg, slot: SpillSlot) -> Reload {
        let has = |r: PReg| self.0[r as usize] == Some(slot);
        let how = if has(to) {
            Reload::Needless
        } else {
            let mut same = PReg::ALL.iter().copied();
            same.find(|&r| has(r) && r.is_xmm() == to.is_xmm())
                .map_or(Reload::AsItIs, Reload::From)
        };
        self.0[to as usize] = Some(slot);
        how
    }

    /// A register is written to a slot.
    fn store(&mut self, from: PReg, slot: SpillSlot) -> Reload {
        if self.0[from as usize] == Some(slot) {
            return Reload::Needless;
        }
        self.forget_slot(slot);
        self.0[from as usize] = Some(slot);
        Reload::AsItIs
    }

    /// A slot gets another value.
    fn forget_slot(&mut self, slot: SpillSlot) {
        for r in &mut self.0 {
            if *r == Some(slot) {
                *r = None;
            }
        }
    }
}

/// What is known where each block begins.
pub(super) fn at_start(func: &MFunc, out: &Output, moves: &Moves) -> Vec<Held> {
    let blocks = func.blocks.len();
    let mut start = vec![Held::NONE; blocks];
    // None: no way to its end was looked at; such ways say nothing yet.
    let mut end: Vec<Option<Held>> = vec![None; blocks];
    let mut changed = true;
    while changed {
        changed = false;
        // Blocks are in reverse postorder.
        for (b, data) in func.blocks.iter().enumerate() {
            let mut known = data.preds.iter().filter_map(|p| end[p.index()].as_ref());
            let mut held = known.next().cloned().unwrap_or(Held::NONE);
            known.for_each(|other| held.meet(other));
            start[b] = held.clone();
            for i in data.insts.clone() {
                for (_, edit) in moves.before(i) {
                    held.edit(edit);
                }
                held.defined(func, out, Inst::new(i as usize));
            }
            if end[b].as_ref() != Some(&held) {
                end[b] = Some(held);
                changed = true;
            }
        }
    }
    start
}

/// By move: nothing has to be done for it.
pub(super) fn needless(func: &MFunc, out: &Output, moves: &Moves, start: &[Held]) -> Vec<bool> {
    let mut needless = vec![false; moves.len()];
    for (data, held) in func.blocks.iter().zip(start) {
        let mut held = held.clone();
        for i in data.insts.clone() {
            for (n, edit) in moves.before(i) {
                needless[n] = held.edit(edit) == Reload::Needless;
            }
            held.defined(func, out, Inst::new(i as usize));
        }
    }
    needless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_loaded_where_nobody_has_it() {
        let (a, b) = (SpillSlot::new(0), SpillSlot::new(1));
        let mut held = Held::NONE;
        assert_eq!(held.load(PReg::Rax, a), Reload::AsItIs);
        assert_eq!(held.load(PReg::Rax, a), Reload::Needless);
        assert_eq!(held.load(PReg::Rcx, a), Reload::From(PReg::Rax));
        // An integer register does not serve for a float.
        assert_eq!(held.load(PReg::Xmm0, a), Reload::AsItIs);
        held.0[PReg::Rdx as usize] = held.0[PReg::Rcx as usize];
        held.0[PReg::Rax as usize] = None;
        held.0[PReg::Rcx as usize] = None;
        assert_eq!(held.load(PReg::Rax, a), Reload::From(PReg::Rdx));
        // Another value in the slot: what the registers have is not in it any more.
        assert_eq!(held.store(PReg::Rsi, a), Reload::AsItIs);
        assert_eq!(held.store(PReg::Rsi, a), Reload::Needless);
        assert_eq!(held.load(PReg::Rdx, a), Reload::From(PReg::Rsi));
        assert_eq!(held.load(PReg::Rax, b), Reload::AsItIs);
        held.forget_slot(b);
        assert_eq!(held.load(PReg::Rax, b), Reload::AsItIs);
    }

    #[test]
    fn known_is_what_is_so_on_all_ways() {
        let (a, b) = (SpillSlot::new(0), SpillSlot::new(1));
        let (mut one, mut other) = (Held::NONE, Held::NONE);
        for held in [&mut one, &mut other] {
            held.load(PReg::Rax, a);
        }
        one.load(PReg::Rcx, a);
        other.load(PReg::Rcx, b);
        one.meet(&other);
        assert_eq!(one.load(PReg::Rax, a), Reload::Needless);
        assert_eq!(one.load(PReg::Rcx, a), Reload::From(PReg::Rax));
    }
}
