//! What an instruction reads and writes, and where it goes next: the opcode table's modes and extras in one place.
//!
//! Some writes happen on one way out only (`JMPTSET` writes when it jumps), so they are kept by edge. Operands that reach "up
//! to top" count up to the open instruction before, whose results begin where the fixed operands end.

use super::Instr;
use super::instr::RK_CONST;
use super::op::{Extra, Mode, Op};
use super::proto::Proto;
use super::regset::RegSet;

/// Register effects and successors of one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// Registers read.
    pub reads: RegSet,
    /// Registers written on the way to the next instruction.
    pub next_writes: RegSet,
    /// Registers written on the way to the jump target.
    pub jump_writes: RegSet,
    /// The instruction reached by going on (for `LFALSESKIP`, the one it skips to).
    pub next: Option<usize>,
    /// The jump target.
    pub jump: Option<usize>,
}

/// First register of the open results an instruction leaves (`CALL` and `VARARG` with `c = 0`).
pub fn open_results(i: Instr) -> Option<usize> {
    matches!(i.op(), Op::Call | Op::VarArg).then_some(())?;
    (i.c() == 0).then_some(i.a())
}

/// First register an open operand may start at, for instructions that take values up to top.
pub fn open_operands(i: Instr) -> Option<usize> {
    let first = match i.op() {
        Op::Call | Op::TailCall | Op::SetList => i.a() + 1,
        Op::Return => i.a(),
        _ => return None,
    };
    (i.b() == 0).then_some(first)
}

/// The effects of the instruction at `pc`. Operands must be in range (see `bytecode::verify`).
pub fn effects(proto: &Proto, pc: usize) -> Effects {
    let i = proto.code[pc];
    let op = i.op();
    let info = op.info();
    let (a, b, c) = (i.a(), i.b(), i.c());
    let mut reads = RegSet::EMPTY;
    let mut writes = RegSet::EMPTY;
    for (value, mode) in [a, b, c].into_iter().zip(info.modes) {
        match mode {
            Mode::R => reads.insert(value),
            Mode::W => writes.insert(value),
            Mode::RW => {
                reads.insert(value);
                writes.insert(value);
            }
            Mode::RK if value < usize::from(RK_CONST) => reads.insert(value),
            _ => {}
        }
    }
    // Registers from `first` to the end of a counted or open operand list.
    let list = |first: usize, count: usize| match count {
        0 => {
            let open = pc.checked_sub(1).and_then(|p| open_results(proto.code[p]));
            RegSet::range(first, open.unwrap_or(first).max(first))
        }
        n => RegSet::range(first, first + n - 1),
    };
    let mut jump_writes = writes;
    match info.extra {
        Extra::None | Extra::VarArgPrep | Extra::Close => {}
        Extra::NilRange => writes |= RegSet::range(a, a + b + 1),
        Extra::SelfPair => writes.insert(a + 1),
        Extra::ConcatRange => reads |= RegSet::range(a, a + b),
        Extra::SetList => reads |= list(a + 1, if b == 0 { 0 } else { b + 1 }),
        Extra::Call => {
            reads |= RegSet::one(a) | list(a + 1, b);
            writes = RegSet::range(a, a + c.max(1) - 1);
        }
        Extra::TailCall => reads |= RegSet::one(a) | list(a + 1, b),
        Extra::Return => reads = list(a, b),
        Extra::ForPrep => {
            reads |= RegSet::range(a, a + 3);
            writes = RegSet::range(a, a + 4);
            jump_writes = RegSet::EMPTY;
        }
        Extra::ForLoop => {
            reads |= RegSet::range(a, a + 3);
            writes = RegSet::EMPTY;
            jump_writes = RegSet::one(a) | RegSet::one(a + 3);
        }
        Extra::TForPrep => reads |= RegSet::range(a, a + 4),
        Extra::TForCall => {
            reads |= RegSet::range(a, a + 4);
            writes = RegSet::range(a + 4, a + 4 + c);
        }
        Extra::TForLoop => {
            reads = RegSet::one(a + 4);
            writes = RegSet::EMPTY;
            jump_writes = RegSet::one(a + 2);
        }
        Extra::VarArg => writes = RegSet::range(a, a + c.max(1) - 1),
        Extra::Closure => {
            let child = &proto.protos[i.dd() as usize];
            for up in child.upvals.iter().filter(|u| u.in_stack) {
                reads.insert(usize::from(up.index));
            }
        }
    }
    let (next, jump) = successors(i, pc);
    if matches!(op, Op::JmpTSet | Op::JmpFSet) {
        writes = RegSet::EMPTY;
    }
    Effects {
        reads,
        next_writes: writes,
        jump_writes,
        next,
        jump,
    }
}

/// Where instruction `i` at `pc` goes: the instruction reached by going on, and the jump target, as in [`Effects`].
pub fn successors(i: Instr, pc: usize) -> (Option<usize>, Option<usize>) {
    let op = i.op();
    match op {
        Op::Return | Op::Return0 | Op::Return1 | Op::TailCall => (None, None),
        Op::LFalseSkip => (Some(pc + 2), None),
        Op::Jmp | Op::TForPrep => (None, Some(target(pc, i))),
        Op::ForPrep => (Some(pc + 1), Some(target(pc, i) + 1)),
        _ if op.is_jump() => (Some(pc + 1), Some(target(pc, i))),
        _ => (Some(pc + 1), None),
    }
}

fn target(pc: usize, i: Instr) -> usize {
    (pc as i64 + 1 + i64::from(i.sd())) as usize
}

/// First instructions of basic blocks, in ascending order, and the block of each instruction.
pub struct Blocks {
    /// First instruction of each block, and the code's length at the end.
    pub starts: Vec<u32>,
    /// Block of each instruction.
    pub of: Vec<u32>,
}

impl Blocks {
    /// Finds the basic blocks of a function. Jump targets must be in range.
    pub fn new(proto: &Proto) -> Self {
        let len = proto.code.len();
        let mut leader = vec![false; len + 1];
        leader[0] = true;
        for (pc, i) in proto.code.iter().enumerate() {
            let op = i.op();
            let plain = !op.is_jump()
                && !matches!(
                    op,
                    Op::Return | Op::Return0 | Op::Return1 | Op::TailCall | Op::LFalseSkip
                );
            if plain {
                continue;
            }
            leader[pc + 1] = true;
            if op == Op::LFalseSkip {
                leader[(pc + 2).min(len)] = true;
            } else if op.is_jump() {
                let skip = usize::from(op == Op::ForPrep);
                leader[(target(pc, *i) + skip).min(len)] = true;
            }
        }
        let starts: Vec<u32> = (0..=len)
            .filter(|&pc| leader[pc] || pc == len)
            .map(|pc| pc as u32)
            .collect();
        let mut of = Vec::with_capacity(len);
        for (block, pair) in starts.windows(2).enumerate() {
            of.resize(pair[1] as usize, block as u32);
        }
        Blocks { starts, of }
    }

    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True when there is no code.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Instructions of a block.
    pub fn range(&self, block: usize) -> std::ops::Range<usize> {
        self.starts[block] as usize..self.starts[block + 1] as usize
    }
}
