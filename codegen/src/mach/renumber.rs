//! Numbers virtual registers without gaps, block parameters last.
//!
//! The allocator's move resolution scans, for every register and every block it reaches, the parameters of lower-numbered
//! registers; with parameters numbered like other values its time is quadratic in the function. Numbered last,
//! they are not looked at for anything else. Values that no instruction kept (folded ones, constants) get no number.

use super::func::MFunc;
use regalloc2 as ra;

const NONE: u32 = u32::MAX;
const PARAM: u32 = u32::MAX - 1;

/// Renumbers all virtual registers of a function, which had numbers below `num_vregs`.
pub(crate) fn renumber(func: &mut MFunc) {
    let mut map = vec![NONE; func.num_vregs];
    let mut next = 0;
    for v in func.blocks.iter().flat_map(|b| &b.params) {
        map[v.vreg()] = PARAM;
    }
    for range in &func.ranges {
        for o in &func.operands[range.start as usize..range.end as usize] {
            let slot = &mut map[o.vreg().vreg()];
            if *slot == NONE {
                *slot = next;
                next += 1;
            }
        }
    }
    for v in func.blocks.iter().flat_map(|b| &b.params) {
        map[v.vreg()] = next;
        next += 1;
    }
    func.num_vregs = next as usize;

    let new = |v: ra::VReg| ra::VReg::new(map[v.vreg()] as usize, v.class());
    for o in &mut func.operands {
        *o = ra::Operand::new(new(o.vreg()), o.constraint(), o.kind(), o.pos());
    }
    func.vectors.retain(|v| map[v.vreg()] != NONE);
    func.vectors.iter_mut().for_each(|v| *v = new(*v));
    for b in &mut func.blocks {
        b.params
            .iter_mut()
            .chain(&mut b.args)
            .for_each(|v| *v = new(*v));
    }
}
