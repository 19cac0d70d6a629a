//! Basic blocks of a function's bytecode.

use trinity_frontend::bytecode::{Instr, Op, Proto};

/// Index of a basic block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockId(pub u32);

impl BlockId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A basic block: instructions `start..end`; only the last one can transfer control.
#[derive(Clone, Debug)]
pub struct Block {
    /// First instruction.
    pub start: u32,
    /// One past the last instruction.
    pub end: u32,
    /// Successors: fall-through first, jump target second.
    pub succs: Vec<BlockId>,
    /// Predecessors, in no particular order.
    pub preds: Vec<BlockId>,
    /// Target of a backward edge.
    pub loop_header: bool,
}

/// The control-flow graph. Unreachable blocks have no predecessors and are not the entry.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Blocks in bytecode order; block 0 is the entry.
    pub blocks: Vec<Block>,
    /// Block of each instruction.
    pub block_of: Vec<BlockId>,
    /// Blocks reachable from the entry, in reverse postorder.
    pub rpo: Vec<BlockId>,
}

/// Where the instruction at `pc` can go: (falls through to pc + 1, jump target).
pub fn successors(code: &[Instr], pc: u32) -> (bool, Option<u32>) {
    let i = code[pc as usize];
    let target = || (pc as i64 + 1 + i.sd() as i64) as u32;
    match i.op() {
        Op::Jmp | Op::TForPrep => (false, Some(target())),
        Op::LFalseSkip => (false, Some(pc + 2)),
        Op::ForPrep => (true, Some(target() + 1)),
        Op::Return | Op::Return0 | Op::Return1 | Op::TailCall => (false, None),
        op if op.is_jump() => (true, Some(target())),
        _ => (true, None),
    }
}

impl Cfg {
    /// Builds the graph of verified bytecode.
    pub fn new(p: &Proto) -> Cfg {
        let n = p.code.len();
        let mut leader = vec![false; n + 1];
        leader[0] = true;
        for pc in 0..n as u32 {
            let (falls, target) = successors(&p.code, pc);
            if let Some(t) = target {
                leader[t as usize] = true;
            }
            if target.is_some() || !falls {
                leader[pc as usize + 1] = true;
            }
        }
        let mut blocks = Vec::new();
        let mut block_of = vec![BlockId(0); n];
        let mut start = 0;
        for pc in 1..=n {
            if pc == n || leader[pc] {
                let id = BlockId(blocks.len() as u32);
                block_of[start..pc].fill(id);
                blocks.push(Block {
                    start: start as u32,
                    end: pc as u32,
                    succs: Vec::new(),
                    preds: Vec::new(),
                    loop_header: false,
                });
                start = pc;
            }
        }
        for b in 0..blocks.len() {
            let last = blocks[b].end - 1;
            let (falls, target) = successors(&p.code, last);
            let mut succs = Vec::new();
            if falls && (last as usize + 1) < n {
                succs.push(block_of[last as usize + 1]);
            }
            if let Some(t) = target {
                let s = block_of[t as usize];
                if s.index() <= b {
                    blocks[s.index()].loop_header = true;
                }
                succs.push(s);
            }
            blocks[b].succs = succs;
        }
        let rpo = reverse_postorder(&blocks);
        for &b in &rpo {
            for s in blocks[b.index()].succs.clone() {
                if !blocks[s.index()].preds.contains(&b) {
                    blocks[s.index()].preds.push(b);
                }
            }
        }
        Cfg {
            blocks,
            block_of,
            rpo,
        }
    }
}

fn reverse_postorder(blocks: &[Block]) -> Vec<BlockId> {
    let mut seen = vec![false; blocks.len()];
    let mut order = Vec::new();
    let mut stack = vec![(BlockId(0), 0usize)];
    seen[0] = true;
    while let Some((b, i)) = stack.pop() {
        // Visiting the jump target first puts the fall-through block right behind its predecessor in the final order.
        let succs = &blocks[b.index()].succs;
        if i < succs.len() {
            stack.push((b, i + 1));
            let s = succs[succs.len() - 1 - i];
            if !seen[s.index()] {
                seen[s.index()] = true;
                stack.push((s, 0));
            }
        } else {
            order.push(b);
        }
    }
    order.reverse();
    order
}
