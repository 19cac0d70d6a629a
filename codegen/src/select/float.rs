//! Floating-point arithmetic and conversions.

use super::Selector;
use crate::ir::{BinOp, Inst, LoadKind, Opnd, UnOp, Value, Width};
use crate::mach::{MBase, MInst, MMem, Src};
use crate::x86::Op;
use regalloc2 as ra;

const SIGN: u64 = 1 << 63;

/// The AVX form of an operation, whose result is apart from its operands.
fn vex(op: Op) -> Option<Op> {
    Some(match op {
        Op::Addsd => Op::Vaddsd,
        Op::Subsd => Op::Vsubsd,
        Op::Mulsd => Op::Vmulsd,
        Op::Divsd => Op::Vdivsd,
        Op::Minsd => Op::Vminsd,
        Op::Maxsd => Op::Vmaxsd,
        Op::Andpd => Op::Vandpd,
        Op::Xorpd => Op::Vxorpd,
        Op::Sqrtsd => Op::Vsqrtsd,
        Op::Roundsd => Op::Vroundsd,
        _ => return None,
    })
}

impl Selector<'_> {
    fn const_mem(&mut self, bits: u64, wide: bool) -> MMem {
        MMem {
            base: MBase::Const(self.const_slot(bits, wide)),
            index: None,
            disp: 0,
        }
    }

    /// A fresh register with a constant.
    pub(super) fn float_reg(&mut self, bits: u64) -> ra::VReg {
        let t = self.temp(ra::RegClass::Float);
        let inst = if bits == 0 {
            MInst::FZero
        } else {
            let src = Src::Mem(self.const_mem(bits, false));
            MInst::Conv {
                op: Op::Movsd,
                w: Width::W64,
                src,
                imm: None,
            }
        };
        self.push_def(inst, t);
        t
    }

    /// A source operand: a constant of the pool, a foldable load, or a register.
    pub(super) fn float_src(&mut self, v: Value) -> Src {
        match self.f.def_inst(v) {
            Some(&Inst::Fconst(bits)) if bits != 0 => Src::Mem(self.const_mem(bits, false)),
            _ => self.src(v, LoadKind::F64),
        }
    }

    fn is_float_mem(&self, v: Value) -> bool {
        matches!(self.f.def_inst(v), Some(Inst::Fconst(_)))
            || matches!(self.foldable_load(v), Some((LoadKind::F64, _)))
    }

    pub(super) fn float_binary(&mut self, op: BinOp, a: Value, b: Opnd, res: Value) {
        let Opnd::Value(mut b) = b else { return };
        let mut a = a;
        let (op, commutes) = match op {
            BinOp::Fadd => (Op::Addsd, true),
            BinOp::Fsub => (Op::Subsd, false),
            BinOp::Fmul => (Op::Mulsd, true),
            BinOp::Fmin => (Op::Minsd, false),
            BinOp::Fmax => (Op::Maxsd, false),
            _ => (Op::Divsd, false),
        };
        let prefer_b =
            self.is_float_mem(a) || self.uses[a.index()] > 1 && self.uses[b.index()] == 1;
        if commutes && prefer_b && !self.is_float_mem(b) {
            std::mem::swap(&mut a, &mut b);
        }
        self.use_reg(a);
        let src = self.float_src(b);
        self.float_op(op, src, res);
    }

    /// `res = a op src`, where `a` is the first operand.
    fn float_op(&mut self, op: Op, src: Src, res: Value) {
        let w = Width::W64;
        let own = if self.options.avx() { vex(op) } else { None };
        match own {
            Some(op) => {
                self.def(res);
                self.push(MInst::Op3 { op, w, src });
            }
            None => {
                self.def_reuse(res, 0);
                self.push(MInst::Op2 { op, w, src });
            }
        }
    }

    pub(super) fn float_unary(&mut self, op: UnOp, a: Value, res: Value) {
        let (op, imm) = match op {
            UnOp::Fneg => return self.float_mask(Op::Xorpd, SIGN, a, res),
            UnOp::Fabs => return self.float_mask(Op::Andpd, !SIGN, a, res),
            UnOp::Fsqrt => (Op::Sqrtsd, None),
            UnOp::Ffloor => (Op::Roundsd, Some(9)),
            UnOp::Fceil => (Op::Roundsd, Some(10)),
            UnOp::Ftrunc => (Op::Roundsd, Some(11)),
            UnOp::IntToFloat => (Op::Cvtsi2sd, None),
            UnOp::FloatToInt => (Op::Cvttsd2si, None),
            // Moves between the register files; from memory they are plain loads.
            UnOp::BitsOfFloat => match self.foldable_load(a) {
                Some((LoadKind::F64, addr)) => return self.load(LoadKind::I64, &addr, res),
                _ => return self.conv(Op::Movq, Width::W64, a, res),
            },
            _ => match self.foldable_load(a) {
                Some((LoadKind::I64, addr)) => return self.load(LoadKind::F64, &addr, res),
                _ => return self.conv(Op::Movq, Width::W64, a, res),
            },
        };
        let kind = if op == Op::Cvtsi2sd {
            LoadKind::I64
        } else {
            LoadKind::F64
        };
        let src = if op == Op::Cvtsi2sd {
            self.src(a, kind)
        } else {
            self.float_src(a)
        };
        let own = if self.options.avx() { vex(op) } else { None };
        self.def(res);
        self.push(MInst::Conv {
            op: own.unwrap_or(op),
            w: Width::W64,
            src,
            imm,
        });
    }

    fn float_mask(&mut self, op: Op, bits: u64, a: Value, res: Value) {
        self.use_reg(a);
        let src = Src::Mem(self.const_mem(bits, true));
        self.float_op(op, src, res);
    }
}
