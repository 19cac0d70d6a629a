//! Where vectors live: there, spilling and moving a register is about all of it, whatever it holds.
//!
//! The allocator's moves do not say which value they move, and it keeps all that floating-point registers hold in slots of
//! one size. Elsewhere in the function, moves are as they would be without vectors.

use crate::mach::MFunc;
use regalloc2::{Function as _, Inst, OperandKind};

/// By block: whether a vector is live somewhere in it, or at its edges.
pub(super) fn blocks(func: &MFunc) -> Vec<bool> {
    if func.vectors.is_empty() {
        return Vec::new();
    }
    let mut number = vec![None; func.num_vregs];
    for (n, v) in func.vectors.iter().enumerate() {
        number[v.vreg()] = Some(n);
    }
    let count = func.vectors.len();
    let blocks = func.blocks.len();
    let mut live_in = vec![vec![false; count]; blocks];
    let mut wide = vec![false; blocks];
    let mut changed = true;
    while changed {
        changed = false;
        for b in (0..blocks).rev() {
            let data = &func.blocks[b];
            let mut live = vec![false; count];
            for s in &data.succs {
                for (l, &there) in live.iter_mut().zip(&live_in[s.index()]) {
                    *l |= there;
                }
            }
            wide[b] |= live.contains(&true);
            for v in &data.args {
                if let Some(n) = number[v.vreg()] {
                    live[n] = true;
                    wide[b] = true;
                }
            }
            for i in data.insts.clone().rev() {
                let operands = func.inst_operands(Inst::new(i as usize));
                for kind in [OperandKind::Def, OperandKind::Use] {
                    for o in operands.iter().filter(|o| o.kind() == kind) {
                        if let Some(n) = number[o.vreg().vreg()] {
                            live[n] = kind == OperandKind::Use;
                            wide[b] = true;
                        }
                    }
                }
            }
            for v in &data.params {
                if let Some(n) = number[v.vreg()] {
                    live[n] = false;
                    wide[b] = true;
                }
            }
            if live_in[b] != live {
                live_in[b] = live;
                changed = true;
            }
        }
    }
    wide
}
