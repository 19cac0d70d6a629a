//! Weights of uses in innermost loops.
//!
//! The allocator weighs a use by how deep its loop is, twice as much in a loop as outside, and divides the sum by the
//! length of the value's range. What cold code and the ways out of a loop mention often wins registers over the
//! address that every iteration needs, which is then loaded at each use. So the hot blocks of innermost loops
//! mention what they use several times: the further mentions want no register (`Any`), so that they cost nothing where the value
//! has none, and emission never looks at them.

use super::func::MFunc;
use super::inst::MInst;
use regalloc2 as ra;

/// How often a use is mentioned once more. Two leave loads in large loops; from four on, nothing more goes.
const MENTIONS: usize = 3;

/// Mentions again what the blocks of a function use, where `hot` says so.
pub(crate) fn weigh(func: &mut MFunc, hot: &[bool]) {
    func.real = func.ranges.iter().map(|r| r.len() as u32).collect();
    for (data, _) in func.blocks.iter().zip(hot).filter(|(_, hot)| **hot) {
        for i in data.insts.clone().map(|i| i as usize) {
            let range = func.ranges[i].clone();
            // Calls find what they keep at the end of their operands.
            if range.is_empty() || matches!(func.insts[i], MInst::Call { .. }) {
                continue;
            }
            let start = func.operands.len() as u32;
            let range = range.start as usize..range.end as usize;
            func.operands.extend_from_within(range.clone());
            for n in range {
                let o = func.operands[n];
                let free = matches!(
                    o.constraint(),
                    ra::OperandConstraint::Reg | ra::OperandConstraint::Any
                );
                if free && o.kind() == ra::OperandKind::Use {
                    let any = ra::OperandConstraint::Any;
                    let more = ra::Operand::new(o.vreg(), any, o.kind(), o.pos());
                    func.operands.extend(std::iter::repeat_n(more, MENTIONS));
                }
            }
            func.ranges[i] = start..func.operands.len() as u32;
        }
    }
}
