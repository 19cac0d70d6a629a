//! Machine instructions over physical registers, before encoding.

use super::table::Op;
use crate::ir::{PReg, Scale, SymbolRef, Width};

/// Condition codes, numbered as the processor encodes them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Cc {
    /// Overflow.
    O = 0,
    /// No overflow.
    No = 1,
    /// Below (unsigned).
    B = 2,
    /// Above or equal (unsigned).
    Ae = 3,
    /// Equal.
    E = 4,
    /// Not equal.
    Ne = 5,
    /// Below or equal (unsigned).
    Be = 6,
    /// Above (unsigned).
    A = 7,
    /// Sign.
    S = 8,
    /// No sign.
    Ns = 9,
    /// Parity: unordered.
    P = 10,
    /// No parity: ordered.
    Np = 11,
    /// Less (signed).
    L = 12,
    /// Greater or equal (signed).
    Ge = 13,
    /// Less or equal (signed).
    Le = 14,
    /// Greater (signed).
    G = 15,
}

impl Cc {
    const ALL: [Cc; 16] = [
        Cc::O,
        Cc::No,
        Cc::B,
        Cc::Ae,
        Cc::E,
        Cc::Ne,
        Cc::Be,
        Cc::A,
        Cc::S,
        Cc::Ns,
        Cc::P,
        Cc::Np,
        Cc::L,
        Cc::Ge,
        Cc::Le,
        Cc::G,
    ];

    /// The opposite condition.
    #[inline]
    pub fn negate(self) -> Cc {
        Cc::ALL[self as usize ^ 1]
    }
}

/// What an instruction-relative operand refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RipTarget {
    /// An external symbol.
    Symbol(SymbolRef),
    /// A constant in the function's pool.
    Const(u32),
    /// A jump table.
    Table(u32),
}

/// The base of a memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MemBase {
    /// An integer register.
    Reg(PReg),
    /// Relative to the instruction pointer; no index.
    Rip(RipTarget),
}

/// A memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mem {
    /// Base.
    pub base: MemBase,
    /// Index register (not rsp) and factor.
    pub index: Option<(PReg, Scale)>,
    /// Displacement.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub fn reg(base: PReg, disp: i32) -> Mem {
        Mem {
            base: MemBase::Reg(base),
            index: None,
            disp,
        }
    }

    /// `[rip + target]`
    pub fn rip(target: RipTarget) -> Mem {
        Mem {
            base: MemBase::Rip(target),
            index: None,
            disp: 0,
        }
    }
}

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Opnd {
    /// Absent.
    None,
    /// A register of either class.
    Reg(PReg),
    /// Memory.
    Mem(Mem),
    /// An immediate.
    Imm(i64),
    /// An external symbol as a branch target.
    Symbol(SymbolRef),
}

impl From<PReg> for Opnd {
    fn from(r: PReg) -> Opnd {
        Opnd::Reg(r)
    }
}

impl From<Mem> for Opnd {
    fn from(m: Mem) -> Opnd {
        Opnd::Mem(m)
    }
}

/// A machine instruction. The destination comes first, as in Intel syntax.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inst {
    /// Operation.
    pub op: Op,
    /// Operand width, where the operation has several.
    pub w: Width,
    /// Condition of `setcc` and `cmovcc`.
    pub cc: Cc,
    /// First operand.
    pub a: Opnd,
    /// Second operand.
    pub b: Opnd,
    /// Third operand.
    pub c: Opnd,
}

impl Inst {
    /// No operands, or implicit ones.
    pub fn op0(op: Op) -> Inst {
        Inst {
            op,
            w: Width::W64,
            cc: Cc::O,
            a: Opnd::None,
            b: Opnd::None,
            c: Opnd::None,
        }
    }

    /// One operand.
    pub fn op1(op: Op, w: Width, a: impl Into<Opnd>) -> Inst {
        Inst {
            w,
            a: a.into(),
            ..Inst::op0(op)
        }
    }

    /// Two operands.
    pub fn op2(op: Op, w: Width, a: impl Into<Opnd>, b: impl Into<Opnd>) -> Inst {
        Inst {
            w,
            a: a.into(),
            b: b.into(),
            ..Inst::op0(op)
        }
    }

    /// Three operands.
    pub fn op3(op: Op, w: Width, a: impl Into<Opnd>, b: impl Into<Opnd>, c: Opnd) -> Inst {
        Inst {
            w,
            a: a.into(),
            b: b.into(),
            c,
            ..Inst::op0(op)
        }
    }

    /// With a condition.
    pub fn with_cc(mut self, cc: Cc) -> Inst {
        self.cc = cc;
        self
    }
}
