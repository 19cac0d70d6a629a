//! A function of machine IR, in the shape the register allocator asks for.
//!
//! Invariants: blocks and instructions are numbered in reverse postorder; no edge is critical; an edge from a block with
//! several successors carries no arguments; virtual registers are defined once.

use super::inst::{CallInfo, MInst};
use crate::ir::SrcLoc;
use regalloc2 as ra;
use smallvec::SmallVec;
use std::ops::Range;

/// A machine block.
#[derive(Clone, Debug, Default)]
pub(crate) struct MBlock {
    pub insts: Range<u32>,
    pub params: SmallVec<[ra::VReg; 2]>,
    pub succs: SmallVec<[ra::Block; 2]>,
    pub preds: SmallVec<[ra::Block; 2]>,
    /// Arguments of the only successor's parameters.
    pub args: SmallVec<[ra::VReg; 2]>,
}

/// A machine function.
#[derive(Clone, Debug, Default)]
pub(crate) struct MFunc {
    pub blocks: Vec<MBlock>,
    pub insts: Vec<MInst>,
    pub locs: Vec<SrcLoc>,
    /// For each instruction its operands in `operands`.
    pub ranges: Vec<Range<u32>>,
    pub operands: Vec<ra::Operand>,
    /// For each instruction how many of its operands it really has, those behind being mentions (`weigh.rs`); empty: all.
    pub real: Vec<u32>,
    pub calls: Vec<CallInfo>,
    pub num_vregs: usize,
    /// Registers that hold vectors, and how many bytes the widest has; 0: there are none.
    pub vectors: Vec<ra::VReg>,
    pub vector_bytes: u32,
}

impl MFunc {
    /// How many of an instruction's operands it reads and writes.
    pub fn real_operands(&self, inst: ra::Inst) -> usize {
        match self.real.get(inst.index()) {
            Some(&n) => n as usize,
            None => self.ranges[inst.index()].len(),
        }
    }
}

impl ra::Function for MFunc {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> ra::Block {
        ra::Block::new(0)
    }

    fn block_insns(&self, block: ra::Block) -> ra::InstRange {
        let r = &self.blocks[block.index()].insts;
        ra::InstRange::new(
            ra::Inst::new(r.start as usize),
            ra::Inst::new(r.end as usize),
        )
    }

    fn block_succs(&self, block: ra::Block) -> &[ra::Block] {
        &self.blocks[block.index()].succs
    }

    fn block_preds(&self, block: ra::Block) -> &[ra::Block] {
        &self.blocks[block.index()].preds
    }

    fn block_params(&self, block: ra::Block) -> &[ra::VReg] {
        &self.blocks[block.index()].params
    }

    fn is_ret(&self, inst: ra::Inst) -> bool {
        self.insts[inst.index()].is_ret()
    }

    fn is_branch(&self, inst: ra::Inst) -> bool {
        self.insts[inst.index()].is_branch()
    }

    fn branch_blockparams(&self, block: ra::Block, _: ra::Inst, _: usize) -> &[ra::VReg] {
        &self.blocks[block.index()].args
    }

    fn inst_operands(&self, inst: ra::Inst) -> &[ra::Operand] {
        let r = &self.ranges[inst.index()];
        &self.operands[r.start as usize..r.end as usize]
    }

    fn inst_clobbers(&self, inst: ra::Inst) -> ra::PRegSet {
        match self.insts[inst.index()] {
            MInst::Call { call, .. } => self.calls[call as usize].clobbers,
            _ => ra::PRegSet::empty(),
        }
    }

    fn num_vregs(&self) -> usize {
        self.num_vregs
    }

    fn spillslot_size(&self, class: ra::RegClass) -> usize {
        match class {
            // The allocator knows one size for all that such registers hold.
            ra::RegClass::Float if self.vector_bytes > 0 => self.vector_bytes as usize / 8,
            _ => 1,
        }
    }
}
