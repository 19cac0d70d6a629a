//! Machine instructions before allocation.
//!
//! Registers are not part of an instruction: they are its operand list, in the order in which emission takes the
//! allocations back. Each variant's comment gives that order; `mem` stands for the registers of a memory operand
//! (base if it is a register, then index if there is one), `src` for those of a source.

use crate::ir::{Pinned, Scale, SymbolRef, Width};
use crate::x86::{Cc, Op};

/// The base of a memory operand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum MBase {
    Reg,
    Pinned(Pinned),
    Symbol(SymbolRef),
    /// Byte offset in the explicit part of the frame.
    Stack(u32),
    /// A constant of the pool.
    Const(u32),
}

/// A memory operand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct MMem {
    pub base: MBase,
    pub index: Option<Scale>,
    pub disp: i32,
}

/// A source operand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Src {
    /// A register, or a spill slot where the operand's constraint allows one.
    Reg,
    Imm(i32),
    Mem(MMem),
}

/// What a condition compares, in the order of its operands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum CmpKind {
    /// register, source
    Reg(Src),
    /// A register, with itself.
    Itself,
    /// memory, register
    MemReg(MMem),
    /// memory, constant
    MemImm(MMem, i32),
    /// rsp, memory
    RspMem(MMem),
    /// Nothing: the flags are those of the instruction before.
    Flags,
}

/// How the parity flag (unordered) takes part in a condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Parity {
    Ignored,
    /// The condition also needs "ordered".
    AndOrdered,
    /// "Unordered" also satisfies the condition.
    OrUnordered,
}

/// A comparison and what is asked of its flags.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct MCond {
    /// `Cmp`, `Test` or `Ucomisd`.
    pub op: Op,
    pub w: Width,
    pub kind: CmpKind,
    pub cc: Cc,
    pub parity: Parity,
}

/// Where a call goes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum MTarget {
    Symbol(SymbolRef),
    Reg,
    Mem(MMem),
}

/// The rest of a call.
#[derive(Clone, Debug)]
pub(crate) struct CallInfo {
    pub clobbers: regalloc2::PRegSet,
    pub safepoint: Option<u32>,
    /// Values named at the safe point, in order: constants, or (`None`) the operands from `first_live` on.
    pub live: Vec<Option<i64>>,
    pub first_live: u32,
}

/// A machine instruction over virtual registers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum MInst {
    /// Defines the parameters: defs in fixed registers.
    Args,
    /// def. Keeps the flags if `keep_flags`.
    Imm {
        value: i64,
        keep_flags: bool,
    },
    /// def: 0.0
    FZero,
    /// a, src, def (reuses a)
    Op2 {
        op: Op,
        w: Width,
        src: Src,
    },
    /// a, src, def: with a result of its own
    Op3 {
        op: Op,
        w: Width,
        src: Src,
    },
    /// src, count, def
    ShiftX {
        op: Op,
        w: Width,
        src: Src,
    },
    /// a, src (register or constant), def: addition without a destroyed operand.
    Add {
        w: Width,
        src: Src,
    },
    /// a, def (reuses a)
    Op1 {
        op: Op,
        w: Width,
    },
    /// a, def (reuses a): shift by a constant
    ShiftImm {
        op: Op,
        w: Width,
        n: u8,
    },
    /// a, count in rcx, def (reuses a)
    ShiftCl {
        op: Op,
        w: Width,
    },
    /// src, def
    ImulImm {
        w: Width,
        src: Src,
        imm: i32,
    },
    /// dividend in rax, divisor, quotient in rax, remainder in rdx
    Div,
    /// factor in rax, factor, low half of the product in rax, high half in rdx
    MulHigh,
    /// src, def: one-operand conversions, moves and loads. `imm` is the third operand of roundsd.
    Conv {
        op: Op,
        w: Width,
        src: Src,
        imm: Option<u8>,
    },
    /// mem, value
    Store {
        op: Op,
        w: Width,
        mem: MMem,
    },
    /// mem
    StoreImm {
        w: Width,
        mem: MMem,
        imm: i32,
    },
    /// mem, src (register or constant)
    MemOp {
        op: Op,
        w: Width,
        mem: MMem,
        src: Src,
    },
    /// mem, def
    Lea {
        mem: MMem,
    },
    /// condition, def, and a scratch def if parity matters
    SetCond {
        cond: MCond,
    },
    /// condition, a, b, def (reuses b); if parity is `AndOrdered`, def reuses a instead
    Select {
        cond: MCond,
        float: bool,
    },
    /// def
    GetPinned(Pinned),
    /// value
    SetPinned(Pinned),
    /// nothing
    AddPinned(Pinned, i32),
    /// target, arguments, named values, results. The number indexes the function's calls.
    Call {
        target: MTarget,
        call: u32,
    },
    /// nothing; arguments for the target's parameters are on the edge
    Jmp,
    /// condition
    Br {
        cond: MCond,
    },
    /// index, two scratch defs. The last successor is the default.
    Switch {
        table: u32,
        len: u32,
    },
    /// nothing: no vector of 256 bits is used any more
    VectorsDone,
    /// results in fixed registers
    Ret,
    /// target, arguments in fixed registers
    TailCall {
        target: MTarget,
    },
    Ud2,
}

impl MInst {
    pub(crate) fn is_ret(&self) -> bool {
        matches!(self, MInst::Ret | MInst::TailCall { .. } | MInst::Ud2)
    }

    pub(crate) fn is_branch(&self) -> bool {
        matches!(self, MInst::Jmp | MInst::Br { .. } | MInst::Switch { .. })
    }
}
