//! Which registers hold values that are still needed, for each instruction.
//!
//! The collector scans exactly these registers, so the sets must be neither too small (a value would be freed while in use)
//! nor too large (a dead register may hold a pointer to something freed long ago). Both follow from one backward dataflow:
//! a register is live from each of its definitions to its last uses, on every path. Variables in scope and to-be-closed
//! variables are used by every instruction of their scope, since debuggers and closing may look at them at any time.
//!
//! Which variables are to be closed at an instruction is known statically: code paths that meet agree on it (the verifier
//! checks that).
//!
//! Sets are shared: most instructions of a function have one of a few. Time is linear in the code's length times the nesting
//! of loops.

use crate::hash::WordMap;

use super::effects::{Blocks, Effects, effects, open_operands, open_results, successors};
use super::op::Op;
use super::proto::Proto;
use super::regset::RegSet;

/// Liveness of one function.
pub struct Liveness {
    sets: Vec<RegSet>,
    at: Vec<u32>,
    across: Vec<u32>,
    open: Vec<(u32, u8)>,
}

/// Registers of variables that count as used over a stretch of code.
pub(super) struct Pinned {
    /// First instruction of each stretch and its set, ascending.
    stretches: Vec<(u32, RegSet)>,
}

impl Pinned {
    pub(super) fn new(proto: &Proto, tbc: &TbcStates) -> Self {
        // Starts and ends of scopes, in lists by pc: the index of the first, and of the next behind each. Ends past the code do not matter.
        const NONE: u32 = u32::MAX;
        let mut first = vec![NONE; proto.code.len()];
        let mut events: Vec<(bool, u8, u32)> = Vec::with_capacity(proto.loc_vars.len() * 2);
        for v in proto.loc_vars.iter().filter(|v| v.start_pc < v.end_pc) {
            for (pc, start) in [(v.start_pc, true), (v.end_pc, false)] {
                if let Some(head) = first.get_mut(pc as usize) {
                    events.push((start, v.reg, *head));
                    *head = events.len() as u32 - 1;
                }
            }
        }
        let mut counts = [0u32; 256];
        let mut scope = RegSet::EMPTY;
        let mut stretches = vec![];
        let mut last = None;
        for (pc, &head) in first.iter().enumerate() {
            let mut at = head;
            while let Some(&(start, reg, next)) = events.get(at as usize) {
                at = next;
                let count = &mut counts[usize::from(reg)];
                *count = if start {
                    *count + 1
                } else {
                    count.saturating_sub(1)
                };
                if *count > 0 {
                    scope.insert(usize::from(reg));
                } else {
                    scope = scope.minus(RegSet::one(usize::from(reg)));
                }
            }
            let set = scope | tbc.at(pc);
            if last != Some(set) {
                stretches.push((pc as u32, set));
                last = Some(set);
            }
        }
        Pinned { stretches }
    }

    /// Walks backwards over the stretches: the set at `pc`, given a cursor that starts at the end.
    fn at(&self, pc: usize, cursor: &mut usize) -> RegSet {
        while self.stretches[*cursor].0 as usize > pc {
            *cursor -= 1;
        }
        self.stretches[*cursor].1
    }

    fn cursor_for(&self, pc: usize) -> usize {
        self.stretches.partition_point(|s| s.0 as usize <= pc) - 1
    }
}

/// Different sets, each with a number: the instructions of a function have one of a few.
#[derive(Default)]
struct Sets {
    sets: Vec<RegSet>,
    index: WordMap<RegSet, u32>,
    /// The set that was asked for last.
    last: Option<(RegSet, u32)>,
}

impl Sets {
    fn number(&mut self, set: RegSet) -> u32 {
        if let Some((last, n)) = self.last
            && last == set
        {
            return n;
        }
        let n = *self.index.entry(set).or_insert_with(|| {
            self.sets.push(set);
            self.sets.len() as u32 - 1
        });
        self.last = Some((set, n));
        n
    }
}

/// To-be-closed registers at each instruction.
#[derive(Default)]
pub(super) struct TbcStates {
    sets: Vec<RegSet>,
    /// One of `sets` per instruction; empty when the function has no such variables.
    at: Vec<u32>,
}

impl TbcStates {
    /// Follows the code forwards. An instruction that two paths reach with different sets is an error: its pc.
    pub(super) fn new(proto: &Proto) -> Result<Self, usize> {
        let any = proto
            .code
            .iter()
            .any(|i| matches!(i.op(), Op::Tbc | Op::TForPrep));
        if !any {
            return Ok(TbcStates::default());
        }
        /// The number of no set: what is not reached.
        const UNKNOWN: u32 = u32::MAX;
        let mut sets = Sets::default();
        let none = sets.number(RegSet::EMPTY);
        let mut at = vec![UNKNOWN; proto.code.len()];
        let mut work = vec![(0, none)];
        while let Some((mut pc, mut state)) = work.pop() {
            loop {
                match at[pc] {
                    UNKNOWN => at[pc] = state,
                    old if old == state => break,
                    _ => return Err(pc),
                }
                let i = proto.code[pc];
                let before = sets.sets[state as usize];
                state = match i.op() {
                    Op::Tbc => sets.number(before | RegSet::one(i.a())),
                    Op::TForPrep => sets.number(before | RegSet::one(i.a() + 3)),
                    Op::Close => sets.number(before & RegSet::below(i.a())),
                    _ => state,
                };
                match successors(i, pc) {
                    (Some(next), jump) => {
                        work.extend(jump.map(|j| (j, state)));
                        pc = next;
                    }
                    (None, Some(jump)) => pc = jump,
                    (None, None) => break,
                }
            }
        }
        for n in at.iter_mut().filter(|n| **n == UNKNOWN) {
            *n = none;
        }
        let sets = sets.sets;
        Ok(TbcStates { sets, at })
    }

    pub(super) fn at(&self, pc: usize) -> RegSet {
        self.at
            .get(pc)
            .map_or(RegSet::EMPTY, |&n| self.sets[n as usize])
    }
}

/// Registers live when an instruction ends, on any way out.
fn live_out(e: &Effects, live_in: impl Fn(usize) -> RegSet) -> RegSet {
    let next = e
        .next
        .map_or(RegSet::EMPTY, |pc| live_in(pc).minus(e.next_writes));
    let jump = e
        .jump
        .map_or(RegSet::EMPTY, |pc| live_in(pc).minus(e.jump_writes));
    next | jump
}

impl Liveness {
    /// Computes the liveness of a function that the compiler made or the verifier accepted.
    pub fn new(proto: &Proto) -> Self {
        let tbc = TbcStates::new(proto).unwrap_or_default();
        Self::with_tbc(proto, &tbc)
    }

    pub(super) fn with_tbc(proto: &Proto, tbc: &TbcStates) -> Self {
        let len = proto.code.len();
        let blocks = Blocks::new(proto);
        let pinned = Pinned::new(proto, tbc);
        let entry = solve(proto, &blocks, &pinned);

        let mut live = Liveness {
            sets: Vec::new(),
            at: vec![0; len],
            across: vec![0; len],
            open: Vec::new(),
        };
        let mut sets = Sets::default();
        for block in 0..blocks.len() {
            let range = blocks.range(block);
            let mut cursor = pinned.cursor_for(range.end - 1);
            let mut below = RegSet::EMPTY;
            for pc in range.rev() {
                // Found again for each instruction: kept, they would be the largest thing that loading a chunk makes.
                let e = effects(proto, pc);
                let out = live_out(&e, |to| {
                    if blocks.starts[blocks.of[to] as usize] as usize == to {
                        entry[blocks.of[to] as usize]
                    } else {
                        below
                    }
                });
                let pin = pinned.at(pc, &mut cursor);
                below = out | e.reads | pin;
                live.at[pc] = sets.number(below);
                let i = proto.code[pc];
                let across = match i.op() {
                    // The callee's frame starts at `a`.
                    Op::Call => (out | pin) & RegSet::below(i.a()),
                    Op::TForCall => (out | e.reads | pin) & RegSet::below(i.a() + 4),
                    Op::TailCall => pin & RegSet::below(i.a()),
                    // The object is in place before the method is looked up.
                    Op::SelfGet => out | e.reads | pin | RegSet::one(i.a() + 1),
                    _ => out | e.reads | pin,
                };
                live.across[pc] = sets.number(across);
            }
        }
        live.sets = sets.sets;
        for pc in 1..len {
            if open_operands(proto.code[pc]).is_some()
                && let Some(first) = open_results(proto.code[pc - 1])
            {
                live.open.push((pc as u32, first as u8));
            }
        }
        live
    }

    /// Registers live before the instruction at `pc` executes.
    pub fn live_at(&self, pc: usize) -> &RegSet {
        &self.sets[self.at[pc] as usize]
    }

    /// Registers that must survive while the instruction at `pc` waits in a call or allocates: what is live after it, without
    /// what it still has to write, and the operands it may read again. For `CALL` only registers under the callee's frame.
    pub fn live_across(&self, pc: usize) -> &RegSet {
        &self.sets[self.across[pc] as usize]
    }

    /// For an instruction with operands "up to top": the first of them. From there to the frame's top all registers are live,
    /// too, before the instruction executes and, unless it is a call, while it waits.
    pub fn open_from(&self, pc: usize) -> Option<u8> {
        let n = self.open.binary_search_by_key(&(pc as u32), |o| o.0).ok()?;
        Some(self.open[n].1)
    }

    /// Number of different sets.
    pub fn distinct_sets(&self) -> usize {
        self.sets.len()
    }
}

/// Live registers at the start of each block, by backward iteration to the least fixed point.
fn solve(proto: &Proto, blocks: &Blocks, pinned: &Pinned) -> Vec<RegSet> {
    let n = blocks.len();
    // A block without its last instruction, as one step: what it reads first, and what it writes.
    let mut reads = vec![RegSet::EMPTY; n];
    let mut writes = vec![RegSet::EMPTY; n];
    let mut pins = vec![RegSet::EMPTY; n];
    let mut preds: Vec<Vec<u32>> = vec![Vec::new(); n];
    let mut lasts = Vec::with_capacity(n);
    for block in 0..n {
        let range = blocks.range(block);
        let last = range.end - 1;
        let mut cursor = pinned.cursor_for(last);
        pins[block] = pinned.at(last, &mut cursor);
        for pc in (range.start..last).rev() {
            let e = effects(proto, pc);
            writes[block] |= e.next_writes;
            reads[block] = reads[block].minus(e.next_writes) | e.reads | pinned.at(pc, &mut cursor);
            writes[block] = writes[block].minus(e.reads);
        }
        let e = effects(proto, last);
        for to in [e.next, e.jump].into_iter().flatten() {
            preds[blocks.of[to] as usize].push(block as u32);
        }
        lasts.push(e);
    }
    let mut entry = vec![RegSet::EMPTY; n];
    let mut queued = vec![true; n];
    let mut work: Vec<u32> = (0..n as u32).collect();
    while let Some(block) = work.pop() {
        let block = block as usize;
        queued[block] = false;
        let e = &lasts[block];
        let out = live_out(e, |to| entry[blocks.of[to] as usize]);
        let set = (out | e.reads | pins[block]).minus(writes[block]) | reads[block];
        if set != entry[block] {
            entry[block] = set;
            for &pred in &preds[block] {
                if !std::mem::replace(&mut queued[pred as usize], true) {
                    work.push(pred);
                }
            }
        }
    }
    entry
}
