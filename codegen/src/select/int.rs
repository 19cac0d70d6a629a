//! Integer arithmetic.

use super::{Selector, load_op};
use crate::ir::{BinOp, Inst, InstId, LoadKind, Opnd, OvfOp, PReg, Scale, UnOp, Value, Width};
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
    pub(super) fn int_binary(&mut self, id: InstId, op: BinOp, a: Value, b: Opnd, res: Value) {
        let (mut a, mut b) = (a, self.resolve(b));
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
                b = self.resolve(Opnd::Value(a));
                a = v;
            }
        }
        let flags = self.want_flags[id.index()];
        match (op, b) {
            (BinOp::Iadd, Opnd::Imm(n)) if !flags => self.add_imm(a, n, res),
            (BinOp::Isub, Opnd::Imm(n)) if !flags && n != i32::MIN => self.add_imm(a, -n, res),
            (BinOp::Iadd, Opnd::Value(v)) if !flags && self.foldable_load(v).is_none() => {
                self.add(a, v, res)
            }
            (BinOp::Imul, Opnd::Imm(n)) => {
                if n > 0 && (n as u32).is_power_of_two() {
                    self.shift_imm(Op::Shl, a, n.trailing_zeros() as u8, res);
                } else {
                    self.imul_imm(a, n, res);
                }
            }
            (BinOp::And, Opnd::Imm(0xff)) if !flags => self.conv(Op::Movzx8, Width::W32, a, res),
            (BinOp::And, Opnd::Imm(0xffff)) if !flags => self.conv(Op::Movzx16, Width::W32, a, res),
            (BinOp::And, Opnd::Value(v)) if !flags && self.f.as_iconst(v) == Some(0xffff_ffff) => {
                self.conv(Op::Mov, Width::W32, a, res)
            }
            (BinOp::Iadd, _) => self.op2(Op::Add, a, b, res),
            (BinOp::Isub, _) => self.op2(Op::Sub, a, b, res),
            (BinOp::Imul, _) => self.op2(Op::Imul, a, b, res),
            (BinOp::And, _) => self.op2(Op::And, a, b, res),
            (BinOp::Or, _) => self.op2(Op::Or, a, b, res),
            (BinOp::Xor, _) => self.op2(Op::Xor, a, b, res),
            (BinOp::Shl, _) => self.shift(Op::Shl, a, b, res),
            (BinOp::Shr, _) => self.shift(Op::Shr, a, b, res),
            (BinOp::Sar, _) => self.shift(Op::Sar, a, b, res),
            (BinOp::Sdiv, _) => self.div(a, b, res, false),
            (BinOp::Srem, _) => self.div(a, b, res, true),
            (BinOp::Smulh, _) => self.wide(a, b, res, true, MInst::MulHigh),
            // Floating-point operations are selected elsewhere.
            _ => {}
        }
    }

    fn add_imm(&mut self, a: Value, n: i32, res: Value) {
        self.use_reg(a);
        self.def(res);
        self.push(MInst::Add { src: Src::Imm(n) });
    }

    /// Addition of registers; a shifted operand becomes a scaled index.
    fn add(&mut self, a: Value, b: Value, res: Value) {
        for (base, index) in [(a, b), (b, a)] {
            if let Some(&Inst::Binary {
                op: BinOp::Shl,
                a: x,
                b: n,
            }) = self.only_use(index)
                && let Some(n @ 1..=3) = self.as_imm(n)
                && let Some(scale) = Scale::from_log2(n as u32)
            {
                self.use_reg(base);
                self.use_reg(x);
                self.def(res);
                let mem = MMem {
                    base: MBase::Reg,
                    index: Some(scale),
                    disp: 0,
                };
                self.push(MInst::Lea { mem });
                return;
            }
        }
        self.use_reg(a);
        self.use_reg(b);
        self.def(res);
        self.push(MInst::Add { src: Src::Reg });
    }

    /// `res = a op b` on an instruction that overwrites its first operand.
    fn op2(&mut self, op: Op, a: Value, b: Opnd, res: Value) {
        self.use_reg(a);
        let src = match b {
            Opnd::Imm(n) => Src::Imm(n),
            Opnd::Value(v) => self.src(v, LoadKind::I64),
        };
        self.def_reuse(res, 0);
        self.push(MInst::Op2 {
            op,
            w: Width::W64,
            src,
        });
    }

    fn imul_imm(&mut self, a: Value, imm: i32, res: Value) {
        let src = self.src(a, LoadKind::I64);
        self.def(res);
        self.push(MInst::ImulImm { src, imm });
    }

    fn shift(&mut self, op: Op, a: Value, b: Opnd, res: Value) {
        match b {
            Opnd::Imm(n) => self.shift_imm(op, a, n as u8 & 63, res),
            Opnd::Value(v) => {
                self.use_reg(a);
                self.use_fixed(v, PReg::Rcx);
                self.def_reuse(res, 0);
                self.push(MInst::ShiftCl { op });
            }
        }
    }

    fn shift_imm(&mut self, op: Op, a: Value, n: u8, res: Value) {
        self.use_reg(a);
        self.def_reuse(res, 0);
        self.push(MInst::ShiftImm { op, n });
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
        match (op, b) {
            (OvfOp::Add, _) => self.op2(Op::Add, a, b, res),
            (OvfOp::Sub, _) => self.op2(Op::Sub, a, b, res),
            (OvfOp::Mul, Opnd::Imm(n)) => self.imul_imm(a, n, res),
            (OvfOp::Mul, Opnd::Value(_)) => self.op2(Op::Imul, a, b, res),
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

    pub(super) fn unary(&mut self, op: UnOp, a: Value, res: Value) {
        let extend = |kind| load_op(kind);
        let (op, w) = match op {
            UnOp::Ineg | UnOp::Inot => {
                self.use_reg(a);
                self.def_reuse(res, 0);
                let op = if op == UnOp::Ineg { Op::Neg } else { Op::Not };
                self.push(MInst::Op1 { op });
                return;
            }
            UnOp::Zext8 => extend(LoadKind::U8),
            UnOp::Zext16 => extend(LoadKind::U16),
            UnOp::Zext32 => extend(LoadKind::U32),
            UnOp::Sext8 => extend(LoadKind::S8),
            UnOp::Sext16 => extend(LoadKind::S16),
            UnOp::Sext32 => extend(LoadKind::S32),
            _ => return self.float_unary(op, a, res),
        };
        self.conv(op, w, a, res);
    }
}
