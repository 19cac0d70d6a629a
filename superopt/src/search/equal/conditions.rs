//! Conditions: bits that live in the flags between a comparison and what uses it.

use super::allocate::{Inst, V};
use super::encode::*;
use super::lower::Select;
use crate::egraph::lang::Op;
use egg::Id;
use iced_x86::{Code, Instruction};
use trinity_codegen::isa::{CmpOp, UnOp};

impl Select<'_> {
    /// A bit in the flags; the condition under which it is set.
    pub(super) fn condition(&mut self, id: Id) -> Option<Cc> {
        if let Some((_, cc)) = self.flags.filter(|f| f.0 == id) {
            return Some(cc);
        }
        let cc = match self.node(id).op {
            Op::Un(UnOp::Not) => return Some(self.condition(self.arg(id, 0))? ^ 1),
            Op::Cmp(op) => {
                let (mut a, mut b) = (self.arg(id, 0), self.arg(id, 1));
                let swapped = self.constant(a).is_some();
                if swapped {
                    (a, b) = (b, a);
                }
                let w = self.width(a);
                let of = |s: &mut Self, x: Id| match op {
                    _ if whole(w) => s.val(x).map(|x| x.v),
                    CmpOp::Slt => s.extended(x, if w > 32 { 64 } else { 32 }),
                    _ => s.clean(x),
                };
                let x = of(self, a)?;
                let unsigned = |k: i64| match w {
                    // Cleared words are compared with cleared numbers.
                    0..32 if op != CmpOp::Slt => k & ((1 << w) - 1),
                    _ => k,
                };
                let k = self
                    .constant(b)
                    .map(unsigned)
                    .and_then(|k| i32::try_from(k).ok());
                let s = bytes(w);
                match k {
                    Some(0) if op == CmpOp::Eq => self.compare(
                        &[x],
                        form(w, Code::Test_rm32_r32, Code::Test_rm64_r64),
                        move |code, r| Instruction::with2(code, g(r[0], s), g(r[0], s)),
                    ),
                    Some(k) => {
                        let short = i8::try_from(k).is_ok();
                        let code = match short {
                            true => form(w, Code::Cmp_rm32_imm8, Code::Cmp_rm64_imm8),
                            false => form(w, Code::Cmp_rm32_imm32, Code::Cmp_rm64_imm32),
                        };
                        self.compare(&[x], code, move |code, r| {
                            Instruction::with2(code, g(r[0], s), k)
                        });
                    }
                    None => {
                        let y = of(self, b)?;
                        self.compare(
                            &[x, y],
                            form(w, Code::Cmp_r32_rm32, Code::Cmp_r64_rm64),
                            move |code, r| Instruction::with2(code, g(r[0], s), g(r[1], s)),
                        );
                    }
                }
                match (op, swapped) {
                    (CmpOp::Eq, _) => EQUAL,
                    (CmpOp::Ult, false) => BELOW,
                    (CmpOp::Ult, true) => ABOVE,
                    (CmpOp::Slt, false) => LESS,
                    (CmpOp::Slt, true) => GREATER,
                }
            }
            _ => {
                let x = self.clean(id)?;
                self.compare(&[x], Code::Test_rm32_r32, |code, r| {
                    Instruction::with2(code, g(r[0], 4), g(r[0], 4))
                });
                EQUAL ^ 1
            }
        };
        self.flags = Some((id, cc));
        Some(cc)
    }

    pub(super) fn compare(
        &mut self,
        reads: &[V],
        code: Code,
        emit: impl Fn(Code, &[u8]) -> Result<Instruction, iced_x86::IcedError> + 'static,
    ) {
        self.code.insts.push(Inst {
            d: None,
            reads: reads.to_vec(),
            tied: false,
            commutes: false,
            emit: Box::new(move |_, r| one(emit(code, r))),
        });
    }
}
