//! Integer arithmetic.

use super::{Selector, load_op};
use crate::ir::{
    BinOp, Inst, InstId, LoadKind, Opnd, OvfOp, PReg, Scale, UnOp, Value, ValueDef, Width,
};
use crate::mach::{MBase, MInst, MMem, Src, to_ra};
use crate::x86::Op;
use regalloc2 as ra;

fn commutes(op: BinOp) -> bool {
    matches!(
        op,
        BinOp::Iadd | BinOp::Imul | BinOp::And | BinOp::Or | BinOp::Xor
    )
}

impl Selector<'_> {
    /// `a op b`. With `W32` its low 32 bits, from those of the operands: for operations that have that property.
    pub(super) fn int_binary(
        &mut self,
        id: InstId,
        w: Width,
        op: BinOp,
        a: Value,
        b: Opnd,
        res: Value,
    ) {
        let (mut a, mut b) = (a, self.resolve_low(b, w));
        if let Opnd::Value(v) = b
            && commutes(op)
        {
            // Constants and loads belong on the right; a value that dies here is the better one to overwrite.
            let swap = self.f.as_iconst(a).is_some()
                || (self.f.as_iconst(v).is_none()
                    && self.foldable_load(v).is_none()
                    && (self.foldable_load(a).is_some()
                        || self.uses[a.index()] > 1 && self.uses[v.index()] == 1));
            if swap {
                b = self.resolve_low(Opnd::Value(a), w);
                a = v;
            }
        }
        let flags = self.want_flags[id.index()];
        if !flags && self.bit_trick(op, w, a, b, res) {
            return;
        }
        match (op, b) {
            (BinOp::Iadd, Opnd::Imm(n)) if !flags => self.add_imm(w, a, n, res),
            (BinOp::Isub, Opnd::Imm(n)) if !flags && n != i32::MIN => self.add_imm(w, a, -n, res),
            (BinOp::Iadd, Opnd::Value(v)) if !flags && self.foldable_load(v).is_none() => {
                self.add(w, a, v, res)
            }
            (BinOp::Imul, Opnd::Imm(n)) => {
                if n > 0 && (n as u32).is_power_of_two() {
                    self.shift_imm(Op::Shl, w, a, n.trailing_zeros() as u8, res);
                } else if !flags
                    && w == Width::W64
                    && self.foldable_load(a).is_none()
                    && let Some(scale) = Scale::of_product(n.into())
                {
                    self.scaled_sum(a, a, scale, res);
                } else {
                    self.imul_imm(w, a, n, res);
                }
            }
            (BinOp::And, Opnd::Imm(0xff)) if !flags => self.conv(Op::Movzx8, Width::W32, a, res),
            (BinOp::And, Opnd::Imm(0xffff)) if !flags => self.conv(Op::Movzx16, Width::W32, a, res),
            (BinOp::And, Opnd::Value(v)) if !flags && self.f.as_iconst(v) == Some(0xffff_ffff) => {
                self.low32(a, res)
            }
            (BinOp::Iadd, _) => self.op2(Op::Add, w, a, b, res),
            (BinOp::Isub, _) => self.op2(Op::Sub, w, a, b, res),
            (BinOp::Imul, _) => self.op2(Op::Imul, w, a, b, res),
            (BinOp::And, _) => self.op2(Op::And, w, a, b, res),
            (BinOp::Or, _) => self.op2(Op::Or, w, a, b, res),
            (BinOp::Xor, _) => self.op2(Op::Xor, w, a, b, res),
            (BinOp::Shl, _) => self.shift(Op::Shl, w, a, b, res),
            (BinOp::Shr, _) => self.shift(Op::Shr, w, a, b, res),
            (BinOp::Sar, _) => self.shift(Op::Sar, w, a, b, res),
            (BinOp::Rotr, _) => self.shift(Op::Ror, w, a, b, res),
            (BinOp::Rotr32, _) => self.shift(Op::Ror, Width::W32, a, b, res),
            (BinOp::Sdiv, _) => self.div(a, b, res, false),
            (BinOp::Srem, _) => self.div(a, b, res, true),
            (BinOp::Smulh, _) => self.wide(a, b, res, true, MInst::MulHigh),
            // Written otherwise by `opt::divide`; floating-point operations are selected elsewhere.
            _ => {}
        }
    }

    fn add_imm(&mut self, w: Width, a: Value, n: i32, res: Value) {
        self.use_reg(a);
        self.def(res);
        let src = Src::Imm(n);
        self.push(MInst::Add { w, src });
    }

    /// Addition of registers; a shifted operand becomes a scaled index.
    fn add(&mut self, w: Width, a: Value, b: Value, res: Value) {
        for (base, index) in [(a, b), (b, a)] {
            if w == Width::W64
                && let Some(&Inst::Binary {
                    op: BinOp::Shl,
                    a: x,
                    b: n,
                }) = self.only_use(index)
                && let Some(n @ 1..=3) = self.as_imm(n)
                && let Some(scale) = Scale::from_log2(n as u32)
            {
                self.scaled_sum(base, x, scale, res);
                return;
            }
        }
        self.use_reg(a);
        self.use_reg(b);
        self.def(res);
        let src = Src::Reg;
        self.push(MInst::Add { w, src });
    }

    /// `res = base + index * scale`.
    fn scaled_sum(&mut self, base: Value, index: Value, scale: Scale, res: Value) {
        self.use_reg(base);
        self.use_reg(index);
        self.def(res);
        let mem = MMem {
            base: MBase::Reg,
            index: Some(scale),
            disp: 0,
        };
        self.push(MInst::Lea { mem });
    }

    /// `res = a op b` on an instruction that overwrites its first operand.
    fn op2(&mut self, op: Op, w: Width, a: Value, b: Opnd, res: Value) {
        self.use_reg(a);
        let src = match b {
            Opnd::Imm(n) => Src::Imm(n),
            Opnd::Value(v) => self.int_src(v, w),
        };
        self.def_reuse(res, 0);
        self.push(MInst::Op2 { op, w, src });
    }

    fn imul_imm(&mut self, w: Width, a: Value, imm: i32, res: Value) {
        let src = self.int_src(a, w);
        self.def(res);
        self.push(MInst::ImulImm { w, src, imm });
    }

    fn shift(&mut self, op: Op, w: Width, a: Value, b: Opnd, res: Value) {
        match b {
            Opnd::Imm(n) => self.shift_imm(op, w, a, n as u8 & (8 * w.bytes() as u8 - 1), res),
            Opnd::Value(v) if self.shift_by_any(op, w, a, v, res) => {}
            Opnd::Value(v) => {
                self.use_reg(a);
                self.use_fixed(v, PReg::Rcx);
                self.def_reuse(res, 0);
                self.push(MInst::ShiftCl { op, w });
            }
        }
    }

    fn shift_imm(&mut self, op: Op, w: Width, a: Value, n: u8, res: Value) {
        if op == Op::Ror && self.rotate_apart(w, a, n, res) {
            return;
        }
        self.use_reg(a);
        self.def_reuse(res, 0);
        self.push(MInst::ShiftImm { op, w, n });
    }

    fn div(&mut self, a: Value, b: Opnd, res: Value, remainder: bool) {
        self.wide(a, b, res, remainder, MInst::Div);
    }

    /// The instructions that take rax and a register and leave two results in rax and rdx, of which one is wanted.
    fn wide(&mut self, a: Value, b: Opnd, res: Value, in_rdx: bool, inst: MInst) {
        self.use_fixed(a, PReg::Rax);
        let b = match b {
            Opnd::Imm(n) => self.imm_reg(n as i64),
            // The same register cannot be wanted both in rax and elsewhere until late: use a copy.
            Opnd::Value(v) if v == a && self.f.as_iconst(v).is_none() => {
                let (from, to) = (self.reg(v), self.temp(ra::RegClass::Int));
                let dividend = std::mem::take(&mut self.ops);
                self.ops.push(ra::Operand::reg_use(from));
                self.ops.push(ra::Operand::reg_def(to));
                self.push(MInst::Conv {
                    op: Op::Mov,
                    w: Width::W64,
                    src: Src::Reg,
                    imm: None,
                });
                self.ops = dividend;
                to
            }
            Opnd::Value(v) => self.reg(v),
        };
        self.ops.push(ra::Operand::reg_use_at_end(b));
        let (rax, rdx) = (to_ra(PReg::Rax), to_ra(PReg::Rdx));
        let (res, other) = (self.vreg(res), self.temp(ra::RegClass::Int));
        let (low, high) = if in_rdx { (other, res) } else { (res, other) };
        self.ops.push(ra::Operand::reg_fixed_def(low, rax));
        self.ops.push(ra::Operand::reg_fixed_def(high, rdx));
        self.push(inst);
    }

    pub(super) fn overflow(&mut self, op: OvfOp, a: Value, b: Opnd, res: Value) {
        let (mut a, mut b) = (a, self.resolve(b));
        if let (Opnd::Value(v), Some(n)) = (b, self.as_imm(Opnd::Value(a)))
            && op != OvfOp::Sub
        {
            a = v;
            b = Opnd::Imm(n);
        }
        let w = Width::W64;
        match (op, b) {
            (OvfOp::Add, _) => self.op2(Op::Add, w, a, b, res),
            (OvfOp::Sub, _) => self.op2(Op::Sub, w, a, b, res),
            (OvfOp::Mul, Opnd::Imm(n)) => self.imul_imm(w, a, n, res),
            (OvfOp::Mul, Opnd::Value(_)) => self.op2(Op::Imul, w, a, b, res),
        }
    }

    /// One-operand conversion.
    pub(super) fn conv(&mut self, op: Op, w: Width, a: Value, res: Value) {
        self.use_reg(a);
        self.def(res);
        self.push(MInst::Conv {
            op,
            w,
            src: Src::Reg,
            imm: None,
        });
    }

    /// Negation, or the complement.
    fn complement(&mut self, op: UnOp, w: Width, a: Value, res: Value) {
        self.use_reg(a);
        self.def_reuse(res, 0);
        let op = if op == UnOp::Ineg { Op::Neg } else { Op::Not };
        self.push(MInst::Op1 { op, w });
    }

    /// The operand as a value or an immediate, of which only the low bits count.
    fn resolve_low(&self, o: Opnd, w: Width) -> Opnd {
        match o {
            Opnd::Value(v) if w == Width::W32 => {
                self.f.as_iconst(v).map_or(o, |n| Opnd::Imm(n as i32))
            }
            _ => self.resolve(o),
        }
    }

    /// The low 32 bits of `a`, zero-extended. What computes `a` for nobody else is done in 32 bits, which clears the rest.
    fn low32(&mut self, a: Value, res: Value) {
        let w = Width::W32;
        if let ValueDef::Inst(id, _) = self.f.values[a.index()].def
            && self.block_of[id.index()] == self.here.block
        {
            match self.only_use(a).filter(|i| i.has_32_bits()) {
                Some(&Inst::Binary { op, a, b }) => {
                    return self.int_binary(id, w, op, a, b, res);
                }
                Some(&Inst::Unary { op, a }) => return self.complement(op, w, a, res),
                _ => {}
            }
        }
        self.conv(Op::Mov, w, a, res);
    }

    pub(super) fn unary(&mut self, op: UnOp, a: Value, res: Value) {
        let extend = |kind| load_op(kind);
        let (op, w) = match op {
            UnOp::Ineg | UnOp::Inot => {
                return self.complement(op, Width::W64, a, res);
            }
            UnOp::Zext8 => extend(LoadKind::U8),
            UnOp::Zext16 => extend(LoadKind::U16),
            UnOp::Zext32 => return self.low32(a, res),
            UnOp::Sext8 => extend(LoadKind::S8),
            UnOp::Sext16 => extend(LoadKind::S16),
            UnOp::Sext32 => extend(LoadKind::S32),
            UnOp::Bswap32 => return self.bswap(Width::W32, a, res),
            UnOp::Bswap64 => return self.bswap(Width::W64, a, res),
            _ => return self.float_unary(op, a, res),
        };
        self.conv(op, w, a, res);
    }
}
