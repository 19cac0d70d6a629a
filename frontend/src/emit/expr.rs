//! Walking expressions.

use super::code::ConstKey;
use super::exp::{Base, Exp, Key, Kind};
use super::{Emitter, Result};
use crate::ast::{BinOp, ExprId, ExprKind, FieldKey, Span, VarRef};
use crate::bytecode::Instr;
use crate::bytecode::op::Op;

/// Array elements stored by one `SETLIST`.
const FIELDS_PER_FLUSH: u32 = 50;
/// Largest integer key with an instruction of its own (the reference's limit, which error messages show).
const MAX_INT_KEY: i64 = 255;
/// Largest constant index in a 16-bit operand.
const MAX_K16: u32 = u16::MAX as u32;

impl Emitter<'_> {
    /// Describes an expression, emitting what must be computed first. The left spine is walked in a loop.
    pub(super) fn expr(&mut self, id: ExprId) -> Result<Exp> {
        let ast = self.ast;
        let mark = self.spine.len();
        let mut id = id;
        loop {
            let below = match ast.expr(id).kind {
                ExprKind::Binary { left, .. } => left,
                ExprKind::Field { obj, .. } | ExprKind::Index { obj, .. } => obj,
                ExprKind::Call { func, .. } => func,
                ExprKind::Method { obj, .. } | ExprKind::MethodName { obj, .. } => obj,
                _ => break,
            };
            self.spine.push(id);
            id = below;
        }
        let mut e = self.leaf(id)?;
        while self.spine.len() > mark {
            if let Some(id) = self.spine.pop() {
                self.apply(id, &mut e)?;
            }
        }
        Ok(e)
    }

    fn leaf(&mut self, id: ExprId) -> Result<Exp> {
        let node = *self.ast.expr(id);
        let e = match node.kind {
            ExprKind::Const(value) | ExprKind::Folded { value, .. } => Kind::from(value).into(),
            ExprKind::Vararg { prev_line } => {
                self.line = prev_line;
                Kind::Vararg(self.emit_abcd(Op::VarArg, 0, 0, 1, 0)).into()
            }
            ExprKind::Function(func) => {
                let index = self.inner_function(func)?;
                self.line = node.line;
                let mut e = Kind::Reloc(self.emit_abd(Op::Closure, 0, 0, index)).into();
                self.put_next(&mut e)?;
                e
            }
            ExprKind::Var { place, .. } => self.place(place).into(),
            ExprKind::Global { name, env } => {
                self.line = node.line;
                let mut env = Exp::from(self.place(env));
                if let VarRef::Const(_) = self.global_env(id) {
                    self.put_any(&mut env)?;
                }
                self.index(env, Kind::Str(name).into())?
            }
            ExprKind::Paren(inner) => {
                let mut e = self.expr(inner)?;
                self.line = node.line;
                if !e.is_late_cell() {
                    self.discharge_vars(&mut e)?;
                }
                e
            }
            ExprKind::Unary { op, line, operand } => {
                let mut e = self.expr(operand)?;
                self.unary(op, &mut e, line)?;
                return Ok(e);
            }
            ExprKind::Table { fields, prev_line } => self.table(fields, prev_line, node.line)?,
            _ => unreachable!("the left spine ends in a leaf"),
        };
        self.line = node.line;
        Ok(e)
    }

    fn global_env(&self, id: ExprId) -> VarRef {
        match self.ast.expr(id).kind {
            ExprKind::Global { env, .. } => env,
            _ => unreachable!("asked for a global"),
        }
    }

    /// Applies a node of the left spine to what is below it.
    fn apply(&mut self, id: ExprId, e: &mut Exp) -> Result<()> {
        let node = *self.ast.expr(id);
        match node.kind {
            ExprKind::Binary {
                op, line, right, ..
            } => {
                self.line = line;
                self.infix(op, e)?;
                let mut right = self.expr(right)?;
                self.postfix(op, e, &mut right, line)?;
                // And-or chains may end in the right operand's description.
                if matches!(op, BinOp::And | BinOp::Or) {
                    *e = right;
                }
            }
            ExprKind::Field { name, .. } => {
                self.put_any_or_late(e)?;
                self.line = node.line;
                *e = self.index(*e, Kind::Str(name).into())?;
            }
            ExprKind::Index { key, .. } => {
                self.put_any_or_late(e)?;
                let mut key = self.expr(key)?;
                self.put_value(&mut key)?;
                self.line = node.line;
                *e = self.index(*e, key)?;
            }
            ExprKind::Call { args, line, .. } => {
                self.put_next(e)?;
                self.call(e, args, line, node.line)?;
            }
            ExprKind::MethodName { name, .. } => {
                self.line = node.line;
                self.self_call(e, name)?;
            }
            ExprKind::Method { args, line, .. } => self.call(e, args, line, node.line)?,
            _ => unreachable!("only these nodes are on a left spine"),
        }
        Ok(())
    }

    /// `table[key]`, with `table` in a register, a cell or an upvalue.
    pub(super) fn index(&mut self, mut table: Exp, mut key: Exp) -> Result<Exp> {
        let mut str_key = None;
        if let (Kind::Str(s), false) = (key.kind, key.has_jumps()) {
            let k = self.constant(ConstKey::Str(s));
            key.kind = Kind::K(k);
            str_key = (k <= MAX_K16).then_some(k);
        }
        if matches!(table.kind, Kind::Upval(_)) && str_key.is_none() {
            self.put_any(&mut table)?;
        }
        let base = match table.kind {
            Kind::Upval(u) => Base::Upval(u),
            Kind::Cell(c) => Base::Cell(c),
            Kind::Local(r) | Kind::Fixed(r) => Base::Reg(r),
            _ => Base::Reg(self.put_any(&mut table)?),
        };
        let key = match (str_key, key.kind) {
            (Some(k), _) => Key::Str(k),
            (None, Kind::Int(i @ 0..=MAX_INT_KEY)) if !key.has_jumps() => Key::Int(i as u32),
            (None, Kind::Cell(c)) if !key.has_jumps() => Key::Cell(c),
            _ => Key::Reg(self.put_any(&mut key)?),
        };
        Ok(Kind::Indexed(base, key).into())
    }

    /// Puts all but the last expression of a list in consecutive registers and describes the last.
    pub(super) fn expr_list(&mut self, list: Span) -> Result<Option<Exp>> {
        let ast = self.ast;
        let mut last = None;
        for item in ast.list(list) {
            let mut e = self.expr(item.expr)?;
            self.near = item.next_pos;
            if item.sep_line != 0 {
                self.line = item.sep_line;
                self.put_next(&mut e)?;
            }
            last = Some(e);
        }
        Ok(last)
    }

    fn table(&mut self, fields: Span, prev_line: u32, line: u32) -> Result<Exp> {
        self.line = prev_line;
        let pc = self.emit_cached(Op::NewTable, 0, 0, 0);
        let table = self.fs.free_reg;
        self.set_a(pc, table);
        self.reserve(1)?;
        let ast = self.ast;
        let mut pending: Option<Exp> = None;
        let (mut records, mut stored, mut waiting) = (0u32, 0u32, 0u32);
        for field in &ast.fields[fields.range()] {
            match field.key {
                FieldKey::Next => {
                    pending = Some(self.expr(field.value)?);
                    waiting += 1;
                }
                FieldKey::Name(name) => self.record(table, Kind::Str(name).into(), field.value)?,
                FieldKey::Expr { key, eq_line } => {
                    let free = self.fs.free_reg;
                    let mut key = self.expr(key)?;
                    self.put_value(&mut key)?;
                    self.line = eq_line;
                    self.record(table, key, field.value)?;
                    self.fs.free_reg = free;
                }
            }
            records += u32::from(!matches!(field.key, FieldKey::Next));
            self.near = field.next_pos;
            if field.sep_line != 0 {
                self.line = field.sep_line;
                // Whether another field follows shows when the list goes on; the last value may be open.
                let is_last = std::ptr::eq(field, &ast.fields[fields.range().end - 1]);
                if let Some(mut e) = pending.take_if(|_| !is_last) {
                    self.put_next(&mut e)?;
                    if waiting == FIELDS_PER_FLUSH {
                        self.set_list(table, stored, waiting);
                        stored += waiting;
                        waiting = 0;
                    }
                }
            }
        }
        self.line = line;
        if waiting > 0 {
            match pending {
                Some(e) if e.is_open() => {
                    self.set_results(&e, None)?;
                    self.set_list(table, stored, 0);
                    // Calls give one value most often.
                    stored += waiting - u32::from(matches!(e.kind, Kind::Vararg(_)));
                }
                last => {
                    if let Some(mut e) = last {
                        self.put_next(&mut e)?;
                    }
                    self.set_list(table, stored, waiting);
                    stored += waiting;
                }
            }
        }
        let most = |n: u32| n.min(u32::from(u16::MAX)) as u16;
        let cache = self.instr(pc).d() as u16;
        let new = Instr::abcd(
            Op::NewTable,
            table as u8,
            most(records),
            most(stored),
            cache,
        );
        self.set_instr(pc, new);
        Ok(Kind::Fixed(table).into())
    }

    /// `[key] = value` in a constructor.
    fn record(&mut self, table: u32, key: Exp, value: ExprId) -> Result<()> {
        let free = self.fs.free_reg;
        let place = self.index(Kind::Fixed(table).into(), key)?;
        let mut value = self.expr(value)?;
        self.store(&place, &mut value)?;
        self.fs.free_reg = free;
        Ok(())
    }

    fn set_list(&mut self, table: u32, stored: u32, count: u32) {
        self.emit_abd(Op::SetList, table, count, stored);
        self.fs.free_reg = table + 1;
    }
}
