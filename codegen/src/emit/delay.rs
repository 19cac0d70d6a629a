//! Loads of spill slots where they are wanted: the allocator loads at the start of each piece of a live range, also where only a way that is
//! hardly ever taken reads the register. Each load moves down to where all ways to it load the same and someone reads it (the latest places of
//! partial dead code elimination: Knoop, Rüthing, Steffen, "Partial Dead Code Elimination", 1994), and moves that nobody reads go.
//!
//! No way gets longer: what is inserted stands for loads on every way to it, and none of these remains. But for ways into cold code: there what
//! a register has of a slot is loaded anew, unless it is there still when all is done (`held.rs`), so that no load is done for cold code alone.

use super::held;
use super::moves::Moves;
use crate::ir::PReg;
use crate::mach::{MFunc, from_ra, to_ra};
use crate::select::Selected;
use regalloc2::{Allocation, Edit, Function as _, Inst, OperandKind, Output, SpillSlot};

const REGS: usize = PReg::ALL.len();

/// Moves loads down and takes away what nobody reads then.
pub(super) fn delay(sel: &Selected, out: &Output, moves: &mut Moves) {
    let func = &sel.func;
    let code = Code { func, out };
    // What writes a slot with what is in it reads nothing.
    let held = held::at_start(func, out, moves);
    let needless = held::needless(func, out, moves, &held);
    moves.remove(|n| needless[n]);
    let delayed = code.delayed(moves);
    let held = held::at_start(func, out, moves);
    let live = code.live(moves, |_| {});
    for (b, data) in func.blocks.iter().enumerate() {
        let enters_cold = sel.seldom[b] && matches!(data.preds[..], [p] if !sel.seldom[p.index()]);
        for (n, &reg) in PReg::ALL.iter().enumerate() {
            let known = if enters_cold {
                held[b].slot(reg)
            } else {
                delayed[b].0[n]
            };
            let to = Allocation::reg(to_ra(reg));
            if let Some(slot) = known
                && live[b].has(to)
            {
                let from = Allocation::stack(slot);
                moves.insert_first(data.insts.start, Edit::Move { from, to });
            }
        }
    }
    moves.sort();
    let mut dead = vec![false; moves.len()];
    code.live(moves, |n| dead[n] = true);
    moves.remove(|n| dead[n]);
}

/// By register: the slot that was loaded into it on all ways, nobody having read the register since.
#[derive(Clone, PartialEq, Eq)]
struct Delayed([Option<SpillSlot>; REGS]);

impl Delayed {
    const NONE: Delayed = Delayed([None; REGS]);

    fn meet(&mut self, other: &Delayed) {
        for (mine, its) in self.0.iter_mut().zip(&other.0) {
            if mine != its {
                *mine = None;
            }
        }
    }

    /// A register is read or written, or a slot written: loads stay above it.
    fn touch(&mut self, a: Allocation) {
        if let Some(r) = a.as_reg() {
            self.0[from_ra(r) as usize] = None;
        }
    }

    fn written(&mut self, a: Allocation) {
        self.touch(a);
        if let Some(slot) = a.as_stack() {
            for mine in &mut self.0 {
                if *mine == Some(slot) {
                    *mine = None;
                }
            }
        }
    }
}

/// Registers and slots whose contents are read later: a set of bits, registers first.
#[derive(Clone, PartialEq, Eq)]
struct Live(Vec<u64>);

impl Live {
    fn bit(a: Allocation) -> Option<usize> {
        match (a.as_reg(), a.as_stack()) {
            (Some(r), _) => Some(from_ra(r) as usize),
            (_, Some(s)) => Some(REGS + s.index()),
            _ => None,
        }
    }

    fn has(&self, a: Allocation) -> bool {
        Live::bit(a).is_none_or(|n| self.0[n / 64] >> (n % 64) & 1 == 1)
    }

    fn read(&mut self, a: Allocation) {
        if let Some(n) = Live::bit(a) {
            self.0[n / 64] |= 1 << (n % 64);
        }
    }

    fn written(&mut self, a: Allocation) {
        if let Some(n) = Live::bit(a) {
            self.0[n / 64] &= !(1 << (n % 64));
        }
    }

    fn join(&mut self, other: &Live) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }
}

/// The code between allocation and emission.
struct Code<'a> {
    func: &'a MFunc,
    out: &'a Output,
}

impl Code<'_> {
    /// What an instruction reads or writes, as emission does it. Calls destroy what they write and their clobbers.
    fn each(&self, inst: Inst, kind: OperandKind, mut f: impl FnMut(Allocation)) {
        let operands = self.func.inst_operands(inst).iter();
        let real = operands.take(self.func.real_operands(inst));
        for (operand, &a) in real.zip(self.out.inst_allocs(inst)) {
            if operand.kind() == kind {
                f(a);
            }
        }
        if kind == OperandKind::Def {
            let clobbers = self.func.inst_clobbers(inst).into_iter();
            clobbers.for_each(|r| f(Allocation::reg(r)));
        }
    }

    /// By block: what is delayed at its start.
    fn delayed(&self, moves: &Moves) -> Vec<Delayed> {
        let blocks = self.func.blocks.len();
        let mut start = vec![Delayed::NONE; blocks];
        // None: no way to its end was looked at; such ways say nothing yet.
        let mut end: Vec<Option<Delayed>> = vec![None; blocks];
        let mut changed = true;
        while changed {
            changed = false;
            for (b, data) in self.func.blocks.iter().enumerate() {
                let mut known = data.preds.iter().filter_map(|p| end[p.index()].as_ref());
                let mut now = known.next().cloned().unwrap_or(Delayed::NONE);
                known.for_each(|other| now.meet(other));
                start[b] = now.clone();
                for i in data.insts.clone() {
                    for (_, edit) in moves.before(i) {
                        let Edit::Move { from, to } = *edit;
                        now.touch(from);
                        now.written(to);
                        if let (Some(slot), Some(r)) = (from.as_stack(), to.as_reg()) {
                            now.0[from_ra(r) as usize] = Some(slot);
                        }
                    }
                    let inst = Inst::new(i as usize);
                    self.each(inst, OperandKind::Use, |a| now.touch(a));
                    self.each(inst, OperandKind::Def, |a| now.written(a));
                }
                if end[b].as_ref() != Some(&now) {
                    end[b] = Some(now);
                    changed = true;
                }
            }
        }
        start
    }

    /// By block: what is read behind its start. Tells the moves that write what nobody reads, by their numbers.
    fn live(&self, moves: &Moves, mut dead: impl FnMut(usize)) -> Vec<Live> {
        let blocks = self.func.blocks.len();
        let none = Live(vec![0; (REGS + self.out.num_spillslots).div_ceil(64)]);
        let mut start = vec![none.clone(); blocks];
        let mut changed = true;
        while changed {
            changed = false;
            for b in (0..blocks).rev() {
                let live = self.live_in(b, &start, &none, moves, |_| {});
                if start[b] != live {
                    start[b] = live;
                    changed = true;
                }
            }
        }
        for b in 0..blocks {
            self.live_in(b, &start, &none, moves, &mut dead);
        }
        start
    }

    fn live_in(
        &self,
        block: usize,
        start: &[Live],
        none: &Live,
        moves: &Moves,
        mut dead: impl FnMut(usize),
    ) -> Live {
        let data = &self.func.blocks[block];
        let mut live = none.clone();
        data.succs.iter().for_each(|s| live.join(&start[s.index()]));
        for i in data.insts.clone().rev() {
            let inst = Inst::new(i as usize);
            self.each(inst, OperandKind::Def, |a| live.written(a));
            self.each(inst, OperandKind::Use, |a| live.read(a));
            for (n, edit) in moves.before(i).rev() {
                let Edit::Move { from, to } = *edit;
                match live.has(to) {
                    true => {
                        live.written(to);
                        live.read(from);
                    }
                    false => dead(n),
                }
            }
        }
        live
    }
}
