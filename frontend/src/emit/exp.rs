//! Descriptions of expressions and their discharge into registers.

use super::code::{ConstKey, NO_JUMP, NO_REG};
use super::{Emitter, Result};
use crate::ast::{ConstValue, VarRef};
use crate::bytecode::op::Op;
use crate::intern::Sym;
use crate::number::Num;

/// The table of an access.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Base {
    Reg(u32),
    /// A captured local, read when the access happens.
    Cell(u32),
    Upval(u32),
}

/// The key of an access.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    Reg(u32),
    /// A captured local, read when the access happens.
    Cell(u32),
    /// String constant with an index that fits an operand.
    Str(u32),
    /// Small integer.
    Int(u32),
}

/// What is known of an expression.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Nil,
    True,
    False,
    /// A constant of the pool.
    K(u32),
    Int(i64),
    Float(f64),
    Str(Sym),
    /// In this register.
    Fixed(u32),
    /// A local variable in this register.
    Local(u32),
    /// A captured local variable whose cell is in this register.
    Cell(u32),
    Upval(u32),
    Indexed(Base, Key),
    /// A comparison: the jump at this pc is taken when it holds.
    Jump(u32),
    /// The instruction at this pc, which can write to any register.
    Reloc(u32),
    /// The call at this pc.
    Call(u32),
    /// The `VARARG` at this pc.
    Vararg(u32),
}

/// An expression: a kind, and lists of jumps that leave it early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exp {
    pub kind: Kind,
    /// Jumps taken when the expression is true.
    pub t: u32,
    /// Jumps taken when it is false.
    pub f: u32,
}

impl From<Kind> for Exp {
    fn from(kind: Kind) -> Self {
        Exp {
            kind,
            t: NO_JUMP,
            f: NO_JUMP,
        }
    }
}

impl From<ConstValue> for Kind {
    fn from(value: ConstValue) -> Self {
        match value {
            ConstValue::Nil => Kind::Nil,
            ConstValue::Bool(true) => Kind::True,
            ConstValue::Bool(false) => Kind::False,
            ConstValue::Num(Num::Int(i)) => Kind::Int(i),
            ConstValue::Num(Num::Float(f)) => Kind::Float(f),
            ConstValue::Str(s) => Kind::Str(s),
        }
    }
}

impl Exp {
    pub fn has_jumps(&self) -> bool {
        self.t != self.f
    }

    pub fn is_numeral(&self) -> bool {
        matches!(self.kind, Kind::Int(_) | Kind::Float(_)) && !self.has_jumps()
    }

    pub fn is_open(&self) -> bool {
        matches!(self.kind, Kind::Call(_) | Kind::Vararg(_))
    }

    /// A captured local that may be read later.
    pub fn is_late_cell(&self) -> bool {
        matches!(self.kind, Kind::Cell(_)) && !self.has_jumps()
    }

    /// Its value as a 16-bit immediate.
    pub fn small_int(&self) -> Option<i16> {
        match self.kind {
            Kind::Int(i) if !self.has_jumps() => i16::try_from(i).ok(),
            _ => None,
        }
    }
}

impl Emitter<'_> {
    pub(super) fn place(&self, place: VarRef) -> Kind {
        match place {
            VarRef::Const(value) => value.into(),
            VarRef::Upval(i) => Kind::Upval(u32::from(i)),
            VarRef::Local(id) => {
                let reg = u32::from(self.fs.regs[id.0 as usize]);
                if self.func().locals[id.0 as usize].captured {
                    Kind::Cell(reg)
                } else {
                    Kind::Local(reg)
                }
            }
        }
    }

    pub(super) fn free_exp(&mut self, e: &Exp) {
        if let Kind::Fixed(r) = e.kind {
            self.free(r);
        }
    }

    pub(super) fn free_exps(&mut self, a: &Exp, b: &Exp) {
        match (a.kind, b.kind) {
            (Kind::Fixed(x), Kind::Fixed(y)) => self.free_two(x, y),
            _ => {
                self.free_exp(a);
                self.free_exp(b);
            }
        }
    }

    /// Reads the cell in register `cell` into a new temporary, as part of the instruction that follows.
    fn read_cell(&mut self, cell: u32) -> Result<u32> {
        let reg = self.fs.free_reg;
        self.reserve(1)?;
        let pc = self.emit_abcd(Op::GetCell, reg, cell, 0, 0);
        self.fs.follow.push(pc);
        Ok(reg)
    }

    /// An operand in a register; a captured local is read at last.
    pub(super) fn operand(&mut self, e: &mut Exp) -> Result<u32> {
        match e.kind {
            Kind::Cell(c) if !e.has_jumps() => {
                let reg = self.read_cell(c)?;
                e.kind = Kind::Fixed(reg);
                Ok(reg)
            }
            _ => self.put_any(e),
        }
    }

    pub(super) fn base_reg(&mut self, base: Base) -> Result<u32> {
        match base {
            Base::Reg(r) | Base::Upval(r) => Ok(r),
            Base::Cell(c) => self.read_cell(c),
        }
    }

    pub(super) fn key_reg(&mut self, key: Key) -> Result<u32> {
        match key {
            Key::Reg(r) | Key::Str(r) | Key::Int(r) => Ok(r),
            Key::Cell(c) => self.read_cell(c),
        }
    }

    /// Fixes a call or `...` to one result.
    pub(super) fn set_one_result(&mut self, e: &mut Exp) {
        match e.kind {
            Kind::Call(pc) => e.kind = Kind::Fixed(self.instr(pc).a() as u32),
            Kind::Vararg(pc) => {
                self.set_c(pc, 2);
                e.kind = Kind::Reloc(pc);
            }
            _ => {}
        }
    }

    /// Fixes a call or `...` to `count` results, or to all of them.
    pub(super) fn set_results(&mut self, e: &Exp, count: Option<u32>) -> Result<()> {
        let c = count.map_or(0, |n| n + 1);
        match e.kind {
            Kind::Call(pc) => self.set_c(pc, c),
            Kind::Vararg(pc) => {
                self.set_c(pc, c);
                self.set_a(pc, self.fs.free_reg);
                self.reserve(1)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Ensures that `e` is a value, not a variable.
    pub(super) fn discharge_vars(&mut self, e: &mut Exp) -> Result<()> {
        match e.kind {
            Kind::Local(r) => e.kind = Kind::Fixed(r),
            Kind::Cell(r) => e.kind = Kind::Reloc(self.emit_abcd(Op::GetCell, 0, r, 0, 0)),
            Kind::Upval(u) => e.kind = Kind::Reloc(self.emit_abcd(Op::GetUpval, 0, u, 0, 0)),
            Kind::Indexed(base, key) => e.kind = Kind::Reloc(self.get_indexed(base, key)?),
            Kind::Call(_) | Kind::Vararg(_) => self.set_one_result(e),
            _ => {}
        }
        Ok(())
    }

    fn get_indexed(&mut self, base: Base, key: Key) -> Result<u32> {
        if let (Base::Upval(u), Key::Str(k)) = (base, key) {
            return Ok(self.emit_cached(Op::GetTabUp, 0, u, k));
        }
        let table = self.base_reg(base)?;
        let index = self.key_reg(key)?;
        match key {
            Key::Reg(_) | Key::Cell(_) => self.free_two(table, index),
            Key::Str(_) | Key::Int(_) => self.free(table),
        }
        let op = match key {
            Key::Reg(_) | Key::Cell(_) => Op::GetTable,
            Key::Str(_) => Op::GetField,
            Key::Int(_) => Op::GetI,
        };
        Ok(self.emit_cached(op, 0, table, index))
    }

    /// Puts the value in `reg`; jumps of `e` stay open.
    fn discharge_to(&mut self, e: &mut Exp, reg: u32) -> Result<()> {
        self.discharge_vars(e)?;
        match e.kind {
            Kind::Nil => self.load_nil(reg, 1),
            Kind::False => {
                self.emit_abcd(Op::LoadFalse, reg, 0, 0, 0);
            }
            Kind::True => {
                self.emit_abcd(Op::LoadTrue, reg, 0, 0, 0);
            }
            Kind::Str(s) => {
                let k = self.constant(ConstKey::Str(s));
                self.emit_abd(Op::LoadK, reg, 0, k);
            }
            Kind::K(k) => {
                self.emit_abd(Op::LoadK, reg, 0, k);
            }
            Kind::Int(i) => self.load_int(reg, i),
            Kind::Float(f) => self.load_float(reg, f),
            Kind::Reloc(pc) => self.set_a(pc, reg),
            Kind::Fixed(r) => {
                if r != reg {
                    self.emit_abcd(Op::Move, reg, r, 0, 0);
                }
            }
            _ => return Ok(()), // a jump: nothing to load yet
        }
        e.kind = Kind::Fixed(reg);
        Ok(())
    }

    pub(super) fn discharge_to_any(&mut self, e: &mut Exp) -> Result<()> {
        if !matches!(e.kind, Kind::Fixed(_)) {
            self.reserve(1)?;
            self.discharge_to(e, self.fs.free_reg - 1)?;
        }
        Ok(())
    }

    /// Puts the final value, jumps included, in `reg`.
    pub(super) fn put_reg(&mut self, e: &mut Exp, reg: u32) -> Result<()> {
        self.discharge_to(e, reg)?;
        let is_jump = matches!(e.kind, Kind::Jump(_));
        if let Kind::Jump(pc) = e.kind {
            e.t = self.concat(pc, e.t);
        }
        if e.has_jumps() {
            let mut load_false = NO_JUMP;
            let mut load_true = NO_JUMP;
            if self.needs_value(e.t) || self.needs_value(e.f) {
                let over = if is_jump { NO_JUMP } else { self.jump() };
                self.here();
                load_false = self.emit_abcd(Op::LFalseSkip, reg, 0, 0, 0);
                self.here();
                load_true = self.emit_abcd(Op::LoadTrue, reg, 0, 0, 0);
                self.patch_here(over);
            }
            let end = self.here();
            self.patch_with_values(e.f, end, reg, load_false);
            self.patch_with_values(e.t, end, reg, load_true);
        }
        *e = Kind::Fixed(reg).into();
        Ok(())
    }

    pub(super) fn put_next(&mut self, e: &mut Exp) -> Result<()> {
        self.discharge_vars(e)?;
        self.free_exp(e);
        self.reserve(1)?;
        self.put_reg(e, self.fs.free_reg - 1)
    }

    /// Puts the final value in some register: where it already is, or the next one.
    pub(super) fn put_any(&mut self, e: &mut Exp) -> Result<u32> {
        self.discharge_vars(e)?;
        if let Kind::Fixed(r) = e.kind {
            if !e.has_jumps() {
                return Ok(r);
            }
            if r >= self.fs.var_regs {
                self.put_reg(e, r)?;
                return Ok(r);
            }
            // A variable's register cannot take the values of the jumps.
        }
        self.put_next(e)?;
        Ok(self.fs.free_reg - 1)
    }

    /// To a register, except that an upvalue or a captured local may stay what it is.
    pub(super) fn put_any_or_late(&mut self, e: &mut Exp) -> Result<()> {
        if e.has_jumps() || !matches!(e.kind, Kind::Upval(_) | Kind::Cell(_)) {
            self.put_any(e)?;
        }
        Ok(())
    }

    /// To a register or a constant, except that a captured local may stay what it is.
    pub(super) fn put_value(&mut self, e: &mut Exp) -> Result<()> {
        if e.has_jumps() {
            self.put_any(e)?;
        } else if !e.is_late_cell() {
            self.discharge_vars(e)?;
        }
        Ok(())
    }

    /// Makes `e` a constant with an index up to `max`, if it can be one.
    pub(super) fn make_constant(&mut self, e: &mut Exp, max: u32) -> Option<u32> {
        if e.has_jumps() {
            return None;
        }
        let k = match e.kind {
            Kind::Nil => self.constant(ConstKey::Nil),
            Kind::True => self.constant(ConstKey::Bool(true)),
            Kind::False => self.constant(ConstKey::Bool(false)),
            Kind::Int(i) => self.constant(ConstKey::Int(i)),
            Kind::Float(f) => self.constant(ConstKey::Float(f.to_bits())),
            Kind::Str(s) => self.constant(ConstKey::Str(s)),
            Kind::K(k) => k,
            _ => return None,
        };
        if k > max {
            return None;
        }
        e.kind = Kind::K(k);
        Some(k)
    }

    // --- conditions

    /// Jumps when `e` is `cond`; gives the jump.
    fn jump_on(&mut self, e: &mut Exp, cond: bool) -> Result<u32> {
        if let Kind::Reloc(pc) = e.kind {
            let i = self.instr(pc);
            if i.op() == Op::Not {
                self.remove_last();
                let op = if cond { Op::JmpF } else { Op::JmpT };
                return Ok(self.emit_abd(op, i.b() as u32, 0, NO_JUMP));
            }
        }
        self.discharge_to_any(e)?;
        self.free_exp(e);
        let Kind::Fixed(reg) = e.kind else {
            unreachable!("discharged to a register")
        };
        let op = if cond { Op::JmpTSet } else { Op::JmpFSet };
        Ok(self.emit_abd(op, NO_REG, reg, NO_JUMP))
    }

    pub(super) fn negate(&mut self, pc: u32) {
        let op = self.instr(pc).op() as u8;
        let first = Op::JmpEq as u8;
        if let Some(op) = Op::from_byte(first + ((op - first) ^ 1)) {
            self.set_op(pc, op);
        }
    }

    /// Goes on when `e` is true; its false list leaves.
    pub(super) fn go_if_true(&mut self, e: &mut Exp) -> Result<()> {
        self.discharge_vars(e)?;
        let pc = match e.kind {
            Kind::Jump(pc) => {
                self.negate(pc);
                pc
            }
            Kind::K(_) | Kind::Float(_) | Kind::Int(_) | Kind::Str(_) | Kind::True => NO_JUMP,
            _ => self.jump_on(e, false)?,
        };
        e.f = self.concat(pc, e.f);
        self.patch_here(e.t);
        e.t = NO_JUMP;
        Ok(())
    }

    /// Goes on when `e` is false; its true list leaves.
    pub(super) fn go_if_false(&mut self, e: &mut Exp) -> Result<()> {
        self.discharge_vars(e)?;
        let pc = match e.kind {
            Kind::Jump(pc) => pc,
            Kind::Nil | Kind::False => NO_JUMP,
            _ => self.jump_on(e, true)?,
        };
        e.t = self.concat(pc, e.t);
        self.patch_here(e.f);
        e.f = NO_JUMP;
        Ok(())
    }
}
