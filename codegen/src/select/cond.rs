//! Conditions: comparisons, their operands and the flags they are read from.

use super::Selector;
use super::addr::truncate;
use crate::ir::{
    Addr, BinOp, Cond, FloatCc, Inst, IntCc, LoadKind, Opnd, Type, Value, ValueDef, Width,
};
use crate::mach::{CmpKind, MCond, MInst, Parity, Src};
use crate::opt::mirror;
use crate::x86::{Cc, Op};
use regalloc2 as ra;

fn int_cc(cc: IntCc) -> Cc {
    match cc {
        IntCc::Eq => Cc::E,
        IntCc::Ne => Cc::Ne,
        IntCc::Slt => Cc::L,
        IntCc::Sle => Cc::Le,
        IntCc::Sgt => Cc::G,
        IntCc::Sge => Cc::Ge,
        IntCc::Ult => Cc::B,
        IntCc::Ule => Cc::Be,
        IntCc::Ugt => Cc::A,
        IntCc::Uge => Cc::Ae,
        IntCc::Of => Cc::O,
        IntCc::NoOf => Cc::No,
        IntCc::Neg => Cc::S,
        IntCc::NonNeg => Cc::Ns,
    }
}

/// The condition that asks the sign and zero flags of `a` what `cc` asks of `a - 0`.
fn against_zero(cc: IntCc) -> Option<Cc> {
    match cc {
        IntCc::Eq | IntCc::Ne | IntCc::Neg | IntCc::NonNeg => Some(int_cc(cc)),
        IntCc::Slt => Some(Cc::S),
        IntCc::Sge => Some(Cc::Ns),
        _ => None,
    }
}

impl Selector<'_> {
    /// Adds the operands of a condition and returns its shape.
    pub(super) fn cond(&mut self, cond: &Cond) -> MCond {
        match *cond {
            Cond::Icmp { cc, w, a, b } => self.icmp(cc, w, a, b),
            Cond::IcmpMem { cc, w, addr, b } => self.cmp_mem(Op::Cmp, cc, w, &addr, b),
            Cond::Test { cc, w, a, b } => self.test(cc, w, a, b),
            Cond::TestMem { cc, w, addr, b } => self.cmp_mem(Op::Test, cc, w, &addr, b),
            Cond::Fcmp { cc, a, b } => self.fcmp(cc, a, b),
            Cond::RspMem { cc, addr } => {
                let mem = self.addr(&addr);
                int(Op::Cmp, Width::W64, CmpKind::RspMem(mem), int_cc(cc))
            }
            Cond::Overflow(v) => {
                self.read_flags_of(v);
                int(Op::Cmp, Width::W64, CmpKind::Flags, Cc::O)
            }
        }
    }

    /// Makes the instruction just before keep its flags for this one.
    fn read_flags_of(&mut self, v: Value) {
        if let ValueDef::Inst(id, _) = self.f.values[v.index()].def {
            self.want_flags[id.index()] = true;
        }
        self.flags_live = true;
    }

    /// Whether the value is computed just before, by an instruction whose flags tell its sign and zeroness.
    fn flags_are_of(&self, v: Value) -> bool {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return false;
        };
        self.here.prev == Some(id)
            && matches!(
                self.f.insts[id.index()].inst,
                Inst::Binary {
                    op: BinOp::Iadd | BinOp::Isub | BinOp::And | BinOp::Or | BinOp::Xor,
                    ..
                }
            )
    }

    fn icmp(&mut self, cc: IntCc, w: Width, a: Value, b: Opnd) -> MCond {
        let (mut cc, mut a, mut b) = (cc, a, self.resolve(b));
        if let (Opnd::Value(v), Some(m)) = (b, mirror(cc)) {
            let load = |v| {
                self.foldable_load(v)
                    .is_some_and(|(k, _)| load_width(k) == Some(w))
            };
            if self.f.as_iconst(a).is_some() || (load(a) && !load(v)) {
                b = self.resolve(Opnd::Value(a));
                a = v;
                cc = m;
            }
        }
        let n = match b {
            Opnd::Imm(n) => n,
            Opnd::Value(v) => return self.cmp_reg(cc, w, a, v),
        };
        let n = truncate(n, w);
        if let Some((kind, addr)) = self.foldable_load(a)
            && let Some(w) = compare_width(kind, w, cc, n)
        {
            let mem = self.addr(&addr);
            return int(Op::Cmp, w, CmpKind::MemImm(mem, n), int_cc(cc));
        }
        if n == 0
            && let Some(zero_cc) = against_zero(cc)
        {
            if let Some(&Inst::Binary {
                op: BinOp::And,
                a: x,
                b: y,
            }) = self.only_use(a)
            {
                return self.test(
                    if cc == IntCc::Slt {
                        IntCc::Neg
                    } else if cc == IntCc::Sge {
                        IntCc::NonNeg
                    } else {
                        cc
                    },
                    w,
                    x,
                    y,
                );
            }
            if w == Width::W64 && self.flags_are_of(a) {
                self.read_flags_of(a);
                return int(Op::Test, w, CmpKind::Flags, zero_cc);
            }
            self.use_reg(a);
            return int(Op::Test, w, CmpKind::Itself, zero_cc);
        }
        self.use_reg(a);
        int(Op::Cmp, w, CmpKind::Reg(Src::Imm(n)), int_cc(cc))
    }

    fn cmp_reg(&mut self, cc: IntCc, w: Width, a: Value, b: Value) -> MCond {
        // What was computed here is in a register; the other operand may be in memory.
        if self.is_from_here(b)
            && !self.is_from_here(a)
            && self.foldable_load(b).is_none()
            && let Some(cc) = crate::opt::mirror(cc)
        {
            return self.cmp_reg(cc, w, b, a);
        }
        self.use_reg(a);
        let src = match self.foldable_load(b) {
            Some((k, addr)) if load_width(k) == Some(w) => Src::Mem(self.addr(&addr)),
            _ => {
                let r = self.reg(b);
                self.ops.push(ra::Operand::any_use(r));
                Src::Reg
            }
        };
        int(Op::Cmp, w, CmpKind::Reg(src), int_cc(cc))
    }

    /// Whether the block that is lowered computes a value, other than constants.
    fn is_from_here(&self, v: Value) -> bool {
        match self.f.values[v.index()].def {
            ValueDef::Inst(id, _) => {
                self.block_of[id.index()] == self.here.block
                    && !self.f.insts[id.index()].inst.is_const()
            }
            ValueDef::Param(..) => false,
        }
    }

    fn test(&mut self, cc: IntCc, w: Width, a: Value, b: Opnd) -> MCond {
        let (mut a, mut b) = (a, self.resolve(b));
        if let (Opnd::Value(v), Some(n)) = (b, self.as_imm(Opnd::Value(a))) {
            a = v;
            b = Opnd::Imm(n);
        }
        match b {
            Opnd::Imm(n) => {
                let n = truncate(n, w);
                // A small mask needs only the low byte, or the low half, of the operand.
                let sign = matches!(cc, IntCc::Neg | IntCc::NonNeg);
                let w = match w {
                    _ if !sign && (0..=255).contains(&n) => Width::W8,
                    Width::W64 if !sign && n >= 0 => Width::W32,
                    w => w,
                };
                if let Some((kind, addr)) = self.foldable_load(a)
                    && load_width(kind).is_some_and(|lw| lw.bytes() >= w.bytes())
                {
                    let mem = self.addr(&addr);
                    return int(Op::Test, w, CmpKind::MemImm(mem, n), int_cc(cc));
                }
                self.use_reg(a);
                int(Op::Test, w, CmpKind::Reg(Src::Imm(n)), int_cc(cc))
            }
            Opnd::Value(v) => {
                let mask = self.f.as_iconst(v).and_then(|n| u32::try_from(n).ok());
                if let Some(mask) = mask
                    && !matches!(cc, IntCc::Neg | IntCc::NonNeg)
                {
                    self.use_reg(a);
                    let mask = CmpKind::Reg(Src::Imm(mask as i32));
                    return int(Op::Test, Width::W32, mask, int_cc(cc));
                }
                self.use_reg(a);
                self.use_reg(v);
                int(Op::Test, w, CmpKind::Reg(Src::Reg), int_cc(cc))
            }
        }
    }

    fn cmp_mem(&mut self, op: Op, cc: IntCc, w: Width, addr: &Addr, b: Opnd) -> MCond {
        let mem = self.addr(addr);
        // Only the low bits of a constant count.
        let low = |n: i64| match w {
            Width::W64 => i32::try_from(n).ok(),
            _ => Some(truncate(n as i32, w)),
        };
        let kind = match b {
            Opnd::Imm(n) => CmpKind::MemImm(mem, truncate(n, w)),
            Opnd::Value(v) => match self.f.as_iconst(v).and_then(low) {
                Some(n) => CmpKind::MemImm(mem, n),
                None => {
                    self.use_reg(v);
                    CmpKind::MemReg(mem)
                }
            },
        };
        int(op, w, kind, int_cc(cc))
    }

    /// `ucomisd x, y` sets the flags of an unsigned comparison, and all of them if unordered: so only "above" and
    /// "above or equal" are false for NaN, and less-than exchanges its operands.
    fn fcmp(&mut self, cc: FloatCc, a: Value, b: Value) -> MCond {
        let (x, y) = match cc {
            FloatCc::Lt | FloatCc::Le => (b, a),
            _ => (a, b),
        };
        let (cc, parity) = match cc {
            FloatCc::Lt | FloatCc::Gt => (Cc::A, Parity::Ignored),
            FloatCc::Le | FloatCc::Ge => (Cc::Ae, Parity::Ignored),
            FloatCc::Eq if a == b => (Cc::Np, Parity::Ignored),
            FloatCc::Ne if a == b => (Cc::P, Parity::Ignored),
            FloatCc::Eq => (Cc::E, Parity::AndOrdered),
            FloatCc::Ne => (Cc::Ne, Parity::OrUnordered),
        };
        self.use_reg(x);
        let src = self.float_src(y);
        MCond {
            op: Op::Ucomisd,
            w: Width::W64,
            kind: CmpKind::Reg(src),
            cc,
            parity,
        }
    }

    pub(super) fn bool_of(&mut self, cond: &Cond, res: Value) {
        let cond = self.cond(cond);
        self.def(res);
        if cond.parity != Parity::Ignored {
            let t = self.temp(ra::RegClass::Int);
            self.ops.push(ra::Operand::reg_def(t));
        }
        self.push(MInst::SetCond { cond });
    }

    pub(super) fn select(&mut self, cond: &Cond, a: Value, b: Value, res: Value) {
        let cond = self.cond(cond);
        let at = self.ops.len();
        self.use_reg(a);
        self.use_reg(b);
        let float = self.f.ty(res) == Type::F64;
        self.def_reuse(
            res,
            if cond.parity == Parity::AndOrdered {
                at
            } else {
                at + 1
            },
        );
        self.push(MInst::Select { cond, float });
    }
}

fn int(op: Op, w: Width, kind: CmpKind, cc: Cc) -> MCond {
    MCond {
        op,
        w,
        kind,
        cc,
        parity: Parity::Ignored,
    }
}

/// The memory width a load reads, for integers.
fn load_width(kind: LoadKind) -> Option<Width> {
    match kind {
        LoadKind::U8 | LoadKind::S8 => Some(Width::W8),
        LoadKind::U16 | LoadKind::S16 => Some(Width::W16),
        LoadKind::U32 | LoadKind::S32 => Some(Width::W32),
        LoadKind::I64 => Some(Width::W64),
        LoadKind::F64 => None,
    }
}

/// The width at which memory can be compared instead of a value loaded from it.
fn compare_width(kind: LoadKind, w: Width, cc: IntCc, n: i32) -> Option<Width> {
    let memory = load_width(kind)?;
    if memory == w {
        return Some(w);
    }
    // A zero-extended value against a small constant: equality and unsigned order do not need the zeros.
    let order = matches!(
        cc,
        IntCc::Eq | IntCc::Ne | IntCc::Ult | IntCc::Ule | IntCc::Ugt | IntCc::Uge
    );
    let zero_extended = matches!(kind, LoadKind::U8 | LoadKind::U16 | LoadKind::U32);
    (zero_extended && order && memory.bytes() < w.bytes() && (0..=127).contains(&n))
        .then_some(memory)
}
