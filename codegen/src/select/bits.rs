//! Integer instructions that only some processors have: BMI1, BMI2, `movbe`.
//!
//! All of them have a result of their own, so that no operand needs a copy, and shifts take their count from any register.

use super::Selector;
use crate::ir::{BinOp, Inst, LoadKind, Opnd, UnOp, Value, Width};
use crate::mach::{MInst, Src};
use crate::x86::Op;
use regalloc2 as ra;

impl Selector<'_> {
    /// `res = a op b` as one of these instructions, if there is one: `x & ~y`, the lowest bit that is set, without it, and all up to it.
    pub(super) fn bit_trick(&mut self, op: BinOp, w: Width, a: Value, b: Opnd, res: Value) -> bool {
        let Opnd::Value(b) = b else { return false };
        if !self.options.bmi() || !matches!(op, BinOp::And | BinOp::Xor) {
            return false;
        }
        for (x, y) in [(a, b), (b, a)] {
            match (op, self.only_use(y)) {
                (
                    BinOp::And,
                    Some(&Inst::Unary {
                        op: UnOp::Inot,
                        a: not,
                    }),
                ) => {
                    self.use_reg(not);
                    let src = self.int_src(x, w);
                    self.def(res);
                    self.push(MInst::Op3 {
                        op: Op::Andn,
                        w,
                        src,
                    });
                    return true;
                }
                (
                    BinOp::And,
                    Some(&Inst::Unary {
                        op: UnOp::Ineg,
                        a: of,
                    }),
                ) if of == x => {
                    self.conv(Op::Blsi, w, x, res);
                    return true;
                }
                (_, Some(&Inst::Binary { op: sum, a: of, b })) if of == x => {
                    let less_one = match sum {
                        BinOp::Iadd => self.as_imm(b) == Some(-1),
                        BinOp::Isub => self.as_imm(b) == Some(1),
                        _ => false,
                    };
                    if less_one {
                        let op = if op == BinOp::And {
                            Op::Blsr
                        } else {
                            Op::Blsmsk
                        };
                        self.conv(op, w, x, res);
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// A shift by a register. `false`: there is no such instruction.
    pub(super) fn shift_by_any(
        &mut self,
        op: Op,
        w: Width,
        a: Value,
        n: Value,
        res: Value,
    ) -> bool {
        let op = match op {
            Op::Shl => Op::Shlx,
            Op::Shr => Op::Shrx,
            Op::Sar => Op::Sarx,
            _ => return false,
        };
        if !self.options.bmi() {
            return false;
        }
        let src = self.int_src(a, w);
        self.use_reg(n);
        self.def(res);
        self.push(MInst::ShiftX { op, w, src });
        true
    }

    /// A rotation by a constant of what is needed afterwards, too. `false`: nothing was done.
    pub(super) fn rotate_apart(&mut self, w: Width, a: Value, n: u8, res: Value) -> bool {
        if !self.options.bmi() || self.uses[a.index()] < 2 {
            return false;
        }
        let r = self.reg(a);
        self.ops.push(ra::Operand::any_use(r));
        self.def(res);
        self.push(MInst::Conv {
            op: Op::Rorx,
            w,
            src: Src::Reg,
            imm: Some(n),
        });
        true
    }

    /// The low bytes in the opposite order.
    pub(super) fn bswap(&mut self, w: Width, a: Value, res: Value) {
        if self.options.movbe()
            && let Some((kind, addr)) = self.foldable_load(a)
            && (kind == LoadKind::I64
                || w == Width::W32 && matches!(kind, LoadKind::U32 | LoadKind::S32))
        {
            let mem = self.addr(&addr);
            self.def(res);
            self.push(MInst::Conv {
                op: Op::Movbe,
                w,
                src: Src::Mem(mem),
                imm: None,
            });
            return;
        }
        self.use_reg(a);
        self.def_reuse(res, 0);
        self.push(MInst::Op1 { op: Op::Bswap, w });
    }
}
