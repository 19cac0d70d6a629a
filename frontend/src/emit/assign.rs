//! Assignments.

use super::exp::{Base, Exp, Key, Kind};
use super::{Emitter, Result};
use crate::ast::{ExprId, Span};
use crate::bytecode::instr::{RK_CONST, RK_MAX_CONST};
use crate::bytecode::op::Op;

impl Emitter<'_> {
    /// A value as a register-or-constant operand.
    fn register_or_constant(&mut self, e: &mut Exp) -> Result<u32> {
        match self.make_constant(e, RK_MAX_CONST) {
            Some(k) => Ok(k + u32::from(RK_CONST)),
            None => self.put_any(e),
        }
    }

    /// Stores a value in a variable or field.
    pub(super) fn store(&mut self, var: &Exp, value: &mut Exp) -> Result<()> {
        match var.kind {
            Kind::Local(r) => {
                self.free_exp(value);
                return self.put_reg(value, r);
            }
            Kind::Cell(r) => {
                let v = self.register_or_constant(value)?;
                self.emit_abcd(Op::SetCell, r, 0, v, 0);
            }
            Kind::Upval(u) => {
                let v = self.register_or_constant(value)?;
                self.emit_abcd(Op::SetUpval, 0, u, v, 0);
            }
            Kind::Indexed(base, key) => {
                let v = self.register_or_constant(value)?;
                let free = self.fs.free_reg;
                let table = self.base_reg(base)?;
                let index = self.key_reg(key)?;
                let op = match (base, key) {
                    (Base::Upval(_), _) => Op::SetTabUp,
                    (_, Key::Str(_)) => Op::SetField,
                    (_, Key::Int(_)) => Op::SetI,
                    (_, Key::Reg(_) | Key::Cell(_)) => Op::SetTable,
                };
                self.emit_cached(op, table, index, v);
                self.fs.free_reg = free;
            }
            _ => unreachable!("the parser lets only variables and fields be assigned to"),
        }
        self.free_exp(value);
        Ok(())
    }

    /// `targets = values`
    pub(super) fn assignment(&mut self, targets: &[ExprId], values: Span) -> Result<()> {
        let mut places: Vec<Exp> = Vec::with_capacity(targets.len());
        for &target in targets {
            let place = self.expr(target)?;
            if !matches!(place.kind, Kind::Indexed(..)) {
                self.save_conflicts(&mut places, &place)?;
            }
            places.push(place);
        }
        let Some(mut last) = self.expr_list(values)? else {
            unreachable!("an assignment has values")
        };
        let (wanted, given) = (targets.len() as u32, values.len);
        if wanted == given {
            self.set_one_result(&mut last);
            if let Some(place) = places.pop() {
                self.store(&place, &mut last)?;
            }
        } else {
            self.adjust(wanted, given, Some(last))?;
        }
        // The rest, last first, from the top of the stack.
        while let Some(place) = places.pop() {
            let mut value = Kind::Fixed(self.fs.free_reg - 1).into();
            self.store(&place, &mut value)?;
        }
        Ok(())
    }

    /// When `var`, to be assigned, is also the table or key of an earlier target, that target uses a copy.
    fn save_conflicts(&mut self, places: &mut [Exp], var: &Exp) -> Result<()> {
        let copy = self.fs.free_reg;
        let (base_hit, key_hit) = match var.kind {
            Kind::Local(r) => (Base::Reg(r), Some(Key::Reg(r))),
            Kind::Cell(r) => (Base::Cell(r), Some(Key::Cell(r))),
            Kind::Upval(u) => (Base::Upval(u), None),
            _ => return Ok(()),
        };
        let mut conflict = false;
        for place in places {
            let Kind::Indexed(base, key) = &mut place.kind else {
                continue;
            };
            if *base == base_hit {
                *base = Base::Reg(copy);
                conflict = true;
            }
            if Some(*key) == key_hit {
                *key = Key::Reg(copy);
                conflict = true;
            }
        }
        if conflict {
            let op = match var.kind {
                Kind::Local(_) => Op::Move,
                Kind::Cell(_) => Op::GetCell,
                _ => Op::GetUpval,
            };
            let (Kind::Local(from) | Kind::Cell(from) | Kind::Upval(from)) = var.kind else {
                return Ok(());
            };
            self.emit_abcd(op, copy, from, 0, 0);
            self.reserve(1)?;
        }
        Ok(())
    }

    /// Makes `given` expressions, the last of them `last`, provide `wanted` values in consecutive registers.
    pub(super) fn adjust(&mut self, wanted: u32, given: u32, last: Option<Exp>) -> Result<()> {
        let needed = i64::from(wanted) - i64::from(given);
        match last {
            Some(e) if e.is_open() => self.set_results(&e, Some((needed + 1).max(0) as u32))?,
            last => {
                if let Some(mut e) = last {
                    self.put_next(&mut e)?;
                }
                if needed > 0 {
                    // The registers are reserved below; nil fills them before.
                    self.check_stack(needed as u32)?;
                    self.load_nil(self.fs.free_reg, needed as u32);
                }
            }
        }
        if needed > 0 {
            self.reserve(needed as u32)?;
        } else {
            self.fs.free_reg -= (-needed) as u32;
        }
        Ok(())
    }
}
