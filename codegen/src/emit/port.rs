//! What calls, returns and jumps out of the function read and destroy, for whoever asks what lives between them.

use super::Emitter;
use crate::mach::{MInst, from_ra};
use crate::x86::Op;
use crate::x86::asm::{Item, Port};
use regalloc2 as ra;
use regalloc2::Function;

/// The bit of an allocated general register.
fn bit(r: ra::PReg) -> u16 {
    match r.class() {
        ra::RegClass::Int => 1 << from_ra(r).hw(),
        _ => 0,
    }
}

impl Emitter<'_> {
    /// The port that a machine instruction is, if it is one; its place is not known yet.
    pub(super) fn port(&self, inst: ra::Inst) -> Option<Port> {
        let minst = &self.sel.func.insts[inst.index()];
        let leaves = matches!(minst, MInst::Ret | MInst::TailCall { .. });
        if !leaves && !matches!(minst, MInst::Call { .. }) {
            return None;
        }
        let (mut uses, mut kills) = (0, 0);
        let operands = self.sel.func.inst_operands(inst);
        for (operand, alloc) in operands.iter().zip(self.allocs) {
            let Some(r) = alloc.as_reg() else { continue };
            match operand.kind() {
                ra::OperandKind::Use => uses |= bit(r),
                ra::OperandKind::Def => kills |= bit(r),
            }
        }
        let clobbers = self.sel.func.inst_clobbers(inst);
        kills |= clobbers.into_iter().fold(0, |set, r| set | bit(r));
        Some(Port {
            at: 0,
            uses,
            kills,
            leaves,
        })
    }

    /// The port at the instruction that it was emitted as, the last one that leaves.
    pub(super) fn placed_port(&self, port: Port) -> Option<Port> {
        let leaves = |item: &Item| matches!(item, Item::Inst(i) if matches!(i.op, Op::Call | Op::Ret | Op::Jmp));
        let at = self.items.iter().rposition(leaves)? as u32;
        Some(Port { at, ..port })
    }
}
