//! Operators.

use super::code::NO_JUMP;
use super::exp::{Exp, Kind};
use super::{Emitter, Result};
use crate::arith::exact_int;
use crate::ast::{BinOp, UnOp};
use crate::bytecode::op::Op;
use crate::number::Num;

/// Largest constant index in a 16-bit operand.
const MAX_K16: u32 = u16::MAX as u32;
/// `d` bit: the constant is the left operand.
const FLIPPED: u32 = 1;
/// `d` bit of `ADDI`: written as a subtraction.
const SUBTRACTION: u32 = 2;

/// The opcode on registers and the one with a constant.
fn arith_ops(op: BinOp) -> (Op, Op) {
    match op {
        BinOp::Add => (Op::Add, Op::AddK),
        BinOp::Sub => (Op::Sub, Op::SubK),
        BinOp::Mul => (Op::Mul, Op::MulK),
        BinOp::Mod => (Op::Mod, Op::ModK),
        BinOp::Pow => (Op::Pow, Op::PowK),
        BinOp::Div => (Op::Div, Op::DivK),
        BinOp::IDiv => (Op::IDiv, Op::IDivK),
        BinOp::BAnd => (Op::BAnd, Op::BAndK),
        BinOp::BOr => (Op::BOr, Op::BOrK),
        BinOp::BXor => (Op::BXor, Op::BXorK),
        BinOp::Shl => (Op::Shl, Op::ShlK),
        BinOp::Shr => (Op::Shr, Op::ShrK),
        _ => unreachable!("not an arithmetic operator"),
    }
}

impl Emitter<'_> {
    /// Between the operands: gets the first one out of the way of the second.
    pub(super) fn infix(&mut self, op: BinOp, e: &mut Exp) -> Result<()> {
        match op {
            BinOp::And => self.go_if_true(e),
            BinOp::Or => self.go_if_false(e),
            BinOp::Concat => self.put_next(e),
            // What follows may stay a captured local, to be read with the operation.
            _ if e.is_late_cell() => Ok(()),
            BinOp::Eq | BinOp::Ne => {
                self.discharge_vars(e)?;
                if !e.is_numeral() && self.make_constant(e, MAX_K16).is_none() {
                    self.put_any(e)?;
                }
                Ok(())
            }
            BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => {
                if e.small_int().is_none() {
                    self.put_any(e)?;
                }
                Ok(())
            }
            _ => {
                if !e.is_numeral() {
                    self.put_any(e)?;
                }
                Ok(())
            }
        }
    }

    /// After both operands: emits the operation. The result is in `a`, except for `and` and `or`: in `b`.
    pub(super) fn postfix(&mut self, op: BinOp, a: &mut Exp, b: &mut Exp, line: u32) -> Result<()> {
        if b.is_late_cell() && !matches!(op, BinOp::And | BinOp::Or | BinOp::Concat) {
            let pc = self.pc();
            self.fs.follow.push(pc);
        }
        self.discharge_vars(b)?;
        match op {
            BinOp::And => b.f = self.concat(b.f, a.f),
            BinOp::Or => b.t = self.concat(b.t, a.t),
            BinOp::Concat => {
                self.put_next(b)?;
                self.concatenation(a, b, line);
            }
            BinOp::Add | BinOp::Mul => {
                let flip = if a.is_numeral() {
                    std::mem::swap(a, b);
                    FLIPPED
                } else {
                    0
                };
                match b.small_int() {
                    Some(i) if op == BinOp::Add => self.arith_imm(a, i, flip, line)?,
                    _ => self.arith(op, a, b, flip, line)?,
                }
            }
            BinOp::Sub => match b.small_int().and_then(i16::checked_neg) {
                Some(negated) => self.arith_imm(a, negated, SUBTRACTION, line)?,
                None => self.arith(op, a, b, 0, line)?,
            },
            BinOp::Div | BinOp::IDiv | BinOp::Mod | BinOp::Pow => self.arith(op, a, b, 0, line)?,
            BinOp::BAnd | BinOp::BOr | BinOp::BXor => {
                let is_int = |e: &Exp| matches!(e.kind, Kind::Int(_)) && !e.has_jumps();
                if is_int(a) {
                    std::mem::swap(a, b);
                    self.arith(op, a, b, FLIPPED, line)?;
                } else if is_int(b) {
                    self.arith(op, a, b, 0, line)?;
                } else {
                    self.arith_regs(op, a, b, line)?;
                }
            }
            BinOp::Shl | BinOp::Shr => match b.kind {
                Kind::Int(_) if !b.has_jumps() => self.arith(op, a, b, 0, line)?,
                _ => self.arith_regs(op, a, b, line)?,
            },
            _ => {
                // Its jumps must not lead past the reading of a captured local.
                if b.has_jumps() || matches!(b.kind, Kind::Jump(_)) {
                    self.put_any(b)?;
                }
                self.comparison(op, a, b)?;
            }
        }
        Ok(())
    }

    fn comparison(&mut self, op: BinOp, a: &mut Exp, b: &mut Exp) -> Result<()> {
        match op {
            BinOp::Eq => self.equality(true, a, b)?,
            BinOp::Ne => self.equality(false, a, b)?,
            BinOp::Lt => self.order(false, a, b)?,
            BinOp::Le => self.order(true, a, b)?,
            BinOp::Gt => {
                std::mem::swap(a, b);
                self.order(false, a, b)?;
            }
            _ => {
                std::mem::swap(a, b);
                self.order(true, a, b)?;
            }
        }
        Ok(())
    }

    /// Finishes an operation that writes to a register still to be chosen.
    fn result(&mut self, a: &mut Exp, b: &Exp, pc: u32, line: u32) {
        self.free_exps(a, b);
        a.kind = Kind::Reloc(pc);
        self.fix_line(line);
    }

    fn arith_imm(&mut self, a: &mut Exp, imm: i16, flags: u32, line: u32) -> Result<()> {
        let reg = self.operand(a)?;
        let pc = self.emit_abcd(Op::AddI, 0, reg, u32::from(imm as u16), flags);
        self.result(a, &Kind::Nil.into(), pc, line);
        Ok(())
    }

    fn arith(&mut self, op: BinOp, a: &mut Exp, b: &mut Exp, flip: u32, line: u32) -> Result<()> {
        if b.is_numeral()
            && let Some(k) = self.make_constant(b, MAX_K16)
        {
            let reg = self.operand(a)?;
            let pc = self.emit_abcd(arith_ops(op).1, 0, reg, k, flip);
            self.result(a, &Kind::Nil.into(), pc, line);
            return Ok(());
        }
        if flip != 0 {
            std::mem::swap(a, b);
        }
        self.arith_regs(op, a, b, line)
    }

    fn arith_regs(&mut self, op: BinOp, a: &mut Exp, b: &mut Exp, line: u32) -> Result<()> {
        let right = self.operand(b)?;
        let left = self.operand(a)?;
        let pc = self.emit_cached(arith_ops(op).0, 0, left, right);
        self.result(a, b, pc, line);
        Ok(())
    }

    /// `a .. b`; a concatenation on the right becomes part of this one.
    fn concatenation(&mut self, a: &mut Exp, b: &Exp, line: u32) {
        let Kind::Fixed(first) = a.kind else {
            unreachable!("operands of a concatenation are in registers")
        };
        match self.previous() {
            Some((pc, i)) if i.op() == Op::Concat && i.a() as u32 == first + 1 => {
                self.free_exp(b);
                self.set_instr(
                    pc,
                    crate::bytecode::Instr::abcd(Op::Concat, first as u8, i.b() as u16 + 1, 0, 0),
                );
            }
            _ => {
                self.emit_abcd(Op::Concat, first, 2, 0, 0);
                self.free_exp(b);
                self.fix_line(line);
            }
        }
    }

    fn equality(&mut self, equal: bool, a: &mut Exp, b: &mut Exp) -> Result<()> {
        if !matches!(a.kind, Kind::Fixed(_) | Kind::Cell(_)) {
            std::mem::swap(a, b); // the constant goes second
        }
        let small = match b.kind {
            Kind::Int(i) if !b.has_jumps() => Some(i),
            Kind::Float(f) if !b.has_jumps() => exact_int(Num::Float(f)),
            _ => None,
        };
        let constant = |e: &mut Self, b: &mut Exp| e.make_constant(b, MAX_K16);
        let pc = if let Some(small) = small.and_then(|i| i16::try_from(i).ok()) {
            let reg = self.operand(a)?;
            let op = if equal { Op::JmpEqI } else { Op::JmpNeI };
            self.emit_abd(op, reg, u32::from(small as u16), NO_JUMP)
        } else {
            let reg = self.operand(a)?;
            if let Some(k) = constant(self, b) {
                self.emit_abd(if equal { Op::JmpEqK } else { Op::JmpNeK }, reg, k, NO_JUMP)
            } else {
                let other = self.operand(b)?;
                self.emit_abd(
                    if equal { Op::JmpEq } else { Op::JmpNe },
                    reg,
                    other,
                    NO_JUMP,
                )
            }
        };
        self.free_exps(a, b);
        a.kind = Kind::Jump(pc);
        Ok(())
    }

    /// `a < b` or `a <= b`.
    fn order(&mut self, or_equal: bool, a: &mut Exp, b: &mut Exp) -> Result<()> {
        let pick = |lt, le| if or_equal { le } else { lt };
        let pc = if let Some(i) = b.small_int() {
            let reg = self.operand(a)?;
            self.emit_abd(
                pick(Op::JmpLtI, Op::JmpLeI),
                reg,
                u32::from(i as u16),
                NO_JUMP,
            )
        } else if let Some(i) = a.small_int() {
            let reg = self.operand(b)?;
            self.emit_abd(
                pick(Op::JmpGtI, Op::JmpGeI),
                reg,
                u32::from(i as u16),
                NO_JUMP,
            )
        } else {
            let left = self.operand(a)?;
            let right = self.operand(b)?;
            self.emit_abd(pick(Op::JmpLt, Op::JmpLe), left, right, NO_JUMP)
        };
        self.free_exps(a, b);
        a.kind = Kind::Jump(pc);
        Ok(())
    }

    /// A prefix operator; constants were folded by the parser.
    pub(super) fn unary(&mut self, op: UnOp, e: &mut Exp, line: u32) -> Result<()> {
        if e.is_late_cell() {
            let pc = self.pc();
            self.fs.follow.push(pc);
        }
        self.discharge_vars(e)?;
        let op = match op {
            UnOp::Not => return self.not(e),
            UnOp::Neg => Op::Unm,
            UnOp::BNot => Op::BNot,
            UnOp::Len => Op::Len,
        };
        let reg = self.put_any(e)?;
        self.free_exp(e);
        e.kind = Kind::Reloc(self.emit_abcd(op, 0, reg, 0, 0));
        self.fix_line(line);
        Ok(())
    }

    fn not(&mut self, e: &mut Exp) -> Result<()> {
        match e.kind {
            Kind::Nil | Kind::False => e.kind = Kind::True,
            Kind::K(_) | Kind::Float(_) | Kind::Int(_) | Kind::Str(_) | Kind::True => {
                e.kind = Kind::False
            }
            Kind::Jump(pc) => self.negate(pc),
            _ => {
                self.discharge_to_any(e)?;
                self.free_exp(e);
                let Kind::Fixed(reg) = e.kind else {
                    unreachable!("discharged to a register")
                };
                e.kind = Kind::Reloc(self.emit_abcd(Op::Not, 0, reg, 0, 0));
            }
        }
        std::mem::swap(&mut e.t, &mut e.f);
        self.remove_values(e.f);
        self.remove_values(e.t);
        Ok(())
    }
}
