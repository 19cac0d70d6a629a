//! Vectors: two numbers by SSE2, four by AVX2. There is no third kind: vectors of 128 bits never use the AVX forms, and what comes
//! behind those of 256 bits stands behind `vdone`.

use super::Selector;
use crate::ir::{Addr, Inst, Opnd, Type, Value, ValueDef, VecOp, Width};
use crate::mach::{MInst, Src};
use crate::x86::Op;
use regalloc2 as ra;

const W: Width = Width::W64;

/// The instruction of an operation with two operands.
fn op_of(op: VecOp, wide: bool) -> Op {
    let (two, four) = match op {
        VecOp::Iadd => (Op::Paddq, Op::Vpaddq),
        VecOp::Isub => (Op::Psubq, Op::Vpsubq),
        VecOp::Imul32 => (Op::Pmuludq, Op::Vpmuludq),
        VecOp::And => (Op::Pand, Op::Vpand),
        VecOp::Or => (Op::Por, Op::Vpor),
        VecOp::Xor => (Op::Pxor, Op::Vpxor),
        VecOp::Shl => (Op::Psllq, Op::Vpsllq),
        VecOp::Shr => (Op::Psrlq, Op::Vpsrlq),
        VecOp::Fadd => (Op::Addpd, Op::Vaddpd),
        VecOp::Fsub => (Op::Subpd, Op::Vsubpd),
        VecOp::Fmul => (Op::Mulpd, Op::Vmulpd),
        VecOp::Fdiv => (Op::Divpd, Op::Vdivpd),
        VecOp::Fsqrt => (Op::Sqrtpd, Op::Vsqrtpd),
        VecOp::Splat => (Op::Pshufd, Op::Vbroadcastsd),
        VecOp::High => (Op::Pshufd, Op::Vextracti128),
        VecOp::Low => (Op::Movq, Op::Movaps),
    };
    if wide { four } else { two }
}

impl Selector<'_> {
    pub(super) fn vector(&mut self, op: VecOp, ty: Type, a: Value, b: Opnd, res: Value) {
        let wide = ty == Type::V256;
        let code = op_of(op, wide);
        match (op, b) {
            (_, Opnd::Value(b)) if wide => {
                let commutes = !matches!(op, VecOp::Isub | VecOp::Fsub | VecOp::Fdiv);
                let loaded = |v| self.vector_in_memory(v).is_some();
                let (a, b) = match commutes && loaded(a) && !loaded(b) {
                    true => (b, a),
                    false => (a, b),
                };
                self.use_reg(a);
                let src = match self.vector_in_memory(b) {
                    Some(addr) => Src::Mem(self.addr(&addr)),
                    None => {
                        self.use_reg(b);
                        Src::Reg
                    }
                };
                self.def(res);
                self.push(MInst::Op3 {
                    op: code,
                    w: W,
                    src,
                });
            }
            // SSE2 wants operands in memory at multiples of 16; elements of arrays and spill slots are not.
            (_, Opnd::Value(b)) => {
                self.use_reg(a);
                self.use_reg(b);
                self.def_reuse(res, 0);
                let src = Src::Reg;
                self.push(MInst::Op2 {
                    op: code,
                    w: W,
                    src,
                });
            }
            (VecOp::Shl | VecOp::Shr, Opnd::Imm(n)) if !wide => {
                self.use_reg(a);
                self.def_reuse(res, 0);
                self.push(MInst::ShiftImm {
                    op: code,
                    w: W,
                    n: n as u8,
                });
            }
            (VecOp::Shl | VecOp::Shr, Opnd::Imm(n)) => self.lanes(code, Some(n as u8), a, res),
            (VecOp::Splat, _) => {
                let mut number = self.reg(a);
                if self.f.ty(a) == Type::I64 {
                    let t = self.temp(ra::RegClass::Float);
                    self.ops.push(ra::Operand::reg_use(number));
                    self.ops.push(ra::Operand::reg_def(t));
                    self.push_conv(Op::Movq, None);
                    number = t;
                }
                self.ops.push(ra::Operand::reg_use(number));
                self.def(res);
                // The low half twice.
                self.push_conv(code, (!wide).then_some(0x44));
            }
            (VecOp::High, _) => {
                // The second half: of the register, or twice in it.
                let imm = if wide { 1 } else { 0xee };
                self.lanes(code, Some(imm), a, res);
            }
            (_, Opnd::Imm(_)) => self.lanes(code, None, a, res),
        }
    }

    fn lanes(&mut self, op: Op, imm: Option<u8>, a: Value, res: Value) {
        self.use_reg(a);
        self.def(res);
        self.push_conv(op, imm);
    }

    fn push_conv(&mut self, op: Op, imm: Option<u8>) {
        let src = Src::Reg;
        self.push(MInst::Conv { op, w: W, src, imm });
    }

    /// Where a vector is loaded from, if the load can be part of its user.
    fn vector_in_memory(&self, v: Value) -> Option<Addr> {
        let ValueDef::Inst(id, _) = self.f.values[v.index()].def else {
            return None;
        };
        match self.only_use(v) {
            Some(&Inst::VectorLoad { addr, .. })
                if self.options.loads
                    && self.block_of[id.index()] == self.here.block
                    && self.color[id.index()] == self.here.color =>
            {
                Some(addr)
            }
            _ => None,
        }
    }

    pub(super) fn vector_load(&mut self, ty: Type, addr: &Addr, res: Value) {
        let mem = self.addr(addr);
        self.def(res);
        self.push(MInst::Conv {
            op: moves(ty),
            w: W,
            src: Src::Mem(mem),
            imm: None,
        });
    }

    pub(super) fn vector_store(&mut self, addr: &Addr, val: Value) {
        let mem = self.addr(addr);
        self.use_reg(val);
        let op = moves(self.f.ty(val));
        self.push(MInst::Store { op, w: W, mem });
    }
}

fn moves(ty: Type) -> Op {
    match ty {
        Type::V256 => Op::Vmovups,
        _ => Op::Movups,
    }
}
